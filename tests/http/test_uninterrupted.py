# SPDX-License-Identifier: ISC
"""Requests at a steady rate, whatever is done to the pool meanwhile: restarts, reloads, upgrades. The
socket is held by somebody else, as systemd holds it. Every answer is a success."""

import asyncio
import collections
import itertools
import json
import shutil
import signal
import threading
import time

import pytest

from harness import SLOW, WORKER, User, children, eventually, make_token

REQUESTS = int(10000 / SLOW)
RATE = 450 / SLOW  # a second
USERS = 40


class SteadyLoad:
    """An open loop: each request is sent when its time has come, however long the others take."""

    def __init__(self, site):
        self.port = site.port
        self.users = []
        for number in range(USERS):
            user = User(site, f"steady-{number}")
            self.users.append((make_token(user.name), user.create()["id"]))
        self.results = collections.Counter()
        self.idle = []  # connections
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()

    def is_over(self):
        return not self.thread.is_alive()

    def requests(self):
        """Lists, single tasks, creations, changes, files."""
        for number in itertools.count():
            token, task = self.users[number % USERS]
            kind = number % 20
            if kind < 12:
                yield token, "GET", "?limit=20&status=pending", None
            elif kind < 15:
                yield token, "GET", f"/{task}", None
            elif kind < 18:
                yield token, "POST", "", {"title": f"task {number}"}
            elif kind < 19:
                yield token, "PATCH", f"/{task}/complete", {"completed": number % 40 < 20}
            else:
                yield token, "GET", "/export", None

    async def run(self):
        start = time.monotonic()
        tasks = []
        for number, request in zip(range(REQUESTS), self.requests()):
            await asyncio.sleep(max(0, start + number / RATE - time.monotonic()))
            tasks.append(asyncio.create_task(self.send(*request)))
        await asyncio.gather(*tasks)
        for _, writer in self.idle:
            writer.close()

    async def send(self, token, method, path, body):
        try:
            self.results[await self.exchange(token, method, path, body)] += 1
        except (OSError, EOFError, ValueError) as error:
            self.results[repr(error)] += 1

    async def exchange(self, token, method, path, body):
        reader, writer = await self.connection()
        data = b"" if body is None else json.dumps(body).encode()
        head = (f"{method} /api/tasks{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n")
        writer.write(head.encode() + data)
        status, stays_open = await self.read_answer(reader)
        if stays_open:
            self.idle.append((reader, writer))
        else:
            writer.close()
        return status

    async def connection(self):
        """One that the web server has not closed meanwhile."""
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def read_answer(self, reader):
        """Its status, and whether the connection can be used again."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if "transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        elif " 204 " not in head.splitlines()[0]:
            await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        return int(head.split()[1]), "connection: close" not in head


class Administrator:
    """What is done to a pool, each thing to its end."""

    def __init__(self, site, settings, program):
        self.site = site
        self.settings = settings
        self.program = program
        self.done = collections.Counter()

    def leader(self):
        return self.site.pool.process.pid

    def restart(self, how):
        self.site.pool.process.send_signal(how)
        assert self.site.pool.process.wait(30 * SLOW) == 0
        self.site.pool.start()
        eventually(10, lambda: children(self.leader()), "workers: before, nobody listens to signals")

    def restart_as_systemd_does(self):
        self.restart(signal.SIGQUIT)

    def restart_by_term(self):
        self.restart(signal.SIGTERM)

    def reload(self, workers):
        before = set(children(self.leader()))
        self.settings.write_text(f"TODO_WORKERS={workers}\n")
        self.site.pool.process.send_signal(signal.SIGHUP)
        eventually(60, lambda: len(now := set(children(self.leader()))) == workers and not now & before,
                   "a pool of new workers")

    def reload_with_more_workers(self):
        self.reload(5)

    def reload_with_fewer_workers(self):
        self.reload(3)

    def reload_bad_settings(self):
        self.settings.write_text("TODO_WORKERS=none\n")
        self.site.pool.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.settings.write_text("TODO_WORKERS=3\n")

    def put_new_version(self):
        new = self.program.with_suffix(".new")
        shutil.copy(WORKER, new)
        new.rename(self.program)

    def upgrade_by_reload(self):
        self.put_new_version()
        self.reload(4)

    def upgrade_by_restart(self):
        self.put_new_version()
        self.restart_as_systemd_does()

    def reload_in_a_hurry(self):
        """Reloads that come faster than they can be carried out."""
        for _ in range(3):
            self.site.pool.process.send_signal(signal.SIGHUP)
        self.reload(4)

    ACTIONS = (restart_as_systemd_does, reload_with_more_workers, upgrade_by_reload, reload_bad_settings,
               upgrade_by_restart, reload_with_fewer_workers, restart_by_term, reload_in_a_hurry)


@pytest.fixture
def administrator(cluster, make_site, tmp_path):
    settings = tmp_path / "todo.conf"
    settings.write_text("TODO_WORKERS=4\n")
    program = shutil.copy(WORKER, tmp_path / "todo.fcgi")
    site = make_site(cluster, held=True, program=program, TODO_CONFIG=settings, TODO_WORKERS=None)
    return Administrator(site, settings, program)


def test_ten_thousand_requests(administrator):
    with SteadyLoad(administrator.site) as load:
        for action in itertools.cycle(administrator.ACTIONS):
            if load.is_over():
                break
            action(administrator)
            administrator.done[action.__name__] += 1
            time.sleep(0.2)
    print(dict(load.results), dict(administrator.done))
    assert {status for status in load.results if status not in range(200, 300)} == set(), load.results
    assert sum(load.results.values()) == REQUESTS
    assert len(administrator.done) == len(administrator.ACTIONS)
