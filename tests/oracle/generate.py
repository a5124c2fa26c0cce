# Random pipelines and random logs from a seed: few customers, so that their rows are dense; ties in time, disorder,
# late and broken records, and silent months. The same seed makes the same files.
import json
import random

import aggregates
import expressions
import semantics
import made_features
import made_references
from made_scores import BANDS, add_limits, add_scores, limits_text, make_calibration, model_file, quiet_text
from made_scores import duration_or_zero as duration

MINUTE, HOUR, DAY = 60000, 3600000, 86400000
START = 1767225600000       # 2026-01-01
KINDS = ['app', 'shop', 'bank', 'é\u00df']

# (length, tiles by hand that are allowed; 0: let the pipeline choose)
WINDOWS = [(10 * MINUTE, [MINUTE]), (HOUR, [5 * MINUTE, 20 * MINUTE, 0]), (6 * HOUR, [45 * MINUTE, 30 * MINUTE, 0]),
           (DAY, [30 * MINUTE, 45 * MINUTE, 0, 0]), (2 * DAY, [90 * MINUTE, 0]), (7 * DAY, [6 * HOUR, 7 * DAY, 0, 0]),
           (30 * DAY, [DAY, 5 * DAY, 0, 0]), (90 * DAY, [DAY, 15 * DAY, 0]), (0, [0])]

# Windows of closed periods: (length, hops).
CLOSED = [(HOUR, [HOUR, 10 * MINUTE]), (DAY, [DAY, 6 * HOUR]), (7 * DAY, [DAY, 12 * HOUR]), (20 * DAY, [DAY, 5 * DAY]),
          (56 * DAY, [7 * DAY, 56 * DAY])]


# Pipelines.

def make_fields(rng):
    def maybe(field):
        luck = rng.random()
        if luck < 0.3:
            field['optional'] = True
        elif luck < 0.5:
            field['missing'] = {'int': 7, 'decimal': 2, 'bool': False, 'string': 'none'}[field['type']]
        return field

    fields = [maybe({'name': 'n', 'path': rng.choice(['/n', '/deep/n']), 'type': 'int'}),
              maybe({'name': 'd', 'path': '/d', 'type': 'decimal', 'decimals': rng.choice([0, 2, 3])}),
              maybe({'name': 'flag', 'path': '/flag', 'type': 'bool'}),
              maybe({'name': 'kind', 'path': '/kind', 'type': 'string'})]
    if rng.random() < 0.5:
        fields.append({'name': 'total', 'type': 'decimal', 'decimals': rng.choice([0, 3]),
                       'expr': ('*', ('name', 'n'), ('name', 'd'))})
    if rng.random() < 0.5:
        fields.append({'name': 'big', 'type': 'bool', 'expr': field_condition(rng)})
    return fields


def field_condition(rng):
    """A condition over the fields that every source has."""
    condition = rng.choice([
        ('>', ('name', 'n'), ('number', rng.choice([0, 3, 8]))),
        ('<=', ('name', 'd'), ('number', rng.choice([0.0, 2.5, 7.25]))),
        ('==', ('name', 'kind'), ('text', rng.choice(KINDS[:3]))),
        ('in', ('name', 'kind'), KINDS[:2]),
        ('in', ('name', 'n'), [1, 2, 3, 5, 8]),
        ('coalesce', ('name', 'flag'), ('bool', True)),
        ('is_null', ('name', 'n')),
        ('<', ('hour', rng.choice([0, 8 * HOUR, -5 * HOUR, 'Europe/Berlin'])), ('number', rng.choice([6, 12]))),
        ('>=', ('weekday', rng.choice([0, 8 * HOUR, -5 * HOUR, 'Pacific/Auckland'])), ('number', 6)),
    ])
    return ('not', condition) if rng.random() < 0.2 else condition


def make_source(rng, ordinal):
    source = {'name': ['alpha', 'beta', 'gamma'][ordinal], 'ordinal': ordinal, 'key': rng.choice(['/id', '/who/id']),
              'time': '/ts', 'unit': rng.choice(['ms', 'ms', 's', 'us', 'rfc3339']),
              'disorder': rng.choice([0, 1000, 10 * MINUTE, 2 * HOUR, 3 * DAY]), 'fields': make_fields(rng)}
    if rng.random() < 0.15:
        source['max_jump'] = rng.choice([30 * DAY, 60 * DAY])
    if rng.random() < 0.2:
        source['late'] = 'quarantine'
    if rng.random() < 0.4:
        source.update(id='/rid', dedup=rng.choice([10 * MINUTE, DAY, 10 * DAY]), max_ids=rng.choice([1, 3, 64]),
                      missing_id=rng.choice(['accept', 'quarantine']))
    if rng.random() < 0.2:
        source['where'] = ('not', ('==', ('name', 'kind'), ('text', 'bank')))
    return source


def make_windows(rng):
    windows = []
    for length, tiles in rng.sample(WINDOWS, rng.randint(3, 5)):
        window = {'name': f'w{len(windows)}', 'length': length}
        tile = rng.choice(tiles)
        if tile:
            window['tile'] = tile
        windows.append(window)
    for length, hops in rng.sample(CLOSED, rng.randint(0, 2)):
        window = {'name': f'w{len(windows)}', 'length': length, 'hop': rng.choice(hops)}
        if rng.random() < 0.4:
            window['offset'] = rng.randrange(window['hop'])
        windows.append(window)
    return windows


def make_measure(rng, name, sources, windows):
    source = rng.choice(sources)
    numeric = [f['name'] for f in source['fields'] if f['type'] in ('int', 'decimal')]
    feature = {'name': name, 'from': source['name']}
    shape = rng.random()
    finite = [w['name'] for w in windows if w['length'] and not w.get('hop')]
    if rng.random() < 0.5:
        make_new_measure(rng, feature, source, numeric, windows)
    elif shape < 0.15:
        feature['agg'] = 'recency'
    elif shape < 0.25:
        feature.update(agg='decayed_sum', of=rng.choice(numeric), half_life=rng.choice([HOUR, 36 * HOUR, 14 * DAY]))
    else:
        names = [w['name'] for w in windows]
        if 0.40 <= shape < 0.55:
            names = [w['name'] for w in windows if not w.get('hop')]
        feature['over'] = some(rng, names)
        if shape < 0.40:
            feature['agg'] = rng.choice(['count', 'interarrival_mean'])
        elif shape < 0.55:
            feature.update(agg='distinct', of=rng.choice(['n', 'kind', 'd']), max_items=rng.choice([1, 3, 64]))
        else:
            aggregates = ['sum', 'mean', 'min', 'max', 'first', 'last']
            feature['of'] = rng.choice(numeric)
            feature['agg'] = rng.sample(aggregates, rng.randint(1, 3)) if rng.random() < 0.5 else rng.choice(aggregates)
        over = feature['over'] if isinstance(feature['over'], list) else [feature['over']]
        if all(name in finite for name in over) and feature['agg'] != 'interarrival_mean' and rng.random() < 0.25:
            feature['exact'] = True
        elif rng.random() < 0.1:
            del feature['over']
            feature['last'] = rng.choice([1, 2, 7, 40])
    if rng.random() < 0.4:
        feature['where'] = ('name', 'flag') if rng.random() < 0.5 else field_condition(rng)
    return feature


def some(rng, names):
    return rng.sample(names, rng.randint(1, len(names))) if rng.random() < 0.6 else rng.choice(names)


def make_new_measure(rng, feature, source, numeric, windows):
    """Aggregates of tallies, events, closed periods and sessions, and conditions beside the filter."""
    tiled = [w['name'] for w in windows if not w.get('hop')]
    finite = [w['name'] for w in windows if w['length'] and not w.get('hop')]
    closed = [w['name'] for w in windows if w.get('hop')]
    kind = rng.choice(['tiles', 'tally', 'tally', 'events', 'periods', 'periods', 'sessions'])
    if kind == 'periods' and closed:
        feature.update(agg=rng.choice(aggregates.SERIES), over=some(rng, closed))
        if 'streak' not in feature['agg'] and rng.random() < 0.5:
            feature['of'] = rng.choice(numeric)
        for aggregate, key, values in SHAPES:
            if feature['agg'] == aggregate and rng.random() < 0.5:
                feature[key] = rng.choice(values)
    elif kind == 'sessions' and finite:
        feature.update(agg=rng.sample(aggregates.SESSIONS, rng.randint(1, 3)), over=some(rng, finite), max_sessions=300,
                       gap=rng.choice([1000, 5 * MINUTE, 30 * MINUTE, 6 * HOUR]))
    elif kind == 'events' and finite:
        feature.update(agg='interarrival_cv', over=some(rng, finite))
    elif kind == 'tally':
        feature.update(agg=rng.choice(['quantile', 'entropy', 'top', 'top_share']), over=some(rng, tiled))
        feature['of'] = rng.choice(numeric + ['kind', 'flag'] * (feature['agg'] in ('entropy', 'top_share')))
        if feature['agg'] == 'quantile':
            feature['q'] = rng.choice([0.5, 0.9, 0.123456, 0.01, 1])
        elif feature['agg'] != 'entropy' and rng.random() < 0.4:
            feature['rank'] = rng.choice([1, 2, 3])
    else:
        feature.update(agg=rng.choice(['stddev', 'share', 'ratio']), over=some(rng, tiled + closed))
        if feature['agg'] == 'stddev':
            feature['of'] = rng.choice(numeric)
        else:
            feature['part'] = field_condition(rng)
        if feature['agg'] == 'ratio':
            feature['to'] = field_condition(rng)
    over = feature['over'] if isinstance(feature['over'], list) else [feature['over']]
    if kind not in ('periods', 'sessions') and rng.random() < 0.25:
        if all(name in finite for name in over):
            feature['exact'] = True
        elif rng.random() < 0.5:
            del feature['over']
            feature['last'] = rng.choice([1, 3, 10, 50])


# Options of aggregates of closed periods.
SHAPES = [('deviation', 'robust', [True]), ('deviation', 'latest', ['open', 'closed']),
          ('deviation', 'min_spread', [0.5, 1]), ('cusum', 'min_spread', [0.25, 2]), ('cusum', 'slack', [0, 0.125, 1]),
          ('cusum', 'direction', ['up', 'down']), ('ewma', 'alpha', [0.1, 0.75, 1])]


class Expressions:
    """Random expressions that are well typed, over the features so far."""

    def __init__(self, rng, pipeline):
        self.rng, self.pipeline = rng, pipeline
        self.numbers, self.durations, self.rateable, self.conditions = [], ['tenure'], [], []
        self.known, self.asked = [], []     # numbers and conditions of a reference source
        self.moving = []    # grow by themselves, so they can't be the threshold of a timer
        for measure in semantics.measures(pipeline):
            if measure['agg'] == 'session_recency':
                self.moving.append(measure['name'])
            is_duration = measure['agg'] in ('recency', 'interarrival_mean', 'session_length', 'session_recency')
            (self.durations if is_duration else self.numbers).append(measure['name'])
            if measure['agg'] in ('count', 'sum', 'distinct') and measure['window'] and measure['window']['length']:
                self.rateable.append(measure['name'])

    def number(self, depth):
        rng = self.rng
        if depth == 0 or rng.random() < 0.2:
            if self.known and rng.random() < 0.3:
                return rng.choice(self.known)
            if self.numbers and rng.random() < 0.7:
                return ('name', rng.choice(self.numbers))
            return ('number', rng.choice([0, 1, 2, 7, 0.5, 3.75, 1e-3, 1234567.125, 100]))
        kind = rng.choice(['+', '-', '*', '/', '/', 'safe_div', 'min', 'max', 'abs', 'clamp', 'log1p', 'sqrt', 'if',
                           'coalesce', 'neg', 'rate', 'ratio'])
        if kind == 'rate':
            return ('rate', ('name', rng.choice(self.rateable))) if self.rateable else self.number(depth - 1)
        if kind == 'ratio':
            return ('/', self.duration(depth - 1), self.duration(depth - 1))
        if kind == 'if':
            return ('if', self.condition(depth - 1), self.number(depth - 1), self.number(depth - 1))
        if kind in ('abs', 'log1p', 'sqrt', 'neg'):
            return (kind, self.number(depth - 1))
        if kind == 'clamp':
            return (kind, self.number(depth - 1), ('number', 1), ('number', rng.choice([1, 5, 50])))
        return (kind, self.number(depth - 1), self.number(depth - 1))

    def duration(self, depth):
        rng = self.rng
        if depth == 0 or rng.random() < 0.3:
            if rng.random() < 0.7:
                return ('name', rng.choice(self.durations))
            return ('duration', rng.choice([1, 1500, 5 * MINUTE, 90 * MINUTE, DAY, 10 * DAY]))
        kind = rng.choice(['+', '-', '*', 'min', 'max', 'coalesce'])
        if kind == '*':
            return ('*', self.duration(depth - 1), self.number(depth - 1))
        return (kind, self.duration(depth - 1), self.duration(depth - 1))

    def condition(self, depth):
        rng = self.rng
        if depth > 0 and rng.random() < 0.4:
            kind = rng.choice(['and', 'or', 'not'])
            if kind == 'not':
                return ('not', self.condition(depth - 1))
            return (kind, self.condition(depth - 1), self.condition(depth - 1))
        if self.asked and rng.random() < 0.3:
            return rng.choice(self.asked)
        kind = rng.choice(['<', '<=', '>', '>=', '==', '!=', 'is_null', 'name'])
        if kind == 'is_null':
            return ('is_null', self.number(0) if rng.random() < 0.5 else self.duration(0))
        if kind == 'name' and self.conditions:
            return ('name', rng.choice(self.conditions))
        if kind in ('name', '==', '!='):
            return ('==' if kind == 'name' else kind, self.number(1), self.number(0))
        # Not a duration by itself: a bare recency compared with something would set a timer.
        return (kind, self.number(1), self.number(1))


def make_score(rng, expressions_of, timers, recencies):
    points = []
    for _ in range(rng.randint(2, 5)):
        point = {'weight': rng.choice([1, 0.5, -0.7, 2.25, 0.1]),
                 'reason': rng.choice(['PRICE', 'SERVICE_QUALITY', 'X_Y'])}
        if timers and rng.random() < 0.6:
            point['when'] = clock_condition(rng, expressions_of, recencies)
        elif rng.random() < 0.6:
            point['when'] = expressions_of.condition(1)
        if 'when' not in point or rng.random() < 0.3:
            point['of'] = expressions_of.number(1)
        points.append(point)
    score = {'name': 'risk', 'link': rng.choice(['logistic', 'none']), 'intercept': rng.choice([0, -2.5, 1.25]),
             'points': points, 'bands': BANDS}
    if score['link'] == 'logistic' and rng.random() < 0.3:
        score['calibration'] = make_calibration(rng)
    return score


def make_alert(rng, number, expressions_of, timers, recencies):
    def above(level):
        return ('>', ('name', 'risk'), ('number', level))

    alert = {'name': f'alert{number}', 'when': above(rng.choice([0.3, 0.5, 1]))}
    if timers and rng.random() < 0.5:
        alert['when'] = clock_condition(rng, expressions_of, recencies)
    if rng.random() < 0.5:
        alert['clear'] = ('<', ('name', 'risk'), ('number', rng.choice([0.2, 0.5])))
    if rng.random() < 0.5:
        alert['confirm'] = rng.choice([1, 2, 3])
    if rng.random() < 0.5:
        alert['cooldown'] = rng.choice([HOUR, 3 * DAY])
    if rng.random() < 0.5:
        alert['valid_for'] = rng.choice([10 * MINUTE, DAY, 20 * DAY])
    if rng.random() < 0.4:
        alert['severity'] = [('high', above(0.7)), ('critical', ('and', above(0.8), expressions_of.condition(0)))]
    if rng.random() < 0.4:
        alert['revisions'] = rng.sample(['escalated', 'updated', 'resolved', 'expired'], rng.randint(0, 4))
    return alert


def clock_condition(rng, expressions_of, recencies):
    """A comparison that turns true as time passes, with a threshold that is constant or a measured feature."""
    if expressions_of.asked and rng.random() < 0.6:
        return made_references.clock_condition(rng, expressions_of.pipeline, expressions_of)
    clock = ('name', rng.choice(recencies + ['tenure']))
    durations = [d for d in expressions_of.durations
                 if d[0] in 'fp' and d not in recencies and d not in expressions_of.moving]
    threshold = ('duration', rng.choice([10 * MINUTE, HOUR, 36 * HOUR, 7 * DAY]))
    if durations and rng.random() < 0.3:
        threshold = ('*', ('number', rng.choice([1, 2, 1.5])), ('name', rng.choice(durations)))
    kind = rng.choice(['>', '>=', '<', '<='])
    condition = (kind, clock, threshold) if kind[0] == '>' else (kind, threshold, clock)
    if rng.random() < 0.4:
        condition = (rng.choice(['and', 'or']), condition, expressions_of.condition(0))
    return condition


def make_pipeline(seed, timers):
    rng = random.Random(f'pipeline {seed}')
    sources = [make_source(rng, i) for i in range(rng.randint(2, 3))]
    if rng.random() < 0.5:
        sources.insert(rng.randint(0, len(sources)), made_references.make_reference(rng, make_source(rng, 0)))
        for ordinal, source in enumerate(sources):
            source['ordinal'] = ordinal
    names = [s['name'] for s in sources]
    pipeline = {'name': f'oracle-{seed}', 'sources': sources, 'windows': make_windows(rng),
                'max_edge_error': 0.05, 'features': [], 'evaluate': {'on': names}}
    for i in range(rng.randint(4, 9)):
        pipeline['features'].append(make_measure(rng, f'f{i}', made_references.events_only(pipeline),
                                                 pipeline['windows']))
    expressions_of = Expressions(rng, pipeline)
    made_references.add_features(rng, pipeline, expressions_of)
    made_features.add_computed(rng, pipeline, expressions_of)
    made_features.add_populations(rng, pipeline, expressions_of)
    recencies = [m['name'] for m in semantics.measures(pipeline) if m['agg'] == 'recency']
    pipeline['scores'] = [make_score(rng, expressions_of, timers, recencies)]
    pipeline['alerts'] = [make_alert(rng, i, expressions_of, timers, recencies) for i in range(rng.randint(0, 3))]
    made_features.add_holdouts(rng, pipeline)
    if timers and pipeline['alerts'] and rng.random() < 0.7:
        add_limits(rng, pipeline, expressions_of)
    if timers:
        evaluate = pipeline['evaluate']
        if rng.random() < 0.3:
            evaluate['on'] = rng.sample(names, rng.randint(1, len(names)))
        if rng.random() < 0.5:
            evaluate['at_most_every'] = rng.choice([1000, HOUR, 2 * DAY])
        if rng.random() < 0.5:
            evaluate['also_every'] = rng.choice([6 * HOUR, DAY, 11 * DAY])
        closed = [w['name'] for w in pipeline['windows'] if w.get('hop', 0) >= 6 * HOUR]
        if closed and rng.random() < 0.6:
            evaluate['at_close'] = rng.sample(closed, rng.randint(1, len(closed)))
            if rng.random() < 0.3:
                evaluate['on'] = rng.sample(names, 1)
    if rng.random() < 0.5:
        add_scores(rng, pipeline, expressions_of)
    return pipeline


# Logs.

def timeline(rng, count):
    """Event times with ties, bursts and silent months, oldest first."""
    time, times = START + rng.randrange(DAY), []
    gaps = [(0, 0), (1, 1000), (1000, 10 * MINUTE), (1000, 10 * MINUTE), (MINUTE, 6 * HOUR), (HOUR, 2 * DAY)]
    for _ in range(count):
        if rng.random() < 0.01:
            time += rng.randrange(20 * DAY, 120 * DAY)
        time += rng.randint(*rng.choice(gaps))
        times.append(time)
    return times


def raw_time(unit, time):
    if unit == 'rfc3339':
        import evaluation
        return evaluation.time_text(time)
    return {'ms': time, 's': time // 1000, 'us': time * 1000}[unit]


def put(members, path, value):
    steps = path.strip('/').split('/')
    for step in steps[:-1]:
        members = members.setdefault(step, {})
    members[steps[-1]] = value


def make_line(rng, source, time, customer):
    members = {}
    put(members, source['key'], customer)
    put(members, source['time'], raw_time(source['unit'], time))
    for field in source['fields']:
        if 'expr' in field:
            continue
        absent = rng.random() < 0.12 and (field.get('optional') or field.get('missing') is not None)
        if absent and rng.random() < 0.5:
            put(members, field['path'], None)
        elif not absent and field['type'] == 'time':
            put(members, field['path'], made_references.raw_time_field(rng, source['unit'], time))
        elif not absent:
            put(members, field['path'], {'int': rng.choice([0, 1, 2, 3, 5, 8, 13, -4, 250000]),
                                         'decimal': rng.choice([0, 2.5, 0.125, 7.25, -1.005, 19.99, 1234.5675]),
                                         'bool': rng.random() < 0.4, 'string': rng.choice(KINDS)}[field['type']])
    if 'id' in source:
        # Few enough ids that other records have them, too.
        members['rid'] = rng.choice([f'r{rng.randrange(100)}', rng.randrange(100)])
        if rng.random() < 0.03:
            members['rid'] = rng.choice([None, '', True])
    members['unused'] = rng.choice([None, [1, {'n': 2}], 'x\n"y"', 1e300])
    items = list(members.items())
    rng.shuffle(items)
    # An id that is none is a defect already, or may be one; of two the engine names either.
    if 'id' in source and (members['rid'] in (None, '') or members['rid'] is True):
        return json.dumps(dict(items), ensure_ascii=rng.random() < 0.5)
    return spoil(rng, source, dict(items))


def spoil(rng, source, members):
    """The line, sometimes with exactly one defect."""
    luck = rng.random()
    if luck < 0.01:
        return ''
    if luck < 0.02:
        return json.dumps(members)[:-rng.randint(1, 9)]
    if luck < 0.03:
        put(members, source['key'], rng.choice([None, '']))
    elif luck < 0.04:
        members.pop(source['time'].strip('/'))
    elif luck < 0.05:
        members[source['time'].strip('/')] = 'yesterday'
    elif luck < 0.06:
        put(members, '/flag', 'maybe')
    elif luck < 0.07:
        field = next(f for f in source['fields'] if f['name'] == 'n')
        put(members, field['path'], 1.5)
    elif luck < 0.08:
        put(members, '/d', None)
    return json.dumps(members, ensure_ascii=rng.random() < 0.5)


def repeated(rng, lines):
    """Some lines come once more, soon or much later."""
    places = [(float(i), line) for i, line in enumerate(lines)]
    places += [(i + rng.choice([0.5, rng.uniform(0, 20), rng.uniform(0, 200)]), line)
               for i, line in enumerate(lines) if rng.random() < 0.1]
    return [line for _, line in sorted(places, key=lambda p: p[0])]


def make_logs(seed, pipeline, count=260):
    """Source name -> list of logs, each a list of lines in arrival order."""
    rng = random.Random(f'logs {seed}')
    customers = ['ann', 'b', 'c_7d19f2', 42, 'é'][:rng.randint(1, 5)]
    arriving = {s['name']: [] for s in pipeline['sources']}
    for time in timeline(rng, count):
        source = rng.choice(pipeline['sources'])
        if source['unit'] == 's':
            time -= time % 1000
        delay = rng.randint(0, source['disorder']) if rng.random() < 0.6 else 0
        if rng.random() < 0.04:
            delay += rng.choice([source['disorder'] + 1, 5 * DAY])
        arriving[source['name']].append((time + delay, len(arriving[source['name']]), time, source))
    logs = {}
    for name, records in arriving.items():
        arrived = sorted(records, key=lambda r: r[:2])
        lines = [make_line(rng, source, time, rng.choice(customers)) for _, _, time, source in arrived]
        if records and 'id' in records[0][3]:
            lines = repeated(rng, lines)
        parts = [[] for _ in range(rng.choice([1, 1, 1, 2]))]
        for line in lines:
            rng.choice(parts).append(line)
        logs[name] = parts
    return logs


# The pipeline file.

def flow(value):
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k}: {flow(v)}' for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)) and not (value and isinstance(value, tuple)):
        return '[' + ', '.join(flow(v) for v in value) + ']'
    if isinstance(value, tuple):
        return '"' + expressions.text(value) + '"'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value)


def field_text(field):
    out = {k: field[k] for k in ('path', 'expr', 'missing', 'optional') if k in field}
    out['type'] = f"decimal({field['decimals']})" if field['type'] == 'decimal' else field['type']
    return f"      {field['name']}: {flow(out)}"


def source_text(source):
    time = {'field': source['time'], 'unit': source['unit'], 'disorder': duration(source['disorder'])}
    if 'max_jump' in source:
        time['max_jump'] = duration(source['max_jump'])
    time.update({'late': source['late']} if 'late' in source else {})
    lines = [f"  {source['name']}:", f"    file: {source['name']}.jsonl", '    format: json',
             f"    key: {source['key']}", f'    time: {flow(time)}']
    lines += ['    kind: reference'] if source.get('reference') else []
    if 'where' in source:
        lines.append(f"    where: {flow(source['where'])}")
    if 'id' in source:
        lines += [f"    id: {source['id']}", f"    dedup: {duration(source['dedup'])}",
                  f"    max_ids: {source['max_ids']}", f"    missing_id: {source['missing_id']}"]
    return lines + ['    fields:'] + [field_text(f) for f in source['fields']]


def window_text(window):
    if window['length'] == 0:
        return 'ever'
    if 'hop' in window:
        return flow({k: duration(window[k]) for k in ('length', 'hop', 'offset') if k in window})
    if 'tile' in window:
        return flow({'length': duration(window['length']), 'tile': duration(window['tile'])})
    return duration(window['length'])


def feature_text(feature):
    out = {k: v for k, v in feature.items() if k != 'name'}
    for key in ('half_life', 'gap', 'per', 'closes'):
        if key in out:
            out[key] = duration(out[key])
    return f"  {feature['name']}: {flow(out)}"


def point_text(point):
    out = {k: point[k] for k in ('when', 'of') if k in point}
    out['weight' if 'of' in point else 'add'] = point['weight']
    return f"      - {flow({**out, 'reason': point['reason']})}"


def evaluate_text(evaluate):
    return flow({k: v if k in ('on', 'at_close') else duration(v) for k, v in evaluate.items()})


def score_text(score):
    bands = {name: f'{low!r}' for name, low in score['bands']}
    lines = [f"  {score['name']}:", f'    bands: {flow(bands)}']
    if 'evaluate' in score:
        lines.append(f"    evaluate: {evaluate_text(score['evaluate'])}")
    if 'terms' in score:
        return lines + [f"    model: {score['name']}.json"]
    if 'calibration' in score:
        lines.append(f"    calibration: {flow(score['calibration'])}")
    lines += ['    model: scorecard', f"    link: {score['link']}", f"    intercept: {score['intercept']}",
              '    points:']
    return lines + [point_text(p) for p in score['points']]


def alert_text(alert):
    out = {k: duration(v) if k in ('cooldown', 'valid_for') else v for k, v in alert.items() if k != 'name'}
    out['explain'] = 'risk'
    if 'evaluate' in out:
        del out['evaluate']
    if 'severity' in out:
        out['severity'] = dict(out['severity'])
    if 'expected_value' in out:
        out['action'] = {'code': 'CALL', 'expected_value': out.pop('expected_value')}
    if 'quiet' in out:
        out['quiet'] = quiet_text(out['quiet'])
    own = f", evaluate: {evaluate_text(alert['evaluate'])}" if 'evaluate' in alert else ''
    return f"  {alert['name']}: {flow(out)[:-1]}{own}" + '}'


def pipeline_text(pipeline, directory):
    """The file, with outputs in `directory`."""
    lines = [f"pipeline: {pipeline['name']}", 'entity: {key: customer_id}', 'sources:']
    for source in pipeline['sources']:
        lines += source_text(source)
    lines += ['windows:'] + [f"  {w['name']}: {window_text(w)}" for w in pipeline['windows']]
    lines += [f"accuracy: {{max_edge_error: {pipeline['max_edge_error'] * 100:g}%}}", 'features:']
    lines += [feature_text(f) for f in pipeline['features']]
    lines += [f"evaluate: {evaluate_text(pipeline['evaluate'])}", 'scores:']
    for score in pipeline['scores']:
        lines += score_text(score)
    if 'limits' in pipeline:
        lines.append(f"limits: {flow(limits_text(pipeline['limits']))}")
    if pipeline['alerts']:
        lines += ['alerts:'] + [alert_text(a) for a in pipeline['alerts']]
    lines += ['outputs:', f'  scores: {{file: "{directory}/scores.jsonl", on: every, features: all}}']
    lines += [f'  {name}: {{file: "{directory}/{name}.jsonl"}}' for name in ('alerts', 'shadow', 'quarantine')]
    return '\n'.join(lines) + '\n'


def write_files(directory, seed, timers):
    """Writes pipeline.yaml and its logs; the pipeline, the logs, and the inputs as arguments of `ebb replay`."""
    pipeline = make_pipeline(seed, timers)
    logs = make_logs(seed, pipeline)
    inputs = []
    for source in pipeline['sources']:
        for number, lines in enumerate(logs[source['name']]):
            with open(f"{directory}/{source['name']}-{number}.jsonl", 'w', encoding='utf-8') as file:
                file.writelines(line + '\n' for line in lines)
        inputs += ['--input', f"{source['name']}={directory}/{source['name']}-*.jsonl"]
    for score in pipeline['scores']:
        if 'terms' in score:
            with open(f"{directory}/{score['name']}.json", 'w', encoding='utf-8') as file:
                json.dump(model_file(score), file, indent=1)
    with open(f'{directory}/pipeline.yaml', 'w', encoding='utf-8') as file:
        file.write(pipeline_text(pipeline, directory))
    return pipeline, logs, inputs
