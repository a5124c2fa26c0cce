# What the aggregates beyond sums and extremes mean, from their definitions: of the values that a window covers, of the
# times, of sessions cut out of all events, and of a series of closed periods. Integers stay integers to the last step,
# and doubles are added in the order that the documentation gives, so that every bit can be compared.
import math

from portable_math import log

SERIES = ('slope', 'deviation', 'ewma', 'cusum', 'active_streak', 'silent_streak')
SESSIONS = ('session_count', 'session_length', 'session_depth', 'session_recency', 'bounce_share')


def sample_spread(values):
    n = len(values)
    numerator = n * sum(v * v for v in values) - sum(values)**2
    return math.sqrt(float(numerator) / (float(n) * float(n - 1)))


# Of values.

def stddev(measure, values, unit):
    return sample_spread(values) / unit if len(values) > 1 else None


def bin_middle(value):
    """The middle of the bin of a value: of six leading binary digits the bin has all numbers, and the rest is free."""
    size = abs(value)
    if size < 64:
        return value
    width = 1
    while size // width >= 64:
        width *= 2
    middle = size // width * width + (width - 1) // 2
    return middle if value > 0 else -middle


def quantile(measure, values, unit):
    if not values:
        return None
    millionths = math.floor(measure['q'] * 1000000 + 0.5)
    rank = max(1, -(-millionths * len(values) // 1000000))
    value = sorted(values)[rank - 1]
    return float(value if measure.get('exact') or measure.get('last') else bin_middle(value)) / unit


def frequencies(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def entropy(measure, values, unit):
    if not values:
        return None
    total = 0.0
    for count in sorted(frequencies(values).values()):
        share = float(count) / float(len(values))
        total = total - share * log(share)
    return total


def top_share(measure, values, unit):
    counts = sorted(frequencies(values).values(), reverse=True)
    rank = measure.get('rank', 1)
    return float(counts[rank - 1]) / float(len(values)) if len(counts) >= rank else None


def top(measure, values, unit):
    ranked = sorted(frequencies(values).items(), key=lambda pair: (-pair[1], pair[0]))
    rank = measure.get('rank', 1)
    return float(ranked[rank - 1][0]) / unit if len(ranked) >= rank else None


OF_VALUES = {'stddev': stddev, 'quantile': quantile, 'entropy': entropy, 'top_share': top_share, 'top': top}


# Of times.

def interarrival_cv(times):
    """`times` ascend."""
    gaps = [b - a for a, b in zip(times, times[1:])]
    if len(gaps) < 2 or sum(gaps) == 0:
        return None
    return sample_spread(gaps) / (float(sum(gaps)) / float(len(gaps)))


# Of sessions.

def sessions_of(events, gap, longest):
    """Sessions as lists of times, from events in the order of processing. An event is forgotten that is older than the
    longest window and lies within the gap of no session that an event of the window could still touch."""
    sessions = []
    for event in events:
        oldest = event['effective'] - longest
        sessions = [s for s in sessions if max(s) + gap > oldest]
        time = event['time']
        near = [s for s in sessions if min(s) - gap <= time <= max(s) + gap]
        if near or time > oldest:
            sessions = [s for s in sessions if s not in near] + [sum(near, []) + [time]]
    return sessions


def of_sessions(measure, events, now):
    length, gap = measure['window']['length'], measure['gap']
    sessions = [s for s in sessions_of(events, gap, measure['longest']) if max(s) > now - length]
    aggregate = measure['agg']
    if aggregate == 'session_count':
        return float(len(sessions))
    if aggregate == 'session_recency':
        over = [max(s) for s in sessions if now - max(s) > gap]
        return float(now - max(over)) if over else None
    if not sessions:
        return None
    amount = {'session_length': sum(max(s) - min(s) for s in sessions), 'session_depth': sum(map(len, sessions)),
              'bounce_share': sum(len(s) == 1 for s in sessions)}[aggregate]
    return float(amount) / float(len(sessions))


# Of closed periods.

def median(values):
    """Twice the median, which is an integer."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]


def usual(values, robust):
    """What is usual, and the spread about it."""
    if not robust:
        return float(sum(values)) / float(len(values)), sample_spread(values)
    centre = median(values)
    around = median([abs(2 * v - centre) for v in values])
    return float(centre) / 2.0, 1.4826 * (float(around) / 4.0)


def deviation(measure, closed, begun, unit):
    value = begun
    if measure.get('latest') == 'closed' and closed:
        value, closed = closed[-1], closed[:-1]
    if len(closed) < 2:
        return None
    centre, spread = usual(closed, measure.get('robust', False))
    spread = max(spread, measure.get('min_spread', 0.0) * unit)
    return (float(value) - centre) / spread if spread else None


def cusum(measure, closed, unit):
    half = len(closed) // 2
    if half < 2:
        return None
    centre, spread = usual(closed[:half], False)
    spread = max(spread, measure.get('min_spread', 0.0) * unit)
    if spread == 0:
        return None
    total = 0.0
    for value in closed[half:]:
        drop = (centre - float(value)) / spread
        total = max(0.0, total + ((-drop if measure.get('direction') == 'up' else drop) - measure.get('slack', 0.5)))
    return total


def slope(closed, unit):
    k = len(closed)
    if k < 2:
        return None
    numerator = 2 * sum(x * y for x, y in enumerate(closed)) - (k - 1) * sum(closed)
    return float(numerator) * 6.0 / float(k * (k * k - 1)) / unit


def ewma(measure, closed, unit):
    if not closed:
        return None
    mean = float(closed[0])
    for value in closed[1:]:
        mean = mean + measure.get('alpha', 0.3) * (float(value) - mean)
    return mean / unit


def streak(closed, counts):
    length = 0
    for value in reversed(closed):
        if not counts(value):
            break
        length += 1
    return length


def of_series(measure, closed, begun, unit):
    aggregate = measure['agg']
    if not measure.get('of'):
        unit = 1.0
    if aggregate == 'slope':
        return slope(closed, unit)
    if aggregate == 'deviation':
        return deviation(measure, closed, begun, unit)
    if aggregate == 'ewma':
        return ewma(measure, closed, unit)
    if aggregate == 'cusum':
        return cusum(measure, closed, unit)
    if aggregate == 'active_streak':
        return float(streak(closed, lambda v: v > 0) + (begun > 0))
    return 0.0 if begun > 0 else float(streak(closed, lambda v: v == 0))
