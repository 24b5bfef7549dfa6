#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The look of the files: clang-format decides the layout, each names its licence, headers are
guarded, scripts please shellcheck, manual pages please mandoc."""

import ast
import re

import lint

C_FILES = lint.files("src/*.[ch]", "tests/*/*.[ch]")
HEADERS = lint.files("src/*.h")


def check_layout(paths):
    style = f"--style=file:{lint.ROOT / '.clang-format'}"
    return lint.tool(["clang-format", style, "--dry-run", "-Werror"], paths)


def check_licence(paths):
    return [
        f"{lint.name(path)}: the first lines name no licence"
        for path in paths
        if "SPDX-License-Identifier: ISC" not in "".join(path.open(encoding="utf-8").readlines()[:2])
    ]


def check_guards(paths):
    complaints = []
    for path in paths:
        guard = f"TODO_{path.stem.upper()}_H"
        if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", path.read_text(), re.MULTILINE):
            complaints.append(f"{lint.name(path)}: not guarded by {guard}")
    return complaints


def first_line(path):
    with path.open("rb") as stream:
        return stream.readline(80)


def scripts(interpreter):
    found = lint.files("bootstrap", "bench/*", "deploy/*", "tests/*", "tests/*/*", ".ci/*",
                       "debian/todo-fcgi.p*")
    return [path for path in found if re.match(rb"#!.*\b" + interpreter, first_line(path))]


def check_shell(paths):
    return lint.tool(["shellcheck", "--shell=sh", "--external-sources", "--source-path=SCRIPTDIR"],
                     paths)


def check_python(paths):
    complaints = []
    for path in paths:
        try:
            ast.parse(path.read_bytes(), str(path))
        except SyntaxError as error:
            complaints.append(f"{lint.name(path)}:{error.lineno}: {error.msg}")
    return complaints


def check_manuals(paths):
    return lint.tool(["mandoc", "-Tlint", "-Wwarning"], paths)


lint.run(
    ("clang-format changes nothing", check_layout, C_FILES, {"a.c": "int  a ;\n"}),
    ("every C file names its licence", check_licence, C_FILES, {"a.c": "int a;\n"}),
    ("every header is guarded", check_guards, HEADERS, {"a.h": "int a;\n"}),
    ("shellcheck has no complaint", check_shell, scripts(rb"(ba)?sh"),
     {"a": "#!/bin/sh\nrm -rf $1/x\n"}),
    ("Python parses", check_python, scripts(rb"python3") + lint.files("tests/*/*.py"),
     {"a.py": "if\n"}),
    ("mandoc has no complaint", check_manuals, lint.files("man/*.[1-9]"), {"a.8": ".Zz\n"}),
)
