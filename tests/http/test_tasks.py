# SPDX-License-Identifier: ISC
"""Tasks."""

import datetime
import re

import pytest

from harness import User

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIELDS = ["id", "user_id", "title", "description", "completed", "completed_at", "priority", "due_date",
          "tags", "created_at", "updated_at", "version"]


@pytest.fixture(params=["/api/{user}/tasks", "/api/tasks"])
def user(request, make_user):
    """In both spellings."""
    user = make_user()
    user.base = request.param.replace("{user}", user.name)
    return user


def walk(user):
    """A task's life. Gives nothing; asserts on the way."""
    assert user.get().json() == []
    made = user.post("", {"title": "Buy milk"})
    task = made.json()
    assert made.status == 201 and list(task) == FIELDS
    assert made["Location"] == f"{user.base}/{task['id']}"
    assert made["ETag"] == f'"{task["version"]}"'
    assert task["user_id"] == user.name
    assert INSTANT.fullmatch(task["created_at"]) and task["updated_at"] == task["created_at"]
    assert task | {"id": 0, "created_at": "", "updated_at": ""} == {
        "id": 0, "user_id": user.name, "title": "Buy milk", "description": None, "completed": False,
        "completed_at": None, "priority": "medium", "due_date": None, "tags": [], "created_at": "",
        "updated_at": "", "version": 1}

    path = f"/{task['id']}"
    read = user.get(path)
    assert read.status == 200 and read.json() == task and read["ETag"] == made["ETag"]
    assert user.get().json() == [task]

    changed = user.put(path, {"description": "two litres"})
    assert changed.status == 200
    assert changed.json() == task | {"description": "two litres", "version": 2,
                                     "updated_at": changed.json()["updated_at"]}
    assert changed.json()["updated_at"] > task["updated_at"]
    assert changed["ETag"] == '"2"'
    cleared = user.patch(path, {"description": None, "priority": "HIGH"})
    assert cleared.status == 200
    assert cleared.json()["description"] is None and cleared.json()["priority"] == "high"

    done = user.patch(path + "/complete")
    assert done.status == 200 and done.json()["completed"] is True
    assert INSTANT.fullmatch(done.json()["completed_at"])
    undone = user.patch(path + "/complete")
    assert undone.json()["completed"] is False and undone.json()["completed_at"] is None

    gone = user.delete(path)
    assert gone.status == 204
    assert user.get(path).status == 404 and user.get().json() == []
    back = user.post(path + "/restore")
    assert back.status == 200 and back.json()["title"] == "Buy milk"
    assert user.get().json() == [back.json()]


def test_life(user):
    walk(user)


def test_life_without_prepared_statements(cluster, make_site):
    walk(User(make_site(cluster, TODO_DB_PREPARE=0), "unprepared"))


def test_life_with_plain_workers(cluster, make_site):
    """As spawn-fcgi -F, multiwatch and lighttpd start them: TODO_WORKERS=1 is a plain responder."""
    site = make_site(cluster, spawned=3)
    assert len(site.pool.workers()) == 3
    walk(User(site, "plain"))


def test_life_at_debug_level(cluster, make_site):
    site = make_site(cluster, TODO_LOG_LEVEL="debug")
    user = User(site, "debugged")
    walk(user)
    log = site.pool.log.read_text()
    assert user.token not in log and user.token.split(".")[2] not in log
    assert site.pool.settings["BETTER_AUTH_SECRET"] not in log


# ---- fields

GOOD = [
    ("title", "x", "x"),
    ("title", "x" * 200, "x" * 200),
    ("title", "🦊" * 200, "🦊" * 200),
    ("title", "  trimmed\t\n", "trimmed"),
    ("title", "\u2003\u00a0trimmed\u3000", "trimmed"),
    ("title", "inner  space", "inner  space"),
    ("title", "<b>\"'&\\/\u0001\u2028.", "<b>\"'&\\/\u0001\u2028."),
    ("title", "%s%n'; --", "%s%n'; --"),
    ("description", None, None),
    ("description", "", ""),
    ("description", " kept ", " kept "),
    ("description", "日" * 1000, "日" * 1000),
    ("completed", True, True),
    ("completed", False, False),
    ("priority", "low", "low"),
    ("priority", "Critical", "critical"),
    ("due_date", None, None),
    ("due_date", "2026-02-28", "2026-02-28T00:00:00.000000Z"),
    ("due_date", "2024-02-29T23:59:59", "2024-02-29T23:59:59.000000Z"),
    ("due_date", "2026-01-16T06:44:39.490466Z", "2026-01-16T06:44:39.490466Z"),
    ("due_date", "2026-01-16T06:44:39.5+05:30", "2026-01-16T01:14:39.500000Z"),
    ("due_date", "2026-01-16t06:44:39z", "2026-01-16T06:44:39.000000Z"),
    ("due_date", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("due_date", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("due_date", "1900-02-28", "1900-02-28T00:00:00.000000Z"),
    ("tags", [], []),
    ("tags", ["b", "a", "A"], ["b", "a", "A"]),
    ("tags", ["🏷" * 50], ["🏷" * 50]),
    ("tags", ['a"b', "c,d", "{e}", "f\\g", "NULL", " h i"], ['a"b', "c,d", "{e}", "f\\g", "NULL", " h i"]),
    ("tags", [str(n) for n in range(10)], [str(n) for n in range(10)]),
]
BAD = [
    ("title", "", "string_too_short"), ("title", " \t\u2003", "string_too_short"),
    ("title", "🦊" * 201, "string_too_long"), ("title", 5, "string_type"), ("title", [], "string_type"),
    ("title", {"a": 1}, "string_type"), ("title", True, "string_type"), ("title", "a\0b", None),
    ("description", "x" * 1001, "string_too_long"), ("description", 1.5, "string_type"),
    ("description", "\0", None),
    ("completed", "true", "bool_type"), ("completed", 1, "bool_type"), ("completed", [], "bool_type"),
    ("priority", "urgent", "enum"), ("priority", "", "enum"), ("priority", 1, "string_type"),
    ("due_date", "tomorrow", None), ("due_date", "2026-02-29", None), ("due_date", "2026-13-01", None),
    ("due_date", "0000-12-31", None), ("due_date", "10000-01-01", None), ("due_date", 1700000000, None),
    ("due_date", "2026-01-16T25:00:00Z", None), ("due_date", "2026-01-16T06:44:39+24:00", None),
    ("due_date", "0001-01-01T00:00:00+01:00", None), ("due_date", "", None), ("due_date", True, None),
    ("tags", "a", "list_type"), ("tags", {}, "list_type"), ("tags", [str(n) for n in range(11)], "too_long"),
    ("tags", ["a", "a"], None), ("tags", [""], None), ("tags", ["x" * 51], None), ("tags", [1], None),
    ("tags", [None], None), ("tags", ["a\0"], None),
]


@pytest.mark.parametrize("field,value,stored", GOOD)
def test_good_value(alice, field, value, stored):
    made = alice.post("", {"title": "t"} | {field: value})
    assert made.status == 201, made
    assert made.json()[field] == stored
    read = alice.get(f"/{made.json()['id']}").json()
    assert read == made.json()
    other = alice.create("other")
    for change in (alice.put, alice.patch):
        if value is None and field == "title":
            continue
        answer = change(f"/{other['id']}", {field: value})
        assert answer.status == 200 and answer.json()[field] == stored


@pytest.mark.parametrize("field,value,kind", BAD)
def test_bad_value(alice, field, value, kind):
    task = alice.create("before")
    answers = [alice.post("", {"title": "t"} | {field: value}),
               alice.put(f"/{task['id']}", {field: value}),
               alice.patch(f"/{task['id']}", {field: value})]
    for answer in answers:
        assert answer.status == 422, answer
        error = answer.json()["errors"][0]
        assert error["pointer"].startswith(f"/{field}") and error["loc"][:2] == ["body", field]
        assert field in answer.json()["detail"]
        assert kind is None or error["type"] == kind
    assert alice.get().json() == [task]


def test_all_faults_at_once(alice):
    body = {"title": "", "description": 1, "completed": "yes", "priority": "x", "due_date": "y", "tags": "z"}
    answer = alice.post("", body)
    assert answer.status == 422
    assert answer.pointers() == [f"/{field}" for field in body]
    for field in body:
        assert field in answer.json()["detail"]


def test_form_of_a_fault(alice):
    answer = alice.post("", {"title": "x" * 201})
    assert answer.json() == {
        "type": "about:blank", "title": "Unprocessable Content", "status": 422,
        "detail": "title: must be 1 to 200 characters",
        "errors": [{"loc": ["body", "title"], "pointer": "/title", "msg": "must be 1 to 200 characters",
                    "type": "string_too_long"}]}


def test_each_tag_has_its_pointer(alice):
    assert alice.post("", {"title": "t", "tags": ["a", 1, "", "a"]}).pointers() == \
        ["/tags/1", "/tags/2", "/tags/3"]


@pytest.mark.parametrize("body", [{}, {"title": None}, {"description": "no title"}])
def test_title_is_required_to_create(alice, body):
    answer = alice.post("", body)
    assert answer.status == 422 and answer.pointers() == ["/title"]


@pytest.mark.parametrize("field", ["title", "completed", "priority", "tags"])
def test_null_where_it_clears_nothing(alice, field):
    task = alice.create("t", completed=True, priority="low", tags=["a"])
    if field != "title":
        assert alice.post("", {"title": "t", field: None}).status == 201
    put = alice.put(f"/{task['id']}", {field: None})
    assert put.status == 200 and put.json()[field] == task[field]
    patch = alice.patch(f"/{task['id']}", {field: None})
    assert patch.status == 422 and patch.pointers() == [f"/{field}"]


@pytest.mark.parametrize("change", ["put", "patch"])
def test_null_clears(alice, change):
    task = alice.create("t", description="d", due_date="2026-01-01")
    answer = getattr(alice, change)(f"/{task['id']}", {"description": None, "due_date": None})
    assert answer.status == 200
    assert answer.json()["description"] is None and answer.json()["due_date"] is None


@pytest.mark.parametrize("change", ["put", "patch"])
def test_absent_fields_stay(alice, change):
    fields = {"description": "d", "completed": True, "priority": "low", "due_date": "2026-01-01", "tags": ["a"]}
    task = alice.create("t", **fields)
    for body in ({"title": "new"}, {}):
        answer = getattr(alice, change)(f"/{task['id']}", body)
        assert answer.status == 200
        for field in ("description", "completed", "completed_at", "priority", "due_date", "tags"):
            assert answer.json()[field] == task[field]
        assert answer.json()["title"] == "new"


def test_unknown_members_and_foreign_keys_are_ignored(alice, bob):
    other = bob.create("bob's")
    strange = {"title": "t", "user_id": bob.name, "id": other["id"], "version": 99, "created_at": "x",
               "updated_at": 1, "completed_at": [], "nonsense": {"a": [1, 2, {}]}, "": 1}
    task = alice.post("", strange).json()
    assert task["user_id"] == alice.name and task["id"] != other["id"] and task["version"] == 1
    for change in (alice.put, alice.patch):
        answer = change(f"/{task['id']}", strange)
        assert answer.status == 200
        assert answer.json()["user_id"] == alice.name and answer.json()["id"] == task["id"]
        assert answer.json()["created_at"] == task["created_at"]
    assert bob.get().json() == [other]


# ---- completion


def test_complete_sets(alice):
    task = alice.create()
    path = f"/{task['id']}/complete"
    for wanted in (True, True, False, False):
        answer = alice.patch(path, {"completed": wanted})
        assert answer.status == 200 and answer.json()["completed"] is wanted
        assert (answer.json()["completed_at"] is not None) is wanted


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"},
                                     {"Content-Type": "application/merge-patch+json"}])
def test_complete_toggles_without_a_body(alice, headers):
    path = f"/{alice.create()['id']}/complete"
    assert alice.patch(path, headers=headers).json()["completed"] is True
    assert alice.patch(path, body=b"", headers=headers).json()["completed"] is False


@pytest.mark.parametrize("value", ["true", 1, [], None])
def test_complete_wants_a_boolean(alice, value):
    task = alice.create()
    answer = alice.patch(f"/{task['id']}/complete", {"completed": value})
    assert answer.status == 422 and answer.pointers() == ["/completed"]
    assert alice.get(f"/{task['id']}").json() == task


def test_completing_keeps_the_first_instant(alice):
    task = alice.create(completed=True)
    again = alice.put(f"/{task['id']}", {"completed": True, "title": "renamed"}).json()
    assert again["completed_at"] == task["completed_at"]


def test_created_completed(alice):
    task = alice.create(completed=True)
    assert task["completed_at"] == task["created_at"]


# ---- trash


def test_what_is_in_the_trash_is_not_there(alice):
    task = alice.create()
    path = f"/{task['id']}"
    assert alice.delete(path).status == 204
    never = alice.get("/999999999999").body
    for answer in (alice.get(path), alice.put(path, {"title": "x"}), alice.patch(path, {"title": "x"}),
                   alice.patch(path + "/complete"), alice.delete(path)):
        assert answer.status == 404 and answer.body == never
    assert alice.get().json() == alice.get("?status=pending").json() == []


def test_restore(alice):
    task = alice.create("t", description="d", completed=True, tags=["a"])
    path = f"/{task['id']}"
    assert alice.post(path + "/restore").status == 409
    alice.delete(path)
    back = alice.post(path + "/restore")
    assert back.status == 200
    assert back.json() == task | {"version": back.json()["version"], "updated_at": back.json()["updated_at"]}
    assert alice.post(path + "/restore").status == 409
    assert alice.post("/999999999999/restore").status == 404


# ---- ids


@pytest.mark.parametrize("id,status", [
    ("0", 404), ("-1", 404), ("9223372036854775807", 404), ("-9223372036854775808", 404),
    ("9223372036854775808", 422), ("-9223372036854775809", 422), ("9" * 40, 422), ("abc", 422), ("1.0", 422),
    ("%2B1", 422), ("0x1", 422), ("1e3", 422), ("1%20", 422), ("%D9%A1", 422), ("-", 422), ("1%2F2", 422)])
def test_ids(alice, id, status):
    for method, suffix in (("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("PATCH", "/complete"),
                           ("POST", "/restore")):
        body = {"title": "x"} if method in ("PUT", "PATCH") and not suffix else None
        answer = alice.request(method, f"/{id}{suffix}", body)
        assert answer.status == status, answer
        if status == 422:
            assert answer.json()["errors"][0]["loc"][0] == "path"


def test_ids_are_unique_over_users(alice, bob):
    ids = [user.create()["id"] for user in (alice, bob, alice, bob)]
    assert sorted(ids) == ids and len(set(ids)) == 4


def test_times_are_now(alice):
    made = datetime.datetime.fromisoformat(alice.create()["created_at"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - made).total_seconds()) < 60
