#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Includes point one way: a room knows those on its own floor and below, never one above, and each
foreign library has one room that speaks to it."""

import fnmatch
import re

import lint

# The floors, from the roof down. A header stands where its room does; those that are only data for
# several rooms stand lower than the .c file of the same name.
FLOORS = [
    ["main.c", "todoctl.c"],
    ["setup.*", "user_command.*"],
    ["pool.*"],
    ["fetcher.*", "server.*"],
    ["app.*"],
    ["account_handlers.*", "account_json.*", "auth.*", "call.*", "cors.*", "exactly_once.*",
     "export_handlers.*", "import_handlers.*", "read_your_writes.*", "route.*", "service.*", "session_handlers.*",
     "metrics_text.*",
     "docs_page.*",
     "openapi*",
     "task_batch.c", "task_changes.c", "task_handlers.*", "task_list.c"],
    ["admin.*", "check.*", "check_standby.*", "client.*", "cursor.*", "etag.*", "inspect.*", "issuer_link*", "json_body.*", "keys.*", "migrate.*",
     "migrations.*", "prefer.*", "purge.*", "refresh_token.*", "session_token.*", "setup_database.*", "store*", "task_csv.*",
     "task_format.*", "task_ical.*", "task_json.*", "task_links.*", "task_query.*", "task_state.*",
     "token.*", "token_libjwt*", "users.*", "users_csv.*"],
    ["accept.*", "account.*", "address.*", "arena.*", "base64url.*", "buf.*", "claims.*", "clock.*",
     "compat.*", "conf*", "err.h", "hs256.*", "ical_*", "jwks.*", "jwks_fetch.*", "key_board.*", "log.*", "password.*",
     "position.*", "problem.*", "program.*", "prompt.*", "random.*", "record.*", "request*", "response.*", "setup_*", "task.h",
     "accept_queue.*", "metrics.*",
     "notify.*", "pseudonym.*", "reload.*", "task_fields.h", "text.*", "timestamp.*", "zone.*"],
]

# Who alone may include it: libraries, and what is private to a room of several files.
SOLE_USERS = {
    "curl/curl.h": ["jwks_fetch.c"],
    "jwt.h": ["token_libjwt1.c", "token_libjwt3.c"],
    "fcgiapp.h": ["server.c"],
    "fcgi_stdio.h": [],
    "libpq-fe.h": ["store*", "admin.h", "check.c", "check_standby.h", "conf_url.c", "setup_url.c"],
    "crypt.h": ["password.c"],
    "systemd/sd-daemon.h": ["notify.c"],
    "csv.h": ["task_csv.c", "users_csv.c"],
    "issuer_link_sql.h": ["issuer_link.c"],
    "admin.h": ["admin.c", "check.c", "check_standby.c", "issuer_link.c", "migrate.c", "purge.c", "setup.c", "setup_database.c", "todoctl.c", "users.c"],
    "conf_*.h": ["conf*"],
    "store_check_sql.h": ["store*", "check.c", "check_standby.c"],
    "store_internal.h": ["store*"],
    "store_sql.h": ["store*"],
    "config.h": ["*.c"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def floor(file_name):
    for number, rooms in enumerate(FLOORS):
        if any(fnmatch.fnmatch(file_name, room) for room in rooms):
            return number
    return None


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def check_direction(paths):
    complaints = []
    for path in paths:
        if floor(path.name) is None:
            complaints.append(f"{lint.name(path)}: on no floor; give it one in {__file__}")
            continue
        for header in includes(path):
            if floor(header) is not None and floor(header) < floor(path.name):
                complaints.append(f"{lint.name(path)}: includes {header}, which is above it")
    return complaints


def check_sole_users(paths):
    return [
        f"{lint.name(path)}: includes {header}; only {' '.join(users) or 'nobody'} may"
        for path in paths
        for header in includes(path)
        for pattern, users in SOLE_USERS.items()
        if fnmatch.fnmatch(header, pattern)
        and not any(fnmatch.fnmatch(path.name, user) for user in users)
    ]


def check_cycles(paths):
    """A header that includes itself over others."""
    edges = {path.name: includes(path) for path in paths if path.suffix == ".h"}
    complaints = []
    for start in edges:
        seen, waiting = set(), list(edges[start])
        while waiting:
            header = waiting.pop()
            if header in seen or header not in edges:
                continue
            seen.add(header)
            waiting.extend(edges[header])
        if start in seen:
            complaints.append(f"{start}: includes itself in a circle")
    return complaints


SOURCES = lint.files("src/*.[ch]")
lint.run(
    ("includes never point upward", check_direction, SOURCES,
     {"log.c": '#include "app.h"\n'}),
    ("one room for each library", check_sole_users, SOURCES,
     {"task.c": "#include <libpq-fe.h>\n"}),
    ("no header includes itself", check_cycles, SOURCES,
     {"a.h": '#include "b.h"\n', "b.h": '#include "a.h"\n'}),
)
