#!/usr/bin/env python3
"""Runs build/release/bin/kafka_contract_test against a broker of its own; then an independent consumer of committed
records (confluent-kafka) says what really is in the topics, and where the group stands. Arguments go to the binary.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import broker  # noqa: E402

broker.use_client()

import confluent_kafka as ck  # noqa: E402

BINARY = os.environ.get("EBB_CONTRACT_TEST", os.path.join(broker.ROOT, "build/release/bin/kafka_contract_test"))

# Case -> what a reader of committed data must find in partition 1 of its topic `alerts`.
COMMITTED = {"CommitIsVisibleAndReadBack": ["one", "two"], "WhatWasLeftOpenIsAborted": ["one", "two"],
             "ZombieIsFenced": ["one", "two"], "MembersShareTasksAndLateCommitsAreRefused": ["one", "two"]}
# The group's offsets after epoch 2 of the last case.
GROUP = "MembersShareTasksAndLateCommitsAreRefused"
OFFSETS = {f"{GROUP}-in": 20, f"{GROUP}-other": 200}


def consumer(address, group):
    return ck.Consumer({"bootstrap.servers": address, "group.id": group, "isolation.level": "read_committed",
                        "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest",
                        "log_level": 0})


def committed_texts(address, topic):
    reader = consumer(address, "judge")
    reader.assign([ck.TopicPartition(topic, 1, 0)])
    texts, headers = [], []
    while True:
        message = reader.poll(60)
        if message is None:
            return texts + ["(the topic has no end)"], headers
        if message.error() is not None:
            end = message.error().code() == ck.KafkaError._PARTITION_EOF
            return texts if end else texts + [str(message.error())], headers
        texts.append(message.value().decode())
        headers.append(dict(message.headers() or []))


def judge(address):
    """Sentences about what isn't as it must be, and the number of checks."""
    problems = []
    for case, wanted in COMMITTED.items():
        texts, headers = committed_texts(address, f"{case}-alerts")
        if texts != wanted:
            problems.append(f"{case}: {texts} instead of {wanted}")
        if any(h.get("ce_specversion") != b"1.0" or "emitted_at" not in h for h in headers):
            problems.append(f"{case}: headers {headers}")
    partitions = [ck.TopicPartition(topic, 1) for topic in OFFSETS]
    offsets = {p.topic: p.offset for p in consumer(address, GROUP).committed(partitions, 60)}
    if offsets != OFFSETS:
        problems.append(f"the group stands at {offsets} instead of {OFFSETS}")
    return problems, len(COMMITTED) + 1


def main():
    with broker.Broker() as node:
        done = subprocess.run([BINARY, *sys.argv[1:]], env={**os.environ, "EBB_TEST_BROKER": node.address},
                              stdout=subprocess.PIPE, text=True, check=False, timeout=900)
        sys.stdout.write(done.stdout)
        if done.returncode != 0:
            sys.stdout.write(node.last_lines())
        problems, checks = judge(node.address) if len(sys.argv) == 1 else ([], 0)
    for problem in problems:
        print("FAILED: " + problem)
    passed = len(re.findall(r"^\[       OK \]", done.stdout, re.MULTILINE)) + checks - len(problems)
    failed = len(set(re.findall(r"^\[  FAILED  \] (KafkaContract\.\w+)", done.stdout, re.MULTILINE))) + len(problems)
    if done.returncode != 0 and failed == 0:
        failed = 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
