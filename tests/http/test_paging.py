# SPDX-License-Identifier: ISC
"""Cursors and the Link header, and how many there are in all."""

import base64
import string
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import ORIGIN, User, quote

SORTS = ["created", "updated", "title", "due_date", "priority", "completed"]
ALPHABET = string.ascii_letters + string.digits + "-_"


def load(user, count):
    """Tasks with many ties in everything that can be sorted by; a third has no due date."""
    user.site.cluster.sql(f"""INSERT INTO todo.users (id, change_seq) VALUES ('{user.name}', {count});
        INSERT INTO todo.tasks (user_id, title, due_date, priority, completed, completed_at, updated_at, version)
        SELECT '{user.name}', (ARRAY['b', 'B', '😀', 'é', 'a%', 'ab'])[1 + n % 6] || repeat('x', n % 3),
        CASE WHEN n % 3 > 0 THEN timestamptz '2026-01-01Z' + n % 5 * interval '1 day' END,
        (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4]::todo.priority, n % 2 = 0,
        CASE WHEN n % 2 = 0 THEN now() END, timestamptz '2026-02-01Z' - n % 7 * interval '1 s', n
        FROM generate_series(1, {count}) n""")


@pytest.fixture(scope="module")
def user(site):
    user = User(site, "pager")
    load(user, 60)
    return user


def ids(answer):
    assert answer.status == 200, answer
    return [task["id"] for task in answer.json()]


def cursor_of(url):
    return parse_qs(urlsplit(url).query)["cursor"][0]


def some_cursor(user, query="?limit=5"):
    return cursor_of(user.get(query).links()["next"])


def walk(user, answer, relation):
    """The pages from an answer on, each way's end included."""
    pages = [answer]
    while relation in pages[-1].links():
        pages.append(user.follow(pages[-1].links()[relation]))
        assert len(pages) < 1000
    return pages


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 10, 59, 60])
def test_to_the_end_and_back(user, sort, order, limit):
    query = f"?sort={sort}&order={order}"
    whole = ids(user.get(query))
    assert len(whole) == 60
    expected = [whole[i:i + limit] for i in range(0, 60, limit)]
    forth = walk(user, user.get(f"{query}&limit={limit}"), "next")
    assert [ids(page) for page in forth] == expected
    back = walk(user, forth[-1], "prev")
    assert [ids(page) for page in back] == expected[::-1]
    assert [ids(page) for page in walk(user, back[-1], "next")] == expected
    for number, page in enumerate(forth):
        assert ("prev" in page.links()) == ("first" in page.links()) == (number > 0)
        assert ids(user.follow(page.links().get("first", user.base + f"{query}&limit={limit}"))) == expected[0]
    assert {tuple(sorted(page.links())) for page in back[1:-1]} <= {("first", "next", "prev")}
    assert "first" not in back[-1].links()


@pytest.mark.parametrize("sort", SORTS)
def test_from_an_offset(user, sort):
    query = f"?sort={sort}&limit=7"
    whole = ids(user.get(f"?sort={sort}"))
    for place, at in (("offset=10", 10), ("page=3", 14), ("skip=3", 3)):
        links = user.get(f"{query}&{place}").links()
        assert set(links) == {"next", "prev", "first"}
        assert not any(name in url for url in links.values() for name in ("offset", "skip", "page="))
        assert ids(user.follow(links["next"])) == whole[at + 7:at + 14]
        assert ids(user.follow(links["prev"])) == whole[max(at - 7, 0):at]
        assert ids(user.follow(links["first"])) == whole[:7]
    assert set(user.get(f"{query}&offset=0").links()) == {"next"}
    assert set(user.get(f"{query}&offset=53").links()) == {"prev", "first"}


def test_beyond_the_end(user):
    """An empty page knows no row to go back from: what is before it is the list's end."""
    answer = user.get("?sort=title&limit=7&offset=1000")
    assert ids(answer) == [] and set(answer.links()) == {"prev", "first"}
    end = user.follow(answer.links()["prev"])
    assert ids(end) == ids(user.get("?sort=title"))[-7:]
    assert set(end.links()) == {"prev", "first"}
    assert set(user.get("?sort=title&limit=7&offset=1000&status=completed&priority=low").links()) == {"prev", "first"}


def test_the_url_is_the_clients_own(user):
    path = "/some%2Fwhere/" + user.base.lstrip("/") + "/"
    query = "limit=%35&&x=%3C%2F&sea%72ch=&y='(a)'&cur%73or={}&statu%73=pending&="
    kept = "limit=%35&x=%3C%2F&sea%72ch=&y='(a)'&statu%73=pending&="
    answer = user.follow(f"{path}?{query.format(some_cursor(user))}")
    links = answer.links()
    for relation in ("next", "prev"):
        assert links[relation] == f"{path}?{kept}&cursor={cursor_of(links[relation])}"
    assert links["first"] == f"{path}?{kept}"


def test_without_a_query(make_user):
    user = make_user()
    load(user, 1001)
    answer = user.get()
    assert answer.links() == {"next": f"{user.base}?cursor={cursor_of(answer.links()['next'])}"}
    last = user.follow(answer.links()["next"])
    assert last.links()["first"] == user.base and len(ids(last)) == 1


def test_bytes_that_no_uri_has(user):
    """Web servers let some of them pass."""
    answer = user.get("?limit=2&a=<b>;rel=\"next\"&c={}|^`\\[]")
    assert answer.links()["next"].startswith(user.base + "?limit=2&a=%3Cb%3E;rel=%22next%22&c=%7B%7D%7C%5E%60%5C%5B%5D&")


def test_a_long_url(user):
    """Links are left out, the last first, before the header is longer than web servers take."""
    for length, expected in ((100, {"next", "prev", "first"}), (2600, {"next", "prev"}), (5000, {"next"}), (8000, None)):
        links = user.get(f"?offset=5&limit=5&x={'x' * length}").links()
        assert links.keys() == (expected or set())
        if expected:
            assert ids(user.follow(links["next"])) == ids(user.get("?offset=10&limit=5"))


def test_filters_come_from_the_url(user):
    query = "?sort=due_date&limit=4&status=completed&priority=low,high&search=X"
    whole = ids(user.get(query.replace("&limit=4", "")))
    assert 4 < len(whole) < 60
    assert sum((ids(page) for page in walk(user, user.get(query), "next")), []) == whole


def test_the_limit_may_change(user):
    whole = ids(user.get("?sort=title"))
    assert ids(user.get(f"?sort=title&limit=9&cursor={some_cursor(user, '?sort=title&limit=5')}")) == whole[5:14]
    assert ids(user.get(f"?cursor={some_cursor(user, '?sort=title&limit=5')}")) == whole[5:]


def test_a_cursor_brings_its_order(user):
    whole = ids(user.get("?sort=title&order=desc"))
    cursor = some_cursor(user, "?sort=title&order=desc&limit=5")
    answer = user.get(f"?limit=5&cursor={cursor}")
    assert ids(answer) == whole[5:10]
    assert ids(user.follow(answer.links()["first"])) == whole[:5]
    assert ids(user.follow(answer.links()["prev"])) == whole[:5]
    for query in ("sort=title&order=desc", "sort=-title", "sort_by=title&sort_order=desc", "order=desc"):
        assert ids(user.get(f"?limit=5&{query}&cursor={cursor}")) == whole[5:10]


def check_refused(answer):
    assert answer.status == 422, answer
    assert [error["loc"] for error in answer.json()["errors"]] == [["query", "cursor"]]


@pytest.mark.parametrize("query", ["sort=title", "sort=title&order=asc", "order=asc", "sort=-created", "sort=due_date",
                                   "sort=created&order=asc"])
def test_a_cursor_of_another_order(user, query):
    check_refused(user.get(f"?{query}&cursor={some_cursor(user)}"))


@pytest.mark.parametrize("place", ["offset=1", "offset=0", "skip=0", "page=1", "page=2"])
def test_a_cursor_beside_another_place(user, place):
    check_refused(user.get(f"?{place}&cursor={some_cursor(user)}"))


def test_tampering(user):
    for query in ("?limit=5", "?limit=5&sort=title"):
        cursor = some_cursor(user, query)
        for i, c in enumerate(cursor):
            other = ALPHABET[(ALPHABET.index(c) + 1 + i) % 64]
            check_refused(user.get(f"{query}&cursor={cursor[:i]}{other}{cursor[i + 1:]}"))
        for wrong in ("", cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor * 2, cursor[:24], "%20" + cursor,
                      "A" * 24, "A" * 4000, "%C3%A9", "%F0%9F%98%80", "null", "0", "-1"):
            check_refused(user.get(f"{query}&cursor={wrong}"))


def test_one_users_cursor_is_not_anothers(user, alice):
    load(alice, 20)
    check_refused(alice.get(f"?cursor={some_cursor(user)}"))
    assert ids(alice.get(f"?cursor={some_cursor(alice)}"))


def test_all_processes_agree(user, cluster, make_site):
    cursor = some_cursor(user)
    twin = User(make_site(cluster, TODO_WORKERS=1), user.name)
    assert ids(twin.get(f"?cursor={cursor}")) == ids(user.get(f"?cursor={cursor}"))
    other = "another secret for tests, of more than thirty-two bytes"
    stranger = User(make_site(cluster, TODO_WORKERS=1, BETTER_AUTH_SECRET=other), user.name, secret=other)
    check_refused(stranger.get(f"?cursor={cursor}"))


def test_it_tells_nothing(user):
    """Not a secret, but no text either that a client could come to rely on."""
    cursor = some_cursor(user, "?limit=1&sort=created")
    assert len(base64.urlsafe_b64decode(cursor + "==")) == 2 + 16 + 16
    assert set(cursor) <= set(ALPHABET)


def test_the_row_at_the_edge_is_deleted(make_user):
    user = make_user()
    load(user, 30)
    for sort in SORTS:
        whole = ids(user.get(f"?sort={sort}"))
        links = user.get(f"?sort={sort}&limit=5&offset=10").links()
        user.delete(f"/{whole[14]}")
        user.delete(f"/{whole[10]}")
        assert ids(user.follow(links["next"])) == whole[15:20]
        assert ids(user.follow(links["prev"])) == whole[5:10]
        user.post(f"/{whole[14]}/restore")
        user.post(f"/{whole[10]}/restore")


def test_all_that_follows_is_deleted(make_user):
    user = make_user()
    load(user, 12)
    answer = user.get("?sort=title&limit=5")
    whole = ids(user.get("?sort=title"))
    for id in whole[5:]:
        user.delete(f"/{id}")
    empty = user.follow(answer.links()["next"])
    assert ids(empty) == [] and set(empty.links()) == {"prev", "first"}
    assert ids(user.follow(empty.links()["prev"])) == whole[:5]


def test_all_that_precedes_is_deleted(make_user):
    user = make_user()
    load(user, 12)
    answer = user.get("?sort=title&limit=5&offset=5")
    whole = ids(user.get("?sort=title"))
    for id in whole[:5]:
        user.delete(f"/{id}")
    empty = user.follow(answer.links()["prev"])
    assert ids(empty) == [] and set(empty.links()) == {"next"}
    assert ids(user.follow(empty.links()["next"])) == whole[5:10]


def test_the_longest_title(make_user):
    user = make_user()
    titles = [chr(0x1F600 + n) * 200 for n in range(4)]
    for title in titles:
        user.create(title)
    pages = walk(user, user.get("?sort=title&limit=1"), "next")
    assert [page.json()[0]["title"] for page in pages] == titles
    assert [page.json()[0]["title"] for page in walk(user, pages[-1], "prev")] == titles[::-1]


def test_the_earliest_and_the_latest_due_date(make_user):
    user = make_user()
    for date in ("0001-01-01", "9999-12-31T23:59:59.999999Z", None, "2000-01-01", None):
        user.create("t", due_date=date)
    for order in ("asc", "desc"):
        query = f"?sort=due_date&order={order}"
        pages = walk(user, user.get(query + "&limit=1"), "next")
        dates = [page.json()[0]["due_date"] for page in pages]
        assert [ids(page)[0] for page in pages] == ids(user.get(query))
        assert dates[3:] == [None, None] and [d[:4] for d in dates[:3]] == sorted(
            ["0001", "2000", "9999"], reverse=order == "desc")


def test_head_has_the_links_too(user):
    assert user.request("HEAD", "?limit=5").links() == user.get("?limit=5").links() != {}


def test_no_links(user, make_user):
    assert user.get().links() == user.get("?limit=60").links() == {}
    assert make_user().get("?offset=5").links().keys() <= {"prev", "first"}
    assert make_user().get().links() == {}
    tag = user.get("?limit=5")["ETag"]
    assert user.get("?limit=5", headers={"If-None-Match": tag}).status == 304


def test_browsers_may_read_links_and_counts(user):
    exposed = user.get(headers={"Origin": ORIGIN}).words("Access-Control-Expose-Headers")
    assert {"link", "x-total-count"} <= exposed


@pytest.mark.parametrize("prefer", ["count=exact", "Count=\"Exact\"", "respond-async, count=exact; x=y",
                                    ["count=exact", "respond-async"]])
def test_count(user, prefer):
    for query in ("", "?limit=5", "?limit=5&offset=1000", f"?cursor={some_cursor(user)}", "?search=%25",
                  "?search=nothing+at+all", "?trash=true", "?status=pending&priority=low,critical"):
        answer = user.get(query, headers={"Prefer": prefer})
        whole = ids(user.get(query.split("cursor")[0].replace("limit=5", "").replace("offset=1000", "")))
        assert answer["X-Total-Count"] == str(len(whole))
        assert answer["Preference-Applied"] == "count=exact" and "prefer" in answer.words("Vary")


@pytest.mark.parametrize("prefer", [None, "count=planned", "count", "return=minimal", "count=exactly"])
def test_no_count(user, prefer):
    answer = user.get(headers={"Prefer": prefer})
    assert answer["X-Total-Count"] is None and answer["Preference-Applied"] is None


def test_count_of_a_user_without_tasks(alice):
    assert alice.get(headers={"Prefer": "count=exact"})["X-Total-Count"] == "0"


def test_count_and_304(user):
    answer = user.get(headers={"Prefer": "count=exact"})
    again = user.get(headers={"Prefer": "count=exact", "If-None-Match": answer["ETag"]})
    assert again.status == 304 and again["X-Total-Count"] is None


def test_both_spellings_of_the_path(user):
    short = User(user.site, user.name, base="/api/tasks")
    long = User(user.site, user.name, base=f"/api/{quote(user.name)}/tasks")
    assert short.get("?limit=5").links()["next"].startswith("/api/tasks?limit=5&cursor=")
    cursor = some_cursor(long)
    assert ids(short.get(f"?cursor={cursor}")) == ids(long.get(f"?cursor={cursor}"))


def check_walk(user, one):
    """The pages of a site, by way of one of its users' views."""
    for sort in SORTS:
        forth = walk(one, one.get(f"?sort={sort}&limit=25"), "next")
        assert sum(map(ids, forth), []) == ids(user.get(f"?sort={sort}"))


def test_without_prepared_statements(user, cluster, make_site):
    check_walk(user, User(make_site(cluster, TODO_WORKERS=1, TODO_DB_PREPARE=0), user.name))


def test_statements_are_put_together_again_for_a_new_connection(user, cluster, make_site):
    one = User(make_site(cluster, TODO_WORKERS=1), user.name)
    for _ in range(2):
        check_walk(user, one)
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")


def test_more_shapes_than_are_prepared(user, cluster, make_site):
    one = User(make_site(cluster, TODO_WORKERS=1), user.name)
    filters = ["updated_since=2026-01-01", "completed=true", "priority=low,medium,high,critical", "search=X", "due_to=2026-01-04"]
    shapes = [f"?sort={sort}&order={order}&" + "&".join(f for i, f in enumerate(filters) if bits >> i & 1)
              for sort in SORTS for order in ("asc", "desc") for bits in range(32)]
    assert len(shapes) > 256
    for _ in range(2):
        for shape in shapes:
            assert one.get(shape).body == user.get(shape).body, shape
