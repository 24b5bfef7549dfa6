# SPDX-License-Identifier: ISC
"""How the program is started: by systemd's units as they are installed, by its sockets, and without
systemd by spawn-fcgi and multiwatch."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from harness import BUILD, SLOW, SOURCE, WORKER, User, children, clean_environment, eventually

UNITS = ["todo-fcgi.socket", "todo-fcgi.service", "todo-fcgi-auth.socket", "todo-fcgi-auth.service",
         "todo-fcgi-purge.timer", "todo-fcgi-purge.service"]
SETTING = re.compile("TODO_|DATABASE_|BETTER_AUTH_|ASAN_|UBSAN_|LSAN_")
SERVICES = [unit for unit in UNITS if unit.endswith(".service")]


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120 * SLOW,
                          env=clean_environment(MAKEFLAGS="", MFLAGS="", **environment))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Where everything is installed, as by a package."""
    root = tmp_path_factory.mktemp("root")
    done = run("make", "-C", str(BUILD), "install", f"DESTDIR={root}", "prefix=/usr", "sysconfdir=/etc",
               "libexecdir=/usr/libexec", "systemdsystemunitdir=/usr/lib/systemd/system")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def units(root, tmp_path_factory):
    """The installed units, with programs where they were installed just now."""
    directory = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        text = (root / "usr/lib/systemd/system" / unit).read_text()
        text = re.sub(r"(?<==)/\S*/(todo\.fcgi|todoctl)\b", lambda match: str(find(root, match[1])), text)
        (directory / unit).write_text(text)
    return directory


def find(root, name):
    program, = root.glob(f"usr/**/{name}")
    return program


def test_units_are_in_order(units):
    done = run("systemd-analyze", "--man=no", "verify", *(str(units / unit) for unit in UNITS),
               SYSTEMD_UNIT_PATH=f"{units}:")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_services_are_confined(units, unit):
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=19", str(units / unit))
    assert done.returncode == 0, done.stdout
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1]
    assert float(exposure) < 2.0


def test_users_and_directories(root):
    """What the files of sysusers.d and tmpfiles.d make in an empty system."""
    for directory in ("etc", "run"):
        (root / directory).mkdir(exist_ok=True)
    done = run("systemd-sysusers", f"--root={root}", str(root / "usr/lib/sysusers.d/todo-fcgi.conf"))
    assert done.returncode == 0, done.stderr
    users = dict(line.split(":", 1) for line in (root / "etc/passwd").read_text().splitlines())
    assert {"todo", "todo-purge"} <= set(users)
    assert re.search(r"(?m)^todo:[^:]*:\d+:todo-purge$", (root / "etc/group").read_text())
    done = run("systemd-tmpfiles", f"--root={root}", "--create", str(root / "usr/lib/tmpfiles.d/todo-fcgi.conf"))
    assert done.returncode == 0, done.stderr
    assert (root / "run/todo").is_dir()


def test_credentials_sample(root):
    """Each of its settings names a credential that it loads."""
    text = next(root.glob("usr/**/credentials.conf")).read_text()
    loaded = set(re.findall(r"(?m)^LoadCredential=([^:]+):/", text))
    used = set(re.findall(r"(?m)^Environment=\w+_FILE=%d/(\S+)$", text))
    assert loaded == used != set()


# ---- sockets


def activated(*options):
    """By systemd-socket-activate, which passes on only what it is told to, and keeps the socket to its
    own user: the web server's needs it."""
    hand_over = 'if [ "$(id -u)" = 0 ]; then (until chown www-data "$0"; do sleep 0.1; done) 2>&- & fi; exec "$@"'

    def starter(pool):
        environment = clean_environment(**pool.settings)
        given = [f"-E{name}={value}" for name, value in environment.items() if SETTING.match(name)]
        return ["sh", "-c", hand_over, str(pool.socket), "systemd-socket-activate", *options, *given,
                "-l", str(pool.socket), str(WORKER)]

    return starter


@pytest.mark.parametrize("options,descriptor", [((), 3), (("--inetd",), 0)])
def test_socket_activation(cluster, make_site, options, descriptor):
    site = make_site(cluster, starter=activated(*options), TODO_WORKERS=2)
    assert User(site, "activated").create()
    leader = site.pool.process.pid
    assert os.readlink(f"/proc/{leader}/exe") == str(WORKER.resolve())
    assert os.readlink(f"/proc/{leader}/fd/{descriptor}").startswith("socket:")
    before = children(leader)
    site.pool.process.send_signal(signal.SIGHUP)
    eventually(20, lambda: len(now := children(leader)) == 2 and not set(now) & set(before), "new workers")
    assert User(site, "activated").get().status == 200


# ---- the states that systemd is told


class Manager:
    """What systemd hears."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(20 * SLOW)

    def hear(self):
        return self.socket.recv(4096).decode().splitlines()

    def hears_nothing(self):
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(20 * SLOW)


@pytest.mark.parametrize("workers", [1, 3])
def test_states(cluster, make_site, tmp_path, workers):
    manager = Manager(tmp_path / "notify")
    settings = tmp_path / "todo.conf"
    settings.write_text(f"TODO_WORKERS={workers}\n")
    site = make_site(cluster, held=True, TODO_CONFIG=settings, TODO_WORKERS=None, NOTIFY_SOCKET=tmp_path / "notify")
    assert manager.hear() == ["READY=1"]
    site.pool.process.send_signal(signal.SIGHUP)
    reloading, at = manager.hear()
    assert reloading == "RELOADING=1" and re.fullmatch(r"MONOTONIC_USEC=\d+", at)
    assert manager.hear() == ["READY=1"]
    settings.write_text("TODO_WORKERS=none\n")
    site.pool.process.send_signal(signal.SIGHUP)
    eventually(10, lambda: "not reloaded" in site.pool.log.read_text(), "a complaint")
    assert User(site, "notified").create()
    assert manager.hears_nothing()
    assert site.pool.stop() == 0
    assert manager.hear() == ["STOPPING=1"]
    assert manager.hears_nothing()


# ---- without systemd


def readme_command(pattern):
    """The command of the README, as arguments."""
    text = (SOURCE / "README.md").read_text().replace("\\\n", " ")
    line, = re.findall(rf"(?m)^    ({pattern})$", text)
    return line.split()


def with_our_paths(arguments, pool):
    """Settings come from the test's environment; the socket and the program are elsewhere; and only
    the socket changes its owner, as another user would not get at the tests' files."""
    replaced = {"/run/todo/fcgi.sock": str(pool.socket), "/usr/libexec/todo-fcgi/todo.fcgi": str(WORKER),
                "-u": "-U", "-g": "-G", "todo": "www-data"}
    arguments = [replaced.get(argument, argument) for argument in arguments if not re.match(r"TODO_\w+=", argument)]
    for option in ("-U", "-G") if os.getuid() != 0 else ():
        del arguments[arguments.index(option):arguments.index(option) + 2]
    return arguments


def takes_signals(pid):
    """multiwatch loses the one for a worker that it has only just forked, and then waits for its end."""
    blocked = re.search(r"^SigBlk:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(blocked[1], 16) >> signal.SIGTERM - 1 & 1)


@pytest.mark.parametrize("pattern", ["TODO_WORKERS=8 spawn-fcgi .*", "spawn-fcgi .*/multiwatch .*"])
def test_without_systemd(cluster, make_site, pattern):
    """The lines of the README."""
    command = readme_command(pattern)
    settings = dict(argument.split("=", 1) for argument in command if re.match(r"TODO_\w+=", argument))
    site = make_site(cluster, starter=lambda pool: with_our_paths(command, pool),
                     **{"TODO_WORKERS": None, **settings})
    count = 8
    eventually(10, lambda: len(children(site.pool.process.pid)) == count, "all workers")
    victim = children(site.pool.process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    eventually(10, lambda: victim not in (now := children(site.pool.process.pid)) and len(now) == count, "another")
    eventually(10, lambda: all(map(takes_signals, children(site.pool.process.pid))), "signals taken")
    assert User(site, "started").create()
    assert site.pool.stop() == 0
