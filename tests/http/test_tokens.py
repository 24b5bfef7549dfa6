# SPDX-License-Identifier: ISC
"""Rules for every JWT, as a client meets them. The unit tests have more."""

import hashlib
import json
import time

import pytest

from harness import User, base64url, fastcgi, make_token

NOW = int(time.time())


def token(**options):
    return make_token(options.pop("sub", "somebody"), **options)


def tampered():
    head, payload, signature = token().split(".")
    return f"{head}.{base64url(json.dumps({'sub': 'other', 'exp': NOW + 999}).encode())}.{signature}"


def unsigned(alg):
    return token(header={"alg": alg, "typ": "JWT"}).rpartition(".")[0] + "."


GOOD = {
    "plain": token(),
    "no typ": token(header={"alg": "HS256"}),
    "at+jwt": token(header={"alg": "HS256", "typ": "at+jwt"}),
    "kid is ignored": token(header={"alg": "HS256", "kid": "../../dev/null"}),
    "fractions": token(exp=NOW + 3600.5, iat=NOW - 0.5),
    "no iat": token(iat=None),
    "other claims": token(aud=["a"], iss="b", email="a@b", name="n", id="c", roles=[{"x": 1}]),
}
BAD = {
    "empty": ("", None),
    "a word": ("nonsense", "malformed"),
    "two segments": ("a.b", "malformed"),
    "four segments": (token() + ".x", "malformed"),
    "padding": (token() + "=", "malformed"),
    "alg none": (unsigned("none"), None),
    "alg NONE": (unsigned("NONE"), None),
    "alg none, signed": (token(header={"alg": "none"}), None),
    "alg in lower case": (token(header={"alg": "hs256"}), None),
    "HS512": (token(header={"alg": "HS512"}, digest=hashlib.sha512), None),
    "no alg": (token(header={"typ": "JWT"}), None),
    "crit": (token(header={"alg": "HS256", "crit": ["x"]}), None),
    "b64 false": (token(header={"alg": "HS256", "b64": False}), None),
    "another typ": (token(header={"alg": "HS256", "typ": "JWS"}), None),
    "another secret": (token(secret="x" * 32), "bad signature"),
    "an empty secret": (token(secret=""), "bad signature"),
    "tampered": (tampered(), "bad signature"),
    "no signature": (token().rpartition(".")[0] + ".", None),
    "cut signature": (token()[:-4], None),
    "expired": (token(exp=NOW - 3600), "expired"),
    "no exp": (token(exp=None), None),
    "exp is a string": (token(exp=str(NOW + 99)), None),
    "exp is huge": (token(raw_payload=b'{"sub":"a","exp":1e400}'), None),
    "not yet": (token(nbf=NOW + 3600), "not yet valid"),
    "issued in future": (token(iat=NOW + 3600), "not yet valid"),
    "no sub": (token(sub=None), None),
    "no sub, but id": (token(sub=None, id="victim", userId="victim", email="victim"), None),
    "sub is a number": (token(sub=5), None),
    "sub is empty": (token(sub=""), None),
    "sub has a control": (token(sub="a\nb"), None),
    "sub is too long": (token(sub="x" * 256), None),
    "duplicate sub": (token(raw_payload=b'{"sub":"a","sub":"b","exp":%d}' % (NOW + 999)), None),
    "payload is an array": (token(raw_payload=b"[]"), "malformed"),
    "payload is no JSON": (token(raw_payload=b"{"), "malformed"),
    "payload is no UTF-8": (token(raw_payload=b'{"sub":"\xff","exp":%d}' % (NOW + 999)), None),
    "over 8 KiB": (token(padding="x" * 8192), None),
}


@pytest.mark.parametrize("name", GOOD)
def test_accepted(site, name):
    answer = site.request("GET", "/api/tasks", headers={"Authorization": f"Bearer {GOOD[name]}"})
    assert answer.status == 200, answer


def test_leeway(site):
    """Clocks differ: half a minute is forgiven."""
    for claims in ({"exp": time.time() - 10}, {"nbf": time.time() + 20}, {"iat": time.time() + 20}):
        bearer = f"Bearer {token(**claims)}"
        assert site.request("GET", "/api/tasks", headers={"Authorization": bearer}).status == 200


@pytest.mark.parametrize("name", BAD)
def test_refused(site, name):
    bad, words = BAD[name]
    answer = site.request("GET", "/api/tasks", headers={"Authorization": f"Bearer {bad}"})
    assert answer.status == 401, answer
    challenge = answer["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="todo"')
    if bad:
        assert 'error="invalid_token"' in challenge and "error_description=" in challenge
    assert words is None or f'error_description="{words}"' in challenge


@pytest.mark.parametrize("value", [None, "", "Basic dXNlcjpwYXNz", "Bearer", "Token x"])
def test_no_token(site, value):
    headers = {} if value is None else {"Authorization": value}
    for method, path in (("GET", "/api/tasks"), ("POST", "/api/x/tasks"), ("DELETE", "/api/tasks/1")):
        answer = site.request(method, path, headers=headers)
        assert answer.status == 401 and answer["WWW-Authenticate"].startswith('Bearer realm="todo"')


@pytest.mark.parametrize("form,status", [
    ("Bearer {}", 200), ("bearer {}", 200), ("BEARER   {}", 200), ("Bearer {} ", 200), ("Bearer {} x", 401),
    ("Bearer {},x", 401), ("{}", 401), ("Bearer{}", 401), ("Bearer \"{}\"", 401)])
def test_form_of_the_header(site, form, status):
    assert site.request("GET", "/api/tasks", headers={"Authorization": form.format(token())}).status == status


def test_two_headers(site):
    twice = [f"Bearer {token()}", f"Bearer {token()}"]
    answer = site.request("GET", "/api/tasks", headers={"Authorization": twice}, checked=False)
    assert answer.status in (400, 401)
    assert fastcgi(site, "/api/tasks", HTTP_AUTHORIZATION=", ".join(twice))[0] == 401


def test_not_elsewhere(site):
    assert site.request("GET", f"/api/tasks?access_token={token()}&token={token()}").status == 401
    headers = {"Cookie": f"better-auth.session_token={token()}", "X-User-Id": "somebody", "X-Auth-Token": token()}
    assert site.request("GET", "/api/tasks", headers=headers).status == 401


def test_issuer_audience_claim_leeway(cluster, make_site):
    site = make_site(cluster, TODO_JWT_ISSUER="https://issuer", TODO_JWT_AUDIENCE="us", TODO_USER_CLAIM="uid",
                     TODO_JWT_LEEWAY=0)

    def ask(**claims):
        bearer = make_token("by-sub", **{"iss": "https://issuer", "aud": "us", "uid": "by-uid", **claims})
        answer = site.request("GET", "/api/by-uid/tasks", headers={"Authorization": f"Bearer {bearer}"})
        return answer.status, (answer["WWW-Authenticate"] or "").partition("description=")[2].strip('"')

    assert ask() == ask(aud=["them", "us"]) == (200, "")
    assert ask(iss="https://issuer/") == ask(iss=None) == (401, "wrong issuer")
    assert ask(aud="them") == ask(aud=None) == ask(aud=[]) == (401, "wrong audience")
    assert ask(uid=None)[0] == ask(uid=7)[0] == 401
    assert ask(uid="another")[0] == 403
    assert ask(exp=int(time.time()) - 2) == (401, "expired")


def test_email_and_name_are_kept(site):
    user = User(site, "with-a-name")
    user.token = make_token(user.name, email="Someone@example.com", name="Søren")
    user.create()
    row = site.cluster.sql("SELECT email, name FROM todo.users WHERE id = 'with-a-name'")
    assert row == "Someone@example.com|Søren"
