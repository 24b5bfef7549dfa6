# SPDX-License-Identifier: ISC
"""Versions, entity tags and conditions."""

import concurrent.futures

import pytest

from harness import User

CHANGES = [("PUT", "", {"title": "changed"}), ("PATCH", "", {"title": "changed"}), ("PATCH", "/complete", None),
           ("PATCH", "/complete", {"completed": True}), ("DELETE", "", None), ("POST", "/restore", None)]


@pytest.fixture
def task(alice):
    """At version 3."""
    id = alice.create()["id"]
    alice.put(f"/{id}", {"title": "second"})
    return alice.put(f"/{id}", {"title": "third"}).json()


def prepare(user, task, method, suffix):
    """Brings the task to where the change applies; gives its version."""
    if suffix == "/restore":
        assert user.delete(f"/{task['id']}").status == 204
        return task["version"] + 1
    return task["version"]


@pytest.mark.parametrize("method,suffix,body", CHANGES)
@pytest.mark.parametrize("form", ['"%d"', 'W/"%d"', '"%d-gzip"', 'W/"%d-gzip"', '"%d;gzip"', '"99", "%d"', '"x","%d"',
                                  '  "%d" ', "*"])
def test_if_match_holds(alice, task, method, suffix, body, form):
    version = prepare(alice, task, method, suffix)
    header = form.replace("%d", str(version))
    answer = alice.request(method, f"/{task['id']}{suffix}", body, headers={"If-Match": header})
    assert answer.status == (204 if method == "DELETE" else 200), answer


@pytest.mark.parametrize("method,suffix,body", CHANGES)
@pytest.mark.parametrize("header", ['"2"', '"99"', 'W/"1"', '"30"', '"1", "2"', '"abc"', '""', '"-3"', '"03"', '"04"',
                                    '"99999999999999999999"'])
def test_if_match_is_stale(alice, task, method, suffix, body, header):
    prepare(alice, task, method, suffix)
    before = alice.get()
    answer = alice.request(method, f"/{task['id']}{suffix}", body, headers={"If-Match": header})
    assert answer.status == 412, answer
    assert alice.get().body == before.body and alice.get()["ETag"] == before["ETag"]


@pytest.mark.parametrize("method,suffix,body", CHANGES)
@pytest.mark.parametrize("header", ["3", "'3'", '"3', "*, \"3\"", "abc", '"3" "4"', "w/\"3\"", '"3"x'])
def test_if_match_is_malformed(alice, task, method, suffix, body, header):
    prepare(alice, task, method, suffix)
    answer = alice.request(method, f"/{task['id']}{suffix}", body, headers={"If-Match": header})
    assert answer.status == 400, answer
    assert "If-Match" in answer.json()["detail"]


@pytest.mark.parametrize("method,suffix,body", CHANGES)
def test_if_match_of_what_is_not_there(alice, method, suffix, body):
    alice.create()
    for header in ("*", '"1"'):
        answer = alice.request(method, f"/999999999999{suffix}", body, headers={"If-Match": header})
        assert answer.status in (404, 412), answer


@pytest.mark.parametrize("method,suffix,body", CHANGES)
def test_if_none_match_of_a_change(alice, task, method, suffix, body):
    path = f"/{task['id']}{suffix}"
    version = prepare(alice, task, method, suffix)
    for headers in ({}, {"If-Match": f'"{version}"'}):
        answer = alice.request(method, path, body, headers={"If-None-Match": "*", **headers})
        assert answer.status == 412, answer
    assert alice.request(method, path, body, headers={"If-None-Match": '"3'}).status == 400
    assert alice.request(method, f"/999999999999{suffix}", body, headers={"If-None-Match": "*"}).status == 404
    assert alice.request(method, path, body, headers={"If-None-Match": '"1"'}).status < 300


@pytest.mark.parametrize("header,status", [
    ('"3"', 304), ('W/"3"', 304), ('"3-gzip"', 304), ('W/"3-br"', 304), ('"1", "3"', 304), ("*", 304), ('"2"', 200),
    ('"33"', 200), ('"x"', 200), ("3", 400), ('"3', 400)])
def test_if_none_match(alice, task, header, status):
    for method in ("GET", "HEAD"):
        answer = alice.request(method, f"/{task['id']}", headers={"If-None-Match": header})
        assert answer.status == status, answer
        if status == 304:
            assert answer["ETag"] == '"3"' and "authorization" in answer.words("Vary")
            assert answer["Cache-Control"] == "private, no-cache"


def test_list_tag(alice, bob):
    tags = set()

    def check():
        """A new tag, that stays until the next change."""
        answer = alice.get()
        tag = answer["ETag"]
        assert tag not in tags and tag.startswith('"') and tag.endswith('"')
        for old in tags:
            assert alice.get(headers={"If-None-Match": old}).status == 200
        tags.add(tag)
        bob.create("bob's")
        for form in (tag, f"W/{tag}", tag[:-1] + '-gzip"', f'"1", {tag}', "*"):
            same = alice.get(headers={"If-None-Match": form})
            assert same.status == 304 and same.body == b"" and same["ETag"] == tag
        assert alice.request("HEAD", headers={"If-None-Match": tag}).status == 304

    check()
    id = alice.create()["id"]
    check()
    assert alice.put(f"/{id}", {"title": "x"}).status == 200
    check()
    assert alice.patch(f"/{id}", {"title": "y"}).status == 200
    check()
    assert alice.patch(f"/{id}/complete").status == 200
    check()
    assert alice.delete(f"/{id}").status == 204
    check()
    assert alice.post(f"/{id}/restore").status == 200
    check()


def test_refused_changes_leave_the_list_tag(alice):
    id = alice.create()["id"]
    tag = alice.get()["ETag"]
    assert alice.put(f"/{id}", {"title": ""}).status == 422
    assert alice.put(f"/{id}", {"title": "x"}, headers={"If-Match": '"9"'}).status == 412
    assert alice.post(f"/{id}/restore").status == 409
    assert alice.delete("/999999999999").status == 404
    assert alice.get(headers={"If-None-Match": tag}).status == 304


def test_list_tag_of_an_account_made_again(site, alice):
    alice.create()
    tag = alice.get()["ETag"]
    site.cluster.sql(f"DELETE FROM todo.users WHERE id = '{alice.name}'")
    alice.create()
    again = alice.get(headers={"If-None-Match": tag})
    assert again.status == 200 and again["ETag"] != tag


def test_versions_are_gap_free(alice):
    """Whatever runs at the same time."""
    ids = [alice.create()["id"] for _ in range(4)]
    start = alice.get(f"/{ids[-1]}").json()["version"]
    assert start == 4

    def change(n):
        id = ids[n % 4]
        answer = [lambda: alice.put(f"/{id}", {"title": f"t{n}"}), lambda: alice.patch(f"/{id}/complete"),
                  lambda: alice.post("", {"title": f"new {n}"})][n % 3]()
        assert answer.status in (200, 201), answer
        return answer.json()["version"]

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        versions = list(threads.map(change, range(120)))
    assert sorted(versions) == list(range(5, 125))


def test_two_editors(alice):
    """One wins, the other is told; no update is lost."""
    id = alice.create()["id"]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for round in range(50):
            tag = alice.get(f"/{id}")["ETag"]
            answers = list(threads.map(lambda who: alice.put(f"/{id}", {"title": f"{who} {round}"},
                                                             headers={"If-Match": tag}), ("one", "two")))
            assert sorted(answer.status for answer in answers) == [200, 412]
            winner = next(answer for answer in answers if answer.status == 200)
            assert alice.get(f"/{id}").json() == winner.json()


def test_toggles_are_not_lost(alice):
    id = alice.create()["id"]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: alice.patch(f"/{id}/complete"), range(40)))
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 42))
    for answer in answers:
        assert answer.json()["completed"] is (answer.json()["version"] % 2 == 0)


def test_required_if_match(cluster, make_site):
    user = User(make_site(cluster, TODO_REQUIRE_IF_MATCH=1), "careful")
    task = user.create()
    for method, suffix, body in CHANGES:
        answer = user.request(method, f"/{task['id']}{suffix}", body)
        assert answer.status == 428, answer
        assert "If-Match" in answer.json()["detail"]
    assert user.put(f"/{task['id']}", {"title": "x"}, headers={"If-Match": '"1"'}).status == 200
    assert user.delete(f"/{task['id']}", headers={"If-Match": "*"}).status == 204
