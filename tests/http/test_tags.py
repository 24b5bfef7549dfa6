# SPDX-License-Identifier: ISC
"""GET {T}/tags, and the filter by tag."""

import pytest


def tags(user):
    answer = user.get("/tags")
    assert answer.status == 200, answer
    return [(tag["name"], tag["count"]) for tag in answer.json() if set(tag) == {"name", "count"}]


def test_names_and_counts_by_code_point(alice, bob):
    bob.create("not alice's", tags=["home", "bob"])
    for names in (["home"], ["Home", "home"], ["ähre", "zoo", "😀"], [], ["\uffff", "\"\\", "a,b"]):
        alice.create(tags=names)
    expected = {"home": 2, "Home": 1, "ähre": 1, "zoo": 1, "😀": 1, "\uffff": 1, "\"\\": 1, "a,b": 1}
    assert tags(alice) == sorted(expected.items())
    assert tags(bob) == [("bob", 1), ("home", 1)]


def test_none(alice):
    assert tags(alice) == []
    alice.create()
    assert tags(alice) == []


def test_the_trash_does_not_count(alice):
    ids = [alice.create(tags=["a", f"b{n}"])["id"] for n in range(2)]
    alice.delete(f"/{ids[0]}")
    assert tags(alice) == [("a", 1), ("b1", 1)]
    alice.put(f"/{ids[1]}", {"tags": ["c"]})
    assert tags(alice) == [("c", 1)]
    alice.post(f"/{ids[0]}/restore")
    assert tags(alice) == [("a", 1), ("b0", 1), ("c", 1)]


def test_entity_tag_is_the_lists(alice):
    assert alice.get("/tags")["ETag"] == alice.get()["ETag"]
    alice.create(tags=["a"])
    answer = alice.get("/tags")
    assert answer["ETag"] == alice.get()["ETag"]
    assert answer["Cache-Control"] == "private, no-cache"
    assert alice.get("/tags", headers={"If-None-Match": answer["ETag"]}).status == 304
    alice.create(tags=["a"])
    again = alice.get("/tags", headers={"If-None-Match": answer["ETag"]})
    assert again.status == 200 and again.json() == [{"name": "a", "count": 2}]
    assert alice.get("/tags", headers={"If-None-Match": "x"}).status == 400


def test_the_route(alice, bob, site):
    answer = alice.request("DELETE", "/tags")
    assert answer.status == 405 and answer.words("Allow") == {"get", "head", "options"}
    assert alice.get("/tags/").status == 200
    assert bob.request("GET", "/../", headers={}).status in (400, 404)
    assert site.request("GET", alice.base + "/tags").status == 401
    assert alice.site.request("GET", bob.base + "/tags",
                              headers={"Authorization": f"Bearer {alice.token}"}).status == 403
    assert alice.request("HEAD", "/tags").status == 200


@pytest.mark.parametrize("query,expected", [
    ("tag=home", "ac"), ("tag=Home", "b"), ("tag=home,work", "abc"), ("tag=home&tag=work", "abc"), ("tag=nothing", ""),
    ("tag=a%20b", "d"), ("tag=a+b", "d"), ("tag=%20x", "d"), ("tag=x", ""), ("tag=%F0%9F%98%80", "c"),
    ("tag=home,home", "ac"), ("tag=%25", ""), ("tag=_ome", ""), ("tag=home&tag=home&tag=Home,work", "abc")])
def test_filter(alice, query, expected):
    for title, names in zip("abcd", (["home", "work"], ["Home", "work"], ["home", "😀"], ["a b", " x"])):
        alice.create(title, tags=names)
    assert "".join(sorted(alice.titles("?" + query))) == expected


@pytest.mark.parametrize("query", ["tag=", "tag=a,", "tag=,a", "tag=a,,b", "tag=" + ",".join("abcdefghijk"),
                                   "tag=a,b,c,d,e,f&tag=g,h,i,j,k", "tag=a&tag=", "tag=&tag=a"])
def test_filter_out_of_range(alice, query):
    answer = alice.get("?" + query)
    assert answer.status == 422 and answer.json()["errors"][0]["loc"] == ["query", "tag"]
