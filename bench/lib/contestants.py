# SPDX-License-Identifier: ISC
"""Who is measured: the product behind the web server that its demo has, and behind another nginx of
the same settings the two ceilings and the peers. Each has a port, and the process that is the root
of its application and that of its web server."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import urllib.parse

import stage
from stage import harness

SOURCES = stage.BENCH / "peers"
PEERS = ("go", "axum", "php", "fastify", "fastapi")
WORKERS = 8  # of the product, of the ceiling in FastCGI and of PHP: four for each of two cores
PROCESSES = 2  # of FastAPI and Fastify, and threads of axum: an event loop for each core


@dataclasses.dataclass
class Contestant:
    name: str
    port: int = 0
    app: int = 0  # the roots of the processes; 0: none
    web: int = 0
    ceiling: bool = False  # it answers every request alike
    etags: bool = False


def free_port():
    with harness.socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stand:
    """All of them, started; stop() ends them."""

    def __init__(self, directory, database):
        self.directory = directory
        self.database = database
        self.processes = []
        self.servers = []  # of the second nginx
        self.contestants = []
        self.skipped = {}  # why, by name
        self.site = None
        for name in ("run", "log", "peers"):
            (directory / name).mkdir()
        self.environment = harness.clean_environment(
            **database_variables(database), BETTER_AUTH_SECRET=harness.SECRET, TZ="UTC", LC_ALL="C.UTF-8",
            PYTHONDONTWRITEBYTECODE=1, NODE_ENV="production", npm_config_update_notifier="false")

    def start(self, body, peers=PEERS):
        """`body`: what the ceilings answer. A peer that cannot be built is left out, whichever it is."""
        (self.directory / "body.json").write_bytes(body)
        self.start_product()
        self.start_return(body)
        self.start_hello()
        for name in peers:
            try:
                getattr(self, f"start_{name}")()
            except OSError as error:
                stage.say(f"SKIPPED: {name}: {error}")
                self.skipped[name] = str(error)
        self.start_nginx()

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                pass
            self.end_group(process)
        if self.site:
            self.site.stop()

    @staticmethod
    def end_group(process):
        """Whatever it left behind: uvicorn goes without its workers when they are slow to go."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, name, *command, **more):
        """Starts a program that ends when we do. Gives its pid."""
        with open(self.directory / "log" / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [*harness.WITH_US, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**self.environment, **{k: str(v) for k, v in more.items()}}, cwd=self.directory,
                start_new_session=True)
        self.processes.append(process)
        return process.pid

    def build(self, name, *command, cwd=None):
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd)
        if done.returncode != 0:
            raise OSError(f"{name}: {command[0]} failed: {done.stderr[-500:]}")

    def add(self, name, app, **how):
        """`how`: fastcgi=SOCKET or proxy=PORT for the second nginx."""
        contestant = Contestant(name, free_port(), app)
        self.servers.append((contestant.port, how))
        self.contestants.append(contestant)
        return contestant

    # ---- each of them

    def start_product(self):
        self.site = harness.Site(self.database, TODO_WORKERS=WORKERS, TODO_TRUSTED_PROXIES=None,
                                 TODO_CORS_ORIGINS=None, TODO_BCRYPT_COST=None)
        self.product = Contestant("todo-fcgi", self.site.port, self.site.pool.process.pid,
                                  self.site.web.process.pid, etags=True)
        self.contestants.append(self.product)

    def start_return(self, body):
        self.add("nginx return", 0, body=body.decode()).ceiling = True

    def start_hello(self):
        program, socket = self.directory / "hello", self.directory / "run" / "hello.sock"
        self.build("hello", "gcc", "-O2", "-o", program, SOURCES / "hello.c", "-lfcgi")
        pid = self.run("hello", "spawn-fcgi", "-n", "-s", socket, "-b", "1024", "--", program,
                       HELLO_BODY=self.directory / "body.json", HELLO_PROCESSES=WORKERS)
        self.add("libfcgi hello", pid, fastcgi=socket).ceiling = True

    def start_go(self):
        go = find_tool("go", "/usr/local/go/bin:/usr/lib/go/bin")
        program, port = stage.STATE / "go-peer", free_port()
        self.build("go", go, "build", "-o", program, ".", cwd=SOURCES / "go")
        self.add("Go net/http", self.run("go", program, PORT=port), proxy=port)

    def start_axum(self):
        """Built in a copy: cargo writes beside its sources."""
        cargo = find_tool("cargo", os.path.expanduser("~/.cargo/bin"))
        home, port = stage.STATE / "axum", free_port()
        shutil.copytree(SOURCES / "axum", home, dirs_exist_ok=True)
        self.build("axum", cargo, "build", "--release", "--target-dir", home / "target", cwd=home)
        pid = self.run("axum", home / "target" / "release" / "bench", PORT=port, TOKIO_WORKER_THREADS=PROCESSES)
        self.add("Rust axum", pid, proxy=port)

    def start_php(self):
        program = find_tool("php-fpm8.2", "/usr/sbin:/usr/bin")
        shutil.copy(SOURCES / "php" / "index.php", self.directory / "peers")
        socket, conf = self.directory / "run" / "php.sock", self.directory / "php.conf"
        variables = {**database_variables(self.database), "BETTER_AUTH_SECRET": harness.SECRET,
                     "PDO_DSN": "pgsql:dbname=todo"}
        conf.write_text("\n".join([
            "[global]", f"error_log = {self.directory}/log/php.log", "daemonize = no",
            "[www]", "user = www-data", "group = www-data", f"listen = {socket}", "listen.mode = 0666",
            "listen.backlog = 1024", "pm = static", f"pm.max_children = {WORKERS}", "pm.max_requests = 0",
            *(f'env[{name}] = "{value}"' for name, value in variables.items()),
            "php_admin_flag[opcache.enable] = on", "php_admin_flag[opcache.validate_timestamps] = off", ""]))
        self.add("PHP-FPM", self.run("php", program, "-y", conf, "-F"), fastcgi=socket,
                 script=self.directory / "peers" / "index.php")

    def start_fastify(self):
        home, port = stage.STATE / "fastify", free_port()
        shutil.copytree(SOURCES / "fastify", home, dirs_exist_ok=True)
        if not (home / "node_modules" / "jose").exists():
            self.build("fastify", "npm", "install", "--no-audit", "--no-fund", "--omit=dev", cwd=home)
        pid = self.run("fastify", "node", home / "server.js", PORT=port, WORKERS=PROCESSES)
        self.add("Fastify", pid, proxy=port)

    def start_fastapi(self):
        port = free_port()
        shutil.copy(SOURCES / "fastapi" / "main.py", self.directory / "peers")
        pid = self.run("fastapi", "/usr/bin/python3", "-m", "uvicorn", "main:app", "--app-dir",
                       self.directory / "peers", "--port", port, "--workers", PROCESSES, "--loop", "uvloop",
                       "--http", "httptools", "--no-access-log", "--backlog", "1024",
                       "--timeout-keep-alive", "75")  # longer than nginx keeps one
        self.add("FastAPI", pid, proxy=port)

    # ---- their web server

    def start_nginx(self):
        conf = self.directory / "peers.conf"
        text = (stage.BENCH / "lib" / "peers.nginx.conf.in").read_text()
        user = "user root;" if os.getuid() == 0 else ""
        for name, value in (("STATE", self.directory), ("USER", user), ("SERVERS", self.server_blocks())):
            text = text.replace(f"@{name}@", str(value))
        conf.write_text(text)
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        pid = self.run("nginx", nginx, "-e", self.directory / "log" / "nginx.log", "-c", conf, "-g", "daemon off;")
        for contestant in self.contestants:
            contestant.web = contestant.web or pid

    def server_blocks(self):
        return "\n".join(server_block(number, port, **how) for number, (port, how) in enumerate(self.servers))


def find_tool(name, elsewhere):
    """In PATH, or in the directories where it is installed by itself."""
    found = shutil.which(name) or shutil.which(name, path=elsewhere)
    if not found:
        raise OSError(f"there is no {name}")
    return found


def database_variables(database):
    """How libpq, and whatever takes after it, finds the database as the peers' role."""
    url = urllib.parse.urlsplit(database.url("bench_app"))
    query = dict(urllib.parse.parse_qsl(url.query))
    return {"PGHOST": query["host"], "PGPORT": query["port"], "PGUSER": url.username,
            "PGPASSWORD": url.password, "PGDATABASE": url.path[1:]}


def product_parameters():
    """What the product's nginx tells it, so that the ceiling is told as little."""
    sample = (stage.SOURCE / "deploy" / "web" / "nginx.conf.in").read_text()
    return " ".join(re.findall(r"^ *(fastcgi_param [^;]*;)", sample, re.MULTILINE))


def server_block(number, port, fastcgi=None, proxy=None, body=None, script=None):
    listen = f"listen 127.0.0.1:{port} backlog=1024;"
    if fastcgi:
        told = (f"include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {script};" if script
                else product_parameters())
        return (f"upstream peer{number} {{ server unix:{fastcgi}; }}\nserver {{ {listen} location / {{ "
                f"{told} fastcgi_pass peer{number}; }} }}")
    if proxy:
        return (f"upstream peer{number} {{ server 127.0.0.1:{proxy}; keepalive 64; }}\nserver {{ {listen} "
                f'location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; '
                f"proxy_pass http://peer{number}; }} }}")
    quoted = body.replace("\\", "\\\\").replace("'", "\\'")
    pieces = split_quoted(quoted)
    sets = " ".join(f"set $b{i} '{piece}';" for i, piece in enumerate(pieces))
    names = "".join(f"${{b{i}}}" for i in range(len(pieces)))
    return f"server {{ {listen} location / {{ {sets} return 200 '{names}'; }} }}"


def split_quoted(text):
    """Into pieces that nginx takes for one word; none ends within an escape."""
    pieces, start = [], 0
    while start < len(text):
        end = start + 1500
        while text[start:end].endswith("\\"):
            end += 1
        pieces.append(text[start:end])
        start = end
    return pieces
