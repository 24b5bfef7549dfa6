# SPDX-License-Identifier: ISC
"""Cross-origin requests of browsers."""

import pytest

from harness import ORIGIN, User

EXPOSED = {"etag", "link", "location", "retry-after", "x-total-count", "x-request-id", "idempotent-replayed",
           "www-authenticate"}
ALLOWED = {"authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "prefer",
           "x-request-id"}
CORS = "Access-Control-"


def assert_allowed(answer, origin=ORIGIN):
    assert answer[CORS + "Allow-Origin"] == origin, answer
    assert answer[CORS + "Allow-Credentials"] == "true"
    assert "origin" in answer.words("Vary")


def assert_denied(answer):
    assert not [name for name in answer.headers if name.startswith(CORS)], answer
    assert "origin" in answer.words("Vary")


@pytest.mark.parametrize("origin,allowed", [
    (ORIGIN, True), ("https://x.preview.example", True), ("https://x-1.preview.example", True),
    ("https://x.y.preview.example", False), ("https://preview.example", False), ("https://.preview.example", False),
    ("https://x.preview.example.evil.example", False), ("https://x.preview.example:8443", False),
    ("http://x.preview.example", False), ("http://app.example", False), ("https://app.example:443", False),
    ("https://app.example.evil.example", False), ("https://evil.example/https://app.example", False),
    ("https://evilapp.example", False), ("null", False), ("*", False), ("https://*.preview.example", False),
    ("https://evil.example/.preview.example", False), ("https://evil.example?.preview.example", False),
    ("https://u@x.preview.example", False)])
def test_origins(alice, origin, allowed):
    for answer in (alice.get(headers={"Origin": origin}),
                   alice.request("OPTIONS", headers={"Origin": origin, CORS + "Request-Method": "PUT"})):
        if allowed:
            assert_allowed(answer, origin)
        else:
            assert_denied(answer)


@pytest.mark.parametrize("path,methods", [("", {"get", "head", "post", "options"}),
                                          ("/1", {"get", "head", "put", "patch", "delete", "options"}),
                                          ("/1/complete", {"patch", "options"})])
def test_preflight(site, path, methods):
    for wanted in ("PATCH", "POST"):
        answer = site.request("OPTIONS", "/api/u/tasks" + path, headers={
            "Origin": ORIGIN, CORS + "Request-Method": wanted,
            CORS + "Request-Headers": "authorization,content-type,if-match"})
        assert answer.status == 204
        assert_allowed(answer)
        assert answer.words(CORS + "Allow-Methods") | {"head", "options"} == methods | {"head", "options"}
        assert answer.words(CORS + "Allow-Headers") == ALLOWED
        assert answer[CORS + "Max-Age"] == "600"
        assert answer.words("Allow") == methods


def test_exposed(alice):
    assert alice.get(headers={"Origin": ORIGIN}).words(CORS + "Expose-Headers") == EXPOSED


def test_errors_carry_it_too(site, alice, bob):
    origin = {"Origin": ORIGIN}
    bob.base = alice.base
    answers = [
        alice.get(headers=origin | {"Authorization": None}), bob.get(headers=origin),
        alice.get("/999999999999", headers=origin), alice.get("/1/2/3", headers=origin),
        alice.delete("", headers=origin), alice.post("", body=b"{", headers=origin),
        alice.post("", {}, headers=origin), alice.post("", body=b" " * 70000, headers=origin),
        alice.post("", body=b"{}", headers=origin | {"Content-Type": "text/plain"}),
        alice.get(headers=origin | {"If-None-Match": "x"}),
        site.request("GET", "/api/%25zz/%ff", headers=origin)]
    assert [answer.status for answer in answers] == [401, 403, 404, 404, 405, 400, 422, 413, 415, 400, 400]
    for answer in answers:
        assert_allowed(answer)


def test_not_modified_carries_it_too(alice):
    answer = alice.get(headers={"Origin": ORIGIN, "If-None-Match": "*"})
    assert answer.status == 304
    assert_allowed(answer)


def test_without_an_origin(alice):
    assert_denied(alice.get())


def test_none_configured(cluster, make_site):
    user = User(make_site(cluster, TODO_CORS_ORIGINS=None), "cors-none")
    answer = user.get(headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith(CORS)]
