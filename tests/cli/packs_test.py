#!/usr/bin/env python3
"""The shipped packs on made-up customers whose truth is known: better than ranking by silence with as many warnings,
and no better than chance where leaving has no cause. The points of the scorecards were chosen on seed 1, so they are
judged on another. No figure depends on time."""

import json
import os
import re
import unittest

from running import ROOT, CliTest

PACKS = ("telecom", "ecommerce", "bank")
CUSTOMERS = "1000"
HELD_OUT = "7"


class PacksTest(CliTest):
    def pipeline(self, pack):
        return os.path.join(ROOT, "config", "pipelines", f"{pack}.yaml")

    def judged(self, pack, *options):
        """What `replay --truth` says of the pack on its generator."""
        self.good("generate", pack, "--out", "made", "--customers", CUSTOMERS, *options)
        return json.loads(self.good("replay", self.pipeline(pack), "--json", "--customers", CUSTOMERS, "--truth",
                                    "made/truth.csv", *options))["truth"]

    def test_they_beat_silence_with_as_many_warnings(self):
        for pack in PACKS:
            with self.subTest(pack):
                truth = self.judged(pack, "--seed", HELD_OUT)
                rule, score = truth["rules"]["leaving"], truth["scores"]["churn"]
                silence = rule["by_silence"]
                self.assertGreater(rule["warnings"], 50)
                self.assertLessEqual(silence["warnings"], rule["warnings"])
                self.assertGreater(rule["precision"], silence["precision"] + 0.3)
                self.assertGreater(rule["recall"], silence["recall"] + 0.2)
                self.assertGreater(rule["median_lead_s"], 5 * 86400)
                self.assertGreater(score["auc"], score["silence_auc"] + 0.05)

    def test_they_find_nothing_where_there_is_nothing(self):
        for pack in PACKS:
            with self.subTest(pack):
                truth = self.judged(pack, "--no-cause", "--seed", HELD_OUT)
                self.assertAlmostEqual(truth["scores"]["churn"]["auc"], 0.5, delta=0.05)

    def test_they_hold_what_a_pack_promises(self):
        for pack in PACKS:
            with self.subTest(pack):
                told = self.good("check", self.pipeline(pack))
                self.assertGreaterEqual(int(re.search(r"(\d+) features", told)[1]), 30)
                self.assertGreaterEqual(int(re.search(r"(\d+) tests", told)[1]), 10)
                with open(self.pipeline(pack), encoding="utf-8") as file:
                    classes = set(re.findall(r"class: (\w+)", file.read()))
                self.assertEqual(classes, {"prevent", "save", "win_back"})


if __name__ == "__main__":
    unittest.main()
