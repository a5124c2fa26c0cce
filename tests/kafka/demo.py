#!/usr/bin/env python3
"""The demonstration on Kafka (./demo --kafka): a broker of its own, six topics of made-up telephone customers, a kill
in the middle, and the proof that every warning is there, once. All that runs ends with this process.
"""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import broker  # noqa: E402
import metrics  # noqa: E402

broker.use_client()

import confluent_kafka as ck  # noqa: E402
from confluent_kafka import admin as ck_admin  # noqa: E402

EBB = os.environ.get("EBB", os.path.join(broker.ROOT, "build/release/bin/ebb"))
PACK = os.path.join(broker.ROOT, "config", "pipelines", "telecom.yaml")
STREAMS = ("calls", "recharges", "complaints", "usage", "ports", "surveys")
PARTITIONS = 2
HTTP = "127.0.0.1"


def say(text):
    print(text, flush=True)


def write_pipeline(path, address):
    """The telephone pack, with topics in the place of the generator."""
    with open(PACK, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"^    generate: (telecom\.\w+)$", r"    topic: \1\n    partitioner: crc32", text, flags=re.MULTILINE)
    text = re.sub(r"^outputs:\n(  .*\n)+", "", text, flags=re.MULTILINE)
    text += ("\noutputs:\n" + "".join(f"  {o}: {{topic: warnings.{o}}}\n" for o in ("alerts", "shadow", "quarantine")) +
             f'kafka: {{brokers: "{address}", client: {{session.timeout.ms: 3000, heartbeat.interval.ms: 300}}}}\n')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def records_in_order(folder):
    """All records of all streams, oldest first: (stream, customer, line)."""
    records = []
    for stream in STREAMS:
        with open(os.path.join(folder, stream + ".jsonl"), encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                when = record.get("start_ts") or record["ts"]
                customer = record["subscriber"]["id"] if stream == "calls" else record["subscriber_id"]
                records.append((when, stream, customer, line.rstrip("\n")))
    records.sort(key=lambda r: r[0])
    return [r[1:] for r in records]


def feed(address, records, seconds):
    producer = ck.Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5, "log_level": 0,
                            "partitioner": "consistent", "queue.buffering.max.messages": 1_000_000})
    begun = time.monotonic()
    for number, (stream, customer, line) in enumerate(records):
        producer.produce(f"telecom.{stream}", line.encode(), key=customer.encode())
        if number % 500 == 0:
            producer.poll(max(0, begun + seconds * number / len(records) - time.monotonic()))
    producer.flush(60)


class Engine:
    """`ebb run`, to be killed and started again."""

    def __init__(self, folder, pipeline):
        self.folder, self.pipeline = folder, pipeline
        self.port = broker.free_ports(1)[0]
        self.log = os.path.join(folder, "ebb.log")
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [EBB, "run", self.pipeline, "--state", os.path.join(self.folder, "state"), "--create-topics",
                 "--http", f"{HTTP}:{self.port}"], stdin=subprocess.DEVNULL, stderr=log, stdout=log,
                preexec_fn=broker.die_with_parent)

    def wait(self, done, timeout=120):
        deadline = time.monotonic() + timeout
        while True:
            figures = metrics.read(f"{HTTP}:{self.port}")
            if figures is not None and done(figures):
                return figures
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log, encoding="utf-8") as log:
                    sys.exit("demo: ebb run doesn't go on:\n" + log.read()[-3000:])
            time.sleep(0.1)


def committed_alerts(address):
    """Of both partitions, by a consumer that knows nothing of ebb."""
    reader = ck.Consumer({"bootstrap.servers": address, "group.id": "campaigns", "isolation.level": "read_committed",
                          "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0,
                          "enable.partition.eof": True})
    reader.assign([ck.TopicPartition("warnings.alerts", p, 0) for p in range(PARTITIONS)])
    alerts, ended = [], set()
    while len(ended) < PARTITIONS:
        message = reader.poll(10)
        if message is None:
            sys.exit("demo: the topic of the alerts has no end")
        if message.error() is not None:
            ended.add(message.partition())
        else:
            alerts.append(json.loads(message.value()))
    reader.close()
    return alerts


def main():
    customers = int(os.environ.get("EBB_DEMO_CUSTOMERS", "400"))
    folder = tempfile.mkdtemp(prefix="ebb-demo-kafka-")
    say("A Kafka broker of its own (this fetches Apache Kafka the first time) ...")
    with broker.Broker() as node:
        pipeline = os.path.join(folder, "telecom.yaml")
        write_pipeline(pipeline, node.address)
        data = os.path.join(folder, "data")
        subprocess.run([EBB, "generate", "telecom", "--out", data, "--customers", str(customers)], check=True,
                       stdout=subprocess.DEVNULL)
        records = records_in_order(data)
        say(f"{len(records):,} records of {customers} made-up customers come in on six topics, two partitions each.")
        admin = ck_admin.AdminClient({"bootstrap.servers": node.address, "log_level": 0})
        topics = [ck_admin.NewTopic(f"telecom.{s}", PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"})
                  for s in STREAMS]
        for future in admin.create_topics(topics).values():
            future.result(60)
        engine = Engine(folder, pipeline)
        engine.start()
        feeding = threading.Thread(target=feed, args=(node.address, records, 12), daemon=True)
        feeding.start()
        figures = engine.wait(lambda f: f["alerts"] >= 20)
        engine.process.send_signal(signal.SIGKILL)
        engine.process.wait()
        say(f"{figures['alerts']:.0f} warnings are out, and ebb is killed (kill -9) in the middle.")
        begun = time.monotonic()
        engine.start()
        engine.wait(lambda f: f["ebb_ready"] == 1)
        say(f"Started again, it is at work after {time.monotonic() - begun:.1f} s.")
        feeding.join()
        engine.wait(lambda f: f["ebb_source_lag_records"] == 0 and f["ebb_waiting_bytes"] < 50_000_000)
        time.sleep(4)
        engine.process.send_signal(signal.SIGTERM)
        engine.process.wait(60)
        alerts = committed_alerts(node.address)
        ids = collections.Counter((a["alert_id"], a["revision"]) for a in alerts)
        doubled = sum(n - 1 for n in ids.values())
        numbers = [[a["seq"] for a in alerts if a["task"] == p] for p in range(PARTITIONS)]
        gaps = sum(seq != list(range(len(seq))) for seq in numbers)
        say(f"\nOn the topic warnings.alerts: {len(alerts)} lines, {doubled} doubled, {gaps} gaps in their numbers.")
        opened = [a for a in alerts if a["status"] == "opened"]
        for alert in opened[:3]:
            say(f"  {alert['customer_id']:<12}{alert['event_time'][:10]}  {alert['rule']:<16}{alert['severity']:<8}"
                f"{', '.join(r['code'] for r in alert.get('reasons', [])[:2])}")
        capture = os.path.join(folder, "capture")
        subprocess.run([EBB, "capture", pipeline, "--to", capture], check=True, stdout=subprocess.DEVNULL)
        say("\nebb capture and ebb verify: the run is done again from its input, without the kill:")
        verified = subprocess.run([EBB, "verify", pipeline, "--from", capture], check=False).returncode
    say(f"\nThe pipeline, its log and the capture stay in {folder}")
    sys.exit(1 if verified != 0 or doubled or gaps or not alerts else 0)


if __name__ == "__main__":
    main()
