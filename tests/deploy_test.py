#!/usr/bin/env python3
"""What deploy/ and docker-compose.yml say, held against the program: the compose file is valid, commands are ours,
topics are those of the pipeline, the dashboard's metrics exist.

    tests/deploy_test.py [--ebb build/release/bin/ebb]
"""

import json
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EBB = os.path.join(ROOT, "build/release/bin/ebb")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, **more)


def compose():
    """The file as docker-compose understands it."""
    done = run("docker-compose", "config")
    assert done.returncode == 0, done.stderr
    # Its output is YAML; the YAML reader of the JSON Schema tests turns it into JSON.
    script = ("const yaml = require('js-yaml'), text = require('fs').readFileSync(0, 'utf8');"
              "process.stdout.write(JSON.stringify(yaml.load(text)))")
    return json.loads(run("node", "-e", script, input=done.stdout,
                          env={**os.environ, "NODE_PATH": "/usr/share/nodejs"}).stdout)


class ComposeTest(unittest.TestCase):
    def test_the_file_is_valid_and_its_files_are_there(self):
        services = compose()["services"]
        self.assertEqual(set(services), {"kafka", "customers", "feed", "ebb", "alerts"})
        self.assertTrue(os.access(os.path.join(ROOT, "deploy/feed.sh"), os.X_OK))
        self.assertTrue(os.path.exists(os.path.join(ROOT, services["customers"]["build"]["dockerfile"])))

    def test_the_commands_are_ours(self):
        services = compose()["services"]
        for name in ("customers", "ebb"):
            command, *words = services[name]["command"]
            said = run(EBB, command, "--help").stdout
            for word in words:
                if word.startswith("--"):
                    self.assertIn(word, said, name)

    def test_the_pipeline_is_good(self):
        done = run(EBB, "check", "deploy/live.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_feed_fills_the_topics_of_the_pipeline(self):
        topics = set(re.findall(r"topic: telecom\.(\w+)", read("deploy/live.yaml"))) - {"alerts", "quarantine"}
        for line in re.findall(r"for topic in ([\w ]+);", read("deploy/feed.sh")):
            self.assertEqual(set(line.split()), topics)

    def test_the_feed_finds_the_customer(self):
        script = re.search(r"sed -E '([^']+)'", read("deploy/feed.sh"))[1]
        for record, customer in (('{"record_id":"r1","subscriber":{"id":"c_1"},"start_ts":1}', "c_1"),
                                 ('{"recharge_id":"p1","subscriber_id":"c_2","ts":1}', "c_2")):
            self.assertEqual(run("sed", "-E", script, input=record + "\n").stdout, f"{customer}\t{record}\n")


class UnitTest(unittest.TestCase):
    def test_the_command_is_ours(self):
        command = re.search(r"^ExecStart=\S+/ebb (.*)$", read("deploy/ebb.service"), re.MULTILINE)[1].split()
        said = run(EBB, command[0], "--help").stdout
        for word in command:
            if word.startswith("--"):
                self.assertIn(word, said)


class DashboardTest(unittest.TestCase):
    def test_the_metrics_exist(self):
        board = json.loads(read("deploy/grafana.json"))
        known = set(re.findall(r'"(ebb_\w+)"', read("serve/metrics.cc")))
        asked = {m for panel in board["panels"] for target in panel["targets"]
                 for m in re.findall(r"ebb_\w+", target["expr"])}
        self.assertTrue(asked)
        for metric in asked:
            self.assertIn(re.sub(r"_(sum|count)$", "", metric), known)


if __name__ == "__main__":
    if "--ebb" in sys.argv:
        EBB = os.path.abspath(sys.argv[sys.argv.index("--ebb") + 1])
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
