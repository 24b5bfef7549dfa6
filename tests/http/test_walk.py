# SPDX-License-Identifier: ISC
"""Paging by cursor through 100,000 tasks while others create, delete and restore some: whatever was
there throughout comes once, in order."""

import itertools
import random
import threading

import pytest
from harness import User

COUNT = 100_000
SPARE = 10  # each tenth task may be deleted on the way


@pytest.fixture(scope="module")
def walker(site):
    user = User(site, "walker")
    site.cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('walker', {COUNT});
        INSERT INTO todo.tasks (user_id, title, description, due_date, priority, updated_at, version)
        SELECT 'walker', substr(md5(n::text), 1, 3), n % {SPARE},
        CASE WHEN n % 2 > 0 THEN timestamptz '2026-01-01Z' + n % 97 * interval '1 h' END,
        (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4]::todo.priority,
        timestamptz '2026-02-01Z' - n % 997 * interval '1 s', n FROM generate_series(1, {COUNT}) n""")
    yield user
    site.cluster.sql("DELETE FROM todo.users WHERE id = 'walker'")


class Others(threading.Thread):
    """Create tasks that sort anywhere, and delete and restore those that are spare, until told."""

    def __init__(self, user, spare):
        super().__init__()
        self.user, self.spare = user, spare
        self.quit = threading.Event()
        self.changes, self.failed = 0, []

    def run(self):
        generator = random.Random(self.changes)
        while not self.quit.is_set():
            id = generator.choice(self.spare)
            steps = [lambda: self.user.post("", {"title": f"{generator.randrange(4096):03x}", "description": "new"}),
                     lambda: self.user.delete(f"/{id}"), lambda: self.user.post(f"/{id}/restore")]
            answer = generator.choice(steps)()
            self.changes += answer.status in (200, 201, 204)
            if answer.status >= 500:
                self.failed.append(answer)


@pytest.mark.parametrize("sort,relation,order", [
    ("created", "next", "id DESC"), ("-created", "prev", "id"), ("updated", "prev", "updated_at DESC, id DESC"),
    ("title", "next", 'title COLLATE "C", id'), ("-due_date", "next", "due_date DESC NULLS LAST, id DESC"),
    ("due_date", "prev", "due_date NULLS LAST, id")])
def test_walk(walker, sort, relation, order):
    rows = walker.site.cluster.sql(f"""SELECT id, description FROM todo.tasks WHERE user_id = 'walker'
                                       AND description <> 'new' ORDER BY {order}""").splitlines()
    rows = [(int(id), description) for id, _, description in (row.partition("|") for row in rows)]
    steady = [id for id, description in rows if description != "0"]
    others = Others(walker, [id for id, description in rows if description == "0"])
    others.start()
    try:
        start = f"?sort={sort}" + ("&offset=10000000" if relation == "prev" else "")
        found = [[task["id"] for task in answer.json()] for answer in pages(walker, start, relation)]
    finally:
        others.quit.set()
        others.join()
    assert not others.failed and others.changes > 0
    found = list(itertools.chain(*(found if relation == "next" else found[::-1])))
    if sort != "updated":  # what is deleted and restored moves to the top
        assert len(found) == len(set(found)), "a task came twice"
    listed = set(steady)
    assert [id for id in found if id in listed] == steady, "a task was skipped, came twice, or out of order"


def pages(user, query, relation):
    answer = user.get(query)
    assert answer.status == 200, answer
    yield answer
    while relation in answer.links():
        answer = user.follow(answer.links()[relation])
        assert answer.status == 200, answer
        yield answer
