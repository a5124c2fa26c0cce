# Alert episodes: what opens, escalates, resolves and expires, one customer and one rule at a time.
#
# Closed: `when` must hold `confirm` evaluations in a row and the cooldown since the last opening be over; then it
# opens. Open: `clear` (without one: `when` no longer) resolves it; a higher severity escalates it; at valid_until it
# expires, before anything else that happens then.
import expressions


class Episode:
    def __init__(self):
        self.open = False
        self.opened_at = None
        self.valid_until = None
        self.streak = 0
        self.revision = 0
        self.severity = -1

    def close(self):
        self.open = False
        self.streak = 0
        self.revision += 1


def written(rule, status):
    return status == 'opened' or status in rule.get('revisions', ['escalated', 'resolved', 'expired'])


def expire(rule, episode, now):
    """Whether the episode ends because its time is over."""
    if not episode.open or episode.valid_until is None or now < episode.valid_until:
        return False
    episode.close()
    return True


def severity_of(rule, holds):
    """The number of the last severity that holds, -1 for the default."""
    return max((i for i, (_, condition) in enumerate(rule.get('severity', [])) if holds(condition)), default=-1)


def step(rule, episode, now, holds):
    """One evaluation; `holds(condition)` says whether a condition is true. The status that came of it, or None."""
    condition = holds(rule['when'])
    if episode.open:
        severity = severity_of(rule, holds)
        if holds(rule['clear']) if 'clear' in rule else not condition:
            episode.close()
            return 'resolved'
        if severity > episode.severity:
            episode.severity = severity
            episode.revision += 1
            return 'escalated'
        return None
    episode.streak = episode.streak + 1 if condition else 0
    cooling = episode.opened_at is not None and now - episode.opened_at < rule.get('cooldown', 0)
    if episode.streak < rule.get('confirm', 1) or cooling:
        return None
    episode.open = True
    episode.opened_at = now
    episode.valid_until = now + rule['valid_for'] if rule.get('valid_for') else None
    episode.revision = 0
    episode.severity = severity_of(rule, holds)
    return 'opened'


def timer(rule, episode):
    """When an open episode wants to be woken."""
    return episode.valid_until if episode.open and written(rule, 'expired') else None


def terms(score, values, rate):
    """(reason, amount) of each point, 0 for one that doesn't count."""
    out = []
    for point in score['points']:
        amount = 0.0
        if point.get('when') is None or expressions.value(point['when'], values, rate) is True:
            number = 1.0 if point.get('of') is None else expressions.value(point['of'], values, rate)
            amount = 0.0 if number is None else point['weight'] * number
        out.append((point['reason'], amount))
    return out


def reasons(score, values, rate):
    """The three largest positive sums by reason: code, contribution, share."""
    sums = {}
    for code, amount in terms(score, values, rate):
        if amount != 0:
            sums[code] = sums[code] + amount if code in sums else amount
    positive = sorted(((code, amount) for code, amount in sums.items() if amount > 0), key=lambda r: -r[1])
    total = 0.0
    for _, amount in positive:
        total += amount
    return [{'code': code, 'contribution': amount, 'share': amount / total} for code, amount in positive[:3]]
