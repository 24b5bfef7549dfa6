# SPDX-License-Identifier: ISC
"""A cluster that workers reach through a real PgBouncer: in transaction mode, with far fewer
connections to the server than there are workers. With TEST_DATABASE=pgbouncer in the environment
that is how every site reaches its database."""

import os
import pathlib
import re
import shutil
import subprocess

from harness import SLOW, WITH_US, Cluster, clean_environment, eventually

CONNECTIONS = 4  # to each database
WORKERS = 32 if SLOW < 5 else 8

# Tests that a run through PgBouncer leaves out, and why. Every other run has them.
STATISTICS = "reads what a session of the database tells of itself when it ends, and PgBouncer keeps them"
AT_ONCE = "wants answers within a second of the database's start, and PgBouncer takes its time to look"
UNSEEN = "cuts sessions of the database, which workers behind PgBouncer do not notice"
DIRECT_ONLY = {
    "test_database_keys_are_read_seldom": STATISTICS,
    "test_one_round_trip": STATISTICS,
    "test_database_restarted_under_load": AT_ONCE,
    "test_database_away": AT_ONCE,
    "test_reconnects_and_retries": UNSEEN,
}

CONFIGURATION = """\
[databases]
* = host={database} port={port}
[pgbouncer]
unix_socket_dir = {directory}
unix_socket_mode = 0777
listen_port = {port}
auth_type = scram-sha-256
auth_file = {directory}/users
admin_users = console
pool_mode = transaction
default_pool_size = {connections}
max_db_connections = {connections}
max_client_conn = 1000
server_login_retry = 1
{more}"""


def is_wanted():
    return os.environ.get("TEST_DATABASE") == "pgbouncer"


class PgBouncer:
    """It knows the passwords of those whose URL it was shown."""

    def __init__(self, database, port, more=""):
        """Before the cluster in the directory `database`; `more`: lines of configuration."""
        self.directory = pathlib.Path(database).parent / "pooler"
        self.directory.mkdir()
        self.log = self.directory / "log"
        self.port = port
        self.passwords = {"console": "console"}
        self.write_users()
        configuration = self.directory / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(
            directory=self.directory, database=database, port=port,
            connections=CONNECTIONS, more=more))
        self.command = [*WITH_US, shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin"), configuration]
        if os.getuid() == 0:  # which it refuses to be
            shutil.chown(self.directory, "postgres")
            self.command[1:1] = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(10, (self.directory / f".s.PGSQL.{self.port}").exists, "PgBouncer")

    def write_users(self):
        text = "".join(f'"{user}" "{password}"\n' for user, password in self.passwords.items())
        (self.directory / "users").write_text(text)

    def reach(self, url):
        """The same role, password and database behind the pooler."""
        user, password, database = re.match(r"postgresql://([^:]+):([^@]+)@/(\w+)\?", url).groups()
        if self.passwords.get(user) != password:
            self.passwords[user] = password
            self.write_users()
            self.ask("RELOAD")
        return f"postgresql://{user}:{password}@/{database}?host={self.directory}&port={self.port}"

    def ask(self, command):
        """Of its console. Gives rows as dictionaries."""
        url = f"postgresql://console:console@/pgbouncer?host={self.directory}&port={self.port}"
        done = subprocess.run(["psql", "-XAq", "-F|", "-P", "footer=off", url, "-c", command], text=True,
                              capture_output=True, env=clean_environment())
        assert done.returncode == 0, done.stderr
        rows = [line.split("|") for line in done.stdout.splitlines()]
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class PooledCluster(Cluster):
    defaults = {"TODO_WORKERS": WORKERS, "TODO_DB_PREPARE": 0}

    def __init__(self, directory, *options):
        super().__init__(directory, *options)
        self.pooler = PgBouncer(self.directory, re.search(r"port=(\d+)", self.url())[1])

    def reach(self, url):
        ours = url is not None and f"?host={self.directory}&" in url
        return self.pooler.reach(url) if ours else url

    def renew_sessions(self):
        self.pooler.ask("RECONNECT")

    def end(self):
        self.pooler.stop()
        super().end()

    @property
    def logs(self):
        return [*super().logs, self.pooler.log]
