# SPDX-License-Identifier: ISC
"""Two users, every route of one tried by the other. The second wall, row-level security, has its
own tests in tests/schema."""

import pytest

ROUTES = [("GET", "", None), ("POST", "", {"title": "intruder"}), ("GET", "/{id}", None),
          ("PUT", "/{id}", {"title": "intruder"}), ("PATCH", "/{id}", {"title": "intruder"}),
          ("PATCH", "/{id}/complete", None), ("PATCH", "/{id}/complete", {"completed": True}),
          ("DELETE", "/{id}", None), ("POST", "/{id}/restore", None)]
NEVER = 999999999999


@pytest.fixture
def tasks(alice):
    """One that is there, and one in the trash."""
    there, trashed = alice.create("private"), alice.create("thrown away")
    assert alice.delete(f"/{trashed['id']}").status == 204
    return there, trashed


def snapshot(site, user):
    return user.get().body, user.get()["ETag"], site.cluster.sql(
        f"SELECT t.* FROM todo.tasks t WHERE user_id = '{user.name}' ORDER BY id")


@pytest.mark.parametrize("method,path,body", ROUTES)
def test_foreign_path(site, alice, bob, tasks, method, path, body):
    before = snapshot(site, alice)
    own = bob.base
    bob.base = alice.base
    answers = [bob.request(method, path.replace("{id}", str(id)), body, headers=headers)
               for id in (*(task["id"] for task in tasks), NEVER)
               for headers in ({}, {"If-Match": "*"}, {"If-None-Match": "*"})]
    bob.base = "/api/who-never-was/tasks"
    answers.append(bob.request(method, path.replace("{id}", "1"), body))
    assert {answer.status for answer in answers} == {403}
    assert len({answer.body for answer in answers}) == 1
    assert all(answer["ETag"] is None and answer["Location"] is None for answer in answers)
    bob.base = own
    assert bob.get().json() == []
    assert snapshot(site, alice) == before


@pytest.mark.parametrize("method,path,body", [route for route in ROUTES if "{id}" in route[1]])
@pytest.mark.parametrize("spelling", ["named", "bare"])
def test_foreign_id(site, alice, bob, tasks, method, path, body, spelling):
    before = snapshot(site, alice)
    bob.create("so that bob is known")
    if spelling == "bare":
        bob.base = "/api/tasks"
    for headers in ({}, {"If-Match": "*"}, {"If-Match": f'"{tasks[0]["version"]}"'}):
        never = bob.request(method, path.replace("{id}", str(NEVER)), body, headers=headers)
        assert never.status == 404 or headers and never.status == 412
        for task in tasks:
            answer = bob.request(method, path.replace("{id}", str(task["id"])), body, headers=headers)
            assert (answer.status, answer.body) == (never.status, never.body)
            assert answer["ETag"] is None
    assert snapshot(site, alice) == before


def test_lists_do_not_mix(alice, bob):
    for n in range(5):
        alice.create(f"alice's {n}")
        bob.create(f"bob's {n}")
    for user, word in ((alice, "alice's"), (bob, "bob's")):
        for query in ("", "?status=pending", "?sort=title", "?sort=priority&limit=3", "?sort=due_date&offset=2"):
            titles = user.titles(query)
            assert titles and all(title.startswith(word) for title in titles)
        assert {task["user_id"] for task in user.get().json()} == {user.name}


def test_names_that_differ_little(make_user):
    """Compared byte for byte: case, white space, normal forms and encodings make another user."""
    users = [make_user(name) for name in ("jose", "Jose", "jose ", "josé", "jose\u0301", "jos%C3%A9")]
    for user in users:
        user.create(f"of {user.name!r}")
    for user in users:
        assert user.titles() == [f"of {user.name!r}"]


def test_many_users_on_few_connections(make_user):
    """Four workers, four database sessions: no context leaks from one request to the next."""
    import concurrent.futures
    users = [make_user() for _ in range(24)]
    for user in users:
        user.create(user.name)

    def ask(n):
        user = users[n % len(users)]
        return user.titles() == [user.name]

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(480)))


def test_no_context_outlives_a_failure(make_user, site):
    """A request that fails in the middle leaves nothing to the next user of its connection."""
    user, other = make_user(), make_user()
    task = user.create()
    for _ in range(12):
        assert user.put(f"/{task['id']}", {"title": "x"}, headers={"If-Match": '"99"'}).status == 412
        assert other.get().json() == []
        assert other.get(f"/{task['id']}").status == 404
