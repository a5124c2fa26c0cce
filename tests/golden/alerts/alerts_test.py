#!/usr/bin/env python3
# Pipelines whose alerts are held back by everything that can hold them back, and whose scores are of every kind: their
# own tests, run in every way that must change nothing; and a replay of many customers on 1, 2, 4 and 7 tasks, whole and
# killed, with one digest, whose every alert is valid by the schema and keeps the budget, the limit and the night.
import collections
import datetime
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
EBB = os.path.abspath(os.environ.get('EBB_BINARY', os.path.join(ROOT, 'build', 'release', 'bin', 'ebb')))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))

import json_schema  # noqa: E402

START = 1767225600000
DAY = 86400000
CUSTOMERS, DAYS = 400, 20
KILLS, MOST_STEPS = 6, 50  # so many steps are far from the end, even six times


def bills(seed):
    """Lines of customers who become risky and recover, in disorder within an hour."""
    rng = random.Random(seed)
    lines = []
    for customer in range(CUSTOMERS):
        time = START + rng.randrange(DAY)
        while time < START + DAYS * DAY:
            line = {'ts': time, 'customer': f'c{customer}', 'worth': rng.randrange(500),
                    'risk': rng.choice([0.1, 0.6, 0.9, 0.25, 0.125]), 'late': rng.random() < 0.3}
            if rng.random() < 0.5:
                line['zone'] = rng.randrange(-11, 13)
            lines.append((time + rng.randrange(3600000), line))
            time += rng.randrange(2 * DAY)
    return [json.dumps(line) for _, line in sorted(lines, key=lambda entry: entry[0])]


def instant(text):
    moment = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    return round(moment.timestamp() * 1000)


class Alerts(unittest.TestCase):
    def test_pipelines(self):
        files = sorted(glob.glob(os.path.join(HERE, '*.yaml')))
        self.assertTrue(files)
        for file in files:
            done = subprocess.run([EBB, 'test', '--thorough', file], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def replay(self, work, name, *extra, kill_at=None):
        """Digest and alerts; None when killed on the way, at a point of cli/kill_points.h such as "stepped:5"."""
        command = [EBB, 'replay', os.path.join(HERE, 'limits.yaml'), '--input', f'{work}/bills.jsonl', '--quiet',
                   '--digest', '--output', f'alerts={work}/{name}.jsonl', *extra]
        environment = dict(os.environ, EBB_TEST_KILL_AT=kill_at) if kill_at else None
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if kill_at and done.returncode == -signal.SIGKILL:
            return None
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(f'{work}/{name}.jsonl', encoding='utf-8') as file:
            return done.stdout, file.read()

    def test_any_number_of_tasks_and_kills(self):
        with tempfile.TemporaryDirectory() as work:
            with open(f'{work}/bills.jsonl', 'w', encoding='utf-8') as file:
                file.writelines(line + '\n' for line in bills(1))
            expected = self.replay(work, 'one')
            chance = random.Random(2)
            for tasks in (1, 2, 4, 7):
                for batch in (1, 50, 2048):
                    how = ['--tasks', str(tasks), '--batch', str(batch)]
                    self.assertEqual(self.replay(work, 'other', *how), expected, f'{tasks} tasks, batches of {batch}')
                state = ['--state', f'{work}/state{tasks}', '--commit-interval', '1ms', '--batch', '20']
                done, killed = None, 0
                while done is None:
                    # Each run may have another number of tasks: the state doesn't know it.
                    how = [*state, '--tasks', str(chance.choice([1, 2, 4, 7]))]
                    kill_at = f'stepped:{chance.randint(1, MOST_STEPS)}' if killed < KILLS else None
                    done = self.replay(work, f'killed{tasks}', *how, kill_at=kill_at)
                    killed += done is None
                self.assertEqual(done, expected, f'killed, {tasks} tasks')
                self.assertEqual(killed, KILLS)
            self.check_promises([json.loads(line) for line in expected[1].splitlines()])

    def check_promises(self, lines):
        with open(os.path.join(ROOT, 'docs', 'alert.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        for line in lines:
            self.assertEqual(json_schema.errors(schema, line), [])
        opened = [line for line in lines if line['status'] == 'opened']
        per_day = collections.Counter(line['as_of'] for line in opened if line['rule'] == 'call')
        self.assertEqual(max(per_day.values()), 2)
        self.assertEqual({as_of[10:] for as_of in per_day}, {'T23:59:59.999Z'})
        self.assertGreaterEqual(len(per_day), DAYS - 1)
        by_customer = collections.defaultdict(list)
        for line in opened:
            by_customer[line['customer_id']].append(instant(line['as_of']))
        for times in by_customer.values():
            for first, third in zip(times, times[2:]):
                self.assertGreaterEqual(third - first, 3 * DAY)
        self.assertEqual({line['rule'] for line in opened}, {'call', 'letter', 'reminder', 'text', 'morning'})
        for line in lines:
            if line['rule'] == 'morning' and line['status'] == 'opened':
                self.assertTrue('08:' <= line['as_of'][11:14] < '21:', line)
            if line['rule'] == 'call':
                self.assertIn('expected_value', line['action'])
            for reason in line.get('reasons', []):
                self.assertEqual(set(reason['text']), {'en', 'zh'})
        self.assertIn('updated', {line['status'] for line in lines})
        self.assertTrue(any('baseline' in reason for line in lines for reason in line.get('reasons', [])))


if __name__ == '__main__':
    unittest.main()
