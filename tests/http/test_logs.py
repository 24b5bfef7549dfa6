# SPDX-License-Identifier: ISC
"""The log: one line a request, as text or as a JSON object, and nothing in it that should not be."""

import json
import re

import pytest

from harness import SECRETS, Site, User, eventually, fastcgi

HOSTILE = ['"', "\\", '\\"', "a\nb", "\r\ntodo.fcgi[1]: error: forged", "\x1b[31m", "\x00", "\x7f", "\udcff\udcfe",
           "\u2028", "\u0085", '{"level":"error"}', '","user":"admin', "%s%n", "${jndi:x}", "x" * 5000]


@pytest.fixture(scope="module")
def json_site(cluster):
    site = Site(cluster, TODO_LOG_FORMAT="json", TODO_WORKERS=2)
    yield site
    site.stop()


def lines_since(site, offset, wanted):
    """What was logged since, once there is a line for the request of that id."""
    def read():
        with open(site.pool.log, "rb") as log:
            log.seek(offset)
            text = log.read().decode()
        return text.endswith("\n") and wanted in text and text.split("\n")[:-1]
    return eventually(5, read, f"a line about {wanted}")


def strict(line):
    def pairs(members):
        assert len({name for name, _ in members}) == len(members), line
        return dict(members)
    value = json.loads(line, object_pairs_hook=pairs)
    assert isinstance(value, dict), line
    return value


def access_line(site, act):
    """The line about the one request that act() makes."""
    offset = site.pool.log.stat().st_size
    answer = act()
    id = answer["X-Request-Id"]
    found = [line for line in map(strict, lines_since(site, offset, id)) if line.get("message") == "answered"]
    line, = [line for line in found if line["request_id"] == id]
    return answer, line


def test_access_line(json_site):
    user = User(json_site, "somebody")
    task = user.create("a title that nobody should read")
    answer, line = access_line(json_site, lambda: user.get(f"/{task['id']}?search=a-query-nobody-should-read"))
    assert answer.status == 200
    assert set(line) == {"time", "level", "pid", "request_id", "method", "route", "status", "user", "duration_us",
                         "database_us", "message"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"])
    assert line["level"] == "info" and line["pid"] in json_site.pool.workers()
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/tasks/{id}", 200)
    assert 0 < line["database_us"] <= line["duration_us"] < 60_000_000
    text = json_site.pool.log.read_text()
    assert "nobody-should-read" not in text and "nobody should read" not in text and "somebody" not in text


def test_users_are_pseudonyms(json_site):
    """The same for one user, in every process; another for another; none for nobody."""
    def name(user, path=""):
        return access_line(json_site, lambda: user.get(path))[1].get("user")

    alice, bob = User(json_site, "alice"), User(json_site, "bob")
    names = {name(alice) for _ in range(10)}
    assert len(names) == 1 and re.fullmatch("[0-9a-f]{16}", names.pop())
    assert name(alice) != name(bob)
    assert name(alice, "/1") == name(alice) == name(User(json_site, "alice", base="/api/tasks"))
    _, line = access_line(json_site, lambda: json_site.request("GET", "/api/tasks"))
    assert line["status"] == 401 and "user" not in line
    _, line = access_line(json_site, lambda: json_site.request("GET", "/health"))
    assert "user" not in line and line["database_us"] == 0
    other, line = access_line(json_site, lambda: User(json_site, "alice", base="/api/bob/tasks").get())
    assert other.status == 403 and line["user"] == name(alice)


def test_one_line_each(json_site):
    offset = json_site.pool.log.stat().st_size
    user = User(json_site, "counted")
    ids = [user.get(path)["X-Request-Id"] for path in ("", "/1", "/export", "?limit=0", "/changes") for _ in range(3)]
    ids.append(user.request("HEAD")["X-Request-Id"])
    answered = [line["request_id"] for line in map(strict, lines_since(json_site, offset, ids[-1]))
                if line["message"] == "answered"]
    assert sorted(answered) == sorted(ids)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_values(json_site, number):
    """Wherever a client may put them, each line stays an object of its own."""
    value = HOSTILE[number]
    offset = json_site.pool.log.stat().st_size
    headers = {name: value for name in ("HTTP_X_REQUEST_ID", "HTTP_ORIGIN", "HTTP_IDEMPOTENCY_KEY", "HTTP_IF_MATCH",
                                        "HTTP_PREFER", "HTTP_ACCEPT", "HTTP_COOKIE", "CONTENT_TYPE", "REMOTE_ADDR",
                                        "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT")}
    headers = {name: text.replace("\x00", "") for name, text in headers.items()}
    uri = "/api/tasks" + "?x=" + value.replace("\x00", "")
    fastcgi(json_site, uri, "POST", b"{}", user="hostile", **headers)
    fastcgi(json_site, uri, HTTP_AUTHORIZATION="Bearer " + headers["HTTP_ORIGIN"], **headers)
    fastcgi(json_site, "/" + headers["HTTP_ORIGIN"], **headers)
    _, last, _ = fastcgi(json_site, "/health", method=headers["HTTP_ORIGIN"] or "GET")
    lines = lines_since(json_site, offset, last["X-Request-Id"])
    for line in lines:
        parsed = strict(line)
        assert set(parsed) <= {"time", "level", "pid", "request_id", "method", "route", "status", "user", "duration_us",
                               "database_us", "message"}
        for text in (text for text in parsed.values() if isinstance(text, str)):
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text), line
    assert sum(strict(line)["message"] == "answered" for line in lines) == 4


def test_tokens_are_not_in_it(json_site):
    User(json_site, "secretive").get()
    text = json_site.pool.log.read_text()
    assert not [secret for secret in SECRETS if secret in text]


def test_text(site, make_user):
    user = make_user()
    offset = site.pool.log.stat().st_size
    id = user.get("/1")["X-Request-Id"]
    line, = [line for line in lines_since(site, offset, id) if id in line]
    assert re.fullmatch(rf"todo\.fcgi\[\d+\]: info: \[{id}\] GET /api/tasks/{{id}} 404 user=[0-9a-f]{{16}} us=\d+ "
                        r"database_us=\d+", line)


def test_level(cluster, make_site):
    site = make_site(cluster, TODO_LOG_LEVEL="warning", TODO_WORKERS=1)
    User(site, "quiet").get()
    assert site.pool.log.read_text() == ""
