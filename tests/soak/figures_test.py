#!/usr/bin/env python3
"""What the soak says is what was measured: each figure from a case that can be worked out by hand."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chart  # noqa: E402
import figures  # noqa: E402
import world  # noqa: E402


def alert(customer, number, status="opened"):
    return {"rule": "large", "status": status, "revision": 0, "customer_id": customer, "trigger": {"kind": "event"},
            "as_of": f"2026-01-01T00:00:{number:02}.000Z"}


class Shares(unittest.TestCase):
    def test_the_smallest_value_that_the_share_does_not_pass(self):
        values = list(range(1, 101))
        self.assertEqual([figures.at_share(values, s) for s in (0, 0.01, 0.5, 0.99, 1)], [1, 1, 50, 99, 100])
        self.assertIsNone(figures.at_share([], 0.5))

    def test_stretches(self):
        points = [(0, 1), (4.9, 3), (5, 7), (21, 9)]
        self.assertEqual(figures.over_time(points, 5, (0.5, 1)), [(2.5, 1, 3), (7.5, 7, 7), (22.5, 9, 9)])

    def test_waiting(self):
        self.assertEqual(figures.waiting([0, 0.5, 1, 3], [1, 2, 3.5], 4), [(0, 1), (1, 2), (2, 1), (3, 2), (4, 1)])

    def test_the_longest_pause(self):
        self.assertEqual(figures.longest_pause([1, 2, 7, 8], 10), (2, 5))
        self.assertEqual(figures.longest_pause([1, 2, 30], 10), (2, 8))
        self.assertEqual(figures.longest_pause([], 10), (0.0, 10))


class Slopes(unittest.TestCase):
    def test_a_line_has_no_error(self):
        steep, error = figures.slope([(x, 3 + 2 * x) for x in range(10)])
        self.assertAlmostEqual(steep, 2)
        self.assertAlmostEqual(error, 0)

    def test_noise_lies_within_its_error_as_often_as_it_should(self):
        rng = random.Random(1)
        found = [figures.slope([(x, 50 + rng.gauss(0, 1)) for x in range(45)]) for _ in range(400)]
        within = sum(abs(steep) <= 2 * error for steep, error in found)
        self.assertGreater(within, 0.9 * 400)
        self.assertLess(within, 400)

    def test_neighbours_that_are_alike_widen_the_error(self):
        rng, level, alike = random.Random(1), 0.0, []
        for x in range(200):
            level = 0.9 * level + rng.gauss(0, 1)
            alike.append((x, level))
        shuffled = [(x, y) for x, (_, y) in enumerate(rng.sample(alike, len(alike)))]
        self.assertGreater(figures.slope(alike)[1], 2 * figures.slope(shuffled)[1])

    def test_a_life_is_measured_after_its_warm_up(self):
        samples = [{"at": at, "rss": {"a": 500 if at < 900 else 40 + at / 3600}} for at in range(0, 3600, 10)]
        [one] = figures.memory_slopes(samples, {"a": [(0, 3600)], "b": [(0, 3600)]}, 900, 900)
        self.assertEqual(one["name"], "a")
        self.assertAlmostEqual(one["slope"], 1, places=6)
        self.assertEqual(figures.memory_slopes(samples, {"a": [(0, 1700)]}, 900, 900), [])


class TakeOvers(unittest.TestCase):
    SAID = [(1, "a", "task_live", {"task": "0"}), (2, "b", "task_live", {"task": "1"}),
            (2, "b", "task_live", {"task": "2"}), (9, "b", "task_stopped", {"task": "2"})]

    def fault(self, kind, begin, end, more):
        [fault] = faults = [{"kind": kind, "target": "b", "begin": begin, "end": end}]
        figures.take_overs(faults, sorted(self.SAID + more, key=lambda s: s[0]))
        return fault

    def test_the_last_task_counts(self):
        fault = self.fault("kill", 5, 6, [(8, "a", "task_live", {"task": "2"}), (9.5, "c", "task_live", {"task": "1"})])
        self.assertEqual((fault["tasks"], fault["taken"], fault["by"]), (2, 4.5, ["a", "c"]))

    def test_what_was_given_up_before_does_not(self):
        later = [(12, "b", "task_live", {"task": "1"}), (20, "a", "task_live", {"task": "2"})]
        fault = self.fault("kill", 10, 11, later)
        self.assertEqual((fault["tasks"], fault["taken"], fault["by"]), (1, 2, ["b"]))

    def test_a_short_sleep_keeps_its_tasks(self):
        fault = self.fault("sleep", 5, 6, [(40, "a", "task_live", {"task": "1"})])
        self.assertNotIn("taken", fault)

    def test_spans(self):
        faults = [{"begin": 100, "end": 101, "taken": 4}, {"begin": 110, "end": 111}]
        spans = figures.disturbed_spans(faults, [(50, "a", "task_live", {}), (60, "a", "snapshot", {})])
        self.assertEqual(spans, [(45, 53), (95, 114)])
        points = [(44, "a"), (53, "b"), (54, "c"), (113, "d"), (115, "e")]
        self.assertEqual(figures.outside(points, spans), ["a", "c", "e"])


class Judging(unittest.TestCase):
    RIGHT = [alert(f"c{n}", n) for n in range(6)]

    def counts(self, theirs):
        found = world.differences("alerts", self.RIGHT, theirs)
        return [found[k] for k in ("lost", "doubled", "made up", "reordered")]

    def test_each_kind_of_difference(self):
        right = self.RIGHT
        self.assertEqual(self.counts(right), [0, 0, 0, 0])
        self.assertEqual(self.counts(right[:3] + right[4:]), [1, 0, 0, 0])
        self.assertEqual(self.counts(right[:4] + right[3:]), [0, 1, 0, 0])
        self.assertEqual(self.counts(right + [alert("c9", 9)]), [0, 0, 1, 0])
        self.assertEqual(self.counts([right[1], right[0]] + right[2:]), [0, 0, 0, 1])
        self.assertEqual(self.counts(right[:5] + [alert("c5", 5, "resolved")]), [1, 0, 1, 0])


class Scales(unittest.TestCase):
    def test_ticks_are_round(self):
        self.assertEqual(chart.Linear(37).ticks, [0, 10, 20, 30, 40])
        self.assertEqual(chart.Decades(130, 9000).ticks, [100, 200, 500, 1000, 2000, 5000, 10000])


if __name__ == "__main__":
    unittest.main()
