#!/usr/bin/env python3
"""Reference sources from the outside: tests in a pipeline file (each is run stopped and resumed as well), what
`explain` and `state` show, alerts at deadlines.

The binary is named by EBB_BINARY (build/release/bin/ebb unless said).
"""

import json
import unittest

from running import CliTest

PIPELINE = """pipeline: contracts
entity: {key: customer}
sources:
  calls:
    file: calls.jsonl
    time: {field: ts, unit: ms}
  contract:
    file: contracts.jsonl
    kind: reference
    time: {field: ts, unit: ms}
    fields:
      price: {type: decimal(2), optional: true}
      plan: {type: string, optional: true}
      end: {type: time, optional: true}
outputs:
  alerts: {file: alerts.jsonl}
windows: {month: 30d}
features:
  calls: {from: calls, agg: count, over: month}
  silence: {from: calls, agg: recency}
  left: {expr: "contract.end - now"}
  price: {expr: "contract.price"}
  gold: {expr: "contract.plan == 'gold'"}
  known: {expr: "not is_null(contract.plan)"}
  age: {expr: "tenure"}
scores:
  ending:
    model: scorecard
    link: none
    points: [{when: "contract.end - now < 30d", add: 1, reason: CONTRACT_ENDS}]
alerts:
  ends: {when: "left < 10d and gold", clear: "now > contract.end", explain: ending}
tests:
  - name: the end comes near without any event
    given:
      - {contract: {at: 0d, customer: ann, price: 20.00, plan: gold, end: 40d}}
      - {calls: {at: 1d, customer: ann}}
    until: 50d
    expect:
      - {feature: price, customer: ann, at: 0d, is: 20}
      - {feature: left, customer: ann, at: 1d, is: 39d}
      - {feature: age, customer: ann, at: 0d, is: null}
      - {feature: age, customer: ann, at: 3d, is: 2d}
      - {score: ending, customer: ann, at: 10d, is: 0}
      - {alert: ends, customer: ann, between: [30d, 30d1ms], reason: CONTRACT_ENDS}
      - {alert: ends, customer: ann, status: resolved, between: [40d, 40d1ms]}
  - name: what a record leaves out is kept, and null is forgotten
    given:
      - {contract: {at: 0d, customer: bob, price: 20.00, plan: gold, end: 40d}}
      - {contract: {at: 1d, customer: bob, price: 25.00}}
      - {contract: {at: 2d, customer: bob, plan: null, end: null}}
    until: 50d
    expect:
      - {feature: price, customer: bob, at: 1d, is: 25}
      - {feature: gold, customer: bob, at: 1d, is: true}
      - {feature: left, customer: bob, at: 1d, is: 39d}
      - {feature: known, customer: bob, at: 2d, is: false}
      - {feature: left, customer: bob, at: 2d, is: null}
      - {feature: price, customer: bob, at: 2d, is: 25}
      - {feature: silence, customer: bob, at: 2d, is: null}
      - {alert: ends, customer: bob, none: true}
  - name: an end that moves takes its deadline along
    given:
      - {contract: {at: 0d, customer: cat, plan: gold, end: 40d}}
      - {contract: {at: 20d, customer: cat, end: 60d}}
    until: 70d
    expect:
      - {alert: ends, customer: cat, none: true, between: [0d, 49d]}
      - {alert: ends, customer: cat, between: [50d, 50d1ms]}
"""
DAY = 86400000
START = 1767225600000  # 2026-01-01


class ReferenceTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("contracts.yaml", PIPELINE)
        self.write("contracts.jsonl", "".join(json.dumps(line) + "\n" for line in (
            {"customer": "ann", "ts": START, "price": 20, "plan": "gold", "end": "2026-02-10"},
            {"customer": "bob", "ts": START + DAY, "price": 30.5, "plan": "gold", "end": START + 90 * DAY},
            {"customer": "bob", "ts": START + 2 * DAY, "plan": None})))
        self.write("calls.jsonl", "".join(json.dumps(line) + "\n" for line in (
            {"customer": "ann", "ts": START + 3 * DAY}, {"customer": "cat", "ts": START + 50 * DAY})))

    def test_the_tests_in_the_file(self):
        self.assertIn("3 of 3 tests passed", self.good("test", "contracts.yaml"))

    def test_explain_shows_bytes_and_deadlines(self):
        text = self.good("explain", "contracts.yaml")
        self.assertIn("reference: the latest value of each field is kept, 32 bytes for each customer", text)
        self.assertIn("deadlines that now passes", text)
        explained = json.loads(self.good("explain", "contracts.yaml", "--json"))
        self.assertEqual([s.get("kind") for s in explained["sources"]], [None, "reference"])

    def test_an_alert_at_the_instant_at_which_now_passes(self):
        self.good("replay", "contracts.yaml")
        alerts = [json.loads(line) for line in self.read("alerts.jsonl").splitlines()]
        self.assertEqual([(a["customer_id"], a["status"], a["as_of"], a["trigger"]["kind"]) for a in alerts],
                         [("ann", "opened", "2026-01-31T00:00:00.001Z", "silence"),
                          ("ann", "resolved", "2026-02-10T00:00:00.001Z", "silence")])

    def test_what_is_known_survives_and_is_shown(self):
        self.good("replay", "contracts.yaml", "--state", "state")
        state = ("state", "state", "--pipeline", "contracts.yaml", "--customer")
        ann = json.loads(self.good(*state, "ann", "--json"))["references"]["contract"]
        self.assertEqual((ann["price"], ann["end"], len(ann["plan"])), (20, "2026-02-10T00:00:00.000Z", 16))
        bob = json.loads(self.good(*state, "bob", "--json"))
        self.assertEqual(bob["references"]["contract"],
                         {"end": "2026-04-01T00:00:00.000Z", "plan": None, "price": 30.5})
        self.assertEqual(bob["last_record"], "never")
        cat = json.loads(self.good(*state, "cat", "--json"))["references"]["contract"]
        self.assertEqual(cat, {"end": None, "plan": None, "price": None})
        self.assertRegex(self.good(*state, "bob"), "(?m)contract\n  end +2026-04-01T00:00:00.000Z$")


if __name__ == "__main__":
    unittest.main()
