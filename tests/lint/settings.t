#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Every setting of the program, and no other, stands in the README's table, in todo.conf(5) and in
the sample file, with its default."""

import re
import subprocess

import lint


def settings():
    """name → (default, aliases) as the program itself tells."""
    program = lint.BUILD / "todo.fcgi"
    if not program.exists():
        lint.bail_out(f"{program} is not built")
    output = subprocess.run(
        [program, "--print-settings"], capture_output=True, text=True, check=True
    ).stdout
    table = {}
    for line in output.splitlines():
        name, _type, default, _secret, aliases, _help = line.split("\t")
        table[name] = ("" if default == "-" else default, set(re.findall(r"\w+", aliases)))
    return table


SETTINGS = settings()


def differences(where, told):
    """`told` is name → default (None: not told there), aliases among the names allowed."""
    aliases = set().union(*(aliases for _, aliases in SETTINGS.values()))
    complaints = [f"{where}: lacks {name}" for name in SETTINGS if name not in told]
    complaints += [
        f"{where}: has {name}, which is no setting"
        for name in told
        if name not in SETTINGS and name not in aliases
    ]
    complaints += [
        f"{where}: {name} is told to be {default!r}, it is {SETTINGS[name][0]!r}"
        for name, default in told.items()
        if name in SETTINGS and default is not None and default != SETTINGS[name][0]
    ]
    return complaints


def check_readme(paths):
    """Rows | `NAME` | default | … of the section on settings."""
    text = paths[0].read_text(encoding="utf-8")
    section = re.search(r"^## Settings$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", section[1] if section else "", re.MULTILINE)
    return differences("README.md", {name: default.strip("` ") for name, default in rows})


def check_values(paths):
    """A comment behind a value would be part of it, in our files and in pgbouncer.ini."""
    return [
        f"{lint.name(path)}: a comment behind the value of {name}"
        for path in paths
        for name in re.findall(r"^ *(\w+) ?= ?\S+[ \t]+[#;]", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


def check_manual(paths):
    """Items .It Ev NAME, each with its default in a macro .Dq or .Li after "Default:"."""
    told = {}
    for item in re.split(r"^\.It Ev ", paths[0].read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        default = re.search(r"^Default:\n\.Li (.*?)(?: \.)?$", item, re.MULTILINE)
        told[re.match(r"\w+", item)[0]] = default[1] if default else ""
    return differences("todo.conf(5)", told)


def check_sample(paths):
    """Lines NAME=value or #NAME=value; one that is commented out shows the default."""
    told = {}
    for mark, name, value in re.findall(
        r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", paths[0].read_text(encoding="utf-8"), re.MULTILINE
    ):
        told[name] = value.strip('"') if mark and SETTINGS.get(name, ("",))[0] else None
    return differences("todo.conf.sample", told)


lint.run(
    ("no comment stands behind a value", check_values,
     [lint.ROOT / "README.md", lint.ROOT / "man/todo.conf.5", lint.ROOT / "deploy/todo.conf.sample"],
     {"README.md": "    server_login_retry = 1   # one\n"}),
    ("the README has every setting", check_readme, [lint.ROOT / "README.md"],
     {"README.md": "## Settings\n| `TODO_NO_SUCH` | 1 |\n"}),
    ("todo.conf(5) has every setting", check_manual, [lint.ROOT / "man/todo.conf.5"],
     {"todo.conf.5": ".It Ev TODO_NO_SUCH\n"}),
    ("the sample file has every setting", check_sample, [lint.ROOT / "deploy/todo.conf.sample"],
     {"todo.conf.sample": "TODO_NO_SUCH=1\n"}),
)
