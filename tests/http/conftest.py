# SPDX-License-Identifier: ISC
"""The fixtures: one cluster and one site for all tests, fresh users for each, and sites with other
settings for those that ask. A test that fails shows what the servers have logged meanwhile."""

import itertools
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import pooler  # noqa: E402
from harness import TMP, WRAPPER, Account, Cluster, Site, User, check_secrets  # noqa: E402

pytest_plugins = ["tap"]
numbers = itertools.count(1)


def interrupt(*_):
    """TERM and HUP take the fixtures down as Ctrl-C does."""
    raise KeyboardInterrupt


for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, interrupt)


def new_cluster(kind=pooler.PooledCluster if pooler.is_wanted() else Cluster):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="todo.", dir=TMP))
    directory.chmod(0o755)
    cluster = None
    try:
        cluster = kind(directory)
        yield cluster
    finally:
        if cluster:
            cluster.end()
            check_secrets(*cluster.logs)
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def cluster():
    yield from new_cluster()


@pytest.fixture(scope="module")
def own_cluster():
    """For tests that stop or break it."""
    yield from new_cluster()


@pytest.fixture(scope="session")
def site(cluster):
    site = Site(cluster)
    yield site
    site.stop()


@pytest.fixture
def make_site():
    """make_site(cluster, SETTING=value...): a site of one's own, stopped after the test."""
    made = []

    def make(cluster, **options):
        made.append(Site(cluster, **options))
        return made[-1]

    yield make
    for site in made:
        site.stop()


@pytest.fixture
def make_user(site):
    """make_user(name=None, site=None): somebody who has no task yet."""

    def make(name=None, at=None, **options):
        return User(at or site, f"user-{next(numbers)}" if name is None else name, **options)

    return make


@pytest.fixture
def make_account(site):
    """make_account(at=None, email=None, password=None, ...): somebody who has registered."""

    def make(at=None, email=None, password=None, **fields):
        number = next(numbers)
        return Account(at or site, email or f"user{number}@example.com",
                       password or f"password of {number}", **fields)

    return make


@pytest.fixture
def alice(make_user):
    return make_user()


@pytest.fixture
def bob(make_user):
    return make_user()


# Tests that a run below valgrind leaves out, and why. Every other run has them.
AT_EXEC = "valgrind takes away the signals that wait while a program becomes another"
IN_TIME = "a standby has half a second, and below valgrind to connect takes as long"
NOT_BELOW_VALGRIND = {
    "test_stop_during_a_reload": AT_EXEC,
    "test_reads_stay_right_whatever_happens_to_the_standby": IN_TIME,
}


def left_out():
    return {**(pooler.DIRECT_ONLY if pooler.is_wanted() else {}), **(NOT_BELOW_VALGRIND if WRAPPER else {})}


def pytest_collection_modifyitems(config, items):
    unwanted = [item for item in items if item.name.partition("[")[0] in left_out()]
    items[:] = [item for item in items if item not in unwanted]
    config.hook.pytest_deselected(items=unwanted)


def pytest_terminal_summary(terminalreporter):
    for name, why in left_out().items():
        terminalreporter.write_line(f"left out: {name}: {why}")


# ---- logs


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.log_offsets = {log: log.stat().st_size for site in Site.living for log in site.logs()
                        if log.exists()}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    for log in dict.fromkeys(log for site in Site.living for log in site.logs() if log.exists()):
        with open(log, "rb") as file:
            file.seek(getattr(item, "log_offsets", {}).get(log, 0))
            lines = file.read().decode(errors="replace").splitlines()[-40:]
        if lines:
            report.sections.append((str(log), "\n".join(lines)))
