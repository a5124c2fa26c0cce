#!/usr/bin/env python3
"""The soak's figures as one page of HTML that needs nothing else: no script, no font, no picture from outside.

    tests/soak/report.py FIGURES.json REPORT.html
"""

import html
import json
import os
import sys

import chart
import figures

KINDS = (("kill", "kill -9"), ("disk", "kill -9, disk lost"), ("leave", "stop and start"), ("sleep", "SIGSTOP"),
         ("broker", "broker killed"))

STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1d2126; --soft: #626a73; --grid: #e4e5e1; --card: #f4f4f0;
  --good: #1a7f4b; --bad: #c22f2f; --one: #2563a8; --two: #c2571a; --three: #5f8a2e; --kill: #c22f2f;
  --disk: #8a3ab0; --leave: #2e8b8b; --sleep: #b58900; --broker: #4a5fd0; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e6e7e4; --soft: #9aa2aa; --grid: #2b3035;
  --card: #1d2125; --good: #4cc38a; --bad: #ff6b6b; --one: #6cb0f5; --two: #f2955c; --three: #a5cf6d;
  --kill: #ff6b6b; --disk: #c98bea; --leave: #58c4c4; --sleep: #e3b93c; --broker: #93a2ff; } }
body { margin: 0; background: var(--paper); color: var(--ink); 
  font: 16px/1.55 "Inter", "Segoe UI", "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; }
main { max-width: 1040px; margin: 0 auto; padding: 56px 28px 80px; }
h1 { font-size: 34px; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 10px; text-wrap: balance; }
h1.good { color: var(--good); } h1.bad { color: var(--bad); }
h2 { font-size: 17px; margin: 44px 0 2px; } p { margin: 0 0 10px; max-width: 46em; }
.soft, figcaption, .tick, .key { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 12px; margin: 30px 0 8px; }
.cards div { background: var(--card); border-radius: 10px; padding: 14px 18px 12px; }
.cards b { display: block; font-size: 23px; line-height: 1.3; font-weight: 600; white-space: nowrap;
  letter-spacing: -0.01em; }
.cards span { color: var(--soft); font-size: 14px; line-height: 1.35; display: block; }
.key { font-size: 14px; margin: 0 0 4px; } .key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px;
  margin: 0 6px 3px 0; vertical-align: middle; } .key span { margin-right: 20px; white-space: nowrap; }
.key i.bar { height: 11px; width: 11px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 12.5px; fill: var(--soft); } svg text.name { fill: var(--ink); font-size: 13px; }
.grid { stroke: var(--grid); stroke-width: 1; } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round;
  stroke-linecap: round; } .one { stroke: var(--one); } .two { stroke: var(--two); } .three { stroke: var(--three); }
line.fault { stroke-width: 1; opacity: 0.3; }
KINDS_STYLE
table { border-collapse: collapse; margin: 12px 0 4px; font-size: 15px; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 14px; }
th, td { padding: 5px 28px 5px 0; border-bottom: 1px solid var(--grid); }
td.n, th.n { text-align: right; } summary { cursor: pointer; color: var(--soft); margin-top: 12px; }
pre { white-space: pre-wrap; color: var(--bad); font-size: 13px; }
""".replace("KINDS_STYLE", "\n".join(
    f"line.{k} {{ stroke: var(--{k}); }} rect.{k}, i.{k} {{ fill: var(--{k}); background: var(--{k}); }}"
    for k, _ in KINDS) + "\nline.stuck, line.died { stroke: var(--ink); } rect.stuck, rect.died { fill: var(--ink); }\n"
    "i.one { background: var(--one); } i.two { background: var(--two); } i.three { background: var(--three); }")

LINES = ("one", "two", "three")


def milliseconds(value):
    if value is None:
        return "none"
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.3g} s" if value < 100_000 else f"{value / 1000:,.0f} s"


def key(*names, bar=False):
    return '<p class="key">' + "".join(f'<span><i class="{style}{" bar" if bar else ""}"></i>{html.escape(name)}</span>'
                                       for style, name in names) + "</p>"


def table(heads, rows):
    """Columns whose head begins with '#' hold numbers."""
    styles = [' class="n"' if head.startswith("#") else "" for head in heads]
    out = "<table><tr>" + "".join(f"<th{s}>{html.escape(h.lstrip('#'))}</th>" for s, h in zip(styles, heads)) + "</tr>"
    for row in rows:
        out += "<tr>" + "".join(f"<td{s}>{html.escape(str(cell))}</td>" for s, cell in zip(styles, row)) + "</tr>"
    return out + "</table>"


def headline(found):
    counts = found["counts"]
    if not found["problems"]:
        return f'<h1 class="good">Nothing lost, nothing doubled, nothing out of order</h1><p>In ' \
               f'{found["seconds"] / 60:.3g} minutes {counts["events"]:,} events met {len(found["faults"])} faults. ' \
               f'An independent consumer read what was committed, and an oracle in Python says that the ' \
               f'{counts["alerts"]:,} alerts, {counts["scores"]:,} scores and {counts["quarantined"]:,} quarantined ' \
               f'records are what they must be, in every bit. Done once more without the faults, ' \
               f'{found["epochs"]:,} epochs gave the same bytes.</p>'
    return '<h1 class="bad">Failed</h1>' + "".join(f"<pre>{html.escape(p)}</pre>" for p in found["problems"][:20])


def flat(one):
    """Whether a slope lies within twice its standard error."""
    return abs(one["slope"]) <= 2 * one["error"]


def cards(found):
    counts, taken = found["counts"], [f["taken"] for f in found["faults"] if "taken" in f]
    shown = [(" / ".join(str(counts[k]) for k in ("lost", "doubled", "reordered")), "lost / doubled / reordered lines")]
    both = ("between the faults", found["calm"]), ("faults included", found["shares"])
    for name, shares in (one for one in both if one[1]["0.5"] is not None):
        shown.append((f"{milliseconds(shares['0.5'])} / {milliseconds(shares['0.99'])}", f"p50 / p99 latency, {name}"))
    if taken:
        shown.append((f"{figures.at_share(taken, 0.5):.1f} s", f"until tasks are live again, median of {len(taken)}; "
                                                              f"{max(taken):.1f} s at most"))
    longest = max(found["slopes"], key=lambda s: s["end"] - s["begin"], default=None)
    if longest:
        shown.append((f"{longest['slope']:+.1f} ± {longest['error']:.1f}",
                      f"MiB an hour: slope of the memory of {longest['name']}, of {longest['mean']:.0f} MiB; "
                      f"{'within' if flat(longest) else 'beyond'} noise"))
    shown.append((f"{100 * found['cores']['ebb']:.0f} %", "of one core for the three processes of ebb together"))
    return '<div class="cards">' + "".join(f"<div><b>{html.escape(b)}</b><span>{html.escape(s)}</span></div>"
                                           for b, s in shown) + "</div>"


def rates(samples, name, width):
    """Counts that only grow, as so many a second, over stretches of `width` seconds."""
    points, last = [], None
    for sample in samples:
        if last is None or sample["at"] - last["at"] >= width:
            if last is not None:
                points.append((sample["at"], (sample[name] - last[name]) / (sample["at"] - last["at"])))
            last = sample
    return points


def section(title, words, *parts):
    return f"<h2>{title}</h2>" + (f'<p class="soft">{html.escape(words)}</p>' if words else "") + "".join(parts)


def latency(frame, found):
    points = found["latency"]
    values = [v for _, *both in points for v in both]
    scale = chart.Decades(min(values, default=10), max(values, default=1000))
    series = [("two", [(t, p99) for t, _, p99 in points]), ("one", [(t, p50) for t, p50, _ in points])]
    return section(
        "Latency", "From the append of an event, by the broker's clock, to its alert at a reader of committed "
        f"records; {found['timed']:,} alerts, in stretches of {found['width']} s. Events may come "
        f"{found['disorder']} ms out of order, which is part of it.", key(("one", "p50"), ("two", "p99")),
        frame.lines("latency", scale, milliseconds, series, 260, 1.5 * found["width"]))


def throughput(frame, found):
    width = 10 if found["seconds"] > 600 else 4
    fed = [s for s in found["samples"] if s["at"] <= found["fed"]]
    sent, alerts = (rates(fed, n, width) for n in ("sent", "alerts"))
    return section(
        "Throughput", "Events that the broker took, and alerts that a reader of committed records saw.",
        key(("one", "events per second"), ("two", "alerts per second")),
        frame.lines("throughput", chart.Linear(max(v for _, v in sent + alerts)), lambda v: f"{v:g}/s",
                    [("one", sent), ("two", alerts)]))


def lag(frame, found):
    return section(
        "Lag", "Events that the broker has and whose evaluation isn't committed yet, second by second.",
        frame.lines("lag", chart.Linear(max(v for _, v in found["waiting"])), lambda v: f"{v:,.0f}",
                    [("one", found["waiting"])]))


def of_processes(frame, found, field, title, words):
    names = list(found["lives"])
    largest = max((v for s in found["samples"] for v in s[field].values()), default=1)
    series = [(style, [(s["at"], s[field][n]) for s in found["samples"] if n in s[field]])
              for style, n in zip(LINES, names)]
    return section(title, words, key(*zip(LINES, names)),
                   frame.lines(title, chart.Linear(largest), lambda v: f"{v:g} MiB", series, gap=5))


def slopes(found):
    if not found["slopes"]:
        return '<p class="soft">Too short for a slope of the memory: that takes half an hour.</p>'
    rows = [(s["name"], f"{s['begin'] / 60:.0f} to {s['end'] / 60:.0f} min", f"{s['mean']:.1f} MiB",
             f"{s['slope']:+.2f}", f"{s['error']:.2f}", "within noise" if flat(s) else "beyond noise")
            for s in found["slopes"]]
    return table(("process", "life", "#mean", "#slope, MiB/h", "#its standard error", ""), rows) + \
        '<p class="soft">Least squares over means of a minute, without the first 15 minutes of the life; the error ' \
        "is widened for neighbours that are alike. Within noise: no larger than twice its error.</p>"


def take_overs(found):
    rows = []
    for kind, words in KINDS:
        of_kind = [f for f in found["faults"] if f["kind"] == kind]
        taken = [f["taken"] for f in of_kind if "taken" in f]
        elsewhere = sum(f["by"] != [f["target"]] for f in of_kind if "taken" in f)
        rows.append((words, len(of_kind), elsewhere if taken else "", f"{figures.at_share(taken, 0.5):.1f} s" if taken
                     else "", f"{max(taken):.1f} s" if taken else ""))
    listed = [(f"{f['begin'] / 60:.2f}", chart.told(f), " ".join(f.get("by", []))) for f in found["faults"]]
    return section(
        "Take-overs", "Until the last task of the process is live again, there or elsewhere. Process "
        f"{found['spared']} is never killed, so that it has one long life.",
        table(("fault", "#times", "#tasks went elsewhere", "#live again, median", "#at most"), rows),
        f'<p class="soft">{found["restored"]} times a task came from a snapshot.</p>',
        "<details><summary>Every fault</summary>", table(("#minute", "what", "tasks now in"), listed), "</details>")


def page(found):
    frame = chart.Frame(found["seconds"], found["faults"])
    body = [headline(found), cards(found),
            section("Faults", "", key(*KINDS, bar=True), frame.lanes(["broker", *found["lives"]])),
            latency(frame, found), lag(frame, found), throughput(frame, found),
            of_processes(frame, found, "rss", "Memory", "What is resident, of each process."), slopes(found),
            of_processes(frame, found, "state", "State on the disk",
                         "Of each process's directory; tasks move, and so does their state."), take_overs(found)]
    made = f"{found['begun']}; {found['machine']}; {found['rate']:g} events/s of {found['customers']:,} customers, " \
           f"seed {found['seed']}; the broker took {100 * found['cores']['broker']:.0f} % of a core"
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">' \
           f"<title>ebb: soak</title><style>{STYLE}</style><main>{''.join(body)}" \
           f'<p class="soft" style="margin-top:48px">{html.escape(made)}</p></main></html>\n'


def write(found, path):
    """The page, and its figures beside it."""
    text = json.dumps(found)
    with open(os.path.splitext(path)[0] + ".json", "w", encoding="utf-8") as file:
        file.write(text + "\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(json.loads(text)))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as figures_file:
        made_page = page(json.load(figures_file))
    with open(sys.argv[2], "w", encoding="utf-8") as page_file:
        page_file.write(made_page)
