#!/usr/bin/env python3
"""Every command of ebb as its users meet it: results on standard output, messages on standard error, exit codes.

The binary is named by EBB_BINARY (build/release/bin/ebb unless said).
"""

import datetime
import json
import os
import random
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as xml

from running import EBB, FAILING_TEST, ROOT, SHOP, TELECOM, CliTest

COMMANDS = ("check", "explain", "test", "plan", "bench", "schema", "replay", "run", "capture", "verify", "state",
            "generate", "demo", "version", "completion")


class UsageTest(CliTest):
    def test_help_of_every_command_has_example_and_exit_codes(self):
        for command in COMMANDS:
            text = self.good(command, "--help")
            self.assertIn(f"Usage: ebb {command}", text)
            self.assertRegex(text, rf"Example:\n  .*ebb {command}")
            self.assertIn("Exit codes: 0 done, 1 failed, 2 wrong usage or file", text)
            self.assertIn(command, self.good("--help"))

    def test_alone_it_shows_help_and_fails(self):
        self.assertIn("replay", self.refused(2))

    def test_wrong_words_name_the_nearest_right_one(self):
        for words, says in ((("repaly", "x"), ("unknown command 'repaly'", "did you mean 'replay'?")),
                            (("replay", "--sate", "d", "f"), ("unknown option '--sate'", "did you mean '--state'?")),
                            (("replay", "--batchs=3", "f"), ("unknown option '--batchs'", "did you mean '--batch'?")),
                            (("check", "--jsno", "f"), ("did you mean '--json'?",)),
                            (("version", "now"), ("unexpected word 'now'",)),
                            (("replay",), ("FILE is required",)),
                            (("generate", "telecon", "--out", "d"), ("telecom",)),
                            (("completion", "fish"), ("bash", "zsh")),
                            (("replay", "shop.yaml", "--tasks", "0"), ("--tasks",)),
                            (("replay", "shop.yaml", "--tasks", "many"), ("--tasks",)),
                            (("replay", "shop.yaml", "--batch", "0"), ("--batch",)),
                            (("replay", "shop.yaml", "--memory", "64MB"), ("--memory needs --state",)),
                            (("replay", "shop.yaml", "--state", "s", "--memory", "some"), ("--memory",)),
                            (("replay", "shop.yaml", "--state", "s", "--memory", "1KB"), ("--memory",)),
                            (("replay", "shop.yaml", "--from", "soon"), ("--from soon",)),
                            (("replay", "shop.yaml", "--to", "2026-13-01"), ("--to 2026-13-01",)),
                            (("replay", "shop.yaml", "--commit-interval", "10"), ("--commit-interval 10",)),
                            (("replay", "shop.yaml", "--from", "2026-02-01", "--to", "2026-01-01"), ("--from",))):
            self.refused(2, *words, says=says)

    def test_version(self):
        self.assertRegex(self.good("version"), r"^ebb \d+\.\d+\.\d+\n(.*\n)*rocksdb +\d+\.\d+")
        self.assertEqual(json.loads(self.good("version", "--json"))["name"], "ebb")
        self.assertRegex(self.good("--version"), r"^ebb \d+\.\d+\.\d+\n$")

    def test_a_closed_pipe_ends_quietly(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([EBB, "explain", TELECOM], stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        self.assertEqual(done.stderr, b"")
        self.assertNotEqual(done.returncode, 0)

    def test_a_full_disk_behind_standard_output_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([EBB, "explain", TELECOM], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aebb: cannot write to standard output: .*\n\Z")

    def test_colour_is_for_terminals_only(self):
        self.assertIn(b"\x1b[", self.on_terminal("test", "shop.yaml", env={"TERM": "xterm", "NO_COLOR": ""}))
        self.assertNotIn(b"\x1b[", self.on_terminal("test", "shop.yaml", env={"TERM": "xterm", "NO_COLOR": "1"}))
        self.assertNotIn(b"\x1b[", self.on_terminal("test", "shop.yaml", env={"TERM": "dumb", "NO_COLOR": ""}))
        done = self.ebb("replay", "shop.yaml", env={"TERM": "xterm"})
        self.assertNotIn("\x1b", done.stdout + done.stderr)


class FileCommandsTest(CliTest):
    def test_check_counts_what_is_in_a_good_file(self):
        self.assertEqual(self.good("check", "shop.yaml"),
                         "shop.yaml: ok (1 source, 3 features, 1 score, 1 alert, 1 test)\n")
        facts = json.loads(self.good("check", "--json", "shop.yaml"))
        self.assertEqual((facts["errors"], facts["features"], facts["pipeline"]), ([], 3, "shop"))
        self.assertRegex(facts["fingerprint"], r"^[0-9a-f]{16}$")

    def test_check_shows_all_errors_of_all_files(self):
        self.write("broken.yaml", SHOP.replace("agg: count", "agg: cuont").replace("silence > 5d", "silense > 5d"))
        done = self.ebb("check", "broken.yaml", "shop.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("broken.yaml:11:", done.stderr)
        self.assertIn("did you mean 'count'?", done.stderr)
        self.assertIn("did you mean 'silence'?", done.stderr)
        self.assertEqual(done.stdout.count(": ok"), 1)
        done = self.ebb("check", "--json", "broken.yaml", "shop.yaml")
        self.assertEqual(done.returncode, 2)
        broken, good = map(json.loads, done.stdout.splitlines())
        self.assertEqual([error["code"] for error in broken["errors"]], ["E0104", "E0404"])
        self.assertEqual(good["errors"], [])

    def test_a_missing_file_is_one_sentence(self):
        for command in ("check", "explain", "test", "replay"):
            message = self.refused(2, command, "nothing.yaml", says="nothing.yaml")
            self.assertIn("No such file", message)

    def test_explain(self):
        self.assertIn("Pipeline shop", self.good("explain", "shop.yaml"))
        for code in ("E0104", "e0104"):
            self.assertRegex(self.good("explain", code), r"^E0104: unknown aggregation\n\n")
        self.refused(2, "explain", "E9999", says="there is no error E9999")

    def test_explain_draws_the_flow(self):
        text = self.good("explain", "shop.yaml")
        self.assertRegex(text, r"orders +─▶ 3 features ─+▶ gone ─+▶ quiet ─+▶ alerts\n")
        self.assertRegex(text, r"State of one customer: typically \d+ bytes, at most \d+; \d+ in memory\n")
        plain = self.on_terminal("explain", "shop.yaml", env={"TERM": "xterm", "LC_ALL": "C"}).decode()
        self.assertRegex(plain, r"orders +-> 3 features -+> gone -+> quiet -+> alerts")

    def test_explain_as_data_and_as_a_picture(self):
        facts = json.loads(self.good("explain", "--json", "shop.yaml"))
        self.assertEqual([f["name"] for f in facts["features"]], ["orders", "spent", "silence"])
        self.assertEqual(facts["windows"][0]["length"], 30 * 86400 * 1000)
        self.assertEqual(facts["scores"][0]["points"][0]["reason"], "SILENT")
        self.assertGreater(facts["customer_bytes"]["most"], facts["customer_bytes"]["typical"])
        for pipeline in ("shop.yaml", TELECOM):
            picture = xml.fromstring(self.good("explain", "--svg", pipeline))
            self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
            self.assertIn("SOURCES", "".join(picture.itertext()))
        self.refused(2, "explain", "--svg", "--json", "shop.yaml")

    def test_the_bytes_of_a_customer_are_those_of_the_state(self):
        with open(self.at("orders.jsonl"), "w", encoding="utf-8") as file:
            for number in range(33 * 5):
                at = datetime.datetime(2026, 1, 1) + datetime.timedelta(days=number / 5)
                for customer in range(10):
                    file.write(json.dumps({"customer": f"c_{customer:010}", "ts": at.isoformat() + "Z",
                                           "amount": 1 + number * 37 % 200}) + "\n")
        told = json.loads(self.good("explain", "--json", "shop.yaml"))["customer_bytes"]["typical"]
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        state = json.loads(self.good("state", "state", "--json"))
        measured = state["bytes"] / state["customers"]
        self.assertLess(abs(told - measured), 0.2 * measured, (told, measured))

    def test_plan_tells_what_is_kept(self):
        same = json.loads(self.good("plan", "--json", "shop.yaml", "shop.yaml"))
        self.assertTrue(same["same_state"])
        self.assertEqual({part["fate"] for kind in ("sources", "features", "scores", "alerts")
                          for part in same[kind].values()}, {"kept"})
        self.assertIn("serves shop.yaml as it is", self.good("plan", "shop.yaml", "shop.yaml"))
        with open(self.at("shop.yaml"), encoding="utf-8") as file:
            shop = file.read()
        # A field of the source, a window, an alert: each takes with it what reads it.
        for old, new, changed in (("type: decimal(2)", "type: decimal(3)",
                                   {"orders": ("sources", "changed"), "spent": ("features", "source orders changed"),
                                    "gone": ("scores", "feature silence changed")}),
                                  ("silence:", "calm: {from: orders, agg: recency}\n  silence:",
                                   {"calm": ("features", "new")})):
            self.assertIn(old, shop)
            self.write("next.yaml", shop.replace(old, new))
            plan = json.loads(self.good("plan", "--json", "shop.yaml", "next.yaml"))
            self.assertFalse(plan["same_state"])
            for name, (kind, why) in changed.items():
                self.assertEqual(plan[kind][name], {"fate": "backfilled", "why": why})
            back = json.loads(self.good("plan", "--json", "next.yaml", "shop.yaml"))
            if "calm" in changed:
                self.assertEqual(back["features"]["calm"], {"fate": "dropped"})
                self.assertEqual(back["features"]["spent"], {"fate": "kept"})
        self.refused(2, "plan", "shop.yaml", "nowhere.yaml", says="nowhere.yaml")

    def test_bench_measures_without_writing(self):
        before = sorted(os.listdir(self.at("")))
        told = json.loads(self.good("bench", "--json", TELECOM, "--customers", "20", "--days", "20"))
        self.assertGreater(told["records"], 1000)
        self.assertGreater(told["cpu_us_per_record"], 0)
        self.assertIn("records/s", self.good("bench", "shop.yaml", "--tasks", "2", "--state", "state"))
        self.assertEqual(sorted(os.listdir(self.at(""))), sorted([*before, "state"]))
        self.refused(2, "bench", "shop.yaml", "--state", "state", says="must be a new one")

    def test_forty_features_take_less_than_1500_bytes(self):
        """Of a customer with five records a day, as told and as stored."""
        streams = {"calls": ("start_ts", {"duration_s": 60, "dropped": False, "charge": 0.25, "callee": "1"}),
                   "recharges": ("ts", {"amount": 10}), "complaints": ("ts", {})}
        rng, inputs = random.Random(1), []
        for number, (name, (time, fields)) in enumerate(streams.items()):
            with open(self.at(f"{name}.jsonl"), "w", encoding="utf-8") as file:
                for event in range(33 * 5 // 3):
                    at = 1767225600000 + (event * 3 + number) * 86400000 // 5
                    for customer in range(10):
                        varied = dict(fields, duration_s=rng.randrange(1, 300), callee=str(rng.randrange(20)),
                                      dropped=rng.random() < 0.25, charge=rng.randrange(1, 30000) / 10000,
                                      amount=rng.randrange(1, 3000) / 100)
                        file.write(json.dumps({"subscriber_id": f"c_{customer:010}", time: at + rng.randrange(3600000),
                                               **{k: varied[k] for k in fields}}) + "\n")
            inputs += ["--input", f"{name}={self.at(name + '.jsonl')}"]
        pipeline = os.path.join(ROOT, "config", "pipelines", "bench.yaml")
        explained = json.loads(self.good("explain", "--json", pipeline))
        self.assertGreaterEqual(len(explained["features"]), 40)
        told = explained["customer_bytes"]["typical"]
        self.good("replay", pipeline, "-q", "--state", "state", "--output", "alerts=-", *inputs)
        state = json.loads(self.good("state", "state", "--json"))
        measured = state["bytes"] / state["customers"]
        self.assertLess(max(told, measured), 1500)
        self.assertLess(abs(told - measured), 0.2 * measured, (told, measured))

    def test_a_history_shows_how_a_customer_came_about(self):
        self.good("replay", "shop.yaml", "-q", "--state", "state")
        asked = ("state", "state", "--pipeline", "shop.yaml", "--customer", "ann", "--history", "2")
        shown = json.loads(self.good(*asked, "--json"))
        history = shown["history"]
        self.assertTrue(history["same"])
        self.assertEqual(history["at"][-1], shown["as_of"])
        self.assertEqual(history["at"], sorted(history["at"]))
        for name, value in shown["features"].items():
            self.assertEqual(len(history["features"][name]), len(history["at"]))
            self.assertEqual(history["features"][name][-1], value)
        self.assertIn("History, ", self.good(*asked))
        with open(self.at("orders.jsonl"), encoding="utf-8") as file:
            lines = file.readlines()
        self.write("orders.jsonl", "".join(line for line in lines[1:]))
        self.assertFalse(json.loads(self.good(*asked, "--json"))["history"]["same"])
        self.assertIn("The inputs don't give what the state says", self.good(*asked))
        self.refused(2, "state", "state", "--pipeline", "shop.yaml", "--history", "2", says="add --customer ID")

    def test_test_passes_and_fails(self):
        self.assertEqual(self.good("test", "shop.yaml"), "✓ a silent customer is noticed\n1 of 1 test passed\n")
        self.assertEqual(self.good("test", "--thorough", "shop.yaml").count("✓"), 4)
        verbose = self.good("test", "-v", "shop.yaml")
        self.assertIn("quiet opened at 5d1ms (SILENT)", verbose)
        self.write("failing.yaml", SHOP + FAILING_TEST)
        done = self.ebb("test", "failing.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("✗"), 1)
        self.assertIn("failing.yaml:40: expected no alert quiet", done.stdout)
        self.assertIn("quiet opened at 5d1ms (SILENT)", done.stdout)
        self.assertIn("failing.yaml:41: expected feature spent of ann at 1d is 2\n        it is 1.5\n", done.stdout)
        self.assertIn("1 of 2 tests passed", done.stdout)
        facts = json.loads(self.ebb("test", "--json", "failing.yaml").stdout)
        self.assertEqual((facts["failed"], [test["passed"] for test in facts["tests"]]), (1, [True, False]))

    def test_update_writes_what_happened(self):
        text = SHOP.replace("is: 1.5}", "is: 99}   # spent") + FAILING_TEST
        self.write("failing.yaml", text)
        done = self.ebb("test", "--update", "failing.yaml")
        right = text.replace("is: 99}", "is: 1.5}").replace("is: 2}", "is: 1.5}")
        self.assertEqual(self.read("failing.yaml").decode(), right)
        told = "failing.yaml:33: 99 -> 1.5\nfailing.yaml:41: 2 -> 1.5\n✓ a silent"
        self.assertEqual(done.stdout[:len(told)], told)
        self.assertEqual((done.returncode, done.stderr), (1, ""))  # no value can say that the alert came
        self.assertIn("1 of 2 tests passed", done.stdout)
        self.write("good.yaml", text.replace("none: true", "at: 1d"))
        self.assertIn("2 of 2 tests passed", self.good("test", "--update", "good.yaml"))
        self.assertNotIn("->", self.good("test", "--update", "good.yaml"))
        self.refused(2, "test", "--update", "--json", "good.yaml", says="--json")

    def test_a_pipeline_out_of_several_files(self):
        os.mkdir(self.at("lib"))
        self.write("lib/shop.yaml", SHOP)
        self.write("lib/orders.jsonl", self.read("orders.jsonl").decode())
        self.write("own.yaml", "include: lib/shop.yaml\npipeline: own\nalerts: {quiet: {when: \"gone > 0.99\"}}\n")
        self.assertIn("Includes lib/shop.yaml\n", self.good("explain", "own.yaml"))
        self.assertEqual(json.loads(self.good("explain", "--json", "own.yaml"))["includes"], ["lib/shop.yaml"])
        self.good("replay", "own.yaml", "--state", "state")
        self.assertEqual(self.read("alerts.jsonl"), b"")
        self.good("state", "state", "--pipeline", "own.yaml", "--customer", "ann")
        self.write("lib/shop.yaml", SHOP.replace("add: 3", "add: 4"))
        self.refused(2, "state", "state", "--pipeline", "own.yaml", "--customer", "ann", says="fingerprint")
        self.write("lib/shop.yaml", SHOP.replace("agg: count", "agg: cuont"))
        self.refused(2, "check", "own.yaml", says=("lib/shop.yaml:11:31: error E0104", "included at own.yaml:1:10"))
        self.write("pack.yaml", "include: pack:telecom\n")
        self.assertRegex(self.good("check", "pack.yaml"), r"6 sources, \d+ features, .* 0 tests")

    def test_other_time_zone_data_are_another_pipeline(self):
        quiet = "quiet: {from: 21h, to: 8h, zone: Europe/Berlin}"
        self.write("zone.yaml", SHOP.replace('quiet: {when: "gone > 0.6"}', f'quiet: {{when: "gone > 0.6", {quiet}}}'))
        usual = json.loads(self.good("check", "--json", "zone.yaml"))["fingerprint"]
        os.makedirs(self.at("zones/Europe"))
        shutil.copy("/usr/share/zoneinfo/Europe/London", self.at("zones/Europe/Berlin"))
        env = {"TZDIR": self.at("zones")}
        other = json.loads(self.good("check", "--json", "zone.yaml", env=env))["fingerprint"]
        self.assertNotEqual(usual, other)
        self.good("replay", "zone.yaml", "--state", "state")
        self.refused(2, "replay", "zone.yaml", "--state", "state", says=(usual, other), env=env)
        self.assertIn("tzdata", self.refused(2, "check", "zone.yaml", env={"TZDIR": self.at("none")}))

    def test_the_shipped_pipelines_pass_their_tests(self):
        for name in ("telecom.yaml", "ecommerce.yaml", "bank.yaml", "online_retail.yaml"):
            self.good("test", "--thorough", os.path.join(os.path.dirname(TELECOM), name))

    def test_a_record_that_the_pipeline_refuses_is_named(self):
        text = SHOP.replace("disorder: 1h}", "disorder: 1h, max_jump: 1d}")
        self.write("jump.yaml", text + "      - {feature: orders, customer: bob, at: 9d, is: 1}\n" +
                   "  - name: a jump\n    given:\n      - {orders: {at: 0d, customer: ann, amount: 1}}\n"
                   "      - {orders: {at: 8d, customer: bob, amount: 1}}\n    expect:\n"
                   "      - {feature: orders, customer: bob, at: 8d, is: 1}\n")
        done = self.ebb("test", "jump.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 of the records of orders went to the quarantine: time_jump", done.stdout)


class ReplayTest(CliTest):
    def test_happy_path(self):
        done = self.ebb("replay", "shop.yaml")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("Warned: quiet", done.stderr)
        alerts = [json.loads(line) for line in self.read("alerts.jsonl").splitlines()]
        self.assertEqual([(a["customer_id"], a["status"]) for a in alerts], [("bob", "opened")])

    def test_quiet_json_and_digest(self):
        done = self.ebb("replay", "shop.yaml", "--quiet")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        summary = json.loads(self.good("replay", "shop.yaml", "--json", "--digest"))
        self.assertEqual((summary["customers"], summary["sources"]["orders"]["used"]), (2, 37))
        digests = self.good("replay", "shop.yaml", "-q", "--digest", "--tasks", "3", "--batch", "1")
        self.assertEqual(digests, "outputs {outputs}\nstate {state}\n".format(**summary["digests"]))

    def test_inputs_and_outputs_by_option(self):
        os.rename(self.at("orders.jsonl"), self.at("part-1.jsonl"))
        self.write("part-2.jsonl", "")
        out = self.good("replay", "shop.yaml", "-q", "--input", "orders=part-*.jsonl", "-o", "alerts=-")
        self.assertEqual(json.loads(out)["customer_id"], "bob")
        self.assertFalse(os.path.exists(self.at("alerts.jsonl")))
        # One source needs no name, and standard input is a file like others.
        with open(self.at("part-1.jsonl"), encoding="utf-8") as file:
            self.assertEqual(self.good("replay", "shop.yaml", "-q", "-i", "-", "-o", "alerts=-", stdin=file), out)

    def test_range(self):
        summary = json.loads(self.good("replay", "shop.yaml", "--json", "--from", "2026-01-03", "--to", "2026-01-05"))
        orders = summary["sources"]["orders"]
        self.assertEqual((orders["used"], orders["filtered"]), (6, 31))  # the midnight of the 5th is the last instant
        self.assertEqual(summary["as_of"], "2026-01-05T00:00:00.000Z")
        summary = json.loads(self.good("replay", "shop.yaml", "--json", "--to", "2026-03-01T12:00:00Z"))
        self.assertEqual((summary["as_of"], summary["alerts"]["quiet"]["customers"]), ("2026-03-01T12:00:00.000Z", 2))

    def test_wrong_inputs_and_outputs(self):
        self.refused(2, "replay", "shop.yaml", "-i", "order=orders.jsonl", says="did you mean 'orders'?")
        self.refused(2, "replay", "shop.yaml", "-i", "orders=", says="NAME=PATH")
        self.refused(2, "replay", "shop.yaml", "-i", "orders=none.jsonl", says="none.jsonl")
        self.refused(2, "replay", TELECOM, "-i", "calls.jsonl", says="say which: --input NAME=calls.jsonl")
        self.refused(2, "replay", "shop.yaml", "-o", "alert=x", says="did you mean 'alerts'?")
        self.refused(2, "replay", "shop.yaml", "-o", "x", says="STREAM=PATH")
        self.refused(2, "replay", "shop.yaml", "-o", "alerts=x", "-o", "scores=x", says="can't both go to x")
        self.refused(2, "replay", "shop.yaml", "-o", "alerts=no/such/folder/a.jsonl", says="no/such/folder/a.jsonl")
        os.mkdir(self.at("folder"))
        message = self.refused(2, "replay", "shop.yaml", "-o", "alerts=folder", says="folder")
        self.assertEqual(message.count("\n"), 1)

    def test_a_full_disk_is_one_clear_sentence(self):
        for more in ((), ("--state", "state")):
            message = self.refused(1, "replay", "shop.yaml", "-q", "-o", "alerts=/dev/full", *more, says="/dev/full")
            self.assertEqual(message.count("\n"), 1)
            self.assertIn("no space is left", message)


class TruthTest(CliTest):
    """What `replay --truth` says, worked out anew from the alerts and the records."""

    HORIZON = 60 * 86400

    def setUp(self):
        super().setUp()
        self.write("truth.csv", "customer_id,leaves_at,cause\nann,2026-01-20,price\nbob,,\ncat,2026-01-03T12:00:00Z,\n")
        lines = [("ann", day) for day in (1, 2, 3, 10)] + [("bob", day) for day in (1, 4, 16, 19, 27)] + [("cat", 1)]
        lines.sort(key=lambda line: line[1])
        self.write("orders.jsonl", "".join(json.dumps({"customer": c, "ts": f"2026-01-{d:02}T00:00:00Z", "amount": 1})
                                           + "\n" for c, d in lines))

    def test_rules_are_judged_beside_silence_alone(self):
        facts = json.loads(self.good("replay", "shop.yaml", "--json", "-q", "--truth", "truth.csv"))["truth"]
        self.assertEqual((facts["customers"], facts["left"], facts["horizon_s"]), (3, 2, self.HORIZON))
        rule = facts["rules"]["quiet"]
        # Silences of five days: ann's from the 3rd and from the 10th, bob's from the 4th and 19th, cat's from the 1st.
        self.assertEqual({key: rule[key] for key in ("warnings", "right", "afterwards", "wrong", "in_time")},
                         {"warnings": 5, "right": 2, "afterwards": 1, "wrong": 2, "in_time": 1})
        self.assertEqual((rule["precision"], rule["recall"]), (0.4, 0.5))
        self.assertEqual(rule["median_lead_s"], 12 * 86400 - 1)  # from the 8th to the 20th
        silence = rule["by_silence"]
        # All five silences are at least seven days long, the shortest exactly.
        self.assertEqual((silence["silence_s"], silence["warnings"]), (7 * 86400, 5))
        self.assertEqual((silence["right"], silence["afterwards"], silence["wrong"]), (2, 1, 2))

    def test_scores_are_judged_by_pairs(self):
        facts = json.loads(self.good("replay", "shop.yaml", "--json", "-q", "--truth", "truth.csv"))["truth"]
        # Thursdays: on the 1st nobody has a record yet; on the 8th ann has been silent for 5 days, bob for 4; on the
        # 15th ann for 5, bob for 11. Cat has left. So one of the two pairs is right.
        self.assertEqual(facts["scores"]["gone"]["silence_auc"], 0.5)

    def test_it_changes_no_result(self):
        plain = self.good("replay", "shop.yaml", "--digest", "-q")
        for more in ((), ("--tasks", "3"), ("--batch", "1")):
            judged = self.good("replay", "shop.yaml", "--digest", "-q", "--truth", "truth.csv", *more)
            self.assertTrue(judged.endswith(plain), judged)
        text = self.good("replay", "shop.yaml", "-q", "--truth", "truth.csv", "--horizon", "11d")
        self.assertIn("2 of 3 customers left; a warning is right up to 11 days before", text)
        self.assertRegex(text, r"quiet +5 +1 +1 +3 +20.0 % +50.0 % +5 days")
        self.assertRegex(text, r"by silence of 7 days alone +5 ")

    def test_what_is_refused(self):
        self.refused(2, "replay", "shop.yaml", "--truth", "nowhere.csv", says="cannot read the truth file nowhere.csv")
        self.refused(2, "replay", "shop.yaml", "--truth", "truth.csv", "--state", "s", says="don't go together")
        self.write("truth.csv", "customer\nann\n")
        self.refused(2, "replay", "shop.yaml", "--truth", "truth.csv", says="no column customer_id")


class GenerateAndDemoTest(CliTest):
    def test_the_same_seed_writes_the_same_files(self):
        for folder, seed in (("a", "7"), ("b", "7"), ("c", "8")):
            out = self.good("generate", "telecom", "--out", folder, "--customers", "20", "--days", "10", "--seed", seed,
                            "--start", "2025-06-01")
            names = ("calls", "recharges", "complaints", "usage", "ports", "surveys")
            self.assertEqual(out.split(), [f"{folder}/{name}.jsonl" for name in names] + [f"{folder}/truth.csv"])
        for name in os.listdir(self.at("a")):
            self.assertEqual(self.read(f"a/{name}"), self.read(f"b/{name}"), name)
        self.assertNotEqual(self.read("a/calls.jsonl"), self.read("c/calls.jsonl"))
        self.assertEqual(len(self.read("a/truth.csv").splitlines()), 21)

    def test_faults_come_on_request(self):
        amount = ("--customers", "30", "--days", "40")
        self.good("generate", "bank", "--out", "clean", *amount)
        self.good("generate", "bank", "--out", "faulty", *amount, "--duplicates", "0.1", "--bad-records", "0.05",
                  "--disorder", "6h", "--no-cause")
        clean, faulty = (self.read(f"{folder}/cards.jsonl").splitlines() for folder in ("clean", "faulty"))
        self.assertGreater(len(faulty), 1.1 * len(clean))
        self.assertNotIn(b"competitor", self.read("faulty/truth.csv"))
        facts = json.loads(self.good("replay", os.path.join(os.path.dirname(TELECOM), "bank.yaml"), "--json", *amount,
                                     "--duplicates", "0.1", "--bad-records", "0.05"))
        reasons = {reason for source in facts["sources"].values() for reason in source["quarantined"]}
        self.assertLessEqual({"json_syntax", "bad_time", "time_out_of_range"}, reasons)

    def test_wrong_options(self):
        self.refused(2, "generate", "telecom", "--out", "d", "--customers", "0", says="customers must be 1 to")
        self.refused(2, "generate", "telecom", "--out", "d", "--start", "2026-01-01T10:00:00Z", says="midnight")
        self.refused(2, "generate", "telecom", "--out", "d", "--duplicates", "0.7", says="0% to 50%")
        self.refused(2, "generate", "telecom", "--out", "d", "--disorder", "40d", says="disorder must be 0s to 30d")
        self.refused(2, "demo", "--days", "0", says="days must be 1 to")
        self.assertFalse(os.path.exists(self.at("d")))

    def test_demo_adds_up(self):
        facts = json.loads(self.good("demo", "--customers", "300", "--days", "90", "--out", "demo", "--json", "-q"))
        left, warnings = facts["left"], facts["warnings"]
        self.assertEqual(left["left"], left["in_time"] + left["afterwards"] + left["never"])
        self.assertEqual(left["left"], sum(cause["left"] for cause in facts["causes"].values()))
        self.assertEqual(warnings["sent"], warnings["right"] + warnings["afterwards"] + warnings["wrong"])
        rows = [line.split(",") for line in self.read("demo/truth.csv").decode().splitlines()[1:]]
        leaves = {row[0]: row[1] for row in rows}
        self.assertEqual((len(rows), sum(at != "" for at in leaves.values())), (300, left["left"]))
        alerts = [json.loads(line) for name in ("alerts", "shadow")
                  for line in self.read(f"demo/{name}.jsonl").splitlines()]
        opened = [a for a in alerts if a["rule"] == "leaving" and a["status"] == "opened"]
        self.assertEqual(len(opened), warnings["sent"])
        after = sum((leaves[a["customer_id"]] or "9999") <= a["event_time"] for a in opened)
        self.assertEqual(after, warnings["afterwards"])

    def test_the_commands_that_demo_suggests_work(self):
        text = self.good("demo", "--customers", "60", "--days", "70", "--out", "demo", "-q")
        for part in ("Those who left", "The warnings", "why they left"):
            self.assertIn(part, text)
        commands = re.split(r"\n  [A-Z].*:\n", text.split("What next\n", 1)[1].join(("\n", "")))[1:]
        self.assertEqual(len(commands), 3)
        for command, code in zip(commands, (0, 2, 0)):
            done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, code, command + done.stderr)


class CompletionTest(CliTest):
    def complete(self, *words):
        script = self.good("completion", "bash")
        line = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(["bash", "-c", f'{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _ebb\n'
                               'printf "%s\\n" "${COMPREPLY[@]}"'], cwd=self.folder, capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("ebb", "rep"), ["replay"])
        self.assertEqual(sorted(self.complete("ebb", "")), sorted(COMMANDS))
        self.assertEqual(self.complete("ebb", "replay", "--state"), ["--state"])
        self.assertEqual(sorted(self.complete("ebb", "replay", "--st")), ["--start", "--state"])
        self.assertEqual(self.complete("ebb", "completion", "z"), ["zsh"])
        self.assertEqual(self.complete("ebb", "generate", ""), ["telecom", "ecommerce", "bank", "subscription"])
        self.assertEqual(self.complete("ebb", "check", "sh"), ["shop.yaml"])
        self.assertEqual(sorted(self.complete("ebb", "state", "")), ["orders.jsonl", "shop.yaml", "verify"])
        self.assertEqual(self.complete("ebb", "replay", "-i", "orders", "=", "ord"), ["orders.jsonl"])

    def test_every_option_of_every_command_is_known(self):
        zsh = self.good("completion", "zsh")
        for command in COMMANDS:
            options = set(re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", self.good(command, "--help")))
            self.assertEqual(set(self.complete("ebb", command, "-")), options | {"--help"})
            for option in options:
                self.assertIn(f"'{option}:", zsh)


if __name__ == "__main__":
    unittest.main()
