# The oracle itself, on cases that were computed by hand.
import datetime
import json
import math
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import aggregates
import evaluation
import expressions
import portable_math
import semantics

HOUR = 3600000
DAY = 24 * HOUR
T0 = 20000 * DAY    # a midnight


def source(**changes):
    out = {'name': 'calls', 'ordinal': 0, 'key': '/id', 'time': '/ts', 'unit': 'ms', 'disorder': 0,
           'fields': [{'name': 'n', 'path': '/n', 'type': 'int', 'optional': True}]}
    return {**out, **changes}


def pipeline(features, **changes):
    out = {'sources': [source()], 'windows': [{'name': 'day', 'length': DAY}, {'name': 'ever', 'length': 0}],
           'max_edge_error': 0.02, 'features': features, 'evaluate': {'on': ['calls']},
           'scores': [{'name': 's', 'link': 'none', 'intercept': 0.0, 'points': [], 'bands': []}]}
    return {**out, **changes}


def line(time, n=None, customer='a'):
    return json.dumps({'id': customer, 'ts': time, 'n': n})


def features_of(features, lines, **changes):
    """The features at each evaluation."""
    run = evaluation.Run(pipeline(features, **changes), {'calls': [lines]})
    return [out['features'] for out in run.all()]


class MathTest(unittest.TestCase):
    def test_close_to_libm(self):
        for x in (-700.5, -3.25, -1e-9, 0.0, 0.1, 1.0, 44.4, 700.0):
            self.assertAlmostEqual(portable_math.exp(x) / math.exp(x), 1.0, delta=1e-15)
            self.assertAlmostEqual(portable_math.exp2(x / 2) / 2.0**(x / 2), 1.0, delta=1e-15)
        for x in (1e-310, 0.3, 1.0, 1.5, 7.0, 1e300):
            self.assertAlmostEqual(portable_math.log(x), math.log(x), delta=1e-15 * max(1, abs(math.log(x))))
        self.assertEqual(portable_math.log1p(1e-20), 1e-20)
        self.assertEqual(portable_math.logistic(0.0), 0.5)
        self.assertEqual(portable_math.exp(-746.0), 0.0)


class ExpressionTest(unittest.TestCase):
    def test_values(self):
        names = {'x': 3.0, 'zero': 0.0, 'none': None}
        x, zero, none = ('name', 'x'), ('name', 'zero'), ('name', 'none')
        cases = [
            (('/', x, zero), None), (('safe_div', x, zero), 0.0), (('safe_div', none, x), 0.0),
            (('<', none, x), None), (('and', ('<', x, zero), ('<', none, x)), False),
            (('or', ('<', zero, x), ('<', none, x)), True), (('and', ('<', zero, x), ('<', none, x)), None),
            (('if', ('<', none, x), x, zero), 0.0), (('coalesce', none, x), 3.0), (('min', none, x), None),
            (('clamp', x, ('number', 4.0), ('number', 5.0)), 4.0), (('sqrt', ('neg', x)), None),
            (('log1p', ('number', -1.0)), None), (('is_null', none), True), (('in', x, [1.0, 3.0]), True),
            (('*', ('number', 1e300), ('number', 1e300)), None),
        ]
        for tree, expected in cases:
            self.assertEqual(expressions.value(tree, names), expected, tree)

    def test_text_has_the_parentheses_that_it_needs(self):
        a, b, c = ('name', 'a'), ('name', 'b'), ('name', 'c')
        cases = [
            (('*', ('+', a, b), c), '(a + b) * c'), (('+', a, ('*', b, c)), 'a + b * c'),
            (('-', a, ('-', b, c)), 'a - (b - c)'), (('-', ('-', a, b), c), 'a - b - c'),
            (('not', ('<', a, b)), 'not a < b'), (('and', ('or', a, b), c), '(a or b) and c'),
            (('neg', ('+', a, b)), '-(a + b)'), (('>', a, ('duration', 90 * 60000)), 'a > 90m'),
        ]
        for tree, expected in cases:
            self.assertEqual(expressions.text(tree), expected)


class OrderTest(unittest.TestCase):
    def test_effective_time_and_lateness(self):
        records, newest = semantics.stamp(source(disorder=10), 0, [line(T0), line(T0 + 100), line(T0 + 95),
                                                                   line(T0 + 20), 'broken', line(T0 + 90)])
        self.assertEqual([r['effective'] - T0 for r in records], [0, 100, 95, 90, 90, 90])
        self.assertEqual([r['late'] for r in records], [False, False, False, True, False, False])
        self.assertEqual(newest, T0 + 100)
        self.assertEqual(semantics.ledger(records), {'read': 6, 'used': 4, 'late': 1, 'filtered': 0, 'duplicate': 0,
                                                     'tombstone': 0, 'json_syntax': 1})

    def test_a_jump_never_moves_the_clock(self):
        records, newest = semantics.stamp(source(max_jump=50), 0, [line(T0), line(T0 + 51), line(T0 + 50)])
        self.assertEqual([r['reason'] for r in records], [None, 'time_jump', None])
        self.assertEqual(newest, T0 + 50)

    def test_reasons(self):
        strict = source(fields=[{'name': 'n', 'path': '/n', 'type': 'int'}])
        cases = [('', 'null_value'), ('{"id":"a"', 'json_syntax'), ('{"ts":1,"n":1}', 'missing_key'),
                 ('{"id":"a","n":1}', 'missing_time'), (line(T0), 'missing_field'), (line(T0, 1.5), 'bad_type'),
                 (line(T0, True), 'bad_type')]
        for text, reason in cases:
            self.assertEqual(semantics.decode(strict, text)[1], reason, text)


class DuplicateTest(unittest.TestCase):
    def counts(self, minutes_and_ids, **changes):
        """The count of all records so far at each evaluation, and the ledger."""
        calls = source(id='/rid', dedup=HOUR, max_ids=2, **changes)
        lines = [json.dumps({'id': 'a', 'ts': T0 + minute * 60000, 'rid': rid}) for minute, rid in minutes_and_ids]
        count = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'ever'}]
        run = evaluation.Run(pipeline(count, sources=[calls]), {'calls': [lines]})
        return [out['features']['c'] for out in run.all()], run.ledger()['calls']

    def test_an_id_lasts_for_its_time_and_no_longer(self):
        counts, ledger = self.counts([(0, 'x'), (59, 'x'), (60, 'x'), (61, 'x')])
        self.assertEqual(counts, [1.0, 2.0])
        self.assertEqual((ledger['read'], ledger['used'], ledger['duplicate']), (4, 2, 2))

    def test_the_oldest_id_goes_first(self):
        self.assertEqual(self.counts([(0, 'x'), (1, 'y'), (2, 'z'), (3, 'y'), (4, 'x')])[0], [1.0, 2.0, 3.0, 4.0])

    def test_without_an_id(self):
        self.assertEqual(self.counts([(0, None), (1, '')])[1]['missing_id'], 2)
        self.assertEqual(self.counts([(0, None), (1, ''), (2, '')], missing_id='accept')[0], [1.0, 2.0, 3.0])

    def test_late_duplicates(self):
        # The second is late and stands at minute 10; its id was used there within the hour.
        counts, ledger = self.counts([(0, 'x'), (10, 'y'), (0, 'x'), (-90, 'w'), (11, 'w')])
        self.assertEqual(counts, [1.0, 2.0, 3.0])
        self.assertEqual((ledger['late'], ledger['duplicate']), (1, 2))


class WindowTest(unittest.TestCase):
    def test_sawtooth_reaches_back_to_the_tile_edge(self):
        counts = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'day'}]
        self.assertEqual(semantics.tile_of({'length': DAY}, 0.02), 15 * 60000)
        # The tile is 15 minutes: an event 24 h 14 min 59 s back is covered, one 24 h 15 min back is not.
        for back, expected in ((DAY + 899999, 2.0), (DAY + 900000, 1.0)):
            now = T0 + DAY + 899999
            got = features_of(counts, [line(now - back), line(now)])
            self.assertEqual(got[-1]['c'], expected, back)

    def test_exact_windows_are_open_at_the_start(self):
        counts = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'day', 'exact': True}]
        self.assertEqual(features_of(counts, [line(T0), line(T0 + DAY - 1)])[-1]['c'], 2.0)
        self.assertEqual(features_of(counts, [line(T0), line(T0 + DAY)])[-1]['c'], 1.0)

    def test_aggregates(self):
        names = ['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'distinct']
        features = [{'name': f'f_{a}', 'from': 'calls', 'agg': a, 'of': None if a == 'count' else 'n', 'over': 'ever'}
                    for a in names]
        features += [{'name': 'r', 'from': 'calls', 'agg': 'recency'},
                     {'name': 'g', 'from': 'calls', 'agg': 'interarrival_mean', 'over': 'ever'},
                     {'name': 'd', 'from': 'calls', 'agg': 'decayed_sum', 'of': 'n', 'half_life': 10}]
        got = features_of(features, [line(T0, 8), line(T0 + 10), line(T0 + 20, 2), line(T0 + 20, 3)])
        self.assertEqual([got[-1][f'f_{a}'] for a in names], [4.0, 13.0, 13.0 / 3, 2.0, 8.0, 8.0, 3.0, 3.0])
        self.assertEqual((got[-1]['r'], got[-1]['g']), (0.0, 20.0 / 3))
        self.assertAlmostEqual(got[-1]['d'], 8 / 4 + 2 + 3, delta=1e-14)
        self.assertEqual((got[0]['g'], got[1]['f_sum'], got[1]['f_distinct']), (None, 8.0, 1.0))

    def test_late_events_count_where_they_belong(self):
        late = source(disorder=HOUR)
        counts = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'day'},
                  {'name': 'first', 'from': 'calls', 'agg': 'first', 'of': 'n', 'over': 'ever'}]
        lines = [line(T0, 1), line(T0 + 2 * DAY, 2), line(T0 + DAY + HOUR, 3), line(T0 - 5 * DAY, 4)]
        run = evaluation.Run(pipeline(counts, sources=[late]), {'calls': [lines]})
        outs = run.all()
        self.assertEqual([(o['as_of'][:13], o['features']['c'], o['features']['first']) for o in outs],
                         [('2024-10-04T00', 1.0, 1.0), ('2024-10-05T23', 1.0, 1.0), ('2024-10-05T23', 1.0, 4.0),
                          ('2024-10-06T00', 2.0, 4.0)])

    def test_rate_divides_by_the_effective_length(self):
        features = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'day'},
                    {'name': 'r', 'expr': ('rate', ('name', 'c'))}]
        got = features_of(features, [line(T0 + 10 * 60000)])
        self.assertEqual(got[0]['r'], 1.0 / ((DAY + 10 * 60000) / DAY))


class AggregateTest(unittest.TestCase):
    def test_values(self):
        self.assertAlmostEqual(aggregates.stddev({}, [2, 4, 4, 4, 5, 5, 7, 9], 1.0), math.sqrt(32 / 7), delta=1e-14)
        self.assertIsNone(aggregates.stddev({}, [2], 1.0))
        self.assertEqual([aggregates.bin_middle(v) for v in (63, 64, 127, 128, -1000)], [63, 64, 126, 129, -999])
        for value in range(1, 100000, 7):
            self.assertLessEqual(abs(aggregates.bin_middle(value) - value), value / 64)
        values = [50, 10, 40, 20, 30]
        self.assertEqual([aggregates.quantile({'q': q}, values, 10.0) for q in (0.2, 0.21, 0.5, 1)], [1, 2, 3, 5])
        self.assertAlmostEqual(aggregates.entropy({}, ['a', 'b'], 1.0), math.log(2), delta=1e-15)
        self.assertEqual(aggregates.top({'rank': 2}, [5, 5, 3, 3, 1], 1.0), 5)
        self.assertEqual(aggregates.top_share({}, ['x', 'x', 'y', 'z'], 1.0), 0.5)
        self.assertEqual(aggregates.interarrival_cv([0, 10, 40]), math.sqrt(200.0) / 20)

    def test_periods(self):
        self.assertEqual(aggregates.slope([10, 20, 30, 40], 10.0), 1.0)
        self.assertEqual(aggregates.deviation({}, [10, 20, 30], 0, 1.0), -2.0)
        self.assertEqual(aggregates.deviation({'robust': True}, [10, 20, 30, 1000, 10], 5, 1.0), -15 / (1.4826 * 10))
        self.assertEqual(aggregates.deviation({'latest': 'closed'}, [10, 20, 30, 0], 77, 1.0), -2.0)
        self.assertEqual(aggregates.cusum({}, [10, 20, 30, 10, 0, 30], 1.0), 0.5)
        self.assertEqual(aggregates.ewma({'alpha': 0.5}, [80, 40, 20], 1.0), 40.0)
        streaks = [{'name': n, 'from': 'calls', 'agg': n, 'over': 'days'} for n in ('active_streak', 'silent_streak')]
        windows = [{'name': 'days', 'length': 5 * DAY, 'hop': DAY}]
        got = features_of(streaks, [line(T0 + HOUR), line(T0 + DAY), line(T0 + 4 * DAY, customer='b'),
                                    line(T0 + 4 * DAY)], windows=windows)
        self.assertEqual([tuple(g.values()) for g in got], [(1, 0), (2, 0), (1, 0), (1, 0)])

    def test_closed_windows_end_with_the_last_period(self):
        counts = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'days'}]
        windows = [{'name': 'days', 'length': 2 * DAY, 'hop': DAY, 'offset': HOUR}]
        got = features_of(counts, [line(T0), line(T0 + HOUR), line(T0 + DAY + HOUR - 1), line(T0 + DAY + HOUR),
                                   line(T0 + 2 * DAY + HOUR)], windows=windows)
        self.assertEqual([g['c'] for g in got], [0, 1, 1, 3, 3])

    def test_sessions(self):
        names = aggregates.SESSIONS
        features = [{'name': n, 'from': 'calls', 'agg': n, 'over': 'day', 'gap': 10} for n in names]
        late = source(disorder=HOUR)
        lines = [line(T0), line(T0 + 10), line(T0 + 30), line(T0 + 21), line(T0 + 20)]
        run = evaluation.Run(pipeline(features, sources=[late]), {'calls': [lines]})
        got = [tuple(o['features'][n] for n in names) for o in run.all()]
        # In order of time 0, 10, 20, 21, 30: one session that grows.
        self.assertEqual(got[1], (1, 10, 2, None, 0))
        self.assertEqual(got[-1], (1, 30, 5, None, 0))
        got = features_of(features, [line(T0), line(T0 + 11), line(T0 + 11), line(T0 + 40)])
        self.assertEqual(got[-1], dict(zip(names, (3, 0, 4 / 3, 29, 2 / 3))))

    def test_clock_of_a_record(self):
        names = {'(time)': T0 + 23 * HOUR}      # a Friday
        self.assertEqual([expressions.value((op, offset), names) for op in ('hour', 'weekday')
                          for offset in (0, HOUR, -24 * HOUR)], [23, 0, 23, 5, 6, 4])
        for time, hour in (('2026-03-29T00:59:59', 1), ('2026-03-29T01:00:00', 3), ('2026-10-25T01:00:00', 2)):
            names = {'(time)': int(datetime.datetime.fromisoformat(time + '+00:00').timestamp() * 1000)}
            self.assertEqual(expressions.value(('hour', 'Europe/Berlin'), names), hour)


class EvaluationTest(unittest.TestCase):
    def kinds(self, lines, evaluate, points=()):
        score = {'name': 's', 'link': 'none', 'intercept': 0.0, 'points': list(points),
                 'bands': [('low', 0), ('high', 1)]}
        features = [{'name': 'silence', 'from': 'calls', 'agg': 'recency'},
                    {'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'day'}]
        run = evaluation.Run(pipeline(features, evaluate=evaluate, scores=[score]), {'calls': [lines]})
        return [(o['trigger']['kind'], o['as_of'][8:16], o['value'], o['band']) for o in run.all()]

    def test_at_most_every_makes_one_evaluation_due(self):
        lines = [line(T0), line(T0 + 60000), line(T0 + 120000), line(T0 + 2 * HOUR, customer='b')]
        got = self.kinds(lines, {'on': ['calls'], 'at_most_every': HOUR})
        self.assertEqual([g[:2] for g in got],
                         [('event', '04T00:00'), ('schedule', '04T01:00'), ('event', '04T02:00')])

    def test_schedule_ends_at_the_horizon(self):
        lines = [line(T0), line(T0 + 60 * DAY, customer='b')]
        got = self.kinds(lines, {'on': ['calls'], 'also_every': DAY})
        # The window reaches back a day and a tile of 15 minutes: one more evaluation lies beyond it.
        self.assertEqual([g[:2] for g in got], [('event', '04T00:00'), ('schedule', '05T00:00'),
                                                ('schedule', '06T00:00'), ('event', '03T00:00')])

    def test_evaluations_at_the_close_of_periods(self):
        windows = [{'name': 'day', 'length': DAY}, {'name': 'days', 'length': 2 * DAY, 'hop': DAY}]
        features = [{'name': 'c', 'from': 'calls', 'agg': 'count', 'over': 'days'}]
        lines = [line(T0 + HOUR), line(T0 + 9 * DAY, customer='b')]
        for on, first in ((['calls'], [('event', 0)]), ([], [])):
            run = evaluation.Run(pipeline(features, windows=windows, evaluate={'on': on, 'at_close': ['days']}),
                                 {'calls': [lines]})
            got = [(o['trigger']['kind'], o['features']['c']) for o in run.all() if o['customer_id'] == 'a']
            # The window reaches three days back with the period that has begun: one more evaluation lies beyond it.
            self.assertEqual(got, first + [('schedule', 1), ('schedule', 1), ('schedule', 0), ('schedule', 0)])

    def test_silence_fires_when_the_comparison_turns_true(self):
        points = [{'when': ('>', ('name', 'silence'), ('duration', DAY)), 'weight': 1.0}]
        lines = [line(T0), line(T0 + 3 * DAY, customer='b')]
        got = self.kinds(lines, {'on': ['calls']}, points)
        self.assertEqual(got, [('event', '04T00:00', 0.0, 'low'), ('silence', '05T00:00', 1.0, 'high'),
                               ('event', '07T00:00', 0.0, 'low')])

    def test_a_threshold_that_is_reached_while_nothing_is_evaluated_is_not_lost(self):
        points = [{'when': ('>=', ('name', 'silence'), ('duration', HOUR)), 'weight': 1.0}]
        other = source(name='other', ordinal=1)
        score = {'name': 's', 'link': 'none', 'intercept': 0.0, 'points': points, 'bands': []}
        features = [{'name': 'silence', 'from': 'calls', 'agg': 'recency'}]
        run = evaluation.Run(pipeline(features, sources=[source(), other], scores=[score]),
                             {'calls': [[line(T0)]], 'other': [[line(T0 + HOUR), line(T0 + 2 * HOUR)]]})
        self.assertEqual([(o['trigger']['kind'], o['value']) for o in run.all()], [('event', 0.0), ('silence', 1.0)])


class AlertTest(unittest.TestCase):
    def statuses(self, rule, numbers):
        """(minute, status, revision, severity) of the alerts for a number that is as given, minute by minute."""
        score = {'name': 's', 'link': 'none', 'intercept': 0.0, 'bands': [],
                 'points': [{'of': ('name', 'last'), 'weight': 1.0, 'reason': 'A'}]}
        features = [{'name': 'last', 'from': 'calls', 'agg': 'last', 'of': 'n', 'over': 'ever'}]
        lines = [line(T0 + i * 60000, n) for i, n in enumerate(numbers)]
        rule = {'name': 'r', 'when': ('>', ('name', 's'), ('number', 5)), **rule}
        run = evaluation.Run(pipeline(features, scores=[score], alerts=[rule]), {'calls': [lines]})
        run.all()
        return [(int(a['as_of'][14:16]), a['status'], a['revision'], a['severity']) for a in run.alerts]

    def test_confirmation_and_hysteresis(self):
        got = self.statuses({'confirm': 2, 'clear': ('<', ('name', 's'), ('number', 3))}, [6, 1, 6, 6, 4, 6, 2, 6])
        self.assertEqual(got, [(3, 'opened', 0, 'medium'), (6, 'resolved', 1, 'medium')])

    def test_cooldown_counts_from_the_opening(self):
        self.assertEqual(self.statuses({'cooldown': 180000, 'revisions': []}, [6, 1, 6, 6, 1, 6, 6]),
                         [(0, 'opened', 0, 'medium'), (3, 'opened', 0, 'medium'), (6, 'opened', 0, 'medium')])

    def test_escalation_and_expiry(self):
        severity = [('high', ('>', ('name', 's'), ('number', 7))), ('critical', ('>', ('name', 's'), ('number', 8)))]
        self.assertEqual(self.statuses({'valid_for': 150000, 'cooldown': 10**9, 'severity': severity}, [6, 9, 8, 6, 6]),
                         [(0, 'opened', 0, 'medium'), (1, 'escalated', 1, 'critical'), (2, 'expired', 2, 'critical')])


if __name__ == '__main__':
    unittest.main()
