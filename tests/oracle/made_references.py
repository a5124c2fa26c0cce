# Random reference sources, with the expressions that read them, and records that change them.
MINUTE, HOUR, DAY = 60000, 3600000, 86400000


def make_reference(rng, source):
    """Makes a reference source of one of events."""
    times = [{'name': name, 'path': f'/{name}', 'type': 'time', 'optional': True} for name in ('since', 'end')]
    source.update(name='profile', reference=True, fields=[f for f in source['fields'] if 'expr' not in f] + times)
    if rng.random() < 0.7:
        for field in source['fields']:
            if field.get('missing') is None:
                field['optional'] = True
    return source


def raw_time_field(rng, unit, time):
    """A time near that of the record, in one of the forms that the source's unit allows."""
    at = time + rng.choice([0, 1, HOUR, 3 * DAY, 40 * DAY, -2 * DAY, -400 * DAY]) + rng.randrange(MINUTE)
    at -= at % 1000
    if unit == 'rfc3339' or rng.random() < 0.3:
        import evaluation
        return rng.choice([evaluation.time_text(at), evaluation.time_text(at)[:10], '9999-12-31'])
    return {'ms': at, 's': at // 1000, 'us': at * 1000}[unit]


def add_features(rng, pipeline, expressions_of):
    """Durations until and since, and what expressions may read of the source."""
    source = next((s for s in pipeline['sources'] if s.get('reference')), None)
    expressions_of.known = [] if source is None else [('name', f"profile.{name}") for name in ('n', 'd')]
    expressions_of.asked = [] if source is None else [
        ('name', 'profile.flag'), ('==', ('name', 'profile.kind'), ('text', 'shop')),
        ('in', ('name', 'profile.kind'), ['app', 'bank']), ('is_null', ('name', 'profile.end')),
        ('<', ('name', 'profile.since'), ('name', 'profile.end')),
        ('==', ('coalesce', ('name', 'profile.since'), ('name', 'profile.end')), ('name', 'profile.end'))]
    if source is None:
        return
    trees = [('-', ('name', 'profile.end'), ('name', 'now')), ('-', ('name', 'now'), ('name', 'profile.since'))]
    for number, tree in enumerate(rng.sample(trees, rng.randint(0, 2))):
        pipeline['features'].append({'name': f'r{number}', 'expr': tree})
        expressions_of.durations.append(f'r{number}')
    if rng.random() < 0.5:
        pipeline['features'].append({'name': 'term', 'expr': ('-', trees[0][1], trees[1][2])})
        expressions_of.durations.append('term')


def clock_condition(rng, pipeline, expressions_of):
    """A comparison that turns true when now passes something, in one of its forms."""
    field = ('name', rng.choice(['profile.end', 'profile.since']))
    span = ('duration', rng.choice([1, HOUR, 36 * HOUR, 30 * DAY]))
    if rng.random() < 0.2:
        span = ('*', ('number', rng.choice([1, 2])), span)
    strict = rng.choice(['', '='])
    features = [f['name'] for f in pipeline['features'] if f['name'] in ('r0', 'r1')]
    form = rng.choice(['passed', 'less', 'until', 'ago'] + ['feature'] * len(features))
    if form == 'feature':
        name = rng.choice(features)
        tree = next(f['expr'] for f in pipeline['features'] if f['name'] == name)
        low, high = ('name', name), span
        if tree[1] == ('name', 'now'):
            low, high = high, low
    elif form == 'passed':
        low, high = field, ('name', 'now')
    elif form == 'less':
        low, high = ('-', field, span), ('name', 'now')
    elif form == 'until':
        low, high = ('-', field, ('name', 'now')), rng.choice([span, ('neg', span)])
    else:
        low, high = span, ('-', ('name', 'now'), field)
    condition = ('<' + strict, low, high) if rng.random() < 0.5 else ('>' + strict, high, low)
    if rng.random() < 0.3:
        condition = (rng.choice(['and', 'or']), condition, expressions_of.condition(0))
    return condition


def events_only(pipeline):
    return [s for s in pipeline['sources'] if not s.get('reference')]
