# SPDX-License-Identifier: ISC
"""HUP, restarts and new versions: the program takes over its settings and its own file, one worker
after another, and no request is lost."""

import os
import shutil
import signal

import pytest

from harness import SLOW, WORKER, User, children, eventually
from issuer import Key, KeyServer, closed_port


class Settings:
    """A settings file of its own for a site."""

    def __init__(self, directory):
        self.path = directory / "todo.conf"
        self.write()

    def write(self, **settings):
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


@pytest.fixture
def lab(cluster, make_site, settings):
    settings.write(TODO_WORKERS=3)
    return make_site(cluster, held=True, TODO_CONFIG=settings.path, TODO_WORKERS=None)


def leader(site):
    return site.pool.process.pid


def reload(site, pid=None):
    os.kill(pid or leader(site), signal.SIGHUP)


def complaints(site, offset):
    with open(site.pool.log, "rb") as log:
        log.seek(offset)
        return [line for line in log.read().decode().splitlines() if ": info: " not in line]


def size(site):
    return site.pool.log.stat().st_size


def is_rolled(site, before, count):
    now = children(leader(site))
    return len(now) == count and not set(now) & set(before)


def deletes_without_if_match(site):
    user = User(site, "reloading")
    return user.delete(f"/{user.create()['id']}").status


def test_settings_are_taken_over(lab, settings):
    pid = leader(lab)
    for workers, required, status in ((3, 1, 428), (1, 0, 204), (5, 1, 428), (2, 0, 204)):
        before = children(pid)
        settings.write(TODO_WORKERS=workers, TODO_REQUIRE_IF_MATCH=required)
        reload(lab)
        eventually(20, lambda: is_rolled(lab, before, workers), "new workers for all")
        assert {deletes_without_if_match(lab) for _ in range(10)} == {status}
    assert leader(lab) == pid and lab.pool.process.poll() is None


def test_bad_settings_change_nothing(lab, settings):
    before, offset = children(leader(lab)), size(lab)
    settings.write(TODO_WORKERS=3, TODO_LOG_LEVEL="loud")
    reload(lab)
    eventually(10, lambda: complaints(lab, offset), "a complaint")
    assert deletes_without_if_match(lab) == 204
    assert children(leader(lab)) == before
    line, = complaints(lab, offset)
    assert f"{settings.path}:2: TODO_LOG_LEVEL" in line and "not reloaded" in line
    settings.write(TODO_WORKERS=3)
    reload(lab)
    eventually(20, lambda: is_rolled(lab, before, 3), "new workers")


def test_reloads_that_follow_each_other(lab, settings):
    """Also one that comes while the last one is under way."""
    before = children(leader(lab))
    for workers in (4, 2, 3, 1, 4):
        settings.write(TODO_WORKERS=workers)
        reload(lab)
        assert deletes_without_if_match(lab) == 204
    reload(lab)
    eventually(20, lambda: is_rolled(lab, before, 4), "four new workers")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGQUIT])
def test_stop_during_a_reload(lab, how):
    before = children(leader(lab))
    reload(lab)
    lab.pool.process.send_signal(how)
    assert lab.pool.process.wait(30 * SLOW) == 0
    eventually(10, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in before), "their end")


def test_worker_of_a_pool_leaves_it_to_the_pool(lab):
    before = children(leader(lab))
    for pid in before:
        reload(lab, pid)
    assert deletes_without_if_match(lab) == 204
    assert children(leader(lab)) == before


def test_workers_without_a_pool(cluster, make_site, settings):
    """spawn-fcgi does not replace its workers: each takes over by itself."""
    site = make_site(cluster, spawned=2, TODO_CONFIG=settings.path)
    pids = site.pool.workers()
    for required, status in ((1, 428), (0, 204)):
        settings.write(TODO_REQUIRE_IF_MATCH=required)
        for pid in pids:
            reload(site, pid)
        eventually(10, lambda: {deletes_without_if_match(site) for _ in range(6)} == {status}, "the new settings")
    settings.write(TODO_REQUIRE_IF_MATCH="perhaps")
    for pid in pids:
        reload(site, pid)
    assert {deletes_without_if_match(site) for _ in range(6)} == {204}
    assert site.pool.workers() == pids


def test_worker_becomes_a_pool(cluster, make_site, settings):
    site = make_site(cluster, held=True, TODO_CONFIG=settings.path, TODO_WORKERS=None)
    assert children(leader(site)) == []
    settings.write(TODO_WORKERS=3)
    reload(site)
    eventually(10, lambda: len(children(leader(site))) == 3, "three workers")
    assert deletes_without_if_match(site) == 204


def test_keys_outlive_a_reload(cluster, make_site, settings):
    """The issuer is away just then, and what it said last still counts; but not for another one."""
    key = Key()
    issuer = KeyServer(key)
    settings.write(TODO_JWKS=issuer.url, TODO_WORKERS=2)
    site = make_site(cluster, held=True, TODO_CONFIG=settings.path, TODO_WORKERS=None)

    def ask():
        headers = {"Authorization": f"Bearer {key.token()}"}
        return site.request("GET", "/api/tasks", headers=headers).status

    eventually(10, lambda: ask() == 200, "the first key set")
    issuer.stop()
    before = children(leader(site))
    reload(site)
    eventually(20, lambda: is_rolled(site, before, 3), "two workers and a fetcher")
    assert {ask() for _ in range(8)} == {200}
    before = children(leader(site))
    settings.write(TODO_JWKS=f"http://127.0.0.1:{closed_port()}/jwks", TODO_WORKERS=2)
    reload(site)
    eventually(20, lambda: is_rolled(site, before, 3), "two workers and a fetcher")
    assert 200 not in {ask() for _ in range(8)}


@pytest.fixture
def program(tmp_path):
    """A copy of todo.fcgi that can be replaced."""
    return shutil.copy(WORKER, tmp_path / "todo.fcgi")


def replace(program, source):
    """As a package manager does."""
    new = program.with_suffix(".dpkg-new")
    shutil.copy(source, new)
    new.rename(program)


def runs(site, program):
    """Is that file what everybody runs?"""
    wanted = program.stat().st_ino
    try:
        return all(os.stat(f"/proc/{pid}/exe").st_ino == wanted for pid in [leader(site), *children(leader(site))])
    except FileNotFoundError:
        return False  # one has just ended


def test_new_version_is_taken_over(cluster, make_site, program):
    site = make_site(cluster, held=True, program=program, TODO_WORKERS=2)
    replace(program, WORKER)
    assert not runs(site, program)
    reload(site)
    eventually(20, lambda: runs(site, program), "the new version")
    assert deletes_without_if_match(site) == 204


def test_broken_version_is_not_taken_over(cluster, make_site, program):
    site = make_site(cluster, held=True, program=program, TODO_WORKERS=2)
    before = children(leader(site))
    for breakage in (lambda: program.chmod(0o644), program.unlink, lambda: replace(program, "/bin/false")):
        offset = size(site)
        breakage()
        reload(site)
        line, = eventually(10, lambda: complaints(site, offset), "a complaint")
        assert "not reloaded" in line
        assert deletes_without_if_match(site) == 204
        assert children(leader(site)) == before
