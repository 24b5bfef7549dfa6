# SPDX-License-Identifier: ISC
"""Idempotency-Key."""

import concurrent.futures
import subprocess
import threading
import time

import pytest

from harness import SLOW, TODOCTL, User, clean_environment, eventually

REQUESTS = {
    "create": ("POST", "", {"title": "new", "tags": ["ü"]}, 201),
    "put": ("PUT", "/{id}", {"title": "put"}, 200),
    "patch": ("PATCH", "/{id}", {"title": "patched"}, 200),
    "toggle": ("PATCH", "/{id}/complete", None, 200),
    "complete": ("PATCH", "/{id}/complete", {"completed": True}, 200),
    "delete": ("DELETE", "/{id}", None, 204),
    "restore": ("POST", "/{trashed}/restore", None, 200),
    "batch": ("POST", "/batch", {"operations": [{"op": "create", "title": "x"}, {"op": "create", "title": "y"}]}, 200),
}


@pytest.fixture
def ask(alice):
    """ask(name, key, ...): one of REQUESTS, of alice, who has a task and one in the trash."""
    ids = {"id": alice.create()["id"], "trashed": alice.create()["id"]}
    alice.delete(f"/{ids['trashed']}")

    def send(name, key, user=alice, headers=None, **changes):
        method, path, body, _ = REQUESTS[name]
        options = {"json_body": body, **changes}
        return user.request(method, path.format(**ids), headers={"Idempotency-Key": key, **(headers or {})}, **options)

    return send


def counter(user):
    return user.get("/changes")["ETag"]


def same(first, again):
    assert again["Idempotent-Replayed"] == "true" and first["Idempotent-Replayed"] is None
    assert again.status == first.status and again.body == first.body
    for name in ("ETag", "Location", "Content-Type", "Content-Length", "Cache-Control", "Vary", "Preference-Applied"):
        assert again[name] == first[name], name
    assert again["X-Request-Id"] != first["X-Request-Id"]


@pytest.mark.parametrize("name", REQUESTS)
def test_replay(alice, ask, name):
    first = ask(name, "k")
    assert first.status == REQUESTS[name][3], first
    then = counter(alice)
    for _ in range(2):
        same(first, ask(name, "k"))
    assert counter(alice) == then
    # Whatever has become of the task.
    for task in alice.get().json():
        alice.delete(f"/{task['id']}")
    then = counter(alice)
    same(first, ask(name, "k"))
    assert counter(alice) == then


@pytest.mark.parametrize("name", REQUESTS)
def test_another_payload(alice, ask, name):
    ask(name, "k")
    then = counter(alice)
    answer = ask(name, "k", json_body={"title": "another", "completed": False, "operations": [
        {"op": "create", "title": "another"}]})
    assert answer.status == 422 and "Idempotency-Key" in answer.json()["detail"], answer
    assert answer["Idempotent-Replayed"] is None
    assert counter(alice) == then
    # The same JSON in other bytes, and the same body with a query, are other payloads too.
    if name == "create":
        assert ask(name, "k", json_body=None, body=b'{"tags":["\xc3\xbc"],"title":"new"}').status == 422
        assert alice.post("?x=1", REQUESTS[name][2], headers={"Idempotency-Key": "k"}).status == 422


def test_scope(alice, bob, ask, make_user):
    """A key is one user's, for one method and one path."""
    first = alice.post("", {"title": "t"}, headers={"Idempotency-Key": "k"})
    others = [
        bob.post("", {"title": "t"}, headers={"Idempotency-Key": "k"}),
        alice.post("", {"title": "t"}, headers={"Idempotency-Key": "K"}),
        alice.post("", {"title": "t"}, headers={"Idempotency-Key": "k "  "k"}),
        alice.put(f"/{first.json()['id']}", {"title": "t"}, headers={"Idempotency-Key": "k"}),
        alice.patch(f"/{first.json()['id']}", {"title": "t"}, headers={"Idempotency-Key": "k"}),
        alice.patch(f"/{first.json()['id']}/complete", {"title": "t"}, headers={"Idempotency-Key": "k"}),
    ]
    another = alice.create()
    others.append(alice.put(f"/{another['id']}", {"title": "t"}, headers={"Idempotency-Key": "k"}))
    for answer in others:
        assert answer.status in (200, 201) and answer["Idempotent-Replayed"] is None, answer
    # Both spellings of a path, and a slash behind it, are the same path.
    for base in ("/api/tasks", "/api/tasks/", f"/prefix{alice.base}"):
        same(first, make_user(alice.name, base=base).post("", {"title": "t"}, headers={"Idempotency-Key": "k"}))
    toggled = [alice.request("PATCH", f"/{zero}{another['id']}/complete", headers={"Idempotency-Key": "k"})
               for zero in ("", "0")]
    same(*toggled)


@pytest.mark.parametrize("one,other", [
    ("k", '"k"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), (" k\t", "k"), ("x" * 255, '"' + "x" * 255 + '"'),
    ("8e03978e-40d5-43dd-bc93-6894a57f9324", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), ("a b, c;d", '"a b, c;d"')])
def test_spellings_of_one_key(ask, one, other):
    first = ask("create", one)
    assert first.status == 201
    same(first, ask("create", other))


@pytest.mark.parametrize("key", [
    '""', '"', '"k', 'k' * 256, '"' + "k" * 256 + '"', '"a"b"', '"k" ', '"k";x=1', '"a\\', '"a\\n"', "a\x01b", "a\x7f",
    "schl\u00fcssel"])
def test_malformed_key(alice, ask, key):
    if key.strip() != key:
        key += "x"
    then = counter(alice)
    answer = ask("create", key)
    assert answer.status == 400, answer
    if answer["Content-Type"] == "application/problem+json":  # nginx itself refuses some controls
        assert "Idempotency-Key" in answer.json()["detail"]
    assert counter(alice) == then


def test_reading_has_no_key(alice):
    task = alice.create()
    for path in ("", f"/{task['id']}", "/changes"):
        for _ in range(2):
            answer = alice.get(path, headers={"Idempotency-Key": "k"})
            assert answer.status == 200 and answer["Idempotent-Replayed"] is None


def test_refusals_are_not_kept(alice):
    """They changed nothing, so the key is as good as new."""
    task = alice.create()
    path, key = f"/{task['id']}", {"Idempotency-Key": "k"}
    assert alice.put(path, {"title": ""}, headers=key).status == 422
    assert alice.put(path, body=b"{", headers=key).status == 400
    assert alice.put(path, {"title": "x"}, headers={**key, "If-Match": '"9"'}).status == 412
    assert alice.put(path, {"title": "x"}, headers={**key, "Content-Type": "text/plain"}).status == 415
    assert alice.post(path + "/restore", headers=key).status == 409
    assert alice.put("/999999999999", {"title": "x"}, headers=key).status == 404
    assert alice.put("/x", {"title": "x"}, headers=key).status == 422
    alice.delete(path)
    assert alice.put(path, {"title": "x"}, headers=key).status == 404
    alice.post(path + "/restore")
    first = alice.put(path, {"title": "x"}, headers=key)
    assert first.status == 200
    same(first, alice.put(path, {"title": "x"}, headers={**key, "If-Match": '"1"'}))


def test_a_bad_token_comes_first(alice, bob, ask):
    first = ask("create", "k")
    assert first.status == 201
    assert ask("create", "k", headers={"Authorization": None}).status == 401
    assert User(alice.site, bob.name, base=alice.base).post("", REQUESTS["create"][2],
                                                            headers={"Idempotency-Key": "k"}).status == 403


def test_trial_is_not_kept(alice):
    body = {"operations": [{"op": "create", "title": "x"}]}
    trial = {"Idempotency-Key": "k", "Prefer": "tx=rollback"}
    for _ in range(2):
        answer = alice.post("/batch", body, headers=trial)
        assert answer.status == 200 and answer["Idempotent-Replayed"] is None
    assert alice.get().json() == []
    first = alice.post("/batch", body, headers={"Idempotency-Key": "k"})
    same(first, alice.post("/batch", body, headers={"Idempotency-Key": "k"}))
    assert len(alice.get().json()) == 1


def age(user, interval):
    user.site.cluster.sql(f"""UPDATE todo.idempotency_keys SET created_at = created_at - interval '{interval}'
        WHERE user_id = '{user.name}'""")


def test_keys_expire(alice, ask):
    first = ask("create", "k")
    age(alice, "23 hours 59 minutes")
    same(first, ask("create", "k"))
    age(alice, "1 minute")
    second = ask("create", "k")
    assert second.status == 201 and second["Idempotent-Replayed"] is None
    assert second.json()["id"] != first.json()["id"]
    same(second, ask("create", "k"))
    # With another payload, too.
    age(alice, "24 hours")
    assert ask("create", "k", json_body={"title": "other"}).status == 201


def test_keys_expire_by_the_setting(cluster, make_site):
    user = User(make_site(cluster, TODO_IDEMPOTENCY_HOURS=2), "expiring")
    first = user.post("", {"title": "t"}, headers={"Idempotency-Key": "k"})
    age(user, "119 minutes")
    same(first, user.post("", {"title": "t"}, headers={"Idempotency-Key": "k"}))
    age(user, "1 minute")
    assert user.post("", {"title": "t"}, headers={"Idempotency-Key": "k"}).json()["id"] != first.json()["id"]


def test_a_large_answer(alice):
    operations = [{"op": "create", "title": "😀" * 200, "description": "\u0001" * 1000} for _ in range(100)]
    first = alice.post("/batch", {"operations": operations}, headers={"Idempotency-Key": "k"})
    assert first.status == 200, first
    same(first, alice.post("/batch", {"operations": operations}, headers={"Idempotency-Key": "k"}))


# ---- at the same time


class Holder:
    """Somebody who holds a user's row, until told to let go."""

    def __init__(self, user):
        self.process = subprocess.Popen(["psql", "-XAtq", user.site.cluster.url("postgres")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
        self.write(f"BEGIN; SELECT 'held' FROM todo.users WHERE id = '{user.name}' FOR UPDATE;")
        assert self.process.stdout.readline() == "held\n"

    def write(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.communicate("ROLLBACK;\n")


def waiting(cluster):
    return int(cluster.sql("""SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'todo_app' AND wait_event_type = 'Lock'"""))


def test_duplicates_wait_and_replay(alice, ask, cluster):
    with Holder(alice) as holder, concurrent.futures.ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(ask, "create", "k") for _ in range(4)]
        eventually(5, lambda: waiting(cluster) == 4, "four who wait")
        holder.write("ROLLBACK;")
        answers = [future.result() for future in futures]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert sorted(answer["Idempotent-Replayed"] or "" for answer in answers) == ["", "true", "true", "true"]
    assert len(alice.get().json()) == 2


def test_duplicates_of_the_first_request_ever(site, make_user, cluster):
    """There is no row to lock yet: whoever makes it goes first."""
    for round in range(10):
        user = make_user()
        barrier = threading.Barrier(8)

        def post(_):
            barrier.wait()
            return user.post("", {"title": "t"}, headers={"Idempotency-Key": "k"})

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(post, range(8)))
        assert {answer.status for answer in answers} == {201}, answers
        assert len({answer.body for answer in answers}) == 1
        assert len(user.get().json()) == 1 and ".1-" in counter(user)


@pytest.mark.parametrize("deadline", [300, 1500])
def test_in_flight_past_the_deadline(cluster, make_site, deadline):
    site = make_site(cluster, TODO_DB_DEADLINE_MS=int(deadline * SLOW))
    user = User(site, f"in-flight-{deadline}")
    task = user.create()
    with Holder(user):
        start = time.monotonic()
        for method, path, body in (("POST", "", {"title": "t"}), ("PUT", f"/{task['id']}", {"title": "t"})):
            answer = user.request(method, path, body, headers={"Idempotency-Key": "k"})
            assert answer.status == 409 and int(answer["Retry-After"]) >= 1, answer
        assert time.monotonic() - start < (2 * deadline / 1000 + 1) * SLOW
        # One without a key has nothing to wait for the answer of.
        assert user.put(f"/{task['id']}", {"title": "t"}).status == 503
    eventually(5, lambda: user.put(f"/{task['id']}", {"title": "t"}, headers={"Idempotency-Key": "k"}).status == 200)
    assert user.post("", {"title": "t"}, headers={"Idempotency-Key": "k"}).status == 201


def test_purged_keys(alice, ask):
    """Who asks again after the purge is new."""
    first = ask("create", "k")
    age(alice, "24 hours 1 minute")
    subprocess.run([TODOCTL, "purge", "--keys"], check=True, stdout=subprocess.DEVNULL,
                   env=clean_environment(DATABASE_ADMIN_URL=alice.site.cluster.url("postgres")))
    assert alice.site.cluster.sql(f"SELECT count(*) FROM todo.idempotency_keys WHERE user_id = '{alice.name}'") == "0"
    assert ask("create", "k").json()["id"] != first.json()["id"]
