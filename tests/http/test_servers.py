# SPDX-License-Identifier: ISC
"""The samples of deploy/web, as they are installed: each web server, at / and below a prefix, has to
give the same answers to the same requests. Where one does not, DIFFERENCES says what it gives and
why, and the README's table says it to its readers."""

import gzip
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile

import pytest

from harness import (DB_DEADLINE_MS, ORIGIN, REPORT, SECRET, SLOW, SOURCE, TMP, WITH_US, WORKER, Pool, Response,
                     Site, User, WebServer, check_secrets, eventually, free_port, make_token)

OUTSIDE = ["nginx", "lighttpd", "apache"]  # in front of a pool that others have started
SERVERS = [*OUTSIDE, "lighttpd-bin-path", "apache-fcgid"]
PREFIXES = ["", "/todo"]
LIMIT = 65536
MEBIBYTE = 1 << 20
numbers = itertools.count(1)

# Where a server has its own way: the words of the README's table, and what the cases see there.
LIGHTTPD = ["lighttpd", "lighttpd-bin-path"]
APACHE = ["apache", "apache-fcgid"]
DIFFERENCES = [
    ("`%zz` or `%00` in the URL", "nginx", "400, without a problem document",
     "it refuses what it cannot decode", ["nginx"],
     {"path /api/%zz/tasks": [400, False], "path /api/%2/tasks": [400, False],
      "path /api/a%00b/tasks": [400, False]}),
    ("a control character or bad UTF-8 in the URL", "lighttpd", "400, without a problem document",
     "Debian's `server.http-parseopts` refuse them", LIGHTTPD,
     {"path /api/a%00b/tasks": [400, False], "path /api/%ff/tasks": [400, False],
      "path /api/a%0Ab/tasks": [400, False], "path /api/tasks?status=a%00b": [400, False]}),
    ("`%zz` or `%00` in the URL", "Apache", "400, or 404 for `%00`, without a problem document",
     "it refuses what it cannot decode", APACHE,
     {"path /api/%zz/tasks": [400, False], "path /api/%2/tasks": [400, False],
      "path /api/a%00b/tasks": [404, False]}),
    ("a body over 2 MiB", "nginx, lighttpd", "413, without a problem document and CORS",
     "the server's limit; ours speaks up to there", ["nginx", *LIGHTTPD],
     {f"body_of {3 * MEBIBYTE}": [413, False, None]}),
    ("a body over 2 MiB", "mod_fcgid", "400, the body is empty",
     "it drops a body that `LimitRequestBody` refuses, and asks all the same", ["apache-fcgid"],
     {f"body_of {3 * MEBIBYTE}": [400, True, ORIGIN]}),
    ("the entity tag of a compressed answer", "nginx", "`W/\"17\"`, elsewhere `\"17-gzip\"`",
     "it weakens what it changes; conditions take both", ["nginx"],
     {"compressed": ["gzip", True, True, 'W/"1"']}),
    ("two Authorization headers", "nginx", "400, elsewhere 401",
     "it refuses a second one; others join them, and that is no token", ["nginx"],
     {"two_authorizations": [400, False, True]}),
    ("a method that nobody knows", "lighttpd", "501, elsewhere 405",
     "it knows the registered methods only", LIGHTTPD, {"unknown_method": [501, False]}),
    ("GET with a body", "lighttpd", "400", "it wants `method-get-body` in `server.http-parseopts`",
     LIGHTTPD, {"get_with_a_body": 400}),
    ("POST without Content-Length", "lighttpd", "411", "it wants to know; browsers and curl say 0",
     LIGHTTPD, {"post_without_a_length": 411}),
]
DEVIANT = {(server, name): value for *_, servers, seen in DIFFERENCES
           for server in servers for name, value in seen.items()}


# ---- the sites


def give_to_server(path):
    """Lets the server's user read it, and nobody else."""
    if os.getuid() == 0:
        shutil.chown(path, "www-data", "www-data")


class Front:
    """A web server of its own with its sample, below a prefix; behind it `pool`, or workers that it
    starts itself."""

    request = Site.request

    def __init__(self, directory, server, prefix="", edit="", program=None, **values):
        self.server = server
        self.prefix = prefix
        self.directory = pathlib.Path(directory)
        for name in ("run", "log"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.web = WebServer(self.directory, server, edit, PREFIX=prefix, **values)
        self.port = self.web.port
        self.todo_log = self.directory / "log" / "todo.log"
        Site.living.append(self)

    def logs(self):
        return [log for log in (self.web.log, self.todo_log) if log.exists()]

    def user(self, name=None):
        user = User(self, name or f"served-{next(numbers)}")
        user.base = self.prefix + user.base
        return user

    def get(self, path, **options):
        return self.request("GET", self.prefix + path, **options)

    def raw(self, head, body=b""):
        """An answer to just these bytes; the server may close before it has read them all."""
        with socket.create_connection(("127.0.0.1", self.port), 30 * SLOW) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Response(answer, head.split()[0])

    def stop(self):
        Site.living.remove(self)
        self.web.stop()
        for log in self.logs():
            assert not REPORT.search(log.read_text(errors="replace")), log
        check_secrets(*self.logs())


@pytest.fixture(scope="module")
def place():
    """A directory that the servers' users may enter, with the program and its settings."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="todo.", dir=TMP))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def settings(cluster, place):
    """The values of deploy/site that tell of todo.fcgi."""
    program = place / "todo.fcgi"
    subprocess.run([SOURCE / "tests" / "below-wrapper", WORKER, program], check=True)
    lines = {"DATABASE_URL": cluster.url(), "BETTER_AUTH_SECRET": SECRET, "TODO_BCRYPT_COST": 10,
             "TODO_CORS_ORIGINS": ORIGIN, "TODO_TRUSTED_PROXIES": "127.0.0.1",
             "TODO_DB_DEADLINE_MS": DB_DEADLINE_MS}
    conf = place / "todo.conf"
    conf.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    conf.chmod(0o600)
    give_to_server(conf)
    return {"CONFIG": conf, "PROGRAM": program, "WORKERS": 3}


@pytest.fixture(scope="module")
def pool(settings, place):
    for name in ("run", "log"):
        (place / name).mkdir()
    pool = Pool(place, {"TODO_CONFIG": settings["CONFIG"], "TODO_WORKERS": 3})
    yield pool
    pool.stop()
    pool.check()


@pytest.fixture(scope="module", params=[(server, prefix) for server in SERVERS for prefix in PREFIXES],
                ids=lambda param: param[0] + (param[1] or "/"))
def front(request, cluster, settings, place, pool):
    server, prefix = request.param
    cluster.sql("DELETE FROM todo.login_failures")  # all come from one address, other files' as well
    values = dict(settings)
    if server in OUTSIDE:
        values.update(SOCKET=pool.socket, AUTH_SOCKET=pool.socket)
    front = Front(place / f"{server}{prefix.replace('/', '-')}", server, prefix, **values)
    eventually(10, lambda: front.get("/ready", checked=False).status == 200, "/ready")
    yield front
    front.stop()


# ---- the suite: each function gives what it has seen, and beside it stands what that should be

CASES = {}


def case(expected):
    def register(function):
        CASES[function.__name__] = function, expected
        return function
    return register


def cases(values, expected=None):
    """One case for each value; `expected` is the same for all, or in the values."""
    def register(function):
        for value in values:
            name = f"{function.__name__} {value}"
            CASES[name] = (lambda front, value=value: function(front, value)), \
                values[value] if expected is None else expected
        return function
    return register


def ours(answer):
    """Is it an answer of the application, with all that it says of itself?"""
    try:
        answer.check()
        return True
    except (AssertionError, ValueError):
        return False


def seen(answer, *names):
    return [answer.status, ours(answer), *(answer[name] for name in names)]


def allowed(answer):
    return sorted(answer.words("Allow"))


@case([200, 200, 200])
def service(front):
    return [front.get(path).status for path in ("/health", "/ready", "/")]


@cases(["a/b", "a b", "a+b", "100%", "%2F", "a//b", "ü/ß", "日本語", "a?b#c", "...", "../a", "a;b=c,d", "a\\b", "~",
        "'; DROP TABLE", "a&b", "a:b@c", "<a>", "auth0|5f7c8ec7", "u" * 255],
       [201, True, 200, True, 200, 200, 403, 204])
def user_id(front, name):
    user, stranger = front.user(name), front.user("somebody else")
    made = user.post("", {"title": "mine"})
    path = f"{user.base}/{made.json()['id']}"
    found = user.get(f"/{made.json()['id']}")
    stranger.base = user.base
    return [made.status, made["Location"] == path, found.status, found.json()["user_id"] == name,
            user.get("?limit=5").status, user.request("HEAD").status, stranger.get().status,
            user.delete(f"/{made.json()['id']}").status]


@case([["a&b +%"], ["a/b"], []])
def query(front):
    user = front.user()
    for title in ("a&b +%", "a/b"):
        user.create(title)
    return [user.titles(f"?search={text}&sort=created") for text in ("%26b%20%2B%25", "a/b", "a%252Fb")]


@case([2, [1, 1, 0]])
def links(front):
    user = front.user()
    made = [user.create(f"task {number}")["id"] for number in range(2)]
    first = user.get("?limit=1")
    second = user.follow(first.links()["next"])
    return [len(made), [len(first.json()), len(second.json()), len(second.links().get("next", ""))]]


@cases({"//api/tasks": [404, True], "/api//tasks": [404, True], "/api/./tasks": [404, True],
        "/x/../api/tasks": [404, True], "/api/%2e/tasks": [404, True], "/api/x/%2E%2E/tasks": [404, True],
        "/api/%zz/tasks": [400, True], "/api/%2/tasks": [400, True], "/api/a%00b/tasks": [400, True],
        "/api/%ff/tasks": [400, True], "/api/a%0Ab/tasks": [403, True], "/api/tasks/x": [422, True],
        "/nowhere": [404, True], "/api/tasks/": [200, True], "/api/t%61sks": [200, True],
        "/API/tasks": [404, True], "/api/tasks;v=1": [404, True],
        "/api/tasks?limit=%zz": [400, True], "/api/tasks?limit=0": [422, True],
        "/api/tasks?status=a%00b": [422, True], "/api/tasks?search=" + "x" * 4000: [200, True]})
def path(front, path):
    user = front.user()
    user.base = front.prefix
    return seen(user.get(path, checked=False))


def padded(size):
    body = b'{"title": "long"}'
    return body + b" " * (size - len(body))


@cases({LIMIT: [201, True, ORIGIN], LIMIT + 1: [413, True, ORIGIN], MEBIBYTE: [413, True, ORIGIN],
        3 * MEBIBYTE: [413, True, ORIGIN]})
def body_of(front, size):
    headers = {"Content-Type": "application/json", "Origin": ORIGIN}
    user = front.user()
    return seen(user.post("", body=padded(size), headers=headers, checked=False),
                "Access-Control-Allow-Origin")


def chunked(body, size=8000):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@cases({17: [201, True, ORIGIN], LIMIT: [201, True, ORIGIN], LIMIT + 1: [413, True, ORIGIN],
        MEBIBYTE: [413, True, ORIGIN]})
def chunked_body_of(front, size):
    headers = {"Content-Type": "application/json", "Origin": ORIGIN, "Transfer-Encoding": "chunked"}
    return seen(front.user().post("", body=chunked(padded(size)), headers=headers, checked=False),
                "Access-Control-Allow-Origin")


@case([201, True])
def expect_continue(front):
    user, body = front.user(), '{"title": "after 100"}'
    with socket.create_connection(("127.0.0.1", front.port), 30 * SLOW) as connection:
        connection.sendall((f"POST {user.base} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {user.token}\r\n"
                            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n").encode())
        interim = b""
        while not interim.endswith(b"\r\n\r\n"):
            interim += connection.recv(1)
        assert interim.startswith(b"HTTP/1.1 100 "), interim
        connection.sendall(body.encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return seen(Response(answer, "POST"))


@case([200, 200])
def one_point_nought(front):
    user = front.user()
    return [front.raw(f"GET {path} HTTP/1.0\nAuthorization: Bearer {user.token}\n\n").status
            for path in (user.base, front.prefix + "/health")]


@case([201, 413, 201, 401, 200])
def one_connection(front):
    user = front.user()
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=30 * SLOW)
    statuses = []
    for method, body, more in (("POST", padded(50), headers), ("POST", padded(LIMIT + 1), headers),
                               ("POST", padded(50), headers), ("GET", None, {}), ("GET", None, headers)):
        connection.request(method, user.base, body, more)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


@cases(["", "/{id}", "/export"], [200, b"", True])
def head(front, path):
    user = front.user()
    path = path.replace("{id}", str(user.create()["id"]))
    plain, head = user.get(path), user.request("HEAD", path)
    names = ["Content-Type", "ETag", "Cache-Control", "Content-Disposition"]
    if "export" not in path:
        names += ["Content-Length"]
    return [head.status, head.body, [head[name] for name in names] == [plain[name] for name in names]]


@cases({"/api/tasks": ["get", "head", "options", "post"],
        "/api/tasks/1": ["delete", "get", "head", "options", "patch", "put"],
        "/api/tasks/1/complete": ["options", "patch"], "/health": ["get", "head", "options"]})
def options(front, path):
    answer = front.request("OPTIONS", front.prefix + path)
    assert answer.status == 204, answer
    return allowed(answer)


@cases(["GET", "POST", "PUT", "PATCH", "DELETE"], [204, ORIGIN, "600", True])
def preflight(front, method):
    answer = front.request("OPTIONS", front.prefix + "/api/tasks/1", None, {
        "Origin": ORIGIN, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,if-match"})
    return [answer.status, answer["Access-Control-Allow-Origin"], answer["Access-Control-Max-Age"],
            {"authorization", "if-match"} <= answer.words("Access-Control-Allow-Headers")]


@case([201, '"1"', 200, '"2"', 200, '"3"', 412, 200, '"4"', 204, None, 404, 200, '"6"'])
def life(front):
    user = front.user()
    made = user.post("", {"title": "a"})
    path = f"/{made.json()['id']}"
    answers = [made, user.put(path, {"title": "b"}), user.patch(path, {"title": "c"}, headers={"If-Match": '"2"'})]
    stale = user.put(path, {"title": "d"}, headers={"If-Match": '"2"'})
    answers += [user.patch(path + "/complete"), user.delete(path, headers={"If-Match": '"4"'})]
    gone = user.get(path)
    answers += [user.post(path + "/restore", body=b"")]
    found = [item for answer in answers for item in (answer.status, answer["ETag"])]
    return [*found[:6], stale.status, *found[6:10], gone.status, *found[10:]]


@case([201, 201, "true", 1])
def exactly_once(front):
    user, headers = front.user(), {"Idempotency-Key": "one two"}
    answers = [user.post("", {"title": "once"}, headers=headers) for _ in range(2)]
    return [*(answer.status for answer in answers), answers[1]["Idempotent-Replayed"], len(user.get().json())]


INVALID = 'Bearer realm="todo", error="invalid_token", error_description="'


@cases({"": 'Bearer realm="todo"', "Bearer x.y.z": INVALID, "Basic YTpi": 'Bearer realm="todo"',
        "Bearer " + "x" * 8192: INVALID})
def unauthorized(front, value):
    answer = front.get("/api/tasks", headers={"Authorization": value} if value else {}, checked=False)
    assert answer.status == 401 and ours(answer), answer
    return answer["WWW-Authenticate"][:len(INVALID)]


@case([401, True, True])
def two_authorizations(front):
    user = front.user()
    answer = user.get(headers={"Authorization": [f"Bearer {user.token}", f"Bearer {make_token('eve')}"]},
                      checked=False)
    return [answer.status, ours(answer), b'"title":' not in answer.body or answer.status >= 400]


@cases({401: 'Bearer realm="todo"', 403: None, 404: None, 405: None, 413: None, 415: None, 422: None,
        400: None, 412: None})
def cors_on(front, status):
    user, path = front.user(), f"/{next(numbers) + (1 << 40)}"
    headers = {"Origin": ORIGIN}
    task = user.create()["id"]
    answer = {
        400: lambda: user.post("", body=b"{", headers=headers),
        401: lambda: user.get(headers=headers | {"Authorization": None}),
        403: lambda: front.get("/api/eve/tasks", headers=headers | {"Authorization": f"Bearer {user.token}"}),
        404: lambda: user.get(path, headers=headers),
        405: lambda: user.request("DELETE", headers=headers),
        412: lambda: user.delete(f"/{task}", headers=headers | {"If-Match": '"99"'}),
        413: lambda: user.post("", body=padded(LIMIT + 1), headers=headers),
        415: lambda: user.post("", body=b"x", headers=headers | {"Content-Type": "text/plain"}),
        422: lambda: user.post("", {"title": ""}, headers=headers),
    }[status]()
    assert answer.status == status, answer
    assert answer["Access-Control-Allow-Origin"] == ORIGIN, answer
    assert "etag" in answer.words("Access-Control-Expose-Headers"), answer
    assert "origin" in answer.words("Vary"), answer
    return answer["WWW-Authenticate"]


@case([200, 304, True, None, None, True])
def not_modified(front):
    user = front.user()
    path = f"/{user.create()['id']}"
    plain = user.get(path)
    answer = user.get(path, headers={"If-None-Match": plain["ETag"]})
    return [plain.status, answer.status, answer["ETag"] == plain["ETag"], answer["Content-Type"],
            answer["Content-Encoding"], "authorization" in answer.words("Vary")]


GZIP = {"Accept-Encoding": "gzip"}


def unpacked(answer):
    return gzip.decompress(answer.body) if answer["Content-Encoding"] == "gzip" else answer.body


@case(["gzip", True, True, '"1-gzip"'])
def compressed(front):
    """Its entity tag is not what was compressed: each server says so in a way of its own."""
    user = front.user()
    task = user.create("compressed", description="a word and " * 90)
    plain = user.get(f"/{task['id']}")
    answer = user.get(f"/{task['id']}", headers=GZIP, checked=False)
    return [answer["Content-Encoding"], unpacked(answer) == plain.body,
            {"accept-encoding", "authorization", "origin"} <= answer.words("Vary"), answer["ETag"]]


@cases({"If-None-Match on a task": [304], "If-None-Match on a list": [304],
        "If-None-Match on a changed list": [200], "If-Match on PUT": [200, 412], "If-Match on DELETE": [204]})
def compressed_then(front, what):
    """What the client has as the entity tag of a compressed answer is good for a condition."""
    user = front.user()
    path = f"/{user.create('compressed', description='a word and ' * 90)['id']}"
    tag = user.get(path, headers=GZIP, checked=False)["ETag"]
    list_tag = user.get("", headers=GZIP, checked=False)["ETag"]
    unchanged = {"If-None-Match": list_tag, **GZIP}
    if "changed" in what:
        user.create("another")
    steps = {
        "If-None-Match on a task": [lambda: user.get(path, headers={"If-None-Match": tag, **GZIP}, checked=False)],
        "If-None-Match on a list": [lambda: user.get("", headers=unchanged, checked=False)],
        "If-None-Match on a changed list": [lambda: user.get("", headers=unchanged, checked=False)],
        "If-Match on PUT": [lambda: user.put(path, {"title": "b"}, headers={"If-Match": tag})] * 2,
        "If-Match on DELETE": [lambda: user.delete(path, headers={"If-Match": tag})],
    }[what]
    return [step().status for step in steps]


@case([True, True])
def compressed_export(front):
    user = front.user()
    for number in range(20):
        user.create(f"task {number}", description="a word and " * 20)
    plain = user.get("/export", headers={"Accept": "text/csv"})
    packed = user.get("/export", headers={"Accept": "text/csv", **GZIP}, checked=False)
    return [packed["Content-Encoding"] == "gzip", unpacked(packed) == plain.body]


@case([201, None, 200, 200, 401])
def accounts(front):
    """Beside tokens nothing is compressed."""
    body = {"email": f"{next(numbers)}@example.com", "password": "a fine password", "name": "n" * 200}

    def call(path, body, **headers):
        return front.request("POST", f"{front.prefix}/api/auth/{path}", json.dumps(body).encode(),
                             {"Content-Type": "application/json", **headers}, checked=False)

    made = call("register", body, **GZIP)
    logged_in = call("login", body)
    me = front.get("/api/auth/me", headers={"Authorization": f"Bearer {logged_in.json()['access_token']}"})
    return [made.status, made["Content-Encoding"], logged_in.status, me.status,
            call("login", body | {"password": "a wrong password"}).status]


@cases({"-: 127.0.0.1": 200, "-: 127.0.0.1\n-: 127.0.0.1": 200, "-: 203.0.113.9": 404,
        "-: 203.0.113.9\n-: 127.0.0.1": 404,
        "_: 127.0.0.1\n-: 203.0.113.9": 404, "-: 203.0.113.9\n_: 127.0.0.1": 404,
        "-: 203.0.113.9\n.: 127.0.0.1": 404, "-: 203.0.113.9\n+: 127.0.0.1\n-: 203.0.113.9": 404})
def forwarded(front, lines):
    """By a proxy, which passes on what its client sent under a name that a variable cannot tell apart."""
    lines = re.sub(r"(?m)^(.):", r"X\1Forwarded\1For:", lines)
    return front.raw(f"GET {front.prefix}/metrics HTTP/1.1\nHost: a\n{lines}\n\n").status


@case([405, True])
def trace(front):
    """Refused, and nothing is echoed."""
    user = front.user()
    answer = user.request("TRACE", checked=False)
    return [answer.status, user.token.encode() not in answer.body]


@case([405, True])
def unknown_method(front):
    return seen(front.request("PURGE", front.prefix + "/api/tasks", checked=False))


@cases(["bytes=0-1", "bytes=-1", "bytes=99999-", "bytes=0-0,2-3"], [200, True, None])
def range_is_ignored(front, value):
    user = front.user()
    user.create()
    answer = user.get(headers={"Range": value})
    return [answer.status, answer.body == user.get().body, answer["Content-Range"]]


@case([200, 200, 204])
def bodies(front):
    user = front.user()
    path = f"/{user.create()['id']}"
    return [user.patch(path + "/complete", body=b"").status, user.patch(path + "/complete").status,
            user.request("DELETE", path, body=b"{}").status]


@case(200)
def get_with_a_body(front):
    return front.user().request("GET", body=b"{}", checked=False).status


@case(200)
def post_without_a_length(front):
    user = front.user()
    path = f"/{user.create()['id']}"
    user.delete(path)
    return user.post(path + "/restore", checked=False).status


@case(["of-a-client-1", True])
def request_id(front):
    return [front.get("/health", headers={"X-Request-Id": "of-a-client-1"})["X-Request-Id"],
            bool(front.get("/health")["X-Request-Id"])]


@pytest.mark.parametrize("name", CASES)
def test_same_answers(front, name):
    function, expected = CASES[name]
    assert function(front) == DEVIANT.get((front.server, name), expected)


# ---- what the program is told


@pytest.fixture(scope="module", params=SERVERS)
def echo(request, place):
    """A server with its sample, before a program that answers with what it was told."""
    server = request.param
    directory = place / f"echo-{server}"
    (directory / "run").mkdir(parents=True)
    program = place / "echo.fcgi"
    shutil.copy(SOURCE / "tests" / "http" / "echo.fcgi", program)
    values, spawned = {"PROGRAM": program, "CONFIG": place / "todo.conf", "WORKERS": 3}, []
    for name in ("SOCKET", "AUTH_SOCKET") if server in OUTSIDE else ():
        values[name] = directory / "run" / name
        spawned.append(subprocess.Popen([*WITH_US, "spawn-fcgi", "-n", "-s", values[name], "-M", "0666",
                                         "--", program], stdin=subprocess.DEVNULL))
    front = Front(directory, server, **values)
    eventually(10, lambda: front.get("/", checked=False).status == 200, "an echo")
    yield front
    front.stop()
    for process in spawned:
        process.terminate()
        process.wait()


def told(echo, path, headers=None):
    answer = echo.get(path, headers=headers, checked=False)
    assert answer.status == 200, answer
    return answer.json()


def test_variables(echo):
    path = "/todo/api/u%2F1%20x/tasks?search=a%26b+c"
    answer = told(echo, path, {"Authorization": "Bearer a.b.c", "Proxy": "http://evil.example", "X-Request-Id": "1"})
    variables = answer["variables"]
    assert variables["REQUEST_URI"] == path
    assert variables["HTTP_AUTHORIZATION"] == "Bearer a.b.c"
    assert variables["HTTP_X_REQUEST_ID"] == "1"
    assert variables["REMOTE_ADDR"] == "127.0.0.1"
    assert variables["HTTP_HOST"].partition(":")[0] == "127.0.0.1"
    assert variables["SERVER_PORT"] == str(echo.port)
    assert not variables.get("HTTP_PROXY")
    assert not answer["keeps"]  # a worker serves one connection at a time


def test_bulkhead(echo):
    """Whatever makes passwords be hashed goes to workers of its own, however it is written."""
    tasks = told(echo, "/api/tasks")["who"]
    assert told(echo, "/health")["who"] == told(echo, "/api/u/tasks/1?x=/api/auth/login")["who"] == tasks
    auth = told(echo, "/api/auth/login")["who"]
    assert auth != tasks
    for path in ("/api/auth/register", "/x/y/api/auth/login", "/api/%61uth/login", "/api/login/", "/api/signup"):
        assert told(echo, path)["who"] == auth, path


# ---- what stands in the samples as a comment, or is for nobody's tests but this


@pytest.fixture(scope="module")
def certificate(place):
    files = {"CERTIFICATE": place / "certificate.pem", "KEY": place / "key.pem"}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                    "-out", files["CERTIFICATE"], "-keyout", files["KEY"]], check=True, capture_output=True)
    give_to_server(files["KEY"])
    return files


@pytest.mark.parametrize("server", SERVERS)
def test_tls(server, settings, place, pool, certificate):
    """Uncommented as the sample says, it speaks TLS."""
    port = free_port()
    listen = f"127.0.0.1:{port}"
    edit = "s/#tls //"
    if server.startswith("apache"):  # one address for a virtual host
        edit += f"; s/^<VirtualHost .*>/Listen {listen}\\n<VirtualHost {listen}>/"
    sockets = {"SOCKET": pool.socket, "AUTH_SOCKET": pool.socket} if server in OUTSIDE else {}
    front = Front(place / f"tls-{server}", server, edit=edit, TLS_LISTEN=listen, **settings, **certificate, **sockets)
    try:
        trust = ssl.create_default_context(cafile=certificate["CERTIFICATE"])
        connection = http.client.HTTPSConnection("localhost", port, timeout=30 * SLOW, context=trust)
        connection.request("GET", "/ready")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        front.stop()


def test_flood(settings, place, pool):
    """nginx lets some through at once, and says 429 to the rest; other paths have no limit."""
    front = Front(place / "flood", "nginx", SOCKET=pool.socket, AUTH_SOCKET=pool.socket)
    try:
        statuses = [front.get("/api/auth/me", checked=False).status for _ in range(60)]
        assert set(statuses[:20]) == {401} and 429 in statuses
        assert {front.get("/api/tasks").status for _ in range(60)} == {401}
    finally:
        front.stop()


def test_sockets_where_lighttpd_may_make_them():
    """As it is installed: what lighttpd makes itself, as its user, is where Debian lets it."""
    sample = subprocess.run([SOURCE / "deploy" / "site", "lighttpd-bin-path.conf"], check=True, text=True,
                            capture_output=True).stdout
    package = pathlib.Path("/usr/lib/tmpfiles.d/lighttpd.tmpfile.conf").read_text()
    its_own = re.findall(r"^d (\S+) \S+ www-data ", package, re.MULTILINE)
    made = re.findall(r'^(?: *"socket" =>|server\.breakagelog =) "(.*?)"', sample, re.MULTILINE)
    assert len(made) == 3 and {os.path.dirname(path) for path in made} <= set(its_own)


def test_every_difference_is_told():
    """The README's table has these rows and no others; each is about cases that there are."""
    section = re.search(r"^### Where they differ\n(.*?)(?=^##)", (SOURCE / "README.md").read_text(),
                        re.MULTILINE | re.DOTALL)[1]
    rows = [tuple(row.strip().split(" | ")) for row in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)]
    assert rows[1:] == [difference[:4] for difference in DIFFERENCES]
    assert {name for _, name in DEVIANT} <= set(CASES)
