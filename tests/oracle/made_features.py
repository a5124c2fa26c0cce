# Random features that are computed from others, and statistics of them over all customers; who is held out.
MINUTE, HOUR, DAY = 60000, 3600000, 86400000


def add_computed(rng, pipeline, expressions_of):
    for i in range(rng.randint(1, 4)):
        kind = rng.choice(['number', 'duration', 'condition'])
        pipeline['features'].append({'name': f'e{i}', 'expr': getattr(expressions_of, kind)(2)})
        {'number': expressions_of.numbers, 'duration': expressions_of.durations,
         'condition': expressions_of.conditions}[kind].append(f'e{i}')


def add_populations(rng, pipeline, expressions_of):
    if rng.random() < 0.6:
        return
    for i in range(rng.randint(1, 3)):
        kind = rng.choice(['number', 'duration', 'condition'])
        feature = {'name': f'p{i}', 'population': getattr(expressions_of, kind)(1),
                   'stat': rng.choice(['mean', 'stddev', 'min', 'max', 'quantile', 'quantile', 'count'])}
        if feature['stat'] == 'quantile':
            feature['q'] = rng.choice([0.1, 0.5, 0.75, 0.999999, 1])
        if rng.random() < 0.7:
            feature['per'] = rng.choice([6 * HOUR, DAY, DAY, 7 * DAY])
            if rng.random() < 0.5:
                feature['closes'] = rng.choice([MINUTE, 30 * MINUTE])
        pipeline['features'].append(feature)
        duration = kind == 'duration' and feature['stat'] != 'count'
        (expressions_of.durations if duration else expressions_of.numbers).append(f'p{i}')


def add_holdouts(rng, pipeline):
    for alert in pipeline['alerts']:
        if rng.random() < 0.3:
            alert['holdout'] = rng.choice(['1%', '25%', '50%', '50%'])
