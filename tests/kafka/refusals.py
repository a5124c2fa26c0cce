"""What `ebb run` refuses, and what it waits for: each with one clear sentence and the right exit code. Part of
tests/kafka/run.
"""

import os
import socket
import subprocess
import time

import broker
import live

broker.use_client()

from confluent_kafka import admin as ck_admin  # noqa: E402
import confluent_kafka as ck  # noqa: E402

PIPELINE = """
pipeline: {name}
entity: {{key: customer}}
sources:
  orders:
    {orders}
    time: {{field: time, unit: ms, max_ahead: 99999d, idle_after: 200ms}}
    fields: {{amount: {{type: int}}}}
  visits:
    topic: {name}.visits
    time: {{field: time, unit: ms, max_ahead: 99999d, idle_after: 200ms}}
    fields: {{pages: {{type: int}}}}
windows: {{month: 30d}}
features:
  orders: {{from: orders, agg: count, over: month}}
  visits: {{from: visits, agg: count, over: month}}
alerts:
  busy: {{when: "orders + visits >= {least}"}}
outputs:
  alerts: {{{alerts}}}
{kafka}
"""


class Shop:
    """A small pipeline on topics of its own."""

    def __init__(self, node, name, **parts):
        self.node, self.name = node, name
        self.folder = live.tempfile.mkdtemp(prefix="ebb-refusal-")
        self.file = os.path.join(self.folder, "pipeline.yaml")
        self.running = []
        self.admin = ck_admin.AdminClient({"bootstrap.servers": node.address, "log_level": 0})
        self.write(**parts)

    def write(self, orders=None, alerts=None, address=None, client="", least=2, kafka=None, instance=""):
        kafka = kafka if kafka is not None else \
            f'kafka: {{brokers: "{address or self.node.address}", group: {self.name}{instance}, ' \
            f"client: {{session.timeout.ms: 1500, heartbeat.interval.ms: 200{client}}}}}"
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(PIPELINE.format(name=self.name, orders=orders or f"topic: {self.name}.orders",
                                       alerts=alerts or f"topic: {self.name}.alerts", kafka=kafka, least=least))

    def make(self, counts=None, **config):
        """Topics; `counts`: topic -> partitions, 2 if not named."""
        names = [f"{self.name}.{t}" for t in ("orders", "visits", "alerts")] + [f"{self.name}-journal"]
        topics = [ck_admin.NewTopic(n, (counts or {}).get(n.split(".")[-1], 2), 1,
                                    config=config if n.endswith("orders") else {}) for n in names]
        for future in self.admin.create_topics(topics).values():
            future.result(60)

    def produce(self, count=20):
        producer = ck.Producer({"bootstrap.servers": self.node.address, "log_level": 0})
        now = int(time.time() * 1000)
        for i in range(count):
            for topic, field in (("orders", "amount"), ("visits", "pages")):
                value = f'{{"customer": "c{i}", "time": {now + i}, "{field}": 1}}'
                producer.produce(f"{self.name}.{topic}", value.encode(), partition=i % 2)
        producer.flush(60)

    def command(self, *more, state="state"):
        return [live.EBB, "run", self.file, "--state", os.path.join(self.folder, state), "--commit-interval", "100ms",
                "--state-interval", "100ms", *more]

    def run(self, *more, timeout=40, state="state"):
        """To its end: the exit code and what it said."""
        done = subprocess.run(self.command(*more, state=state), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout + done.stderr

    def start(self, *more, state="state"):
        process = subprocess.Popen(self.command(*more, state=state), stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.DEVNULL, stderr=open(self.log_path(state), "ab"),
                                   preexec_fn=broker.die_with_parent)
        self.running.append(process)
        return process

    def log_path(self, state="state"):
        return os.path.join(self.folder, state + ".log")

    def log(self, state="state"):
        with open(self.log_path(state), encoding="utf-8") as file:
            return file.read()

    def wait_for(self, text, state="state", count=1, timeout=30):
        deadline = time.monotonic() + timeout
        while self.log(state).count(text) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"'{text}' wasn't said:\n{self.log(state)[-2000:]}")
            time.sleep(0.05)

    def run_once(self):
        """Until something is committed and written."""
        process = self.start()
        self.wait_for("task_live", count=2)
        time.sleep(1.5)
        return live.World.stop(process)

    def close(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        live.shutil.rmtree(self.folder, ignore_errors=True)


def refused(shop, sentence, *more, code=2):
    """Problems with a run that must be refused with this sentence."""
    got, said = shop.run(*more)
    if got != code or sentence not in said:
        return [f"{shop.name}: ended with {got}, not with {code} and '{sentence}':\n{said[-1500:]}"]
    return []


def files_are_for_replays(node):
    shop = Shop(node, "files")
    problems = []
    for parts, sentence in (({"kafka": ""}, "has no `kafka:`"), ({"orders": "file: orders.jsonl"}, "is no topic"),
                            ({"alerts": "file: a.jsonl"}, "goes to a file")):
        shop.write(**parts)
        problems += refused(shop, sentence)
    return shop, problems


def unreachable_is_waited_for(node):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        shop = Shop(node, "unreachable", address=f"127.0.0.1:{unused.getsockname()[1]}")
        process = shop.start()
        shop.wait_for("kafka_unavailable", count=2)
        code = live.World.stop(process)
    return shop, [] if code == 0 else [f"ended with {code}"]


def wrong_credentials(node):
    client = ", security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: ebb, sasl.password: wrong"
    shop = Shop(node, "credentials", address=node.secure_address, client=client)
    return shop, refused(shop, "credentials")


def right_credentials(node):
    client = ', security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: ebb, ' \
             'sasl.password: "${file:secret}"'
    shop = Shop(node, "secret", address=node.secure_address, client=client)
    with open(os.path.join(shop.folder, "secret"), "w", encoding="utf-8") as file:
        file.write("open sesame\n")
    shop.make()
    code = shop.run_once()
    problems = [] if code == 0 else [f"ended with {code}\n{shop.log()[-1500:]}"]
    return shop, problems + (["the password is in the log"] if "sesame" in shop.log() else [])


def missing_topics(node):
    shop = Shop(node, "missing")
    problems = refused(shop, "topic 'missing.orders' (source 'orders') doesn't exist")
    process = shop.start("--create-topics", "--partitions", "3")
    shop.wait_for("task_live", count=3)
    return shop, problems + ([] if live.World.stop(process) == 0 else ["ended badly"])


def other_counts(node):
    shop = Shop(node, "counts")
    shop.make({"visits": 3})
    return shop, refused(shop, "give all the same number of partitions")


def too_few_for_outputs(node):
    shop = Shop(node, "few")
    shop.make({"alerts": 1})
    return shop, refused(shop, "fewer than the 2 of the sources")


def short_retention(node):
    shop = Shop(node, "retention")
    shop.make(**{"retention.ms": "60000"})
    return shop, refused(shop, "retention.ms")


def compacted(node):
    shop = Shop(node, "compacted")
    shop.make(**{"cleanup.policy": "compact"})
    return shop, refused(shop, "cleanup.policy")


def deleted_offsets(node):
    shop = Shop(node, "deleted")
    shop.make()
    shop.produce()
    shop.run_once()
    shop.produce()
    for future in shop.admin.delete_records([ck.TopicPartition(f"deleted.{t}", p, 15)
                                               for t in ("orders", "visits") for p in (0, 1)]).values():
        future.result(60)
    return shop, refused(shop, "none of the 2 tasks can go on")


def recreated_topic(node):
    shop = Shop(node, "recreated")
    shop.make()
    shop.produce()
    shop.run_once()
    for future in shop.admin.delete_topics(["recreated.orders", "recreated.visits"]).values():
        future.result(60)
    deadline = time.monotonic() + 30
    while True:
        try:
            made = shop.admin.create_topics([ck_admin.NewTopic(f"recreated.{t}", 2, 1) for t in ("orders", "visits")])
            for future in made.values():
                future.result(60)
            break
        except ck.KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    shop.produce(60)
    return shop, refused(shop, "none of the 2 tasks can go on")


def changed_pipeline(node):
    shop = Shop(node, "changed")
    shop.make()
    shop.produce()
    shop.run_once()
    shop.write(least=3)
    return shop, refused(shop, "fingerprint")


def same_directory(node):
    shop = Shop(node, "directory")
    shop.make()
    process = shop.start()
    shop.wait_for("task_live", count=2)
    problems = refused(shop, "is in use by another process")
    return shop, problems + ([] if live.World.stop(process) == 0 else ["the first one ended badly"])


def same_instance(node):
    shop = Shop(node, "instance", instance=", instance: one")
    shop.make()
    first = shop.start(state="a")
    shop.wait_for("task_live", "a", 2)
    second = shop.start(state="b")
    deadline = time.monotonic() + 60
    while first.poll() is None and second.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    codes = [first.poll(), second.poll()]
    if sorted(codes, key=str) != [2, None]:
        return shop, [f"ended with {codes}\n{shop.log('a')[-1500:]}\n{shop.log('b')[-1500:]}"]
    state = "a" if codes[0] == 2 else "b"
    said = "another process has joined the group 'instance' as 'one'" in shop.log(state)
    return shop, [] if said else [f"{shop.log(state)[-1500:]}"]


CASES = (files_are_for_replays, unreachable_is_waited_for, wrong_credentials, right_credentials, missing_topics,
         other_counts, too_few_for_outputs, short_retention, compacted, deleted_offsets, recreated_topic,
         changed_pipeline, same_directory, same_instance)


def all_cases(node):
    """Problems of all of them, and a note."""
    problems = []
    for case in CASES:
        try:
            shop, found = case(node)
            shop.close()
        except Exception as error:  # noqa: BLE001: a case that breaks is a case that failed
            found = [f"{type(error).__name__}: {error}"]
        problems += [f"{case.__name__}: {problem}" for problem in found]
    return problems, f"{len(CASES)} cases"
