# SPDX-License-Identifier: ISC
"""Are the answers right? Compared with what the database says, not with each other."""

import contextlib
import datetime
import json
import random
import subprocess
import urllib.error
import urllib.request

import stage
from stage import harness

FIELDS = "id user_id title description completed priority due_date created_at updated_at".split()
TIMES = ("due_date", "created_at", "updated_at")
LIST = "/api/{}/tasks?status=pending&limit=20"


def ask(contestant, path, token=None, method="GET", body=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(f"http://127.0.0.1:{contestant.port}{path}", method=method, data=body,
                                     headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, None, error.headers


def plain(task):
    """The fields that all have, times as milliseconds: some peers know no finer ones."""
    task = {name: task[name] for name in FIELDS}
    for name in TIMES:
        if task[name] is not None:
            instant = datetime.datetime.fromisoformat(task[name])
            task[name] = int(instant.timestamp() * 1000 + 1e-4)
    return task


def table(contestant):
    return "todo.tasks" if contestant.etags else "public.tasks"


def rows(database, contestant, condition):
    deleted = "AND deleted_at IS NULL" if contestant.etags else ""
    text = database.sql(f"SELECT coalesce(json_agg(t ORDER BY id DESC), '[]') FROM (SELECT * FROM "
                        f"{table(contestant)} WHERE {condition} {deleted} ORDER BY id DESC LIMIT 20) t")
    return [plain(task) for task in json.loads(text)]


class Wrong(Exception):
    pass


def want(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, not {wanted!r}"[:600])


def check(contestant, database, tokens, per_user, users=50):
    """Raises Wrong, or gives how many answers were compared."""
    for number in random.sample(range(len(tokens)), users):
        user, token = stage.user_id(number), tokens[number]
        status, tasks, _ = ask(contestant, LIST.format(user), token)
        want(f"status of {user}'s list", status, 200)
        want(f"{user}'s list", [plain(task) for task in tasks],
             rows(database, contestant, f"user_id = '{user}' AND NOT completed"))
        task = random.randrange(per_user) * len(tokens) + number + 1
        status, found, _ = ask(contestant, f"/api/{user}/tasks/{task}", token)
        want(f"task {task}", [plain(found)], rows(database, contestant, f"user_id = '{user}' AND id = {task}"))
    check_writes(contestant, database, user, token)
    check_refusals(contestant, user, token, stage.user_id((number + 1) % len(tokens)))
    return 2 * users + 8


def check_writes(contestant, database, user, token):
    body = json.dumps({"title": "Käse \"und\" Brot", "priority": "high"}).encode()
    status, made, _ = ask(contestant, f"/api/{user}/tasks", token, "POST", body)
    want("status of a new task", status, 201)
    condition = f"user_id = '{user}' AND id = {made['id']}"
    want("a new task", [plain(made)], rows(database, contestant, condition))
    want("its title", made["title"], "Käse \"und\" Brot")
    status, done, _ = ask(contestant, f"/api/{user}/tasks/{made['id']}/complete", token, "PATCH")
    want("status of a toggle", status, 200)
    want("a task that was toggled", [plain(done)], rows(database, contestant, condition))
    want("its state", done["completed"], True)


def check_refusals(contestant, user, token, other):
    forged = harness.make_token(user, secret="another secret of more than 32 bytes")
    old = harness.make_token(user, exp=1)
    for what, path, sent, wanted in (("no token", user, None, 401), ("a forged token", user, forged, 401),
                                     ("an old token", user, old, 401), ("another's tasks", other, token, 403)):
        want(what, ask(contestant, LIST.format(path), sent)[0], wanted)


class Session:
    """A psql that stays: each question has one line for an answer."""

    def __init__(self, database):
        self.psql = subprocess.Popen(["psql", "-XAtq", database.url("postgres")], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, env=harness.clean_environment())

    def sql(self, text):
        print(text, file=self.psql.stdin, flush=True)
        return self.psql.stdout.readline()

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


def state(session, user):
    """The user's counter and list, from one snapshot."""
    text = session.sql(f"SELECT json_build_object('seq', (SELECT change_seq FROM todo.users WHERE id = "
                       f"'{user}'), 'tasks', (SELECT coalesce(json_agg(t ORDER BY id DESC), '[]') FROM (SELECT * "
                       f"FROM todo.tasks WHERE user_id = '{user}' AND NOT completed AND deleted_at IS NULL "
                       f"ORDER BY id DESC LIMIT 20) t))::jsonb;")
    found = json.loads(text)
    return found["seq"], [plain(task) for task in found["tasks"]]


def check_running(contestant, database, tokens, users):
    """While others write: an answer must be what the database had while nobody changed this user's
    tasks. Gives the number of users compared, and of those that had to be asked again."""
    again = 0
    with contextlib.closing(Session(database)) as session:
        for number in random.sample(range(len(tokens)), users):
            user = stage.user_id(number)
            while True:
                before, wanted = state(session, user)
                status, tasks, _ = ask(contestant, LIST.format(user), tokens[number])
                if state(session, user)[0] == before:
                    break
                again += 1
            want(f"status of {user}'s list", status, 200)
            want(f"{user}'s list", [plain(task) for task in tasks], wanted)
    return users, again
