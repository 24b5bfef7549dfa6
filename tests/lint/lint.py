# SPDX-License-Identifier: ISC
"""What the programs in tests/lint share: the files of the tree, and TAP.

A check is a function from a list of pathlib.Path to a list of complaints. run() shows first that
the check finds a fault planted for it, then that the tree has none.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("abs_srcdir") or pathlib.Path(__file__).parents[2]).resolve()
BUILD = pathlib.Path(os.environ.get("abs_builddir") or ROOT).resolve()

STRING_OR_COMMENT = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.DOTALL,
)


def files(*patterns):
    """The files of the tree that match; never an empty list, so that no check passes on nothing."""
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})
    if not found:
        bail_out(f"no file matches {' '.join(patterns)}")
    return found


def name(path):
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def code(path):
    """The C text with comments and the insides of strings blanked, line numbers kept."""

    def blank(match):
        text = re.sub(r"[^\n]", " ", match[0])
        return text if match["comment"] else '"' + text[1:-1] + '"'

    return STRING_OR_COMMENT.sub(blank, path.read_text(encoding="utf-8"))


def tool(command, paths, good=(0,)):
    """Runs a tool over the files; its words are the complaints. A missing tool is a failure."""
    if shutil.which(command[0]) is None:
        return [f"{command[0]} is not installed"]
    result = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=False
    )
    if result.returncode in good:
        return []
    return (result.stdout + result.stderr).splitlines() or [f"{command[0]}: {result.returncode}"]


def bail_out(reason):
    print(f"Bail out! {reason}")
    sys.exit(1)


def run(*checks):
    """Each of `checks` is (title, check, paths, planted): planted is {file name: faulty text}."""
    print(f"1..{2 * len(checks)}")
    failed = 0
    for number, (title, check, paths, planted) in enumerate(checks):
        with tempfile.TemporaryDirectory() as scratch:
            for file_name, text in planted.items():
                (pathlib.Path(scratch) / file_name).write_text(text, encoding="utf-8")
            found = check(sorted(pathlib.Path(scratch).iterdir()))
        failed += report(2 * number + 1, bool(found), f"{title}: finds a planted fault", [])
        complaints = check(paths)
        failed += report(2 * number + 2, not complaints, title, complaints)
    sys.exit(1 if failed else 0)


def report(number, passed, title, complaints):
    print(f"{'ok' if passed else 'not ok'} {number} - {title}")
    for complaint in complaints:
        print(f"# {complaint}")
    return 0 if passed else 1
