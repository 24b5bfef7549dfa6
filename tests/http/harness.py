# SPDX-License-Identifier: ISC
"""What the tests drive: a private PostgreSQL cluster, a pool of workers under spawn-fcgi, nginx in
front of it, and clients. The standard library is enough.

TEST_BUILDDIR says where todo.fcgi and todoctl were built. TEST_WRAPPER is put before todo.fcgi
(valgrind and its options); TEST_SLOW is then how many times longer things may take. TEST_TMP is
where everything is kept."""

import base64
import hashlib
import hmac
import http.client
import io
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TEST_BUILDDIR", SOURCE))
WORKER = BUILD / "todo.fcgi"
TODOCTL = BUILD / "todoctl"
WRAPPER = shlex.split(os.environ.get("TEST_WRAPPER", ""))
WRAPPER[:1] = map(shutil.which, WRAPPER[:1])  # spawn-fcgi does not look into PATH
TMP = os.environ.get("TEST_TMP", "/tmp")
SLOW = float(os.environ.get("TEST_SLOW", "1"))
DB_DEADLINE_MS = min(30000, int(5000 * SLOW))  # nginx gives up after 60 s
SECRET = "a secret for tests, of more than thirty-two bytes"
ORIGIN = "https://app.example"

# Before a server: should we be killed, it is told to end.
WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]
SECRETS = {SECRET}  # what no log may hold: whoever uses a password or a token adds it

# What AddressSanitizer, UndefinedBehaviorSanitizer, LeakSanitizer and valgrind write.
REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|^==\d+== (?!\s*$)", re.MULTILINE)


def eventually(seconds, condition, what="it"):
    """Waits until condition() is true, and gives that value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen within {seconds * SLOW} s"
        time.sleep(0.02)


def clean_environment(**more):
    """Ours without the settings of whoever runs the tests."""
    strange = re.compile(r"TODO_|PG|DATABASE_|JWT_SECRET|SECRET_KEY|BETTER_AUTH_")
    environment = {k: v for k, v in os.environ.items() if not strange.match(k)}
    environment["TODO_CONFIG"] = "/dev/null"
    environment.update({k: str(v) for k, v in more.items() if v is not None})
    return environment


# ---- servers


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A PostgreSQL cluster with a database `todo`, migrated by the todoctl that was built."""

    defaults = {"TODO_WORKERS": 4}  # settings of its sites

    def __init__(self, directory, *options):
        self.directory = pathlib.Path(directory) / "database"
        self.options = options
        self.make()

    def make(self):
        self.start()
        self.run("migrate", TODOCTL, "migrate", "--schema", SOURCE / "schema")

    def run(self, action, *arguments):
        command = [SOURCE / "tests" / "cluster", action, self.directory, *arguments]
        # Into a file: a server that keeps a pipe open would hold us.
        with tempfile.TemporaryFile("w+") as out:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, env=clean_environment()).returncode
            out.seek(0)
            text = out.read().strip()
        assert status == 0, f"tests/cluster {action}: {text}"
        return text

    def start(self):
        self.run("start", *self.options)

    def stop(self, mode="fast"):
        self.run("stop", mode)

    def end(self):
        self.stop("immediate")

    def reach(self, url):
        """The URL by which workers reach what is at that one."""
        return url

    def renew_sessions(self):
        """Workers that connect from now on get new ones."""

    def url(self, role="todo_app", database="todo", password=None):
        url = self.run("url", role, database)
        return re.sub(r":[^:@]+@", f":{password}@", url, count=1) if password else url

    def sql(self, text, database="todo"):
        """Runs statements as the administrator."""
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                               self.url("postgres", database)], input=text, text=True,
                              capture_output=True, env=clean_environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pids(self):
        """The server's process and its children."""
        leader = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        return [leader, *children(leader)]

    @property
    def log(self):
        return self.directory / "log"

    @property
    def logs(self):
        return [self.log]


class Standby(Cluster):
    """A streaming standby of `primary`, with the same roles and passwords."""

    def __init__(self, directory, primary):
        self.primary = primary
        super().__init__(directory)

    def make(self):
        self.run("standby", self.primary.directory)

    def has_all(self):
        """Has it carried out everything that the primary has written until now?"""
        here = "SELECT pg_last_wal_replay_lsn()"
        there = "SELECT pg_current_wal_flush_lsn()"
        return self.sql(f"SELECT ({here}) >= '{self.primary.sql(there)}'::pg_lsn") == "t"

    def catch_up(self):
        eventually(10, self.has_all, "the standby's catching up")


def children(parent):
    pids = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            pids.append(int(stat.parent.name))
    return sorted(pids)


def hears_signals(pid):
    """Has it a handler for HUP, which it sets last? Before that a signal ends it, or is lost on it: what
    a shell starts in the background ignores INT and QUIT."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)[1], 16) >> signal.SIGHUP - 1 & 1


class Pool:
    """todo.fcgi under spawn-fcgi. With `spawned`, spawn-fcgi forks that many plain workers. With
    `held`, we have the socket, as systemd has it, and it outlives the pool. `starter(pool)` gives
    another command that starts it."""

    def __init__(self, directory, settings, spawned=0, held=False, program=WORKER, starter=None):
        self.directory = pathlib.Path(directory)
        self.log = self.directory / "log" / "todo.log"
        self.socket = self.directory / "run" / "fcgi.sock"
        self.settings = settings
        self.spawned = spawned
        self.program = program
        self.starter = starter
        self.process = None
        self.plain_pids = []
        self.listener = self.listen() if held else None
        self.start()

    def listen(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.socket))
        listener.listen(4096)
        self.socket.chmod(0o660)
        if os.getuid() == 0:
            shutil.chown(self.socket, "www-data", "www-data")
        return listener

    def start(self):
        command = ["spawn-fcgi", "-s", self.socket, "-M", "0660", "-b", "1024"]
        if os.getuid() == 0:
            command += ["-U", "www-data", "-G", "www-data"]  # the web server's
        program = ["--", *WRAPPER, self.program]
        environment = clean_environment(**self.settings)
        if not self.listener:
            self.socket.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            if self.listener or self.starter:
                command = self.starter(self) if self.starter else program[1:]
                self.process = subprocess.Popen([*WITH_US, *command], env=environment,
                                                stdin=self.listener or subprocess.DEVNULL,
                                                stdout=log, stderr=log, start_new_session=True)
            elif self.spawned:
                done = subprocess.run([*command, "-F", str(self.spawned), *program], check=True,
                                      capture_output=True, text=True, env=environment)
                self.plain_pids = [int(pid) for pid in re.findall(r"PID: (\d+)", done.stdout)]
            else:
                self.process = subprocess.Popen([*WITH_US, *command, "-n", *program], env=environment,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                start_new_session=True)

    @property
    def size(self):
        """How many workers there ought to be, by the environment."""
        return self.spawned or int(self.settings["TODO_WORKERS"])

    def workers(self):
        """The pids of those that answer."""
        if self.spawned:
            return [pid for pid in self.plain_pids if os.path.exists(f"/proc/{pid}")]
        return children(self.process.pid) or [self.process.pid]

    def terminate(self):
        for pid in self.workers() if self.spawned else []:
            os.kill(pid, signal.SIGTERM)
        if self.process:
            self.process.terminate()

    def stop(self):
        """Ends it as an administrator would. Gives the exit status."""
        self.terminate()
        if self.spawned:
            eventually(15, lambda: not self.workers(), "the workers' end")
            return 0
        try:
            return self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def check(self):
        """No sanitizer and no valgrind has found anything."""
        text = self.log.read_text(errors="replace")
        assert not REPORT.search(text), text


class WebServer:
    """A web server with the sample that is installed, on a free port. `values` are those of
    deploy/site, `edit` what sed changes in the sample."""

    def __init__(self, directory, server="nginx", edit="", **values):
        self.directory = pathlib.Path(directory)
        self.log = self.directory / "log" / "web.log"
        self.port = free_port()
        command = [SOURCE / "deploy" / "private-web", self.directory, server,
                   f"127.0.0.1:{self.port}", *(f"{name}={value}" for name, value in values.items())]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*WITH_US, *command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=clean_environment(SITE_EDIT=edit))
        eventually(10, self.answers, server)

    def answers(self):
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


# In nginx's sample, a second place, where it hands on bodies of unknown length.
UNBUFFERED = "s|^ *location / {|location /unbuffered/ { fastcgi_request_buffering off; fastcgi_pass todo; }\\n&|"


class Site:
    """A pool behind nginx, on a cluster."""

    living = []

    def __init__(self, cluster, spawned=0, wait=True, held=False, program=WORKER, starter=None, **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="todo.", dir=TMP))
        self.directory.chmod(0o755)
        for name in ("run", "log"):
            (self.directory / name).mkdir()
        self.cluster = cluster
        defaults = {"DATABASE_URL": cluster.url(), "BETTER_AUTH_SECRET": SECRET,
                    "TODO_DB_DEADLINE_MS": DB_DEADLINE_MS,
                    "TODO_BCRYPT_COST": 10, "TODO_TRUSTED_PROXIES": "127.0.0.1",
                    "TODO_CORS_ORIGINS": f"{ORIGIN}, https://*.preview.example",
                    **cluster.defaults}
        if spawned:
            defaults["TODO_WORKERS"] = 1
        settings = {**defaults, **settings}
        settings["DATABASE_URL"] = cluster.reach(settings["DATABASE_URL"])
        self.pool = Pool(self.directory, settings, spawned, held, program, starter)
        self.web = WebServer(self.directory, edit=UNBUFFERED, AUTH_RATE=100000, AUTH_BURST=100000,
                             SOCKET=self.pool.socket, AUTH_SOCKET=self.pool.socket)
        self.port = self.web.port
        Site.living.append(self)
        if wait:
            self.wait()
        else:
            eventually(10, self.answers, "an answer from a worker")

    def wait(self):
        try:
            eventually(10, self.is_ready, "/ready")
            eventually(10, lambda: all(map(hears_signals, self.pool.plain_pids)), "workers that hear signals")
        except AssertionError as error:
            text = self.pool.log.read_text(errors="replace")
            self.stop()
            raise AssertionError(f"{error}; the pool says:\n{text}") from None

    def answers(self):
        return self.request("GET", "/health", checked=False).status == 200

    def is_ready(self):
        return self.request("GET", "/ready", checked=False).status == 200

    def stop(self):
        Site.living.remove(self)
        self.web.stop()
        if self.pool.process is None or self.pool.process.poll() is None:
            self.pool.stop()
        self.pool.check()
        check_secrets(self.pool.log, self.web.log)
        shutil.rmtree(self.directory)

    def logs(self):
        return [self.pool.log, self.web.log, *self.cluster.logs]

    def request(self, method, path, body=None, headers=None, checked=True, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                for one in value if isinstance(value, list) else [value]:
                    connection.putheader(name, one)
            if body is not None and "Transfer-Encoding" not in (headers or {}):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if body:
                connection.send(body)
            answer = Response(connection.getresponse(), method)
        finally:
            connection.close()
        if checked:
            answer.check()
        return answer


def check_secrets(*logs):
    """None of the secrets that were used until now has been logged. Some tests use passwords that
    are common words: those prove nothing."""
    for log in logs:
        text = log.read_text(errors="replace")
        found = [secret for secret in SECRETS if len(secret.strip()) > 8 and secret in text]
        assert not found, f"{log} holds secrets: {found}"


# ---- answers


class Response:
    def __init__(self, answer, method):
        self.method = method
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    def __repr__(self):
        return f"<{self.method}: {self.status} {self.body[:500]!r} {self.headers.items()}>"

    def json(self):
        return json.loads(self.body)

    def __getitem__(self, name):
        return self.headers[name]

    def words(self, name):
        """A comma-separated header as a set, in lower case."""
        text = ",".join(self.headers.get_all(name, []))
        return {word.strip().lower() for word in text.split(",")} - {""}

    def links(self):
        """The Link header: URLs by relation."""
        assert len(self.headers.get_all("Link", [])) <= 1, self
        text = self["Link"] or ""
        found = re.findall(r'<([^<>"\s]*)>; rel="(\w+)"', text)
        assert ", ".join(f'<{url}>; rel="{relation}"' for url, relation in found) == text, self
        return {relation: url for url, relation in found}

    def check(self):
        """What the contract says of every answer."""
        assert self["X-Content-Type-Options"] == "nosniff", self
        assert re.fullmatch(r"[!-~]{1,200}", self["X-Request-Id"] or ""), self
        for name in ("X-Request-Id", "Content-Type", "Cache-Control", "ETag", "Content-Length"):
            assert len(self.headers.get_all(name, [])) <= 1, self
        if self.status in (204, 304):
            assert self.body == b"" and self["Content-Type"] is None, self
        elif self.status >= 400:
            self.check_problem()
        elif self.method != "HEAD":
            self.check_body()

    def check_body(self):
        if self["Content-Disposition"] is None:
            assert self["Content-Type"] == "application/json", self
            assert int(self["Content-Length"]) == len(self.body), self
        else:  # a file, which may be streamed
            assert self["Cache-Control"] == "no-store", self
            assert self["Content-Length"] in (None, str(len(self.body))), self

    def check_problem(self):
        assert self["Content-Type"] == "application/problem+json", self
        if self.method == "HEAD":
            return
        problem = self.json()
        assert problem["type"] == "about:blank" and problem["status"] == self.status, self
        assert isinstance(problem["title"], str) and problem["title"], self
        assert isinstance(problem["detail"], str) and problem["detail"], self
        for error in problem.get("errors", []):
            assert set(error) <= {"loc", "pointer", "msg", "type"}, self
            assert isinstance(error["loc"], list) and error["msg"] and error["type"], self
        leak = re.search(rb"(?i)select |insert |todo\.|todo_app|postgres|sqlstate|/tmp|/run", self.body)
        assert not leak, self

    def pointers(self):
        return [error.get("pointer") for error in self.json()["errors"]]


def refusal(answer):
    """What the challenge of a 401 says is wrong with the token."""
    return (answer["WWW-Authenticate"] or "").partition("error_description=")[2].strip('"')


# ---- clients


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(sub, secret=SECRET, header=None, raw_payload=None, digest=hashlib.sha256, **claims):
    """An HS256 token; a claim of None is left out."""
    now = int(time.time())
    claims = {"sub": sub, "iat": now, "exp": now + 3600, **claims}
    claims = {k: v for k, v in claims.items() if v is not None}
    header = {"alg": "HS256", "typ": "JWT"} if header is None else header
    payload = json.dumps(claims).encode() if raw_payload is None else raw_payload
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed = base64url(head) + "." + base64url(payload)
    token = signed + "." + base64url(hmac.new(secret.encode(), signed.encode(), digest).digest())
    SECRETS.add(token)
    return token


def quote(user):
    """A user's id as a path segment."""
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"%{b:02X}" for b in user.encode())


class User:
    """Somebody with a token. Paths are below {T}: "" is the list, "/5" a task."""

    def __init__(self, site, name, base=None, secret=SECRET):
        self.site = site
        self.name = name
        self.token = make_token(name, secret)
        self.base = f"/api/{quote(name)}/tasks" if base is None else base

    def request(self, method, path="", json_body=None, body=None, headers=None, **options):
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers.setdefault("Content-Type", "application/json")
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.site.request(method, self.base + path, body, headers, **options)

    def get(self, path="", **options):
        return self.request("GET", path, **options)

    def post(self, path="", json_body=None, **options):
        return self.request("POST", path, json_body, **options)

    def put(self, path, json_body=None, **options):
        return self.request("PUT", path, json_body, **options)

    def patch(self, path, json_body=None, **options):
        return self.request("PATCH", path, json_body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def create(self, title="a task", **fields):
        answer = self.post("", {"title": title, **fields})
        assert answer.status == 201, answer
        return answer.json()

    def follow(self, url, **options):
        """GET of a URL that an answer gave."""
        assert url.startswith("/") and not url.startswith("//"), url
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.site.request("GET", url, None, headers, **options)

    def titles(self, query=""):
        answer = self.get(query)
        assert answer.status == 200, answer
        return [task["title"] for task in answer.json()]


addresses = itertools.count(1)


class Account:
    """Somebody with a password, at an address of their own (through a proxy that we are)."""

    def __init__(self, site, email, password, address=None, **fields):
        number = next(addresses)
        self.site = site
        self.email = email
        self.password = password
        self.address = address or f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        self.session = None
        if fields.pop("registered", False):
            return
        answer = self.call("register", {"email": email, "password": password, **fields})
        assert answer.status == 201, answer
        self.session = answer.json()

    @property
    def id(self):
        return self.session["user"]["id"]

    def request(self, method, path, json_body=None, token=None, headers=None, **options):
        """`token`: an access token; None: this session's, if any; "": none."""
        headers = {"X-Forwarded-For": self.address, **(headers or {})}
        token = self.session["access_token"] if token is None and self.session else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers.setdefault("Content-Type", "application/json")
            SECRETS.update(value for name, value in json_body.items()
                           if isinstance(value, str) and len(value) > 7
                           and ("password" in name or "token" in name))
        answer = self.site.request(method, path, body, headers, **options)
        if answer.status in (200, 201) and b'"access_token"' in answer.body:
            SECRETS.update(answer.json()[name] for name in ("access_token", "refresh_token"))
        return answer

    def call(self, path, json_body=None, method="POST", **options):
        return self.request(method, f"/api/auth/{path}", json_body, **options)

    def login(self, password=None, email=None, **options):
        return self.call("login", {"email": email or self.email,
                                   "password": password or self.password}, token="", **options)

    def refresh(self, token=None, **options):
        return self.call("refresh", {"refresh_token": token or self.session["refresh_token"]},
                         token="", **options)


# ---- FastCGI without a web server


def record(kind, content=b""):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def name_value(name, value):
    name, value = name.encode(), value.encode("utf-8", "surrogateescape")
    lengths = b"".join(struct.pack("!B", len(x)) if len(x) < 128 else
                       struct.pack("!I", len(x) | 0x80000000) for x in (name, value))
    return lengths + name + value


def read_exactly(stream, size):
    data = stream.read(size)
    assert len(data) == size, "the worker has closed the connection in the middle of its answer"
    return data


def fastcgi(site, uri, method="GET", body=b"", user=None, **variables):
    """One request straight to a worker, with just these CGI variables. Gives status, headers, body."""
    variables = {"REQUEST_METHOD": method, "REQUEST_URI": uri, **variables}
    if user is not None:
        variables["HTTP_AUTHORIZATION"] = f"Bearer {make_token(user)}"
    if body:
        variables.setdefault("CONTENT_LENGTH", str(len(body)))
    variables = {k: v for k, v in variables.items() if v is not None}
    params = b"".join(name_value(k, v) for k, v in variables.items())
    chunks = [body[i:i + 60000] for i in range(0, len(body), 60000)]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30 * SLOW)
        connection.connect(str(site.pool.socket))
        request = record(1, struct.pack("!HB5x", 1, 0)) + record(4, params) + record(4)
        request += b"".join(record(5, chunk) for chunk in chunks) + record(5)
        try:
            connection.sendall(request)
        except BrokenPipeError:
            pass  # a worker may answer without reading all of the body
        return read_answer(connection.makefile("rb"))


def read_answer(stream):
    out = b""
    while True:
        _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", read_exactly(stream, 8))
        content = read_exactly(stream, size)
        read_exactly(stream, padding)
        if kind == 6:
            out += content
        elif kind == 3:
            break
    head, _, body = out.partition(b"\r\n\r\n")
    headers = http.client.parse_headers(io.BytesIO(head + b"\r\n\r\n"))
    return int(headers["Status"].split()[0]), headers, body
