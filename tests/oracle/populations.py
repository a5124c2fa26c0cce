# Statistics over all customers: taken at each close from the first customer on, of values as of the millisecond before,
# in ascending order. They hold from the close on.
import math

import expressions

DAY = 86400000


class Populations:
    def __init__(self, features):
        self.features = [f for f in features if 'population' in f]
        self.told = {f['name']: None for f in self.features}
        self.held = None        # the last close, or the time of the first record

    def begin(self, now):
        if self.held is None:
            self.held = now

    def next_close(self):
        """The first close of any feature after the last one that was held; None before the first record."""
        if self.held is None or not self.features:
            return None
        return min(self.close_after(f, self.held) for f in self.features)

    @staticmethod
    def close_after(feature, time):
        per, closes = feature.get('per', DAY), feature.get('closes', 0)
        return (time - closes) // per * per + per + closes

    def hold(self, close, all_values):
        """`all_values`: of each customer who has had an event, the names and rates as of the millisecond before."""
        fresh = {}
        for feature in self.features:
            if self.close_after(feature, close - 1) == close:
                found = [expressions.value(feature['population'], names, rate) for names, rate in all_values]
                fresh[feature['name']] = statistic(feature, sorted(float(v) + 0.0 for v in found if v is not None))
        self.told.update(fresh)
        self.held = close


def total(values):
    out = 0.0
    for value in values:
        out += value
    return out


def statistic(feature, values):
    kind = feature['stat']
    if kind == 'count':
        return float(len(values))
    if not values:
        return None
    if kind == 'min':
        return values[0]
    if kind == 'max':
        return values[-1]
    if kind == 'quantile':
        rank = -(-round(feature['q'] * 1000000) * len(values) // 1000000)
        return values[max(1, rank) - 1]
    mean = total(values) / len(values)
    if kind == 'mean':
        return mean
    return math.sqrt(total((value - mean) * (value - mean) for value in values) / len(values))
