#!/usr/bin/env python3
"""Runs scenarios.txt against a broker of its own, and compares what the broker answers, and what an independent
consumer (confluent-kafka) reads, with what stands there; the simulated cluster is held to the same file.

    tests/kafka/scenarios.py [--update] [NAME ...]       --update: writes what was seen into the file
"""

import argparse
import collections
import concurrent.futures
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import broker  # noqa: E402

broker.use_client()

import confluent_kafka as ck  # noqa: E402
from confluent_kafka import admin as ck_admin  # noqa: E402

import protocol  # noqa: E402

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios.txt")
LOGS = ("calls", "alerts", "scores", "journal")
TASKS = 2
# As in tests/simulation/scenarios_test.cc.
TRANSACTION_MS, SESSION_MS, REBALANCE_MS, PATIENCE_MS = 5000, 2000, 3000, 1500
UNVERIFIED = "without verification: "  # these stand at the end
AT_A_TIME = 8  # most of a scenario is waiting

ERRORS = {0: "ok", 46: "ok",  # a duplicate is one that the broker has
          51: "concurrent", 47: "fenced", 90: "fenced", 48: "bad state", 45: "bad state", 120: "bad state",
          22: "generation", 25: "generation", 82: "instance", 27: "rebalancing"}
CONCURRENT = 51
LOADING = (14, 15, 16, 19)  # the coordinator isn't ready; 19 also: a partition can't be verified yet


def word(error):
    return ERRORS.get(error, f"error {error}")


class Actor:
    """A process: its connection, its producer, its membership."""

    def __init__(self, address, name):
        self.link = protocol.Link(address)
        self.name, self.instance = name, name[0]
        self.producer, self.epoch = -1, -1
        self.sequences = collections.Counter()
        self.last = {}
        self.generation, self.member = -1, ""
        self.joining = False

    @property
    def membership(self):
        return self.generation, self.member, self.instance


class Scenario:
    def __init__(self, node, number):
        self.address, self.name = node.address, f"s{number}"
        self.group = self.task = self.name
        self.actors = {}
        self.link = protocol.Link(node.address)
        self.others = None  # a producer with an open transaction

    def topic(self, log):
        return f"{self.name}.{log}"

    def actor(self, name):
        if name not in self.actors:
            self.actors[name] = Actor(self.address, name)
        return self.actors[name]

    def close(self):
        for link in [self.link, *(a.link for a in self.actors.values())]:
            link.close()

    # ---- Steps

    def do(self, step):
        step, beats = re.fullmatch(r"(.*?)(?:, (\w+) beats)?", step).groups()
        words = step.split()
        if beats is None:
            return self.act(words)
        done = threading.Event()
        beating = threading.Thread(target=self.beat, args=(self.actor(beats), done))
        beating.start()
        try:
            return self.act(words)
        finally:
            done.set()
            beating.join()

    def beat(self, actor, done):
        link = protocol.Link(self.address)
        while not done.wait(0.3):
            link.heartbeat(self.group, actor.membership)
        link.close()

    def act(self, words):
        names = [w for w in words if re.fullmatch(r"[abc]2?", w)]
        if not names or words[0] not in names:
            return getattr(self, words[0])(*words[1:])
        if words[-1] == "join" and words[1] != "begin":
            return self.join([self.actor(name) for name in names])
        return getattr(self, "ask_" + words[1].replace("-", "_"))(self.actor(words[0]), *words[2:])

    @staticmethod
    def wait(ms, _):
        time.sleep(int(ms) / 1000)
        return None

    # ---- An owner's requests

    @staticmethod
    def again(ask):
        """As clients do: while the transaction before is being ended, the request is sent again."""
        deadline = time.monotonic() + PATIENCE_MS / 1000 + 3
        while True:
            error = ask()
            if error not in (CONCURRENT, *LOADING) or time.monotonic() > deadline:
                return word(error)
            time.sleep(0.03)

    def ask_init(self, actor, once=None):
        def init():
            error, actor.producer, actor.epoch = actor.link.init_producer(self.task, TRANSACTION_MS)
            return error
        said = word(init()) if once else self.again(init)
        actor.sequences.clear()
        return f"epoch {actor.epoch}" if said == "ok" else said

    def ask_add(self, actor, *logs):
        return self.again(lambda: actor.link.add_partitions(self.task, actor.producer, actor.epoch,
                                                            [self.topic(log) for log in logs]))

    def ask_add_offsets(self, actor):
        return self.again(lambda: actor.link.add_offsets(self.task, actor.producer, actor.epoch, self.group))

    def send(self, actor, log, sequence, values):
        return self.again(lambda: actor.link.produce(self.task, actor.producer, actor.epoch, sequence, self.topic(log),
                                                     values))

    def ask_produce(self, actor, log, *values):
        actor.last[log] = actor.sequences[log], values
        said = self.send(actor, log, *actor.last[log])
        if said == "ok":
            actor.sequences[log] += len(values)
        return said

    def ask_repeat(self, actor, log):
        return self.send(actor, log, *actor.last[log])

    def ask_skip(self, actor, log, value):
        return self.send(actor, log, actor.sequences[log] + 1, [value])

    def ask_commit_offset(self, actor, offset):
        return self.again(lambda: actor.link.commit_offset(self.task, self.group, actor.producer, actor.epoch,
                                                           actor.membership, self.topic("calls"), int(offset)))

    def ask_end(self, actor, unheard=None):
        said = self.again(lambda: actor.link.end_transaction(self.task, actor.producer, actor.epoch))
        return "?" if unheard else said

    # ---- The group

    def ask_begin(self, actor, *_):
        if not actor.joining:
            actor.link.send_join(self.group, SESSION_MS, REBALANCE_MS, actor.member, actor.instance)
            actor.joining = True
            time.sleep(0.3)
        return "waits"

    def join(self, actors):
        for actor in actors:
            if not actor.joining:
                actor.link.send_join(self.group, SESSION_MS, REBALANCE_MS, actor.member, actor.instance)
        errors, leader = [], None
        for actor in actors:
            actor.joining = False
            error, generation, lead, member, members = actor.link.receive_join()
            errors.append(word(error))
            if error == 0:
                actor.generation, actor.member = generation, member
            if error == 0 and lead == member:
                leader = actor, members
        if any(said != "ok" for said in errors):
            return " ".join(errors)
        has = {}
        if leader is not None:
            has[leader[0].name] = leader[0].link.sync(self.group, leader[0].membership, ranges(leader[1]))
        for actor in actors:
            if actor.name not in has:
                has[actor.name] = actor.link.sync(self.group, actor.membership, {})
        return f"generation {actors[0].generation}: " + ", ".join(
            f"{a.name} has {has[a.name][1].decode() or 'nothing'}" if has[a.name][0] == 0 else word(has[a.name][0])
            for a in actors)

    def ask_heartbeat(self, actor):
        return word(actor.link.heartbeat(self.group, actor.membership))

    def offset(self):
        deadline = time.monotonic() + PATIENCE_MS / 1000
        held = True
        while held and time.monotonic() < deadline:
            held = self.link.committed_offset(self.group, self.topic("calls"), True)[0] != 0
            time.sleep(0.05)
        offset = self.link.committed_offset(self.group, self.topic("calls"), False)[1]
        return ("none" if offset < 0 else str(offset)) + (", more is held" if held else "")

    # ---- Readers, and producers of the input

    def read(self, log, *start):
        begin = int(start[1]) if start else 0
        deadline = time.monotonic() + PATIENCE_MS / 1000
        held = True
        while held and time.monotonic() < deadline and log != "calls":
            held = self.link.end_offset(self.topic(log), -1, 1) < self.link.end_offset(self.topic(log), -1, 0)
            time.sleep(0.05)
        found, end = self.consume(log, begin)
        if end is None:
            return "gone"
        if log == "calls":
            return (" ".join(f"{offset}={value}" for offset, value in found) or "nothing") + f", end {end}"
        return (" ".join(value for _, value in found) or "nothing") + (", more is held" if held else "")

    def consume(self, log, begin):
        reader = ck.Consumer({"bootstrap.servers": self.address, "group.id": "reader", "log_level": 0,
                              "isolation.level": "read_committed", "enable.auto.commit": False,
                              "enable.partition.eof": True, "auto.offset.reset": "error"})
        reader.assign([ck.TopicPartition(self.topic(log), 0, begin)])
        found = []
        try:
            while True:
                message = reader.poll(60)
                if message is None:
                    raise RuntimeError(f"{log} has no end")
                if message.error() is None:
                    found.append((message.offset(), message.value().decode()))
                elif message.error().code() == ck.KafkaError._PARTITION_EOF:
                    return found, message.offset()
                elif message.error().code() == ck.KafkaError._AUTO_OFFSET_RESET:
                    return found, None
        finally:
            reader.close()

    def ends(self, log):
        at = [self.link.end_offset(self.topic(log), *which) for which in ((-2, 1), (-1, 1))]
        return f"from {at[0]} to {at[1]}"

    def producing(self, more):
        return ck.Producer({"bootstrap.servers": self.address, "log_level": 0, "linger.ms": 0, **more})

    def send_input(self, producer, log, values):
        for value in values:
            producer.produce(self.topic(log), value, partition=0)
        producer.flush(60)

    def append(self, log, *values):
        self.send_input(self.producing({}), log, values)

    def open(self, log, *values):
        if self.others is None:
            self.others = self.producing({"transactional.id": f"{self.name}.others"})
            self.others.init_transactions(60)
            self.others.begin_transaction()
        self.send_input(self.others, log, values)

    def commit(self, _):
        self.others.commit_transaction(60)
        self.others = None

    def abort(self, _):
        self.others.abort_transaction(60)
        self.others = None

    def delete(self, log, _, offset):
        self.link.delete_records(self.topic(log), int(offset))


def ranges(members):
    """Tasks by member, in the order of the instances, as the range assignor gives them."""
    each, more = divmod(TASKS, len(members))
    tasks, given = iter(range(TASKS)), {}
    for place, instance in enumerate(sorted(members)):
        count = each + (place < more)
        given[members[instance]] = " ".join(str(next(tasks)) for _ in range(count)).encode()
    return given


def scenarios(text):
    """(name, lines) of each."""
    parts = re.split(r"^== (.*)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], ([line for line in part.splitlines() if line] for part in parts[2::2])))


def run(node, number, lines):
    """The lines as they were seen."""
    scenario, seen = Scenario(node, number), []
    try:
        for line in lines:
            step = line.split(" -> ")[0]
            try:
                said = scenario.do(step)
            except Exception as error:  # noqa: BLE001: told as an observation
                said = f"{type(error).__name__}: {error}"
            seen.append(step if said is None else f"{step} -> {said}")
    finally:
        scenario.close()
    return seen


def prepare(node, count):
    """Topics, and coordinators that are at work."""
    admin = ck_admin.AdminClient({"bootstrap.servers": node.address, "log_level": 0})
    made = admin.create_topics([ck_admin.NewTopic(f"s{number}.{log}", 1, 1) for number in range(count) for log in LOGS])
    for future in made.values():
        future.result(60)
    link = protocol.Link(node.address)
    deadline = time.monotonic() + 60
    while any(link.find_coordinator("any", kind) != 0 for kind in (0, 1)):
        if time.monotonic() > deadline:
            raise RuntimeError("the broker has no coordinators")
        time.sleep(0.1)
    link.close()


def stop_verifying(node):
    """From now on the broker is like those before 3.6."""
    name = "transaction.partition.verification.enable"
    admin = ck_admin.AdminClient({"bootstrap.servers": node.address, "log_level": 0})
    entry = ck_admin.ConfigEntry(name, "false", incremental_operation=ck_admin.AlterConfigOpType.SET)
    one = ck_admin.ConfigResource(ck_admin.ConfigResource.Type.BROKER, "1", incremental_configs=[entry])
    admin.incremental_alter_configs([one])[one].result(60)
    deadline = time.monotonic() + 60
    while admin.describe_configs([one])[one].result(60)[name].value != "false":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} can't be changed")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only scenarios whose name has this in it")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    with open(FILE, encoding="utf-8") as file:
        text = file.read()
    chosen = [s for s in scenarios(text) if not options.names or any(name in s[0] for name in options.names)]
    failed = 0
    with broker.Broker() as node:
        prepare(node, len(chosen))
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            results = []
            for verified in (True, False):
                numbered = [(number, lines) for number, (name, lines) in enumerate(chosen)
                            if name.startswith(UNVERIFIED) != verified]
                if numbered and not verified:
                    stop_verifying(node)
                results += pool.map(lambda one: run(node, *one), numbered)
            for (name, lines), seen in zip(chosen, results):
                failed += seen != lines
                for wanted, got in zip(lines, seen):
                    if wanted != got:
                        print(f"{name}: '{wanted}' was\n  '{got}'", flush=True)
                text = text.replace("\n".join([f"== {name}", *lines]), "\n".join([f"== {name}", *seen]))
        print(f"{len(chosen)} scenarios in {time.monotonic() - begun:.0f} s")
    if options.update:
        with open(FILE, "w", encoding="utf-8") as file:
            file.write(text)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
