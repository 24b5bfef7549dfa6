# SPDX-License-Identifier: ISC
"""RESULTS.md and its plot; at its end the goals, and how far they are reached."""

import re
import statistics

import report
import stage
from report import PRODUCT

HELLO, PHP, FASTIFY, FASTAPI = "libfcgi hello", "PHP-FPM", "Fastify", "FastAPI"
TOTAL = ("app", "web", "db")


class Goals:
    """Rows of the table: each goal is (what, least or most, value, command)."""

    def __init__(self, measured, facts, command):
        self.m = measured
        self.facts = facts
        self.command = command
        self.lines = [["goal", "measured", "command"]]

    def add(self, what, sign, limit, value, unit="", command=None):
        if value is None:
            cell = "not measured"
        else:
            shown = f"{report.number(value, ',.0f' if abs(value) >= 1000 else '.3g')}{unit}"
            met = value <= limit if sign == "<=" else value >= limit
            missed = f"missed by {100 * abs(value / limit - 1):,.0f} %" if limit else "missed"
            cell = f"{shown}, met" if met else f"**{shown}**, {missed}"
        limit = f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"
        self.lines.append([f"{what} {'≤' if sign == '<=' else '≥'} {limit}{unit}", cell, f"`{command or self.command}`"])

    def ratio(self, key, name, other, workload, connections=64):
        values = self.m.ratios(key, name, other, workload, connections)
        return statistics.median(values) if values else None

    def against_pgbench(self, key, workload, script):
        ours, theirs = self.m.median(key, PRODUCT, workload), self.m.median(key, "pgbench", script, 8)
        return ours / theirs if ours and theirs else None

    def total(self, workload):
        values = [self.m.median(key, PRODUCT, workload) for key in TOTAL]
        return None if None in values else sum(values)

    def table(self):
        self.lists()
        self.database()
        self.peers()
        self.others()
        return report.rows(self.lines)

    def lists(self):
        self.add("application CPU of a list, ratio to hello's", "<=", 2.0, self.ratio("app", PRODUCT, HELLO, "L"))
        self.add("user instructions of a list", "<=", 90000, instructions(), command="bench/instructions")
        self.add("lists a second, ratio to pgbench's", ">=", 0.55, self.against_pgbench("rate", "L", "plain L"))
        self.add("lists a second, ratio to hello's", ">=", 0.45, self.ratio("rate", PRODUCT, HELLO, "L"))

    def database(self):
        with_wall, without = (self.m.median("rate", "pgbench", f"product L{which}", 8) for which in ("", ", no RLS"))
        self.add("the product's list in pgbench, with row-level security against without", ">=", 0.93,
                 with_wall / without if with_wall and without else None)
        self.add("database CPU of a list, ratio to pgbench's", "<=", 1.15, self.against_pgbench("db", "L", "plain L"))
        self.add("database CPU of a create, ratio to the plain insert", "<=", 1.8, self.against_pgbench("db", "C", "plain C"))
        self.add("database CPU of a toggle, ratio to the plain update", "<=", 2.8, self.against_pgbench("db", "T", "plain T"))

    def peers(self):
        for name, limit in ((PHP, 3), (FASTIFY, 4), (FASTAPI, 20)):
            self.add(f"lists a second, ratio to {name}'s", ">=", limit, self.ratio("rate", PRODUCT, name, "L"))
        for name, limit in ((PHP, 4), (FASTIFY, 9), (FASTAPI, 75)):
            self.add(f"application CPU of a list, {name}'s ratio to ours", ">=", limit, self.ratio("app", name, PRODUCT, "L"))

    def others(self):
        once, again = self.total("L"), self.total("N")
        self.add("all CPU of a list that is not modified (304), ratio to one that is", "<=", 0.6,
                 again / once if once and again else None)
        for rate, limit in ((1000, 3), (3000, 10)):
            self.add(f"p95 of the mix, open loop, 1,000 connections, {rate:,} a second", "<=", limit,
                     self.m.median("p95", PRODUCT, "M", 1000, rate), " ms")
        bad = [run["bad"] for runs in self.m.runs.values() for run in runs if run["name"] == PRODUCT]
        self.add("failures of the product in all runs", "<=", 0, sum(bad) if bad else None)
        self.add("p95 of lists at 1,000 connections, ratio to hello's", "<=", 2.2, self.ratio("p95", PRODUCT, HELLO, "L", 1000))
        for what, limit, pattern in (("database CPU of a list, 10 M rows against 1 M", 1.15, "list"),
                                     ("database CPU of a read, 10 M rows against 1 M", 1.15, "read"),
                                     ("rows read for page 1,000 of a user's 1,000,000 tasks, ratio to page 1", 1.0, "page")):
            self.add(what, "<=", limit, growth(pattern), command="bench/growth")
        self.add("memory that an idle worker takes (PSS)", "<=", 1.5, self.facts.get("pss"), " MiB")
        starts = self.facts.get("start")
        self.add("start of a worker to its first answer", "<=", 50, statistics.median(starts) if starts else None, " ms")


def number_in(file, pattern):
    path = stage.BENCH / file
    found = re.search(pattern, path.read_text(), re.MULTILINE) if path.exists() else None
    return float(found[1].replace(",", "")) if found else None


def instructions():
    return number_in("INSTRUCTIONS.md", r"^\| list of 20 \| ([\d,]+) \|")


def growth(what):
    return number_in("GROWTH.md", rf"^\| ratio, {what} \| ([\d.]+) \|")


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
    others = statistics.median(run["others"] for run in bench.runs if "others" in run)
    (directory / "RESULTS.svg").write_text(report.plot(measured))
    checked = "\n".join(f"- {name}: {count} answers" for name, count in bench.facts["checked"].items())
    (directory / "RESULTS.md").write_text(f"""\
# Results

Written by `{command}` in {minutes:.0f} minutes on {machine}: {plan.users:,} users with 100 tasks each, medians of
{plan.rounds} interleaved rounds of {plan.seconds} s at 64 connections and {plan.other_rounds} at the others, in
brackets from least to most. The load generator shares the machine; everything else on it took
{100 * others:.1f} % of its processors (median). [README.md](README.md) tells what is measured, and how.

CPU is in seconds for 10,000 answers. A failure is an answer of another status than wanted, one whose
body does not speak of what was asked for, and one that never came. Ratios are of the same round.

![CPU and answers a second](RESULTS.svg)

## Workloads

{chr(10).join(tables(measured))}
## The database alone

pgbench, {8} clients, unix socket, no HTTP. "product" is what the product's statements are, as the server
has logged them, in one pipeline as it sends them.

{report.pgbench_table(measured)}

## Right answers

Compared with the database before the timing:

{checked}

{bench.facts["running"]}.

## Goals

{Goals(measured, bench.facts, command).table()}
""")
