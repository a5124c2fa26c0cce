"""What the tests of the command line share: the binary, a folder for each test, a small pipeline with data."""

import json
import os
import pty
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EBB = os.path.abspath(os.environ.get("EBB_BINARY", os.path.join(ROOT, "build", "release", "bin", "ebb")))
TELECOM = os.path.join(ROOT, "config", "pipelines", "telecom.yaml")

SHOP = """pipeline: shop
entity: {key: customer}
sources:
  orders:
    file: orders.jsonl
    format: json
    time: {field: ts, unit: rfc3339, disorder: 1h}
    fields:
      amount: {path: /amount, type: decimal(2)}
features:
  orders: {from: orders, agg: count, over: month}
  spent: {from: orders, agg: sum, of: amount, over: month}
  silence: {from: orders, agg: recency}
windows: {month: 30d}
scores:
  gone:
    model: scorecard
    evaluate: {on: [orders]}
    intercept: -2
    points:
      - {when: "silence > 5d", add: 3, reason: SILENT}
alerts:
  quiet: {when: "gone > 0.6"}
outputs:
  alerts: {file: alerts.jsonl}
tests:
  - name: a silent customer is noticed
    given:
      - {orders: {at: 0d, customer: ann, amount: 1.50}}
    until: 9d
    expect:
      - {alert: quiet, customer: ann, between: [5d, 6d], reason: SILENT}
      - {feature: spent, customer: ann, at: 1d, is: 1.5}
      - {score: gone, customer: ann, at: 1d, is: 0.119, near: 0.001}
"""
FAILING_TEST = """  - name: this one is wrong
    given:
      - {orders: {at: 0d, customer: ann, amount: 1.50}}
    until: 9d
    expect:
      - {alert: quiet, customer: ann, none: true}
      - {feature: spent, customer: ann, at: 1d, is: 2}
"""


class CliTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ebb-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("shop.yaml", SHOP)
        self.write("orders.jsonl", "".join(
            json.dumps({"customer": name, "ts": f"2026-01-{day:02}T00:00:00Z", "amount": 1.5}) + "\n"
            for day in range(1, 29) for name in ("ann", "bob") if name == "ann" or day < 10))

    def at(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.at(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def on_terminal(self, *words, env):
        """Standard output of the command when it is a terminal."""
        leader, follower = pty.openpty()
        done = subprocess.Popen([EBB, *words], cwd=self.folder, stdout=follower, stderr=follower,
                                env={**os.environ, **env})
        os.close(follower)
        text = b""
        try:
            while chunk := os.read(leader, 4096):
                text += chunk
        except OSError:
            pass  # how a terminal says that its other end was closed
        os.close(leader)
        self.assertEqual(done.wait(), 0, text)
        return text

    def ebb(self, *words, env=None, **more):
        return subprocess.run([EBB, *words], cwd=self.folder, capture_output=True, text=True, check=False, timeout=300,
                              env={**os.environ, **(env or {})}, **more)

    def good(self, *words, **more):
        """Runs it, sees that it ended well, and gives its standard output."""
        done = self.ebb(*words, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, code, *words, says=(), **more):
        """Sees that it ended with this code, with its message on standard error only."""
        done = self.ebb(*words, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done.stderr
