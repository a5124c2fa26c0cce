#!/usr/bin/env python3
"""Every header compiles alone: each includes what it uses, so that any file may include it first.

Takes compiler and flags from the compile database of a build (`--build DIR`, build/release unless said), two headers at
a time. Prints the compiler's words for each header that fails and exits with 1 if there is one.
"""

import argparse
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TAKEN_FLAGS = ("-I", "-D", "-std=", "-f", "-W", "-m")
WITH_VALUE = ("-isystem", "-I", "-D")


def headers():
    listing = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.h"],
                             check=True, capture_output=True).stdout.decode()
    return sorted({path for path in listing.split("\0") if path and os.path.isfile(os.path.join(ROOT, path))})


def flags_of(command):
    """The compiler of one entry and those of its flags that matter for a syntax check."""
    words = shlex.split(command)
    while os.path.basename(words[0]) in ("ccache", "nice"):
        words.pop(0)
    flags, at = [], 1
    while at < len(words):
        if words[at] in WITH_VALUE:
            flags += words[at:at + 2]
            at += 1
        elif words[at].startswith(TAKEN_FLAGS):
            flags.append(words[at])
        at += 1
    return [words[0], *flags]


def commands(build):
    """Folder -> compiler and flags of one of its files."""
    path = os.path.join(build, "compile_commands.json")
    with open(path, encoding="utf-8") as stream:
        entries = json.load(stream)
    found = {}
    for entry in sorted(entries, key=lambda entry: entry["file"], reverse=True):
        found[os.path.relpath(os.path.dirname(entry["file"]), ROOT)] = flags_of(entry["command"])
    if not found:
        raise ValueError(f"{path} names no file")
    return found


def command_for(header, by_folder):
    """Flags of the header's own folder, else of the nearest one above, else of any."""
    folder = os.path.dirname(header)
    while folder and folder not in by_folder:
        folder = os.path.dirname(folder)
    return by_folder.get(folder) or next(iter(by_folder.values()))


def compile_alone(header, command):
    result = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n', text=True,
                            capture_output=True, cwd=ROOT, check=False)
    return header, "" if result.returncode == 0 else result.stderr or f"exit code {result.returncode}"


def main():
    parser = argparse.ArgumentParser(description="compiles each header alone")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="a configured build directory")
    parser.add_argument("headers", nargs="*", help="these only, as paths from the top folder")
    arguments = parser.parse_args()
    try:
        by_folder = commands(arguments.build)
    except (OSError, ValueError) as error:
        print(f"headers: no compile database: {error}", file=sys.stderr)
        return 2
    wanted = arguments.headers or headers()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(compile_alone, header, command_for(header, by_folder)) for header in wanted]
        for job in jobs:
            header, error = job.result()
            if error:
                failed += 1
                print(f"{header} doesn't compile alone:\n{error}")
    print(f"headers: {len(wanted) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
