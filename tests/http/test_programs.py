# SPDX-License-Identifier: ISC
"""The programs as an administrator meets them: settings, --check-config, todoctl."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from harness import SECRET, SOURCE, TMP, TODOCTL, WORKER, User, clean_environment, make_token

EX_CONFIG = 78


@pytest.fixture
def run(cluster):
    """run([program, argument…], SETTING=value…): with settings that are in order but for those."""

    def run(command, **settings):
        settings = {"DATABASE_URL": cluster.url(), "BETTER_AUTH_SECRET": SECRET, **settings}
        return subprocess.run(command, env=clean_environment(**settings), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="todo.", dir=TMP)
    yield path
    shutil.rmtree(path)


def write(directory, name, text, mode=0o600):
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def test_good_settings(run):
    done = run([WORKER, "--check-config"])
    assert (done.returncode, done.stderr) == (0, "")


REFUSED = {
    "no database": ({"DATABASE_URL": None}, "DATABASE_URL"),
    "no secret": ({"BETTER_AUTH_SECRET": None}, "BETTER_AUTH_SECRET"),
    "a URL that libpq cannot read": ({"DATABASE_URL": f"postgresql://a:%{'x' * 31}@h/d"}, "DATABASE_URL is none that libpq"),
    "a password that ends early": ({"DATABASE_URL": f"postgresql://a:p@{'x' * 31}@h/d"}, "%25, @ %40, : %3A and / %2F"),
    "a short secret": ({"BETTER_AUTH_SECRET": "x" * 31}, "BETTER_AUTH_SECRET"),
    "a short secret by its alias": ({"BETTER_AUTH_SECRET": None, "JWT_SECRET": "short"}, "JWT_SECRET"),
    "the public default": ({"BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890"}, "BETTER_AUTH_SECRET"),
    "an unknown name": ({"TODO_WORKER": "4"}, "TODO_WORKERS"),
    "no number": ({"TODO_WORKERS": "many"}, "TODO_WORKERS"),
    "no workers": ({"TODO_WORKERS": "0"}, "TODO_WORKERS"),
    "too many workers": ({"TODO_WORKERS": "99999999999999999999"}, "TODO_WORKERS"),
    "a leeway too long": ({"TODO_JWT_LEEWAY": "301"}, "TODO_JWT_LEEWAY"),
    "an unknown level": ({"TODO_LOG_LEVEL": "loud"}, "TODO_LOG_LEVEL"),
    "a body limit too small": ({"TODO_MAX_BODY": "1"}, "TODO_MAX_BODY"),
    "a network that is none": ({"TODO_METRICS_ALLOW": "127.0.0.1, everybody"}, "TODO_METRICS_ALLOW"),
    "a flag that is none": ({"TODO_DB_PREPARE": "perhaps"}, "TODO_DB_PREPARE"),
    "every origin": ({"TODO_CORS_ORIGINS": "*"}, "TODO_CORS_ORIGINS"),
    "a secret file that is not there": (
        {"BETTER_AUTH_SECRET": None, "BETTER_AUTH_SECRET_FILE": "/nonexistent"}, "BETTER_AUTH_SECRET_FILE"),
    "a secret twice": ({"BETTER_AUTH_SECRET_FILE": "/dev/null"}, "BETTER_AUTH_SECRET"),
    "a settings file that is not there": ({"TODO_CONFIG": "/nonexistent"}, "/nonexistent"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_settings(run, name):
    settings, words = REFUSED[name]
    done = run([WORKER, "--check-config"], **settings)
    assert done.returncode == EX_CONFIG, done
    assert re.fullmatch(r"todo\.fcgi: [^\n]+\n", done.stderr), done
    assert words in done.stderr
    assert "x" * 31 not in done.stderr


def test_refused_settings_stop_the_worker(cluster, directory):
    """Under spawn-fcgi, as it is really started."""
    environment = clean_environment(DATABASE_URL=cluster.url(), BETTER_AUTH_SECRET="short")
    done = subprocess.run(["spawn-fcgi", "-n", "-s", f"{directory}/sock", "--", WORKER], env=environment,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == EX_CONFIG and "BETTER_AUTH_SECRET" in done.stderr


def test_no_socket(run):
    done = run([WORKER])
    assert done.returncode == 64 and "spawn-fcgi" in done.stderr


def test_without_stderr(cluster, make_site):
    """The next file would be given its number, and the log be written over the counters."""
    site = make_site(cluster, held=True, TODO_WORKERS=2,
                     starter=lambda pool: ["sh", "-c", 'exec "$0" 2>&-', str(pool.program)])
    for pid in (site.pool.process.pid, *site.pool.workers()):
        assert os.readlink(f"/proc/{pid}/fd/2") == "/dev/null"
    user = User(site, "unheard")
    for _ in range(9):
        assert user.get().status == 200
    assert site.request("GET", "/metrics", checked=False).status == 200
    assert site.pool.process.poll() is None


@pytest.mark.parametrize("option", ["--check-config", "--print-settings", "--help", "--version"])
def test_output_that_cannot_be_written(run, option):
    for redirection in (">/dev/full", ">&-"):
        done = run(["sh", "-c", f'exec "$0" {option} {redirection}', WORKER])
        assert done.returncode == 74 and done.stderr.startswith("todo.fcgi: cannot write: "), done


def test_settings_file(run, directory):
    text = f"""# a comment
; another
BETTER_AUTH_SECRET="{SECRET}"
TODO_WORKERS='7'
"""
    conf = write(directory, "todo.conf", text)
    assert run([WORKER, "--check-config"], BETTER_AUTH_SECRET=None, TODO_CONFIG=conf).returncode == 0
    bad = write(directory, "bad.conf", text + "TODO_LOG_LEVEL=loud\n")
    done = run([WORKER, "--check-config"], BETTER_AUTH_SECRET=None, TODO_CONFIG=bad)
    assert done.returncode == EX_CONFIG and f"{bad}:5" in done.stderr
    assert run([WORKER, "--check-config"], TODO_CONFIG=bad, TODO_LOG_LEVEL="info").returncode in (0, EX_CONFIG)


def test_settings_beside_the_program(run, directory):
    """Where a web server gives it no environment, and nobody is root: shared hosting."""
    program = shutil.copy(WORKER, directory)
    named = write(directory, "named.conf", "TODO_WORKERS=3\n")
    write(directory, "todo.conf", "TODO_WORKERS=many\n")
    done = run([program, "--check-config"], TODO_CONFIG="")
    assert done.returncode == EX_CONFIG and f"{directory}/todo.conf:1: TODO_WORKERS" in done.stderr
    assert run([program, "--check-config"], TODO_CONFIG=named).returncode == 0
    assert run([WORKER, "--check-config"], TODO_CONFIG="").returncode == 0


def test_environment_wins(cluster, directory, make_site):
    conf = write(directory, "todo.conf", f"BETTER_AUTH_SECRET={'y' * 40}\nTODO_REQUIRE_IF_MATCH=1\n")
    user = User(make_site(cluster, TODO_CONFIG=conf), "by-environment")
    task = user.create()  # by the secret of the environment
    assert user.delete(f"/{task['id']}").status == 428  # by the file


@pytest.mark.parametrize("name", ["BETTER_AUTH_SECRET", "JWT_SECRET", "JWT_SECRET_KEY", "SECRET_KEY",
                                  "BETTER_AUTH_SECRET_FILE"])
def test_names_of_the_secret(cluster, directory, make_site, name):
    secret = f"known as {name}, and long enough to pass"
    value = write(directory, "secret", secret + "\n") if name.endswith("_FILE") else secret
    site = make_site(cluster, **{"BETTER_AUTH_SECRET": None, name: value, "TODO_WORKERS": 1})
    user = User(site, "secretive")
    user.token = make_token(user.name, secret=secret)
    assert user.get().status == 200
    user.token = make_token(user.name)
    assert user.get().status == 401


# ---- todoctl


def test_token(site, run):
    done = run([TODOCTL, "token", "from todoctl/1"])
    user = User(site, "from todoctl/1")
    user.token = done.stdout.strip()
    assert done.returncode == 0 and user.create()


def test_token_for_an_issuer(cluster, make_site, run):
    settings = {"TODO_JWT_ISSUER": "https://issuer", "TODO_JWT_AUDIENCE": "us"}
    user = User(make_site(cluster, **settings), "issued")
    user.token = run([TODOCTL, "token", "issued"], **settings).stdout.strip()
    assert user.get().status == 200


def test_check(run, cluster):
    done = run([TODOCTL, "check"])
    assert done.returncode == 0, done
    done = run([TODOCTL, "check"], DATABASE_URL=cluster.url("postgres"))
    assert done.returncode == 1 and "superuser" in done.stdout + done.stderr
    done = run([TODOCTL, "check"], DATABASE_URL="postgresql://nobody@/nowhere?host=/nonexistent")
    assert done.returncode == 1
    assert run([TODOCTL, "check"], BETTER_AUTH_SECRET="short").returncode == EX_CONFIG


def test_secrets_are_not_told(run, cluster):
    password = re.search(r":([0-9a-f]{64})@", cluster.url())[1]
    for url in (cluster.url(), cluster.url().replace("todo_app", "nobody")):
        done = run([TODOCTL, "check"], DATABASE_URL=url)
        assert password not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr


def migrate(run, cluster, database, *options, schema=SOURCE / "schema"):
    return run([TODOCTL, "migrate", "--schema", schema, *options], DATABASE_URL=cluster.url("postgres", database))


def test_migrate(run, cluster, make_site):
    cluster.sql("CREATE DATABASE migrated")
    assert migrate(run, cluster, "migrated", "--dry-run").returncode == 0
    assert cluster.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'todo'", "migrated") == "0"
    assert migrate(run, cluster, "migrated").returncode == 0
    rows = cluster.sql("SELECT * FROM todo.schema_migrations", "migrated")
    again = migrate(run, cluster, "migrated")
    assert again.returncode == 0 and cluster.sql("SELECT * FROM todo.schema_migrations", "migrated") == rows
    site = make_site(cluster, DATABASE_URL=cluster.url("todo_app", "migrated"))
    assert User(site, "x").create()


def test_two_migrations_at_once(run, cluster):
    import concurrent.futures
    cluster.sql("CREATE DATABASE contended")
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: migrate(run, cluster, "contended"), range(4)))
    assert [d.returncode for d in done] == [0] * 4, done
    count = cluster.sql("SELECT count(*), count(DISTINCT version) FROM todo.schema_migrations", "contended")
    assert count.split("|")[0] == count.split("|")[1]


def test_migrate_refuses(run, cluster, directory):
    cluster.sql("CREATE DATABASE refusing")
    schema = os.path.join(directory, "schema")
    shutil.copytree(SOURCE / "schema", schema)
    os.chmod(schema, 0o755)
    assert migrate(run, cluster, "refusing", schema=schema).returncode == 0

    first = os.path.join(schema, "0001_tasks.sql")
    os.chmod(first, 0o644)
    with open(first, "a") as file:
        file.write("-- changed afterwards\n")
    done = migrate(run, cluster, "refusing", schema=schema)
    assert done.returncode != 0 and "0001_tasks.sql" in done.stderr

    shutil.copy(SOURCE / "schema" / "0001_tasks.sql", first)
    newest = max(int(name[:4]) for name in os.listdir(schema))
    broken = write(schema, f"{newest + 1:04d}_broken.sql", "CREATE TABLE todo.half (id int);\nSELECT nonsense;\n")
    done = migrate(run, cluster, "refusing", schema=schema)
    assert done.returncode != 0 and os.path.basename(broken) in done.stderr
    assert cluster.sql("SELECT to_regclass('todo.half') IS NULL", "refusing") == "t"

    os.unlink(broken)
    cluster.sql("INSERT INTO todo.schema_migrations (version, name, checksum) VALUES (9999, 'x', repeat('0', 64))", "refusing")
    done = migrate(run, cluster, "refusing", schema=schema)
    assert done.returncode != 0 and "9999" in done.stderr


@pytest.mark.parametrize("program,words", [(WORKER, "--check-config"), (TODOCTL, "migrate")])
def test_help_and_version(run, program, words):
    for option in ("--help", "--version"):
        done = run([program, option], DATABASE_URL=None, BETTER_AUTH_SECRET=None)
        assert done.returncode == 0 and done.stderr == ""
        assert option == "--version" or words in done.stdout
    for option in ("--nonsense", "-nonsense", "-n"):
        done = run([program, option])
        assert done.returncode == 64 and done.stderr.count("\n") == 1 and f": {option}: see" in done.stderr
