# SPDX-License-Identifier: ISC
"""A real Better Auth, installed from npm as tests/better-auth/package-lock.json has it, and a client
of it. Node.js runs it over HTTP on 127.0.0.1, in a database of its own of the tests' cluster."""

import fcntl
import http.client
import itertools
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest

from harness import BUILD, SECRET, SOURCE, TODOCTL, clean_environment

PACKAGE = SOURCE / "tests" / "better-auth"
numbers = itertools.count(1)


def install():
    """Once a build directory and lock file. Gives the directory."""
    directory = BUILD / "better-auth"
    directory.mkdir(exist_ok=True)
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (PACKAGE / "package-lock.json").read_text()
        mark = directory / "installed"
        if not mark.exists() or mark.read_text() != wanted:
            mark.unlink(missing_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PACKAGE / name, directory)
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--omit=optional",
                                   "--omit=peer"], cwd=directory, capture_output=True, text=True)
            assert done.returncode == 0, f"npm ci: {done.stderr}"
            mark.write_text(wanted)
        shutil.copy(PACKAGE / "server.mjs", directory)
    return directory


class BetterAuth:
    """`ids`: "text", "uuid" or "serial". Its database is migrated and linked, so that ours shares it."""

    def __init__(self, cluster, algorithm="EdDSA", ids="text"):
        self.cluster = cluster
        self.database = f"better_auth_{next(numbers)}"
        cluster.sql(f"CREATE DATABASE {self.database}", database="postgres")
        self.admin_url = cluster.url("postgres", self.database)
        self.worker_url = cluster.url("todo_app", self.database)
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
        flags = ["--experimental-global-webcrypto"] if version.startswith("v18.") else []
        environment = clean_environment(DATABASE_URL=self.admin_url, BETTER_AUTH_SECRET=SECRET,
                                        ALGORITHM=algorithm, IDS=ids)
        self.log = open(cluster.directory.parent / f"{self.database}.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(["node", *flags, "server.mjs"], cwd=install(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, env=environment)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http://"):
            self.log.seek(0)
            pytest.fail(f"Better Auth did not start: {self.url} {self.log.read()}")
        self.todoctl("migrate", "--schema", SOURCE / "schema")
        self.todoctl("link", "better-auth")

    def todoctl(self, *arguments, text=None, status=0, **settings):
        done = subprocess.run([TODOCTL, *map(str, arguments)], capture_output=True, text=True, input=text,
                              env=clean_environment(**{"DATABASE_URL": self.admin_url, **settings}))
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def sql(self, text):
        return self.cluster.sql(text, database=self.database)

    @property
    def jwks_url(self):
        return f"{self.url}/api/auth/jwks"

    def settings(self, **more):
        return {"DATABASE_URL": self.worker_url, **more}

    def request(self, method, path, body=None, headers=None):
        where = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", "Origin": self.url, **(headers or {})}
        connection.request(method, f"/api/auth{path}", data, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, (path, answer.status, text)
        return answer, json.loads(text) if text else None

    def sign_up(self):
        """A new user, signed in."""
        email = f"user{next(numbers)}@example.com"
        answer, body = self.request("POST", "/sign-up/email",
                                    {"email": email, "password": "a password", "name": "Somebody"})
        return Session(self, email, answer, body)

    def verification_token(self, email):
        """What stands in the link of a verification mail."""
        self.request("POST", "/send-verification-email", {"email": email})
        return self.process.stdout.readline().strip().removeprefix("verification ")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.log.close()


class Session:
    """`raw`, `signed`, `encoded`: the forms of its token; `cookies`: what the browser holds."""

    def __init__(self, issuer, email, answer, body):
        self.issuer = issuer
        self.email = email
        self.user = str(body["user"]["id"])
        self.raw = body["token"]
        self.signed = answer.headers["set-auth-token"]
        self.cookies = dict(re.match(r"([^=]+)=([^;]*)", cookie).groups()
                            for cookie in answer.headers.get_all("set-cookie"))
        self.encoded = self.cookies["better-auth.session_token"]

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.signed}"}

    def token(self):
        return self.issuer.request("GET", "/token", headers=self.bearer)[1]["token"]

    def sign_out(self):
        self.issuer.request("POST", "/sign-out", {}, self.bearer)
