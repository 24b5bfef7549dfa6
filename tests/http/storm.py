# SPDX-License-Identifier: ISC
"""What the storms share: clients that keep their connection, and those who kill and cut.

STORM_SEED repeats a run. STORM_SCALE makes it smaller or larger; by default it is 1, or less where
TEST_SLOW says that everything takes longer."""

import contextlib
import http.client
import json
import os
import random
import signal
import threading
import time

from harness import SLOW, Response, make_token

SCALE = float(os.environ.get("STORM_SCALE", 1 / SLOW))


def new_seed():
    """Printed: pytest shows it when the test fails."""
    seed = int(os.environ.get("STORM_SEED", random.randrange(2 ** 32)))
    print(f"STORM_SEED={seed}")
    return seed


def scaled(number):
    return max(1, round(number * SCALE))


class Session:
    """One client of one user, with a connection of its own. Paths are below {T}."""

    def __init__(self, site, user):
        self.connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60 * SLOW)
        self.headers = {"Authorization": f"Bearer {make_token(user)}", "Content-Type": "application/json"}

    def send(self, method, path="", body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        data = None if body is None else json.dumps(body)
        self.connection.request(method, "/api/tasks" + path, data, {**self.headers, **headers})
        return Response(self.connection.getresponse(), method)

    def insist(self, method, path="", body=None, retry=(502, 503), **headers):
        """Sends it again until the answer is another."""
        while True:
            answer = self.send(method, path, body, **headers)
            if answer.status not in retry:
                return answer
            time.sleep(0.02)

    def close(self):
        self.connection.close()


def in_parallel(works):
    """Runs each in a thread of its own, all released together; raises what the first raised."""
    barrier, failures = threading.Barrier(len(works)), []

    def run(work):
        barrier.wait()
        try:
            work()
        except BaseException as failure:  # also a failed assertion
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@contextlib.contextmanager
def meanwhile(pause, act):
    """Does `act` again and again in the background. Gives a list that grows by one each time."""
    stopping, done, failures = threading.Event(), [], []

    def run():
        while not stopping.wait(pause * SLOW):
            try:
                act()
            except BaseException as failure:
                failures.append(failure)
                return
            done.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        stopping.set()
        thread.join()
    if failures:
        raise failures[0]


def kill_a_worker(site):
    """The oldest, so that none dies so young that its successor has to wait."""
    workers = site.pool.workers()
    if len(workers) > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(workers[0], signal.SIGKILL)


def cut_connections(cluster):
    """For half a second, or TEST_SLOW times that, one of the workers' sessions after the other."""
    cluster.sql(f"""DO $$ BEGIN
        FOR i IN 1..10 LOOP
            PERFORM pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
                WHERE usename = 'todo_app' ORDER BY random() LIMIT 1) a;
            PERFORM pg_sleep({0.05 * SLOW});
            PERFORM pg_stat_clear_snapshot();
        END LOOP;
    END $$""")
