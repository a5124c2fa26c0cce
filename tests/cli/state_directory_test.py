#!/usr/bin/env python3
"""State directories from the outside: stopping and going on, looking in, and every way in which one must be refused
without being touched.

The binaries are named by EBB_BINARY (build/release/bin/ebb unless said) and EBB_PROGRESS_WRITER (beside it).
"""

import hashlib
import json
import os
import signal
import subprocess
import time
import unittest

from running import EBB, SHOP, TELECOM, CliTest

PROGRESS_WRITER = os.environ.get("EBB_PROGRESS_WRITER", os.path.join(os.path.dirname(EBB), "progress_writer"))
MADE = ("--customers", "400", "--days", "70", "--batch", "1")
STREAMS = ("alerts", "scores", "quarantine", "shadow")


class StateTest(CliTest):
    def contents(self, folder):
        """Name and content of every file, but for RocksDB's own diary."""
        return {name: hashlib.sha256(self.read(f"{folder}/{name}")).hexdigest()
                for name in os.listdir(self.at(folder)) if not name.startswith("LOG")}

    def wait_for(self, path, running):
        """Until the path is there; fails when the process ends before."""
        deadline = time.monotonic() + 60
        while not os.path.exists(self.at(path)):
            self.assertIsNone(running.poll(), "ended early")
            self.assertLess(time.monotonic(), deadline, f"no {path}")
            time.sleep(0.001)

    def telecom(self, folder, state):
        os.makedirs(self.at(folder), exist_ok=True)
        outputs = [word for stream in STREAMS for word in ("-o", f"{stream}={folder}/{stream}.jsonl")]
        return [EBB, "replay", TELECOM, *MADE, *outputs, "--digest", *(("--state", state) if state else ())]

    def start(self, folder, state):
        running = subprocess.Popen(self.telecom(folder, state), cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def finish():
            if running.poll() is None:
                running.kill()
            running.communicate()
        self.addCleanup(finish)
        return running

    def test_stopped_and_resumed_gives_the_same_bytes(self):
        straight = subprocess.run(self.telecom("straight", None), cwd=self.folder, capture_output=True, text=True,
                                  check=True)
        stops = 0
        while True:
            running = self.start("stopped", "state")
            if stops == 0:
                self.wait_for("stopped/shadow.jsonl", running)  # signals are watched from before
            else:
                self.assertIn("going on from", running.stderr.readline())
            if stops < 4:
                time.sleep(0.05)
                running.send_signal(signal.SIGTERM if stops % 2 else signal.SIGINT)
            out, err = running.communicate(timeout=300)
            if running.returncode == 0:
                break
            self.assertEqual((running.returncode, out), (1, ""), err)
            self.assertIn("the same command goes on from here", err)
            stops += 1
        self.assertGreaterEqual(stops, 1)
        self.assertEqual(out, straight.stdout)
        for stream in STREAMS:
            self.assertEqual(self.read(f"stopped/{stream}.jsonl"), self.read(f"straight/{stream}.jsonl"), stream)

    def test_a_stop_without_state_says_that_nothing_is_kept(self):
        running = self.start("out", None)
        self.wait_for("out/shadow.jsonl", running)
        time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=300)
        self.assertEqual(running.returncode, 1)
        self.assertIn("without --state", err)

    def test_state_shows_what_replay_has_said(self):
        summary = json.loads(self.good("replay", "shop.yaml", "--state", "state", "--json", "--digest"))
        before = self.contents("state")
        state = json.loads(self.good("state", "state", "--json"))
        for key in ("pipeline", "as_of", "customers", "sources", "counters", "digests"):
            self.assertEqual(state[key], summary[key], key)
        self.assertEqual({name: output["lines"] for name, output in state["outputs"].items()}, summary["outputs"])
        self.assertEqual(state["outputs"]["alerts"]["bytes"], len(self.read("alerts.jsonl")))
        self.assertEqual([(log["source"], log["low_offset"]) for log in state["logs"]], [("orders", 37)])
        self.assertTrue(state["finished"])
        text = self.good("state", "state")
        for part in ("shop", state["fingerprint"], state["cursor"], state["digests"]["state"], "all input was read"):
            self.assertIn(part, text)
        self.assertEqual(self.contents("state"), before)

    def test_customers(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        look = ("state", "state", "--pipeline", "shop.yaml")
        rows = [json.loads(line) for line in self.good(*look, "--features").splitlines()]
        self.assertEqual([row["customer_id"] for row in rows], ["ann", "bob"])
        self.assertEqual([row["features"]["spent"] for row in rows], [42, 13.5])
        self.assertEqual(rows[1]["features"]["silence"], 19 * 86400)  # seconds up to the last order of all
        self.assertEqual(rows[1]["alerts"]["quiet"]["reason"], "SILENT")
        self.assertIsNone(rows[0]["alerts"]["quiet"])
        self.assertEqual(json.loads(self.good(*look, "--customer", "bob", "--json")), rows[1])
        table = self.good(*look, "--customer", "bob")
        for part in ("customer bob  as of 2026-01-28T00:00:00.000Z", "silence     19d", "spent       13.5", "SILENT",
                     "open"):
            self.assertIn(part, table)
        self.refused(1, *look, "--customer", "eve", says="knows no customer 'eve'")
        self.refused(2, "state", "state", "--customer", "bob", says="--pipeline FILE")
        self.refused(2, "state", "state", "--features", says="--pipeline FILE")

    def test_verify(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        digest = json.loads(self.good("state", "state", "--json"))["digests"]["state"]
        before = self.contents("state")
        text = self.good("state", "verify", "state", "--pipeline", "shop.yaml")
        self.assertRegex(text, f"^right state: epoch \\d+, 2 customers, state {digest}\n$")
        self.assertIn("rows not decoded", self.good("state", "verify", "state"))
        found = json.loads(self.good("state", "verify", "state", "--json"))
        self.assertEqual((found["customers"], found["digests"]["state"], found["wrong"], found["snapshot"]),
                         (2, digest, [], False))
        self.assertEqual(self.contents("state"), before)
        self.refused(2, "state", "verify", "nowhere", says="nowhere")
        self.refused(2, "state", "state", "state", says="takes one directory")
        self.refused(2, "state", "verify", "state", "--customer", "ann", "--pipeline", "shop.yaml", says="--customer")
        self.write("changed.yaml", SHOP.replace("silence > 5d", "silence > 6d"))
        self.refused(2, "state", "verify", "state", "--pipeline", "changed.yaml", says="another version")

    def test_verify_finds_what_is_wrong(self):
        os.mkdir(self.at("service"))
        self.good("replay", "shop.yaml", "-q", "--state", "service/task-1")
        done = self.ebb("state", "verify", "service")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("wrong service/task-1: the folder is that of task 1", done.stdout)
        with open(self.at("service/task-1/CURRENT"), "wb"):
            pass
        done = self.ebb("state", "verify", "service", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        [sentence] = json.loads(done.stdout)["wrong"]
        self.assertIn("CURRENT names no MANIFEST", sentence)

    def test_another_pipeline_is_refused_and_nothing_touched(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        self.write("changed.yaml", SHOP.replace("silence > 5d", "silence > 6d"))
        self.write("renamed.yaml", SHOP.replace("pipeline: shop", "pipeline: store"))
        before, alerts = self.contents("state"), self.read("alerts.jsonl")
        for name, says in (("changed.yaml", "another version of pipeline 'shop'"),
                           ("renamed.yaml", "belongs to pipeline 'shop'")):
            self.refused(2, "replay", name, "--state", "state", says=says)
            self.refused(2, "state", "state", "--features", "--pipeline", name, says=says)
            self.refused(2, "state", "state", "--customer", "bob", "--pipeline", name, says=says)
        self.assertEqual(self.contents("state"), before)
        self.assertEqual(self.read("alerts.jsonl"), alerts)

    def test_a_state_of_a_newer_version_is_refused(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        subprocess.run([PROGRESS_WRITER, self.at("state"), "99"], check=True)
        before = self.contents("state")
        self.refused(2, "replay", "shop.yaml", "--state", "state", says="newer ebb")
        self.refused(2, "state", "state", says="newer ebb")
        self.assertEqual(self.contents("state"), before)

    def test_other_inputs_are_refused(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        alerts = self.read("alerts.jsonl")
        self.write("orders.jsonl", '{"customer":"eve","ts":"2026-01-01","amount":1}\n')
        self.refused(2, "replay", "shop.yaml", "--state", "state", says="is not the file that the state was made from")
        self.assertEqual(self.read("alerts.jsonl"), alerts)

    def test_two_processes_on_one_state(self):
        first = self.start("first", "state")
        self.wait_for("first/shadow.jsonl", first)  # opened after the state
        first.send_signal(signal.SIGSTOP)
        try:
            os.mkdir(self.at("second"))
            message = self.refused(2, *self.telecom("second", "state")[1:], says="another process")
            self.assertEqual(message.count("\n"), 1)
            self.assertEqual(os.listdir(self.at("second")), [])
        finally:
            first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=300)
        self.assertEqual(first.returncode, 0, err)
        digest = json.loads(self.good("state", "state", "--json"))["digests"]["state"]
        self.assertIn(f"state {digest}", out)

    def test_what_is_no_state_stays_as_it_is(self):
        self.refused(2, "state", "nowhere", says="nowhere")
        self.assertFalse(os.path.exists(self.at("nowhere")))
        os.mkdir(self.at("empty"))
        self.refused(2, "state", "empty", says="empty")
        self.assertEqual(os.listdir(self.at("empty")), [])
        os.mkdir(self.at("strange"))
        self.write("strange/letter.txt", "dear")
        self.refused(2, "state", "strange", says="letter.txt")
        self.refused(2, "replay", "shop.yaml", "--state", "strange", says="letter.txt")
        self.assertEqual(os.listdir(self.at("strange")), ["letter.txt"])
        self.refused(2, "state", "shop.yaml", says="not a directory")

    def test_a_finished_replay_run_again_changes_nothing(self):
        first = self.good("replay", "shop.yaml", "-q", "--digest", "--state", "state")
        alerts = self.read("alerts.jsonl")
        self.assertEqual(self.good("replay", "shop.yaml", "-q", "--digest", "--state", "state"), first)
        self.assertEqual(self.read("alerts.jsonl"), alerts)

    def test_an_output_that_lost_committed_lines_is_refused(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        self.write("alerts.jsonl", "")
        self.refused(2, "replay", "shop.yaml", "--state", "state", says="alerts.jsonl was truncated")


if __name__ == "__main__":
    unittest.main()
