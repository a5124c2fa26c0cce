"""What `ebb run --memory` takes at most, under what makes memory grow: one customer with all the events, customers who
come back at random, all events at once after an outage, an alert at every event. Part of tests/kafka/run.

The rows of all customers would take several times the limit. What is allowed beside it is stated in `ALLOWED_MIB`: for
each task a store with its cache and its buffers, a producer, two consumers; the index of the customers is a part of it.
"""

import random
import time

import broker
import live
import metrics
import refusals

broker.use_client()

import confluent_kafka as ck  # noqa: E402

EVENTS, CUSTOMERS, TASKS = 240_000, 80_000, 2
LIMIT_MIB, ALLOWED_MIB = 32, 100
START = 1_767_225_600_000

PIPELINE = """
pipeline: {name}
entity: {{key: customer}}
sources:
  orders:
    topic: {name}.orders
    time: {{field: time, unit: ms, max_ahead: 99999d, idle_after: 200ms}}
    fields: {{amount: {{type: int}}}}
windows: {{month: 30d}}
features:
  latest: {{from: orders, agg: last, of: amount, over: month}}
{features}
alerts:
  large: {{when: "latest > 500"}}
outputs:
  alerts: {{topic: {name}.alerts}}
kafka: {{brokers: "{address}", group: {name}, client: {{session.timeout.ms: 6000, heartbeat.interval.ms: 500}}}}
"""


class Crowd(refusals.Shop):
    """Many customers, whose rows are large from the first event on."""

    def write(self):
        features = "\n".join(f"  d{n}: {{from: orders, agg: decayed_sum, of: amount, half_life: {n}h}}"
                             for n in range(1, 101))
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(PIPELINE.format(name=self.name, features=features, address=self.node.address))

    def produce(self, events):
        """(customer, amount), a millisecond apart; a customer's number decides the partition. Behind them a record for
        each partition, which completes them and is never applied itself."""
        producer = ck.Producer({"bootstrap.servers": self.node.address, "log_level": 0, "linger.ms": 20,
                                "queue.buffering.max.messages": 2 * EVENTS})
        last = [(partition, 0) for partition in range(TASKS)]
        for number, (customer, amount) in enumerate(events + last):
            when = START + number + (0 if number < len(events) else live.DAY)
            value = f'{{"customer":"c{customer}","time":{when},"amount":{amount}}}'
            producer.produce(f"{self.name}.orders", value.encode(), partition=customer % TASKS)
        producer.flush(120)

    def watch(self, process, address, wanted, timeout=240):
        """Until exactly so many events were applied, of so many customers, with so many lines of alerts; the most
        memory that the process has held, in MiB."""
        deadline, seen = time.monotonic() + timeout, None
        while seen != wanted:
            figures = metrics.read(address)
            if figures is not None:
                seen = [figures["ebb_records_total"], figures["ebb_customers"], figures["alerts"]]
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: events, customers and alerts are {seen}, and must be {wanted}\n"
                                   f"{self.log()[-2000:]}")
            time.sleep(0.1)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024


def hot_key(_):
    return [(7, 1) for _ in range(EVENTS)]


def random_keys(rng):
    return [(rng.randrange(CUSTOMERS), 1) for _ in range(EVENTS)]


def alert_storm(_):
    """Every event opens an episode, or resolves one."""
    return [(number % 1000, 1000 * (1 - number // 1000 % 2)) for number in range(EVENTS)]


def lines_of(events):
    """How many lines of alerts must come: at every change of a customer's latest amount from or to a large one."""
    large, lines = set(), 0
    for customer, amount in events:
        if (amount > 500) != (customer in large):
            large ^= {customer}
            lines += 1
    return lines


def run(node, name, events, limit=LIMIT_MIB, outage=False):
    """The most memory in MiB, and what is wrong with the outcome."""
    shop = Crowd(node, name)
    shop.make()
    address = f"127.0.0.1:{broker.free_ports(1)[0]}"
    words = ("--http", address, *(("--memory", f"{limit}MB") if limit else ()))
    process = None if outage else shop.start(*words)
    shop.produce(events)
    process = process or shop.start(*words)
    peak = shop.watch(process, address, [len(events), len({customer for customer, _ in events}), lines_of(events)])
    code = live.World.stop(process, 60)
    problems = [] if code == 0 else [f"{name}: ended with {code}\n{shop.log()[-1500:]}"]
    shop.close()
    return peak, problems


def all_cases(node, seed):
    """Problems of all of them, and a note."""
    rng = random.Random(seed)
    crowd = random_keys(rng)
    problems, peaks = [], {}
    bound = 1.1 * LIMIT_MIB + ALLOWED_MIB * TASKS
    for name, events, more in (("hot-key", hot_key(rng), {}), ("random-keys", crowd, {}),
                               ("after-an-outage", crowd, {"outage": True}), ("alert-storm", alert_storm(rng), {}),
                               ("without-a-limit", crowd, {"limit": 0, "outage": True})):
        peaks[name], found = run(node, name, events, **more)
        problems += found
        if "limit" not in more and peaks[name] > bound:
            problems.append(f"{name}: {peaks[name]:.0f} MiB, and {bound:.0f} are allowed")
    if peaks["without-a-limit"] <= bound:
        problems.append(f"without a limit {peaks['without-a-limit']:.0f} MiB: too few customers to show anything")
    note = ", ".join(f"{name} {peak:.0f}" for name, peak in peaks.items())
    return problems, f"MiB at most: {note}"
