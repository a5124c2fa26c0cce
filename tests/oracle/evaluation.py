# When evaluations happen, and what a whole run gives: the lines of the score and alert outputs, and the ledger.
#
# 1. A record of a source in `on` evaluates its customer at its effective time T, unless T < last evaluation +
#    at_most_every; then one evaluation is due at that time.
# 2. also_every: an evaluation that long after the last one, while the last evaluation is no further from the customer's
#    last record than the longest window reaches. It is never earlier than the last record.
# 3. Each comparison `recency > X` in a condition: an evaluation at the millisecond at which it turns true.
# 4. Timers fire after the records of the same time, in the order of the customers' keys.
import datetime
import heapq

import alerts
import expressions
import holdout
import populations
import quiet
import references
import semantics

NO_WINDOW_HORIZON = 30 * semantics.DAY


def time_text(ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return moment.strftime('%Y-%m-%dT%H:%M:%S.') + f'{ms % 1000:03}Z'


class Customer:
    def __init__(self, key, rules):
        self.key = key
        self.events = semantics.History()
        self.known = {}         # (reference source, field) -> slot
        self.used_ids = {}      # source -> (id, effective time) of each record that was used and had one
        self.last_record = None
        self.last_evaluation = {}   # by evaluation
        self.due = {}               # by evaluation: time of one that was put off
        self.armed = None       # (time, kinds) of the timer that counts
        self.scores = {}        # name -> value at the last evaluation
        self.episodes = [alerts.Episode() for _ in rules]
        self.openings = []      # times


def clocks(tree, recencies):
    """The comparisons under `and` and `or` that turn true as time passes: (name, threshold tree, strict)."""
    op = tree[0]
    if op in ('and', 'or'):
        return clocks(tree[1], recencies) + clocks(tree[2], recencies)
    if op in ('>', '>=') and tree[1][0] == 'name' and tree[1][1] in recencies:
        return [(tree[1][1], tree[2], op == '>')]
    if op in ('<', '<=') and tree[2][0] == 'name' and tree[2][1] in recencies:
        return [(tree[2][1], tree[1], op == '<')]
    return []


def explaining(pipeline):
    """The score whose reasons stand in the alerts."""
    return next((s for s in pipeline['scores'] if s['name'] == 'risk'), pipeline['scores'][0])


class Evaluation:
    """Scores and rules that are evaluated together: with the same `evaluate`."""

    def __init__(self, plan):
        self.plan = plan
        self.scores, self.rules, self.clocks, self.passings = [], [], [], []


def evaluations(pipeline):
    """In their order: that of the file, then others by their first score, then by their first alert."""
    out = [Evaluation(pipeline['evaluate'])]

    def meaning(plan):
        return (sorted(plan['on']), plan.get('at_most_every', 0), plan.get('also_every', 0),
                plan.get('at_close', []))

    def of(plan):
        found = [e for e in out if meaning(e.plan) == meaning(plan)]
        if not found:
            out.append(Evaluation(plan))
        return (found or out[-1:])[0]

    explains = {}
    for score in semantics.in_order(pipeline['scores']):
        explains[score['name']] = of(score.get('evaluate', pipeline['evaluate']))
        explains[score['name']].scores.append(score)
    for number, rule in enumerate(pipeline.get('alerts', [])):
        own = of(rule['evaluate']) if 'evaluate' in rule else explains[explaining(pipeline)['name']]
        own.rules.append((number, rule))
    return [e for e in out if e.scores or e.rules]


class Run:
    def __init__(self, pipeline, logs, until=None):
        """`logs`: source name -> list of logs, each a list of lines. `until`: the last time that is looked at."""
        self.pipeline = dict(pipeline, measures=semantics.measures(pipeline))
        self.rules = pipeline.get('alerts', [])
        self.customers = {}
        self.lines, self.alerts, self.shadow = [], [], []
        self.timers = []
        self.populations = populations.Populations(pipeline['features'])
        self.bids = []          # (number of the budget, customer, number of the rule, priority), of this instant
        records, newest = [], semantics.BEFORE_TIME
        for source in pipeline['sources']:
            of_source = []
            for number, lines in enumerate(logs[source['name']]):
                stamped, newest_of_log = semantics.stamp(source, number, lines)
                of_source += stamped
                newest = max(newest, newest_of_log)
            records += of_source
        self.watermark = (newest if until is None else until) + 1
        self.all_records = records
        self.records = sorted((r for r in records if r['fate'] in ('use', 'tombstone')), key=semantics.place)
        self.quarantined = sorted((r for r in records if r['fate'] == 'quarantine'), key=semantics.place)
        self.recencies = {m['name']: m for m in semantics.measures(pipeline) if m['agg'] == 'recency'}
        self.recencies['tenure'] = None
        self.evaluations = evaluations(pipeline)
        self.explaining = explaining(pipeline)
        for own in self.evaluations:
            conditions = [p['when'] for s in own.scores for p in s.get('points', []) if p.get('when') is not None]
            conditions += [rule['when'] for _, rule in own.rules]
            own.clocks = [clock for condition in conditions for clock in clocks(condition, self.recencies)]
            own.passings = [passing for condition in conditions for passing in self.passings(condition)]
        self.horizon = max((w['length'] + semantics.tile_of(w, pipeline['max_edge_error'])
                            for w in pipeline['windows'] if w['length']), default=NO_WINDOW_HORIZON)

    def passings(self, condition):
        """The comparisons with now in a condition."""
        features = {f['name']: f['expr'] for f in self.pipeline['features'] if 'expr' in f}

        def moving(tree):
            return references.reads_now(tree, features) or any(n in self.recencies for n in semantics.names_in(tree))

        return references.deadlines(condition, features, moving)

    def all(self):
        for number, record in enumerate(self.records):
            if record['effective'] >= self.watermark:
                break
            self.fire_before(record['effective'])
            self.use(record, number)
        self.fire_before(self.watermark)
        return self.lines

    def use(self, record, number):
        now = record['effective']
        source = self.pipeline['sources'][record['source']]
        customer = self.customers.setdefault(record['key'], Customer(record['key'], self.rules))
        self.populations.begin(now)
        slots, names, identity, absent = record['content']
        if self.is_duplicate(source, customer, identity, now):
            record['duplicate'] = True
            return
        if source.get('reference'):
            references.update(source, customer.known, slots, absent)
        else:
            customer.events.append({'time': record['time'], 'source': source['name'], 'slots': slots, 'names': names,
                                    'processed': number, 'effective': now, 'holds': {}})
            customer.last_record = now
        values, rate = self.compute(customer, now)
        due = []
        for number, own in enumerate(self.evaluations):
            if source['name'] not in own.plan['on']:
                continue
            last, wait = customer.last_evaluation.get(number), own.plan.get('at_most_every', 0)
            if wait > 0 and last is not None and now < last + wait:
                customer.due[number] = last + wait
            else:
                due.append(number)
        if due:
            trigger = {'kind': 'event', 'source': source['name']}
            self.evaluate(customer, due, now, values, rate, trigger, record)
        self.arm(customer, now, now, values, rate)

    def is_duplicate(self, source, customer, identity, now):
        """Whether the id was used within `dedup`, as far as the last max_ids ids of the customer tell."""
        if identity is None:
            return False
        used = customer.used_ids.setdefault(source['name'], [])
        if any(known == identity and now - since < source['dedup'] for known, since in used[-source['max_ids']:]):
            return True
        used.append((identity, now))
        return False

    def ledger(self):
        """What became of the records, by source."""
        return {source['name']: semantics.ledger([r for r in self.all_records if r['source'] == source['ordinal']])
                for source in self.pipeline['sources']}

    def compute(self, customer, now):
        """All that expressions may name, the scores included."""
        values, rate = semantics.feature_values(self.pipeline, customer.events, customer.known, now,
                                                self.populations.told)
        for score in semantics.in_order(self.pipeline['scores']):
            values[score['name']] = semantics.score_value(score, values, rate)
        return values, rate

    def evaluate(self, customer, due, now, values, rate, trigger, record=None):
        """`due`: numbers of evaluations."""
        hidden = ['tenure', 'now'] + [score['name'] for score in self.pipeline['scores']]
        features = {name: value for name, value in values.items() if name not in hidden and '.' not in name}
        self.expire(customer, now, values, rate, trigger, record)
        moment = (customer, now, values, rate, trigger, record)
        for number in due:
            ready = []
            for index, rule in self.evaluations[number].rules:
                episode = customer.episodes[index]
                status = alerts.step(rule, episode, now, self.holds(moment), self.quiet_until(rule, moment))
                self.move(index, status, False, moment, ready)
            self.open_ready(ready, moment)
            for score in self.evaluations[number].scores:
                name = score['name']
                self.lines.append({'score': name, 'customer_id': customer.key, 'as_of': time_text(now),
                                   'trigger': trigger, 'value': values[name], 'previous': customer.scores.get(name),
                                   'band': semantics.band_of(score, values[name]), 'features': features})
                customer.scores[name] = values[name]
            customer.last_evaluation[number] = now
            customer.due.pop(number, None)

    def holds(self, moment):
        return lambda condition: expressions.value(condition, moment[2], moment[3]) is True

    def quiet_until(self, rule, moment):
        if 'quiet' not in rule:
            return lambda now: now
        zone = rule['quiet'].get('zone', 0)
        if isinstance(zone, tuple):
            zone = expressions.value(zone, moment[2], moment[3])
        return lambda now: quiet.until(rule['quiet'], zone, now)

    def priority(self, rule, moment):
        tree = rule.get('priority', rule.get('expected_value', ('name', self.explaining['name'])))
        return expressions.value(tree, moment[2], moment[3])

    def move(self, number, status, granted, moment, ready):
        """What comes of a step: lines, or a place among those that are ready."""
        customer, now, values, rate, trigger, record = moment
        rule, episode = self.rules[number], customer.episodes[number]
        if status == 'ready':
            ready.append((number, granted or 'budget' not in rule))
            # Without a limit over all rules nothing can be taken away by a later one.
            if 'per_customer' not in self.pipeline.get('limits', {}):
                self.open_ready(ready, moment)
            return
        if 'updated' in rule.get('revisions', []):
            why = alerts.reasons(self.explaining, values, rate)
            main = why[0]['code'] if why else None
            if status == 'escalated':
                episode.reason = main
            elif status is None and episode.open and main is not None and main != episode.reason:
                episode.reason = main
                episode.revision += 1
                status = 'updated'
        if status is not None and alerts.written(rule, status):
            self.write_alert(rule, episode, status, customer, now, values, rate, trigger, record)

    def open_ready(self, ready, moment):
        for number, granted in sorted(ready, key=lambda r: alerts.by_rank(self.priority(self.rules[r[0]], moment))):
            self.open(number, granted, moment)
        ready.clear()

    def limited(self, customer, now):
        limit = self.pipeline.get('limits', {}).get('per_customer')
        return limit is not None and \
            len([t for t in customer.openings if now - t < limit['within']]) >= limit['alerts']

    def budget_of(self, rule):
        return self.pipeline['limits']['budgets'][rule['budget']]

    def open(self, number, granted, moment):
        """Whether it used a place of its budget."""
        customer, now, values, rate, trigger, record = moment
        rule, episode = self.rules[number], customer.episodes[number]
        if self.limited(customer, now):
            episode.wait = None
            return False
        if not granted:
            episode.wait = ('budget', alerts.last_of_period(self.budget_of(rule), now))
            return False
        until = self.quiet_until(rule, moment)(now)
        uses_place = not holdout.held_out(self.pipeline, rule, customer.key)
        if until > now:
            episode.wait = ('opening', until)
            return uses_place
        alerts.begin(rule, episode, now, self.holds(moment))
        customer.openings.append(now)
        why = alerts.reasons(self.explaining, values, rate)
        episode.reason = why[0]['code'] if why else None
        self.write_alert(rule, episode, 'opened', customer, now, values, rate, trigger, record)
        return uses_place

    def end_waits(self, moment):
        customer, now = moment[:2]
        ready = []
        for number, (rule, episode) in enumerate(zip(self.rules, customer.episodes)):
            if episode.wait is None or episode.wait[1] > now:
                continue
            kind = episode.wait[0]
            status = alerts.end_wait(rule, episode, now, self.holds(moment), self.quiet_until(rule, moment))
            if kind == 'budget' and status == 'ready':
                self.bids.append((list(self.pipeline['limits']['budgets']).index(rule['budget']), customer, number,
                                  self.priority(rule, moment)))
            else:
                self.move(number, status, True, moment, ready)
        self.open_ready(ready, moment)

    def settle(self, now):
        """The end of a budget's period: the first by priority get its places, the others wait for the next close."""
        budgets = list(self.pipeline['limits']['budgets'].values())
        left = [budget['alerts'] for budget in budgets]
        ranked = sorted(self.bids, key=lambda b: (b[0], alerts.by_rank(b[3]), b[1].key.encode(), b[2]))
        self.bids = []
        for budget, customer, number, _ in ranked:
            values, rate = self.compute(customer, now)
            moment = (customer, now, values, rate, {'kind': 'schedule'}, None)
            if left[budget] > 0 and not self.limited(customer, now):
                left[budget] -= self.open(number, True, moment)
            else:
                customer.episodes[number].wait = ('budget', now + budgets[budget]['per'])
            self.arm(customer, now, now + 1, values, rate)

    def expire(self, customer, now, values, rate, trigger, record):
        for rule, episode in zip(self.rules, customer.episodes):
            if alerts.expire(rule, episode, now) and alerts.written(rule, 'expired'):
                self.write_alert(rule, episode, 'expired', customer, now, values, rate, trigger, record)

    def write_alert(self, rule, episode, status, customer, now, values, rate, trigger, record):
        score = self.explaining
        names = [name for name, _ in rule.get('severity', [])]
        event_time = now if record is None else record['time']
        out = {'revision': episode.revision, 'status': status, 'rule': rule['name'], 'customer_id': customer.key,
               'event_time': time_text(event_time), 'as_of': time_text(now), 'trigger': trigger,
               'score': values[score['name']], 'previous': customer.scores.get(score['name']),
               'severity': names[episode.severity] if episode.severity >= 0 else 'medium',
               'reasons': alerts.reasons(score, values, rate), 'valid_from': time_text(episode.opened_at),
               'late': record is not None and record['late']}
        if 'expected_value' in rule:
            out['expected_value'] = expressions.value(rule['expected_value'], values, rate)
        if episode.valid_until is not None:
            out['valid_until'] = time_text(episode.valid_until)
        (self.shadow if holdout.held_out(self.pipeline, rule, customer.key) else self.alerts).append(out)

    def origin(self, customer, name):
        """The time from which a recency or the tenure counts."""
        if name == 'tenure':
            return min((e['time'] for e in customer.events), default=None)
        chosen = semantics.covered(self.recencies[name], customer.events, None)
        return chosen[-1]['time'] if chosen else None

    def deadlines(self, customer, number, now, values, rate):
        """The instants at which comparisons turn true: from now on, or after now when `now` has just been evaluated."""
        first = now + 1 if customer.last_evaluation.get(number) == now else now
        for name, tree, strict in self.evaluations[number].clocks:
            origin, threshold = self.origin(customer, name), expressions.value(tree, values, rate)
            if origin is None or threshold is None or threshold < 0 or threshold >= 4e13:
                continue
            instant = origin + int(threshold) + (1 if strict or threshold != int(threshold) else 0)
            if instant >= first:
                yield instant
        for sign, base, threshold, strict in self.evaluations[number].passings:
            moment, span = threshold, ('number', 0)
            if base is not None:
                moment, span = base, threshold
            instant = references.instant(sign, expressions.value(moment, values, rate),
                                         expressions.value(span, values, rate), strict)
            if instant is not None and instant >= first:
                yield instant

    def closes(self, customer, number, now):
        """The ends of the periods of at_close after the last evaluation, or after the last record without one."""
        since = customer.last_evaluation.get(number, customer.last_record)
        if customer.last_record is None or since - customer.last_record > self.horizon:
            return
        for name in self.evaluations[number].plan.get('at_close', []):
            window = next(w for w in self.pipeline['windows'] if w['name'] == name)
            yield max(now, semantics.period_start(window, since) + window['hop'])

    def arm(self, customer, now, first, values, rate):
        """Finds the next time from `first` on at which something happens by itself, and what, for which evaluation."""
        times = []
        for number, own in enumerate(self.evaluations):
            times += [(time, 'silence', number) for time in self.deadlines(customer, number, now, values, rate)]
            if number in customer.due:
                times.append((customer.due[number], 'schedule', number))
            times += [(time, 'schedule', number) for time in self.closes(customer, number, now)]
            last, also_every = customer.last_evaluation.get(number), own.plan.get('also_every', 0)
            active = customer.last_record is not None
            if also_every and last is not None and active and last - customer.last_record <= self.horizon:
                # A schedule that had ended begins again with a record: its next time may have passed long ago.
                times.append((max(now, last + also_every), 'schedule', number))
        for rule, episode in zip(self.rules, customer.episodes):
            times += [(time, kind, None) for time, kind in alerts.timers(rule, episode, first)]
        customer.armed = None
        if times:
            next_time = min(t for t, _, _ in times)
            customer.armed = (next_time, {(kind, number) for time, kind, number in times if time == next_time})
            heapq.heappush(self.timers, (next_time, customer.key.encode(), customer.key))

    def fire_before(self, limit):
        """Timers below the limit, and closes up to it: each after all that lies below."""
        close = self.populations.next_close()
        while close is not None and close <= limit:
            self.fire_timers_before(close)
            active = [c for c in self.customers.values() if c.last_record is not None]
            self.populations.hold(close, [self.compute(customer, close - 1) for customer in active])
            close = self.populations.next_close()
        self.fire_timers_before(limit)

    def fire_timers_before(self, limit):
        while self.timers and self.timers[0][0] < limit:
            now, _, key = heapq.heappop(self.timers)
            customer = self.customers[key]
            if customer.armed is not None and customer.armed[0] == now:
                self.wake(customer, now)
            if self.bids and (not self.timers or self.timers[0][0] > now):
                self.settle(now)

    def wake(self, customer, now):
        kinds = customer.armed[1]
        values, rate = self.compute(customer, now)
        silent = sorted(number for kind, number in kinds if kind == 'silence')
        scheduled = sorted({number for kind, number in kinds if kind == 'schedule'} - set(silent))
        trigger = {'kind': 'silence' if silent else 'schedule'}
        self.expire(customer, now, values, rate, trigger, None)
        for kind, due in (('silence', sorted(set(silent))), ('schedule', scheduled)):
            if due:
                self.evaluate(customer, due, now, values, rate, {'kind': kind})
        self.end_waits((customer, now, values, rate, {'kind': 'schedule'}, None))
        self.arm(customer, now, now + 1, values, rate)
