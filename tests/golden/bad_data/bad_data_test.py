#!/usr/bin/env python3
"""One replay over good records with every kind of bad one between them: the replay goes on to its end, each bad record
stands in the quarantine with its place, its reason and its bytes, and the ledger counts each record once.

The binary is named by EBB_BINARY (build/release/bin/ebb unless said).
"""

import base64
import json
import os
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
EBB = os.path.abspath(os.environ.get("EBB_BINARY", os.path.join(ROOT, "build", "release", "bin", "ebb")))

HOUR = 3600 * 1000
START = 1767225600000  # 2026-01-01T00:00:00Z
MAX_PAYLOAD = 4096     # bytes of a record that the quarantine keeps


def event(ts, **members):
    return json.dumps({"customer_id": "ann", "ts": ts, "amount": 1.25, **members}).encode()


def without(name):
    members = {"customer_id": "ann", "ts": START + 5 * HOUR, "amount": 1}
    del members[name]
    return json.dumps(members).encode()


# Line -> the reason for which it is refused. The good records around them are at START + 5h, so all their times are
# usable except where they shouldn't be.
NOW = START + 5 * HOUR
BAD_EVENTS = [
    (event(NOW)[:-9], "json_syntax"),
    (event(NOW) + b" and more", "json_syntax"),
    (b'{"customer_id":"ann","ts":%d,"amount":NaN}' % NOW, "json_syntax"),
    (b'{"customer_id":"\\ud800","ts":%d,"amount":1}' % NOW, "json_syntax"),
    (b"[1,2,3]", "json_syntax"),
    (b"just words", "json_syntax"),
    (b'{"customer_id":"\xff\xfe","ts":%d,"amount":1}' % NOW, "encoding"),
    (b'{"customer_id":"a\x00b","ts":%d,"amount":1}' % NOW, "encoding"),
    (event(NOW, note="x" * (1 << 20)), "too_large"),
    (b'{"customer_id":"ann","ts":%d,"amount":1,"deep":%s1%s}' % (NOW, b"[" * 40, b"]" * 40), "too_deep"),
    (event(NOW, **{f"m{i}": i for i in range(300)}), "too_many_fields"),
    (b'{"customer_id":"ann","ts":%d,"amount":1,"amount":2}' % NOW, "duplicate_field"),
    (without("customer_id"), "missing_key"),
    (event(NOW, customer_id=None), "missing_key"),
    (event(NOW, customer_id=""), "missing_key"),
    (event(NOW, customer_id=True), "bad_key"),
    (event(NOW, customer_id="k" * 257), "bad_key"),
    (event(NOW, customer_id="a\nb"), "bad_key"),
    (without("ts"), "missing_time"),
    (event("soon"), "bad_time"),
    (event({"at": NOW}), "bad_time"),
    (event(NOW // 1000), "time_out_of_range"),
    (event(NOW * 1000), "time_out_of_range"),
    (event(NOW + 72 * HOUR), "time_jump"),
    (without("amount"), "missing_field"),
    (event(NOW, amount=[1]), "bad_type"),
    (event(NOW, count=1.5), "bad_type"),
    (event(NOW, amount=1e300), "out_of_range"),
    (event(NOW, count=1 << 70), "out_of_range"),
    (b"   ", "null_value"),
    (event(NOW - 2 * HOUR), "late"),
]
BAD_ORDERS = [
    (b"ann,2026-01-01T05:00:00Z,1.00", "csv_syntax"),
    (b"ann,2026-01-01T05:00:00Z,1.00,true,more", "csv_syntax"),
    (b"a\xffn,2026-01-01T05:00:00Z,1.00,true", "encoding"),
    (b",2026-01-01T05:00:00Z,1.00,true", "missing_key"),
    (b"ann,,1.00,true", "missing_time"),
    (b"ann,first of January,1.00,true", "bad_time"),
    (b"ann,1926-01-01T05:00:00Z,1.00,true", "time_out_of_range"),
    (b"ann,2026-02-01T05:00:00Z,1.00,true", "time_jump"),
    (b"ann,2026-01-01T05:00:00Z,,true", "missing_field"),
    (b"ann,2026-01-01T05:00:00Z,much,true", "bad_type"),
    (b"ann,2026-01-01T05:00:00Z,1.00,perhaps", "bad_type"),
    (b"ann,2026-01-01T05:00:00Z,99999999999999999999999,true", "out_of_range"),
    (b"ann,2026-01-01T01:00:00Z,1.00,true", "late"),
]
GOOD_ORDER = b"ann,2026-01-01T05:00:00Z,1.00,true"


def mixed(good, bad):
    """Good and bad lines in turn, and what the quarantine must hold: (offset, reason, line)."""
    lines, expected = [good], []
    for line, reason in bad:
        expected.append((len(lines), reason, line))
        lines += [line, good]
    return lines, expected


def counts(bad):
    out = {}
    for _, reason in bad:
        out[reason] = out.get(reason, 0) + 1
    return out


class BadDataTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ebb-bad-data-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.events, self.expected_events = mixed(event(NOW), BAD_EVENTS)
        self.orders, self.expected_orders = mixed(GOOD_ORDER, BAD_ORDERS)
        with open(self.at("events.jsonl"), "wb") as file:
            file.writelines(line + b"\n" for line in self.events)
        with open(self.at("orders.csv"), "wb") as file:
            file.write(b"customer,time,amount,paid\n")
            file.writelines(line + b"\n" for line in self.orders)

    def at(self, name):
        return os.path.join(self.folder, name)

    def replay(self, *more):
        return subprocess.run([EBB, "replay", os.path.join(HERE, "pipeline.yaml"), "-i", "events=events.jsonl", "-i",
                               "orders=orders.csv", *more], cwd=self.folder, capture_output=True, text=True)

    def quarantine(self, source):
        with open(self.at("quarantine.jsonl"), encoding="utf-8") as file:
            return [line for line in map(json.loads, file) if line["source"] == source]

    def test_there_are_enough_kinds(self):
        self.assertGreaterEqual(len(counts(BAD_EVENTS + BAD_ORDERS)), 18)

    def test_the_ledger_counts_each_record_once(self):
        done = self.replay("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        for name, lines, bad in (("events", self.events, BAD_EVENTS), ("orders", self.orders, BAD_ORDERS)):
            ledger = summary["sources"][name]
            self.assertEqual(ledger["quarantined"], counts(bad), name)
            self.assertEqual(ledger["read"], len(lines), name)
            self.assertEqual(ledger["used"], len(lines) - len(bad), name)
            self.assertEqual([ledger[k] for k in ("late", "filtered", "duplicate", "tombstone")], [0, 0, 0, 0], name)
        self.assertEqual(summary["outputs"]["quarantine"], len(BAD_EVENTS) + len(BAD_ORDERS))

    def test_the_quarantine_holds_each_bad_record(self):
        self.assertEqual(self.replay("--quiet").returncode, 0)
        for source, log, expected in (("events", "events.jsonl", self.expected_events),
                                      ("orders", "orders.csv", self.expected_orders)):
            lines = {line["offset"]: line for line in self.quarantine(source)}
            self.assertEqual(len(lines), len(expected))
            for offset, reason, text in expected:
                line = lines[offset]
                self.assertEqual((line["log"], line["reason"]), (log, reason), text[:80])
                self.assertTrue(line["text"])
                encoded = line.get("payload_base64")
                payload = line["payload"].encode() if encoded is None else base64.b64decode(encoded)
                self.assertTrue(text.startswith(payload), text[:80])
                if reason != "too_large":
                    self.assertEqual(len(payload), min(len(text), MAX_PAYLOAD), text[:80])

    def test_the_good_records_are_all_used(self):
        self.assertEqual(self.replay("--quiet", "--state", "state").returncode, 0)
        done = subprocess.run([EBB, "state", "state", "--features", "--pipeline", os.path.join(HERE, "pipeline.yaml")],
                              cwd=self.folder, capture_output=True, text=True, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([row["customer_id"] for row in rows], ["ann"])
        events, orders = len(BAD_EVENTS) + 1, len(BAD_ORDERS) + 1
        self.assertEqual(rows[0]["features"], {"events": events, "event_amount": 1.25 * events, "orders": orders,
                                               "order_amount": 1.0 * orders})

    def test_the_summary_names_the_reasons(self):
        done = self.replay()
        self.assertEqual(done.returncode, 0)
        for reason in counts(BAD_EVENTS + BAD_ORDERS):
            self.assertIn(reason + ":", done.stderr)

    def test_a_quote_that_is_never_closed_costs_one_record(self):
        with open(self.at("orders.csv"), "wb") as file:
            file.write(b'customer,time,amount,paid\n' + GOOD_ORDER + b'\n"ann,2026-01-01T05:00:00Z,1.00,true\n' +
                       (GOOD_ORDER + b"\n") * 3)
        done = self.replay("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        ledger = json.loads(done.stdout)["sources"]["orders"]
        self.assertEqual((ledger["used"], ledger["quarantined"]), (4, {"csv_syntax": 1}))


if __name__ == "__main__":
    unittest.main()
