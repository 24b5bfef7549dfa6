# SPDX-License-Identifier: ISC
"""TLS to PostgreSQL: a server with a certificate, told by verify-full from every other, and channel
binding, which ties the password to that very connection. What does not hold is refused with a line
in the log that says why, and clients get 503."""

import os
import random
import re
import shutil
import socket
import subprocess
import urllib.parse

import pytest

from certificates import Authority
from conftest import new_cluster
from harness import SECRET, SLOW, SOURCE, TODOCTL, Cluster, Site, User, clean_environment, eventually
from pooler import PgBouncer

HOST = "db.example"
EX_UNAVAILABLE = 69


def new_address():
    """Of this machine, and nobody's: the port is always the same."""
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


class TlsCluster(Cluster):
    """Listens by TCP too, for TLS alone; it is called HOST."""

    def __init__(self, directory):
        self.address = new_address()
        self.tls = directory / "tls"
        self.tls.mkdir()
        self.authority = Authority("ours", self.tls)
        self.stranger = Authority("another", self.tls)
        self.certify()
        super().__init__(directory, "-c fsync=off", "-c ssl=on", f"-c ssl_cert_file={self.tls}/server.crt",
                         f"-c ssl_key_file={self.tls}/server.key", f"-c listen_addresses={self.address}")
        rules = self.directory / "data" / "pg_hba.conf"
        rules.write_text(re.sub(r"(?m)^host .* 127\.0\.0\.1/32", "hostssl all all 127.0.0.0/8", rules.read_text()))
        self.sql("SELECT pg_reload_conf()")

    def certify(self, authority=None, **options):
        for file in (authority or self.authority).certify(HOST, self.tls, **options):
            if os.getuid() == 0:
                shutil.chown(file, "postgres")

    def tls_url(self, role="todo_app", **options):
        """By TCP. An option that is None is left out."""
        start, _, query = self.url(role).partition("?")
        options = {**dict(urllib.parse.parse_qsl(query)), "host": HOST, "hostaddr": self.address,
                   "sslmode": "verify-full", "sslrootcert": self.authority.file, "channel_binding": "require",
                   **options}
        return start + "?" + "&".join(f"{name}={value}" for name, value in options.items() if value is not None)


@pytest.fixture(scope="module")
def tls():
    yield from new_cluster(TlsCluster)


@pytest.fixture(scope="module")
def site(tls):
    site = Site(tls, DATABASE_URL=tls.tls_url(), TODO_WORKERS=2)
    yield site
    site.stop()


def todoctl(command, url, *options):
    return subprocess.run([TODOCTL, command, *options], capture_output=True, text=True, env=clean_environment(
        DATABASE_URL=url, DATABASE_ADMIN_URL=url, BETTER_AUTH_SECRET=SECRET))


# ---- what works


def test_all_is_encrypted(tls, site):
    User(site, "encrypted").create()
    kinds = tls.sql("SELECT DISTINCT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                    "WHERE usename = 'todo_app'")
    assert kinds == "t|TLSv1.3"


def test_large_answers_and_bodies(tls, site):
    """TLS has buffers of its own, which a poll of the socket knows nothing of."""
    user = User(site, "large")
    operations = [{"op": "create", "title": "😀" * 200, "description": "x" * 1000} for _ in range(100)]
    for _ in range(10):
        assert user.post("/batch", {"operations": operations}).status == 200
    answer = user.get("?limit=1000")
    assert answer.status == 200 and len(answer.json()) == 1000 and len(answer.body) > 1 << 20
    exported = user.get("/export")
    assert exported.status == 200 and len(exported.json()) == 1000


def test_closed_when_idle(tls, site):
    """The server's last words do not look like an answer."""
    user = User(site, "idle")
    user.create()
    for _ in range(3):
        tls.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")
        eventually(5, lambda: not tls.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'todo_app'"))
        assert [user.get().status for _ in range(6)] == [200] * 6


def test_todoctl(tls):
    done = todoctl("check", tls.tls_url())
    assert done.returncode == 0 and "ok    database: connected" in done.stdout, done
    done = todoctl("migrate", tls.tls_url("postgres"), "--schema", SOURCE / "schema")
    assert done.returncode == 0, done


# ---- what is refused


REFUSED = {
    "another authority": ({"sslrootcert": "another.crt"}, "certificate verify failed"),
    "no file of authorities": ({"sslrootcert": "none.crt"}, "root certificate file .* does not exist"),
    "another host's name": ({"host": "other.example"}, f'certificate for "{HOST}" does not match host name "other.example"'),
    "no TLS": ({"sslmode": "disable", "channel_binding": None}, "no pg_hba.conf entry .* no encryption"),
    "too old a TLS": ({"ssl_max_protocol_version": "TLSv1.1", "ssl_min_protocol_version": "TLSv1"}, "SSL error|protocol version"),
}


def check_refused(cluster, make_site, url, pattern):
    """By the workers and by todoctl; nobody tells the password."""
    site = make_site(cluster, wait=False, DATABASE_URL=url, TODO_WORKERS=1)
    for answer in (User(site, "refused").get(), site.request("GET", "/ready")):
        assert answer.status == 503 and int(answer["Retry-After"]) >= 1, answer
    log = site.pool.log.read_text()
    assert re.search(f"warning: .*database: .*({pattern})", log) and "\\x0a" not in log, log
    check, migrate = todoctl("check", url), todoctl("migrate", url, "--schema", SOURCE / "schema")
    assert check.returncode == 1 and re.search(f"(?m)^FAIL  database: .*({pattern})", check.stdout), check
    assert migrate.returncode == EX_UNAVAILABLE and re.search(pattern, migrate.stderr), migrate
    assert migrate.stderr.count("\n") == 1, migrate
    password = re.search(r":([0-9a-f]{64})@", url)[1]
    assert password not in log + check.stdout + check.stderr + migrate.stderr


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tls, make_site, name):
    options, pattern = REFUSED[name]
    options = {key: tls.tls / value if key == "sslrootcert" else value for key, value in options.items()}
    check_refused(tls, make_site, tls.tls_url(**options), pattern)


def test_nothing_to_bind_to(tls, make_site):
    """A unix socket has no TLS."""
    check_refused(tls, make_site, tls.url() + "&channel_binding=require", "channel binding required, but SSL not in use")


@pytest.fixture
def another_certificate(tls):
    """another_certificate(authority, days): the server's from now on; then its own again."""

    def change(*arguments, **options):
        tls.certify(*arguments, **options)
        tls.sql("SELECT pg_reload_conf()")

    yield change
    change()


def test_expired(tls, make_site, another_certificate):
    another_certificate(days=0)
    check_refused(tls, make_site, tls.tls_url(), "certificate verify failed")


def test_impostor(tls, make_site, another_certificate):
    another_certificate(tls.stranger)
    check_refused(tls, make_site, tls.tls_url(), "certificate verify failed")


def test_renewed(tls, site, another_certificate):
    """By the same authority: nobody notices."""
    another_certificate()
    test_closed_when_idle(tls, site)


def test_server_that_is_mute(tls, make_site):
    """The deadline holds before there is TLS."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = tls.tls_url(hostaddr="127.0.0.1", port=mute.getsockname()[1])
        site = make_site(tls, wait=False, DATABASE_URL=url, TODO_WORKERS=1, TODO_DB_DEADLINE_MS=int(500 * SLOW))
        assert User(site, "patient").get().status == 503
        assert "database: no answer to the attempt to connect\n" in site.pool.log.read_text()


# ---- a pooler that speaks TLS


def test_pooler(tls, make_site):
    """PgBouncer has no channel binding: who requires it is not let in, who does not is."""
    address = new_address()
    port = re.search(r"port=(\d+)", tls.url())[1]
    pooler = PgBouncer(tls.directory, port, f"""\
listen_addr = {address}
client_tls_sslmode = require
client_tls_key_file = {tls.tls}/server.key
client_tls_cert_file = {tls.tls}/server.crt
""")
    try:
        pooler.reach(tls.url())  # so that it knows the password
        site = make_site(tls, DATABASE_URL=tls.tls_url(hostaddr=address, channel_binding=None), TODO_DB_PREPARE=0)
        User(site, "pooled").create()
        kinds = {row["tls"].partition("/")[0] for row in pooler.ask("SHOW CLIENTS") if row["database"] == "todo"}
        assert kinds == {"TLSv1.3"}
        check_refused(tls, make_site, tls.tls_url(hostaddr=address), "channel binding")
    finally:
        pooler.stop()
