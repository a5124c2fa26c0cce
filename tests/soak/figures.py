"""From what was measured to what is said: percentiles, the slope of memory and its error, who took over when."""

import bisect
import math

MOVES = ("kill", "disk", "leave", "sleep")
BEGIN, END = ("starting", "assigned", "revoked"), ("task_stopped", "task_restart")


def at_share(values, share):
    """The smallest value that so large a share of them doesn't pass; None of none."""
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def over_time(points, width, shares):
    """(time, value) into stretches of `width`: (middle, value at each share), for stretches with any."""
    stretches = {}
    for when, value in points:
        stretches.setdefault(int(when // width), []).append(value)
    return [((n + 0.5) * width, *(at_share(values, s) for s in shares)) for n, values in sorted(stretches.items())]


def slope(points):
    """Least squares over (x, y): the slope and its standard error, which is widened for neighbours that are alike
    (as if only n (1 - r) / (1 + r) of the points were independent, r being the correlation of a residual with the
    next one). None for fewer than eight points."""
    n = len(points)
    if n < 8:
        return None
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x)**2 for x, _ in points)
    steep = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = [y - mean_y - steep * (x - mean_x) for x, y in points]
    squares = sum(r * r for r in rest)
    if squares == 0:
        return steep, 0.0
    alike = max(0.0, sum(a * b for a, b in zip(rest, rest[1:])) / squares)
    independent = max(3.0, n * (1 - alike) / (1 + alike))
    return steep, math.sqrt(squares / n * n / (independent - 2) / spread)


def memory_slopes(samples, lives, warm_up, least):
    """Of each life that lasts `least` seconds after its warm-up: name, begin, end, mean MiB, slope and error in MiB an
    hour, over means of a minute."""
    out = []
    for name, spans in lives.items():
        for begin, end in spans:
            points = [(s["at"], s["rss"][name]) for s in samples
                      if name in s["rss"] and begin + warm_up <= s["at"] <= end]
            if not points or points[-1][0] - points[0][0] < least:
                continue
            found = slope([(x / 3600, y) for x, y in minute_means(points)])
            if found:
                out.append({"name": name, "begin": begin, "end": end, "slope": found[0], "error": found[1],
                            "mean": sum(y for _, y in points) / len(points)})
    return out


def waiting(arrived, done, until, every=1.0):
    """Second by second how many have arrived and aren't done; both sorted."""
    return [(n * every, bisect.bisect_right(arrived, n * every) - bisect.bisect_right(done, n * every))
            for n in range(int(until / every) + 1)]


def longest_pause(done, until):
    """When nothing was done for longest, and for how many seconds; `done` is sorted."""
    times = [0.0, *(when for when in done if when <= until), until]
    return max(((a, b - a) for a, b in zip(times, times[1:])), key=lambda pause: pause[1])


def minute_means(points):
    minutes = {}
    for when, value in points:
        minutes.setdefault(int(when // 60), []).append((when, value))
    return [(sum(w for w, _ in m) / len(m), sum(v for _, v in m) / len(m)) for _, m in sorted(minutes.items())]


def owned_at(said, name, when):
    """The tasks that were live in a process."""
    tasks = set()
    for at, who, event, fields in said:
        if at > when:
            break
        if who == name and event in BEGIN:
            tasks.clear()
        elif who == name and event == "task_live":
            tasks.add(fields["task"])
        elif who == name and event in END:
            tasks.discard(fields["task"])
    return tasks


def take_overs(faults, said, patience=60):
    """Adds to each fault of a process `tasks`, which it had, and `taken`: after how many seconds the last of them was
    live again, and `by`: where. None of it for tasks that stayed where they were."""
    for fault in faults:
        if fault["kind"] not in MOVES:
            continue
        begin = fault["begin"]
        tasks = owned_at(said, fault["target"], begin)
        live = {}
        for at, who, event, fields in said:
            task = fields.get("task")
            if event == "task_live" and begin < at < begin + patience and task in tasks and task not in live:
                live[task] = at - begin, who
        fault["tasks"] = len(tasks)
        # Whoever sleeps for less than the session keeps its tasks; they move later, if at all, for another reason.
        kept = fault["kind"] == "sleep" and any(at > fault["end"] - begin + 3 for at, _ in live.values())
        if live and not kept:
            fault["taken"] = max(at for at, _ in live.values())
            fault["by"] = sorted({who for _, who in live.values()})


def disturbed_spans(faults, said, before=5.0, after=3.0):
    """Stretches in which a fault was going on or a task was on its way to work, with a margin; merged, in order."""
    spans = [(f["begin"] - before, max(f["end"], f["begin"] + f.get("taken", 0)) + after) for f in faults]
    spans += [(at - before, at + after) for at, _, event, _ in said if event == "task_live"]
    merged = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def outside(points, spans):
    """The values whose time lies in none of the stretches."""
    begins = [begin for begin, _ in spans]
    out = []
    for when, value in points:
        place = bisect.bisect_right(begins, when) - 1
        if place < 0 or when > spans[place][1]:
            out.append(value)
    return out
