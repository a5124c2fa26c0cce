# Random scores of other kinds than the first scorecard, and what holds alerts back: models, calibrations, scores that
# read each other, times of evaluation of their own; limits, budgets, priorities, quiet hours. With their texts.
import expressions
import semantics

MINUTE, HOUR, DAY = 60000, 3600000, 86400000
BANDS = [('low', -1000000.0), ('medium', 0.3), ('high', 0.8)]


def make_calibration(rng):
    if rng.random() < 0.5:
        return {'method': 'platt', 'a': rng.choice([-1.0, -0.45, -2.37]), 'b': rng.choice([0.0, 1.31, -0.5])}
    count = rng.randint(1, 5)
    return {'method': 'isotonic', 'x': sorted(rng.sample([-3, -1.5, -0.25, 0, 0.7, 1.125, 4, 9], count)),
            'y': sorted(rng.choice([0, 0.01, 0.3, 0.35, 0.8, 1]) for _ in range(count))}


def make_model(rng, name, expressions_of, others):
    """A score from a model file, over features and other scores."""
    terms = []
    for feature in rng.sample(expressions_of.numbers + expressions_of.durations[1:] + others,
                              min(4, len(expressions_of.numbers + expressions_of.durations[1:] + others))):
        term = {'feature': feature, 'missing': rng.choice([0, 0.5, -1.25])}
        if rng.random() < 0.5:
            edges = sorted(rng.sample([-2, 0, 0.5, 1, 3, 10, 3600, 86400], rng.randint(0, 4)))
            term['bins'] = {'edges': edges, 'values': [rng.choice([-1.5, 0, 0.1, 0.75]) for _ in range(len(edges) + 1)]}
        else:
            term.update(weight=rng.choice([0.1, -0.003, 2]), mean=rng.choice([0, 1.7, 100]),
                        scale=rng.choice([1, 0.3, 250]))
            if rng.random() < 0.5:
                del term['missing']
        if rng.random() < 0.7:
            term['reason'] = rng.choice(['PRICE', 'MODEL_OTHER'])
        terms.append(term)
    score = {'name': name, 'link': rng.choice(['logistic', 'none']), 'intercept': rng.choice([0, -0.5]), 'terms': terms,
             'durations': expressions_of.durations, 'bands': BANDS}
    if score['link'] == 'logistic' and rng.random() < 0.5:
        score['calibration'] = make_calibration(rng)
    return score


def add_scores(rng, pipeline, expressions_of):
    """A model that may read the first score, and a scorecard that reads it, anywhere in the file."""
    model = make_model(rng, 'model', expressions_of, ['risk'] if rng.random() < 0.5 else [])
    reader = {'name': 'blend', 'link': 'none', 'intercept': 0.5, 'bands': BANDS, 'points': [
        {'weight': 0.5, 'of': ('name', 'model'), 'reason': 'MODEL_OTHER'},
        {'weight': -0.25, 'when': ('>', ('name', 'risk'), ('number', 0.4)), 'reason': 'PRICE'}]}
    if rng.random() < 0.3 and not any(term['feature'] == 'risk' for term in model['terms']):
        pipeline['scores'][0] = {**make_model(rng, 'risk', expressions_of, ['model'])}
    pipeline['scores'] += [model, reader]
    rng.shuffle(pipeline['scores'])
    names = pipeline['evaluate']['on']
    for one in pipeline['scores'] + pipeline['alerts']:
        if rng.random() < 0.3:
            one['evaluate'] = {'on': rng.sample(names, rng.randint(1, len(names)))}
            if rng.random() < 0.5:
                one['evaluate']['at_most_every'] = rng.choice([HOUR, 2 * DAY])
            if rng.random() < 0.3:
                one['evaluate']['also_every'] = rng.choice([6 * HOUR, 3 * DAY])


PLACES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata']


def add_limits(rng, pipeline, expressions_of):
    """Budgets, a limit for each customer, priorities, expected values and quiet hours, for the alerts there are."""
    limits = {}
    if rng.random() < 0.5:
        limits['per_customer'] = {'alerts': rng.randint(1, 3), 'within': rng.choice([HOUR, DAY, 10 * DAY])}
    if rng.random() < 0.6:
        limits['budgets'] = {}
        for name in ('calls', 'letters')[:rng.randint(1, 2)]:
            per = rng.choice([HOUR, DAY, DAY, 7 * DAY])
            limits['budgets'][name] = {'alerts': rng.choice([0, 1, 1, 2]), 'per': per,
                                       'closes': rng.choice([0, per // 4])}
    zones = [m['name'] for m in semantics.measures(pipeline) if m['agg'] in ('first', 'last', 'distinct', 'count')]
    for alert in pipeline['alerts']:
        if rng.random() < 0.4:
            alert['expected_value'] = expressions_of.number(2)
        if rng.random() < 0.4:
            alert['priority'] = expressions_of.number(1)
        if 'budgets' in limits and rng.random() < 0.7:
            alert['budget'] = rng.choice(list(limits['budgets']))
        if rng.random() < 0.5:
            begin, end = rng.sample(range(0, 24 * 60, 30), 2)
            alert['quiet'] = {'from': begin * MINUTE, 'to': end * MINUTE,
                              'summer_time': rng.choice(['none', 'eu', 'us'])}
            if zones and rng.random() < 0.4:
                alert['quiet']['zone'] = ('*', ('name', rng.choice(zones)), ('duration', HOUR))
                alert['quiet']['otherwise'] = rng.choice([0, HOUR])
            elif rng.random() < 0.4:
                alert['quiet']['zone'] = rng.choice(PLACES)
                del alert['quiet']['summer_time']
            else:
                alert['quiet']['zone'] = alert['quiet']['otherwise'] = rng.choice([0, HOUR, -8 * HOUR, 330 * MINUTE])
    if limits:
        pipeline['limits'] = limits


# Texts, as values that generate.py writes.

def duration_or_zero(ms):
    return expressions.duration_text(ms) if ms else '0s'


def zone_text(zone):
    if isinstance(zone, (tuple, str)):
        return zone
    return f"'{'-' if zone < 0 else '+'}{abs(zone) // HOUR:02}:{abs(zone) % HOUR // MINUTE:02}'"


def quiet_text(quiet):
    out = {'from': duration_or_zero(quiet['from']), 'to': duration_or_zero(quiet['to']),
           'zone': zone_text(quiet['zone'])}
    if 'summer_time' in quiet:
        out['summer_time'] = quiet['summer_time']
    if isinstance(quiet['zone'], tuple):
        out['otherwise'] = zone_text(quiet['otherwise'])
    return out


def limits_text(limits):
    out = {}
    if 'per_customer' in limits:
        out['per_customer'] = {**limits['per_customer'], 'within': duration_or_zero(limits['per_customer']['within'])}
    if 'budgets' in limits:
        out['budgets'] = {name: {'alerts': b['alerts'], 'per': duration_or_zero(b['per']),
                                 'closes': duration_or_zero(b['closes'])} for name, b in limits['budgets'].items()}
    return out


def model_file(score):
    out = {k: score[k] for k in ('link', 'intercept', 'terms', 'calibration') if k in score}
    if 'calibration' in out:
        del out['link']
    return {'format': 'ebb-model-1', 'id': score['name'], 'version': '1', **out}
