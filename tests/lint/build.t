#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makefile.am and README.md speak of the files that there are: each source is listed, each listed
file exists, each room is on the README's map; and the README, which is installed without the rest of
the tree, links to nothing in it."""

import pathlib
import re

import lint

LISTED = re.compile(r"(?<![\w$(/.-])((?:src|schema|man|tests|deploy|m4)/[\w./-]+)")
MAKEFILE = lint.ROOT / "Makefile.am"


def makefile_words(path):
    """Files that Makefile.am names; a unit test's program stands for its source."""
    words = set(LISTED.findall(re.sub(r"^#.*$", "", path.read_text(), flags=re.MULTILINE)))
    return {word + ".c" if re.fullmatch(r"tests/(unit|store)/test_\w+", word) else word for word in words}


def check_listed(paths):
    """Every file but Makefile.am among `paths` is named by the Makefile.am among them."""
    makefile = next(path for path in paths if path.name == "Makefile.am")
    words = makefile_words(makefile)
    return [
        f"{lint.name(path)}: not in Makefile.am"
        for path in paths
        if path != makefile
        and not words & {lint.name(path), *map(str, pathlib.PurePath(lint.name(path)).parents)}
    ]


def check_exists(paths):
    return [
        f"Makefile.am names {word}, which does not exist"
        for path in paths
        for word in sorted(makefile_words(path))
        if not (lint.ROOT / word).exists()
    ]


def check_map(paths):
    """The README, first among `paths`, has a line for each of the others, and for no other."""
    readme = next(path for path in paths if path.name == "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Map of the source$(.*?)(?=^## )", readme, re.MULTILINE | re.DOTALL)
    rooms = set()
    for row in re.findall(r"^\| ([^|]+) \|", section[1] if section else "", re.MULTILINE):
        rooms.update(re.findall(r"`(\w+\.[ch])`", row))
    sources = {path.name for path in paths if path.name != "README.md"}
    complaints = [f"README.md: the map lacks {name}" for name in sorted(sources - rooms)]
    return complaints + [f"README.md: the map has {name}" for name in sorted(rooms - sources)]


def check_links(paths):
    """To places of the page itself, which are there, and to the web."""
    complaints = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        places = {"#" + re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
                  for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        complaints += [f"{lint.name(path)}: links to {target}" for target in re.findall(r"\]\(([^)]*)\)", text)
                       if target not in places and not target.startswith("https://")]
    return complaints


# No wider: a build in the source tree leaves its products in tests/ too.
DISTRIBUTED = lint.files(
    "src/*.[ch]", "schema/*", "man/*", "deploy/*", "deploy/*/*", "m4/*", "tests/below-wrapper", "tests/cluster",
    "tests/run", "tests/*.test", "tests/*/*.[ch]", "tests/*/*.py", "tests/*/*.t", "tests/fuzz/corpus/*/*",
)
lint.run(
    ("Makefile.am lists every file", check_listed, [MAKEFILE, *DISTRIBUTED],
     {"Makefile.am": "a = src/b.c\n", "c.c": ""}),
    ("every file in Makefile.am exists", check_exists, [MAKEFILE],
     {"Makefile.am": "a = src/no_such_file.c\n"}),
    ("the README's map has every room", check_map,
     [lint.ROOT / "README.md", *lint.files("src/*.c")],
     {"README.md": "## Map of the source\n| `b.c` | b |\n## Next\n", "a.c": ""}),
    ("the README's links lead somewhere wherever it is installed", check_links,
     [lint.ROOT / "README.md"], {"README.md": "## Next\n[next](#next), [licence](COPYING)\n"}),
)
