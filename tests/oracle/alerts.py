# Alert episodes: what opens, escalates, resolves and expires, one customer and one rule at a time.
#
# Closed: `when` must hold `confirm` evaluations in a row and the cooldown since the last opening be over; then it is
# ready to open. Open: `clear` (without one: `when` no longer) resolves it; a higher severity escalates it; at
# valid_until it expires, before anything else that happens then.
# Who is ready may have to wait: for the close of the period of a budget, for the end of quiet hours. A wait ends when
# the condition does (by the rule for open episodes).
import semantics


class Episode:
    def __init__(self):
        self.open = False
        self.opened_at = None
        self.valid_until = None
        self.streak = 0
        self.revision = 0
        self.severity = -1
        self.reason = None      # the main one, of the last line that could tell
        self.wait = None        # (what for: 'budget', 'opening', 'escalation'; until when)

    def close(self):
        self.open = False
        self.streak = 0
        self.revision += 1
        self.wait = None


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


def is_over(rule, holds):
    return holds(rule['clear']) if 'clear' in rule else not holds(rule['when'])


def escalate(rule, episode, now, holds, quiet_until):
    severity = severity_of(rule, holds)
    if severity <= episode.severity:
        return None
    if quiet_until(now) > now:
        episode.wait = ('escalation', quiet_until(now))
        return None
    episode.wait = None
    episode.severity = severity
    episode.revision += 1
    return 'escalated'


def step(rule, episode, now, holds, quiet_until):
    """One evaluation; `holds(condition)` says whether a condition is true. The status that came of it, 'ready' when it
    may open, or None."""
    condition = holds(rule['when'])
    if episode.open:
        if is_over(rule, holds):
            episode.close()
            return 'resolved'
        return escalate(rule, episode, now, holds, quiet_until)
    episode.streak = episode.streak + 1 if condition else 0
    if episode.wait is not None:
        if is_over(rule, holds):
            withdraw(episode)
        return None
    cooling = episode.opened_at is not None and now - episode.opened_at < rule.get('cooldown', 0)
    if episode.streak < rule.get('confirm', 1) or cooling:
        return None
    return 'ready'


def withdraw(episode):
    episode.wait = None
    episode.streak = 0


def end_wait(rule, episode, now, holds, quiet_until):
    """The wait's time has come: the status that comes of it, 'ready', or None."""
    if episode.open:
        episode.wait = None
        return None if is_over(rule, holds) else escalate(rule, episode, now, holds, quiet_until)
    if is_over(rule, holds):
        withdraw(episode)
        return None
    return 'ready'


def begin(rule, episode, now, holds):
    episode.open = True
    episode.wait = None
    episode.opened_at = now
    episode.valid_until = now + rule['valid_for'] if rule.get('valid_for') else None
    episode.revision = 0
    episode.severity = severity_of(rule, holds)


def timers(rule, episode, first):
    """When the episode wants to be woken, from `first` on."""
    if episode.open and episode.valid_until is not None and written(rule, 'expired'):
        yield episode.valid_until, 'expiry'
    if episode.wait is not None and episode.wait[1] >= first:
        yield episode.wait[1], 'wait'


def last_of_period(budget, now):
    since = now - budget.get('closes', 0)
    return now - since % budget['per'] + budget['per'] - 1


def by_rank(priority):
    """For sorting: higher first, null last."""
    return (priority is None, -priority if priority is not None else 0)


def reasons(score, values, rate):
    """The three largest positive sums by reason: code, contribution, share."""
    sums = {}
    for code, amount in semantics.score_terms(score, values, rate):
        if amount != 0 and code is not None:
            sums[code] = sums[code] + amount if code in sums else amount
    positive = sorted(((code, amount) for code, amount in sums.items() if amount > 0), key=lambda r: -r[1])
    total = 0.0
    for _, amount in positive:
        total += amount
    return [{'code': code, 'contribution': amount, 'share': amount / total} for code, amount in positive[:3]]
