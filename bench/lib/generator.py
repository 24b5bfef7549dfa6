# SPDX-License-Identifier: ISC
"""Runs the load generator, and takes down what it and the servers have used meanwhile."""

import json
import os
import subprocess
import time

import cpu
import stage
from stage import harness


class Generator:
    def __init__(self, directory, database, users, per_user):
        self.program = stage.STATE / "load"
        self.directory = directory
        self.database = database
        self.users = users
        self.per_user = per_user
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-o", self.program,
                        stage.BENCH / "lib" / "load.c", "-lm"], check=True)
        self.tokens = [make_token(number) for number in range(users)]
        self.write_users("users", ["-"] * users)

    def write_users(self, name, etags):
        """A line for each user: id, token, entity tag of the list."""
        with open(self.directory / name, "w") as file:
            for number, etag in enumerate(etags):
                file.write(f"{stage.user_id(number)} {self.tokens[number]} {etag}\n")

    def measure(self, contestant, workload, connections, seconds, rate=0):
        """One run, as a dictionary; CPU in seconds per 10,000 answers."""
        roots = {"app": contestant.app, "web": contestant.web, "db": self.database.pids()[0]}
        file = self.directory / ("etags" if workload == "N" else "users")
        start, before, busy = time.monotonic(), cpu.seconds(roots), cpu.machine()
        found, own = self.run(contestant, workload, connections, seconds, rate, file)
        used = {name: now - before[name] for name, now in cpu.seconds(roots).items()}
        taken = time.monotonic() - start
        found["others"] = max(0, cpu.machine() - busy - sum(used.values()) - own) / taken / os.cpu_count()
        found |= {name: per_10000(value, found["answered"]) for name, value in (used | {"load": own}).items()}
        if not found["answered"]:
            found |= dict.fromkeys(("p50", "p95", "p99", "max"))
        if found["unanswered"]:
            settle(contestant)
        found["bad"] = sum(found[key] for key in ("bad_status", "bad_body", "broken", "unanswered"))
        return found | {"name": contestant.name, "workload": workload, "connections": connections,
                        "open": rate}

    def run(self, contestant, workload, connections, seconds, rate, file):
        process = subprocess.Popen(
            [*harness.WITH_US, self.program, str(contestant.port), workload, str(connections), str(seconds),
             str(rate), file, str(self.per_user), "0" if contestant.ceiling else "1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"load on {contestant.name} ended with {process.returncode}")
        return json.loads(text), usage.ru_utime + usage.ru_stime


def per_10000(seconds, answers):
    return seconds / answers * 1e4 if answers else None


def settle(contestant, patience=30):
    """Some go on working for clients that have left: that must not be the next one's burden."""
    end, idle = time.monotonic() + patience, False
    while not idle and time.monotonic() < end:
        before = cpu.seconds({"app": contestant.app})["app"]
        time.sleep(0.5)
        idle = cpu.seconds({"app": contestant.app})["app"] - before < 0.05


def make_token(number):
    """With the claims that the family's tokens have."""
    return harness.make_token(stage.user_id(number), exp=int(time.time()) + 86400,
                              email=f"user{number}@example.com", name=f"User {number}")
