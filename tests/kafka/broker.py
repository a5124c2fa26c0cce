"""A real Apache Kafka for tests: KRaft, loopback only, no container.

    with Broker() as broker:      # one node
        ...                       # broker.address is "127.0.0.1:PORT"
        broker.kill()             # SIGKILL; broker.start() brings it back with its data
        broker.pause()            # SIGSTOP; broker.resume()
    with Cluster() as cluster:    # three, each of them broker and controller
        cluster.nodes[0].kill()

The jars come through Maven (pom.xml beside this file names the version) into build/kafka/lib. Data live in a temporary
folder. The process dies with the one that started it, whatever happens to that.
"""

import atexit
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KAFKA = os.path.join(ROOT, "build", "kafka")
LIBRARY = os.path.join(KAFKA, "lib")
PYTHON = os.path.join(KAFKA, "venv")

JVM = ["-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
       "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
       "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
       "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.coordinator=info"]
PR_SET_PDEATHSIG = 1

# The topics of the coordinators are kept short: while a broker that was killed still reads a long one it may be told to
# begin anew, and Kafka 4.2.1 then takes the first reading for the second ("The state machine of the coordinator is out
# of sync with the underlying log"). The group can stand still until the broker is started once more.
PROPERTIES = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_ebb="open sesame";
log.dirs={folder}/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
default.replication.factor={replicas}
min.insync.replicas={in_sync}
transaction.abort.timed.out.transaction.cleanup.interval.ms=200
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=100
auto.create.topics.enable=false
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
log.cleaner.dedupe.buffer.size=2097152
log.cleaner.backoff.ms=1000
log.cleaner.delete.retention.ms=10000
offsets.topic.segment.bytes=1048576
transaction.state.log.segment.bytes=1048576
log.retention.ms=-1
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
replica.fetch.wait.max.ms=20
num.network.threads=2
num.io.threads=2
"""


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def install():
    """Fetches the broker's jars and the independent client, once. Says what it does on standard error."""
    mark = os.path.join(LIBRARY, ".complete")
    with open(os.path.join(HERE, "pom.xml"), encoding="utf-8") as file:
        wanted = file.read()
    if not os.path.exists(mark) or open(mark, encoding="utf-8").read() != wanted:
        print("fetching Apache Kafka with mvn", file=sys.stderr)
        shutil.rmtree(LIBRARY, ignore_errors=True)
        subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"), "dependency:copy-dependencies",
                        f"-DoutputDirectory={LIBRARY}"], check=True, stdout=sys.stderr)
        with open(mark, "w", encoding="utf-8") as file:
            file.write(wanted)
    requirements = os.path.join(HERE, "requirements.txt")
    mark = os.path.join(PYTHON, ".complete")
    with open(requirements, encoding="utf-8") as file:
        wanted = file.read()
    if not os.path.exists(mark) or open(mark, encoding="utf-8").read() != wanted:
        print("installing confluent-kafka into build/kafka/venv", file=sys.stderr)
        shutil.rmtree(PYTHON, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", PYTHON], check=True, stdout=sys.stderr)
        subprocess.run([os.path.join(PYTHON, "bin", "pip"), "-q", "install", "-r", requirements], check=True,
                       stdout=sys.stderr)
        with open(mark, "w", encoding="utf-8") as file:
            file.write(wanted)


def use_client():
    """Makes confluent_kafka importable in this process, installing it when it is missing."""
    install()
    sys.path[:0] = glob.glob(os.path.join(PYTHON, "lib", "python3*", "site-packages"))


def die_with_parent():
    """Runs in a child before exec: the kernel kills it when the thread that started it ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Broker:
    """One node: broker and controller. Starts when it is made; stop() or the end of the process ends it for certain.
    `node`, `voters` and `name` are those of a Cluster's."""

    def __init__(self, node=1, ports=None, voters=None, name=None):
        install()
        self.folder = tempfile.mkdtemp(prefix="ebb-kafka-")
        self.process = None
        self.port, self.secure_port, self.controller = ports or free_ports(3)
        self.address = f"127.0.0.1:{self.port}"
        self.secure_address = f"127.0.0.1:{self.secure_port}"
        self.settings = os.path.join(self.folder, "server.properties")
        self.log = os.path.join(self.folder, "broker.log")
        atexit.register(self.stop)
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(PROPERTIES.format(port=self.port, secure=self.secure_port, controller=self.controller, node=node,
                                         voters=voters or f"1@127.0.0.1:{self.controller}", folder=self.folder,
                                         replicas=3 if voters else 1, in_sync=2 if voters else 1))
        self.java("kafka.tools.StorageTool", "format", "-t", name or uuid.uuid4().hex[:22], "-c", self.settings)
        self.launch()
        if voters is None:
            self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def java(self, main, *words):
        with open(self.log, "ab") as log:
            subprocess.run(["java", *JVM, "-cp", f"{LIBRARY}/*", main, *words], check=True, stdout=log, stderr=log)

    def start(self):
        """Starts it again after kill(), with its data and its port; returns when it listens."""
        self.launch()
        self.wait()

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["java", *JVM, "-cp", f"{LIBRARY}/*", "kafka.Kafka", self.settings],
                                            stdout=log, stderr=log, preexec_fn=die_with_parent)

    def wait(self, timeout=180):
        deadline = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the broker ended with code {self.process.returncode}:\n{self.last_lines()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the broker doesn't listen after {timeout} s:\n{self.last_lines()}") from None
                time.sleep(0.05)

    def last_lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-20:])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """Three nodes; topics have three replicas, of which two must have what is acknowledged."""

    def __init__(self):
        ports = [free_ports(3) for _ in range(3)]
        voters = ",".join(f"{i + 1}@127.0.0.1:{p[2]}" for i, p in enumerate(ports))
        name = uuid.uuid4().hex[:22]
        self.nodes = [Broker(i + 1, p, voters, name) for i, p in enumerate(ports)]
        self.address = ",".join(node.address for node in self.nodes)
        for node in self.nodes:
            node.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()


if __name__ == "__main__":
    if sys.argv[1:] == ["--install"]:
        install()
        sys.exit()
    with Broker() as running:
        print(running.address, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
