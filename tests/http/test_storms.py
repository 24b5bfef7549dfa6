# SPDX-License-Identifier: ISC
"""Many clients at once on one user, while workers are killed and connections are cut: nothing is
lost, done twice, missed or told twice."""

import random
import subprocess
import threading
import time

import pytest

from harness import TODOCTL, clean_environment
from storm import Session, cut_connections, in_parallel, kill_a_worker, meanwhile, new_seed, scaled

CLIENTS = 8
OPERATIONS = scaled(10000)
KEYS, POSTS, RETRY_ROUNDS = 20, 200, scaled(5)
EDIT_ROUNDS = scaled(1000)
ACCEPTABLE = {200, 201, 204, 404, 409, 412, 502, 503}


@pytest.fixture
def lab(cluster, make_site):
    return make_site(cluster, TODO_WORKERS=8)


# ---- following the changes


class Replica:
    """A copy of the user's tasks, kept in step by following the changes."""

    def __init__(self, session, rng):
        self.session = session
        self.rng = rng
        self.restarts = -1
        self.told = {}  # version: change, over all restarts
        self.restart()

    def restart(self):
        self.tasks, self.cursor, self.version = {}, None, 0
        self.restarts += 1

    def follow(self, pages=1000):
        for _ in range(pages):
            query = f"?limit={self.rng.randint(1, 30)}"
            if self.cursor is not None:
                query += f"&since={self.cursor}"
            answer = self.session.insist("GET", "/changes" + query)
            if answer.status == 410:
                self.restart()
                continue
            assert answer.status == 200, answer
            body = answer.json()
            for change in body["changes"]:
                self.take(change)
            self.cursor = body["next"]
            if not body["more"]:
                self.version = int(self.cursor.split(".")[1])
                return

    def take(self, change):
        """In the order of the versions, each once; and a version is one change only."""
        assert change["version"] > self.version, (change, self.version, self.cursor)
        assert self.told.setdefault(change["version"], change) == change
        self.version = change["version"]
        self.tasks.pop(change["id"], None)
        if not change.get("deleted"):
            self.tasks[change["id"]] = change


class Writer:
    """Does random operations on what its replica knows, and notes what was acknowledged."""

    def __init__(self, site, user, seed):
        self.rng = random.Random(seed)
        self.session = Session(site, user)
        self.replica = Replica(self.session, self.rng)
        self.trashed = []
        self.acknowledged = {}  # version: task
        self.changes = 0  # that were acknowledged; each has taken one version
        self.done = 0
        self.statuses = {}

    def run(self, operations):
        while self.done < operations:
            self.act()
            if self.rng.random() < 0.3:
                self.replica.follow(self.rng.choice((1, 2, 1000)))
        self.replica.follow()

    def act(self):
        verbs = (self.create, self.put, self.patch, self.complete, self.delete, self.restore, self.batch)
        answer, size = self.rng.choices(verbs, (20, 15, 15, 15, 15, 10, 10))[0]()
        assert answer.status in ACCEPTABLE, answer
        self.done += size
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if answer.status == 204:
            self.changes += 1
        elif answer.status in (200, 201):
            body = answer.json()
            tasks = body.get("results", [body])
            self.changes += len(tasks)
            for task in tasks:
                assert self.acknowledged.setdefault(task["version"], task) == task

    def some_task(self):
        """Its id, and now and then a condition."""
        tasks = self.replica.tasks
        if not tasks:
            return 1, None
        task = tasks[self.rng.choice(list(tasks))]
        return task["id"], task["version"] if self.rng.random() < 0.4 else None

    def title(self):
        return {"title": f"{self.rng.random()}"}

    def send(self, method, path, body=None, version=None):
        return self.session.send(method, path, body, If_Match=version and f'"{version}"'), 1

    def create(self):
        return self.send("POST", "", self.title())

    def put(self):
        id, version = self.some_task()
        return self.send("PUT", f"/{id}", self.title(), version)

    def patch(self):
        id, version = self.some_task()
        return self.send("PATCH", f"/{id}", {"description": f"{self.rng.random()}"}, version)

    def complete(self):
        id, version = self.some_task()
        return self.send("PATCH", f"/{id}/complete", None, version)

    def delete(self):
        id, version = self.some_task()
        self.trashed.append(id)
        return self.send("DELETE", f"/{id}", None, version)

    def restore(self):
        id = self.rng.choice(self.trashed) if self.trashed else 1
        return self.send("POST", f"/{id}/restore")

    def batch(self):
        operations = [self.operation() for _ in range(self.rng.randint(1, 5))]
        headers = {"Prefer": "tx=rollback"} if self.rng.random() < 0.1 else {}
        answer = self.session.send("POST", "/batch", {"operations": operations}, **headers)
        if answer.status == 200:
            versions = [task["version"] for task in answer.json()["results"]]
            assert versions == list(range(versions[0], versions[0] + len(operations))), versions
        if headers and answer.status == 200:
            answer.body = b'{"results": []}'  # it did not happen
        return answer, len(operations)

    def operation(self):
        verb = self.rng.choice(("create", "update", "complete", "delete", "restore"))
        if verb == "create":
            return {"op": verb, **self.title()}
        id, version = self.some_task()
        if verb == "restore" and self.trashed:
            id, version = self.rng.choice(self.trashed), None
        if verb == "delete":
            self.trashed.append(id)
        return {"op": verb, "id": id, **({"if_match": version} if version else {}),
                **(self.title() if verb == "update" else {})}


def run_writers(site, user, seed, operations):
    writers = [Writer(site, user, seed * CLIENTS + n) for n in range(CLIENTS)]
    in_parallel([lambda w=writer: w.run(operations / CLIENTS) for writer in writers])
    for writer in writers:
        writer.replica.follow()
    statuses = {}
    for writer in writers:
        for status, count in writer.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    print(f"{sum(w.done for w in writers)} operations, answers {dict(sorted(statuses.items()))}, "
          f"{sum(w.replica.restarts for w in writers)} restarts")
    return writers


def assert_same_end(site, user, writers):
    """Every replica is what the server has, and all were told the same of each version."""
    session = Session(site, user)
    there = {}
    page = "?limit=1000&order=asc"
    for offset in range(0, 10 ** 6, 1000):
        tasks = session.insist("GET", f"{page}&offset={offset}").json()
        there.update((task["id"], task) for task in tasks)
        if len(tasks) < 1000:
            break
    history = {}
    for writer in writers:
        assert writer.replica.tasks == there
        for version, change in [*writer.acknowledged.items(), *writer.replica.told.items()]:
            history.setdefault(version, []).append(change)
    for changes in history.values():
        assert len({change["id"] for change in changes}) == 1, changes
        # A task that a batch has put into the trash is told as such, but acknowledged as it was.
        told = [change for change in changes if not change.get("deleted")]
        assert all(change == told[0] for change in told), changes


def test_replicas(lab, cluster):
    """8 clients change and follow one user's tasks, while workers are killed and the trash is
    purged. One more only follows, and so seldom that it has to start again now and then."""
    seed = new_seed()
    user = f"replicas-{seed}"
    environment = clean_environment(DATABASE_ADMIN_URL=cluster.url("postgres"))

    def purge():
        subprocess.run([TODOCTL, "purge", "--older-than", "1s", "--batch", "7"], check=True, env=environment,
                       stdout=subprocess.DEVNULL)

    sleeper = Writer(lab, user, seed)
    with meanwhile(0.15, lambda: kill_a_worker(lab)) as killed, meanwhile(1, purge) as purged, \
            meanwhile(3, sleeper.replica.follow):
        writers = run_writers(lab, user, seed, OPERATIONS)
    sleeper.replica.follow()
    print(f"{len(killed)} workers killed, {len(purged)} purges, {sleeper.replica.restarts} restarts of the sleeper")
    assert sum(writer.done for writer in writers) >= OPERATIONS and killed
    assert_same_end(lab, user, [*writers, sleeper])


def test_versions_have_no_gaps(site, cluster):
    """With no answer lost, the counter is the number of the changes; and the last is a task's."""
    seed = new_seed()
    user = f"versions-{seed}"
    writers = run_writers(site, user, seed, scaled(3000))
    assert not {502, 503} & {status for writer in writers for status in writer.statuses}
    assert_same_end(site, user, writers)
    last = cluster.sql(f"""SELECT change_seq, (SELECT max(version) FROM todo.tasks WHERE user_id = u.id)
        FROM todo.users u WHERE id = '{user}'""")
    changes = sum(writer.changes for writer in writers)
    assert last == f"{changes}|{changes}"


def test_every_version_is_acknowledged(site, cluster):
    """Creations and batches tell all their versions: 1 to the counter, each once."""
    user = f"acknowledged-{new_seed()}"
    versions = []

    def write(n):
        session, mine = Session(site, user), []
        for round in range(scaled(40)):
            mine.append(session.send("POST", "", {"title": "t"}).json())
            operations = [{"op": "create", "title": "t"}] * (1 + (n + round) % 5)
            if round % 3 == 0:
                operations.append({"op": "delete", "id": 1})  # not there: nothing happens
            answer = session.send("POST", "/batch", {"operations": operations})
            assert answer.status == (404 if round % 3 == 0 else 200), answer
            mine += answer.json().get("results", [])
            mine.append(session.send("PUT", f"/{mine[-1]['id']}", {"title": "u"}).json())
        versions.extend(task["version"] for task in mine)

    in_parallel([lambda n=n: write(n) for n in range(CLIENTS)])
    assert sorted(versions) == list(range(1, len(versions) + 1))


# ---- exactly once


def test_retries(lab, cluster):
    """200 POSTs with 20 keys: 20 tasks, and each key has one answer, whatever breaks meanwhile."""
    seed = new_seed()
    statuses = []
    with meanwhile(0.15, lambda: kill_a_worker(lab)) as killed, \
            meanwhile(0.01, lambda: cut_connections(cluster)) as cut:
        for round in range(RETRY_ROUNDS):
            retry_round(lab, cluster, f"retries-{seed}-{round}", statuses)
    print(f"{len(killed)} workers killed, {len(cut)} times 10 connections cut; answers",
          {status: statuses.count(status) for status in sorted(set(statuses))})


def retry_round(site, cluster, user, statuses):
    bodies = {key: set() for key in range(KEYS)}
    lock = threading.Lock()

    def post(key, session):
        while True:
            answer = session.send("POST", "", {"title": f"task {key}"}, Idempotency_Key=f"key-{key}")
            with lock:
                statuses.append(answer.status)
            assert answer.status in (201, 409, 502, 503), answer
            if answer.status == 201:
                bodies[key].add((answer.body, answer["Location"], answer["ETag"]))
                return session.close()
            time.sleep(0.01)

    in_parallel([lambda n=n: post(n % KEYS, Session(site, user)) for n in range(POSTS)])
    assert all(len(seen) == 1 for seen in bodies.values()), bodies
    made = cluster.sql(f"SELECT count(*), max(version) FROM todo.tasks WHERE user_id = '{user}'")
    assert made == f"{KEYS}|{KEYS}"
    # And ever after.
    session = Session(site, user)
    for key, seen in bodies.items():
        answer = session.insist("POST", "", {"title": f"task {key}"}, Idempotency_Key=f"key-{key}")
        assert answer.status == 201 and answer["Idempotent-Replayed"] == "true"
        assert {(answer.body, answer["Location"], answer["ETag"])} == seen


# ---- two editors


def test_two_editors(site, alice):
    """Both start from the same version: one 200, one 412, round by round."""
    task = alice.create()
    sessions = [Session(site, alice.name) for _ in range(2)]
    barrier = threading.Barrier(2, timeout=60)
    answers = [[], []]
    state = [task]

    def edit(who):
        for round in range(EDIT_ROUNDS):
            barrier.wait()
            known = state[0]
            barrier.wait()
            answer = sessions[who].send("PUT", f"/{task['id']}", {"title": f"{who} {round}"},
                                        If_Match=f'"{known["version"]}"')
            answers[who].append(answer.status)
            if answer.status == 200:
                state[0] = answer.json()

    in_parallel([lambda: edit(0), lambda: edit(1)])
    for pair in zip(*answers):
        assert sorted(pair) == [200, 412]
    assert state[0]["version"] == EDIT_ROUNDS + 1
    assert alice.get(f"/{task['id']}").json() == state[0]
