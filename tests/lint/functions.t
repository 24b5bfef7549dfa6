#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Functions stay short (universal-ctags counts them), and none of the C library's traps is used."""

import re
import shutil
import statistics
import subprocess

import lint

MEDIAN, NINE_TENTHS, LONGEST = 12, 40, 60

BANNED = re.compile(
    r"\b(str(n?cpy|n?cat|tok(_r)?)|stpn?cpy|v?sprintf|ato(i|l|ll|f)|gets|[fs]?scanf"
    r"|v[fs]?scanf|alloca|tmpnam|mktemp|system)\s*\("
)


def lengths(paths):
    """(lines, name) of every function."""
    command = ["ctags", "--languages=C", "--kinds-C=f", "--fields=+ne", "--excmd=number", "-f", "-"]
    output = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in output.splitlines():
        fields = dict(re.findall(r"\t(line|end):(\d+)", line))
        if len(fields) == 2:
            found.append((int(fields["end"]) - int(fields["line"]) + 1, line.split("\t")[0]))
    return found


def check_longest(paths):
    if shutil.which("ctags") is None:
        return ["ctags is not installed (Debian: universal-ctags)"]
    found = lengths(paths)
    if not found:
        return ["ctags found no function"]
    return [f"{who}: {lines} lines, at most {LONGEST}" for lines, who in found if lines > LONGEST]


def check_spread(paths):
    complaints = check_longest(paths)
    if complaints:
        return complaints
    found = sorted(lines for lines, _ in lengths(paths))
    median, nine_tenths = statistics.median(found), found[len(found) * 9 // 10]
    print(f"# {len(found)} functions: median {median:g}, p90 {nine_tenths}, longest {found[-1]}")
    if median > MEDIAN:
        complaints.append(f"median: {median:g} lines, at most {MEDIAN}")
    if nine_tenths > NINE_TENTHS:
        complaints.append(f"p90: {nine_tenths} lines, at most {NINE_TENTHS}")
    return complaints


def check_banned(paths):
    return [
        f"{lint.name(path)}:{number}: {found[1]}"
        for path in paths
        for number, line in enumerate(lint.code(path).splitlines(), 1)
        for found in BANNED.finditer(line)
    ]


def function_of(lines):
    return "int f(void)\n{\n" + "    f();\n" * (lines - 4) + "    return 0;\n}\n"


ALL = lint.files("src/*.[ch]", "tests/*/*.[ch]")
lint.run(
    ("no function is too long", check_longest, ALL, {"long.c": function_of(LONGEST + 1)}),
    ("most functions are short", check_spread, lint.files("src/*.c"),
     {"middling.c": function_of(MEDIAN + 1)}),
    ("no banned function", check_banned, ALL, {"old.c": "int n = atoi(s);\n"}),
)
