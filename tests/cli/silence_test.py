#!/usr/bin/env python3
# Silence: generated customers who just stop are warned at the instant that the rule says, to the millisecond, without
# any event of their own; also after every log has ended, when time goes on to --to.
import collections
import json
import os
import subprocess
import tempfile
import unittest
from datetime import datetime

from running import EBB

PIPELINE = '''
pipeline: silence
entity: {key: customer_id}
sources:
  calls:
    file: calls.jsonl
    format: json
    key: /subscriber/id
    time: {field: /start_ts, unit: ms, disorder: 2h}
    fields: {}
features:
  silence: {from: calls, agg: recency}
scores:
  gone:
    model: scorecard
    intercept: -1
    points: [{when: "silence > 20d", add: 2, reason: ENGAGEMENT_DROP}]
alerts:
  gone: {when: "gone > 0.5", revisions: []}
'''


def ebb(*arguments):
    return subprocess.run([EBB, *arguments], capture_output=True, text=True)


def instant(text):
    return datetime.fromisoformat(text.replace('Z', '+00:00'))


class Silence(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        self.assertEqual(ebb('generate', 'telecom', '--out', self.work.name, '--customers', '150', '--days', '60',
                             '--seed', '9').returncode, 0)
        with open(self.path('pipeline.yaml'), 'w', encoding='utf-8') as file:
            file.write(PIPELINE)
        self.calls = collections.defaultdict(list)
        with open(self.path('calls.jsonl'), encoding='utf-8') as file:
            for line in file:
                call = json.loads(line)
                self.calls[call['subscriber']['id']].append(call['start_ts'])

    def path(self, name):
        return os.path.join(self.work.name, name)

    def expected(self, until):
        """Customer and instant of every warning: the first gap of more than 20 days, open ends included."""
        warned = {}
        for customer, times in self.calls.items():
            times = sorted(times)
            for this, following in zip(times, times[1:] + [float('inf')]):
                due = this + 20 * 86400000 + 1
                if due <= min(until, following - 1):
                    warned.setdefault(customer, []).append(due)
        return {(c, due) for c, dues in warned.items() for due in dues}

    def warned(self, *extra):
        done = ebb('replay', self.path('pipeline.yaml'), '--output', f"alerts={self.path('alerts.jsonl')}", *extra)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path('alerts.jsonl'), encoding='utf-8') as file:
            alerts = [json.loads(line) for line in file]
        for alert in alerts:
            self.assertEqual(alert['trigger'], {'kind': 'silence'})
        return {(a['customer_id'], round(instant(a['as_of']).timestamp() * 1000)) for a in alerts}

    def test_those_who_stop_are_warned_to_the_millisecond(self):
        newest = max(max(times) for times in self.calls.values())
        expected = self.expected(newest)
        self.assertGreater(len(expected), 5)
        self.assertEqual(self.warned(), expected)

    def test_time_goes_on_after_the_logs_have_ended(self):
        until = instant('2026-04-15T00:00:00Z')
        expected = self.expected(until.timestamp() * 1000)
        self.assertGreater(len(expected), 100)
        self.assertEqual(self.warned('--to', '2026-04-15T00:00:00Z'), expected)


if __name__ == '__main__':
    unittest.main()
