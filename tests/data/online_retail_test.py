#!/usr/bin/env python3
# A year of real purchases (UCI Online Retail) through the shipped pipeline: the ledger adds up, the money adds up to
# the third decimal, for each customer too, and those warned are customers with a reason. The data is not part of the
# repository: it is read from EBB_DATA (default ../shared/data); without it this test fails, and says so.
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EBB = os.environ.get('EBB_BINARY', os.path.join(ROOT, 'build/release/bin/ebb'))
DATA = os.environ.get('EBB_DATA', os.path.join(os.path.dirname(ROOT), 'shared', 'data'))
LINES = os.path.join(DATA, 'online_retail', 'lines.csv.zst')
PIPELINE = os.path.join(ROOT, 'config', 'pipelines', 'online_retail.yaml')


def ebb(*arguments):
    return subprocess.run([EBB, *arguments], check=True, capture_output=True, text=True).stdout


def spent(row):
    """The customer's total to the third decimal, from its shortest digits."""
    return Decimal(repr(row['features']['spend_total'])).quantize(Decimal('0.001'))


class OnlineRetail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(LINES):
            raise FileNotFoundError(f'{LINES}: the data set is not there; set EBB_DATA to the folder that holds it')
        cls.work = tempfile.TemporaryDirectory()
        state = os.path.join(cls.work.name, 'state')
        alerts = os.path.join(cls.work.name, 'alerts.jsonl')
        cls.summary = json.loads(ebb('replay', PIPELINE, '--input', f'lines={LINES}', '--output', f'alerts={alerts}',
                                     '--output', f'scores={cls.work.name}/scores.jsonl',
                                     '--output', f'quarantine={cls.work.name}/quarantine.jsonl',
                                     '--state', state, '--json'))
        rows = ebb('state', state, '--pipeline', PIPELINE, '--features', '--json').splitlines()
        cls.rows = [json.loads(row) for row in rows]
        with open(alerts, encoding='utf-8') as file:
            cls.alerts = [json.loads(line) for line in file]
        raw = subprocess.run(['zstd', '-dc', LINES], check=True, stdout=subprocess.PIPE).stdout.decode('utf-8')
        cls.lines = list(csv.DictReader(io.StringIO(raw)))

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def test_every_line_is_in_the_ledger(self):
        ledger = self.summary['sources']['lines']
        self.assertEqual(ledger['read'], 541909)
        self.assertEqual(ledger['read'], ledger['used'] + ledger['late'] + ledger['filtered'] + ledger['duplicate'] +
                         ledger['tombstone'] + sum(ledger['quarantined'].values()))
        self.assertEqual(ledger['used'], 541909)
        with_customer = sum(row['features']['lines'] for row in self.rows if row['customer_id'] != '(no customer)')
        without = sum(row['features']['lines'] for row in self.rows if row['customer_id'] == '(no customer)')
        self.assertEqual((with_customer, without), (406829, 135080))

    def test_the_money_adds_up(self):
        total = {True: Decimal(0), False: Decimal(0)}
        for row in self.rows:
            total[row['customer_id'] != '(no customer)'] += spent(row)
        self.assertEqual(total[True], Decimal('8300065.814'))
        self.assertEqual(total[True] + total[False], Decimal('9747747.934'))
        by_customer = {}
        for line in self.lines:
            amount = Decimal(line['Quantity']) * Decimal(line['UnitPrice'])
            customer = line['CustomerID'].removesuffix('.0') or '(no customer)'
            by_customer[customer] = by_customer.get(customer, 0) + amount
        for row in self.rows:
            self.assertEqual(spent(row), by_customer[row['customer_id']], row['customer_id'])

    def test_warnings_make_sense(self):
        opened = [alert for alert in self.alerts if alert['status'] == 'opened']
        self.assertGreater(len(opened), 200)
        self.assertLess(len(opened), 4372)
        self.assertEqual(len({alert['alert_id'] for alert in opened}), len(opened))
        last = {}
        for alert in self.alerts:
            self.assertNotEqual(alert['customer_id'], '(no customer)')
            self.assertGreaterEqual(alert['as_of'], last.get('as_of', ''))
            last = alert
        for alert in opened:
            self.assertTrue(alert['reasons'], alert)
            self.assertGreater(alert['reasons'][0]['contribution'], 0)


if __name__ == '__main__':
    result = unittest.main(argv=[sys.argv[0]], verbosity=2, exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f'{result.testsRun - bad} passed, {bad} failed')
    sys.exit(bad > 0)
