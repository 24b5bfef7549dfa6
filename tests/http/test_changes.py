# SPDX-License-Identifier: ISC
"""What has changed since a cursor."""

import pytest


def page(user, since=None, **parameters):
    """One answer, checked."""
    parameters = {**({"since": since} if since is not None else {}), **parameters}
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = user.get("/changes" + ("?" + query if query else ""))
    assert answer.status == 200, answer
    body = answer.json()
    assert set(body) == {"changes", "next", "more"}, body
    versions = [change["version"] for change in body["changes"]]
    assert versions == sorted(set(versions)), body
    return body


def pages(user, since=None, **parameters):
    """All changes up to now, and the last cursor."""
    changes = []
    while True:
        body = page(user, since, **parameters)
        changes += body["changes"]
        since = body["next"]
        if not body["more"]:
            return changes, since


def stone(id, version):
    return {"id": id, "deleted": True, "version": version}


def purge(user):
    """Removes for good what is in the trash, as todoctl does."""
    user.site.cluster.sql(f"""BEGIN;
        UPDATE todo.users u SET change_seq = change_seq + 1, purged_seq =
            (SELECT max(version) FROM todo.tasks WHERE user_id = u.id AND deleted_at IS NOT NULL)
            WHERE id = '{user.name}';
        DELETE FROM todo.tasks WHERE user_id = '{user.name}' AND deleted_at IS NOT NULL; COMMIT""")


def test_first_reading(alice, bob):
    bob.create("not alice's")
    tasks = [alice.create(f"t{n}", tags=["x"]) for n in range(5)]
    body = page(alice)
    assert body["changes"] == tasks and body["more"] is False
    assert page(alice, body["next"]) == {"changes": [], "next": body["next"], "more": False}


def test_each_kind_of_change(alice):
    since = page(alice)["next"]
    ids = [alice.create(f"t{n}")["id"] for n in range(5)]
    alice.put(f"/{ids[0]}", {"title": "put"})
    alice.patch(f"/{ids[1]}", {"title": "patched"})
    alice.patch(f"/{ids[2]}/complete")
    alice.delete(f"/{ids[3]}")
    alice.delete(f"/{ids[4]}")
    alice.post(f"/{ids[4]}/restore")
    body = page(alice, since)
    live = {task["id"]: task for task in alice.get().json()}
    assert body["changes"] == [live[ids[0]], live[ids[1]], live[ids[2]], stone(ids[3], 9), live[ids[4]]]
    assert [change["version"] for change in body["changes"]] == [6, 7, 8, 9, 11]
    assert body["more"] is False and pages(alice, body["next"]) == ([], body["next"])


def test_trash_and_back(alice):
    task = alice.create()
    since = page(alice)["next"]
    alice.delete(f"/{task['id']}")
    body = page(alice, since)
    assert body["changes"] == [stone(task["id"], 2)]
    restored = alice.post(f"/{task['id']}/restore").json()
    assert page(alice, body["next"])["changes"] == [restored]
    assert page(alice, since)["changes"] == [restored]
    # One who has no cursor has nothing to drop.
    alice.delete(f"/{task['id']}")
    body = page(alice)
    assert body["changes"] == []
    assert page(alice, body["next"])["changes"] == []
    assert page(alice, since)["changes"] == page(alice, "0.0")["changes"] == [stone(task["id"], 4)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
def test_pages(alice, limit):
    tasks = [alice.create(f"t{n}") for n in range(8)]
    assert pages(alice, limit=limit)[0] == tasks
    since = page(alice, limit=limit)["next"]
    alice.delete(f"/{tasks[0]['id']}")
    expected = tasks[limit:] + [stone(tasks[0]["id"], 9)]
    assert pages(alice, since, limit=limit)[0] == expected


def test_limit_by_default(alice):
    alice.create()
    alice.site.cluster.sql(f"""INSERT INTO todo.tasks (user_id, title, version)
        SELECT '{alice.name}', 'task ' || n, n FROM generate_series(2, 2500) n;
        UPDATE todo.users SET change_seq = 2500 WHERE id = '{alice.name}'""")
    sizes, since = [], None
    while True:
        body = page(alice, since)
        sizes.append(len(body["changes"]))
        since = body["next"]
        if not body["more"]:
            break
    assert sizes == [1000, 1000, 500]


def test_nobody_yet(alice):
    """A user without a row has a cursor that stays good."""
    body = page(alice)
    assert body == {"changes": [], "next": "0.0", "more": False}
    assert page(alice, "0.0") == body
    tasks = [alice.create(f"t{n}") for n in range(3)]
    alice.delete(f"/{tasks[0]['id']}")
    assert pages(alice, "0.0", limit=1)[0] == tasks[1:] + [stone(tasks[0]["id"], 4)]
    assert pages(alice, "0.0", limit=3) == pages(alice, "0.0", limit=1)
    purge(alice)
    assert pages(alice, "0.0", limit=1)[0] == tasks[1:]


def test_a_change_between_pages(alice):
    """What moves behind the cursor comes again, with its new version."""
    tasks = [alice.create(f"t{n}") for n in range(4)]
    first = page(alice, limit=2)
    assert first["changes"] == tasks[:2] and first["more"] is True
    changed = alice.put(f"/{tasks[0]['id']}", {"title": "changed"}).json()
    alice.delete(f"/{tasks[1]['id']}")
    alice.delete(f"/{tasks[2]['id']}")
    rest, _ = pages(alice, first["next"], limit=2)
    assert rest == [tasks[3], changed, stone(tasks[1]["id"], 6), stone(tasks[2]["id"], 7)]


# ---- cursors


@pytest.mark.parametrize("since", [
    "", "x", "0", ".", "0.", ".0", "0.x", "1.-1", "g.1", "1.1.x", "1.1.0", "1.1.1.1", "0.1", "0.0.1", "+1.1", "1.1+",
    "1.%2B1", "1.9223372036854775808", "11111111111111111.1", "ffffffffffffffff.1", "A.1", "1.1%00", "1,1",
    "1.1." + "9" * 30])
def test_malformed_cursor(alice, since):
    alice.create()
    answer = alice.get(f"/changes?since={since}")
    assert answer.status == 422, answer
    assert "since" in answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5"])
def test_malformed_limit(alice, limit):
    answer = alice.get(f"/changes?limit={limit}&since=zzz")
    assert answer.status == 422, answer
    assert {error["loc"][-1] for error in answer.json()["errors"]} == {"limit", "since"}


def assert_gone(user, since):
    answer = user.get(f"/changes?since={since}")
    assert answer.status == 410, answer
    assert "without since" in answer.json()["detail"]


def test_cursor_of_another_time(alice, bob):
    alice.create()
    bob.create()
    mine, theirs = page(alice)["next"], page(bob)["next"]
    epoch, seq = mine.split(".")
    assert_gone(alice, f"{epoch}.2")
    assert_gone(alice, f"{epoch}.1.2")
    assert_gone(alice, f"{epoch}.9223372036854775807")
    assert_gone(alice, theirs)
    assert_gone(alice, f"{int(epoch, 16) + 1:x}.{seq}")
    alice.site.cluster.sql(f"DELETE FROM todo.users WHERE id = '{alice.name}'")
    assert_gone(alice, mine)
    alice.create("again")
    assert_gone(alice, mine)


def test_cursor_behind_a_purge(alice):
    tasks = [alice.create(f"t{n}") for n in range(4)]
    before = page(alice)["next"]
    alice.delete(f"/{tasks[0]['id']}")
    between = page(alice)["next"]
    alice.delete(f"/{tasks[1]['id']}")
    told = page(alice, between)
    purge(alice)
    assert_gone(alice, before)
    assert_gone(alice, between)
    # Who was told of everything that was purged goes on.
    assert page(alice, told["next"])["changes"] == []
    assert page(alice)["changes"] == tasks[2:]
    new = alice.create("new")
    assert page(alice, told["next"])["changes"] == [new]


def test_purge_before_a_first_reading(alice):
    """Its pages may lie below what was purged before it began: it never had that."""
    tasks = [alice.create(f"t{n}") for n in range(6)]
    alice.delete(f"/{tasks[0]['id']}")
    purge(alice)
    for limit in (1, 2, 1000):
        assert pages(alice, limit=limit)[0] == pages(alice, "0.0", limit=limit)[0] == tasks[1:]


def test_purge_during_a_first_reading(alice):
    tasks = [alice.create(f"t{n}") for n in range(6)]
    alice.delete(f"/{tasks[5]['id']}")
    first = page(alice, limit=2)
    purge(alice)
    # What it was never given has gone: no matter.
    assert pages(alice, first["next"], limit=2)[0] == tasks[2:5]
    # What it was given has gone: it must begin again.
    first = page(alice, limit=2)
    alice.delete(f"/{tasks[0]['id']}")
    purge(alice)
    assert_gone(alice, first["next"])


def test_purge_changes_the_trash(alice):
    """The list of the trash is another one afterwards, and its tag says so."""
    alice.delete(f"/{alice.create()['id']}")
    tag = alice.get("?trash=true")["ETag"]
    purge(alice)
    answer = alice.get("?trash=true", headers={"If-None-Match": tag})
    assert answer.status == 200 and answer.json() == []


# ---- the rest of the contract


def test_entity_tag(alice):
    nothing = alice.get("/changes")
    assert nothing["ETag"].startswith('"0.0-')
    task = alice.create()
    first = alice.get("/changes")
    assert first["ETag"] == alice.get()["ETag"]
    for tag in (first["ETag"], f"W/{first['ETag']}", "*"):
        answer = alice.get("/changes", headers={"If-None-Match": tag})
        assert answer.status == 304 and answer["ETag"] == first["ETag"], answer
    assert alice.get("/changes", headers={"If-None-Match": nothing["ETag"]}).json()["changes"] == [task]
    assert alice.get("/changes", headers={"If-None-Match": "x"}).status == 400
    alice.delete(f"/{task['id']}")
    assert alice.get("/changes", headers={"If-None-Match": first["ETag"]}).status == 200


def test_methods(alice):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = alice.request(method, "/changes", {})
        assert answer.status == 405 and answer.words("Allow") == {"get", "head", "options"}, answer
    assert alice.request("OPTIONS", "/changes").status == 204
    head = alice.request("HEAD", "/changes")
    assert head.status == 200 and head["ETag"].startswith('"0.0-')
    assert alice.get("/changes/").json()["changes"] == []


def test_whose(alice, bob, make_user):
    alice.create()
    stranger = make_user(base=alice.base)
    assert stranger.get("/changes").status == 403
    assert alice.get("/changes", headers={"Authorization": None}).status == 401
    short = make_user(alice.name, base="/api/tasks")
    assert short.get("/changes").json() == alice.get("/changes").json()
    # Called like the segment itself.
    odd = make_user("changes")
    task = odd.create()
    assert page(odd)["changes"] == [task]


def apply(known, changes):
    for change in changes:
        known.pop(change["id"], None)
        if not change.get("deleted"):
            known[change["id"]] = change
    return known


def test_a_replica(alice):
    """Every cursor on the way leads to the same end."""
    replicas = [({}, None)]
    for n in range(30):
        task = alice.create(f"t{n}")
        if n % 3 == 0:
            alice.delete(f"/{task['id']}")
        if n % 4 == 0 and n > 0:
            alice.put(f"/{alice.get('?limit=1&order=asc').json()[0]['id']}", {"title": f"n{n}"})
        changes, since = pages(alice, limit=1 + n % 5)
        replicas.append((apply({}, changes), since))
    wanted = {task["id"]: task for task in alice.get().json()}
    for known, since in replicas:
        assert apply(known, pages(alice, since, limit=4)[0]) == wanted
