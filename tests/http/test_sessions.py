# SPDX-License-Identifier: ISC
"""Sessions and their refresh tokens."""

import concurrent.futures

import pytest

from harness import Account, User


def sessions(cluster, account):
    return int(cluster.sql(f"SELECT count(*) FROM todo.sessions WHERE user_id = '{account.id}'"))


class Family:
    """A session whose tokens t0, t1, ... are handed out; time is moved in the database."""

    def __init__(self, account, cluster):
        self.account = account
        self.cluster = cluster
        self.tokens = [account.session["refresh_token"]]

    def use(self, index):
        answer = self.account.refresh(self.tokens[index])
        if answer.status == 200 and answer.json()["refresh_token"] not in self.tokens:
            self.tokens.append(answer.json()["refresh_token"])
        return answer.status, self.tokens.index(answer.json()["refresh_token"]) \
            if answer.status == 200 else None

    def sql(self, text):
        self.cluster.sql(text.format(user=f"'{self.account.id}'"))

    def later(self, seconds):
        self.sql(f"UPDATE todo.sessions SET refreshed_at = refreshed_at - interval '{seconds} s', "
                 f"expires_at = expires_at - interval '{seconds} s' WHERE user_id = {{user}}")

    def logout(self):
        assert self.account.call("logout").status == 204

    def disable(self):
        self.sql("UPDATE todo.credentials SET disabled_at = now() WHERE user_id = {user}")

    def delete(self):
        self.sql("DELETE FROM todo.users WHERE id = {user}")


OK0, OK1, OK2, OK3, NO = (200, 0), (200, 1), (200, 2), (200, 3), (401, None)

# What is done, and what each use of a token gives: ("use", token): (status, token handed out).
MACHINE = {
    "use": [(("use", 0), OK1)],
    "use one after another": [(("use", 0), OK1), (("use", 1), OK2), (("use", 2), OK3)],
    "the parent within the grace": [(("use", 0), OK1), (("use", 0), OK1), (("use", 1), OK2)],
    "the parent at the end of the grace": [(("use", 0), OK1), ("later", 8), (("use", 0), OK1)],
    "the parent later": [(("use", 0), OK1), ("later", 11), (("use", 0), NO), (("use", 1), NO)],
    "the grandparent": [(("use", 0), OK1), (("use", 1), OK2), (("use", 0), NO), (("use", 2), NO)],
    "grace does not renew the grace": [(("use", 0), OK1), ("later", 8), (("use", 0), OK1),
                                       ("later", 3), (("use", 0), NO), (("use", 1), NO)],
    "after logout": ["logout", (("use", 0), NO)],
    "the child after logout": [(("use", 0), OK1), "logout", (("use", 1), NO), (("use", 0), NO)],
    "within seven days": [("later", 604000), (("use", 0), OK1), ("later", 604000), (("use", 1), OK2)],
    "expired": [("later", 604801), (("use", 0), NO)],
    "of a disabled user": ["disable", (("use", 0), NO)],
    "of a disabled user, in grace": [(("use", 0), OK1), "disable", (("use", 0), NO), (("use", 1), NO)],
    "of a deleted user": ["delete", (("use", 0), NO)],
}


@pytest.mark.parametrize("steps", MACHINE.values(), ids=MACHINE)
def test_refresh_tokens(make_account, cluster, steps):
    family = Family(make_account(), cluster)
    for step in steps:
        if isinstance(step, str):
            getattr(family, step)()
        elif step[0] == "later":
            family.later(step[1])
        else:
            (_, index), expected = step
            assert family.use(index) == expected, step


def test_theft_ends_one_family_alone(make_account, cluster):
    account = make_account()
    other = account.login().json()
    family = Family(account, cluster)
    family.use(0)
    family.later(11)
    assert family.use(0) == NO
    assert sessions(cluster, account) == 1
    assert account.refresh(other["refresh_token"]).status == 200


def garbage(token):
    secret, session, user = token.split(".")
    return {
        "a word": "nonsense",
        "nothing": "",
        "two parts": f"{secret}.{session}",
        "four parts": f"{token}.x",
        "no secret": f".{session}.{user}",
        "a short secret": f"{secret[:-2]}.{session}.{user}",
        "padding": f"{secret}=.{session}.{user}",
        "another session": f"{secret}.{session[::-1]}.{user}",
        "another user": f"{secret}.{session}.dV94",
        "SQL": f"{secret}.x' OR 'a'='a.{user}",
        "long": "x" * 10000,
        "an access token": "eyJhbGciOiJIUzI1NiJ9.e30.xxx",
    }


def test_garbage(make_account, cluster):
    account = make_account()
    for name, token in garbage(account.session["refresh_token"]).items():
        answer = account.call("refresh", {"refresh_token": token}, token="")
        assert answer.status == 401 and "Bearer" in answer["WWW-Authenticate"], (name, answer)
        assert account.call("logout", {"refresh_token": token}, token="").status == 204, name
    assert account.call("refresh", {"refresh_token": 7}).status == 422
    assert account.call("refresh", {}).status == 422
    assert account.refresh().status == 200


def test_a_refresh_token_of_somebody_else(make_account):
    alice, bob = make_account(), make_account()
    secret, session, _ = alice.session["refresh_token"].split(".")
    crossed = f"{secret}.{session}.{bob.session['refresh_token'].split('.')[2]}"
    assert bob.refresh(crossed).status == 401
    assert alice.refresh().status == 200
    assert bob.refresh().status == 200


def test_refresh_takes_a_form(make_account):
    account = make_account()
    answer = account.site.request(
        "POST", "/api/auth/refresh",
        f"grant_type=refresh_token&refresh_token={account.session['refresh_token']}".encode(),
        {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 200, answer


def test_a_hundred_at_once(make_account, cluster):
    account = make_account()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: account.refresh(), range(100)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert sessions(cluster, account) == 1
    assert account.refresh(answers[0].json()["refresh_token"]).status == 200


def test_refresh_against_logout(make_account, cluster):
    """Whoever is first, nothing is left of the session."""
    for _ in range(10):
        account = make_account()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            refresh = pool.submit(account.refresh)
            logout = pool.submit(account.call, "logout")
        assert refresh.result().status in (200, 401) and logout.result().status == 204
        assert sessions(cluster, account) == 0


def test_list_and_revoke(make_account):
    account, other = make_account(), make_account()
    second = account.login().json()
    listed = account.call("sessions", method="GET").json()
    assert [session["current"] for session in listed] == [False, True]
    assert set(listed[0]) == {"id", "created_at", "refreshed_at", "expires_at", "current"}
    foreign = other.call("sessions", method="GET").json()[0]["id"]
    for unknown in (foreign, "x", "%2e%2e%2f"):
        assert account.call(f"sessions/{unknown}", method="DELETE").status == 404
    assert account.call(f"sessions/{listed[0]['id']}", method="DELETE").status == 204
    assert account.call(f"sessions/{listed[0]['id']}", method="DELETE").status == 404
    assert account.refresh(second["refresh_token"]).status == 401
    assert account.refresh().status == 200
    assert other.refresh().status == 200


def test_logout(make_account):
    account = make_account()
    assert account.call("logout", token="").status == 401
    assert account.call("logout", {"refresh_token": account.session["refresh_token"]},
                        token="").status == 204
    assert account.refresh().status == 401
    assert account.call("logout").status == 204


def test_expired_sessions_go_at_the_next_login(make_account, cluster):
    account = make_account()
    Family(account, cluster).later(604801)
    assert account.login().status == 200
    assert sessions(cluster, account) == 1


@pytest.mark.parametrize("check, status", [("0", 200), ("1", 401)])
def test_check_session(make_site, make_user, cluster, check, status):
    site = make_site(cluster, TODO_CHECK_SESSION=check)
    account = Account(site, f"check{check}@example.com", "a fine password")
    task = account.request("POST", "/api/tasks", {"title": "x"}).json()["id"]
    assert make_user(at=site).get().status == 200  # no session, none to check
    account.call("logout")
    for method, path, body in (("GET", "", None), ("GET", f"/{task}", None),
                               ("PUT", f"/{task}", {"title": "y"}), ("POST", "", {"title": "z"}),
                               ("GET", "/changes", None), ("GET", "/export", None)):
        answer = account.request(method, "/api/tasks" + path, body)
        assert answer.status in (status, status + 1), answer
        if status == 401:
            assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    titles = cluster.sql(f"SELECT title FROM todo.tasks WHERE user_id = '{account.id}' ORDER BY id")
    assert titles.split() == (["x"] if check == "1" else ["y", "z"])


def test_a_deleted_account_does_not_come_back(make_site, cluster):
    site = make_site(cluster, TODO_CHECK_SESSION=1)
    account = Account(site, "deleted@example.com", "a fine password")
    user = User(site, account.id)
    user.token = account.session["access_token"]
    assert account.call("me", {"password": account.password}, method="DELETE").status == 204
    for path, body in (("", {"title": "t"}), ("/batch", {"operations": [{"op": "create", "title": "t"}]}),
                       ("/import", [{"title": "t"}])):
        assert user.post(path, body).status == 401, path
    assert cluster.sql(f"SELECT count(*) FROM todo.users WHERE id = '{account.id}'") == "0"
