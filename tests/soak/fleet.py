"""The processes of the soak and what happens to them: killed, stopped, restarted, put to sleep, without their disk; and
the broker. All that is done is written down with its time, and what each process takes is measured.
"""

import os
import re
import shutil
import signal
import threading
import time

import live

STUCK = 70       # the watchdog's exit code: the process can be started again
LONGEST = {"kill": 8, "disk": 8, "leave": 8, "sleep": 9, "broker": 4}  # seconds until it is undone
CLOCK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def folder_mib(path):
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_size
            except OSError:  # it has just gone
                continue
    return total / 2**20


class Process:
    """One `ebb run`, through all its lives."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.popen = None
        self.lives = []     # [begin, end], seconds since 1970; the last one has no end while it runs
        self.wanted = False

    def start(self):
        self.wanted = True
        self.popen = self.world.start(self.name)
        self.lives.append([time.time(), None])

    def ended(self):
        self.popen.wait()
        self.lives[-1][1] = time.time()

    def kill(self):
        self.wanted = False
        self.popen.kill()
        self.ended()

    def leave(self):
        """SIGTERM; the exit code."""
        self.wanted = False
        code = self.world.stop(self.popen, 60)
        self.ended()
        return code

    def lose_disk(self):
        self.kill()
        shutil.rmtree(os.path.join(self.world.folder, self.name), ignore_errors=True)


class Fleet:
    """Processes a, b and c. The first one is never killed, only put to sleep, so that it has one long life."""

    def __init__(self, world, names):
        self.world, self.node = world, world.node
        self.processes = {name: Process(world, name) for name in names}
        self.spared = names[0]
        self.faults = []        # {"kind", "target", "begin", "end"}
        self.problems = []

    def start(self):
        for process in self.processes.values():
            process.start()

    def stop(self):
        for name, process in self.processes.items():
            code = process.leave()
            if code != 0:
                self.problems.append(f"{name} ended with {code}:\n{self.world.log(name)[-2000:]}")

    def look_after(self):
        """A process that ended by itself: its watchdog may do so, and whoever runs it starts it again."""
        for name, process in self.processes.items():
            if process.wanted and process.popen.poll() is not None:
                process.ended()
                code = process.popen.returncode
                if code != STUCK:
                    self.problems.append(f"{name} ended by itself with {code}:\n{self.world.log(name)[-2000:]}")
                now = time.time()
                self.faults.append({"kind": "stuck" if code == STUCK else "died", "target": name, "begin": now,
                                    "end": now})
                process.start()

    def begin(self, kind, target):
        """Does it; what undoes it, and its place in the list."""
        fault = {"kind": kind, "target": target, "begin": time.time(), "end": None}
        self.faults.append(fault)
        if kind == "broker":
            self.node.kill()
            return fault, self.node.start
        process = self.processes[target]
        if kind == "sleep":
            process.popen.send_signal(signal.SIGSTOP)
            return fault, lambda: process.popen.send_signal(signal.SIGCONT)
        if kind == "leave":
            code = process.leave()
            if code != 0:
                self.problems.append(f"{target} left with {code}:\n{self.world.log(target)[-2000:]}")
        elif kind == "disk":
            process.lose_disk()
        else:
            process.kill()
        return fault, process.start

    def disturb(self, seconds, pause, rng):
        """Fault after fault for so long, about `pause` seconds apart; each kind comes as often as the others, and
        sometimes one begins while another lasts."""
        end = time.monotonic() + seconds
        deck = []
        while time.monotonic() < end:
            self.rest(min(rng.uniform(0.5, 1.5) * pause, end - time.monotonic()))
            if time.monotonic() >= end:
                break
            kinds = []
            for _ in range(rng.choice([1, 1, 1, 2])):
                deck = deck or rng.sample(list(LONGEST), len(LONGEST))
                kinds.append(deck.pop())
            self.together(dict(zip(self.targets(kinds, rng), kinds)), rng)

    def targets(self, kinds, rng):
        """Whom each of them meets, all different."""
        free = list(self.processes)
        for kind in kinds:
            allowed = [name for name in free if kind == "sleep" or name != self.spared]
            target = "broker" if kind == "broker" else rng.choice(allowed)
            free = [name for name in free if name != target]
            yield target

    def together(self, faults, rng):
        begun = []
        for target, kind in faults.items():
            begun.append((time.monotonic() + rng.uniform(0.3, LONGEST[kind]), *self.begin(kind, target)))
            self.rest(rng.uniform(0, 1))
        for due, fault, undo in sorted(begun, key=lambda b: b[0]):
            self.rest(max(0, due - time.monotonic()))
            undo()
            fault["end"] = time.time()

    def rest(self, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.look_after()
            time.sleep(min(left, 0.2))


class Sampler:
    """Every two seconds: memory, size of the state, and what has been sent and seen. A thread of its own."""

    def __init__(self, fleet, customers, reader, every=2.0):
        self.fleet, self.customers, self.reader, self.every = fleet, customers, reader, every
        self.samples = []       # {"at", "sent", "alerts", "rss": {name: MiB}, "state": {name: MiB}}
        self.cpu = {}           # (name, process id) -> seconds
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stopping.wait(self.every):
            self.samples.append(self.sample())

    def sample(self):
        sample = {"at": time.time(), "sent": self.customers.appended, "rss": {}, "state": {},
                  "alerts": sum(map(len, self.reader.seen.values()))}
        for name, process in self.fleet.processes.items():
            try:
                sample["rss"][name] = resident_mib(process.popen.pid)
                self.cpu[name, process.popen.pid] = cpu_seconds(process.popen.pid)
            except (OSError, TypeError):  # it has just ended
                continue
            sample["state"][name] = folder_mib(os.path.join(self.fleet.world.folder, name))
        try:
            pid = self.fleet.node.process.pid
            self.cpu["broker", pid] = cpu_seconds(pid)
        except (OSError, AttributeError):
            pass
        return sample

    def cores(self, seconds):
        """Which share of a core the processes of ebb took, and which the broker."""
        broker_took = sum(took for (name, _), took in self.cpu.items() if name == "broker")
        return {"ebb": (sum(self.cpu.values()) - broker_took) / seconds, "broker": broker_took / seconds}


def stop(*threads):
    for one in threads:
        one.stopping.set()
    for one in threads:
        one.thread.join()


def logs(fleet):
    """All that the processes said: (seconds, name, event, fields), oldest first."""
    said = [(when, name, event, fields) for name in fleet.processes
            for when, event, fields in live.log_events(fleet.world.log(name))]
    return sorted(said, key=lambda s: s[0])
