# SPDX-License-Identifier: ISC
"""What happens when many come at once, and when something dies: a worker, the database, the pool."""

import concurrent.futures
import os
import signal
import socket
import threading
import time

import pytest

from harness import SLOW, Response, User, eventually

DEADLINE = 2 if SLOW < 5 else 5  # seconds; TODO_DB_DEADLINE_MS
LATEST = DEADLINE + 1 * SLOW  # by then every request has its answer


@pytest.fixture
def lab(own_cluster, make_site):
    return make_site(own_cluster, TODO_DB_DEADLINE_MS=DEADLINE * 1000)


class Load:
    """Clients that create and list without a pause, and note every answer."""

    def __init__(self, site, clients=8):
        self.site = site
        self.answers = []  # (status or exception, seconds, finished at)
        self.acknowledged = {}
        self.stopping = threading.Event()
        self.users = [User(site, f"load-{time.monotonic_ns()}-{n}") for n in range(clients)]
        self.threads = [threading.Thread(target=self.run, args=(user,)) for user in self.users]

    def run(self, user):
        kept = self.acknowledged.setdefault(user.name, [])
        while not self.stopping.is_set():
            self.note(lambda: user.get("?limit=5", checked=False))
            made = self.note(lambda: user.post("", {"title": "kept"}, checked=False))
            if made is not None and made.status == 201:
                kept.append(made.json()["id"])

    def note(self, send):
        start = time.monotonic()
        try:
            answer = send()
            status = answer.status
        except OSError as error:
            answer, status = None, repr(error)
        self.answers.append((status, time.monotonic() - start, time.monotonic()))
        return answer

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def statuses(self):
        return {status for status, _, _ in self.answers}

    def slowest(self):
        return max(seconds for _, seconds, _ in self.answers)

    def assert_nothing_is_lost(self):
        for user in self.users:
            eventually(2, lambda: user.get(checked=False).status == 200, "the database, reached again")
            there = {task["id"] for task in user.get().json()}
            assert there.issuperset(self.acknowledged[user.name][-1000:])


def at_once(count, send):
    """`count` requests from as many threads, released together."""
    barrier = threading.Barrier(count)

    def one(n):
        barrier.wait()
        return send(n)

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def test_sixty_at_once(site, make_user):
    users = [make_user() for _ in range(60)]

    def send(n):
        return users[n].post("", {"title": "t"}) if n % 2 else users[n].get()

    for _ in range(3):
        assert {answer.status for answer in at_once(60, send)} == {200, 201}
    assert len(site.pool.workers()) == site.pool.size


def test_sixty_at_once_for_one_user(alice):
    answers = at_once(60, lambda n: alice.post("", {"title": f"t{n}"}))
    assert {answer.status for answer in answers} == {201}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 61))


def test_killed_worker_is_replaced(lab):
    before = lab.pool.workers()
    with Load(lab) as load:
        for _ in range(3):
            victim = lab.pool.workers()[-1]
            os.kill(victim, signal.SIGKILL)
            eventually(5, lambda: victim not in lab.pool.workers() and len(lab.pool.workers()) == lab.pool.size, "a new worker")
    # nginx answers 502 for the request that the dead worker had in hand, and for that alone.
    statuses = [status for status, _, _ in load.answers]
    assert set(statuses) <= {200, 201, 502} and statuses.count(502) <= 3 * 2
    assert lab.pool.workers() != before
    load.assert_nothing_is_lost()


def test_killed_database_session(lab, own_cluster):
    with Load(lab) as load:
        for _ in range(5):
            own_cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")
            time.sleep(0.1)
    assert load.statuses() <= {200, 201, 503}
    load.assert_nothing_is_lost()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_database_restarted_under_load(lab, own_cluster, mode):
    workers = lab.pool.workers()
    with Load(lab) as load:
        own_cluster.stop(mode)
        time.sleep(1)
        own_cluster.start()
        back = time.monotonic()
        eventually(1, lambda: User(lab, "back").get(checked=False).status == 200, "the first 200")
        time.sleep(1.5)
    assert load.statuses() == {200, 201, 503}
    assert load.slowest() < LATEST
    late = {status for status, _, at in load.answers if at > back + 1 * SLOW}
    assert late <= {200, 201}, late
    assert lab.pool.workers() == workers
    load.assert_nothing_is_lost()


def test_database_away(lab, own_cluster):
    user = User(lab, "left-alone")
    task = user.create()
    stranger = User(lab, "stranger", base=user.base)
    own_cluster.stop()
    try:
        for _ in range(6):
            for answer in (user.get(), user.get(f"/{task['id']}"), user.post("", {"title": "t"}),
                           user.put(f"/{task['id']}", {"title": "t"}), user.patch(f"/{task['id']}/complete"),
                           user.delete(f"/{task['id']}"), lab.request("GET", "/ready")):
                assert answer.status == 503, answer
                assert 1 <= int(answer["Retry-After"]) <= 60
        # What needs no database is answered as ever.
        assert lab.request("GET", "/health").status == 200
        assert lab.request("GET", "/").status == 200
        assert stranger.get().status == 403
        assert user.get(headers={"Authorization": None}).status == 401
        assert user.get("/1/2/3").status == 404
        assert user.post("", {}).status == 422
        assert user.get("/x").status == 422
        assert user.get("?limit=0").status == 422
    finally:
        own_cluster.start()
    assert eventually(1, lambda: user.get(checked=False).status == 200)
    assert user.get().json() == [task]


def test_database_stopped_not_dead(lab, own_cluster):
    """It holds the connections and says nothing: the deadline is the client's own."""
    user = User(lab, "waiting")
    user.create()
    at_once(8, lambda n: user.get())
    frozen = own_cluster.pids()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        answers = at_once(4, lambda n: user.post("", {"title": "t"}) if n % 2 else user.get())
        assert {answer.status for answer in answers} == {503}
        assert time.monotonic() - start < LATEST
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    eventually(2, lambda: user.get(checked=False).status == 200, "recovery")


def test_locked_row(lab, own_cluster):
    """Somebody holds the user's row: 503 at the deadline, no worker lost, and right again after."""
    user = User(lab, "locked")
    task = user.create()
    holder = threading.Thread(target=own_cluster.sql, args=(
        "BEGIN; SELECT FROM todo.users WHERE id = 'locked' FOR UPDATE; SELECT pg_sleep(%g); COMMIT"
        % (DEADLINE + 1.5),))
    holder.start()
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    eventually(5, lambda: own_cluster.sql(sleeping).strip() == "1", "the lock")
    start = time.monotonic()
    answer = user.put(f"/{task['id']}", {"title": "t"})
    assert answer.status == 503 and time.monotonic() - start < LATEST
    assert user.get().json() == [task]
    holder.join()
    assert user.put(f"/{task['id']}", {"title": "t"}).status == 200


# ---- stopping


def send_all(site, count, path, token):
    """Opens `count` connections and sends a request on each; gives the sockets."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    sockets = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", site.port), 30 * SLOW)
        connection.sendall(request.encode())
        sockets.append(connection)
    return sockets


def answers_of(sockets):
    import http.client
    for connection in sockets:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        yield Response(answer, "GET")
        connection.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("spawned", [0, 4])
def test_stop_with_a_hundred_in_flight(own_cluster, make_site, how, spawned):
    count = 100 if SLOW < 5 else 20  # a drain has its limits in time
    site = make_site(own_cluster, spawned=spawned)
    user = User(site, "in-flight")
    if not user.get().json():
        own_cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('in-flight', 1000);
            INSERT INTO todo.tasks (user_id, title, version)
            SELECT 'in-flight', 'task ' || n, n FROM generate_series(1, {int(1000 / SLOW)}) n""")
    whole = user.get().body
    leaders = site.pool.plain_pids or [site.pool.process.pid]
    workers = site.pool.workers()
    sockets = send_all(site, count, user.base, user.token)
    for pid in leaders:
        os.kill(pid, how)
    answers = list(answers_of(sockets))
    assert [answer.status for answer in answers] == [200] * count
    assert all(answer.body == whole for answer in answers)
    eventually(10, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "their end")
    if not spawned:
        assert site.pool.process.wait(10 * SLOW) == 0


def test_stop_when_idle_is_quick(own_cluster, make_site):
    site = make_site(own_cluster)
    User(site, "idle").create()
    start = time.monotonic()
    assert site.pool.stop() == 0
    assert time.monotonic() - start < 1 * SLOW


def test_stop_without_a_database(own_cluster, make_site):
    own_cluster.stop()
    try:
        site = make_site(own_cluster, wait=False)
        assert User(site, "x").get().status == 503
        start = time.monotonic()
        assert site.pool.stop() == 0
        assert time.monotonic() - start < 2 * SLOW
    finally:
        own_cluster.start()


def test_workers_end_with_their_supervisor(own_cluster, make_site):
    site = make_site(own_cluster)
    eventually(10, lambda: len(site.pool.workers()) == site.pool.size, "all workers")
    workers = site.pool.workers()
    site.pool.process.kill()
    site.pool.process.wait()
    eventually(5, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "their end")


def test_start_again_on_the_same_socket(own_cluster, make_site):
    site = make_site(own_cluster)
    task = User(site, "again").create()
    assert site.pool.stop() == 0
    site.pool.start()
    eventually(5, site.is_ready, "/ready")
    assert User(site, "again").get().json() == [task]
    site.cluster.sql("DELETE FROM todo.users WHERE id = 'again'")


# ---- clients that misbehave


def test_client_that_goes_away(site, alice):
    workers = site.pool.workers()
    for sock in send_all(site, 50, alice.base, alice.token):
        sock.close()
    assert alice.get().status == 200
    assert site.pool.workers() == workers


def test_garbage_on_the_socket(site, alice):
    """The web server alone may connect; still, rubbish must not take the pool down."""
    for rubbish in (b"", b"\0", b"GET / HTTP/1.0\r\n\r\n", b"\1\1\0\1\0\10\0\0" + b"\0\1\0\0\0\0\0\0",
                    b"\1\4\0\1\0\0\0\0"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(site.pool.socket))
            connection.sendall(rubbish)
    assert alice.get().status == 200
    eventually(10, lambda: len(site.pool.workers()) == site.pool.size, "all workers")
