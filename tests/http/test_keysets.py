# SPDX-License-Identifier: ISC
"""Tokens that an issuer signs with keys of its own: TODO_JWKS as a file and as a URL."""

import os
import random
import subprocess
import threading

import pytest

from harness import SECRET, eventually, make_token, refusal
from issuer import ALGORITHMS, Key, KeyServer, closed_port, key_set, tls_context

SEED = int(os.environ.get("TEST_SEED", random.randrange(10**6)))


def ask(site, token, **options):
    return site.request("GET", "/api/tasks", headers={"Authorization": f"Bearer {token}"}, **options)


@pytest.fixture(scope="module")
def keys():
    return {algorithm: Key(algorithm) for algorithm in ALGORITHMS}


@pytest.fixture
def key_server(request):
    made = []

    def make(*keys, **options):
        made.append(KeyServer(*keys, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def served(cluster, keys):
    """A site and the server of its keys, for tests that leave both as they were."""
    from harness import Site
    server = KeyServer(*keys.values())
    site = Site(cluster, TODO_JWKS=server.url)
    eventually(10, lambda: ask(site, keys["EdDSA"].token()).status == 200, "the first key set")
    yield site, server
    site.stop()
    server.stop()


# ---- a file


def test_file(cluster, make_site, keys, tmp_path):
    """Every algorithm, with no secret at all; and the file is followed as it changes. By one worker: another
    that nobody has asked meanwhile would still have the set before the one that is kept."""
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(*keys.values()))
    tmp_path.chmod(0o755)
    site = make_site(cluster, TODO_JWKS=path, BETTER_AUTH_SECRET=None, TODO_WORKERS=1)
    for key in keys.values():
        assert ask(site, key.token()).status == 200, key.algorithm
    assert refusal(ask(site, make_token("somebody", secret=SECRET))) == "unknown key"
    other = Key()
    assert refusal(ask(site, other.token())) == "unknown key"
    path.write_bytes(key_set(other))
    assert ask(site, other.token()).status == 200
    assert refusal(ask(site, keys["ES256"].token())) == "unknown key"
    path.write_bytes(b"garbage")
    assert ask(site, other.token()).status == 200
    path.unlink()
    assert ask(site, other.token()).status == 200


def test_no_file(cluster, make_site, keys, tmp_path):
    """Without any key nothing can be said of a token; those of the secret are judged as ever."""
    site = make_site(cluster, TODO_JWKS=tmp_path / "none")
    assert ask(site, keys["EdDSA"].token()).status == 503
    assert ask(site, make_token("somebody")).status == 200


# ---- a URL


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms(served, keys, algorithm):
    site, _ = served
    key = keys[algorithm]
    assert ask(site, key.token()).status == 200
    spoilt = key.token()[:-6] + "AAAAAA"
    assert refusal(ask(site, spoilt)) == "bad signature"
    assert refusal(ask(site, key.token(exp=1))) == "expired"
    assert ask(site, make_token("somebody")).status == 200


@pytest.mark.parametrize("spawned", [0, 2])
def test_known_keys_cost_no_fetch(cluster, make_site, key_server, keys, spawned):
    server = key_server(keys["ES256"])
    site = make_site(cluster, TODO_JWKS=server.url, spawned=spawned)
    for _ in range(40):
        eventually(10, lambda: ask(site, keys["ES256"].token()).status == 200)
    assert server.count <= max(1, spawned)


def test_rotation(cluster, make_site, key_server, keys):
    """A key that is made when it first signs is accepted at the first request that carries it."""
    server = key_server(keys["EdDSA"])
    site = make_site(cluster, TODO_JWKS=server.url)
    assert ask(site, keys["EdDSA"].token()).status == 200
    new = Key("ES512")
    server.keys.append(new)
    assert ask(site, new.token()).status == 200
    assert ask(site, keys["EdDSA"].token()).status == 200
    assert server.count == 2


def test_unknown_keys_cost_one_fetch(cluster, make_site, key_server, keys):
    """1,000 of them, over the whole pool."""
    print(f"TEST_SEED={SEED}")
    pick = random.Random(SEED)
    server = key_server(keys["EdDSA"])
    site = make_site(cluster, TODO_JWKS=server.url, TODO_WORKERS=4, TODO_LOG_LEVEL="error")
    assert ask(site, keys["EdDSA"].token()).status == 200
    stranger, before, answers = Key(), server.count, []

    def ask_many():
        for _ in range(250):
            kid = f"{pick.random()}"
            answers.append(refusal(ask(site, stranger.token(header={"kid": kid}))))

    threads = [threading.Thread(target=ask_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["unknown key"] * 1000
    assert server.count - before <= 1
    assert ask(site, keys["EdDSA"].token()).status == 200


@pytest.mark.parametrize("mode", ["503", "garbage", "empty", "huge", "redirect"])
def test_outage(cluster, make_site, key_server, keys, mode):
    """A failing server leaves the keys as they were, and known ones cost no fetch."""
    server = key_server(keys["EdDSA"])
    site = make_site(cluster, TODO_JWKS=server.url)
    assert ask(site, keys["EdDSA"].token()).status == 200
    server.mode = mode
    server.keys = [Key()]
    assert refusal(ask(site, Key().token())) == "unknown key"
    eventually(10, lambda: "could not be fetched" in site.pool.log.read_text(), "the failure")
    count = server.count
    for _ in range(20):
        assert ask(site, keys["EdDSA"].token()).status == 200
    assert server.count == count


@pytest.mark.parametrize("workers", [1, 4])
def test_hang(cluster, make_site, key_server, keys, workers):
    """Known keys are answered while the server of the keys holds its answer back."""
    server = key_server(keys["EdDSA"])
    site = make_site(cluster, TODO_JWKS=server.url, TODO_WORKERS=workers)
    assert ask(site, keys["EdDSA"].token()).status == 200
    server.mode = "hang"
    if workers > 1:
        waiting = threading.Thread(target=lambda: ask(site, Key().token()))
        waiting.start()
        eventually(10, lambda: server.hanging == 1, "the fetch")
        for _ in range(20):
            assert ask(site, keys["EdDSA"].token()).status == 200
        waiting.join()
    else:
        assert refusal(ask(site, Key().token())) == "unknown key"
    # From the first failure on nobody waits, not even with an unknown key.
    eventually(10, lambda: "could not be fetched" in site.pool.log.read_text(), "the failure")
    assert ask(site, keys["EdDSA"].token()).status == 200
    assert refusal(ask(site, Key().token())) == "unknown key"


def test_no_server_at_first(cluster, make_site, key_server, keys):
    """503 until the first key set is there; never a 401 for a token that may be good."""
    site = make_site(cluster, TODO_JWKS=f"http://127.0.0.1:{closed_port()}/jwks")
    answer = ask(site, keys["EdDSA"].token())
    assert answer.status == 503 and answer["Retry-After"], answer
    assert ask(site, make_token("somebody")).status == 200


def test_certificate_is_checked(cluster, make_site, key_server, keys, tmp_path):
    pem = tmp_path / "pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", pem, "-out", tmp_path / "cert"],
                   check=True, capture_output=True)
    with open(pem, "a", encoding="ascii") as file:
        file.write((tmp_path / "cert").read_text())
    server = key_server(keys["EdDSA"], context=tls_context(pem))
    site = make_site(cluster, TODO_JWKS=server.url)
    assert ask(site, keys["EdDSA"].token()).status == 503
    assert server.count == 0


def test_fetcher_is_replaced(cluster, make_site, key_server, keys):
    """One that is killed comes back, and the keys stay."""
    server = key_server(keys["EdDSA"])
    site = make_site(cluster, TODO_JWKS=server.url, TODO_WORKERS=2)
    assert ask(site, keys["EdDSA"].token()).status == 200
    fetcher = site.pool.workers()[-1]
    os.kill(fetcher, 9)
    eventually(10, lambda: len(site.pool.workers()) == 3 and fetcher not in site.pool.workers(),
               "another fetcher")
    new = Key()
    server.keys.append(new)
    assert ask(site, keys["EdDSA"].token()).status == 200
    assert eventually(40, lambda: ask(site, new.token()).status == 200, "the new key")


def test_confusion(served, keys):
    """A public key is no secret, and what a token says about keys is not followed."""
    site, server = served
    for key in keys.values():
        for text in (key_set(key).decode(), key.members().get("x", "x" * 32)):
            token = make_token("somebody", secret=text, header={"alg": "HS256", "kid": key.kid})
            assert ask(site, token).status == 401
    stranger, count = Key("ES256"), server.count
    for header in ({"jwk": stranger.jwk()}, {"jku": server.url}, {"x5u": server.url}):
        known = ask(site, stranger.token(header={"kid": keys["ES256"].kid, **header}))
        assert refusal(known) == "bad signature"
    assert server.count == count
