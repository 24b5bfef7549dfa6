# SPDX-License-Identifier: ISC
"""Ten failed logins in fifteen minutes for one account or one address."""

import concurrent.futures
import subprocess

import pytest

from harness import TODOCTL, Account, clean_environment, eventually

LIMIT = 10


def fail(account, times, **options):
    return [account.login("wrong one", **options).status for _ in range(times)]


def age(cluster, seconds):
    cluster.sql("UPDATE todo.login_failures SET failed_at = ARRAY("
                f"SELECT at - interval '{seconds} s' FROM unnest(failed_at) at ORDER BY at)")


def from_address(account, address):
    return Account(account.site, account.email, account.password, address=address, registered=True)


def test_an_account(make_account, cluster):
    account = make_account()
    for i in range(LIMIT):
        assert from_address(account, f"192.0.2.{i}").login("wrong one").status == 401
    refused = from_address(account, "192.0.2.99").login()
    assert refused.status == 429 and 1 <= int(refused["Retry-After"]) <= 900, refused
    assert from_address(account, "192.0.2.99").login(email=account.email.upper()).status == 429
    assert make_account().login().status == 200
    age(cluster, 901)
    assert account.login().status == 200


def test_unknown_accounts_are_counted_too(make_account):
    account = make_account()
    assert [account.login("wrong one", email="nobody@example.com", headers={
        "X-Forwarded-For": f"198.51.100.{i}"}).status for i in range(LIMIT + 1)] == [401] * LIMIT + [429]


def test_success_clears_the_account(make_account):
    account = make_account()
    for i in range(3):
        person = from_address(account, f"203.0.113.{i}")
        assert fail(person, LIMIT - 1) == [401] * (LIMIT - 1)
        assert person.login().status == 200


@pytest.mark.parametrize("command", ["password", "enable"])
def test_an_administrator_clears_the_account(make_account, cluster, command):
    account = make_account()
    assert fail(account, LIMIT) == [401] * LIMIT
    person = from_address(account, "203.0.113.10")
    assert person.login().status == 429
    subprocess.run([TODOCTL, "user", command, account.email], input=account.password + "\n", text=True, check=True,
                   env=clean_environment(DATABASE_ADMIN_URL=cluster.url("postgres"), TODO_BCRYPT_COST=10))
    assert person.login().status == 200


def test_an_address(make_account):
    people = [make_account() for _ in range(LIMIT + 1)]
    for person in people[:LIMIT]:
        assert from_address(person, "192.0.2.200").login("wrong one").status == 401
    assert from_address(people[LIMIT], "192.0.2.200").login().status == 429
    assert from_address(people[LIMIT], "192.0.2.201").login().status == 200


@pytest.mark.parametrize("first, same, other", [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ("::ffff:192.0.2.210", "192.0.2.210", "192.0.2.211"),
    ("192.0.2.212:4711", "evil, 192.0.2.212", "192.0.2.212, 192.0.2.213"),
    ("192.0.2.214, 127.0.0.1", "192.0.2.214", "192.0.2.214, 192.0.2.215, 127.0.0.1"),
    ("[2001:db8:7::1]:80", "2001:db8:7::2", "2001:db8:7:1::2"),
])
def test_addresses(make_account, first, same, other):
    people = [make_account() for _ in range(2)]
    for i in range(LIMIT):
        answer = from_address(people[0], first).login("wrong", email=f"{i}{people[0].email}")
        assert answer.status == 401
    assert from_address(people[1], same).login().status == 429
    assert from_address(people[1], other).login().status == 200


def test_untrusted_proxies(make_site, cluster):
    """Without TODO_TRUSTED_PROXIES a client cannot choose its address."""
    site = make_site(cluster, TODO_TRUSTED_PROXIES="10.0.0.0/8, 2001:db8::/32")
    cluster.sql("DELETE FROM todo.login_failures")
    person = Account(site, "untrusted@example.com", "a fine password", address="1.2.3.4")
    for i in range(LIMIT):
        assert from_address(person, f"1.2.3.{i}").login("wrong", email=f"u{i}@x").status == 401
    assert from_address(person, "1.2.4.1").login().status == 429
    cluster.sql("DELETE FROM todo.login_failures")


def test_at_once_and_over_processes(make_account):
    account = make_account()
    people = [from_address(account, f"198.18.0.{i}") for i in range(40)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda person: person.login("wrong one").status, people))
    assert statuses.count(401) == LIMIT and statuses.count(429) == 40 - LIMIT


def test_passwords_of_sessions_are_guessed_no_faster(make_account):
    account = make_account()
    change = {"current_password": "wrong one", "new_password": "x" * 8}
    statuses = [account.call("password", change, headers={
        "X-Forwarded-For": f"198.19.0.{i}"}).status for i in range(LIMIT)]
    assert statuses == [403] * LIMIT
    answer = account.call("me", {"password": account.password}, method="DELETE")
    assert answer.status == 429
    assert account.login().status == 200  # whoever has a token cannot lock the owner out


def test_rows_do_not_pile_up(make_account, cluster):
    account = make_account()
    age(cluster, 1000)

    def old():
        account.login("wrong one")
        assert account.login().status == 200
        return cluster.sql("SELECT count(*) FROM todo.login_failures "
                           "WHERE failed_at[1] < now() - interval '15 minutes'") == "0"

    eventually(20, old, "the end of old rows")
