# What a pipeline means, by brute force: every record is decoded, stamped and sorted; at every evaluation every feature
# is computed from all events that the customer has had so far. No code and no method is shared with the engine.
#
# A pipeline is a dict as generate.py makes it; times and durations are milliseconds.
import bisect
import decimal
import json
import math

import aggregates
import expressions
import references
from portable_math import exp2, logistic

DAY = 86400000
TILES = [DAY, 6 * 3600000, 3600000, 15 * 60000, 5 * 60000, 60000]
BEFORE_TIME = -(2**61)


class Unusable(Exception):
    """A record that goes to the quarantine; the argument is the reason."""


def tile_of(window, max_edge_error):
    """The tile of a window: its hop, by hand, or the coarsest that divides the length and keeps the error."""
    if window.get('hop'):
        return window['hop']
    if window['length'] == 0 or window.get('tile'):
        return window.get('tile', 0)
    for tile in TILES:
        if window['length'] % tile == 0 and tile <= 2 * window['length'] * max_edge_error:
            return tile
    raise ValueError(f'no tile for {window}')


# Decoding.

def field_value(field, raw, unit):
    """The slot of a decoded field: int, bool, str, or None. `unit`: of the source's time."""
    if raw is None:
        if field.get('missing') is not None:
            raw = field['missing']
        elif field.get('optional'):
            return None
        else:
            raise Unusable('missing_field')
    kind = field['type']
    if kind == 'int':
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Unusable('bad_type')
        return raw
    if kind == 'decimal':
        if isinstance(raw, bool) or not isinstance(raw, (int, decimal.Decimal)):
            raise Unusable('bad_type')
        scaled = decimal.Decimal(raw).scaleb(field['decimals'])
        return int(scaled.to_integral_value(rounding=decimal.ROUND_HALF_EVEN))
    if kind == 'bool':
        if not isinstance(raw, bool):
            raise Unusable('bad_type')
        return raw
    if kind == 'time':
        slot = references.time_slot(unit, raw)
        if slot is None:
            raise Unusable('bad_type')
        return slot
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise Unusable('bad_type')
    return str(raw)


def in_expression(field, slot):
    """A slot as expressions see it."""
    if slot is None or field['type'] in ('bool', 'string'):
        return slot
    return float(slot) / 10.0**field.get('decimals', 0)


def computed_slot(field, result):
    if field['type'] == 'bool':
        return result is True
    if result is None:
        return None
    scaled = result * 10.0**field.get('decimals', 0)
    if not math.isfinite(scaled) or abs(scaled) >= 2.0**53:
        raise Unusable('out_of_range')
    return round(scaled)


def time_value(unit, raw):
    if raw is None:
        raise Unusable('missing_time')
    if unit == 'rfc3339':
        if not isinstance(raw, str):
            raise Unusable('bad_time')
        import datetime
        try:
            moment = datetime.datetime.fromisoformat(raw.replace('Z', '+00:00'))
        except ValueError:
            raise Unusable('bad_time')
        delta = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return (delta.days * 86400 + delta.seconds) * 1000 + delta.microseconds // 1000
    if isinstance(raw, bool) or not isinstance(raw, (int, decimal.Decimal)):
        raise Unusable('bad_time')
    if unit == 's':
        return int(decimal.Decimal(raw) * 1000)
    if not isinstance(raw, int):
        raise Unusable('bad_time')
    return raw // 1000 if unit == 'us' else raw


def at_path(members, path):
    for step in path.strip('/').split('/'):
        if not isinstance(members, dict):
            return None
        members = members.get(step)
    return members


def record_id(source, members):
    """What tells the record from its duplicates; None for a record that can't be one."""
    raw = at_path(members, source['id']) if 'id' in source else None
    if raw is None or raw == '':
        if 'id' in source and source.get('missing_id') != 'accept':
            raise Unusable('missing_id')
        return None
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise Unusable('bad_type')
    return str(raw)


class Tombstone:
    """In place of a line: a message without a value, which deletes what a reference source said of its key."""

    def __init__(self, key):
        self.key = key


def decode(source, line):
    """(fate, reason, key, time, slots) of one line; fate is 'use', 'filter' or 'quarantine'."""
    if isinstance(line, Tombstone):
        nothing = {field['name']: None for field in source['fields']}
        return 'tombstone', None, line.key, None, (nothing, {}, None, set())
    try:
        try:
            members = json.loads(line, parse_float=decimal.Decimal)
        except ValueError:
            raise Unusable('null_value' if not line.strip() else 'json_syntax')
        key = at_path(members, source['key'])
        if key is None or key == '':
            raise Unusable('missing_key')
        time = time_value(source['unit'], at_path(members, source['time']))
        slots, names = {}, {'(time)': time}
        for field in source['fields']:
            if 'expr' in field:
                slots[field['name']] = computed_slot(field, expressions.value(field['expr'], names))
            else:
                slots[field['name']] = field_value(field, at_path(members, field['path']), source['unit'])
            names[field['name']] = in_expression(field, slots[field['name']])
        identity = record_id(source, members)
        absent = {f['name'] for f in source['fields'] if 'expr' not in f and slots[f['name']] is None and
                  references.said(members, f['path']) is references.MISSING}
    except Unusable as unusable:
        return 'quarantine', str(unusable), None, BEFORE_TIME, None
    keep = source.get('where') is None or expressions.value(source['where'], names) is True
    return ('use' if keep else 'filter'), None, str(key), time, (slots, names, identity, absent)


# Order.

def stamp(source, log, lines):
    """The records of one log, with their place in the order."""
    newest = BEFORE_TIME
    records = []
    for offset, line in enumerate(lines):
        fate, reason, key, time, content = decode(source, line)
        late = False
        if fate == 'tombstone':
            # It has no time of its own, and comes after the newest before it.
            time = newest
            if newest == BEFORE_TIME:
                fate, reason, content = 'quarantine', 'null_value', None
        floor = BEFORE_TIME if newest == BEFORE_TIME else newest - source['disorder']
        if fate != 'quarantine':
            jump = source.get('max_jump')
            if jump is not None and newest != BEFORE_TIME and time > newest + jump:
                fate, reason = 'quarantine', 'time_jump'
            elif time < floor:
                late = True
                if source.get('late') == 'quarantine' and fate == 'use':
                    fate, reason = 'quarantine', 'late'
        effective = floor if fate == 'quarantine' else max(time, floor)
        if fate != 'quarantine':
            newest = max(newest, time)
        records.append({'effective': effective, 'source': source['ordinal'], 'log': log, 'offset': offset, 'fate': fate,
                        'reason': reason, 'late': late, 'key': key, 'time': time, 'content': content})
    return records, newest


def place(record):
    return record['effective'], record['source'], record['log'], record['offset']


def ledger(records):
    """Counts by what became of the records of one source."""
    counts = {'read': len(records), 'used': 0, 'late': 0, 'filtered': 0, 'duplicate': 0, 'tombstone': 0}
    for record in records:
        if record.get('duplicate'):
            counts['duplicate'] += 1
        elif record['fate'] == 'use':
            counts['late' if record['late'] else 'used'] += 1
        elif record['fate'] in ('filter', 'tombstone'):
            counts[{'filter': 'filtered'}.get(record['fate'], record['fate'])] += 1
        else:
            counts[record['reason']] = counts.get(record['reason'], 0) + 1
    return counts


# Features.

def measures(pipeline):
    """One dict per feature that reads events: name, aggregate, source, field, filter, window."""
    windows = {w['name']: dict(w, tile=tile_of(w, pipeline['max_edge_error'])) for w in pipeline['windows']}
    out = []
    for feature in pipeline['features']:
        if 'agg' not in feature:
            continue
        overs = feature.get('over')
        for aggregate in feature['agg'] if isinstance(feature['agg'], list) else [feature['agg']]:
            base = feature['name'] + (f'_{aggregate}' if isinstance(feature['agg'], list) else '')
            for over in overs if isinstance(overs, list) else [overs]:
                name = base + (f'_{over}' if isinstance(overs, list) else '')
                out.append(dict(feature, name=name, agg=aggregate, window=windows.get(over)))
    for measure in out:
        if measure['agg'] in aggregates.SESSIONS:
            # Sessions with the same gap and filter are kept together, for the longest of their windows.
            shared = [m for m in out if m['agg'] in aggregates.SESSIONS and m['from'] == measure['from'] and
                      m['gap'] == measure['gap'] and m.get('where') == measure.get('where')]
            measure['longest'] = max(m['window']['length'] for m in shared)
    return out


def window_start(measure, now):
    """The earliest event time that the window covers; None when it reaches back for ever."""
    window = measure['window']
    if window is None or window['length'] == 0:
        return None
    if window.get('hop'):
        return period_start(window, now) - window['length']
    if measure.get('exact') or measure['agg'] == 'interarrival_cv':
        return now - window['length'] + 1
    return now // window['tile'] * window['tile'] - window['length']


def period_start(window, time):
    """When the period began that `time` lies in."""
    offset = window.get('offset', 0)
    return (time - offset) // window['hop'] * window['hop'] + offset


def holds(condition, event):
    """Whether a condition on records is true of an event; looked up when it was asked before."""
    known = event['holds']
    if id(condition) not in known:
        known[id(condition)] = expressions.value(condition, event['names']) is True
    return known[id(condition)]


class History(list):
    """A customer's events in the order of processing. It remembers which of them count for a measure."""

    def __init__(self):
        super().__init__()
        self.known = {}

    def counted(self, measure):
        """The events of the measure's source and filter: in the order of processing; oldest first, in the order of
        processing for equal times."""
        where = measure.get('where')
        known = self.known.setdefault((measure['from'], id(where)), {'seen': 0, 'processed': [], 'by_time': []})
        for event in self[known['seen']:]:
            if event['source'] == measure['from'] and (where is None or holds(where, event)):
                known['processed'].append(event)
                bisect.insort_right(known['by_time'], event, key=time_of)
        known['seen'] = len(self)
        return known['processed'], known['by_time']


def time_of(event):
    return event['time']


def covered(measure, events, now):
    """The customer's events that count, oldest first, in the order of processing for equal times."""
    chosen = events.counted(measure)[1]
    window = measure['window']
    if window is not None and window.get('hop'):
        chosen = chosen[:bisect.bisect_left(chosen, period_start(window, now), key=time_of)]
    start = window_start(measure, now)
    if start is not None:
        chosen = chosen[bisect.bisect_left(chosen, start, key=time_of):]
    return chosen[-measure['last']:] if measure.get('last') else chosen


def series(measure, events, now):
    """Totals (or numbers of events) of the closed periods since the customer's first event, and of the one begun."""
    window = measure['window']
    begun = period_start(window, now)
    first = period_start(window, min((e['time'] for e in events), default=now))
    first = max(begun - window['length'], first)
    starts = list(range(first, begun + 1, window['hop']))
    totals = dict.fromkeys(starts, 0)
    for event in events.counted(measure)[0]:
        start = period_start(window, event['time'])
        amount = event['slots'][measure['of']] if measure.get('of') else 1
        if start in totals and amount is not None:
            totals[start] += amount
    return [totals[s] for s in starts[:-1]], totals[begun]


def decayed_sum(measure, events, now, values, unit):
    """Follows the order of processing, because the last bits depend on it."""
    total = None
    for event, number in values:
        if total is None:
            total, since = float(number), event['time']
        elif event['time'] >= since:
            total = total * exp2(-((event['time'] - since) / measure['half_life'])) + float(number)
            since = event['time']
        else:
            total = total + float(number) * exp2(-((since - event['time']) / measure['half_life']))
    return None if total is None else total * exp2(-((now - since) / measure['half_life'])) / unit


def measured(measure, decimals, events, now):
    """The value of one feature at `now` over the events that the customer has had so far."""
    unit = 10.0**decimals
    if measure['agg'] in aggregates.SESSIONS:
        return aggregates.of_sessions(measure, events.counted(measure)[0], now)
    if measure['agg'] in aggregates.SERIES:
        return aggregates.of_series(measure, *series(measure, events, now), unit)
    chosen = covered(measure, events, now)
    return value_of(measure, chosen, now, unit)


def value_of(measure, chosen, now, unit):
    aggregate = measure['agg']
    if aggregate == 'count':
        return float(len(chosen))
    if aggregate == 'recency':
        return float(now - chosen[-1]['time']) if chosen else None
    if aggregate == 'interarrival_mean':
        if len(chosen) < 2:
            return None
        return float(chosen[-1]['time'] - chosen[0]['time']) / (len(chosen) - 1)
    if aggregate == 'interarrival_cv':
        return aggregates.interarrival_cv([e['time'] for e in chosen])
    if aggregate in ('share', 'ratio'):
        part = sum(holds(measure['part'], e) for e in chosen)
        whole = sum(holds(measure['to'], e) for e in chosen) if aggregate == 'ratio' else len(chosen)
        return float(part) / float(whole) if whole else None
    values = [(e, e['slots'][measure['of']]) for e in chosen if e['slots'][measure['of']] is not None]
    numbers = [number for _, number in values]
    if aggregate == 'distinct':
        return float(min(measure.get('max_items', 64), len(set(numbers))))
    if aggregate == 'sum':
        return float(sum(numbers)) / unit
    if aggregate == 'decayed_sum':
        values.sort(key=lambda v: v[0]['processed'])
        return decayed_sum(measure, chosen, now, values, unit)
    if aggregate in aggregates.OF_VALUES:
        return aggregates.OF_VALUES[aggregate](measure, numbers, unit)
    if not numbers:
        return None
    if aggregate == 'mean':
        return float(sum(numbers)) / unit / len(numbers)
    chosen_number = {'min': min(numbers), 'max': max(numbers), 'first': numbers[0], 'last': numbers[-1]}[aggregate]
    return float(chosen_number) / unit


def tenure(events, now):
    return float(now - min(e['time'] for e in events)) if events else None


def feature_values(pipeline, events, known, now, told):
    """All features by name, measured ones and derived ones, with what else expressions read. `told`: statistics over
    all customers, by name."""
    values, window_of = {'tenure': tenure(events, now), 'now': float(now), **references.names(pipeline, known)}, {}
    fields = {s['name']: {f['name']: f for f in s['fields']} for s in pipeline['sources']}
    for measure in pipeline['measures'] if 'measures' in pipeline else measures(pipeline):
        decimals = fields[measure['from']][measure['of']].get('decimals', 0) if measure.get('of') else 0
        values[measure['name']] = measured(measure, decimals, events, now)
        window_of[measure['name']] = measure

    def rate(name):
        measure = window_of[name]
        whole = measure.get('exact') or measure['window'].get('hop')
        start = now - measure['window']['length'] if whole else window_start(measure, now)
        return expressions.divide(values[name], float(now - start) / DAY)

    for feature in pipeline['features']:
        if 'expr' in feature:
            values[feature['name']] = expressions.value(feature['expr'], values, rate)
        elif 'population' in feature:
            values[feature['name']] = told[feature['name']]
    return values, rate


def term_amount(term, value, is_duration):
    """What one term of a model adds; models know durations as seconds."""
    if value is None:
        return float(term.get('missing', 0))
    x = value / 1000.0 if is_duration else float(value)
    if 'bins' in term:
        return float(term['bins']['values'][sum(1 for edge in term['bins']['edges'] if x >= edge)])
    return term['weight'] * (x - term.get('mean', 0.0)) / term.get('scale', 1.0)


def calibrated(calibration, total):
    if calibration['method'] == 'platt':
        return logistic(-(calibration['a'] * total + calibration['b']))
    points = list(zip(calibration['x'], calibration['y']))
    if total < points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= total < x1:
            return y0 + (y1 - y0) * (total - x0) / (x1 - x0)
    return points[-1][1]


def score_terms(score, values, rate):
    """(reason, amount) of each point or term, 0 for one that doesn't count."""
    if 'terms' in score:
        return [(term.get('reason'), term_amount(term, values[term['feature']], term['feature'] in score['durations']))
                for term in score['terms']]
    out = []
    for point in score['points']:
        amount = 0.0
        if point.get('when') is None or expressions.value(point['when'], values, rate) is True:
            number = 1.0 if point.get('of') is None else expressions.value(point['of'], values, rate)
            amount = 0.0 if number is None else point['weight'] * number
        out.append((point.get('reason'), amount))
    return out


def score_value(score, values, rate):
    total = score['intercept']
    for _, amount in score_terms(score, values, rate):
        total += amount
    if 'calibration' in score:
        return calibrated(score['calibration'], total)
    return logistic(total) if score['link'] == 'logistic' else total


def names_in(tree):
    if tree[0] == 'name':
        return [tree[1]]
    return [name for part in tree[1:] if isinstance(part, tuple) for name in names_in(part)]


def score_reads(score):
    if 'terms' in score:
        return [term['feature'] for term in score['terms']]
    return [name for point in score['points'] for key in ('when', 'of') if point.get(key) is not None
            for name in names_in(point[key])]


def in_order(scores):
    """The scores, each behind those that it reads, otherwise as they stand."""
    by_name, done = {s['name']: s for s in scores}, []

    def visit(score):
        if score in done:
            return
        for name in score_reads(score):
            if name in by_name:
                visit(by_name[name])
        done.append(score)

    for score in scores:
        visit(score)
    return done


def band_of(score, result):
    """The band with the highest lower bound that the value reaches; None below all of them."""
    reached = [name for name, low in score['bands'] if result is not None and result >= low]
    return reached[-1] if reached else None
