# SPDX-License-Identifier: ISC
"""Tokens of a real Better Auth: sign up, sign in, and tasks, over HTTP."""

import json
import re
import subprocess

import pytest

from better_auth import BetterAuth
from harness import (ORIGIN, SECRET, TODOCTL, Site, User, base64url, clean_environment, eventually, make_token, quote,
                     refusal)

ALGORITHMS = ["EdDSA", "ES256", "ES512", "RS256", "PS256"]


@pytest.fixture(scope="module")
def issuers(cluster):
    """issuers(algorithm, ids): one of each kind, started when it is first asked for."""
    made = {}

    def make(algorithm="EdDSA", ids="text"):
        if (algorithm, ids) not in made:
            made[algorithm, ids] = BetterAuth(cluster, algorithm, ids)
        return made[algorithm, ids]

    yield make
    for issuer in made.values():
        issuer.stop()


@pytest.fixture(scope="module")
def sites(cluster, issuers):
    """sites(issuer, SETTING=value...): one of each kind, kept too."""
    made = {}

    def make(issuer, **settings):
        key = (issuer.database, json.dumps(settings, sort_keys=True))
        if key not in made:
            made[key] = Site(cluster, **issuer.settings(TODO_SESSIONS="better-auth", **settings))
        return made[key]

    yield make
    for site in made.values():
        site.stop()


def ask(site, token, path="/api/tasks", method="GET", headers=None, body=None):
    headers = {"Authorization": f"Bearer {token}", **(headers or {})}
    return site.request(method, path, body, headers=headers)


def walk(site, user, token):
    """Makes, changes, reads and deletes a task, under both paths."""
    for base in (f"/api/{quote(user)}/tasks", "/api/tasks"):
        somebody = User(site, user, base=base)
        somebody.token = token
        task = somebody.create("from elsewhere")
        assert task["user_id"] == user
        assert somebody.patch(f"/{task['id']}/complete").json()["completed"]
        assert somebody.get(f"/{task['id']}").status == 200
        assert "from elsewhere" in somebody.titles()
        assert somebody.delete(f"/{task['id']}").status == 204
    stranger = User(site, "somebody-else")
    stranger.token = token
    assert stranger.get().status == 403
    assert stranger.post("", {"title": "not mine"}).status == 403


# ---- keys


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("source", ["url", "database"])
def test_token(issuers, sites, algorithm, source):
    issuer = issuers(algorithm)
    session = issuer.sign_up()
    token = session.token()  # which makes the key
    site = sites(issuer, TODO_JWKS=issuer.jwks_url if source == "url" else "database",
                 TODO_JWT_ISSUER=issuer.url, TODO_JWT_AUDIENCE=issuer.url)
    walk(site, session.user, token)
    assert refusal(ask(site, token[:-6] + "AAAAAA")) == "bad signature"


@pytest.mark.parametrize("ids", ["uuid", "serial"])
@pytest.mark.parametrize("source", ["url", "database"])
def test_ids(issuers, sites, ids, source):
    issuer = issuers(ids=ids)
    session = issuer.sign_up()
    site = sites(issuer, TODO_JWKS=issuer.jwks_url if source == "url" else "database")
    walk(site, session.user, session.token())
    walk(site, session.user, session.signed)


@pytest.mark.parametrize("source", ["url", "database"])
def test_rotation(issuers, make_site, cluster, source):
    """A key that is made when it first signs is known at the first request that carries it."""
    issuer = issuers()
    session = issuer.sign_up()
    old = session.token()
    jwks = issuer.jwks_url if source == "url" else "database"
    site = make_site(cluster, **issuer.settings(TODO_JWKS=jwks))
    assert ask(site, old).status == 200
    issuer.sql('UPDATE jwks SET "expiresAt" = now() - interval \'1 second\'')
    new = session.token()
    assert new.split(".")[0] != old.split(".")[0]
    assert ask(site, new).status == 200
    assert ask(site, old).status == 200


def test_database_keys_are_read_seldom(issuers, make_site, cluster):
    """A token of a known key costs no look at the table, and a storm of unknown ones just one."""
    issuer = issuers()
    session = issuer.sign_up()
    token = session.token()
    site = make_site(cluster, **issuer.settings(TODO_JWKS="database", TODO_WORKERS=2))

    def reads():
        return int(issuer.sql("SELECT calls FROM pg_stat_user_functions WHERE funcname = 'issuer_keys'"))

    issuer.sql("ALTER DATABASE %s SET track_functions = 'all'" % issuer.database)
    site.pool.stop()
    site.pool.start()
    eventually(10, site.is_ready)
    for _ in range(20):
        assert ask(site, token).status == 200
    head = base64url(json.dumps({"alg": "EdDSA", "kid": "unknown"}).encode())
    for _ in range(50):
        assert refusal(ask(site, ".".join([head, *token.split(".")[1:]]))) == "unknown key"
    site.pool.stop()
    assert eventually(10, reads) <= 2
    site.pool.start()
    eventually(10, site.is_ready)


# ---- the secret


def test_own_token(issuers, sites):
    """An application that signs its own with the secret."""
    issuer = issuers()
    session = issuer.sign_up()
    walk(sites(issuer), session.user, make_token(session.user))


def test_confusion(issuers, sites):
    """What else Better Auth signs with the secret or with its keys lets nobody in."""
    issuer = issuers()
    session = issuer.sign_up()
    site = sites(issuer, TODO_JWKS="database", TODO_JWT_AUDIENCE=issuer.url)
    link = issuer.verification_token(session.email)
    assert link.count(".") == 2
    cache = session.cookies["better-auth.session_data"]
    for token in (link, cache, make_token(session.user, header={"alg": "HS256", "typ": "session-cache+jwt"}),
                  make_token(session.user, aud="https://elsewhere.example"), make_token(None, userId=session.user),
                  make_token(None, email=session.email, id=session.user)):
        for path in ("/api/tasks", f"/api/{quote(session.user)}/tasks"):
            assert ask(site, token, path).status == 401, token
    other = sites(issuer, TODO_JWKS="database", TODO_JWT_AUDIENCE="https://elsewhere.example")
    assert refusal(ask(other, session.token())) == "wrong audience"


# ---- sessions


@pytest.mark.parametrize("form", ["raw", "signed", "encoded"])
@pytest.mark.parametrize("ids", ["text", "uuid", "serial"])
def test_session(issuers, sites, form, ids):
    issuer = issuers(ids=ids)
    session = issuer.sign_up()
    site = sites(issuer)
    token = getattr(session, form)
    walk(site, session.user, token)
    session.sign_out()
    for path in ("/api/tasks", f"/api/{quote(session.user)}/tasks"):
        answer = ask(site, token, path)
        assert answer.status == 401 and refusal(answer) == "expired", answer
        assert ask(site, token, path, "POST", {"Content-Type": "application/json"},
                   b'{"title": "late"}').status == 401
    assert issuer.sql("SELECT count(*) FROM todo.tasks WHERE title = 'late'") == "0"


def test_expired_session(issuers, sites):
    issuer = issuers()
    session = issuer.sign_up()
    site = sites(issuer)
    assert ask(site, session.signed).status == 200
    issuer.sql(f"UPDATE session SET \"expiresAt\" = now() WHERE token = '{session.raw}'")
    assert ask(site, session.signed).status == 401


def test_refused_even_without_a_statement(issuers, sites):
    """A request that is wrong in itself tells nothing to a stranger, and to the user what is wrong."""
    issuer = issuers()
    session = issuer.sign_up()
    site = sites(issuer)

    def wrong(token, user):
        for path in ("/api/tasks", f"/api/{quote(user)}/tasks"):
            yield ask(site, token, path, "POST", {"Content-Type": "application/json"}, b'{"title": ""}')
            yield ask(site, token, path + "?limit=none")

    for answer in wrong("x" * 32, "somebody"):
        assert answer.status == 401, answer
        assert "errors" not in answer.json() and answer.json()["detail"] == "a valid access token is needed"
    for answer in wrong(session.signed, session.user):
        assert answer.status == 422 and len(answer.json()["errors"]) == 1, answer
    other = list(wrong(session.signed, "somebody"))[2:]
    assert [answer.status for answer in other] == [403, 403]
    assert not any("errors" in answer.json() for answer in other)


def test_bad_forms(issuers, sites):
    issuer = issuers()
    session = issuer.sign_up()
    site = sites(issuer)
    raw, signature = session.signed.split(".", 1)
    bad = {"another's signature": f"{issuer.sign_up().raw}.{signature}", "no signature": f"{raw}.",
           "cut": session.signed[:-1], "longer": session.signed + "=", "twice": f"{session.signed}.{signature}",
           "no token": f".{signature}", "bad escape": session.encoded[:-3] + "%3", "percent only": "%",
           "escaped twice": session.encoded.replace("%", "%25"), "quote": raw[:-1] + "'", "upper": raw.upper(),
           "SQL": "'||'", "cut raw": raw[:-1], "longer raw": raw + "A", "zero": raw + "%00", "long": "a" * 256,
           "huge": "a" * 8000, "wildcard": raw[:-1] + "_", "other base64": session.signed.replace("+", "-")
           .replace("/", "_").rstrip("=")}
    for name, token in bad.items():
        answer = ask(site, token)
        assert answer.status == 401 and refusal(answer), name
    assert ask(site, session.signed).status == 200


def test_one_round_trip(issuers, make_site, cluster):
    """A session costs no round trip of its own, once the worker has seen it; with the user in the
    path not even then. Counted as transactions; a few are /ready's, until all has started."""
    issuer = issuers()
    session = issuer.sign_up()
    site = make_site(cluster, **issuer.settings(TODO_SESSIONS="better-auth", TODO_WORKERS=1))
    own = f"/api/{quote(session.user)}/tasks"
    user = User(site, session.user)
    user.token = session.signed
    user.create()
    ask(site, make_token(session.user), own)

    def transactions():
        return int(issuer.sql("SELECT pg_stat_force_next_flush(); SELECT xact_commit + xact_rollback "
                              "FROM pg_stat_database WHERE datname = current_database()").split()[-1])

    count, some = 50, 25

    def cost(token, path):
        site.pool.stop()
        before = transactions()
        site.pool.start()
        eventually(10, site.is_ready)
        for _ in range(count):
            assert ask(site, token, path).status == 200
        site.pool.stop()
        after = transactions()
        site.pool.start()
        eventually(10, site.is_ready)
        return after - before

    plain = cost(make_token(session.user), own)
    assert cost(session.signed, own) <= plain + some
    assert cost(session.signed, "/api/tasks") <= plain + some


# ---- the cookie


def test_cookie(issuers, sites):
    issuer = issuers()
    session = issuer.sign_up()
    site = sites(issuer, TODO_SESSION_COOKIE=1)
    name = "better-auth.session_token"

    def send(method="GET", value=session.encoded, cookie=name, **headers):
        headers = {"Cookie": f"a=b; {cookie}={value}; c=d", "Content-Type": "application/json", **headers}
        body = b'{"title": "by cookie"}' if method == "POST" else None
        return site.request(method, "/api/tasks", body, headers)

    own = f"http://127.0.0.1:{site.port}"
    assert send().status == 200
    assert send(cookie=f"__Secure-{name}").status == 200
    assert "cookie" in send().words("Vary")
    assert send("POST", Origin=ORIGIN).status == 201
    assert send("POST", Origin=own).status == 201
    for origin in (None, "https://evil.example", "null", f"https://127.0.0.1:{site.port}", own + ".evil.example"):
        headers = {"Origin": origin} if origin else {}
        assert send("POST", **headers).status == 403, origin
    assert send(value=session.raw).status == 401
    assert send(cookie="better-auth.session_token2").status == 401
    assert send(Authorization="Bearer nonsense").status == 401
    assert send("POST", Authorization=f"Bearer {session.signed}").status == 201
    session.sign_out()
    assert send().status == 401
    assert sites(issuer).request("GET", "/api/tasks", headers={"Cookie": f"{name}={issuer.sign_up().encoded}"}
                                 ).status == 401


# ---- the link


def test_rights(issuers, cluster):
    """The workers' role may ask, and may not look."""
    issuer = issuers()
    session = issuer.sign_up()
    ask_as_worker = f"SET ROLE todo_app; SELECT todo.issuer_session_user('{session.raw}')"
    assert issuer.sql(ask_as_worker) == session.user
    for table in ("session", "jwks", '"user"', "account"):
        with pytest.raises(AssertionError, match="permission denied"):
            issuer.sql(f"SET ROLE todo_app; SELECT * FROM {table}")
    with pytest.raises(AssertionError, match="permission denied"):
        issuer.sql('SET ROLE todo_owner; SELECT "privateKey" FROM jwks')


def test_deleted_user(issuers, sites):
    issuer = issuers()
    session, other = issuer.sign_up(), issuer.sign_up()
    site = sites(issuer)
    for each in (session, other):
        user = User(site, each.user)
        user.token = each.signed
        user.create()
    issuer.sql(f"DELETE FROM \"user\" WHERE id = '{session.user}'")
    rows = "SELECT count(*) FROM todo.users WHERE id = '{0}'; SELECT count(*) FROM todo.tasks WHERE user_id = '{0}'"
    assert issuer.sql(rows.format(session.user)) == "0\n0"
    assert issuer.sql(rows.format(other.user)) == "1\n1"
    assert ask(site, session.signed).status == 401


def test_unlink(issuers, cluster):
    issuer = BetterAuth(cluster)
    issuer.todoctl("link", "better-auth", "--unlink")
    left = """SELECT count(*) FROM pg_proc WHERE proname LIKE '%issuer%';
        SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'todo%';
        SELECT attrelid::regclass, attname FROM pg_attribute WHERE attacl::text LIKE '%todo_owner=%' ORDER BY 1, 2;
        SELECT nspname FROM pg_namespace WHERE nspname <> 'todo' AND nspacl::text LIKE '%todo_owner=%'"""
    assert issuer.sql(left) == "0\n0"
    issuer.todoctl("link", "better-auth")
    issuer.todoctl("link", "better-auth")
    assert issuer.sql(left).split() == [
        "4", "1", '"user"|id', "session|expiresAt", "session|token", "session|userId",
        "jwks|alg", "jwks|expiresAt", "jwks|id", "jwks|publicKey", "public"]
    issuer.stop()


def test_other_names(issuers, make_site, cluster):
    """Drizzle's spelling in a schema of its own, timestamps without zone; and a view."""
    issuer = BetterAuth(cluster)
    session = issuer.sign_up()
    session.token()
    issuer.sql('''CREATE SCHEMA neon_auth; SET search_path = neon_auth, public;
        CREATE TABLE neon_auth.sessions AS SELECT token AS session_token, "userId" AS user_id,
            "expiresAt" AT TIME ZONE 'UTC' AS expires_at FROM public.session;
        CREATE TABLE neon_auth."key ""set""" AS SELECT id AS kid, "publicKey" AS public_key FROM public.jwks;
        CREATE VIEW neon_auth.lively AS SELECT session_token AS token, expires_at, user_id FROM neon_auth.sessions;
        ALTER DATABASE %s SET timezone = "Pacific/Auckland"''' % issuer.database)
    names = {"TODO_BETTER_AUTH_SCHEMA": "neon_auth", "TODO_BETTER_AUTH_SESSION": "sessions,session_token,expires_at,user_id",
             "TODO_BETTER_AUTH_JWKS": 'key "set",kid,public_key', "TODO_BETTER_AUTH_USER": "public.user,id"}
    for more in ({}, {"TODO_SESSIONS_SQL": "lively"}, {"TODO_SESSIONS_SQL": "neon_auth.lively"}):
        issuer.todoctl("link", "better-auth", **names, **more)
        site = make_site(cluster, **issuer.settings(TODO_SESSIONS="better-auth", TODO_JWKS="database"))
        assert ask(site, session.signed).status == 200
        assert ask(site, session.token()).status == 200
    issuer.sql("UPDATE neon_auth.sessions SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 second'")
    assert ask(site, session.signed).status == 401
    assert "no column" in issuer.todoctl("link", "better-auth", status=65, **{
        **names, "TODO_BETTER_AUTH_SESSION": "sessions,token,expires_at,user_id"})
    assert ask(site, session.signed).status == 401  # nothing of the failed link stayed
    issuer.stop()


# ---- todoctl


def test_inspect(issuers):
    """Each check and its outcome; never the signature."""
    issuer = issuers()
    session = issuer.sign_up()
    token = session.token()
    settings = {"BETTER_AUTH_SECRET": SECRET, "TODO_JWKS": "database", "TODO_SESSIONS": "better-auth",
                "DATABASE_URL": issuer.worker_url}

    def inspect(text, status=0, **more):
        done = subprocess.run([TODOCTL, "token", "--inspect"], input=text + "\n", text=True, capture_output=True,
                              env=clean_environment(**{**settings, **more}))
        assert done.returncode == status, done.stdout + done.stderr
        assert text.rpartition(".")[2] not in done.stdout + done.stderr
        return done.stdout

    good = inspect(token)
    assert f"accepted for the user {session.user}" in good and "by the key set" in good
    assert re.findall(r"^ok +(\w+)", good, re.MULTILINE) == [
        "form", "header", "signature", "times", "issuer", "audience", "user"]
    assert "by the shared secret" in inspect(make_token("x"))
    assert "FAIL  times     expired" in inspect(make_token("x", exp=1), 1)
    assert "FAIL  signature bad signature" in inspect(token[:-6] + "AAAAAA", 1)
    assert "FAIL  audience  wrong audience" in inspect(token, 1, TODO_JWT_AUDIENCE="https://elsewhere.example")
    assert f"accepted for the user {session.user}" in inspect(session.signed)
    assert "FAIL  form" in inspect(session.signed[:-5] + "!!!!=", 1)
    session.sign_out()
    assert "FAIL  session   expired" in inspect(session.signed, 1)
    assert "could not be read" in inspect(token, 1, TODO_JWKS="/nowhere")


def test_keys(issuers):
    issuer = issuers("ES512")
    issuer.sign_up().token()
    for source in ("database", issuer.jwks_url):
        listed = issuer.todoctl("keys", TODO_JWKS=source, **({"DATABASE_URL": issuer.worker_url}))
        assert listed.startswith("ES512    521 bits  "), listed
    assert "TODO_JWKS is not set" in issuer.todoctl("keys", status=78)
    assert "cannot be had" in issuer.todoctl("keys", status=69, TODO_JWKS="/nowhere")
