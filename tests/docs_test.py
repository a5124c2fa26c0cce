#!/usr/bin/env python3
"""The documentation against the program: links, pipelines, commands with their output, options, codes, alerts.

    EBB_BINARY=build/release/bin/ebb tests/docs_test.py [NAME...]

Blocks in the pages are marked behind their language: `file=NAME` is written to the page's working directory, `run` is a
console session (lines with `$ ` are commands, `...` stands for any lines) whose output is compared; 16 hex digits are
equal to any others. A `yaml` block with `pipeline:` at its start must pass `ebb check` and its own tests.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))

import json_schema  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EBB = os.path.abspath(os.environ.get("EBB_BINARY", os.path.join(ROOT, "build/release/bin/ebb")))
TOP_PAGES = ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def pages():
    found = list(TOP_PAGES)
    for folder, _, files in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files if name.endswith(".md")]
    return sorted(found)


class Block:
    """A fenced block: `words` behind the fence, the text without its indentation, the line it begins in."""

    def __init__(self, page, line, info, text):
        self.page, self.line, self.text = page, line, textwrap.dedent(text)
        self.words = info.split()
        self.language = self.words[0] if self.words else ""
        self.place = f"{page}:{line}"

    def file_name(self):
        return next((word[5:] for word in self.words if word.startswith("file=")), None)


def blocks(page):
    found, inside = [], None
    for number, line in enumerate(read(page).split("\n"), 1):
        fence = re.match(r"\s*```(.*)$", line)
        if fence and inside is None:
            inside = (number, fence.group(1).strip(), [])
        elif fence:
            found.append(Block(page, inside[0], inside[1], "\n".join(inside[2]) + "\n"))
            inside = None
        elif inside is not None:
            inside[2].append(line)
    if inside is not None:
        raise ValueError(f"{page}:{inside[0]}: the block isn't closed")
    return found


def without_blocks(page):
    return re.sub(r"^\s*```.*?^\s*```\s*$", "", read(page), flags=re.DOTALL | re.MULTILINE)


def ebb(arguments, cwd=None):
    return subprocess.run([EBB] + arguments, cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "NO_COLOR": "1"})


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def both(name, wanted, found):
    """What is in one of two sets only, as problems."""
    wanted, found = set(wanted), set(found)
    return ([f"{name}: {item} isn't documented" for item in sorted(wanted - found)] +
            [f"{name}: {item} is documented, but doesn't exist" for item in sorted(found - wanted)])


def section(page, heading):
    """The text below a heading, up to the next one of the same or a higher level."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", read(page), re.DOTALL | re.MULTILINE)
    return match.group(2) if match else ""


def first_cells(text):
    """The names in backticks in the first cells of the tables of a text."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


# ---- Checks: each returns (cases, problems) --------------------------------------------------------------------------


def slug(heading):
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def check_links():
    problems, count = [], 0
    anchors = {}
    for page in pages():
        anchors[page] = {slug(heading) for heading in re.findall(r"^#+ (.*)$", without_blocks(page), re.MULTILINE)}
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page)):
            if re.match(r"[a-z]+:", target):
                problems.append(f"{page}: a link to the outside: {target}")
                continue
            count += 1
            path, _, anchor = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(os.path.join(ROOT, full)):
                problems.append(f"{page}: {target} doesn't exist")
            elif anchor and anchor not in anchors.get(full, set()):
                problems.append(f"{page}: {full} has no heading #{anchor}")
    return count, problems


def check_index():
    targets = re.findall(r"\]\(([^)#\s]+)\)", read("docs/README.md"))
    listed = {os.path.normpath(os.path.join("docs", target)) for target in targets}
    problems = [f"docs/README.md doesn't list {page}" for page in pages()
                if page.startswith("docs/") and page != "docs/README.md" and page not in listed]
    records = sorted(os.path.basename(page) for page in pages() if page.startswith("docs/decisions/"))
    for number, name in enumerate(records, 1):
        text = read("docs/decisions/" + name)
        if not name.startswith(f"{number:04}-") or not text.startswith(f"# {number:04}: "):
            problems.append(f"docs/decisions/{name}: expected number {number:04}")
        problems += [f"docs/decisions/{name}: no part '{part}'" for part in ("Context", "Decision", "Consequences")
                     if f"\n## {part}\n" not in text]
    return len(pages()), problems


def check_translation():
    ours, theirs = ([(b.words, b.text) for b in blocks(page) if b.language in ("yaml", "csv", "console")]
                    for page in ("README.md", "README.zh-CN.md"))
    problems = [] if ours == theirs else ["README.zh-CN.md: its examples differ from those of README.md"]
    links = [set(re.findall(r"\]\(([^)#\s]+)", without_blocks(page))) - {"README.md", "README.zh-CN.md"}
             for page in ("README.md", "README.zh-CN.md")]
    return 2, problems + both("links of README.zh-CN.md", links[0], links[1])


def check_pipelines():
    count, problems = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for block in (b for page in pages() for b in blocks(page) if b.language == "json" and b.file_name()):
            write(os.path.join(folder, block.file_name()), block.text)
        files = [(b.place, b.text) for page in pages() for b in blocks(page)
                 if b.language == "yaml" and re.match(r"(#.*\n)*pipeline:", b.text) and "broken" not in b.words]
        shipped = os.path.join("config", "pipelines")
        files += [(os.path.join(shipped, name), read(os.path.join(shipped, name)))
                  for name in sorted(os.listdir(os.path.join(ROOT, shipped)))]
        for place, text in files:
            path = os.path.join(folder, "pipeline.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            for command in ["check"] + (["test"] if "\ntests:" in text else []):
                count += 1
                result = ebb([command, path])
                if result.returncode != 0:
                    problems.append(f"{place}: ebb {command}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return count, problems


def sessions(text):
    """(command, expected output) pairs of a console block."""
    found = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


def matches(expected, actual):
    def normal(text):
        stripped = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
        return re.sub(r"\b[0-9a-f]{16}\b", "<16 hex>", stripped)
    pattern = re.escape(normal(expected)).replace(re.escape("...") + "\\\n", "(?:.*\\\n)*?")
    pattern = re.sub(r"(^|\n)\\\.\\\.\\\.$", r"\1(?:.*\\n?)*", pattern)
    return re.fullmatch(pattern, normal(actual)) is not None


def run_page(page, folder):
    count, problems = 0, []
    environment = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
                   "PATH": os.path.join(folder, ".bin") + os.pathsep + os.environ["PATH"]}
    os.mkdir(os.path.join(folder, ".bin"))
    os.symlink(EBB, os.path.join(folder, ".bin", "ebb"))
    os.symlink(os.path.join(ROOT, "config"), os.path.join(folder, "config"))
    for block in blocks(page):
        if block.file_name() and block.language != "cpp":
            with open(os.path.join(folder, block.file_name()), "w", encoding="utf-8") as file:
                file.write(block.text)
        if "run" not in block.words:
            continue
        for command, expected in sessions(block.text):
            count += 1
            result = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, text=True, timeout=120,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if not matches(expected, result.stdout):
                problems.append(f"{block.place}: $ {command}\n--- the page says\n{expected}\n"
                                f"--- it is\n{result.stdout}")
    return count, problems


def check_sessions():
    count, problems = 0, []
    for page in pages():
        with tempfile.TemporaryDirectory() as folder:
            page_count, page_problems = run_page(page, folder)
            count += page_count
            problems += page_problems
    return count, problems if count >= 5 else problems + [f"only {count} commands were run"]


def check_error_codes():
    codes = dict(re.findall(r'\{"(E\d{4})", "((?:[^"\\]|\\.)*)"', read("config/error_codes.cc")))
    table = dict(re.findall(r"^\| (E\d{4}) \| (.*) \|$", section("docs/pipeline.md", "Error codes"), re.MULTILINE))
    problems = both("error codes of docs/pipeline.md", codes.items(), table.items())
    for code, title in codes.items():
        result = ebb(["explain", code])
        if result.returncode != 0 or not result.stdout.startswith(f"{code}: {title}\n"):
            problems.append(f"ebb explain {code}: exit {result.returncode}, {result.stdout[:80]!r}")
    return len(codes), problems


def check_language():
    """Aggregates, functions, keys of the pipeline file, and quarantine reasons."""
    folder = os.path.join(ROOT, "operators", "aggregate")
    table = re.findall(r"&k(\w+)Aggregate", read("operators/aggregate/aggregate.cc"))
    names = [name for file in os.listdir(folder) if file.endswith(".cc") and not file.endswith("_test.cc")
             for name in re.findall(r'\.name = "(\w+)"', read(f"operators/aggregate/{file}"))]
    problems = both("aggregates of docs/pipeline.md", names, first_cells(section("docs/pipeline.md", "Aggregates")))
    if len(table) != len(names):
        problems.append(f"{len(table)} aggregates in the table of aggregate.cc, {len(names)} names")
    functions = re.search(r"kFunctions\[\] = \{(.*?)\n\};", read("config/expression_functions.cc"), re.DOTALL).group(1)
    functions = re.findall(r'\{"(\w+)"', functions)
    documented = [re.match(r"\w+", cell).group(0) for cell in first_cells(section("docs/pipeline.md", "Expressions"))
                  if re.match(r"\w+\(", cell)]
    problems += both("functions of docs/pipeline.md", functions, documented)
    keys = set()
    for file in sorted(os.listdir(os.path.join(ROOT, "config"))):
        if not file.endswith(".cc") or file.endswith("_test.cc") or re.match("language|expression|model_file", file):
            continue
        text = read(f"config/{file}")
        keys |= set(re.findall(r'(?:(?:Take|Require)\(|TakeOption\(reader, )"(\w+)"', text))
        for words in re.findall(r"string_view k\w+\[\] = \{([^}]*)\}", text):
            keys |= set(re.findall(r'"(\w+)"', words))
    table = read("config/language.cc")
    listed = set(re.findall(r'\{"(\w+)", "', table)) | set(re.findall(r"=(\w+)", table))
    problems += [f"config/language.cc doesn't list '{key}', which the checker reads" for key in sorted(keys - listed)]
    joined = re.sub(r'"\n\s*"', "", read("engine/stream/reason.cc"))  # a long text stands in several pieces
    reasons = re.findall(r'\{"(\w+)",\s*"(.*)"\},', joined)
    reasons = [pair for pair in reasons if pair[0] != "none"]
    table = re.findall(r"^\| `(\w+)` \| (.*) \|$", section("docs/operating.md", "Quarantine reasons"), re.MULTILINE)
    problems += both("quarantine reasons of docs/operating.md", reasons, table)
    return len(names) + len(functions) + len(keys) + len(reasons), problems


def commands():
    listed = re.search(r"Subcommands:\n(.*)", ebb(["--help"]).stdout, re.DOTALL).group(1)
    return re.findall(r"^  ([a-z]+)\b", listed, re.MULTILINE)


def help_of(command):
    text = ebb([command, "--help"]).stdout
    nested = re.search(r"^Subcommands:\n(.*)", text, re.DOTALL | re.MULTILINE)
    for name in re.findall(r"^  ([a-z]+)\b", nested.group(1), re.MULTILINE) if nested else []:
        text += ebb([command, name, "--help"]).stdout
    return text


def check_options():
    """Each command has a section in docs/operating.md with exactly its options; no page uses another one."""
    problems, known = [], {}
    for command in commands():
        text = help_of(command)
        known[command] = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", text)) - {"--help"}
        declared = {option for line in re.findall(r"^  (-[^\n]*)", text, re.MULTILINE)
                    for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", re.split(r"\s{2,}", line)[0])} - {"--help"}
        told = section("docs/operating.md", f"ebb {command}")
        if not told:
            problems.append(f"docs/operating.md has no section 'ebb {command}'")
        documented = {name for cell in first_cells(told) for name in re.findall(r"(?<![\w-])--[a-z][a-z-]*", cell)}
        problems += both(f"options of ebb {command} in docs/operating.md", declared, documented)
    count = sum(map(len, known.values()))
    for page in pages():
        for command, rest in re.findall(r"\bebb ([a-z]+)((?:[^\n`|;]|\\\n)*)", read(page)):
            for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest):
                count += 1
                if command in known and option not in known[command]:
                    problems.append(f"{page}: ebb {command} has no option {option}")
    return count, problems


def check_alerts():
    """Alerts of the telecom pipeline and of the page are valid; alerts with something wrong are not."""
    schema = json.loads(read("docs/alert.schema.json"))
    with tempfile.TemporaryDirectory() as folder:
        result = ebb(["replay", os.path.join(ROOT, "config/pipelines/telecom.yaml"), "--quiet"], cwd=folder)
        lines = []
        for name in ("alerts.jsonl", "holdout.jsonl"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                lines += [json.loads(line) for line in file]
    problems = [] if result.returncode == 0 else [f"telecom.yaml: exit {result.returncode}: {result.stderr}"]
    examples = [json.loads(b.text) for b in blocks("docs/alerts.md") if b.language == "json" and '"alert_id"' in b.text]
    for line in lines + examples:
        problems += [f"{line.get('alert_id')}: {error}" for error in json_schema.errors(schema, line)]
    for what, wanted, seen in (
            ("status", {"opened", "escalated", "resolved", "expired"}, {line["status"] for line in lines}),
            ("trigger", {"event", "silence", "schedule"}, {line["trigger"]["kind"] for line in lines}),
            ("arm", {"treat", "holdout"}, {line["experiment"]["arm"] for line in lines})):
        problems += [f"no alert with the {what} {value} was checked" for value in sorted(wanted - seen)]
    spoiled = [{**lines[0], "colour": "red"}, {**lines[0], "revision": -1}, {**lines[0], "status": "open"},
               {**lines[0], "as_of": "2026-01-01"}, {**lines[0], "trigger": {"kind": "event"}},
               {**lines[0], "score": {"name": "x", "probability": 2, "previous": None}}]
    spoiled += [{k: v for k, v in lines[0].items() if k != left_out} for left_out in schema["required"] + ["score"]]
    problems += [f"the schema accepts {line}" for line in spoiled if not json_schema.errors(schema, line)]
    told = first_cells(section("docs/alerts.md", "Alerts"))
    problems += [f"docs/alerts.md doesn't describe {name}" for name in schema["properties"] if name not in told]
    return len(lines) + len(examples) + len(spoiled), problems


# Errors that are about the form of one value or key, which a schema can know.
FORM_CODES = {"E0006", "E0101", "E0102", "E0103", "E0104", "E0112", "E0201", "E0202", "E0204", "E0205", "E0206"}


def check_schema():
    """An editor's validator takes every pipeline that ebb takes, and refuses those that are broken in their form."""
    with tempfile.TemporaryDirectory() as folder:
        shipped = os.path.join(ROOT, "config", "pipelines")
        good = [os.path.join(shipped, name) for name in os.listdir(shipped)]
        for page in pages():
            for block in blocks(page):
                whole = block.language == "yaml" and re.match(r"(#.*\n)*pipeline:", block.text)
                if whole and "broken" not in block.words:
                    good.append(os.path.join(folder, f"{page}:{block.line}".replace("/", "_")))
                    write(good[-1], block.text)
        errors = os.path.join(ROOT, "tests/golden/errors")
        bad = []
        for name in sorted(os.listdir(errors)):
            if not name.endswith(".txt"):
                continue
            codes = set(re.findall(r"error (E\d{4})", read(f"tests/golden/errors/{name}")))
            if codes & FORM_CODES and name != "variables.txt":  # what is wrong there comes from the environment
                bad.append(os.path.join(errors, name.replace(".txt", ".yaml")))
        command = ["node", os.path.join(ROOT, "tests/support/validate_schema.js"),
                   os.path.join(ROOT, "docs/pipeline.schema.json")]
        paths = [os.environ.get("NODE_PATH"), "/usr/share/nodejs", "/usr/lib/nodejs"]
        ran = subprocess.run(command + good + bad, capture_output=True, text=True, timeout=120,
                             env={**os.environ, "NODE_PATH": os.pathsep.join(path for path in paths if path)})
        if ran.returncode != 0:
            return 1, [f"validate_schema.js: exit {ran.returncode}: {ran.stderr}"]
        verdicts = json.loads(ran.stdout)
    problems = [f"the schema refuses {path}: {verdicts[path]}" for path in good if verdicts[path]]
    problems += [f"the schema accepts {path}" for path in bad if not verdicts[path]]
    if ebb(["schema"]).stdout != read("docs/pipeline.schema.json"):
        problems.append("ebb schema prints something else than docs/pipeline.schema.json")
    return len(verdicts) + 1, problems


def replace_once(text, old, new):
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times")
    return text.replace(old, new)


RANGE_PIPELINE = """pipeline: ranges
entity: {key: customer}
sources:
  orders: {file: orders.csv, format: csv, time: {field: time, unit: rfc3339}, fields: {amount: {type: decimal(2)}}}
windows: {day: 1d}
features:
  tiled: {from: orders, agg: range, of: amount, over: day}
  exact: {from: orders, agg: range, of: amount, over: day, exact: true}
scores:
  spread: {model: scorecard, link: none, points: [{of: tiled, weight: 1}]}
outputs:
  scores: {file: scores.jsonl, features: all}
"""
RANGE_ORDERS = """time,customer,amount
2026-01-01,a,5.50
2026-01-02,a,2.00
2026-01-02 12:00,a,9.25
2026-01-05,a,1.00
"""


def build_of(binary):
    return os.path.dirname(os.path.dirname(binary))


def link_with(build, objects, target):
    """Links the program anew, with objects that come before the archives."""
    commands_text = subprocess.run(["ninja", "-C", build, "-t", "commands", "ebb"], capture_output=True, text=True,
                                   check=True).stdout.strip()
    link = next(line for line in reversed(commands_text.split("\n")) if "-o bin/ebb" in line)
    link = link.replace("-o bin/ebb", " ".join(objects) + f" -o {target}", 1)
    subprocess.run(link, shell=True, cwd=build, check=True, capture_output=True)


def check_aggregate():
    """CONTRIBUTING's aggregate, added to a copy of the two files that it names, linked, and run."""
    example = next(b for b in blocks("CONTRIBUTING.md") if b.file_name())
    header = read("operators/aggregate/aggregate.h")
    last = re.findall(r"k\w+Aggregate(?=;)", header)[0]
    with tempfile.TemporaryDirectory() as folder:
        sources = {example.file_name(): example.text,
                   "operators/aggregate/aggregate.h": replace_once(header, f"{last};", f"{last}, kRangeAggregate;"),
                   "operators/aggregate/aggregate.cc": replace_once(
                       read("operators/aggregate/aggregate.cc"), f"&{last},", f"&{last}, &kRangeAggregate,")}
        for path, text in sources.items():
            write(os.path.join(folder, path), text)
        objects = []
        for path in (path for path in sources if path.endswith(".cc")):
            objects.append(os.path.join(folder, os.path.basename(path) + ".o"))
            command = ["c++", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-I", folder, "-I", ROOT]
            compiled = subprocess.run(command + ["-c", os.path.join(folder, path), "-o", objects[-1]],
                                      capture_output=True, text=True)
            if compiled.returncode != 0:
                return 1, [f"{example.place}: {compiled.stderr}"]
        program = os.path.join(folder, "ebb")
        link_with(build_of(EBB), objects, program)
        write(os.path.join(folder, "ranges.yaml"), RANGE_PIPELINE)
        write(os.path.join(folder, "orders.csv"), RANGE_ORDERS)
        ran = subprocess.run([program, "replay", "ranges.yaml", "--quiet"], cwd=folder, capture_output=True, text=True)
        if ran.returncode != 0:
            return 1, [f"{example.place}: exit {ran.returncode}: {ran.stderr}"]
        with open(os.path.join(folder, "scores.jsonl"), encoding="utf-8") as file:
            seen = [(f["tiled"], f["exact"]) for f in (json.loads(line)["features"] for line in file)]
    wanted = [(0, 0), (3.5, 0), (7.25, 7.25), (0, 0)]
    return 1, [] if seen == wanted else [f"{example.place}: the ranges are {seen}, expected {wanted}"]


CHECKS = [check_links, check_index, check_translation, check_pipelines, check_sessions, check_error_codes,
          check_language, check_options, check_alerts, check_schema, check_aggregate]


def main(names):
    if not os.path.exists(EBB):
        print(f"docs_test: {EBB} doesn't exist; build it, or say EBB_BINARY=PATH", file=sys.stderr)
        return 2
    for tool in ("ninja", "c++", "node"):
        if shutil.which(tool) is None:
            print(f"docs_test: {tool} isn't installed", file=sys.stderr)
            return 2
    passed = failed = 0
    for check in CHECKS:
        name = check.__name__.replace("check_", "")
        if names and name not in names:
            continue
        count, problems = check()
        print(f"{name}: {count} cases, {len(problems)} problems")
        for problem in problems:
            print("  " + problem.replace("\n", "\n    "))
        failed += len(problems)
        passed += max(0, count - len(problems))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
