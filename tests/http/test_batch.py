# SPDX-License-Identifier: ISC
"""Several operations, all or none."""

import json

import pytest

from harness import User


def batch(user, *operations, **options):
    return user.post("/batch", {"operations": list(operations)}, **options)


def results(answer):
    assert answer.status == 200, answer
    body = answer.json()
    assert list(body) == ["results"]
    return body["results"]


@pytest.fixture
def tasks(alice):
    return [alice.create(f"t{n}", description="d", priority="high", tags=["x"]) for n in range(3)]


def state(user):
    return user.get().body, user.get()["ETag"], user.get("?trash=true").body


@pytest.fixture
def unchanged(alice, tasks):
    """After the test alice has what she had."""
    before = state(alice)
    yield
    assert state(alice) == before


# ---- what succeeds


def test_every_operation(alice, tasks):
    ids = [task["id"] for task in tasks]
    alice.delete(f"/{ids[2]}")
    made, updated, toggled, set_, trashed, restored = results(batch(
        alice,
        {"op": "create", "title": " new ", "due_date": "2030-01-01", "completed": True},
        {"op": "update", "id": ids[0], "title": "changed", "description": None},
        {"op": "complete", "id": ids[0]},
        {"op": "complete", "id": ids[1], "completed": False},
        {"op": "delete", "id": ids[1]},
        {"op": "restore", "id": ids[2]}))
    assert made["title"] == "new" and made["completed_at"] and made["due_date"] == "2030-01-01T00:00:00.000000Z"
    assert updated == {**tasks[0], "title": "changed", "description": None, "version": 6,
                       "updated_at": updated["updated_at"]}
    assert toggled["id"] == ids[0] and toggled["completed"] is True and toggled["title"] == "changed"
    assert set_["id"] == ids[1] and set_["completed"] is False
    assert trashed["id"] == ids[1] and restored["id"] == ids[2]
    assert [task["version"] for task in (made, updated, toggled, set_, trashed, restored)] == [5, 6, 7, 8, 9, 10]
    assert {task["id"]: task for task in alice.get().json()} == {
        made["id"]: made, ids[0]: toggled, ids[2]: restored}
    assert [task["id"] for task in alice.get("?trash=true").json()] == [ids[1]]
    assert ".10-" in alice.get()["ETag"]


def test_operations_see_those_before(alice):
    made = results(batch(alice, {"op": "create", "title": "t"}))[0]
    id = made["id"]
    versions = [task["version"] for task in results(batch(
        alice, {"op": "complete", "id": id}, {"op": "complete", "id": id}, {"op": "delete", "id": id},
        {"op": "restore", "id": id}, {"op": "update", "id": id, "title": "u", "if_match": 5}))]
    assert versions == [2, 3, 4, 5, 6]
    assert alice.get(f"/{id}").json()["title"] == "u"


def test_a_hundred(alice):
    made = results(batch(alice, *[{"op": "create", "title": f"t{n}"} for n in range(100)]))
    assert [task["title"] for task in made] == [f"t{n}" for n in range(100)]
    assert [task["version"] for task in made] == list(range(1, 101))
    gone = results(batch(alice, *[{"op": "delete", "id": task["id"]} for task in made]))
    assert [task["id"] for task in gone] == [task["id"] for task in made]
    assert alice.get().json() == []


def test_a_new_user(alice):
    """The first that is heard of somebody may be a batch, and it may fail."""
    assert batch(alice, {"op": "create", "title": "t"}, {"op": "delete", "id": 1}).status == 404
    assert alice.get()["ETag"].startswith('"0.0-')
    assert [task["version"] for task in results(batch(alice, *[{"op": "create", "title": "t"}] * 2))] == [1, 2]


def test_unknown_members(alice, tasks):
    made = results(batch(alice, {"op": "create", "title": "t", "id": 1, "user_id": "bob", "version": 99, "if_match": "?"}))[0]
    assert made["user_id"] == alice.name and made["version"] == 4 and made["id"] != 1
    answer = alice.post("/batch", {"operations": [{"op": "complete", "id": made["id"], "title": ""}], "x": 1})
    assert results(answer)[0]["title"] == "t"
    put = results(batch(alice, {"op": "update", "id": tasks[0]["id"], "title": None, "priority": None, "tags": None}))[0]
    assert (put["title"], put["priority"], put["tags"]) == ("t0", "high", ["x"])


@pytest.mark.parametrize("form", [
    3, "3", '"3"', 'W/"3"', '"3-gzip"', '"1", "3"', "*", None])
def test_if_match_holds(alice, tasks, form):
    assert results(batch(alice, {"op": "update", "id": tasks[2]["id"], "title": "x", "if_match": form}))[0]["version"] == 4


@pytest.mark.parametrize("operation", ["update", "complete", "delete"])
@pytest.mark.parametrize("form", [2, "2", '"2"', 99, 0, -1, '"x"', '"1", "2"', 2 ** 63 - 1])
def test_if_match_is_stale(alice, tasks, unchanged, operation, form):
    answer = batch(alice, {"op": "create", "title": "t"},
                   {"op": operation, "id": tasks[2]["id"], "title": "x", "if_match": form})
    assert answer.status == 412, answer
    assert answer.pointers() == ["/operations/1/if_match"]


def test_required_if_match(cluster, make_site):
    user = User(make_site(cluster, TODO_REQUIRE_IF_MATCH=1), "careful-batch")
    made = results(batch(user, {"op": "create", "title": "t"}))[0]
    answer = batch(user, {"op": "create", "title": "t"}, {"op": "complete", "id": made["id"]})
    assert answer.status == 428 and answer.pointers() == ["/operations/1/if_match"], answer
    for operations in ([{"op": "frob"}, {"op": "complete", "id": 1}], [{"op": "complete", "id": 1}, {"op": "frob"}]):
        assert batch(user, *operations).status == 422
    assert results(batch(user, {"op": "complete", "id": made["id"], "if_match": "*"}))


# ---- what fails


@pytest.mark.parametrize("operation,status,member", [
    ({"op": "update", "id": 999999999999, "title": "x"}, 404, "id"),
    ({"op": "complete", "id": -1}, 404, "id"),
    ({"op": "delete", "id": 0}, 404, "id"),
    ({"op": "restore", "id": 2 ** 63 - 1}, 404, "id"),
    ({"op": "restore", "id": "first"}, 409, "id"),
    ({"op": "update", "id": "trashed", "title": "x"}, 404, "id"),
    ({"op": "delete", "id": "trashed"}, 404, "id"),
    ({"op": "update", "id": "bob's", "title": "x"}, 404, "id"),
    ({"op": "restore", "id": "bob's"}, 404, "id"),
])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_all_or_none(alice, bob, tasks, operation, status, member, place):
    alice.delete(f"/{tasks[1]['id']}")
    ids = {"first": tasks[0]["id"], "trashed": tasks[1]["id"], "bob's": bob.create()["id"]}
    operation = {**operation, "id": ids.get(operation["id"], operation["id"])}
    before = state(alice), state(bob)
    operations = [{"op": "create", "title": "t"}, {"op": "delete", "id": tasks[0]["id"]}]
    if operation["id"] == tasks[0]["id"]:
        operations[1] = {"op": "update", "id": tasks[0]["id"], "title": "x"}
    operations.insert(place, operation)
    answer = batch(alice, *operations)
    assert answer.status == status, answer
    assert answer.pointers() == [f"/operations/{place}/{member}"]
    assert answer.json()["errors"][0]["loc"] == ["body", "operations", place, member]
    assert (state(alice), state(bob)) == before


def test_all_faults_together(alice, tasks, unchanged):
    answer = batch(alice, {"op": "create"}, {"op": "create", "title": "t"},
                   {"op": "update", "id": "x", "title": "", "tags": ["a", "a"]}, {"op": "frob"}, {}, [], None,
                   {"op": "complete", "id": 1, "completed": "yes"}, {"op": "delete"},
                   {"op": "delete", "id": 1, "if_match": {}}, {"op": 5}, {"op": "restore", "id": 1.5})
    assert answer.status == 422, answer
    assert answer.pointers() == [f"/operations/{place}" for place in (
        "0/title", "2/id", "2/title", "2/tags/1", "3/op", "4/op", "5", "6", "7/completed", "8/id", "9/if_match",
        "10/op", "11/id")]


@pytest.mark.parametrize("body", [
    {}, {"operations": []}, {"operations": None}, {"operations": {}}, {"operations": "x"},
    {"operations": [{"op": "create", "title": "t"}] * 101}])
def test_how_many(alice, tasks, unchanged, body):
    answer = alice.post("/batch", body)
    assert answer.status == 422 and answer.pointers() == ["/operations"], answer


@pytest.mark.parametrize("form", ["", True, [], 1.5, {}, "?", "'3'", '"3', "W/3"])
def test_malformed_if_match(alice, tasks, unchanged, form):
    answer = batch(alice, {"op": "delete", "id": tasks[0]["id"], "if_match": form})
    assert answer.status == 422 and answer.pointers() == ["/operations/0/if_match"], answer


@pytest.mark.parametrize("body,status", [
    (b"", 400), (b"{", 400), (b"[]", 422), (b'{"operations":[{"op":"create","op":"create","title":"t"}]}', 400),
    (b'{"operations":[{"op":"create","title":"\\u0000"}]}', 422), (b'{"operations":[{"op":"create","title":"\xff"}]}', 400),
    (b'{"operations":[{"op":"delete","id":9223372036854775808}]}', None)])
def test_bodies(alice, tasks, unchanged, body, status):
    answer = alice.post("/batch", body=body, headers={"Content-Type": "application/json"})
    assert answer.status == status if status else answer.status in (400, 422), answer


def padded(size, count=1):
    body = json.dumps({"operations": [{"op": "create", "title": "t"}] * count, "padding": ""})
    return (body[:-2] + "x" * (size - len(body)) + body[-2:]).encode()


def test_sizes(alice):
    """Up to 1 MiB here, and no more than elsewhere elsewhere."""
    assert len(padded(1 << 20)) == 1 << 20
    assert len(results(alice.post("/batch", body=padded(1 << 20, 3)))) == 3
    assert alice.post("/batch", body=padded((1 << 20) + 1)).status == 413
    chunked = {"Transfer-Encoding": "chunked"}
    body = padded((1 << 20) + 1)
    assert alice.post("/batch", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), headers=chunked).status == 413
    assert alice.post("", body=padded(65537)).status == 413
    assert len(alice.get().json()) == 3


def test_methods_and_types(alice, bob):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = alice.request(method, "/batch", {})
        assert answer.status == 405 and answer.words("Allow") == {"post", "options"}, answer
    assert alice.post("/batch", body=b"{}", headers={"Content-Type": "text/plain"}).status == 415
    assert User(alice.site, bob.name, base=alice.base).post("/batch", {}).status == 403
    assert alice.post("/batch", {}, headers={"Authorization": None}).status == 401


# ---- trial runs


@pytest.mark.parametrize("preference", [
    "tx=rollback", "TX=rollback", 'tx="rollback"', "return=minimal, tx=rollback", " tx = rollback "])
def test_trial(alice, tasks, unchanged, preference):
    answer = batch(alice, {"op": "create", "title": "new"}, {"op": "delete", "id": tasks[0]["id"]},
                   headers={"Prefer": preference})
    made, trashed = results(answer)
    assert made["title"] == "new" and trashed["id"] == tasks[0]["id"]
    assert answer["Preference-Applied"] == "tx=rollback"
    assert "preference-applied" not in answer.words("Vary")


@pytest.mark.parametrize("preference", ["tx=commit", "tx", "xtx=rollback", "tx=rollbackx", "", "rollback"])
def test_no_trial(alice, tasks, preference):
    answer = batch(alice, {"op": "create", "title": "new"}, headers={"Prefer": preference})
    assert answer["Preference-Applied"] is None
    assert alice.get(f"/{results(answer)[0]['id']}").status == 200


def test_failed_trial(alice, tasks, unchanged):
    answer = batch(alice, {"op": "create", "title": "x"}, {"op": "delete", "id": 1}, headers={"Prefer": "tx=rollback"})
    assert answer.status == 404 and answer.pointers() == ["/operations/1/id"]


def test_a_trial_leaves_nothing_locked(alice, tasks):
    for _ in range(8):
        assert batch(alice, {"op": "complete", "id": tasks[0]["id"]}, headers={"Prefer": "tx=rollback"}).status == 200
        assert batch(alice, {"op": "delete", "id": 1}).status == 404
        assert alice.put(f"/{tasks[0]['id']}", {"title": "x"}).status == 200


def test_key(alice, tasks):
    """The whole batch is one request."""
    operations = [{"op": "complete", "id": tasks[0]["id"]}, {"op": "create", "title": "x"}]
    first = batch(alice, *operations, headers={"Idempotency-Key": "k"})
    again = batch(alice, *operations, headers={"Idempotency-Key": "k"})
    assert results(first) == results(again) and again["Idempotent-Replayed"] == "true"
    assert batch(alice, operations[0], headers={"Idempotency-Key": "k"}).status == 422
    assert alice.get(f"/{tasks[0]['id']}").json()["completed"] is True
    assert batch(alice, {"op": "delete", "id": 1}, headers={"Idempotency-Key": "l"}).status == 404
    assert batch(alice, operations[0], headers={"Idempotency-Key": "l"}).status == 200


def test_without_prepared_statements(cluster, make_site):
    user = User(make_site(cluster, TODO_DB_PREPARE=0), "unprepared-batch")
    made = results(batch(user, *[{"op": "create", "title": "t"}] * 3, headers={"Idempotency-Key": "k"}))
    assert batch(user, {"op": "delete", "id": made[0]["id"]}, {"op": "delete", "id": 1}).status == 404
    assert len(user.get().json()) == 3
    assert [task["version"] for task in user.get("/changes").json()["changes"]] == [1, 2, 3]
