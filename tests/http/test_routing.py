# SPDX-License-Identifier: ISC
"""Mounting and routing."""

import http.client

import pytest

from harness import fastcgi, quote

PATHS = {  # every path, and the methods it knows
    "/": "GET",
    "/health": "GET",
    "/healthz": "GET",
    "/api/health": "GET",
    "/ready": "GET",
    "{T}": "GET POST",
    "{T}/{id}": "GET PUT PATCH DELETE",
    "{T}/{id}/complete": "PATCH",
    "{T}/{id}/restore": "POST",
}
TASK_PATHS = [(path.replace("{T}", base), methods.split())
              for path, methods in PATHS.items()
              for base in (["/api/{user}/tasks", "/api/tasks"] if "{T}" in path else [""])]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def known(methods):
    return {m.lower() for m in methods} | {"options"} | ({"head"} if "GET" in methods else set())


@pytest.mark.parametrize("prefix", ["", "/todo", "/a/b/c", "/tasks", "/api/v1", "/x%2Fy"])
def test_any_prefix(site, alice, prefix):
    for base in (f"{prefix}/api/tasks", f"{prefix}/api/{alice.name}/tasks"):
        alice.base = base
        made = alice.post("", {"title": "found"})
        assert made.status == 201
        assert made["Location"] == f"{base}/{made.json()['id']}"
        alice.base = ""
        assert alice.get(made["Location"]).json() == made.json()
        assert alice.get(f"{base}?limit=1").json() == [made.json()]
    if "api" in prefix:
        return  # there /health could be anybody's
    assert site.request("GET", f"{prefix}/health").status == 200
    assert site.request("GET", f"{prefix}/").status == 200


@pytest.mark.parametrize("path,methods", TASK_PATHS)
def test_every_path_knows_its_methods(alice, path, methods):
    task = alice.create()
    alice.base = ""
    path = path.replace("{user}", alice.name).replace("{id}", str(task["id"]))
    for slash in ("", "/") if path != "/" else ("",):
        options = alice.request("OPTIONS", path + slash)
        assert options.status == 204 and options.words("Allow") == known(methods)
        for method in [m for m in [*METHODS, "PURGE"] if m not in methods]:
            answer = alice.request(method, path + slash)
            assert answer.status == 405, answer
            assert answer.words("Allow") == known(methods)


def test_options_needs_no_token(site):
    assert site.request("OPTIONS", "/api/tasks").status == 204


@pytest.mark.parametrize("path", [path for path, methods in TASK_PATHS if "GET" in methods])
def test_trailing_slash_and_head(alice, path):
    task = alice.create()
    alice.base = ""
    path = path.replace("{user}", alice.name).replace("{id}", str(task["id"]))
    plain = alice.get(path)
    assert plain.status == 200
    if path != "/":
        assert alice.get(path + "/").body == plain.body
    head = alice.request("HEAD", path)
    assert head.status == 200 and head.body == b""
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert head[name] == plain[name]


def test_trailing_slash_on_changes(alice):
    task = alice.post("/", {"title": "a"})
    assert task.status == 201
    assert task["Location"] == f"{alice.base}/{task.json()['id']}"
    path = f"/{task.json()['id']}/"
    assert alice.put(path, {"title": "b"}).status == 200
    assert alice.patch(path, {"title": "c"}).status == 200
    assert alice.patch(path + "complete/").status == 200
    assert alice.delete(path).status == 204
    assert alice.post(path + "restore/").status == 200


def test_head_sends_no_body(site, alice):
    status, headers, body = fastcgi(site, "/api/tasks", "HEAD", user=alice.name)
    assert (status, headers["Content-Length"], body) == (200, "2", b"")
    status, headers, body = fastcgi(site, "/nowhere", "HEAD")
    assert status == 404 and int(headers["Content-Length"]) > 0 and body == b""


@pytest.mark.parametrize("path", [
    "/nope", "/api", "/api/x", "/api/x/y", "/api/tasks/1/nope", "/api/u/tasks/1/complete/x",
    "/api/tasks/1/complete/restore", "/healthzz", "/ready/x", "/API/tasks", "/api/Tasks",
    "/api/tasks/x/y/z", "/" + "a/" * 40, "/api/tasks;v=1", "/tasks",
    "/api/x/", "/api/tasks/1/nope/", "/api/u/tasks/1/complete/x/"])
def test_unknown_path(site, path):
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert site.request(method, path).status == 404


@pytest.mark.parametrize("uri", [
    "//api/tasks", "/api//tasks", "/api/./tasks", "/x/../api/tasks", "/api/%2e%2e/tasks", "/api/%2E/tasks",
    "/api/tasks//", "/api/tasks//1"])
def test_path_is_not_normalised(site, alice, uri):
    assert fastcgi(site, uri, user=alice.name)[0] == 404


@pytest.mark.parametrize("uri", [
    "/api/%/tasks", "/api/%2/tasks", "/api/%zz/tasks", "/api/a%00b/tasks", "/api/%ff/tasks",
    "/api/%C0%AF/tasks", "/api/%ED%A0%80/tasks", "/api/tasks?limit=%", "/api/tasks?a=%f", "/api/tasks?q=%FF"])
def test_malformed_escape(site, alice, uri):
    assert fastcgi(site, uri, user=alice.name)[0] == 400


def test_no_request_uri(site):
    assert fastcgi(site, None)[0] == 400
    assert fastcgi(site, "")[0] in (400, 404)


def test_nul_in_a_parameter(site, alice):
    assert fastcgi(site, "/api/tasks?status=%00", user=alice.name)[0] == 422


@pytest.mark.parametrize("name", [
    "a/b", "a b", "a+b", "100%", "%2F", "ü/ß", "日本語", "🦊", "a?b#c", "tasks", "api", "health", "...", "~",
    "auth0|5f7c8ec7c33c6c004bbafe82", "x" * 255, "ü" * 127, "a;b=c,d", "'; DROP TABLE users; --", '"'])
def test_any_user_id(make_user, name):
    user = make_user(name)
    task = user.create("mine")
    assert task["user_id"] == name
    assert user.get("").json()[0] == task
    assert user.get(f"/{task['id']}").json() == task
    bare = make_user(name, base="/api/tasks")
    assert bare.get(f"/{task['id']}").json() == task


def test_user_id_is_decoded_once(make_user):
    plain, coded = make_user("u/once"), make_user("u%2Fonce")
    assert coded.base == "/api/u%252Fonce/tasks"
    assert plain.get().status == coded.get().status == 200
    coded.base = plain.base
    assert coded.get().status == 403
    plain.base = plain.base.replace("%2F", "%2f").replace("u", "%75")
    assert plain.get().status == 200


def test_plus_in_a_path_is_a_plus(make_user):
    user = make_user("a b")
    user.base = "/api/a+b/tasks"
    assert user.get().status == 403


@pytest.mark.parametrize("name", ["a\nb", "a\x7fb", "a\u0085b", "", "x" * 256])
def test_no_such_user_id(make_user, name):
    """Neither a token nor a path can have it."""
    user = make_user(name)
    assert user.get().status in (401, 404)
    user.base = "/api/tasks"
    assert user.get().status == 401


@pytest.mark.parametrize("variables", [
    {},
    {"PATH_INFO": "/api/each/1/tasks", "SCRIPT_NAME": "/todo"},
    {"PATH_INFO": "/api/each%2F1/tasks", "SCRIPT_NAME": "/todo", "CONTENT_LENGTH": "0"},
    {"SCRIPT_NAME": "/todo/api/each/1/tasks", "CONTENT_LENGTH": ""},
])
def test_as_each_web_server_says_it(site, variables):
    """nginx, lighttpd, mod_fcgid, mod_proxy_fcgi: only REQUEST_URI is the same in all four."""
    for uri in ("/todo/api/each%2F1/tasks?limit=3", "http://todo.example:8080/todo/api/each%2F1/tasks?limit=3"):
        assert fastcgi(site, uri, user="each/1", **variables)[::2] == (200, b"[]")


def test_unknown_length_and_declared_length(site, make_user):
    """proxy_fcgi passes no length for a chunked body: it is read to its end."""
    user = make_user().name
    body = b'{"title": "of unknown length"}'
    assert fastcgi(site, "/api/tasks", "POST", body, user, CONTENT_LENGTH=None)[0] == 201
    assert fastcgi(site, "/api/tasks", "POST", body, user, CONTENT_LENGTH=str(len(body) + 1))[0] == 400
    assert fastcgi(site, "/api/tasks", "POST", body, user, CONTENT_LENGTH="twelve")[0] == 400
    assert fastcgi(site, "/api/tasks", "POST", body, user, CONTENT_LENGTH="-1")[0] == 400
    assert fastcgi(site, "/api/tasks", "POST", body, user, CONTENT_LENGTH="9" * 30)[0] in (400, 413)


def test_chunked_body(site, alice):
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (b'{"title":', b' "chunked"', b"}"))
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    for base in (alice.base, "/unbuffered" + alice.base):
        alice.base = base
        answer = alice.post("", body=chunked + b"0\r\n\r\n", headers=headers)
        assert answer.status == 201 and answer.json()["title"] == "chunked"


def test_keepalive_of_the_client(site, alice):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    for _ in range(3):
        connection.request("GET", f"/api/{quote(alice.name)}/tasks",
                           headers={"Authorization": f"Bearer {alice.token}"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"[]")
    connection.close()
