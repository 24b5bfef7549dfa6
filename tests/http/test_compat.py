# SPDX-License-Identifier: ISC
"""Each word of TODO_COMPAT alone, against a site without any."""

import pytest

from harness import SECRET, User


@pytest.fixture
def users(cluster, site, make_site, make_user):
    """users(word): somebody at a site with that word, and somebody at one without any."""

    def make(word):
        return make_user(at=make_site(cluster, TODO_COMPAT=word)), make_user()

    return make


def test_delete_message(users):
    odd, plain = users("delete-message")
    answer = odd.delete(f"/{odd.create()['id']}")
    assert (answer.status, answer.json()) == (200, {"message": "Task deleted successfully"})
    assert plain.delete(f"/{plain.create()['id']}").status == 204


def test_is_completed(users):
    odd, plain = users("is-completed")
    task = odd.create(is_completed=True)
    assert task["completed"] is True and task["is_completed"] is True
    assert list(task)[-1] == "is_completed"
    path = f"/{task['id']}"
    assert odd.put(path, {"is_completed": False}).json()["completed"] is False
    assert odd.put(path, {"completed": True, "is_completed": False}).json()["completed"] is True
    assert odd.patch(path + "/complete", {"is_completed": False}).json()["is_completed"] is False
    exported = odd.get("/export").json()
    assert [task["is_completed"] for task in exported] == [False]
    odd.post("/import", [{"title": "imported", "is_completed": True}])
    assert [task["completed"] for task in odd.get("/export").json()] == [False, True]
    fault = odd.put(path, {"is_completed": "yes"})
    assert fault.status == 422 and fault.pointers() == ["/is_completed"]
    task = plain.create(is_completed=True)
    assert task["completed"] is False and "is_completed" not in task


def test_detail_array(users):
    odd, plain = users("detail-array")
    answer = odd.post("", {"title": "", "priority": "none"}, checked=False)
    assert answer.status == 422
    assert answer.json()["detail"] == [
        {"loc": ["body", "title"], "pointer": "/title", "msg": "must be 1 to 200 characters",
         "type": "string_too_short"},
        {"loc": ["body", "priority"], "pointer": "/priority",
         "msg": "must be low, medium, high or critical", "type": "enum"}]
    assert isinstance(odd.get("/1").json()["detail"], str)
    assert isinstance(plain.post("", {"title": ""}).json()["detail"], str)


def test_short_paths(users):
    odd, plain = users("short-paths")
    path = f"/{odd.create('Buy milk')['id']}"
    odd.create("Call home")
    assert odd.titles("/search?q=MILK") == ["Buy milk"]
    assert odd.patch(path + "/toggle").json()["completed"] is True
    assert odd.post(path + "/toggle").json()["completed"] is False
    assert plain.get("/search?q=MILK").status == 422
    assert plain.patch(path + "/toggle").status == 404


def test_words_combine(users):
    odd, _ = users(" delete-message, is-completed,")
    task = odd.create()
    assert task["is_completed"] is False
    assert odd.delete(f"/{task['id']}").status == 200


def test_list_object(users):
    odd, plain = users("list-object")
    assert odd.get().json() == {"tasks": [], "total": 0}
    tasks = [odd.create(f"t{n}", tags=["x"]) for n in range(3)][::-1]
    assert odd.get().json() == {"tasks": tasks, "total": 3}
    answer = odd.get("?limit=2")
    assert answer.json() == {"tasks": tasks[:2], "total": 3} and answer["X-Total-Count"] is None
    assert odd.follow(answer.links()["next"]).json() == {"tasks": tasks[2:], "total": 3}
    assert odd.get("?search=nothing").json() == {"tasks": [], "total": 0}
    assert odd.get("/tags").json() == [{"name": "x", "count": 3}]
    assert odd.get(headers={"If-None-Match": odd.get()["ETag"]}).status == 304
    assert plain.get().json() == []


@pytest.mark.parametrize("changed", [{"TODO_COMPAT": "list-object"}, {"BETTER_AUTH_SECRET": "s" * 40}, {}])
def test_what_is_known_is_known_in_one_shape(cluster, alice, make_site, changed):
    """Other settings, other answers: a tag from before them is not one of theirs."""
    alice.create()
    other = User(make_site(cluster, **changed), alice.name, secret=changed.get("BETTER_AUTH_SECRET", SECRET))
    for path in ("", "/tags", "/changes"):
        tag = alice.get(path)["ETag"]
        assert other.get(path, headers={"If-None-Match": tag}).status == (200 if changed else 304)
        assert other.get(path, headers={"If-None-Match": other.get(path)["ETag"]}).status == 304
