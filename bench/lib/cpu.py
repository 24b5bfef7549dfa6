# SPDX-License-Identifier: ISC
"""Processor time and memory of processes, from /proc."""

import os
import pathlib
import re

TICK = os.sysconf("SC_CLK_TCK")


def processes():
    """Every process: (parent, seconds of its own and of the children that it has waited for)."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        found[int(stat.parent.name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    return found


def tree(root, found):
    members = {root}
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in found.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return members & found.keys()


def seconds(roots):
    """What each of these processes, by name, and all that descend from it have used so far. Whoever
    ends between our looks at it and at its parent would be counted twice, or not at all: so the
    middle one of three readings of the same processes counts."""
    readings = []
    while len(readings) < 3 or len({everyone(roots, reading) for reading in readings[-3:]}) > 1:
        readings.append(processes())
    found = readings[-2]
    return {name: sum(found[pid][1] for pid in tree(root, found)) if root else 0.0
            for name, root in roots.items()}


def everyone(roots, found):
    return frozenset(pid for root in roots.values() if root for pid in tree(root, found))


def machine():
    """Seconds that the machine was busy, for whomever."""
    first = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, first[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def proportional_mib(pids):
    """Memory, with what is shared divided among those that share it."""
    texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1]) for text in texts) / 1024
