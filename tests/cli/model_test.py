#!/usr/bin/env python3
# Models from scikit-learn: the snippet of docs/models.md trains on what a replay wrote, and a replay with its model
# file gives each customer the probability that scikit-learn gives, within rounding, and to the last bit the one that
# the terms of the file add up to. Where scikit-learn isn't installed the model file that the snippet made before takes
# its place.
#
# EBB_UPDATE_GOLDEN=1 keeps the model file in tests/golden/models.
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EBB = os.path.abspath(os.environ.get('EBB_BINARY', os.path.join(ROOT, 'build', 'release', 'bin', 'ebb')))
PYTHON = os.environ.get('EBB_SKLEARN_PYTHON', sys.executable)
GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'models', 'churn.json')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'oracle'))

import json_schema  # noqa: E402
import portable_math  # noqa: E402

PIPELINE = '''
pipeline: trained
entity: {key: customer}
sources:
  orders:
    file: orders.jsonl
    time: {field: ts, unit: ms}
    fields:
      amount: {type: decimal(2)}
windows: {month: 30d, always: ever}
features:
  orders: {from: orders, agg: count, over: month}
  spent: {from: orders, agg: sum, of: amount, over: always}
  gap: {from: orders, agg: interarrival_mean, over: always}
  silence: {from: orders, agg: recency}
  large: {expr: "spent > 400"}
scores:
  churn: %s
outputs:
  scores: {file: %s, features: all}
'''
START, DAY = 1767225600000, 86400000
PROBABILITIES = '''
every = np.array([[line["features"][name] for name in names] for line in lines], dtype=float)
mean = np.array([term["mean"] for term in terms])
every = np.where(np.isnan(every), mean, every)
json.dump(model.predict_proba(scaler.transform(every))[:, 1].tolist(), open("probabilities.json", "w"))
'''


def snippet():
    with open(os.path.join(ROOT, 'docs', 'models.md'), encoding='utf-8') as file:
        return re.search(r'```python file=train.py\n(.*?)```', file.read(), re.DOTALL).group(1)


def has_sklearn():
    return subprocess.run([PYTHON, '-c', 'import sklearn'], capture_output=True, check=False).returncode == 0


class Model(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        rng = random.Random(7)
        orders, self.left = [], []
        for customer in range(150):
            every, time = rng.uniform(1, 20), START
            leaves = rng.random() < 0.4
            if leaves:
                self.left.append(f'c{customer}')
            while True:
                time += int(rng.expovariate(1 / every) * DAY)
                if time >= START + (30 if leaves else 60) * DAY:
                    break
                orders.append({'ts': time, 'customer': f'c{customer}', 'amount': rng.randrange(1, 100)})
        orders.sort(key=lambda order: order['ts'])
        self.write('orders.jsonl', ''.join(json.dumps(order) + '\n' for order in orders))
        self.write('left.txt', '\n'.join(self.left))

    def path(self, name):
        return os.path.join(self.work.name, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def lines(self, name):
        with open(self.path(name), encoding='utf-8') as file:
            return [json.loads(line) for line in file]

    def replay(self, score, output):
        self.write('pipeline.yaml', PIPELINE % (score, output))
        done = subprocess.run([EBB, 'replay', 'pipeline.yaml', '--quiet', '--to', '2026-03-02'], cwd=self.work.name,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.lines(output)

    def train(self, before):
        """The model file, and scikit-learn's probabilities if it is there."""
        with open(GOLDEN, encoding='utf-8') as file:
            golden = json.load(file)
        if not has_sklearn():
            with open(self.path('churn.json'), 'w', encoding='utf-8') as file:
                json.dump(golden, file)
            return golden, None
        self.write('train.py', snippet() + PROBABILITIES)
        done = subprocess.run([PYTHON, 'train.py'], cwd=self.work.name, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path('churn.json'), encoding='utf-8') as file:
            text = file.read()
        if 'EBB_UPDATE_GOLDEN' in os.environ:
            with open(GOLDEN, 'w', encoding='utf-8') as file:
                file.write(text + '\n')
            golden = json.loads(text)
        model = json.loads(text)
        self.assertEqual([term['feature'] for term in model['terms']], [term['feature'] for term in golden['terms']])
        for ours, theirs in zip(model['terms'], golden['terms']):
            for key in ('weight', 'mean', 'scale'):
                self.assertAlmostEqual(ours[key], theirs[key], delta=1e-3 * abs(theirs[key]))
        with open(self.path('probabilities.json'), encoding='utf-8') as file:
            probabilities = json.load(file)
        self.assertEqual(len(probabilities), len(before))
        return model, probabilities

    def test_the_snippet(self):
        before = self.replay('{model: scorecard, points: [{of: orders, weight: 1}], evaluate: {also_every: 5d}}',
                             'scores.jsonl')
        self.assertIn(None, [line['features']['gap'] for line in before])
        model, probabilities = self.train(before)
        with open(os.path.join(ROOT, 'docs', 'model.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        self.assertEqual(json_schema.errors(schema, model), [])
        self.assertNotEqual(json_schema.errors(schema, {**model, 'weights': []}), [])
        self.assertNotEqual(json_schema.errors(schema, {**model, 'terms': [{'feature': 'orders'}]}), [])
        after = self.replay('{model: churn.json, evaluate: {also_every: 5d}}', 'after.jsonl')
        self.assertEqual(len(after), len(before))
        for number, line in enumerate(after):
            total = model['intercept']
            for term in model['terms']:
                x = line['features'][term['feature']]
                if x is not None:
                    total += term['weight'] * (float(x) - term['mean']) / term['scale']
            self.assertEqual(line['value'], portable_math.logistic(total), line)
            if probabilities is not None:
                self.assertTrue(math.isclose(line['value'], probabilities[number], rel_tol=1e-9), line)
        # It tells those who left from those who stayed.
        last = {line['customer_id']: line['value'] for line in after}
        mean = [sum(v for c, v in last.items() if (c in self.left) == left) /
                sum((c in self.left) == left for c in last) for left in (True, False)]
        self.assertGreater(mean[0], mean[1] + 0.3)


if __name__ == '__main__':
    unittest.main()
