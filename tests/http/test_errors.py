# SPDX-License-Identifier: ISC
"""Bodies, media types, statuses and what every answer carries."""

import http.client
import json
import re
import socket
import time

import pytest

from harness import ORIGIN, eventually, fastcgi

JSON = {"Content-Type": "application/json"}


def deep(levels):
    return b'{"title": "t", "x": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


# body, status, words in the detail
BODIES = {
    "empty": (b"", 400, ""),
    "blank": (b"  \n", 400, ""),
    "not JSON": (b"title=milk", 400, "byte"),
    "a bare word": (b"nul", 400, "byte"),
    "cut off": (b'{"title": "milk', 400, "byte"),
    "cut off after a name": (b'{"title"', 400, "byte"),
    "two documents": (b'{"title": "a"} {"title": "b"}', 400, "byte"),
    "single quotes": (b"{'title': 'a'}", 400, "byte"),
    "a comment": (b'{"title": "a" /* b */}', 400, "byte"),
    "a comma too many": (b'{"title": "a",}', 400, "byte"),
    "NaN": (b'{"title": "a", "n": NaN}', 400, "byte"),
    "a byte order mark": (b'\xef\xbb\xbf{"title": "a"}', 400, "byte"),
    "a NUL byte": (b'{"title": "a\0b"}', 400, "byte"),
    "a raw newline in a string": (b'{"title": "a\nb"}', 400, "byte"),
    "a bad escape": (b'{"title": "\\x41"}', 400, "byte"),
    "duplicate names": (b'{"title": "a", "title": "b"}', 400, "byte"),
    "duplicate names, deep": (b'{"title": "a", "x": {"y": 1, "y": 1}}', 400, "byte"),
    "duplicate names, escaped": (b'{"title": "a", "\\u0074itle": "b"}', 400, ""),
    "invalid UTF-8": (b'{"title": "\xff"}', 400, "UTF-8"),
    "an overlong form": (b'{"title": "\xc0\xaf"}', 400, "UTF-8"),
    "a surrogate in UTF-8": (b'{"title": "\xed\xa0\x80"}', 400, "UTF-8"),
    "UTF-8 cut off": (b'{"title": "\xf0\x9f\x98"}', 400, "UTF-8"),
    "UTF-16": ('{"title": "a"}'.encode("utf-16"), 400, ""),
    "a lone surrogate": (b'{"title": "\\ud800"}', 400, ""),
    "depth 17": (deep(17), 400, "16"),
    "depth 10,000": (deep(10000), 400, "16"),
    "open arrays, 60,000 deep": (b"[" * 60000, 400, ""),
    "U+0000": (b'{"title": "a\\u0000b"}', 422, "title"),
    "U+0000 in a name": (b'{"title": "a", "b\\u0000c": 1}', 422, ""),
    "U+0000 where nobody looks": (b'{"title": "a", "other": ["\\u0000"]}', 422, "other"),
    "an array": (b"[]", 422, "object"),
    "an array of tasks": (b'[{"title": "a"}]', 422, "object"),
    "a string": (b'"title"', 422, "object"),
    "a number": (b"42", 422, "object"),
    "null": (b"null", 422, "object"),
    "true": (b"true", 422, "object"),
    "a number too large": (b'{"title": "a", "n": 1e999}', 422, ""),
    "an integer too large": (b'{"title": "a", "n": 92233720368547758080}', 422, ""),
    "a number as title": (b'{"title": 1e308}', 422, "title"),
    "201 emoji": (json.dumps({"title": "\U0001f98a" * 201}, ensure_ascii=False).encode(), 422, "title"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bad_body(site, alice, name):
    body, status, words = BODIES[name]
    task = alice.create("before")
    workers = site.pool.workers()
    for method, path in (("POST", ""), ("PUT", f"/{task['id']}"), ("PATCH", f"/{task['id']}")):
        answer = alice.request(method, path, body=body, headers=JSON)
        assert answer.status == status, answer
        assert words.lower() in answer.json()["detail"].lower(), answer
    if body and status == 400:
        assert alice.patch(f"/{task['id']}/complete", body=body, headers=JSON).status == status
    assert alice.get().json() == [task]
    assert site.pool.workers() == workers


def test_good_bodies(alice):
    for body in (deep(16), b'\n\t {"title": "t"} \r\n', b'{"title": "\\ud83e\\udd8a"}', b'{"\\u0074itle": "t"}',
                 json.dumps({"title": "\U0001f98a" * 200}, ensure_ascii=False).encode(),
                 b'{"title": "t", "n": 1e10, "m": -9223372036854775808}'):
        assert alice.post("", body=body, headers=JSON).status == 201


def test_which_byte(alice):
    detail = alice.post("", body=b'{"title": nope}', headers=JSON).json()["detail"]
    assert re.search(r"\bbyte 1[0-4]\b", detail), detail


# ---- size

LIMIT = 65536


def padded(size):
    return b'{"title": "large"' + b" " * (size - 18) + b"}"


def test_largest_body(alice):
    assert len(padded(LIMIT)) == LIMIT
    assert alice.post("", body=padded(LIMIT), headers=JSON).status == 201
    answer = alice.post("", body=padded(LIMIT + 1), headers=JSON)
    assert answer.status == 413, answer


def test_one_mebibyte(site, alice):
    workers = site.pool.workers()
    for method, path in (("POST", ""), ("PUT", "/1"), ("PATCH", "/1"), ("PATCH", "/1/complete")):
        for base in (alice.base, "/unbuffered" + alice.base):
            answer = alice.site.request(method, base + path, padded(1 << 20),
                                        JSON | {"Authorization": f"Bearer {alice.token}"})
            assert answer.status == 413, answer
    assert site.pool.workers() == workers


def test_too_large_without_a_length(site, alice):
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (LIMIT + 1, padded(LIMIT + 1))
    headers = JSON | {"Transfer-Encoding": "chunked"}
    for base in (alice.base, "/unbuffered" + alice.base):
        alice.base = base
        assert alice.post("", body=body, headers=headers).status == 413
    assert fastcgi(site, "/api/tasks", "POST", padded(LIMIT + 1), alice.name, CONTENT_LENGTH=None)[0] == 413


def test_too_large_is_said_before_reading(site, alice):
    """The length alone decides: not one byte of the body is sent here."""
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        connection.sendall(f"POST /unbuffered{alice.base} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
                           f"Authorization: Bearer {alice.token}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_cut_off_body(site, alice):
    """The client goes away in the middle: nothing is written, and the worker lives."""
    workers = site.pool.workers()
    for base in (alice.base, "/unbuffered" + alice.base):
        with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
            connection.sendall(f"POST {base} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                               f"Authorization: Bearer {alice.token}\r\n\r\n{{\"title\"".encode())
            time.sleep(0.2)
    eventually(5, lambda: alice.get().status == 200)
    assert alice.get().json() == [] and site.pool.workers() == workers


def test_own_limit(cluster, make_site):
    from harness import User
    user = User(make_site(cluster, TODO_MAX_BODY=1024), "small")
    assert user.post("", body=padded(1024), headers=JSON).status == 201
    assert user.post("", body=padded(1025), headers=JSON).status == 413


# ---- media types

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize("method,kind,status", [
    ("POST", None, 201), ("POST", "application/json", 201), ("POST", "application/json; charset=utf-8", 201),
    ("POST", "Application/JSON;charset=\"UTF-8\"", 201), ("POST", "application/json ; a=b", 201),
    ("POST", "application/x-www-form-urlencoded", 415), ("POST", "text/plain", 415), ("POST", "text/json", 415),
    ("POST", MERGE, 415), ("POST", "application/jsonx", 415), ("POST", "application/json; charset=latin1", 415),
    ("POST", "application/json; charset=utf8", 201),
    ("POST", "multipart/form-data; boundary=x", 415), ("POST", "application/", 415), ("POST", "json", 415),
    ("PUT", None, 200), ("PUT", "application/json", 200), ("PUT", "text/plain", 415), ("PUT", MERGE, 415),
    ("PATCH", None, 200), ("PATCH", "application/json", 200), ("PATCH", MERGE, 200), ("PATCH", "text/plain", 415)])
def test_media_type(alice, method, kind, status):
    path = "" if method == "POST" else f"/{alice.create()['id']}"
    answer = alice.request(method, path, body=b'{"title": "t"}', headers={"Content-Type": kind})
    assert answer.status == status, answer
    assert status != 415 or answer.json()["detail"].endswith(", in UTF-8"), answer


def test_media_type_of_every_patch(alice, make_account):
    account = make_account()
    path = f"/{alice.create()['id']}/complete"
    for kind, status in (("application/json", 200), (MERGE, 200), ("text/plain", 415)):
        headers = {"Content-Type": kind}
        assert alice.request("PATCH", path, {"completed": True}, headers=headers).status == status
        assert account.call("me", {"name": "Anna"}, method="PATCH", headers=headers).status == status


# ---- what every answer carries


def each_status(alice, bob):
    """One request for each status that a client can bring about."""
    id = alice.create()["id"]
    yield 200, alice.get()
    yield 201, alice.post("", {"title": "t"})
    yield 204, alice.request("OPTIONS")
    yield 304, alice.get(headers={"If-None-Match": "*"})
    yield 400, alice.post("", body=b"{")
    yield 401, alice.get(headers={"Authorization": None})
    yield 401, alice.get(headers={"Authorization": "Bearer x"})
    yield 404, alice.get("/999999999999")
    yield 404, alice.get("/1/2/3")
    yield 405, alice.delete("")
    yield 409, alice.post(f"/{id}/restore")
    yield 412, alice.put(f"/{id}", {"title": "t"}, headers={"If-Match": '"99"'})
    yield 413, alice.post("", body=padded(LIMIT + 1))
    yield 415, alice.post("", body=b"{}", headers={"Content-Type": "text/plain"})
    yield 422, alice.post("", {})
    yield 422, alice.get("?limit=0")
    bob.base = alice.base
    yield 403, bob.get()


def test_every_status(alice, bob):
    for status, answer in each_status(alice, bob):
        assert answer.status == status, answer
        if status >= 400:
            assert answer.json()["title"] == {413: "Content Too Large", 422: "Unprocessable Content"}.get(
                status, http.client.responses[status])
        if status not in (204, 404, 405):
            assert answer["Cache-Control"] == "private, no-cache", answer
            list_read = {"prefer"} if status in (200, 304) else set()
            assert answer.words("Vary") == {"authorization", "origin"} | list_read, answer
        assert (answer["WWW-Authenticate"] is not None) is (status == 401)
        assert answer["Retry-After"] is None


@pytest.mark.parametrize("sent,kept", [
    ("abc-123", True), ("550e8400-e29b-41d4-a716-446655440000", True), ("A.b_c:d/e+f=", None), ("x" * 300, False),
    ("a b", False), ("ümlaut", False), ("a\tb", False), ('"><script>', False), ("", False)])
def test_request_id(site, sent, kept):
    for path in ("/health", "/nowhere", "/api/tasks"):
        got = site.request("GET", path, headers={"X-Request-Id": sent.encode("utf-8")})["X-Request-Id"]
        assert kept is None or (got == sent) is kept


def test_request_ids_differ(site):
    ids = {site.request("GET", "/health")["X-Request-Id"] for _ in range(50)}
    assert len(ids) == 50


def test_request_id_is_in_the_log(site, alice):
    alice.get(headers={"Authorization": "Bearer nonsense", "X-Request-Id": "find-me-in-the-log"})
    eventually(2, lambda: "find-me-in-the-log" in site.pool.log.read_text(), "the line in the log")


def test_log_lines_cannot_be_forged(site, alice):
    """Neither by a header nor by a path."""
    fastcgi(site, "/api/x%0Atodo.fcgi[1]: error: forged-line/tasks", user=alice.name)
    fastcgi(site, "/health", HTTP_X_REQUEST_ID="a\ntodo.fcgi[1]: error: forged-line",
            HTTP_ORIGIN="http://x\ntodo.fcgi[1]: error: forged-line")
    assert "\ntodo.fcgi[1]: error: forged-line" not in site.pool.log.read_text()


def test_headers_cannot_be_forged(site):
    for name in ("HTTP_X_REQUEST_ID", "HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"):
        _, headers, _ = fastcgi(site, "/health", **{name: f"{ORIGIN}\r\nX-Forged: yes"})
        assert headers["X-Forged"] is None


def test_large_headers(site, alice):
    """A token may have 8 KiB; a longer one is refused, not crashed on."""
    for size in (8000, 9000, 15000):
        answer = alice.get(headers={"Authorization": "Bearer " + "a" * size})
        assert answer.status == 401
