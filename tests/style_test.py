#!/usr/bin/env python3
"""The house's rules that a program can check, one function each: who may include whom, lengths, names, banned calls.

Prints every violation as `file:line: rule: text` and exits with 1 if there is one. `--self-test` shows each rule firing
on a bad snippet and staying quiet on a good one. Reads tracked files and new ones that git doesn't ignore.
"""

import ast
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 120
MAX_OPENING_LINES = 8
MAX_FILE_BYTES = 512 * 1024

# Folder -> the folders whose headers it may include. The longest matching prefix counts.
MAY_INCLUDE = {
    "engine/base/": ["engine/base/"],
    "engine/observe/": ["engine/base/", "engine/observe/"],
    "engine/stream/": ["engine/base/", "engine/observe/", "engine/stream/"],
    "engine/state/": ["engine/base/", "engine/observe/", "engine/stream/", "engine/state/"],
    "engine/task/": ["engine/"],
    "operators/": ["engine/", "operators/"],
    "connectors/": ["engine/", "connectors/"],
    "config/": ["engine/", "operators/", "connectors/", "config/"],
    "serve/": ["engine/", "operators/", "connectors/", "config/", "serve/"],
    "cli/": ["engine/", "operators/", "connectors/", "config/", "serve/", "cli/"],
}
OUR_FOLDERS = ("engine/", "operators/", "connectors/", "config/", "cli/", "tests/", "bench/", "learn/", "serve/")

# Header of a library -> the files that may include it. tests/ and bench/ may include any.
LIBRARY_HOMES = [
    (r"rocksdb/", r"engine/state/rocksdb_\w+\.cc"),
    (r"simdjson", r"connectors/format/"),
    (r"yaml\.h|yaml-cpp/", r"config/"),
    (r"CLI/", r"cli/"),
    (r"zlib\.h|zstd\w*\.h", r"connectors/file/"),
    (r"librdkafka/", r"connectors/kafka/\w+\.cc"),
    (r"boost/", r"serve/http_server\.cc"),
    (r"prometheus/", r"serve/metrics\.cc"),
]

THREAD_SENTENCES = ("Immutable after construction.", "Confined to its task's thread.", "Thread-safe.")
# Written in pieces so that this file passes its own rules.
BANNED_WORDS = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK", "DISA" + "BLED_", "GTEST_" + "SKIP",
                "pytest" + ".skip", "x" + "fail"]
BANNED_NAME_PARTS = ("util", "utils", "helper", "helpers", "common", "manager")
MACHINE_PATH = r"(?<![\w.$}])/(?:" + "|".join(["home", "ro" + "ot", "wo" + "rk", "fa" + "rm", "Us" + "ers"]) + r")/\w"

LIBM = (r"(?<![\w.>:])(?:std::|::)?(?:exp2?|expm1|log|log2|log10|log1p|pow|sinh?|cosh?|tanh?|asin|acos|atan2?|cbrt|"
        r"hypot|erfc?|tgamma|lgamma|fma)\s*\(")
CLOCKS = [
    (r"(?<![\w.>:])(?:std::)?s?rand\s*\(", "random numbers of the machine"),
    (r"\brandom_device\b|\bmt19937(?:_64)?\b", "random numbers other than engine/base/random.h"),
    (r"(?<![\w.>:])(?:std::)?time\s*\(\s*(?:nullptr|NULL|0|&)", "the wall clock"),
    (r"\bsystem_clock\b|\bgettimeofday\b|\bCLOCK_REALTIME\b", "the wall clock"),
]


class File:
    """One file: its path in the checkout, its lines, and for C++ the text with comments and literals blanked."""

    def __init__(self, path, data):
        self.path = path
        self.data = data
        self.binary = b"\0" in data[:8192]
        self.text = "" if self.binary else data.decode("utf-8", errors="replace")
        self.lines = self.text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.is_cpp = path.endswith((".h", ".cc"))
        self.is_python = path.endswith(".py") or self.text.startswith("#!/usr/bin/env python3")
        self.is_script = self.is_python or self.text.startswith("#!")
        self.is_cmake = path.endswith(("CMakeLists.txt", ".cmake"))
        self.is_test = path.startswith(("tests/", "bench/")) or path.endswith("_test.cc")
        self.code = blank_literals(self.text) if self.is_cpp else ""

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


CPP_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def blank_literals(text):
    """The text with the insides of comments and literals as spaces, so that offsets and lines stay."""
    return CPP_LITERAL.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


# ---- Rules: each yields (line, text) for every violation in one file -------------------------------------------------


def rule_include(file):
    if not file.is_cpp:
        return
    home = max((folder for folder in MAY_INCLUDE if file.path.startswith(folder)), key=len, default=None)
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if not match:
            continue
        header = match.group(1)
        if header.startswith(OUR_FOLDERS):
            tests_support = file.is_test and header.startswith("tests/")
            if home and not header.startswith(tuple(MAY_INCLUDE[home])) and not tests_support:
                yield number, f"{home} may not include {header}"
        elif line.lstrip().endswith('"') and "/" not in header:
            yield number, f"include {header} by its path from the top folder"
        for pattern, owner in LIBRARY_HOMES:
            free = file.path.startswith(("tests/", "bench/"))
            if re.match(pattern, header) and not re.match(owner, file.path) and not free:
                yield number, f"{header} belongs to {owner} only"


def rule_file_length(file):
    if (file.is_cpp or file.is_script or file.is_cmake) and len(file.lines) > MAX_FILE_LINES:
        yield 1, f"{len(file.lines)} lines, at most {MAX_FILE_LINES}"


def rule_line_length(file):
    if file.is_cpp or file.is_script or file.is_cmake:
        for number, line in enumerate(file.lines, 1):
            if len(line) > MAX_COLUMNS:
                yield number, f"{len(line)} columns, at most {MAX_COLUMNS}"


QUALIFIERS = r"(?:const|noexcept(?:\s*\([^()]*\))?|override|final|mutable|try|&&?|->\s*[\w:<>,&*\s]+|\s)*"
BODY_AFTER = re.compile(r"\)" + QUALIFIERS + r"$")
MEMBER_LIST = re.compile(r"\)" + QUALIFIERS + r":(?!:)[^;]*$")
NO_FUNCTION = re.compile(r"^\s*(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b|=\s*$")
TEMPLATE = re.compile(r"^\s*template\s*<[^{}]*?>\s*(?=\w)")


def kind_of_brace(head):
    """What a brace opens, by the text since the last statement: a function, a member initializer, or another thing."""
    head = TEMPLATE.sub("", head)
    if NO_FUNCTION.search(head):
        return "other"
    if MEMBER_LIST.search(head) and not BODY_AFTER.search(head):
        return "function" if head.rstrip().endswith("}") else "member"
    return "function" if BODY_AFTER.search(head) else "other"


def cpp_functions(code):
    """Yields the (first, last) offsets of every outermost function: from its head to its closing brace."""
    stack = []  # (kind, where the head starts) of each open brace
    head = 0
    depth_of_function = None
    tokens = r"[{};]|^[ \t]*#[^\n]*(?:\\\n[^\n]*)*|^\s*(?:public|private|protected):"
    for match in re.finditer(tokens, code, re.MULTILINE):
        token, at = match.group(0), match.start()
        if token == "{":
            kind = "other" if depth_of_function is not None else kind_of_brace(code[head:at])
            stack.append((kind, head))
            if kind == "function":
                depth_of_function = len(stack)
        elif token == "}" and stack:
            kind, start = stack.pop()
            if kind == "function":
                depth_of_function = None
                yield start + len(code[start:at]) - len(code[start:at].lstrip()), at
            if kind == "member":
                head = start
                continue
        head = match.end()


def rule_function_length(file):
    if file.is_cpp:
        for first, last in cpp_functions(file.code):
            lines = file.line_of(last) - file.line_of(first) + 1
            if lines > MAX_FUNCTION_LINES:
                yield file.line_of(first), f"a function of {lines} lines, at most {MAX_FUNCTION_LINES}"
    elif file.is_python:
        for node in ast.walk(ast.parse(file.text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield node.lineno, f"a function of {lines} lines, at most {MAX_FUNCTION_LINES}"


def rule_pragma_once(file):
    if file.path.endswith(".h"):
        first = next((line for line in file.lines if line.strip() and not line.startswith("//")), "")
        if first != "#pragma once":
            yield 1, "#pragma once comes first, after the opening comment"


def rule_opening(file):
    if not (file.is_cpp or file.is_script) or not file.lines:
        return
    lines = file.lines[1:] if file.lines[0].startswith("#!") else file.lines
    if file.is_python and ast.get_docstring(ast.parse(file.text)):
        return
    mark = "//" if file.is_cpp else "#"
    opening = 0
    while opening < len(lines) and lines[opening].startswith(mark) and lines[opening].strip() != mark:
        opening += 1
    if opening == 0:
        yield 1, "the file doesn't open with a comment that says what it is"
    elif opening > MAX_OPENING_LINES:
        yield 1, f"the opening comment has {opening} lines before a break, at most {MAX_OPENING_LINES}"


def rule_thread_sentence(file):
    if not file.path.endswith(".h") or file.is_test:
        return
    for match in re.finditer(r"^class\s+(?:\[\[\w+\]\]\s*)?(\w+)[^;{}()]*\{", file.code, re.MULTILINE):
        number = file.line_of(match.start())
        at = number - 2
        while at >= 0 and file.lines[at].startswith("template"):
            at -= 1
        above = file.lines[at] if at >= 0 else ""
        if not (above.startswith("//") and above.endswith(THREAD_SENTENCES)):
            sentences = " / ".join(THREAD_SENTENCES)
            yield number, f"the comment of class {match.group(1)} doesn't end with one of: {sentences}"


def rule_banned_word(file):
    for number, line in enumerate(file.lines, 1):
        for word in BANNED_WORDS:
            if re.search(rf"\b{re.escape(word)}(?:\b|(?<=_))", line):
                yield number, f"'{word}': finish it, or leave it out"


def rule_name(file):
    for part in re.split(r"[/_.\-]", file.path.lower()):
        if part in BANNED_NAME_PARTS:
            yield 1, f"'{part}' in a path says nothing; name what it does"
    if file.is_cpp:
        for match in re.finditer(r"\b(?:class|struct)\s+(\w+)", file.code):
            words = re.findall(r"[A-Z][a-z0-9]*", match.group(1))
            for word in words:
                if word.lower() in BANNED_NAME_PARTS:
                    yield file.line_of(match.start()), f"'{word}' in {match.group(1)} says nothing; name what it does"


def find_code(file, pattern, message):
    for match in re.finditer(pattern, file.code):
        yield file.line_of(match.start()), message


def rule_shared_ptr(file):
    if file.path.startswith("engine/"):
        yield from find_code(file, r"\bshared_ptr\b", "ownership in engine/ is by value or unique_ptr")


def rule_unordered(file):
    pattern = r"\bunordered_(?:multi)?(?:map|set)\b"
    yield from find_code(file, pattern, "use absl::flat_hash_map, or std::map where order shows")


def rule_float(file):
    yield from find_code(file, r"\bfloat\b", "numbers are integers or double")


def rule_clock(file):
    if file.path.startswith(("engine/", "operators/")):
        for pattern, what in CLOCKS:
            yield from find_code(file, pattern, f"{what}: state and alerts depend on the logs only")


def rule_libm(file):
    if file.path.startswith(("engine/", "operators/")) and not file.is_test and file.path != "engine/base/math.cc":
        yield from find_code(file, LIBM, "libm differs between machines; use engine/base/math.h")


def rule_machine_path(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(MACHINE_PATH, line):
            yield number, "a path of one machine"


def rule_tracked_file(file):
    if len(file.data) > MAX_FILE_BYTES:
        yield 1, f"{len(file.data)} bytes, at most {MAX_FILE_BYTES}: make large data with the generator"
    if file.binary:
        yield 1, "a binary file: make it in the test that needs it"


RULES = {name[len("rule_"):]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def check(file):
    return [(number, name, text) for name, rule in RULES.items() for number, text in rule(file)]


def tracked_files():
    listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             check=True, capture_output=True).stdout
    return sorted({path for path in listing.decode().split("\0") if path and os.path.isfile(os.path.join(ROOT, path))})


# ---- Self-test: (rule that must fire and nothing else, or None; path; text) -----------------------------------------

OPEN = "// What it is.\n"
HEAD = "// What it is.\n#pragma once\n"
SNIPPETS = [
    (None, "engine/base/a.h", HEAD + "#include <vector>\nint F();\n"),
    ("include", "engine/base/a.cc", OPEN + '#include "engine/stream/time.h"\n'),
    ("include", "engine/state/a.cc", OPEN + '#include "engine/task/task.h"\n'),
    ("include", "engine/task/a.cc", OPEN + '#include "operators/plan.h"\n'),
    ("include", "operators/alert/a.cc", OPEN + '#include "connectors/file/file_log.h"\n'),
    ("include", "connectors/file/a.cc", OPEN + '#include "operators/plan.h"\n'),
    ("include", "config/a.cc", OPEN + '#include "cli/main.h"\n'),
    ("include", "engine/base/a.cc", OPEN + '#include "check.h"\n'),
    ("include", "engine/state/store.cc", OPEN + "#include <rocksdb/db.h>\n"),
    ("include", "config/a.cc", OPEN + "#include <simdjson.h>\n"),
    ("include", "cli/a.cc", OPEN + "#include <yaml.h>\n"),
    ("include", "config/a.cc", OPEN + "#include <CLI/CLI.hpp>\n"),
    ("include", "connectors/format/a.cc", OPEN + "#include <zstd.h>\n"),
    (None, "engine/state/rocksdb_store.cc", OPEN + "#include <rocksdb/db.h>\n"),
    (None, "config/a.cc", OPEN + '#include <yaml.h>\n#include "operators/plan.h"\n#include "connectors/file/a.h"\n'),
    (None, "operators/a_test.cc", OPEN + '#include "tests/support/made_record.h"\n'),
    ("file_length", "cli/a.cc", OPEN + "int a;\n" * 600),
    (None, "cli/a.cc", OPEN + "int a;\n" * 599),
    ("line_length", "cli/a.cc", OPEN + "int a" + "b" * 120 + ";\n"),
    ("function_length", "cli/a.cc", OPEN + "int F() {\n" + "  G();\n" * 69 + "}\n"),
    (None, "cli/a.cc", OPEN + "int F() {\n" + "  G();\n" * 68 + "}\n"),
    ("function_length", "cli/a.cc", OPEN + "A::A(int a)\n    : a_{a}, b_(1) {\n" + "  G();\n" * 69 + "}\n"),
    ("function_length", "cli/a.cc",
     OPEN + "class A {\n  int F() const override {\n" + "    if (b) { c(); }\n" * 69 + "  }\n};\n"),
    ("function_length", "cli/a.cc",
     OPEN + "template <class T>\nauto F(T t) -> std::vector<T> {\n" + "  g();\n" * 69 + "}\n"),
    ("function_length", "cli/a_test.cc", OPEN + "TEST(A, B) {\n" + '  G("{", \'{\');\n' * 69 + "}\n"),
    (None, "cli/a.cc", OPEN + "namespace a {\nstruct B {\n" + "  int F() { return 1; }\n" * 100 + "};\n}\n"),
    (None, "cli/a.cc", OPEN + "constexpr int kA[] = {\n" + "  F(1),\n" * 100 + "};\nint G() { return 1; }\n"),
    ("function_length", "tests/a.py", '"""What it is."""\n\n\ndef f():\n' + "    g()\n" * 70),
    ("pragma_once", "cli/a.h", OPEN + "#include <vector>\n#pragma once\n"),
    ("opening", "cli/a.cc", "int a;\n"),
    ("opening", "cli/a.cc", OPEN * 9 + "int a;\n"),
    (None, "cli/a.cc", OPEN * 8 + "//\n" + OPEN * 9 + "int a;\n"),
    ("opening", "tests/a.py", "import os\n"),
    ("opening", "demo", "#!/usr/bin/env bash\nset -e\n"),
    ("thread_sentence", "cli/a.h", HEAD + "// Holds things.\nclass A {\n};\n"),
    ("thread_sentence", "cli/a.h", HEAD + "class A final : public B {\n};\n"),
    (None, "cli/a.h",
     HEAD + "class B;\nenum class C { kA };\n// Holds things. Thread-safe.\ntemplate <class T>\nclass A {\n};\n"),
    (None, "tests/a.py", "# What it is.\nimport os\n"),
    *[("banned_word", "docs/a.md", f"A {word} here\n") for word in BANNED_WORDS],
    (None, "tests/a_test.cc", OPEN + 'auto a = "ebb-' + "X" * 6 + '";\n'),
    *[("name", f"engine/base/string_{part}.cc", OPEN) for part in BANNED_NAME_PARTS],
    ("name", "cli/a.cc", OPEN + "class TaskManager;\n"),
    (None, "cli/a.cc", OPEN + "class Utility;\n"),
    ("shared_ptr", "engine/base/a.cc", OPEN + "std::shared_ptr<int> a;\n"),
    (None, "engine/base/a.cc", OPEN + "// no shared_ptr here, no float, no rand()\n"),
    ("unordered", "cli/a.cc", OPEN + "std::unordered_map<int, int> a;\n"),
    ("unordered", "cli/a.cc", OPEN + "std::unordered_multiset<int> a;\n"),
    ("float", "cli/a.cc", OPEN + "float a;\n"),
    (None, "cli/a.cc", OPEN + 'const char* a = "float";  // a float\n'),
    ("clock", "engine/task/a.cc", OPEN + "int a = rand();\n"),
    ("clock", "engine/task/a.cc", OPEN + "std::mt19937 a;\n"),
    ("clock", "operators/a.cc", OPEN + "auto a = std::time(nullptr);\n"),
    ("clock", "operators/a.cc", OPEN + "auto a = std::chrono::system_clock::now();\n"),
    (None, "cli/a.cc", OPEN + "auto a = std::chrono::system_clock::now();\n"),
    ("libm", "operators/a.cc", OPEN + "double a = std::exp(b);\n"),
    ("libm", "engine/stream/a.cc", OPEN + "double a = pow(b, 2);\n"),
    (None, "operators/a.cc", OPEN + "double a = std::sqrt(b) + std::fabs(b) + PortableExp(b) + c.log(d);\n"),
    (None, "operators/a_test.cc", OPEN + "double a = std::exp(b);\n"),
    (None, "engine/base/math.cc", OPEN + "double a = std::exp(b);\n"),
    ("machine_path", "docs/a.md", "see /ho" + "me/me/ebb\n"),
    ("machine_path", "cli/a.cc", OPEN + 'auto a = "/wo' + 'rk/a";\n'),
    (None, "docs/a.md", "see https://example.org/wo" + "rk/a and net/wo" + "rk/a\n"),
    ("tracked_file", "docs/a.png", "\0"),
    ("tracked_file", "docs/a.csv", "1,2\n" * 200000),
]


def self_test():
    wrong = 0
    for expected, path, text in SNIPPETS:
        fired = {name for _, name, _ in check(File(path, text.encode()))}
        if fired != ({expected} if expected else set()):
            wrong += 1
            print(f"self-test: {path}: expected {expected}, fired {sorted(fired)}:\n{text[:300]}")
    untested = set(RULES) - {expected for expected, _, _ in SNIPPETS}
    for name in sorted(untested):
        wrong += 1
        print(f"self-test: no snippet shows rule {name}")
    print(f"self-test: {len(SNIPPETS)} snippets, {len(RULES)} rules, {wrong} wrong")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if arguments:
        print("usage: tests/style_test.py [--self-test]", file=sys.stderr)
        return 2
    violations = 0
    paths = tracked_files()
    for path in paths:
        with open(os.path.join(ROOT, path), "rb") as stream:
            file = File(path, stream.read())
        for number, name, text in check(file):
            violations += 1
            print(f"{path}:{number}: {name}: {text}")
    print(f"style: {len(paths)} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
