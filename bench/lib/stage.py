# SPDX-License-Identifier: ISC
"""What every measurement stands on: packages and a build, a private cluster, tasks in it. The servers
are those of the tests over HTTP."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

BENCH = pathlib.Path(__file__).resolve().parents[1]
SOURCE = BENCH.parent
STATE = SOURCE / ".bench"
FIRST_USER = 10**18
PR_SET_CHILD_SUBREAPER = 36  # sys/prctl.h

os.environ["TEST_BUILDDIR"] = str(STATE / "build")
sys.path.insert(0, str(SOURCE / "tests" / "http"))
import harness  # noqa: E402 (it reads the environment)


def prepare(*sections):
    """Installs the packages of these sections, and builds the product."""
    with leaving_nothing():
        if subprocess.run([BENCH / "prepare", *sections], stdin=subprocess.DEVNULL).returncode != 0:
            sys.exit(1)


def say(*words):
    print("bench:", *words, flush=True)


@contextlib.contextmanager
def leaving_nothing():
    """Also when we are interrupted: what has lost its parent becomes our child, and is ended at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told = set()

    def are_gone():
        left = set(harness.children(os.getpid()))
        for pid in left - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        told.update(left)
        return not left

    try:
        yield
    finally:
        harness.eventually(30, are_gone, "the end of all that was started")


@contextlib.contextmanager
def scratch():
    """A directory that servers of any user can enter; it goes away with us, and so do they."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="todo-bench.", dir=os.environ.get("TMPDIR", "/tmp")))
    directory.chmod(0o755)
    harness.TMP = str(directory)
    try:
        with leaving_nothing():
            yield directory
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def cluster(directory, *options):
    """A PostgreSQL cluster with the product's schema; options as tests/cluster takes them."""
    try:
        yield harness.Cluster(directory, *options)
    finally:  # also when it is half made
        subprocess.run([SOURCE / "tests" / "cluster", "stop", directory / "database", "fast"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=harness.clean_environment())


def user_id(number):
    """The user of this number, from 0: digits, for pgbench has no other values."""
    return str(FIRST_USER + number)


def load(database, users, per_user, plain=False, first_user=FIRST_USER, first_id=0):
    """Tasks for the product, and if `plain` the same in the table of its peers."""
    variables = {"first_user": first_user, "first_id": first_id, "users": users, "per_user": per_user,
                 "next_id": first_id + users * per_user + 1, "plain": plain}
    heading = "".join(f"\\set {name} {value}\n" for name, value in variables.items())
    return database.sql(heading + (BENCH / "lib" / "tasks.sql").read_text())
