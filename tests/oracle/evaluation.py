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
import semantics

NO_WINDOW_HORIZON = 30 * semantics.DAY


def time_text(ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return moment.strftime('%Y-%m-%dT%H:%M:%S.') + f'{ms % 1000:03}Z'


class Customer:
    def __init__(self, key, rules):
        self.key = key
        self.events = semantics.History()
        self.used_ids = {}      # source -> (id, effective time) of each record that was used and had one
        self.last_record = None
        self.last_evaluation = None
        self.due = None         # time of an evaluation that was put off
        self.armed = None       # (time, kinds) of the timer that counts
        self.scores = {}        # name -> value at the last evaluation
        self.episodes = [alerts.Episode() for _ in rules]


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


class Run:
    def __init__(self, pipeline, logs, until=None):
        """`logs`: source name -> list of logs, each a list of lines. `until`: the last time that is looked at."""
        self.pipeline = dict(pipeline, measures=semantics.measures(pipeline))
        self.rules = pipeline.get('alerts', [])
        self.customers = {}
        self.lines, self.alerts = [], []
        self.timers = []
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
        self.records = sorted((r for r in records if r['fate'] == 'use'), key=semantics.place)
        self.quarantined = sorted((r for r in records if r['fate'] == 'quarantine'), key=semantics.place)
        self.recencies = {m['name']: m for m in semantics.measures(pipeline) if m['agg'] == 'recency'}
        self.recencies['tenure'] = None
        conditions = [p['when'] for s in pipeline['scores'] for p in s['points'] if p.get('when') is not None]
        conditions += [rule['when'] for rule in self.rules]
        self.clocks = [clock for condition in conditions for clock in clocks(condition, self.recencies)]
        self.horizon = max((w['length'] + semantics.tile_of(w, pipeline['max_edge_error'])
                            for w in pipeline['windows'] if w['length']), default=NO_WINDOW_HORIZON)

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
        slots, names, identity = record['content']
        if self.is_duplicate(source, customer, identity, now):
            record['duplicate'] = True
            return
        customer.events.append({'time': record['time'], 'source': source['name'], 'slots': slots, 'names': names,
                                'processed': number, 'effective': now, 'holds': {}})
        customer.last_record = now
        evaluate = self.pipeline['evaluate']
        values, rate = self.compute(customer, now)
        if source['name'] in evaluate['on']:
            wait = evaluate.get('at_most_every', 0)
            if wait > 0 and customer.last_evaluation is not None and now < customer.last_evaluation + wait:
                customer.due = customer.last_evaluation + wait
            else:
                trigger = {'kind': 'event', 'source': source['name']}
                self.evaluate(customer, now, values, rate, trigger, record)
        self.arm(customer, now, values, rate)

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
        values, rate = semantics.feature_values(self.pipeline, customer.events, now)
        for score in self.pipeline['scores']:
            values[score['name']] = semantics.score_value(score, values, rate)
        return values, rate

    def evaluate(self, customer, now, values, rate, trigger, record=None):
        hidden = ['tenure'] + [score['name'] for score in self.pipeline['scores']]
        features = {name: value for name, value in values.items() if name not in hidden}
        self.expire(customer, now, values, rate, trigger, record)
        for rule, episode in zip(self.rules, customer.episodes):
            status = alerts.step(rule, episode, now, lambda c: expressions.value(c, values, rate) is True)
            if status is not None and alerts.written(rule, status):
                self.write_alert(rule, episode, status, customer, now, values, rate, trigger, record)
        for score in self.pipeline['scores']:
            name = score['name']
            self.lines.append({'score': name, 'customer_id': customer.key, 'as_of': time_text(now), 'trigger': trigger,
                               'value': values[name], 'previous': customer.scores.get(name),
                               'band': semantics.band_of(score, values[name]), 'features': features})
            customer.scores[name] = values[name]
        customer.last_evaluation = now
        customer.due = None

    def expire(self, customer, now, values, rate, trigger, record):
        for rule, episode in zip(self.rules, customer.episodes):
            if alerts.expire(rule, episode, now) and alerts.written(rule, 'expired'):
                self.write_alert(rule, episode, 'expired', customer, now, values, rate, trigger, record)

    def write_alert(self, rule, episode, status, customer, now, values, rate, trigger, record):
        score = self.pipeline['scores'][0]
        names = [name for name, _ in rule.get('severity', [])]
        event_time = now if record is None else record['time']
        out = {'revision': episode.revision, 'status': status, 'rule': rule['name'], 'customer_id': customer.key,
               'event_time': time_text(event_time), 'as_of': time_text(now), 'trigger': trigger,
               'score': values[score['name']], 'previous': customer.scores.get(score['name']),
               'severity': names[episode.severity] if episode.severity >= 0 else 'medium',
               'reasons': alerts.reasons(score, values, rate), 'valid_from': time_text(episode.opened_at),
               'late': record is not None and record['late']}
        if episode.valid_until is not None:
            out['valid_until'] = time_text(episode.valid_until)
        self.alerts.append(out)

    def origin(self, customer, name):
        """The time from which a recency or the tenure counts."""
        if name == 'tenure':
            return min(e['time'] for e in customer.events)
        chosen = semantics.covered(self.recencies[name], customer.events, None)
        return chosen[-1]['time'] if chosen else None

    def deadlines(self, customer, now, values, rate):
        """The instants at which comparisons turn true: from now on, or after now when `now` has just been evaluated."""
        first = now + 1 if customer.last_evaluation == now else now
        for name, tree, strict in self.clocks:
            origin, threshold = self.origin(customer, name), expressions.value(tree, values, rate)
            if origin is None or threshold is None or threshold < 0 or threshold >= 4e13:
                continue
            instant = origin + int(threshold) + (1 if strict or threshold != int(threshold) else 0)
            if instant >= first:
                yield instant

    def closes(self, customer, now):
        """The ends of the periods of at_close after the last evaluation, or after the last record without one."""
        since = customer.last_record if customer.last_evaluation is None else customer.last_evaluation
        if since - customer.last_record > self.horizon:
            return
        for name in self.pipeline['evaluate'].get('at_close', []):
            window = next(w for w in self.pipeline['windows'] if w['name'] == name)
            yield max(now, semantics.period_start(window, since) + window['hop'])

    def arm(self, customer, now, values, rate):
        """Finds the next time at which something happens by itself, and what."""
        times = [(time, 'silence') for time in self.deadlines(customer, now, values, rate)]
        if customer.due is not None:
            times.append((customer.due, 'schedule'))
        times += [(time, 'schedule') for time in self.closes(customer, now)]
        also_every = self.pipeline['evaluate'].get('also_every', 0)
        if also_every and customer.last_evaluation is not None \
                and customer.last_evaluation - customer.last_record <= self.horizon:
            # A schedule that had ended begins again with a record: its next time may have passed long ago.
            times.append((max(now, customer.last_evaluation + also_every), 'schedule'))
        for rule, episode in zip(self.rules, customer.episodes):
            if alerts.timer(rule, episode) is not None:
                times.append((alerts.timer(rule, episode), 'expiry'))
        customer.armed = None
        if times:
            first = min(times)[0]
            customer.armed = (first, {kind for time, kind in times if time == first})
            heapq.heappush(self.timers, (first, customer.key.encode(), customer.key))

    def fire_before(self, limit):
        while self.timers and self.timers[0][0] < limit:
            now, _, key = heapq.heappop(self.timers)
            customer = self.customers[key]
            if customer.armed is None or customer.armed[0] != now:
                continue
            kinds = customer.armed[1]
            values, rate = self.compute(customer, now)
            trigger = {'kind': 'silence' if 'silence' in kinds else 'schedule'}
            if kinds & {'silence', 'schedule'}:
                self.evaluate(customer, now, values, rate, trigger)
            else:
                self.expire(customer, now, values, rate, trigger, None)
            self.arm(customer, now, values, rate)
