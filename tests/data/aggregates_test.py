#!/usr/bin/python3
# Aggregates on real data against pandas: a year of invoice lines (UCI Online Retail) and eighteen months of purchases
# (CDNOW), each feature of each customer at the end of the data. The data is not part of the repository: it is read from
# EBB_DATA (default ../shared/data); without it this test fails, and says so.
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import pandas

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EBB = os.environ.get('EBB_BINARY', os.path.join(ROOT, 'build/release/bin/ebb'))
DATA = os.environ.get('EBB_DATA', os.path.join(os.path.dirname(ROOT), 'shared', 'data'))
WEEK = pandas.Timedelta(days=7)
SHARE = 10    # of the customers every tenth is computed again: pandas takes milliseconds for one

RETAIL = """pipeline: retail-aggregates
entity: {key: customer}
sources:
  lines:
    file: lines.csv.zst
    format: csv
    key: CustomerID
    key_type: int
    missing_key: filter
    time: {field: InvoiceDate, unit: rfc3339}
    fields:
      quantity: {path: Quantity, type: int}
      price:    {path: UnitPrice, type: decimal(3)}
      product:  {path: StockCode, type: string}
windows: {always: ever, long: {length: 400d, tile: 1d}, weeks: {length: 70w, hop: 1w, offset: 4d}}
features:
  spread:   {from: lines, agg: stddev, of: price, over: always}
  high:     {from: lines, agg: quantile, of: price, q: 0.9, over: always, max_items: 4000}
  middle:   {from: lines, agg: quantile, of: price, q: 0.5, last: 400}
  variety:  {from: lines, agg: entropy, of: product, over: always, max_items: 4000}
  usual:    {from: lines, agg: [top, top_share], of: quantity, over: always, max_items: 4000}
  morning:  {from: lines, agg: share, part: "hour() < 12", over: always}
  sunday:   {from: lines, agg: share, part: "weekday() == 7", over: long}
  bulk:     {from: lines, agg: ratio, part: "quantity >= 12", to: "quantity in (1, 2)", over: always}
  visits:   {from: lines, agg: [session_count, session_depth], gap: 30m, over: long, max_sessions: 1000}
  trend:    {from: lines, agg: slope, over: weeks}
  streak:   {from: lines, agg: silent_streak, over: weeks}
scores:
  none: {model: scorecard, link: none, points: [{of: spread, weight: 1}]}
"""

CDNOW = """pipeline: cdnow-aggregates
entity: {key: customer}
sources:
  purchases:
    file: cdnow.csv
    format: csv
    time: {field: date, unit: rfc3339}
    fields:
      number: {type: int}
      spent:  {type: decimal(2)}
windows: {weeks: {length: 52w, hop: 1w, offset: 4d}, quarters: {length: 364d, hop: 91d}}
features:
  rhythm:   {from: purchases, agg: interarrival_cv, last: 300}
  typical:  {from: purchases, agg: [quantile, stddev, mean], of: spent, last: 10, q: 0.5}
  smooth:   {from: purchases, agg: ewma, of: spent, alpha: 0.25, over: weeks}
  quarter:  {from: purchases, agg: [sum, count], of: spent, over: quarters}
scores:
  none: {model: scorecard, link: none, points: [{of: quarter_sum, weight: 1}]}
"""


def features(pipeline, source, path):
    """Customer -> features at the end of the data, and when that is."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'pipeline.yaml')
        with open(file, 'w', encoding='utf-8') as out:
            out.write(pipeline)
        state = os.path.join(folder, 'state')
        subprocess.run([EBB, 'replay', file, '--input', f'{source}={path}', '--state', state, '--quiet'], check=True,
                       capture_output=True)
        shown = subprocess.run([EBB, 'state', state, '--pipeline', file, '--features', '--json'], check=True,
                               capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in shown.splitlines()]
    return {row['customer_id']: row['features'] for row in rows}


def ranked(values, q):
    """The value of rank ceil(q * n)."""
    ordered = values.sort_values()
    return ordered.iloc[max(1, math.ceil(round(q * len(ordered), 9))) - 1]


def by_period(times, amounts, end, length, count, offset):
    """Totals of the `count` newest periods that have closed at `end`, oldest first, from the first one of the times."""
    begun = (end - pandas.Timestamp(0) - offset) // length
    period = ((times - pandas.Timestamp(0) - offset) // length).astype('int64')
    first = max(begun - count, period.min())
    return amounts.groupby(period).sum().reindex(range(first, begun), fill_value=0)


class Compared(unittest.TestCase):
    def near(self, got, expected, what, tolerance=1e-9):
        if expected is None or pandas.isna(expected):
            self.assertIsNone(got, what)
            return
        self.assertIsNotNone(got, what)
        self.assertLessEqual(abs(got - expected), tolerance * max(1.0, abs(expected)), f'{what}: {got}, {expected}')


class OnlineRetail(Compared):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(DATA, 'online_retail', 'lines.csv.zst')
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path}: the data set is not there; set EBB_DATA to the folder that holds it')
        raw = subprocess.run(['zstd', '-dc', path], check=True, stdout=subprocess.PIPE).stdout
        lines = pandas.read_csv(io.BytesIO(raw), encoding='utf-8', dtype={'StockCode': str},
                                parse_dates=['InvoiceDate'])
        cls.lines = lines.dropna(subset=['CustomerID'])
        cls.end = lines['InvoiceDate'].max()
        cls.groups = {str(int(key)): group for key, group in cls.lines.groupby('CustomerID')}
        cls.some = dict(list(cls.groups.items())[::SHARE])
        cls.got = features(RETAIL, 'lines', path)

    def test_customers(self):
        self.assertEqual(set(self.got), set(self.groups))
        self.assertEqual(len(self.got), 4372)

    def test_spread_and_quantiles(self):
        for key, group in self.some.items():
            price, got = group['UnitPrice'], self.got[key]
            self.near(got['spread'], price.std(), f'spread of {key}')
            self.near(got['high'], ranked(price, 0.9), f'high of {key}', 1 / 64)
            newest = group.sort_values('InvoiceDate', kind='stable')['UnitPrice'].tail(400)
            self.near(got['middle'], ranked(newest, 0.5), f'middle of {key}')

    def test_variety_and_most_frequent(self):
        for key, group in self.some.items():
            got = self.got[key]
            share = group['StockCode'].value_counts(normalize=True)
            self.near(got['variety'], -(share * share.map(math.log)).sum(), f'variety of {key}')
            counts = group['Quantity'].value_counts()
            self.near(got['usual_top'], counts[counts == counts.max()].index.min(), f'top of {key}')
            self.near(got['usual_top_share'], counts.max() / counts.sum(), f'top share of {key}')

    def test_shares(self):
        for key, group in self.some.items():
            got, hour, day = self.got[key], group['InvoiceDate'].dt.hour, group['InvoiceDate'].dt.dayofweek
            self.near(got['morning'], (hour < 12).mean(), f'morning of {key}')
            self.near(got['sunday'], (day == 6).mean(), f'sunday of {key}')
            few = group['Quantity'].isin([1, 2]).sum()
            self.near(got['bulk'], (group['Quantity'] >= 12).sum() / few if few else None, f'bulk of {key}')

    def test_sessions(self):
        for key, group in self.some.items():
            times = group['InvoiceDate'].sort_values()
            count = (times.diff() > pandas.Timedelta(minutes=30)).sum() + 1
            self.near(self.got[key]['visits_session_count'], count, f'sessions of {key}')
            self.near(self.got[key]['visits_session_depth'], len(times) / count, f'depth of {key}')

    def test_closed_weeks(self):
        for key, group in self.some.items():
            weeks = by_period(group['InvoiceDate'], group['Quantity'] * 0 + 1, self.end, WEEK, 70,
                              pandas.Timedelta(days=4))
            x = pandas.Series(range(len(weeks)), index=weeks.index, dtype='int64')
            slope = x.cov(weeks) / x.var() if len(weeks) > 1 else None
            self.near(self.got[key]['trend'], slope, f'trend of {key}')
            begun = ((group['InvoiceDate'] - pandas.Timestamp(0) - pandas.Timedelta(days=4)) // WEEK).max()
            last = (self.end - pandas.Timestamp(0) - pandas.Timedelta(days=4)) // WEEK
            self.assertEqual(self.got[key]['streak'], max(0, last - 1 - begun), key)


class Cdnow(Compared):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(DATA, 'cdnow', 'CDNOW_master.txt')
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path}: the data set is not there; set EBB_DATA to the folder that holds it')
        table = pandas.read_csv(path, sep=r'\s+', skiprows=1, names=['customer', 'date', 'number', 'spent'],
                                dtype={'customer': str, 'date': str})
        table['date'] = pandas.to_datetime(table['date'], format='%Y%m%d')
        cls.table = table.sort_values('date', kind='stable')
        cls.end = cls.table['date'].max()
        cls.groups = dict(list(cls.table.groupby('customer')))
        cls.some = dict(list(cls.groups.items())[::SHARE])
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, 'cdnow.csv')
            cls.table.to_csv(file, index=False, date_format='%Y-%m-%d')
            cls.got = features(CDNOW, 'purchases', file)

    def test_customers(self):
        self.assertEqual(set(self.got), set(self.groups))
        self.assertEqual(len(self.got), 23570)

    def test_gaps(self):
        for key, group in self.some.items():
            gaps = group['date'].diff().dropna() / pandas.Timedelta(days=1)
            cv = gaps.std() / gaps.mean() if len(gaps) > 1 and gaps.sum() > 0 else None
            self.near(self.got[key]['rhythm'], cv, f'rhythm of {key}')

    def test_last_ten(self):
        for key, group in self.some.items():
            newest, got = group['spent'].tail(10), self.got[key]
            self.near(got['typical_quantile'], ranked(newest, 0.5), f'median of {key}')
            self.near(got['typical_stddev'], newest.std(), f'spread of {key}')
            self.near(got['typical_mean'], newest.mean(), f'mean of {key}')

    def test_closed_periods(self):
        for key, group in self.some.items():
            weeks = by_period(group['date'], group['spent'], self.end, WEEK, 52, pandas.Timedelta(days=4))
            smooth = weeks.ewm(alpha=0.25, adjust=False).mean().iloc[-1] if len(weeks) else None
            self.near(self.got[key]['smooth'], smooth, f'smooth of {key}')
            quarters = by_period(group['date'], group['spent'], self.end, pandas.Timedelta(days=91), 4,
                                 pandas.Timedelta(0))
            self.near(self.got[key]['quarter_sum'], quarters.sum(), f'quarter of {key}')


if __name__ == '__main__':
    result = unittest.main(argv=[sys.argv[0]], verbosity=2, exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f'{result.testsRun - bad} passed, {bad} failed')
    sys.exit(bad > 0)
