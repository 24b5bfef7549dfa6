# SPDX-License-Identifier: ISC
"""Filters, sorting and pages, against a model."""

import itertools

import pytest

RANK = {"low": 0, "medium": 1, "high": 2, "critical": 3}
TASKS = [dict(zip(("title", "priority", "due_date", "completed"), row)) for row in [
    ("delta", "low", "2026-03-01", False), ("alpha", "high", None, True), ("echo", "critical", "2026-01-01", True),
    ("bravo", "medium", "2026-02-01", False), ("charlie", "low", None, False), ("golf", "medium", "2026-01-01", True),
    ("foxtrot", "high", "2025-12-31T23:59:59Z", False)]]


@pytest.fixture
def user(make_user):
    user = make_user()
    for fields in TASKS:
        user.create(**fields)
    return user


def model(query):
    """What the contract says of a query, on TASKS; ids are their order of creation."""
    tasks = [dict(task, id=i) for i, task in enumerate(TASKS)]
    wanted = {"pending": False, "active": False, "completed": True}.get(query.get("status"))
    if "completed" in query:
        wanted = query["completed"] == "true"
    tasks = [task for task in tasks if wanted is None or task["completed"] is wanted]
    sort = query.get("sort", "created")
    key = {"created": lambda t: t["id"], "title": lambda t: t["title"], "completed": lambda t: t["completed"],
           "priority": lambda t: RANK[t["priority"]], "due_date": lambda t: t["due_date"] or ""}[sort]
    order = query.get("order") or ("desc" if sort in ("created", "priority") else "asc")
    tasks.sort(key=key, reverse=order == "desc")
    if sort == "due_date":
        tasks.sort(key=lambda t: t["due_date"] is None)
    limit = int(query.get("limit", 1000))
    offset = int(query.get("offset", 0)) or (int(query.get("page", 1)) - 1) * limit
    return key, tasks[offset:offset + limit], tasks


def text(query):
    return "?" + "&".join(f"{name}={value}" for name, value in query.items())


@pytest.mark.parametrize("filter", [{}, {"status": "all"}, {"status": "pending"}, {"status": "active"},
                                    {"status": "completed"}, {"completed": "true"}, {"completed": "false"}])
@pytest.mark.parametrize("sort", [None, "created", "title", "due_date", "priority", "completed"])
@pytest.mark.parametrize("order", [None, "asc", "desc"])
def test_filter_and_sort(user, filter, sort, order):
    query = filter | ({"sort": sort} if sort else {}) | ({"order": order} if order else {})
    key, expected, _ = model(query)
    listed = user.get(text(query)).json()
    assert {t["title"] for t in listed} == {t["title"] for t in expected}
    ranks = {t["title"]: key(t) for t in expected}
    assert [ranks[t["title"]] for t in listed] == [key(t) for t in expected]
    for one, two in itertools.pairwise(listed):  # ties break by id, all in one direction
        if ranks[one["title"]] == ranks[two["title"]]:
            assert (one["id"] < two["id"]) or order == "desc" or sort == "priority"


@pytest.mark.parametrize("sort", ["created", "title", "due_date", "priority", "completed", "updated"])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_make_up_the_whole(user, sort, order, limit):
    query = f"?sort={sort}&order={order}"
    whole = user.titles(query)
    assert sorted(whole) == sorted(t["title"] for t in TASKS)
    by_page = [user.titles(f"{query}&limit={limit}&page={n}") for n in range(1, 9)]
    by_offset = [user.titles(f"{query}&limit={limit}&offset={n * limit}") for n in range(8)]
    assert by_page == by_offset == [whole[n * limit:(n + 1) * limit] for n in range(8)]


def test_default_is_newest_first(user):
    assert user.titles() == [t["title"] for t in reversed(TASKS)]


def test_sort_by_update(user):
    tasks = {t["title"]: t for t in user.get().json()}
    user.put(f"/{tasks['bravo']['id']}", {"description": "touched"})
    assert user.titles("?sort=updated")[0] == "bravo"
    assert user.titles("?sort=updated&order=asc")[-1] == "bravo"


def test_a_minus_reverses(user):
    assert user.titles("?sort=-title") == user.titles("?sort=title&order=desc")
    assert user.titles("?sort=-due_date") == user.titles("?sort=due_date&order=desc")


def test_no_due_date_comes_last_in_both_directions(user):
    for order in ("asc", "desc"):
        dates = [t["due_date"] for t in user.get(f"?sort=due_date&order={order}").json()]
        assert dates[-2:] == [None, None] and None not in dates[:-2]


@pytest.mark.parametrize("alias,plain", [
    ("status_filter=completed", "status=completed"), ("sort_by=title", "sort=title"),
    ("sort_by=title&sort_order=desc", "sort=title&order=desc"), ("page_size=2&page=2", "limit=2&page=2"),
    ("limit=2&skip=3", "limit=2&offset=3")])
def test_aliases(user, alias, plain):
    assert user.titles(f"?{alias}") == user.titles(f"?{plain}") != user.titles()


def test_unknown_parameters_are_ignored(user):
    assert user.titles("?nonsense=1&_=2&status=pending&=&a") == user.titles("?status=pending")


def test_encoded_values(user):
    assert user.titles("?status=%70ending&sor%74=title") == user.titles("?status=pending&sort=title")


@pytest.mark.parametrize("query,name", [
    ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"), ("limit=", "limit"),
    ("limit=1.5", "limit"), ("limit=99999999999999999999", "limit"), ("page_size=0", "page_size"),
    ("offset=-1", "offset"), ("offset=x", "offset"), ("skip=x", "skip"), ("page=0", "page"), ("page=x", "page"),
    ("page=9223372036854775807&limit=1000", "page"), ("status=done", "status"), ("status_filter=x", "status_filter"),
    ("completed=yes", "completed"), ("completed=1", "completed"), ("sort=colour", "sort"), ("sort=id;drop", "sort"),
    ("sort_by=x", "sort_by"), ("order=up", "order"), ("sort_order=x", "sort_order")])
def test_parameter_out_of_range(user, query, name):
    answer = user.get(f"?{query}")
    assert answer.status == 422, answer
    assert answer.json()["errors"][0]["loc"] == ["query", name]
    assert name in answer.json()["detail"]


def test_all_bad_parameters_at_once(user):
    errors = user.get("?limit=0&sort=x&status=y&order=z").json()["errors"]
    assert {error["loc"][1] for error in errors} == {"limit", "sort", "status", "order"}


def test_beyond_the_end(user):
    assert user.titles("?offset=7") == user.titles("?page=2") == user.titles("?offset=1000000") == []


def test_a_thousand(make_user):
    user = make_user()
    site = user.site
    site.cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('{user.name}', 1001);
        INSERT INTO todo.tasks (user_id, title, version)
        SELECT '{user.name}', 'task ' || n, n FROM generate_series(1, 1001) n""")
    assert len(user.titles()) == len(user.titles("?limit=1000")) == 1000
    assert user.titles("?offset=1000") == user.titles("?page=2") == ["task 1"]


def test_a_long_list_of_long_tasks(make_user):
    """More than fits any single buffer on the way."""
    user = make_user()
    description = "😀" * 1000
    user.site.cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('{user.name}', 1000);
        INSERT INTO todo.tasks (user_id, title, description, version)
        SELECT '{user.name}', n, '{description}', n FROM generate_series(1, 1000) n""")
    listed = user.get("?sort=created&order=asc").json()
    assert [t["title"] for t in listed] == [str(n) for n in range(1, 1001)]
    assert all(t["description"] == description for t in listed)
