# SPDX-License-Identifier: ISC
"""Accounts, from registering to deletion."""

import base64
import concurrent.futures
import json
import re
import uuid

import bcrypt
import passlib.hash
import pytest

from harness import Account, User, make_token

SESSION = {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "user"}


def fresh_email():
    return f"{uuid.uuid4().hex}@example.com"


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def make_tasks(account, *titles):
    for title in titles:
        answer = account.request("POST", "/api/tasks", {"title": title})
        assert answer.status == 201, answer


def test_the_whole_way(make_account):
    account = make_account(name="  Ann Example ")
    session = account.session
    assert set(session) == SESSION
    assert session["token_type"] == "bearer"
    assert (session["expires_in"], session["refresh_expires_in"]) == (900, 604800)
    assert set(session["user"]) == {"id", "email", "name", "created_at"}
    assert session["user"]["name"] == "Ann Example"
    assert re.fullmatch(r"u_[A-Za-z0-9_-]{22}", account.id)
    make_tasks(account, "one")
    assert len(account.request("GET", f"/api/{account.id}/tasks").json()) == 1
    me = account.call("me", method="GET")
    assert me.status == 200 and me.json() == session["user"]
    login = account.login()
    assert login.status == 200 and set(login.json()) == SESSION
    assert login.json()["user"] == session["user"]
    assert account.call("logout", {"refresh_token": login.json()["refresh_token"]},
                        token=login.json()["access_token"]).status == 204
    assert account.refresh(login.json()["refresh_token"]).status == 401
    assert account.refresh().status == 200


def test_access_token(make_site, cluster):
    site = make_site(cluster, TODO_JWT_ISSUER="https://todo.example", TODO_JWT_AUDIENCE="todo")
    account = Account(site, fresh_email(), "a fine password")
    token = claims(account.session["access_token"])
    assert set(token) == {"iss", "sub", "aud", "iat", "exp", "jti", "sid"}
    assert token["sub"] == account.id and token["exp"] - token["iat"] == 900
    assert (token["iss"], token["aud"]) == ("https://todo.example", "todo")
    again = claims(account.login().json()["access_token"])
    assert again["jti"] != token["jti"] and again["sid"] != token["sid"]


def test_answers_are_never_stored(make_account):
    account = make_account()
    for answer in (account.call("me", method="GET"), account.login(), account.login("wrong one")):
        assert answer["Cache-Control"] == "no-store", answer


def test_aliases(make_account, site):
    account = make_account()
    body = {"email": account.email, "password": account.password}
    assert account.call("signin", body).status == 200
    assert account.call("signup", body).status == 409
    for path in ("/api/login", "/api/register", "/api/auth/profile"):
        assert account.request("POST", path, body).status == 404


def test_compatibility_words(make_site, cluster):
    site = make_site(cluster, TODO_COMPAT="short-paths,token-alias")
    account = Account(site, fresh_email(), "a fine password", name="Ann")
    login = account.request("POST", "/api/login",
                            {"email": account.email, "password": account.password})
    session = login.json()
    assert login.status == 200 and session["token"] == session["access_token"]
    assert (session["user_id"], session["email"], session["name"]) == (
        account.id, account.email, "Ann")
    for path in ("/api/auth/profile", "/api/auth/get-session"):
        assert account.request("GET", path).json() == session["user"]
    for path in ("/api/register", "/api/signup"):
        assert account.request("POST", path, {"email": fresh_email(),
                                              "password": "a fine password"}).status == 201


def test_switched_off(make_site, cluster, make_account):
    account = make_account()
    site = make_site(cluster, TODO_ACCOUNTS="0")
    for method, path in (("POST", "register"), ("POST", "login"), ("GET", "me"), ("PUT", "me"),
                         ("OPTIONS", "login"), ("GET", "sessions")):
        answer = Account(site, "", "", registered=True).call(path, method=method)
        assert answer.status == 404, answer
    token = account.session["access_token"]
    assert site.request("GET", "/api/tasks", headers={"Authorization": f"Bearer {token}"}).status == 200


# ---- what a body may say

BAD_REGISTRATIONS = {
    "nothing": ({}, {"/email", "/password"}),
    "no password": ({"email": "a@b"}, {"/password"}),
    "null": ({"email": None, "password": None}, {"/email", "/password"}),
    "a number": ({"email": 1, "password": 12345678}, {"/email", "/password"}),
    "no at": ({"email": "ab.example", "password": "x" * 8}, {"/email"}),
    "two ats": ({"email": "a@b@c", "password": "x" * 8}, {"/email"}),
    "no local part": ({"email": "@b", "password": "x" * 8}, {"/email"}),
    "no domain": ({"email": "a@", "password": "x" * 8}, {"/email"}),
    "a line break": ({"email": "a@b\r\nBcc: c@d", "password": "x" * 8}, {"/email"}),
    "a blank": ({"email": "a b@c", "password": "x" * 8}, {"/email"}),
    "255 bytes": ({"email": "a" * 253 + "@b", "password": "x" * 8}, {"/email"}),
    "7 characters": ({"email": "a@b", "password": "x" * 7}, {"/password"}),
    "7 wide characters": ({"email": "a@b", "password": "ü" * 7}, {"/password"}),
    "73 bytes": ({"email": "a@b", "password": "x" * 73}, {"/password"}),
    "37 wide characters": ({"email": "a@b", "password": "ü" * 37}, {"/password"}),
    "a long name": ({"email": "a@b", "password": "x" * 8, "name": "n" * 201}, {"/name"}),
    "a zero byte": ({"email": "a@b", "password": "x" * 8 + "\0"}, {"/password"}),
}


@pytest.mark.parametrize("body, pointers", BAD_REGISTRATIONS.values(), ids=BAD_REGISTRATIONS)
def test_bad_registrations(site, body, pointers):
    answer = Account(site, "", "", registered=True).call("register", body)
    assert answer.status == 422 and set(answer.pointers()) == pointers, answer


@pytest.mark.parametrize("password", ["x" * 72, "ü" * 36, "pässwörd 😀", "密码密码密码密码", "        ",
                                      "quote\"\\'; --", "a&b=c%41+d"])
def test_passwords(make_account, password):
    account = make_account(password=password)
    assert account.login().status == 200
    assert account.login(password[:-1] + "~").status == 401
    assert account.login(password + "x").status == (401 if len(password.encode()) < 72 else 422)


def form(**fields):
    return "&".join(f"{k}=" + "".join(f"%{b:02x}" for b in v.encode()) for k, v in fields.items())


def test_login_takes_a_form(make_account):
    account = make_account(password="pässwörd & 100 % +")
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
               "X-Forwarded-For": account.address}
    for body, status in ((form(username=account.email, password=account.password), 200),
                         (form(email=account.email, password=account.password), 200),
                         (form(grant_type="password", username=account.email, scope="",
                               password=account.password), 200),
                         (form(username=account.email, password="something else"), 401),
                         (form(username=account.email), 422), ("password=%zz&username=a", 400),
                         ("password=a%00b&username=a", 422), ("password=%ff&username=a", 400)):
        answer = account.site.request("POST", "/api/auth/login", body.encode(), headers)
        assert answer.status == status, (body, answer)
    answer = account.site.request("POST", "/api/auth/register",
                                  form(email="x@y", password="12345678").encode(), headers)
    assert answer.status == 415, answer


def test_email_in_any_case(make_account):
    name = uuid.uuid4().hex
    account = make_account(email=f"Ann.{name}@Example.COM")
    assert account.session["user"]["email"] == f"Ann.{name}@Example.COM"
    assert account.login(email=f"  ANN.{name.upper()}@example.com ").status == 200
    taken = account.call("register", {"email": account.email.lower(), "password": "x" * 8})
    assert taken.status == 409 and "access_token" not in taken.json(), taken
    # U+212A, KELVIN SIGN: in Unicode its lower case is "k"; in a mailbox it is somebody else.
    other = make_account(email=f"\u212a{name}@example.com")
    assert make_account(email=f"k{name}@example.com").id != other.id


def test_foreign_hashes(make_account, cluster):
    hashes = {
        "bcrypt": bcrypt.hashpw(b"p\xc3\xa4ssword", bcrypt.gensalt(10)).decode(),
        "passlib": passlib.hash.bcrypt.using(rounds=10).hash("pässword"),
        "passlib 2a": passlib.hash.bcrypt.using(rounds=10, ident="2a").hash("pässword"),
        "passlib 2y": passlib.hash.bcrypt.using(rounds=10, ident="2y").hash("pässword"),
        "a low cost": bcrypt.hashpw("pässword".encode(), bcrypt.gensalt(4)).decode(),
    }
    for name, digest in hashes.items():
        account = make_account()
        set_hash(cluster, account, digest)
        assert account.login("wrong one").status == 401, name
        assert account.login("pässword").status == 200, name
        assert account.login("pässword").status == 200, name
        kept = get_hash(cluster, account)
        assert kept == digest if "low" not in name else kept.startswith("$2b$10$"), name
        assert bcrypt.checkpw("pässword".encode(), kept.encode())


def set_hash(cluster, account, digest):
    cluster.sql(f"UPDATE todo.credentials SET password_hash = '{digest}' WHERE user_id = '{account.id}'")


def get_hash(cluster, account):
    return cluster.sql(f"SELECT password_hash FROM todo.credentials WHERE user_id = '{account.id}'")


# ---- changes


def test_change_me(make_account):
    account, other = make_account(name="Ann"), make_account()

    def patch(**fields):
        return account.call("me", fields, method="PATCH")

    assert patch().json() == account.session["user"]
    assert patch(name="Anna").json()["name"] == "Anna"
    assert patch(name=None).json()["name"] is None
    assert patch(email=None).json()["email"] == account.email
    assert patch(email="nobody").status == 422
    assert patch(email=other.email.upper()).status == 409
    new = fresh_email()
    assert patch(email=new, name="A").json() == {**account.session["user"], "email": new, "name": "A"}
    assert account.login().status == 401
    assert account.login(email=new).status == 200


def test_change_password(make_account):
    account = make_account()
    other = account.login().json()
    change = {"current_password": account.password, "new_password": "a new password"}
    assert account.call("password", {**change, "current_password": "not it"}).status == 403
    assert account.call("password", {**change, "new_password": "short"}).status == 422
    assert account.call("password", {**change, "new_password": "x" * 73}).status == 422
    assert account.call("password", change).status == 204
    assert account.login().status == 401
    assert account.login("a new password").status == 200
    assert account.refresh(other["refresh_token"]).status == 401
    assert account.refresh().status == 200


def test_deletion_leaves_nothing(make_account, cluster):
    account, neighbour = make_account(), make_account()
    account.login()
    account.login("wrong one")
    make_tasks(account, "one", "two")
    make_tasks(neighbour, "theirs")
    answer = account.request("POST", "/api/tasks", {"title": "x"}, headers={"Idempotency-Key": "k"})
    assert answer.status == 201
    tables = cluster.sql("""SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'todo'::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attname = 'user_id' AND NOT a.attisdropped""").split()
    assert {"tasks", "credentials", "sessions", "idempotency_keys"} <= set(tables)

    def rows(user):
        return {table: int(cluster.sql(f"SELECT count(*) FROM todo.{table} WHERE {column} = '{user}'"))
                for table, column in [*((table, "user_id") for table in tables), ("users", "id")]}

    assert all(rows(account.id).values()), rows(account.id)
    before = rows(neighbour.id)
    assert account.call("me", {"password": "not it"}, method="DELETE").status == 403
    assert account.call("me", method="DELETE").status in (400, 422)
    assert account.call("me", {"password": account.password}, method="DELETE").status == 204
    assert not any(rows(account.id).values()), rows(account.id)
    assert rows(neighbour.id) == before
    subject = f"todo.throttle_subject('email', '{account.email}')"
    assert cluster.sql(f"SELECT count(*) FROM todo.login_failures WHERE subject = {subject}") == "0"
    assert account.login().status == 401
    assert account.refresh().status == 401
    assert account.call("me", method="GET").status == 404
    account.session = account.call("register", {"email": account.email, "password": "x" * 8}).json()
    assert account.request("GET", "/api/tasks").json() == []


def test_a_token_from_elsewhere(site, make_user):
    stranger = make_user(base="/api/auth")
    assert stranger.get("/me").status == 404
    assert stranger.get("/sessions").json() == []
    assert stranger.post("/logout").status == 204
    assert stranger.request("DELETE", "/me", {"password": "x" * 8}).status == 403


def test_previous_secret(make_site, cluster):
    old = "the secret before, of more than thirty-two bytes"
    site = make_site(cluster, BETTER_AUTH_SECRET_PREVIOUS=old)
    user = User(site, "somebody")
    assert user.get().status == 200
    user.token = make_token("somebody", secret=old)
    assert user.get().status == 200
    user.token = make_token("somebody", secret=old, header={"alg": "HS256", "typ": "at+jwt"})
    assert user.get().status == 200
    user.token = make_token("somebody", secret=old[:-1] + "!")
    assert user.get().status == 401


def test_registering_at_once(site):
    email = fresh_email()
    people = [Account(site, email, "a fine password", registered=True) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda p: p.call("register", {"email": email, "password": p.password}).status, people))
    assert sorted(answers) == [201] + [409] * 7
