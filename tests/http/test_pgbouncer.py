# SPDX-License-Identifier: ISC
"""Through a real PgBouncer in transaction mode, 32 workers share four sessions of the database: what
one transaction has set must be gone for the next one's user, and one that stays open between two
round trips must stay its worker's own."""

import concurrent.futures
import json
import random
import socket
import subprocess

import pytest

from conftest import new_cluster
from harness import SLOW, Site, TODOCTL, SECRET, User, clean_environment, eventually
from pooler import CONNECTIONS, WORKERS, PooledCluster
from storm import new_seed, scaled


@pytest.fixture(scope="module")
def pooled():
    yield from new_cluster(PooledCluster)


@pytest.fixture(scope="module")
def site(pooled):
    site = Site(pooled)
    yield site
    site.stop()


def in_threads(work, items, threads=WORKERS):
    with concurrent.futures.ThreadPoolExecutor(threads) as executor:
        return list(executor.map(work, items))


# ---- isolation


class Model:
    """A user, and what their tasks must be. One request at a time."""

    def __init__(self, user, seed):
        self.user = user
        self.random = random.Random(f"{seed} {user.name}")
        self.tasks = {}
        self.keys = 0

    def act(self):
        kind = self.random.choice(["create", "create", "list", "read", "put", "delete", "batch", "undone", "keyed",
                                   "foreign", "refused"])
        getattr(self, kind)()

    def title(self):
        return f"{self.user.name} {self.random.random()}"

    def any_id(self):
        if not self.tasks:
            self.create()
        return self.random.choice(sorted(self.tasks))

    def keep(self, task):
        assert task["user_id"] == self.user.name
        self.tasks[task["id"]] = task

    def create(self):
        self.keep(self.user.create(self.title()))

    def list(self):
        answer = self.user.get("?limit=1000")
        assert answer.status == 200, answer
        assert {task["id"]: task for task in answer.json()} == self.tasks

    def read(self):
        id = self.any_id()
        answer = self.user.get(f"/{id}")
        assert answer.status == 200 and answer.json() == self.tasks[id], answer

    def put(self):
        id = self.any_id()
        answer = self.user.put(f"/{id}", {"title": self.title()},
                               headers={"If-Match": f'"{self.tasks[id]["version"]}"'})
        assert answer.status == 200, answer
        self.keep(answer.json())

    def delete(self):
        id = self.any_id()
        assert self.user.delete(f"/{id}").status == 204
        del self.tasks[id]

    def send_batch(self, **headers):
        operations = [{"op": "create", "title": self.title()},
                      {"op": "update", "id": self.any_id(), "priority": "high"}]
        answer = self.user.post("/batch", {"operations": operations}, headers=headers)
        assert answer.status == 200, answer
        return answer.json()["results"]

    def batch(self):
        for task in self.send_batch():
            self.keep(task)

    def undone(self):
        self.send_batch(Prefer="tx=rollback")

    def keyed(self):
        self.keys += 1
        answers = [self.user.post("", {"title": f"keyed {self.keys}"}, headers={"Idempotency-Key": str(self.keys)})
                   for _ in range(2)]
        assert [answer.status for answer in answers] == [201, 201], answers
        assert answers[0].body == answers[1].body and answers[1]["Idempotent-Replayed"] == "true"
        self.keep(answers[0].json())

    def foreign(self):
        """Somebody else's task is none."""
        id = next(id for id in range(1, 1000) if id not in self.tasks)
        answers = [self.user.get(f"/{id}"), self.user.put(f"/{id}", {"title": "intruder"}),
                   self.user.delete(f"/{id}")]
        assert [answer.status for answer in answers] == [404] * 3, answers

    def refused(self):
        """A transaction that fails in the middle."""
        id = self.any_id()
        assert self.user.put(f"/{id}", {"title": "x"}, headers={"If-Match": '"999999"'}).status == 412

    def check(self):
        self.list()
        versions = [task["version"] for task in self.tasks.values()]
        assert len(set(versions)) == len(versions)


def test_users_interleaved(site, pooled):
    """Twice as many users as workers, each with one request under way at a time."""
    seed = new_seed()
    models = [Model(User(site, f"interleaved-{n}"), seed) for n in range(2 * WORKERS)]

    def work(model):
        for _ in range(scaled(12)):
            model.act()
        model.check()

    in_threads(work, models)
    clients = [row for row in pooled.pooler.ask("SHOW CLIENTS") if row["database"] == "todo"]
    servers = [row for row in pooled.pooler.ask("SHOW SERVERS") if row["database"] == "todo"]
    assert len(servers) <= CONNECTIONS < len(clients), "the workers do not share"
    in_threads(Model.check, models)


# ---- transactions that stay open between two round trips


def test_duplicates_at_the_same_time(site):
    """Eight users with eight of the same keyed request each, over four connections."""
    users = [User(site, f"duplicates-{n}") for n in range(8)]

    def post(n):
        user = users[n % 8]
        return user.name, user.post("/batch", {"operations": [{"op": "create", "title": user.name}] * 20},
                                    headers={"Idempotency-Key": "k"})

    answers = in_threads(post, range(64))
    assert {answer.status for _, answer in answers} == {200}, answers
    assert len({(name, answer.body) for name, answer in answers}) == 8
    for user in users:
        assert user.titles() == [user.name] * 20


class Holder:
    """Somebody else who keeps a transaction open, and so one of the four connections."""

    def __init__(self, cluster):
        self.process = subprocess.Popen(["psql", "-XAtq", cluster.reach(cluster.url())], text=True, env=clean_environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write("BEGIN; SELECT 'held';\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "held\n"

    def let_go(self):
        self.process.communicate("ROLLBACK;\n")


@pytest.fixture
def hold(pooled):
    """hold(count): so many connections are in others' hands; the last ones let go at the end."""
    holders = []
    yield lambda count: holders.extend(Holder(pooled) for _ in range(count)) or holders
    for holder in holders:
        if holder.process.poll() is None:
            holder.let_go()


def test_one_connection_is_enough(site, hold):
    """Held transactions, exports and plain requests pass through what is left, one after the other."""
    users = [User(site, f"last-one-{n}") for n in range(16)]
    hold(CONNECTIONS - 1)

    def work(user):
        for n in range(3):
            answer = user.post("/batch", {"operations": [{"op": "create", "title": user.name}]},
                               headers={"Idempotency-Key": str(n)})
            assert answer.status == 200, answer
        answer = user.get("/export")
        assert answer.status == 200 and [task["title"] for task in answer.json()] == [user.name] * 3, answer

    in_threads(work, users)


def test_no_connection_is_left(pooled, make_site, hold):
    """503 at the deadline, and nothing is wrong when there is one again."""
    deadline = min(3000, int(1000 * SLOW))  # PostgreSQL ends the holders after 15 s
    user = User(make_site(pooled, TODO_DB_DEADLINE_MS=deadline), "left-out")
    task = user.create()
    holders = hold(CONNECTIONS)
    for answer in (user.get(), user.put(f"/{task['id']}", {"title": "late"}), user.get("/export")):
        assert answer.status == 503 and int(answer["Retry-After"]) >= 1, answer
    for holder in holders:
        holder.let_go()
    # A worker that found nothing keeps away from the database for a moment: all have to be back.
    eventually(10, lambda: set(in_threads(lambda _: user.get().status, range(32))) == {200}, "answers")
    in_threads(lambda _: user.create(), range(8))
    assert len(user.titles()) == 9


def test_exports_beside_writers(site, pooled):
    """An export has a connection of its own until its end; the others write on the rest."""
    reader, writers = User(site, "reader"), [User(site, f"writer-{n}") for n in range(8)]
    pooled.sql(f"""
        INSERT INTO todo.users (id, change_seq) VALUES ('{reader.name}', 15000);
        INSERT INTO todo.tasks (user_id, title, description, version)
            SELECT '{reader.name}', 'task ' || n, repeat('x', 200), n FROM generate_series(1, 15000) n""")
    connections = []
    for _ in range(CONNECTIONS - 1):
        connection = socket.socket(socket.AF_INET)
        connection.settimeout(60 * SLOW)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.connect(("127.0.0.1", site.port))
        connection.sendall(f"GET /unbuffered{reader.base}/export HTTP/1.0\r\nAuthorization: Bearer "
                           f"{reader.token}\r\n\r\n".encode())
        connections.append((connection, connection.recv(100)))
    reader.create("too late for it")
    in_threads(lambda n: writers[n % 8].create(writers[n % 8].name), range(64))
    for writer in writers:
        assert writer.titles() == [writer.name] * 8
    connections.pop()[0].close()
    for connection, data in connections:
        while piece := connection.recv(1 << 20):
            data += piece
        tasks = json.loads(data.partition(b"\r\n\r\n")[2])
        assert [task["version"] for task in tasks] == list(range(1, 15001))
        assert {task["user_id"] for task in tasks} == {reader.name}
        connection.close()
    idle = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'todo_app' AND xact_start IS NOT NULL"
    eventually(20, lambda: pooled.sql(idle) == "0", "the end of all snapshots")


# ---- what happens to a pooler


def test_paused(site, pooled):
    """Requests wait for RESUME, and none fails."""
    user = User(site, "patient")
    user.create()
    pooled.pooler.ask("PAUSE todo")
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(user.get) for _ in range(8)]
        eventually(5, lambda: sum(int(row["cl_waiting"]) for row in pooled.pooler.ask("SHOW POOLS")) > 0, "a wait")
        pooled.pooler.ask("RESUME todo")
        assert {future.result().status for future in futures} == {200}


def states(pooled):
    return [row["state"] for row in pooled.pooler.ask("SHOW SERVERS") if row["database"] == "todo"]


def test_sessions_of_the_database_are_cut(site, pooled):
    """Idle ones: PgBouncer opens others, and the workers do not notice."""
    user = User(site, "uncut")
    for _ in range(3):
        assert user.get().status == 200
        eventually(5, lambda: set(states(pooled)) == {"idle"}, "rest")
        pooled.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")
        eventually(5, lambda: not states(pooled), "PgBouncer's notice")


def test_restarted(site, pooled):
    """The workers' connections are gone; each opens another before it asks."""
    user = User(site, "restarted")
    user.create()
    pooled.pooler.stop()
    assert user.get().status == 503
    pooled.pooler.start()
    eventually(10, lambda: user.get().status == 200, "an answer")
    assert {answer.status for answer in in_threads(lambda _: user.get(), range(64), 8)} == {200}


def test_check_tells_of_a_pooler(pooled):
    def check(**settings):
        done = subprocess.run([TODOCTL, "check"], capture_output=True, text=True, env=clean_environment(
            BETTER_AUTH_SECRET=SECRET, **settings))
        assert done.returncode == 0, done
        return done.stdout

    through = pooled.reach(pooled.url())
    assert "\nwarn  pooler: " in check(DATABASE_URL=through)
    assert "\nok    pooler: " in check(DATABASE_URL=through, TODO_DB_PREPARE=0)
    assert "pooler" not in check(DATABASE_URL=pooled.url())
