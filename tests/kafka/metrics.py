"""What a running `ebb run --http` says of itself."""

import collections
import urllib.request


def read(address, timeout=5):
    """Sums by name, and the lines of alerts as `alerts`; None while there is no answer."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=timeout) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    sums = collections.Counter()
    for line in text.splitlines():
        if line.startswith("ebb_"):
            name, value = line.rsplit(" ", 1)
            sums[name.split("{")[0]] += float(value)
            if 'stream="alerts"' in name:
                sums["alerts"] += float(value)
    return sums
