"""The shop of the soak: orders and visits of a fixed number of customers, who fall silent at times, on topics of a real
broker; its pipeline as the oracle reads it; and the verdict over all that was ever written.

What the customers did is read back from the topics, so nothing of the run has to be kept, and the broker's order of
the records is the one that counts.
"""

import collections
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kafka"))

import live  # noqa: E402
import evaluation  # noqa: E402
import semantics  # noqa: E402

SECOND, MINUTE = 1000, 60_000
DISORDER = 100
TICK = 0.01  # seconds between looks at the clock


def name(text):
    return "name", text


def number(value):
    return "number", value


def source(ordinal, title, field):
    return {"name": title, "ordinal": ordinal, "key": "/customer", "time": "/time", "unit": "ms",
            "disorder": DISORDER, "fields": [field]}


# Large orders are alerts at once, by which latency is measured; customers who fall silent are alerts of a timer.
OVERDUE = ("and", (">", name("silence"), ("*", number(3), name("gap"))), (">=", name("orders"), number(3)))
PIPELINE = {
    "name": "soak", "max_edge_error": 0.05, "evaluate": {"on": ["orders", "visits"]},
    "sources": [source(0, "orders", {"name": "amount", "path": "/amount", "type": "decimal", "decimals": 2}),
                source(1, "visits", {"name": "pages", "path": "/pages", "type": "int"})],
    "windows": [{"name": "recent", "length": 10 * MINUTE, "tile": MINUTE}],
    "features": [
        {"name": "orders", "from": "orders", "agg": "count", "over": "recent"},
        {"name": "spend", "from": "orders", "agg": "sum", "of": "amount", "over": "recent"},
        {"name": "latest", "from": "orders", "agg": "last", "of": "amount", "over": "recent"},
        {"name": "silence", "from": "orders", "agg": "recency"},
        {"name": "gap", "from": "orders", "agg": "interarrival_mean", "over": "recent"},
        {"name": "visits", "from": "visits", "agg": "count", "over": "recent"},
        {"name": "depth", "from": "visits", "agg": "mean", "of": "pages", "over": "recent"},
        {"name": "kinds", "from": "visits", "agg": "distinct", "of": "pages", "over": "recent", "max_items": 16}],
    "scores": [{"name": "risk", "bands": [("low", 0.2), ("high", 0.7)], "link": "logistic", "intercept": -2, "points": [
        {"when": OVERDUE, "weight": 3, "reason": "ORDER_OVERDUE"},
        {"when": ("<", name("depth"), number(4)), "weight": 1, "reason": "LOOKS_LESS"},
        {"of": name("latest"), "weight": 0.02, "reason": "LARGE_ORDER"}]}],
    "alerts": [
        {"name": "slipping", "when": OVERDUE, "cooldown": MINUTE, "valid_for": 2 * MINUTE,
         "severity": [("high", (">", name("risk"), number(0.7)))]},
        {"name": "large", "when": (">", name("latest"), number(90.0))}]}


class Soak(live.World):
    """The topics, the processes' command line, and the judge."""

    MEMBERSHIP = "session.timeout.ms: 3000, heartbeat.interval.ms: 500"

    def __init__(self, node, snapshot_interval):
        self.snapshot_interval = snapshot_interval
        super().__init__(node, 1, PIPELINE, partitions=4, records=0, name=f"soak-{random.randrange(1 << 32):08x}")
        # Without a limit the write buffers of the states, 64 MB each, fill for most of an hour.
        self.memory = ("--memory", "64MB")

    def split(self, logs):
        """Nothing is made beforehand: self.logs and self.complete come from what was produced."""
        self.logs = [{topic: [] for topic in self.topics} for _ in range(self.partitions)]
        self.arrivals = []

    def command(self, state, *more):
        return [live.EBB, "run", self.file, "--state", os.path.join(self.folder, state), "--state-interval",
                f"{self.snapshot_interval // 2}s", "--snapshots", self.snapshots, "--snapshot-interval",
                f"{self.snapshot_interval}s", *self.memory, *more]

    def end(self, newest):
        """A record far ahead for each log, behind which everything else is complete."""
        self.complete = newest + 5 * MINUTE
        self.produce([(s["name"], partition, self.last_line(s, newest + 10 * MINUTE))
                      for s in self.pipeline["sources"] for partition in range(self.partitions)])

    def judge(self):
        """Sentences about what is wrong, and a Verdict."""
        problems, verdict = [], Verdict()
        for partition in range(self.partitions):
            stamps = self.read_back(partition, verdict)
            run = evaluation.Run(self.pipeline, {k: [v] for k, v in self.logs[partition].items()}, self.complete)
            run.all()
            lines = {output: [(json.loads(value), when) for value, when in self.records(topic, partition)]
                     for output, topic in self.outputs.items()}
            alerts, scores, quarantine = ([line for line, _ in lines[o]] for o in ("alerts", "scores", "quarantine"))
            found, _ = self.judge_partition(partition, run, alerts, scores, quarantine)
            problems += found
            for output, ours, theirs, when in (("alerts", run.alerts, alerts, "event_time"),
                                               ("scores", run.lines, scores, "as_of")):
                verdict.counts.update(differences(output, self.before_the_end(ours, when),
                                                  self.before_the_end(theirs, when)))
            verdict.counts["quarantined"] += len(run.quarantined)
            verdict.done += [when for score, when in lines["scores"] if score["trigger"]["kind"] == "event"]
            verdict.done += [when for _, when in lines["quarantine"]]
            for place, alert in enumerate(alerts):
                cause = (alert["trigger"].get("source"), alert["customer_id"], alert["event_time"])
                if cause in stamps:
                    verdict.appended[partition, place] = stamps[cause]
            self.logs[partition].clear()
        return problems, verdict

    def read_back(self, partition, verdict):
        """The partition's logs; and when the broker appended each event, by source, customer and time."""
        stamps = {}
        for title, topic in self.topics.items():
            lines = self.logs[partition][title] = []
            for line, when in self.records(topic, partition):
                lines.append(line)
                verdict.arrived.append(when)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                stamps[title, event["customer"], evaluation.time_text(event["time"])] = when
        verdict.counts["events"] += sum(map(len, self.logs[partition].values()))
        return stamps


class Verdict:
    """What the topics hold. Times are the broker's, in seconds."""

    def __init__(self):
        self.counts = collections.Counter()     # of what was compared, and of what differs
        self.arrived = []       # when each event was appended
        self.done = []          # when each event's score, or its line in the quarantine, was appended
        self.appended = {}      # (partition, number of an alert) -> when its event was appended


def key_of(line):
    """What tells a line of an output from all others."""
    own = ("rule", "status", "revision") if "rule" in line else ("score",)
    return tuple(str(line.get(k)) for k in (*own, "customer_id", "as_of", "trigger"))


def differences(output, ours, theirs):
    """How many lines were compared, and how many of them are lost, doubled, made up or out of their order."""
    wanted, got = collections.Counter(map(key_of, ours)), collections.Counter(map(key_of, theirs))
    more = got - wanted
    doubled = sum(n for key, n in more.items() if key in wanted)
    places = {key: place for place, key in enumerate(map(key_of, ours))}
    order = [places[key] for key in map(key_of, theirs) if key in places]
    return {output: len(ours), "lost": sum((wanted - got).values()), "doubled": doubled,
            "made up": sum(more.values()) - doubled, "reordered": sum(a > b for a, b in zip(order, order[1:]))}


class Customers:
    """They buy and look at pages all the time, at a steady rate; some are silent for a while. Some events come out of
    order, a few too late, and now and then one is broken. A thread of its own."""

    def __init__(self, world, rate, customers, seed):
        self.world, self.rate = world, rate
        self.rng = random.Random(seed)
        self.silent_until = [0.0] * customers
        self.used = {}          # customer -> time of the last event, which is never used twice
        self.sent = self.appended = 0
        self.failed = []
        self.newest = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        producer = live.ck.Producer({
            "bootstrap.servers": self.world.node.address, "enable.idempotence": True, "linger.ms": 2, "log_level": 0,
            "message.timeout.ms": 300_000, "reconnect.backoff.max.ms": 500, "queue.buffering.max.messages": 1_000_000})
        begun = time.monotonic()
        while not self.stopping.is_set():
            while self.sent < self.rate * (time.monotonic() - begun):
                title, partition, line = self.event(time.time())
                producer.produce(self.world.topics[title], line.encode(), partition=partition, on_delivery=self.told)
                self.sent += 1
            producer.poll(TICK)
        if producer.flush(300) != 0:
            self.failed.append("the broker didn't take all events")

    def told(self, error, _):
        if error is None:
            self.appended += 1
        else:
            self.failed.append(str(error))

    def event(self, now):
        customer = self.customer(now)
        when = int(now * 1000) - self.rng.choice([0, 0, self.rng.randrange(DISORDER // 2)])
        if self.rng.random() < 0.005:
            when -= self.rng.randrange(DISORDER, 5 * SECOND)
        while when in self.used.setdefault(customer, collections.deque(maxlen=16)):
            when -= 1
        self.used[customer].append(when)
        self.newest = max(self.newest, when)
        line = {"customer": f"c{customer}", "time": when}
        title = self.rng.choice(["orders", "visits"])
        if title == "orders":
            line["amount"] = round(self.rng.uniform(1, 100), 2)
        else:
            line["pages"] = self.rng.randrange(1, 12)
        text = json.dumps(line)
        return title, customer % self.world.partitions, text[:-1] if self.rng.random() < 0.001 else text

    def customer(self, now):
        """One who isn't silent; sometimes it will be from now on."""
        while True:
            customer = self.rng.randrange(len(self.silent_until))
            if self.silent_until[customer] <= now:
                if self.rng.random() < 0.01:
                    self.silent_until[customer] = now + self.rng.uniform(60, 240)
                return customer


class Reader:
    """Reads committed alerts all the time and notes when it saw each. A thread of its own."""

    def __init__(self, world):
        self.world = world
        self.seen = {p: [] for p in range(world.partitions)}  # seconds, by the number of the alert
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        reader = live.ck.Consumer({
            "bootstrap.servers": self.world.node.address, "group.id": "reader", "isolation.level": "read_committed",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10, "log_level": 0,
            "reconnect.backoff.max.ms": 500})
        reader.assign([live.ck.TopicPartition(self.world.outputs["alerts"], p, 0) for p in self.seen])
        while not self.stopping.is_set():
            for message in reader.consume(1000, 0.02):
                if message.error() is None:
                    self.seen[message.partition()].append(time.time())
        reader.close()
