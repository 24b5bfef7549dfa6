# SPDX-License-Identifier: ISC
"""Reads by a streaming standby: never older than what the client has done, whatever happens to it.

The database's own answers carry a Todo-Position, the standby's do not: so it is told who answered."""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import pytest

from harness import (ORIGIN, SECRET, TMP, TODOCTL, Account, Standby, User, clean_environment,
                     eventually)

HEADER = "Todo-Position"


@contextlib.contextmanager
def new_standby(primary):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="todo.", dir=TMP))
    directory.chmod(0o755)
    standby = None
    try:
        standby = Standby(directory, primary)
        yield standby
    finally:
        if standby:
            standby.stop("immediate")
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def standby(own_cluster):
    with new_standby(own_cluster) as standby:
        yield standby


@pytest.fixture(scope="module")
def lab(own_cluster, standby):
    from harness import Site
    site = Site(own_cluster, DATABASE_READ_URL=standby.url(), TODO_WORKERS=2)
    yield site
    site.stop()


class Follower(User):
    """A client that sends back the last position it was given."""

    position = "none"

    def request(self, method, path="", json_body=None, body=None, headers=None, **options):
        headers = {HEADER: self.position, **(headers or {})}
        answer = super().request(method, path, json_body, body, headers, **options)
        self.position = answer[HEADER] or self.position
        return answer


names = iter(range(10**6))


@pytest.fixture
def ann(lab):
    return Follower(lab, f"follower-{next(names)}")


def by_standby(answer):
    assert answer.status in (200, 304), answer
    return answer[HEADER] is None


def eventually_by_standby(read):
    """The first answer that the standby gives."""
    def ask():
        answer = read()
        return answer if by_standby(answer) else None
    return eventually(40, ask, "an answer by the standby")


@contextlib.contextmanager
def paused(standby):
    standby.sql("SELECT pg_wal_replay_pause()")
    eventually(10, lambda: standby.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "a pause")
    try:
        yield
    finally:
        standby.sql("SELECT pg_wal_replay_resume()")


@contextlib.contextmanager
def setting(cluster, name, value):
    """For all sessions, those there are already too."""
    cluster.sql(f"ALTER SYSTEM SET {name} = '{value}'")
    cluster.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        cluster.sql(f"ALTER SYSTEM RESET {name}")
        cluster.sql("SELECT pg_reload_conf()")


# ---- who answers


@pytest.mark.parametrize("path", ["", "?limit=1&sort=title", "/tags", "/changes", "/{id}"])
def test_the_standby_answers(ann, path):
    task = ann.create(tags=["a", "b"])
    ann.create("another")
    path = path.format(**task)
    mine = User(ann.site, ann.name).get(path, headers={HEADER: "none"})
    assert mine[HEADER]
    answer = eventually_by_standby(lambda: ann.get(path))
    assert answer.status == 200 and answer.body == mine.body
    assert (answer["ETag"], answer["Link"]) == (mine["ETag"], mine["Link"])
    same = eventually_by_standby(lambda: ann.get(path, headers={"If-None-Match": mine["ETag"]}))
    assert same.status == 304
    assert eventually_by_standby(lambda: ann.request("HEAD", path)).status == 200


def test_whoever_has_no_position_reads_the_database(ann, standby):
    with paused(standby):
        task = ann.create()
        stranger_to_positions = User(ann.site, ann.name)
        assert stranger_to_positions.get().json() == [task]
        assert stranger_to_positions.get(f"/{task['id']}").json() == task


def test_a_reader_gets_a_position_too(ann):
    assert ann.position == "none" and ann.get()[HEADER]
    eventually_by_standby(ann.get)


def test_who_has_not_heard_of_positions_reads_none(ann):
    assert ann.create() and User(ann.site, ann.name).get()[HEADER] is None


def test_an_export_is_the_databases(ann):
    ann.create()
    eventually_by_standby(ann.get)
    assert ann.get("/export")[HEADER]


def test_every_answer_to_a_write_has_a_position(ann):
    key = {"Idempotency-Key": "k"}
    task = ann.create()
    one = f"/{task['id']}"
    answers = [
        ann.post("", {"title": "t"}, headers=key), ann.post("", {"title": "t"}, headers=key),
        ann.put(one, {"title": "u"}), ann.put(one, {"title": "u"}, headers={"If-Match": '"1"'}),
        ann.patch(one + "/complete"), ann.post("/batch", {"operations": [{"op": "delete", "id": task["id"]}]}),
        ann.post(one + "/restore"), ann.post(one + "/restore"), ann.delete(one), ann.delete(one),
        ann.post("/import", body=b'[{"title": "i"}]', headers={"Content-Type": "application/json"})]
    assert [answer.status for answer in answers] == [201, 201, 200, 412, 200, 200, 200, 409, 204, 404, 200]
    assert answers[1]["Idempotent-Replayed"] == "true"
    positions = [numbers(answer[HEADER]) for answer in answers]
    lsns = [position[3] for position in positions]
    assert lsns == sorted(lsns) and len({position[1:3] for position in positions}) == 1


# ---- positions


def numbers(position):
    return struct.unpack("!qqqq", base64.urlsafe_b64decode(position + "="))


def forged(position, index, change):
    values = list(numbers(position))
    values[index] = change(values[index])
    return base64.urlsafe_b64encode(struct.pack("!qqqq", *values)).rstrip(b"=").decode()


@pytest.mark.parametrize("index,change", [
    (0, lambda at: at - 3600), (0, lambda at: at + 3600), (0, lambda at: -2**63), (0, lambda at: 2**63 - 1),
    (1, lambda system: system ^ 1), (2, lambda timeline: timeline + 1), (2, lambda timeline: 0),
    (3, lambda lsn: 2**63 - 1), (3, lambda lsn: lsn + 2**30)])
def test_positions_that_lead_to_the_database(ann, index, change):
    task = ann.create()
    eventually_by_standby(ann.get)
    good = ann.position
    for _ in range(4):
        answer = User(ann.site, ann.name).get(headers={HEADER: forged(good, index, change)})
        assert not by_standby(answer) and answer.json() == [task]
    ann.position = good
    eventually_by_standby(ann.get)  # of others' positions nothing stays behind


@pytest.mark.parametrize("position", ["", "none", "0", "AAAA", "x" * 43, "\x7f", "A" * 6000, "0/16B3748"],
                         ids=range(8))
def test_no_position(ann, position):
    task = ann.create()
    answer = User(ann.site, ann.name).get(headers={HEADER: position})
    assert not by_standby(answer) and answer.json() == [task]


def test_the_end_of_a_file_of_the_log(ann, own_cluster):
    """The next record comes behind the new file's header, which the standby has not yet."""
    ann.create()
    own_cluster.sql("SELECT pg_switch_wal()")
    ann.position = "none"
    assert not by_standby(ann.get())
    assert numbers(ann.position)[3] % 2**20 == 40
    eventually(5, lambda: by_standby(ann.get()), "an answer before there is another record")


def test_cross_origin(ann):
    answer = ann.get(headers={"Origin": ORIGIN})
    assert HEADER.lower() in answer.words("Access-Control-Expose-Headers")
    preflight = ann.site.request("OPTIONS", ann.base, headers={
        "Origin": ORIGIN, "Access-Control-Request-Method": "GET"})
    assert HEADER.lower() in preflight.words("Access-Control-Allow-Headers")


# ---- lagging


def test_lagging(ann, standby):
    task = ann.create("old")
    before = eventually_by_standby(ann.get)
    cursor = ann.get("/changes").json()["next"]
    old = ann.position
    with paused(standby):
        changed = ann.put(f"/{task['id']}", {"title": "new"}).json()
        other = ann.create("other")
        for _ in range(5):  # the client's own writes are there
            answer = ann.get("?order=asc")
            assert not by_standby(answer) and answer.json() == [changed, other]
            assert ann.get(f"/{other['id']}").json() == other
            assert len(ann.get("/changes?since=" + cursor).json()["changes"]) == 2
        follower = User(ann.site, ann.name)

        def late(path):
            return follower.get(path, headers={HEADER: old})

        # With a position from before, the standby's state will do, and it is whole.
        stale = eventually_by_standby(lambda: late(""))
        assert (stale.body, stale["ETag"]) == (before.body, before["ETag"])
        assert late("/changes?since=" + cursor).json() == {"changes": [], "next": cursor, "more": False}
        # What it does not know, the database is asked for: neither a 404 nor a 410 is its to give.
        assert late(f"/{other['id']}").json() == other
        newer = ann.get("/changes").json()["next"]
        assert late("/changes?since=" + newer).json()["next"] == newer
        assert late("/0").status == 404 and late("?limit=0").status == 422
        # Nothing is missed by one who goes on from its cursor.
        assert [c["version"] for c in ann.get("/changes?since=" + cursor).json()["changes"]] == [2, 3]
    assert len(eventually_by_standby(ann.get).json()) == 2


def test_a_short_lag_is_waited_for(ann, standby):
    def write_and_read():
        task = ann.create()
        answer = ann.get(f"/{task['id']}")
        assert answer.json() == task
        return by_standby(answer)

    with setting(standby, "recovery_min_apply_delay", "25ms"):
        eventually(30, lambda: all(write_and_read() for _ in range(4)), "answers that were waited for")


def test_what_will_not_come_soon_is_not_waited_for(own_cluster, standby, make_site):
    """A position far ahead costs one look at the standby, and nobody else's patience."""
    site = make_site(own_cluster, DATABASE_READ_URL=standby.url(), TODO_WORKERS=1)
    client = Follower(site, f"follower-{next(names)}")

    def questions(position):
        """How many round trips the answer to this one takes: to the standby, and one to the database."""
        count = re.compile(r"^todo_database_roundtrip_duration_seconds_count (\d+)$", re.MULTILINE)

        def counted():
            return int(count.search(site.request("GET", "/metrics", checked=False).body.decode())[1])

        before = counted()
        assert not by_standby(User(site, client.name).get(headers={HEADER: position}))
        return counted() - before

    client.create()
    eventually_by_standby(client.get)
    with paused(standby):
        client.create()
        assert [questions(forged(client.position, 3, lambda lsn: lsn + 2**30)) for _ in range(3)] == [2, 2, 2]
        assert questions(client.position) > 2  # waited for


# ---- dying


class Walk:
    """Clients that write and read back, each with its position; every read has to show the last
    write, and nothing is refused."""

    def __init__(self, site, clients=4):
        self.site = site
        self.stopping = threading.Event()
        self.faults = []
        self.counts = {True: 0, False: 0}  # reads, by the standby or not
        self.threads = [threading.Thread(target=self.run, args=(Follower(site, f"walk-{next(names)}"),))
                        for _ in range(clients)]

    def run(self, client):
        try:
            task = client.create("0")
            for n in range(1, 10**6):
                if self.stopping.is_set():
                    return
                self.step(client, task, n)
        except Exception as fault:  # an answer that is none included
            self.faults.append(fault)

    def step(self, client, task, n):
        written = client.put(f"/{task['id']}", {"title": str(n)})
        assert written.status == 200, written
        for path in ("", f"/{task['id']}", "/changes"):
            answer = client.get(path)
            assert answer.status == 200, answer
            self.counts[by_standby(answer)] += 1
            assert f'"title":"{n}"' in answer.body.decode(), (n, answer)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def until_by_standby(self):
        before = self.counts[True]
        eventually(60, lambda: self.counts[True] > before + 10 or self.faults, "reads by the standby")


def test_reads_stay_right_whatever_happens_to_the_standby(lab, own_cluster, standby):
    with Walk(lab) as walk:
        walk.until_by_standby()
        with setting(own_cluster, "synchronous_commit", "off"):  # a commit is then told before it is flushed
            time.sleep(1)
        walk.until_by_standby()
        with paused(standby):
            time.sleep(0.5)
        walk.until_by_standby()
        standby.stop("immediate")
        time.sleep(0.5)
        standby.start()
        walk.until_by_standby()
        frozen = standby.pids()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(1.5)
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        walk.until_by_standby()
        standby.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")
        walk.until_by_standby()
    assert not walk.faults, walk.faults
    assert walk.counts[True] > 40 and walk.counts[False] > 0


def test_counted(ann, standby):
    def counted():
        text = ann.site.request("GET", "/metrics", checked=False).body.decode()
        found = re.findall(r'^todo_standby_reads_total{result="(\w+)"} (\d+)$', text, re.MULTILINE)
        return {result: int(number) for result, number in found}

    ann.create()
    before = counted()
    eventually_by_standby(ann.get)
    assert counted()["answered"] == before["answered"] + 1
    with paused(standby):
        ann.create()
        eventually(10, lambda: ann.get() and counted()["behind"] > before["behind"], "a count")


def test_database_away(ann, own_cluster):
    """Then the standby still answers what it may; and after a write that nobody knows the end of,
    no position serves."""
    task = ann.create()
    eventually_by_standby(lambda: ann.get(f"/{task['id']}"))
    own_cluster.stop()
    try:
        assert by_standby(ann.get())
        assert ann.get(f"/{task['id']}").json() == task
        assert ann.get("/0").status == 503
        answer = ann.put(f"/{task['id']}", {"title": "lost?"})
        assert answer.status == 503 and answer[HEADER] == "none"
        assert ann.get().status == 503
    finally:
        own_cluster.start()
    eventually(10, lambda: ann.get().status == 200, "the database")
    eventually_by_standby(ann.get)


# ---- what must not be read from


def never_by_standby(client):
    task = client.create()
    for _ in range(10):
        answer = client.get()
        assert not by_standby(answer) and answer.json() == [task]


@pytest.mark.parametrize("where", ["role", "primary", "nowhere", "refused"])
def test_useless_standbys(own_cluster, standby, make_site, where):
    url = {"role": standby.url("postgres"), "primary": own_cluster.url(), "nowhere": "host=/nowhere",
           "refused": standby.url(password="another")}[where]
    site = make_site(own_cluster, DATABASE_READ_URL=url, TODO_WORKERS=1)
    never_by_standby(Follower(site, f"useless-{where}"))
    assert re.search("standby: ", site.pool.log.read_text())


def check(cluster, url):
    """What todoctl check says of a standby."""
    done = subprocess.run([TODOCTL, "check"], capture_output=True, text=True, env=clean_environment(
        DATABASE_URL=cluster.url(), DATABASE_READ_URL=url, BETTER_AUTH_SECRET=SECRET))
    assert done.returncode == 0, done.stdout + done.stderr
    return re.search(r"^(\S+) +standby: (.*)$", done.stdout, re.MULTILINE).groups()


def test_todoctl_check(own_cluster, standby, cluster):
    eventually(20, lambda: check(own_cluster, standby.url()) == ("ok", "0 bytes of the log behind"), "no lag")
    with paused(standby):
        own_cluster.sql("CREATE TABLE filler (); DROP TABLE filler")
        verdict, finding = check(own_cluster, standby.url())
        assert verdict == "ok" and int(finding.split()[0]) > 0
    for url, words in ((own_cluster.url(), "is no standby: "), ("host=/nowhere", "/nowhere"),
                       (standby.url("postgres"), "is a superuser")):
        verdict, finding = check(own_cluster, url)
        assert verdict == "warn" and words in finding and finding.endswith(" answers alone")
    verdict, finding = check(cluster, standby.url())
    assert verdict == "warn" and finding.startswith("is a standby of another database: ")


def test_sessions_are_the_databases(own_cluster, standby, make_site):
    """A standby that has not heard of the end of a session must not let it go on."""
    site = make_site(own_cluster, DATABASE_READ_URL=standby.url(), TODO_CHECK_SESSION=1, TODO_WORKERS=1)
    eva = Account(site, "eva@example.com", "the password of eva")
    made = eva.request("POST", "/api/tasks", {"title": "t"})
    position = {HEADER: made[HEADER]}
    standby.catch_up()
    assert eva.request("GET", "/api/tasks", headers=position)[HEADER]
    with paused(standby):
        assert eva.call("logout", {}).status == 204
        assert eva.request("GET", "/api/tasks", headers=position).status == 401


def test_promoted(own_cluster, make_site):
    """It goes a way of its own from then on, and its log may well be longer than the database's."""
    with new_standby(own_cluster) as other:
        site = make_site(own_cluster, DATABASE_READ_URL=other.url(), TODO_WORKERS=2)
        client = Follower(site, "promoted")
        task = client.create("0")
        eventually_by_standby(client.get)
        before = {HEADER: client.position}
        with Walk(site) as walk:
            walk.until_by_standby()
            other.sql("SELECT pg_promote()")
            other.sql("UPDATE todo.tasks SET title = 'of another world'")
            other.sql("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
            time.sleep(0.3)
            written = client.put(f"/{task['id']}", {"title": "1"}).json()
            for _ in range(20):
                answer = client.get()
                assert not by_standby(answer) and answer.json() == [written]
                assert User(site, client.name).get(headers=before).json() == [written]
        assert not walk.faults, walk.faults


def both(first, second, wanted):
    """A URL of two hosts, of which libpq takes the one that is wanted."""
    credentials, _, query = first.url().partition("?")
    port = re.search(r"port=(\d+)", query)[1]
    return (f"{credentials}?host={first.directory},{second.directory}&port={port},{port}"
            f"&target_session_attrs={wanted}")


def test_failover(own_cluster, make_site):
    """The database dies, the standby takes its place: what was acknowledged is there, reads go on
    being right, and after the promotion nothing is refused."""
    with new_standby(own_cluster) as other:
        site = make_site(own_cluster, DATABASE_URL=both(own_cluster, other, "read-write"),
                         DATABASE_READ_URL=both(other, own_cluster, "prefer-standby"), TODO_WORKERS=2)
        client = Follower(site, "failover")
        task = client.create("0")
        eventually_by_standby(client.get)
        own_cluster.stop()  # it hands over what is left of its log
        other.sql("SELECT pg_promote()")
        eventually(10, lambda: client.get("?limit=5").status == 200, "the new database")
        assert client.get().json() == [task]
        for n in range(10):
            written = client.put(f"/{task['id']}", {"title": str(n)})
            assert written.status == 200 and written[HEADER]
            answer = client.get()
            assert not by_standby(answer) and answer.json() == [written.json()]
        with new_standby(other) as third:  # on the second timeline
            after = make_site(other, DATABASE_READ_URL=third.url(), TODO_WORKERS=1)
            client.site = after
            client.put(f"/{task['id']}", {"title": "last"})
            assert eventually_by_standby(client.get).json()[0]["title"] == "last"
    own_cluster.start()
