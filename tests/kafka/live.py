"""A pipeline that runs live in a test: random sources, features and alerts (tests/oracle/generate.py) over topics of a
real broker, `ebb run` processes to be killed, and the two who judge: an independent consumer of committed records
(confluent-kafka) says what is in the topics, and the oracle (tests/oracle/evaluation.py) what must be.

Each partition is a task with logs of its own, so the oracle runs once for each. Every log ends with a record far in the
future: what happens before is complete, and what is compared lies before.
"""

import importlib.machinery
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime

import broker

broker.use_client()
ORACLE = os.path.join(broker.ROOT, "tests", "oracle")
sys.path.insert(0, ORACLE)

import confluent_kafka as ck  # noqa: E402
import evaluation  # noqa: E402
import generate  # noqa: E402
import semantics  # noqa: E402
from confluent_kafka import admin as ck_admin  # noqa: E402

EBB = os.environ.get("EBB", os.path.join(broker.ROOT, "build/release/bin/ebb"))
DAY = 86_400_000


def oracle_script():
    """tests/oracle/run as a module: how its lines are compared."""
    loader = importlib.machinery.SourceFileLoader("oracle_run", os.path.join(ORACLE, "run"))
    spec = importlib.util.spec_from_loader("oracle_run", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


COMPARE = oracle_script()


def pipelines(first):
    """Seeds from `first` on whose pipelines have alerts, and no budgets (the oracle shares them out over all tasks)."""
    seed = first
    while True:
        pipeline = generate.make_pipeline(seed, timers=True)
        if pipeline["alerts"] and "budgets" not in pipeline.get("limits", {}):
            yield seed, pipeline
        seed += 1


def log_events(text):
    """What a process said in its log: (seconds since 1970, event, {name: value}), oldest first."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0][:2] == "20" and words[0].endswith("Z"):
            fields = dict(word.split("=", 1) for word in words[3:] if "=" in word)
            yield datetime.fromisoformat(words[0].replace("Z", "+00:00")).timestamp(), words[2], fields


class World:
    """Topics of one random pipeline, and what must come out of them."""

    MEMBERSHIP = "session.timeout.ms: 1500, heartbeat.interval.ms: 200"

    def __init__(self, node, seed, pipeline, partitions=2, records=800, name=None, idle_after="10m", address=None,
                 client=""):
        self.node, self.pipeline, self.partitions = node, pipeline, partitions
        self.name = name or f"{pipeline['name']}-{random.randrange(1 << 32):08x}"
        self.folder = tempfile.mkdtemp(prefix="ebb-live-")
        self.snapshots = os.path.join(self.folder, "snapshots")
        self.rng = random.Random(seed)
        self.memory = random.Random(seed).choice([(), ("--memory", "2MB")])  # so little that rows leave it
        self.topics = {s["name"]: f"{self.name}.{s['name']}" for s in pipeline["sources"]}
        self.outputs = {o: f"{self.name}.{o}" for o in ("alerts", "scores", "quarantine")}
        self.journal = f"{self.name}.journal"
        self.file = os.path.join(self.folder, "pipeline.yaml")
        self.split(generate.make_logs(seed, pipeline, records))
        self.write(address or node.address, idle_after, client)
        self.processes = []

    def split(self, logs):
        """self.logs: partition -> source name -> lines; self.arrivals: (source, partition, line), as produced."""
        self.logs = [{name: [] for name in self.topics} for _ in range(self.partitions)]
        self.arrivals = []
        newest = semantics.BEFORE_TIME
        for source in self.pipeline["sources"]:
            for lines in logs[source["name"]]:
                newest = max(newest, semantics.stamp(source, 0, lines)[1])
        queues = [(s["name"], list(reversed(lines))) for s in self.pipeline["sources"] for lines in logs[s["name"]]]
        total = sum(len(lines) for _, lines in queues)
        for _ in range(total):
            # The longest first, so that all end together.
            name, lines = max((q for q in queues if q[1]), key=lambda q: (len(q[1]), self.rng.random()))
            partition = self.partition_of(name, lines[-1])
            self.arrive(name, partition, lines.pop())
            self.delete_sometimes(name, partition)
        self.complete = newest + 20 * DAY
        for source in self.pipeline["sources"]:
            for partition in range(self.partitions):
                last = self.last_line(source, newest + 40 * DAY)
                self.arrive(source["name"], partition, last)

    def arrive(self, name, partition, line):
        self.logs[partition][name].append(line)
        self.arrivals.append((name, partition, line))

    def delete_sometimes(self, name, partition):
        """A message without a value, for a customer of whom the reference source has spoken."""
        source = next(s for s in self.pipeline["sources"] if s["name"] == name)
        if not source.get("reference") or self.rng.random() > 0.08:
            return
        _, reason, key, _, _ = semantics.decode(source, self.rng.choice(self.logs[partition][name]))
        if reason is None:
            self.arrive(name, partition, semantics.Tombstone(key))

    def partition_of(self, name, line):
        source = next(s for s in self.pipeline["sources"] if s["name"] == name)
        try:
            key = str(semantics.at_path(json.loads(line), source["key"]))
        except (ValueError, KeyError, TypeError, AttributeError, semantics.Unusable):
            key = line
        return sum(key.encode()) % self.partitions

    @staticmethod
    def last_line(source, when):
        members = {}
        at = generate.raw_time(source["unit"], when - when % 1000)
        generate.put(members, source["key"], "zz-last")
        generate.put(members, source["time"], at)
        for field in source["fields"]:
            if "expr" not in field:
                value = {"int": 1, "decimal": 1, "bool": True, "string": "x", "time": at}[field["type"]]
                generate.put(members, field["path"], value)
        if "id" in source:
            members["rid"] = "last"
        return json.dumps(members)

    def write(self, address, idle_after, client):
        text = generate.pipeline_text(self.pipeline, self.folder)
        for name, topic in self.topics.items():
            text = text.replace(f"    file: {name}.jsonl\n", f"    topic: {topic}\n")
        for source in self.pipeline["sources"]:
            # A jump that ends the stream isn't what is tested here.
            if "max_jump" in source:
                text = text.replace(f"max_jump: {generate.duration(source['max_jump'])}", "max_jump: 9999d")
                source["max_jump"] = 9999 * DAY
        text = text.replace("disorder: ", f"max_ahead: 99999d, idle_after: {idle_after}, disorder: ")
        for name, topic in self.outputs.items():
            text = text.replace(f'file: "{self.folder}/{name}.jsonl"', f"topic: {topic}")
        text = text.replace(f'  shadow: {{file: "{self.folder}/shadow.jsonl"}}\n', "")  # counted only
        text += (f'kafka: {{brokers: "{address}", group: {self.name}, journal: {self.journal}, '
                 f"client: {{{self.MEMBERSHIP}{client}}}}}\n")
        for score in self.pipeline["scores"]:
            if "terms" in score:
                with open(os.path.join(self.folder, f"{score['name']}.json"), "w", encoding="utf-8") as file:
                    json.dump(generate.model_file(score), file)
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    # ---- Topics

    def make_topics(self, replicas=1):
        admin = ck_admin.AdminClient({"bootstrap.servers": self.node.address})
        names = [*self.topics.values(), *self.outputs.values(), self.journal]
        config = {"message.timestamp.type": "LogAppendTime"}
        deadline = time.monotonic() + 60
        while True:  # a cluster that has just started may not have all its nodes
            try:
                made = admin.create_topics([ck_admin.NewTopic(n, self.partitions, replicas, config=config)
                                            for n in names])
                for future in made.values():
                    future.result(60)
                return
            except ck.KafkaException as error:
                known = error.args[0].code() == ck.KafkaError.INVALID_REPLICATION_FACTOR
                if not known or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def produce(self, arrivals=None, seconds=0):
        """All of it, spread over so many seconds; returns when the broker has it."""
        producer = ck.Producer({"bootstrap.servers": self.node.address, "enable.idempotence": True, "linger.ms": 2,
                                "message.timeout.ms": 120_000, "log_level": 0})
        arrivals = self.arrivals if arrivals is None else arrivals
        begun = time.monotonic()
        for number, (name, partition, line) in enumerate(arrivals):
            if isinstance(line, semantics.Tombstone):
                producer.produce(self.topics[name], None, key=line.key.encode(), partition=partition)
            else:
                producer.produce(self.topics[name], line.encode("utf-8", "surrogatepass"), partition=partition)
            due = begun + seconds * number / len(arrivals)
            producer.poll(max(0, due - time.monotonic()))
        if producer.flush(120) != 0:
            raise RuntimeError("the broker didn't take all records")

    def produce_in_background(self, seconds):
        thread = threading.Thread(target=self.produce, args=(None, seconds), daemon=True)
        thread.start()
        return thread

    def produce_in_pieces(self, rng):
        """In the background: a stretch of one source after another, so that the others fall idle in between. Records
        of a source keep their order, but meet those of others late."""
        arrivals, pieces = list(self.arrivals), []
        def is_last(arrival):
            return not isinstance(arrival[2], semantics.Tombstone) and "zz-last" in arrival[2]
        last = [a for a in arrivals if is_last(a)]
        rest = [a for a in arrivals if not is_last(a)]
        while rest:
            piece = rest[:rng.randint(50, 200)]
            rest = rest[len(piece):]
            by_source = {}
            for arrival in piece:
                by_source.setdefault(arrival[0], []).append(arrival)
            pieces += list(by_source.values())

        def feed():
            for piece in pieces:
                self.produce(piece)
                time.sleep(rng.choice([0, 0, 0.2, 0.6]))
            self.produce(last)
        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        return thread

    @staticmethod
    def ebb(*words, timeout=120):
        """Runs a command to its end: exit code and output."""
        done = subprocess.run([EBB, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def committed(self, topic, partition, last=None):
        """Values of committed records, to the end that the partition has now."""
        return [value for value, _ in self.records(topic, partition, last)]

    def records(self, topic, partition, last=None):
        """Committed records: (value or None, when it was appended in seconds). `last`: of the last so many offsets."""
        def text(value):
            return value if value is None else value.decode("utf-8", "surrogatepass")
        return [(text(m.value()), m.timestamp()[1] / 1000) for m in self.messages(topic, partition, last)]

    def messages(self, topic, partition, last=None):
        """Committed messages, one after another."""
        reader = ck.Consumer({"bootstrap.servers": self.node.address, "group.id": "judge", "log_level": 0,
                              "isolation.level": "read_committed", "enable.auto.commit": False,
                              "enable.partition.eof": True, "auto.offset.reset": "earliest"})
        place = ck.TopicPartition(topic, partition, 0)
        deadline = time.monotonic() + 60
        end = self.end_of(reader, place, deadline)
        place.offset = max(0, end - last) if last else 0
        reader.assign([place])
        read = 0
        while time.monotonic() < deadline:
            message = reader.poll(1)
            if message is None:
                continue
            at_end = message.error() is not None and message.error().code() == ck.KafkaError._PARTITION_EOF
            if message.error() is None:
                yield message
                read += 1
                deadline = time.monotonic() + 60
            elif not at_end:
                continue
            # Short of the end a transaction is still being ended. What came since we asked may not end.
            if message.offset() + (0 if at_end else 1) >= end:
                reader.close()
                return
        raise RuntimeError(f"{topic}/{partition} has no end for readers of committed records: {read} read, "
                           f"position {reader.position([place])}, end {end}")

    @staticmethod
    def end_of(reader, place, deadline):
        """Asks until a broker that has just started, or the partition's next leader, can answer."""
        while True:
            try:
                return reader.get_watermark_offsets(place, 10)[1]
            except ck.KafkaException as error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def lines(self, output):
        """Partition -> lines of an output, as objects."""
        return [[json.loads(v) for v in self.committed(self.outputs[output], p)] for p in range(self.partitions)]

    # ---- Processes

    def command(self, state, *more):
        return [EBB, "run", self.file, "--state", os.path.join(self.folder, state), "--output-spacing", "20ms",
                "--commit-interval", "100ms", "--state-interval", "300ms", "--snapshots", self.snapshots,
                "--snapshot-interval", "400ms", *self.memory, *more]

    def start(self, state="state", kill_at=None, more=()):
        log = open(os.path.join(self.folder, f"{state}.log"), "ab")
        env = dict(os.environ)
        if kill_at:
            env["EBB_TEST_KILL_AT"] = kill_at
        process = subprocess.Popen(self.command(state, *more), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=env, preexec_fn=broker.die_with_parent)
        log.close()
        self.processes.append(process)
        return process

    def log(self, state="state"):
        """What it has said so far."""
        path = os.path.join(self.folder, f"{state}.log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_until_complete(self, timeout=120, process=None):
        """Until every task has committed an epoch that lies behind everything that is compared."""
        deadline = time.monotonic() + timeout
        while True:
            cursors = [self.cursor(p) for p in range(self.partitions)]
            if all(c >= self.complete for c in cursors):
                return
            if process is not None and process.poll() is not None:
                raise RuntimeError(f"ebb ended with {process.returncode}:\n{self.log()[-3000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not complete after {timeout} s: cursors {cursors}, wanted {self.complete}\n"
                                   f"{self.log()[-3000:]}")
            time.sleep(0.1)

    def cursor(self, partition):
        """Of the last committed epoch; its journal record says it."""
        for record in reversed(self.committed(self.journal, partition, 100)):
            for line in record.splitlines():
                words = line.split()
                if words and words[0] == "epoch":  # task, epoch, cursor, wall clock
                    return int(words[3])
        return semantics.BEFORE_TIME

    @staticmethod
    def stop(process, timeout=30):
        """SIGTERM; the exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout)

    def close(self, keep=False):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        if keep:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- The verdict

    def judge(self):
        """What isn't as the oracle says, sentences; and how many lines were compared."""
        problems, compared = [], 0
        alerts, scores, quarantine = self.lines("alerts"), self.lines("scores"), self.lines("quarantine")
        for partition in range(self.partitions):
            logs = {name: [lines] for name, lines in self.logs[partition].items()}
            run = evaluation.Run(self.pipeline, logs, self.complete)
            run.all()
            found, lines = self.judge_partition(partition, run, alerts[partition], scores[partition],
                                                quarantine[partition])
            problems += found
            compared += lines
        return problems, compared

    def before_the_end(self, lines, when):
        """Those that are compared."""
        end = evaluation.time_text(self.complete)
        return [line for line in lines if line[when] < end]

    def judge_partition(self, partition, run, alerts, scores, quarantine):
        """One task's lines, held against what the oracle's run has."""
        problems, compared = [], 0
        seconds = COMPARE.duration_features(self.pipeline)
        for name, ours, theirs, when, differ in (
                ("alerts", run.alerts, alerts, "event_time", COMPARE.alert_difference),
                ("scores", run.lines, scores, "as_of", lambda a, b: COMPARE.score_difference(a, b, seconds))):
            ours = self.before_the_end(ours, when)
            problem = self.first_difference(ours, self.before_the_end(theirs, when), differ)
            if problem:
                problems.append(f"{self.name} {name}/{partition}: {problem}")
            compared += len(ours)
        numbers = [line["seq"] for line in alerts]
        if numbers != list(range(len(numbers))):
            problems.append(f"{self.name} alerts/{partition}: numbers {numbers[:20]}... have gaps or repeat")
        if any(line["task"] != partition for line in alerts):
            problems.append(f"{self.name} alerts/{partition}: another task's number")
        expected = sorted((self.pipeline["sources"][r["source"]]["name"], r["offset"], r["reason"])
                          for r in run.quarantined)
        got = sorted((q["source"], q["offset"], q["reason"]) for q in quarantine)
        if expected != got:
            problems.append(f"{self.name} quarantine/{partition}: the oracle has {len(expected)}, the topic "
                            f"{len(got)}; {set(expected) ^ set(got)}")
        return problems, compared

    @staticmethod
    def first_difference(ours, theirs, differ):
        for number, (a, b) in enumerate(zip(ours, theirs)):
            message = differ(a, b)
            if message:
                return f"line {number}: {message}\n  the oracle: {json.dumps(a)}\n  the topic: {json.dumps(b)}"
        if len(ours) != len(theirs):
            more = ours if len(ours) > len(theirs) else theirs
            return f"the oracle has {len(ours)} lines, the topic {len(theirs)}: " \
                   f"{json.dumps(more[min(len(ours), len(theirs))])}"
        return None
