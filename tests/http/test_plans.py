# SPDX-License-Identifier: ISC
"""What the lists of a user with 100,000 tasks cost, in rows: PostgreSQL itself tells how each of the
workers' statements was carried out (auto_explain)."""

import json
import re

import pytest
from harness import Site, User

COUNT = 100_001  # the thousandth page of a hundred is followed by one more task
LIMIT = 100
NEIGHBOURS = 3
SORTS = ["created", "updated", "title", "due_date", "priority", "completed"]


def load(cluster, name, count):
    cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('{name}', {count});
        INSERT INTO todo.tasks (user_id, title, due_date, priority, completed, completed_at, updated_at, version, tags)
        SELECT '{name}', md5(n::text), CASE WHEN n % 3 > 0 THEN timestamptz '2026-01-01Z' + n % 997 * interval '1 h' END,
        (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4]::todo.priority, n % 2 = 0,
        CASE WHEN n % 2 = 0 THEN now() END, timestamptz '2026-02-01Z' - n % 9973 * interval '1 s', n,
        ARRAY['tag ' || n % 100] FROM generate_series(1, {count}) n""")


# Of several processes it tells the mean of their rows, rounded: there is to be one.
SETTINGS = {"max_parallel_workers_per_gather": "0",
            "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
            "auto_explain.log_analyze": "on", "auto_explain.log_timing": "off", "auto_explain.log_format": "json"}


@pytest.fixture(scope="module")
def lab(cluster):
    """The tasks, and settings that are gone when other tests connect."""
    cluster.sql("ALTER TABLE todo.tasks SET (autovacuum_enabled = off)")
    for name, value in SETTINGS.items():
        cluster.sql(f"ALTER ROLE todo_app IN DATABASE todo SET {name} = '{value}'")
    load(cluster, "plans-big", COUNT)
    for n in range(NEIGHBOURS):
        load(cluster, f"plans-{n}", 1000)
    yield cluster
    for name in SETTINGS:
        cluster.sql(f"ALTER ROLE todo_app IN DATABASE todo RESET {name}")
    cluster.sql("DELETE FROM todo.users WHERE id LIKE 'plans-%'; ALTER TABLE todo.tasks RESET (autovacuum_enabled)")
    cluster.sql("VACUUM ANALYZE todo.tasks")


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def user(request, lab):
    """Of a site whose workers have prepared nothing yet."""
    if request.param == "with statistics":
        lab.sql("VACUUM ANALYZE todo.tasks")
    else:
        lab.sql("DELETE FROM pg_statistic WHERE starelid = 'todo.tasks'::regclass")
    lab.renew_sessions()
    site = Site(lab, TODO_WORKERS=1)
    yield User(site, "plans-big")
    site.stop()


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plans(text):
    """Those of the statements that read tasks, from the server's log."""
    for block in re.findall(r"plan:\n((?:\t.*\n)+)", text):
        plan = json.loads(block)["Plan"]
        if any(node.get("Relation Name") == "tasks" for node in nodes(plan)):
            yield plan


def explain(user, url, **headers):
    """How the one statement behind a GET was carried out."""
    log = user.site.cluster.log
    offset = log.stat().st_size
    answer = user.follow(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with open(log, "rb") as file:
        file.seek(offset)
        found = list(plans(file.read().decode()))
    assert len(found) == 1, found
    return answer, found[0]


def rows_read(plan):
    """Of tasks, whoever's they are. Each must have been found by the user."""
    total = 0
    for node in nodes(plan):
        if node.get("Relation Name") == "tasks":
            assert node["Node Type"] == "Index Scan", node
            assert re.match(r"\(+user_id = ", node["Index Cond"]), node
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            total += (node["Actual Rows"] + removed) * node["Actual Loops"]
    return total


def show(what, plan):
    for node in nodes(plan):
        if node.get("Relation Name") == "tasks" or "Sort Key" in node:
            text = " ".join(str(node[name]) for name in ("Node Type", "Scan Direction", "Index Name", "Index Cond",
                                                         "Sort Key", "Sort Method") if name in node)
            print(f"{what}: {text}: {node['Actual Rows']} rows, {node.get('Rows Removed by Filter', 0)} removed")


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_thousandth_page_costs_what_the_first_does(user, sort, order):
    url = f"{user.base}?sort={sort}&order={order}&limit={LIMIT}"
    _, first = explain(user, url)
    before, _ = explain(user, f"{url}&offset={998 * LIMIT}")
    page, last = explain(user, before.links()["next"])
    back, reverse = explain(user, page.links()["prev"])
    for what, plan in (("first", first), ("1,000th", last), ("back to the 999th", reverse)):
        show(f"{sort} {order}, {what}", plan)
    assert len(page.json()) == LIMIT and back.json() == before.json()
    assert rows_read(first) == rows_read(last) == rows_read(reverse)
    assert rows_read(first) == (LIMIT + 1 if sort == "created" else COUNT)


@pytest.mark.parametrize("query", ["status=pending", "search=ab", "tag=tag+5", "priority=low,high", "due_from=2026-01-05",
                                   "updated_since=2026-01-01", "trash=true"])
def test_filters_read_the_users_rows_only(user, query):
    answer, plan = explain(user, f"{user.base}?{query}&limit={LIMIT}")
    assert answer.status == 200 and rows_read(plan) <= COUNT


def test_counting_reads_each_row_once(user):
    answer, plan = explain(user, user.base, Prefer="count=exact")
    assert answer["X-Total-Count"] == str(COUNT) and len(answer.json()) == 1000
    assert rows_read(plan) == COUNT + 1001


def test_nothing_is_read_for_a_304(user):
    tag = user.get("?limit=1")["ETag"]
    for path in ("?limit=5", "/tags"):
        answer, plan = explain(user, user.base + path, If_None_Match=tag)
        assert answer.status == 304 and rows_read(plan) == 0


def test_tags(user):
    answer, plan = explain(user, user.base + "/tags")
    assert len(answer.json()) == 100 and sum(tag["count"] for tag in answer.json()) == COUNT
    assert rows_read(plan) == COUNT


def test_export_reads_each_task_once(user):
    log = user.site.cluster.log
    offset = log.stat().st_size
    answer = user.get("/export", timeout=120)
    with open(log, "rb") as file:
        file.seek(offset)
        pages = list(plans(file.read().decode()))
    assert len(answer.json()) == COUNT and len(pages) > 100
    assert sum(rows_read(plan) for plan in pages) == COUNT
    assert max(rows_read(plan) for plan in pages) == COUNT // (len(pages) - 1)
