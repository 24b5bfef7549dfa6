# SPDX-License-Identifier: ISC
"""Reads a dump of callgrind: instructions by room of the product and by library."""

import collections
import pathlib
import re

# The product's source files (without .c or .h) by room; what is in none of them is in "rest".
ROOMS = {
    "server": "server accept_queue",
    "request": "request request_id json_body",
    "route": "app route cors client service",
    "token": "auth token token_libjwt claims hs256 base64url session_token keys key_board jwks",
    "handlers": "task_handlers task_list task_query task_links cursor call task_state exactly_once "
                "etag prefer",
    "store": "store store_connection store_sql store_step store_task store_tx store_list",
    "JSON": "task_json buf timestamp",
    "response": "response problem",
}
LIBRARIES = ["libpq", "libjwt", "libjansson", "libcrypto", "libfcgi", "libc"]
COLUMNS = [*ROOMS, "rest", *LIBRARIES, "others"]

ROOM_OF = {stem: room for room, stems in ROOMS.items() for stem in stems.split()}
NAME = re.compile(r"(c?ob|c?fl|c?fi|fe|c?fn)=\((\d+)\)(?: (.*))?")
COST = re.compile(r"(?:\+\d+|-\d+|\d+|\*) (\d+)$")


def column(program, object_path, function_file, file):
    """Which column an instruction belongs to. Inlined: where it was written, if that is ours."""
    if pathlib.Path(object_path).name != program:
        library = pathlib.Path(object_path).name.split(".")[0]
        return library if library in LIBRARIES else "others"
    for path in (file, function_file):
        if "/src/" in path:
            return ROOM_OF.get(pathlib.Path(path).stem, "rest")
    return "rest"


def read(path, program="todo.fcgi"):
    """Instructions by column."""
    names = collections.defaultdict(dict)
    place = {"ob": "", "fl": "", "fi": ""}
    counted = collections.Counter()
    called = False  # the line after calls= repeats what the callee has cost
    for line in path.read_text(errors="replace").splitlines():
        if match := NAME.match(line):
            remember(names, place, *match.groups())
        elif line.startswith("calls="):
            called = True
        elif match := COST.match(line):
            if not called:
                counted[column(program, place["ob"], place["fl"], place["fi"])] += int(match[1])
            called = False
    return counted


def remember(names, place, key, number, name):
    """A name is spelt out once, then only its number is given; the callee's share the numbers."""
    kind = key[-2:] if key[-2:] in ("ob", "fn") else "file"
    if name is not None:
        names[kind][number] = name
    if key == "ob":
        place["ob"] = names[kind][number]
    elif key == "fl":
        place["fl"] = place["fi"] = names[kind][number]
    elif key in ("fi", "fe"):
        place["fi"] = names[kind][number]
