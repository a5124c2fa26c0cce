# Reference sources: what is known of a customer, and the instants at which comparisons with `now` turn true. Exact
# fractions, so that no rounding of ours could agree by chance with one of the engine's.
import datetime
import decimal
import fractions
import math

MISSING = object()


def time_slot(unit, raw):
    """The milliseconds of a `time` field: RFC 3339, or a number in the unit of the source; None when it is neither."""
    if isinstance(raw, str):
        try:
            moment = datetime.datetime.fromisoformat(raw.replace('Z', '+00:00'))
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        delta = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return (delta.days * 86400 + delta.seconds) * 1000 + delta.microseconds // 1000
    if isinstance(raw, bool) or unit == 'rfc3339' or not isinstance(raw, (int, decimal.Decimal)):
        return None
    if unit == 's':
        return int((decimal.Decimal(raw) * 1000).to_integral_value(rounding=decimal.ROUND_HALF_EVEN))
    if not isinstance(raw, int):
        return None
    return raw // 1000 if unit == 'us' else raw


def said(members, path):
    """What stands at a path; MISSING when nothing does, which isn't the same as null."""
    for step in path.strip('/').split('/'):
        if not isinstance(members, dict) or step not in members:
            return MISSING
        members = members[step]
    return members


def names(pipeline, known):
    """SOURCE.FIELD -> value, as expressions see it. `known`: what Customer.known holds."""
    out = {}
    for source in pipeline['sources']:
        for field in source['fields'] if source.get('reference') else []:
            slot = known.get((source['name'], field['name']))
            if slot is not None and field['type'] in ('int', 'decimal', 'time'):
                slot = float(slot) / 10.0**field.get('decimals', 0)
            out[f"{source['name']}.{field['name']}"] = slot
    return out


def update(source, known, slots, absent):
    for field in source['fields']:
        if field['name'] not in absent:
            known[source['name'], field['name']] = slots[field['name']]


def reads_now(tree, features):
    if tree[0] == 'name':
        if tree[1] in features:
            return reads_now(features[tree[1]], features)
        return tree[1] == 'now'
    return any(reads_now(part, features) for part in tree[1:] if isinstance(part, tuple))


def deadlines(tree, features, moving):
    """The comparisons under `and` and `or` of now, now - X or X - now with Y: (sign, X or None, Y, strict), where sign
    is that of now. `features`: trees of computed ones by name. `moving(tree)`: changes by itself."""
    op = tree[0]
    if op in ('and', 'or'):
        return deadlines(tree[1], features, moving) + deadlines(tree[2], features, moving)
    if op not in ('<', '<=', '>', '>='):
        return []
    out = []
    for side, other, rises in ((tree[1], tree[2], op[0] == '>'), (tree[2], tree[1], op[0] == '<')):
        if side[0] == 'name' and side[1] in features:
            side = features[side[1]]
        if moving(other):
            continue
        if side == ('name', 'now') and rises:
            out.append((1, None, other, len(op) == 1))
        elif side[0] == '-' and side[1] == ('name', 'now') and not moving(side[2]) and rises:
            out.append((1, side[2], other, len(op) == 1))
        elif side[0] == '-' and side[2] == ('name', 'now') and not moving(side[1]) and not rises:
            out.append((-1, side[1], other, len(op) == 1))
    return out


def instant(sign, base, threshold, strict):
    """The first millisecond at which the comparison is true; None when a side of it is null."""
    if base is None or threshold is None:
        return None
    edge = fractions.Fraction(base) + sign * fractions.Fraction(threshold)
    return math.floor(edge) + 1 if strict else math.ceil(edge)
