# SPDX-License-Identifier: ISC
"""What the database alone can do: pgbench with the statements of the peers and, as the server's log
tells them, those of the product, in one pipeline as the product sends them. The parameters are sent
as such but for nulls, which pgbench does not have."""

import re
import subprocess

import answers
import cpu
import stage
from stage import harness

CLIENTS = 8
COLUMNS = ", ".join(answers.FIELDS)
PLAIN = {
    "L": f"SELECT {COLUMNS} FROM tasks WHERE user_id = :user AND completed = :no ORDER BY id DESC LIMIT :limit;",
    "G": f"SELECT {COLUMNS} FROM tasks WHERE user_id = :user AND id = :task;",
    "C": "INSERT INTO tasks (user_id, title, description, priority, due_date) VALUES (:user, :title, "
         f":description, :priority, NULL) RETURNING {COLUMNS};",
    "T": "UPDATE tasks SET completed = NOT completed, updated_at = now() WHERE user_id = :user AND id = :task "
         f"RETURNING {COLUMNS};",
}
VALUES = {"no": "f", "limit": "20", "title": "Buy oat milk and coffee beans", "priority": "high",
          "description": "Two litres, and a pound of the \"house\" blend; ask when they open on Sunday, please."}

STATEMENT = re.compile(r"LOG:  execute [^:]*: (.*)")
PARAMETERS = re.compile(r"DETAIL:  parameters: (.*)")
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")


class Pgbench:
    """Scripts by name: "plain L" as the peers' role, "product L" as the product's."""

    def __init__(self, directory, database, users, per_user):
        self.directory = directory
        self.database = database
        self.users = users
        self.per_user = per_user
        self.scripts = {}
        for letter, text in PLAIN.items():
            self.add(f"plain {letter}", "bench_app", [text], VALUES)
        for letter, (lines, values) in self.capture().items():
            piped = ["\\startpipeline", *lines, "\\endpipeline"]
            self.add(f"product {letter}", "todo_app", piped, values)
            if letter in "LG":
                self.add(f"product {letter}, no RLS", "bench_bypass", piped, values)

    def add(self, name, role, lines, values):
        path = self.directory / (re.sub(r"\W+", "-", name) + ".sql")
        draw = [f"\\set index random(0, {self.users - 1})", f"\\set user {stage.FIRST_USER} + :index",
                f"\\set task random(0, {self.per_user - 1}) * {self.users} + :index + 1"]
        path.write_text("\n".join([*draw, *lines, ""]))
        self.scripts[name] = path, role, values

    def of(self, letter):
        """The names of the scripts of this workload."""
        return [name for name in self.scripts if name.split()[1].startswith(letter)]

    def capture(self):
        """By letter: the statements that one such request of the product takes, and the values of
        their parameters."""
        on = "ALTER ROLE todo_app IN DATABASE todo SET log_statement = 'all'"
        self.database.sql(on)
        site = harness.Site(self.database, TODO_WORKERS=1)
        try:
            user = harness.User(site, stage.user_id(1))
            task = 2  # user 1's first
            body = {"title": VALUES["title"], "description": VALUES["description"], "priority": "high"}
            asks = {"L": lambda: user.get("?status=pending&limit=20"), "G": lambda: user.get(f"/{task}"),
                    "C": lambda: user.post("", body), "T": lambda: user.patch(f"/{task}/complete")}
            return {letter: self.logged(letter, ask, task) for letter, ask in asks.items()}
        finally:
            site.stop()
            self.database.sql("ALTER ROLE todo_app IN DATABASE todo RESET log_statement")

    def logged(self, letter, ask, task):
        ask()  # prepares the statements
        start = self.database.log.stat().st_size
        ask()
        with open(self.database.log) as log:
            log.seek(start)
            return self.script(letter, log.read(), str(task))

    def script(self, letter, log, task):
        lines, values = [], {}
        for line in log.splitlines():
            if match := STATEMENT.search(line):
                lines.append(match[1] + ";")
            elif match := PARAMETERS.search(line):
                given = {number: value for number, value in PARAMETER.findall(match[1])}
                names = {number: name_of(f"{letter}{len(lines)}_{number}", value, task, values)
                         for number, value in given.items()}
                lines[-1] = re.sub(r"\$(\d+)", lambda m: names[m[1]], lines[-1])
        if len(lines) < 2:
            raise RuntimeError(f"the log does not have the statements of {letter}: {log[:500]}")
        return lines, values

    def measure(self, name, seconds, tries=3):
        """One run; once more when the machine was so busy that nothing at all was done."""
        path, role, values = self.scripts[name]
        url = self.database.url(role)
        defined = [word for key, value in values.items() for word in ("-D", f"{key}={value}")]
        leader = {"db": self.database.pids()[0]}
        before = cpu.seconds(leader)["db"]
        done = subprocess.run(
            [*harness.WITH_US, "/usr/lib/postgresql/15/bin/pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS),
             "-j", "1", "-T", str(seconds), *defined, "-f", path, url],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0 and "tps = " not in done.stdout and tries > 1:
            return self.measure(name, seconds, tries - 1)
        if done.returncode != 0 or "tps = " not in done.stdout:
            raise RuntimeError(f"pgbench: {name}: {done.stdout}{done.stderr[-800:]}")
        count = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
        rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
        failed = int(re.search(r"failed transactions: (\d+)", done.stdout)[1])
        used = cpu.seconds(leader)["db"] - before
        return {"name": "pgbench", "workload": name, "connections": CLIENTS, "open": 0, "rate": rate, "count": count,
                "db": used / max(1, count) * 1e4, "bad": failed}


def name_of(name, value, task, values):
    """What stands for a parameter in a script."""
    if value == "NULL":
        return value
    text = value[1:-1].replace("''", "'")
    if text == stage.user_id(1):
        return ":user"
    if text == task:
        return ":task"
    values[name] = text
    return f":{name}"
