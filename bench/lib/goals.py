# SPDX-License-Identifier: ISC
"""RESULTS.md and its plot; at its end the goals, how far they are reached, and for those that are
missed where the time goes and what they would need."""

import os
import re

import report
import stage
from report import PRODUCT, middle, number

HELLO, PHP, FASTIFY, FASTAPI = "libfcgi hello", "PHP-FPM", "Fastify", "FastAPI"
PARTS = {"app": "the workers", "web": "nginx", "db": "the database"}

# What a missed goal would need, by what it is about.
NEEDS = {
    "worker": "Fewer instructions for what libraries do: claims that jansson does not read (16,000 instructions; readers of "
              "our own were refused), rows that do not cost libpq 190 instructions a value, FastCGI without a block of memory "
              "for each parameter and stream.",
    "list": "What is said here of the worker and of the database: nginx and the load generator take the same from everybody.",
    "not modified": "A state that need not be read, or a token that need not be looked at: all else of a list is saved already.",
    "database list": "A statement in place of three (`enter` for row-level security, the state that the entity tag is made of, the "
                     "list); NOTES.md has the joins of them that were tried, and cost as much.",
    "write": "Writes without the change counter or the version, which the delta and the entity tags need.",
    "wait": "More processors: the load generator, nginx, the workers and the database share these.",
    "growth": "Nothing that was found.",
    "page": "A page that is found by its key alone.",
    "start": "A processor that is free at once; then fewer libraries: libpq's bring LDAP and Kerberos with them.",
    "memory": "Fewer libraries with data of their own.",
    "failures": "See the failures in the tables above.",
}

# Where the time goes, for what the runs do not tell.
FOUND = {
    "growth": "as many rows and pages are read (GROWTH.md): the rest is memory that the processor's caches do not hold",
    "page": "see the rows in GROWTH.md",
    "start": "the worker takes 17 ms of CPU, half of it to load its 46 libraries, its connection to the database 8 ms, "
             "setpriv and spawn-fcgi 3 ms; the rest is waiting (36 ms in all at best, measured on a busy machine)",
    "memory": "data of the libraries",
    "failures": "-",
}


class Goals:
    """The rows of the tables."""

    def __init__(self, measured, facts, command):
        self.m = measured
        self.facts = facts
        self.command = command
        self.lines = [["goal", "measured", "command"]]
        self.missed = {}  # by what it is about: goals, each with how far it is missed
        self.lists()
        self.database()
        self.peers()
        self.waiting()
        self.growth()
        self.others()

    def add(self, what, sign, limit, value, about, unit="", command=None):
        goal = f"{what} {'≤' if sign == '<=' else '≥'} {limit:,}{unit}"
        cell = "not measured"
        if value is not None:
            cell = number(value, ",.0f" if abs(value) >= 1000 else ".3g") + unit
            if value > limit if sign == "<=" else value < limit:
                cell = f"**{cell}**, missed"
                self.missed.setdefault(about, []).append(f"{goal}: by {distance(value, limit)}")
        self.lines.append([goal, cell, f"`{command or self.command}`"])

    # ---- the goals

    def lists(self):
        self.add("application CPU of a list, ratio to hello's", "<=", 2.0, self.ratio("app", PRODUCT, HELLO), "worker")
        self.add("user instructions of a list", "<=", 90000, sum(list_instructions().values()) or None, "worker",
                 command="bench/instructions")
        self.add("lists a second, ratio to pgbench's", ">=", 0.55, self.against_pgbench("rate", "L"), "list")
        self.add("lists a second, ratio to hello's", ">=", 0.45, self.ratio("rate", PRODUCT, HELLO), "list")

    def database(self):
        self.add("the product's list in pgbench, with row-level security against without", ">=", 0.93,
                 middle(self.m.ratios("rate", script("product L"), script("product L, no RLS"))), "database list")
        self.add("database CPU of a list, ratio to pgbench's", "<=", 1.15, self.against_pgbench("db", "L"), "database list")
        self.add("database CPU of a create, ratio to the plain insert", "<=", 1.8, self.against_pgbench("db", "C"), "write")
        self.add("database CPU of a toggle, ratio to the plain update", "<=", 2.8, self.against_pgbench("db", "T"), "write")

    def peers(self):
        for name, limit in ((PHP, 3), (FASTIFY, 4), (FASTAPI, 20)):
            self.add(f"lists a second, ratio to {name}'s", ">=", limit, self.ratio("rate", PRODUCT, name), "list")
        for name, limit in ((PHP, 4), (FASTIFY, 9), (FASTAPI, 75)):
            self.add(f"application CPU of a list, {name}'s ratio to ours", ">=", limit, self.ratio("app", name, PRODUCT), "worker")

    def waiting(self):
        once, again = (self.total((PRODUCT, workload)) for workload in "LN")
        self.add("all CPU of a list that is not modified (304), ratio to one that is", "<=", 0.6,
                 again / once if once and again else None, "not modified")
        for rate, limit in ((1000, 3), (3000, 10)):
            self.add(f"p95 of the mix, open loop, 1,000 connections, {rate:,} a second", "<=", limit,
                     self.m.median("p95", PRODUCT, "M", 1000, rate), "wait", " ms")
        self.add("p95 of lists at 1,000 connections, ratio to hello's", "<=", 2.2, self.ratio("p95", PRODUCT, HELLO, 1000), "list")

    def growth(self):
        path = stage.BENCH / "GROWTH.md"
        text = path.read_text() if path.exists() else ""
        command = found_in(r"Written by `(.*?)`", text) or "bench/growth"
        for what, limit, row, about in (("database CPU of a list, ten times the rows", 1.15, "list", "growth"),
                                        ("database CPU of a read, ten times the rows", 1.15, "read", "growth"),
                                        ("rows read for page 1,000 of a user's tasks, ratio to page 1", 1.0, "page", "page")):
            value = found_in(rf"^\| ratio, {row} \| ([\d.]+) \|", text)
            self.add(what, "<=", limit, float(value) if value else None, about, command=command)

    def others(self):
        bad = [run["bad"] for runs in self.m.runs.values() for run in runs if run["name"] == PRODUCT]
        self.add("failures of the product in all runs", "<=", 0, sum(bad) if bad else None, "failures")
        self.add("memory that an idle worker takes (PSS)", "<=", 1.5, self.facts.get("pss"), "memory", " MiB")
        self.add("start of a worker to its first answer", "<=", 50, middle(self.facts["start"]), "start", " ms")

    # ---- their values

    def ratio(self, key, name, other, connections=64):
        return middle(self.m.ratios(key, (name, "L", connections), (other, "L", connections)))

    def against_pgbench(self, key, letter):
        return middle(self.m.ratios(key, (PRODUCT, letter), script(f"plain {letter}")))

    def total(self, place, parts=PARTS):
        values = [self.m.median(key, *place) for key in parts]
        return None if None in values else sum(values)

    # ---- those that are missed

    def missed_table(self):
        lines = [[" <br>".join(goals), self.where(about), NEEDS[about]] for about, goals in self.missed.items()]
        return report.rows([["goals", "where the time goes", "what they would need"], *lines]) if lines else "None."

    def where(self, about):
        if about == "worker":
            return shares("a list's instructions", list_instructions(), most=5)
        if about == "write":
            return "; ".join(f"{letter}: {self.seconds((PRODUCT, letter))}" for letter in "CT")
        if about == "database list":
            return ", ".join(f"{name} {number(self.m.median('db', *script(name)))} s"
                             for name in ("plain L", "product L, no RLS", "product L")) + " of the database for 10,000"
        if about == "list":
            return f"{self.seconds((PRODUCT, 'L'))}; {HELLO}: {self.seconds((HELLO, 'L'))}"
        if about == "not modified":
            return f"{self.seconds((PRODUCT, 'N'))}; with a body: {self.seconds((PRODUCT, 'L'))}"
        if about == "wait":
            return self.load()
        return FOUND[about]

    def seconds(self, place):
        parts = {words: self.m.median(key, *place) for key, words in PARTS.items()}
        return ", ".join(f"{words} {number(value)} s" for words, value in parts.items()) + " for 10,000"

    def load(self):
        """How busy the machine is with the mix at each rate."""
        found = []
        for name, workload, connections, rate in self.m.runs:
            if rate and name == PRODUCT:
                taken = self.total((name, workload, connections, rate), [*PARTS, "load"])
                if taken is not None:
                    others = middle(self.m.values("others", name, workload, connections, rate))
                    found.append(f"at {rate:,} a second {100 * taken * rate / 1e4 / os.cpu_count():.0f} %, and {100 * others:.0f} % "
                                 "for what else runs")
        return "of all processors for the product, nginx, the database and the load generator: " + "; ".join(found)


def script(name):
    return "pgbench", name, 8


def distance(value, limit):
    return number(100 * abs(value / limit - 1), ".2g") + " %" if limit else f"{value:g}"


def found_in(pattern, text):
    match = re.search(pattern, text, re.MULTILINE)
    return match and match[1]


def list_instructions():
    """Of a list, by room and library, as bench/instructions has written them."""
    path = stage.BENCH / "INSTRUCTIONS.md"
    lines = [[cell.strip() for cell in line.strip("|\n ").split("|")]
             for line in (path.read_text().splitlines() if path.exists() else []) if line.startswith("| ")]
    rows = {line[0]: line for line in lines}
    if not {"request", "list of 20"} <= rows.keys():
        return {}
    return {room: int(count.replace(",", "")) for room, count in zip(rows["request"][2:], rows["list of 20"][2:])}


def shares(of, counts, most):
    whole = sum(counts.values())
    largest = sorted(counts.items(), key=lambda item: -item[1])[:most]
    return f"of {of}: " + ", ".join(f"{name} {100 * count / whole:.0f} %" for name, count in largest)


TITLES = {"L": "L: a user's first 20 pending tasks, newest first", "G": "G: one task", "C": "C: create a task",
          "T": "T: toggle a task", "M": "M: 70 % L, 15 % G, 10 % C, 5 % T", "N": "N: L with If-None-Match, answered 304"}


def tables(measured):
    places = sorted({(workload, connections, rate) for name, workload, connections, rate in measured.runs if name != "pgbench"},
                    key=lambda place: (place[2], place[1] != 64, place[1], "LGCTMN".index(place[0])))
    for workload, connections, rate in places:
        how = f"open loop, {rate:,} requests a second over 1,000 connections" if rate else f"{connections:,} connections"
        yield f"### {TITLES[workload]}; {how}\n\n{report.workload_table(measured, workload, connections, rate)}\n"


def write(directory, bench, plan, command, machine, minutes):
    measured = report.Measured(bench.runs)
    others = middle([run["others"] for run in bench.runs if "others" in run])
    (directory / "RESULTS.svg").write_text(report.plot(measured))
    checked = "\n".join(f"- {name}: {count} answers" for name, count in bench.facts["checked"].items())
    skipped = "".join(f"\nNot measured, or not all of it: {name}: {why}\n" for name, why in bench.stand.skipped.items())
    goals = Goals(measured, bench.facts, command)
    (directory / "RESULTS.md").write_text(f"""\
# Results

Written by `{command}` in {minutes:.0f} minutes on {machine}: {plan.users:,} users with 100 tasks each, medians of
{plan.rounds} interleaved rounds of {plan.seconds} s at 64 connections and {plan.other_rounds} at the others, in
brackets from least to most. The load generator shares the machine; everything else on it took
{100 * others:.1f} % of its processors (median). [README.md](README.md) tells what is measured, and how.
{skipped}
CPU is in seconds for 10,000 answers. A failure is an answer of another status than wanted, one whose
body does not speak of what was asked for, and one that never came. Ratios are of the same round.

![CPU and answers a second](RESULTS.svg)

## Workloads

{chr(10).join(tables(measured))}
## The database alone

pgbench, 8 clients, unix socket, no HTTP, by turns with the others. "product" is what the product's statements are, as
the server has logged them, in one pipeline as it sends them.

{report.pgbench_table(measured)}

## Right answers

Compared with the database before the timing:

{checked}

{bench.facts["running"]}.

## Goals

{report.rows(goals.lines)}

### Those that are missed

{goals.missed_table()}
""")
