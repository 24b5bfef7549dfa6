# SPDX-License-Identifier: ISC
"""Service endpoints."""

import concurrent.futures
import re
import subprocess
import threading
import time

import pytest

from harness import SOURCE, TODOCTL, Account, User, clean_environment, eventually


def test_root(site):
    answer = site.request("GET", "/")
    version = re.search(r"AC_INIT\(\[todo-fcgi\], \[([^]]+)\]", (SOURCE / "configure.ac").read_text())[1]
    assert answer.status == 200
    assert answer.json()["name"] == "todo-fcgi" and answer.json()["version"] == version
    assert "docs" in answer.json()


@pytest.mark.parametrize("path", ["/health", "/healthz", "/api/health", "/health/"])
def test_health(site, path):
    answer = site.request("GET", path)
    assert answer.status == 200 and answer.json() == {"status": "healthy"}


def test_ready(site):
    assert site.request("GET", "/ready").status == 200


def test_a_bad_token_does_not_matter(site):
    for path in ("/", "/health", "/ready"):
        assert site.request("GET", path, headers={"Authorization": "Bearer x"}).status == 200


def assert_not_served(site):
    user = User(site, "nobody")
    ready = site.request("GET", "/ready")
    assert ready.status == 503 and "errors" not in ready.json()
    for answer in (ready, user.get(), user.get("/1"), user.post("", {"title": "t"}), user.delete("/1")):
        assert answer.status == 503, answer
        assert int(answer["Retry-After"]) > 0
        assert not re.search(rb"(?i)role|superuser|schema|version|row-level|owner|migrat", answer.body), answer
    assert site.request("GET", "/health").status == 200


UNSAFE = {
    "superuser": "CREATE ROLE r_superuser LOGIN SUPERUSER PASSWORD 'p'; GRANT todo_app TO r_superuser",
    "bypassrls": "CREATE ROLE r_bypassrls LOGIN BYPASSRLS PASSWORD 'p'; GRANT todo_app TO r_bypassrls",
    "owner": "CREATE ROLE r_owner LOGIN PASSWORD 'p'; GRANT todo_owner, todo_app TO r_owner",
    "may_be_owner": "CREATE ROLE r_may_be_owner LOGIN NOINHERIT PASSWORD 'p'; GRANT todo_owner TO r_may_be_owner",
    "may_be_bypass": "CREATE ROLE r_may_be_bypass LOGIN NOINHERIT PASSWORD 'p'; CREATE ROLE r_b BYPASSRLS;"
                     "GRANT r_b, todo_app TO r_may_be_bypass",
}


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_role_is_not_served(own_cluster, make_site, name):
    own_cluster.sql(UNSAFE[name])
    site = make_site(own_cluster, wait=False, DATABASE_URL=own_cluster.url(f"r_{name}", password="p"))
    assert_not_served(site)
    assert f"r_{name}" in site.pool.log.read_text()  # the administrator is told


def recover(site):
    """All workers: each keeps away from the database for a moment after a failure."""
    for _ in range(3):
        eventually(5, site.is_ready, "recovery")
        time.sleep(0.3)


def test_owner_itself_is_not_served(own_cluster, make_site):
    own_cluster.sql("ALTER ROLE todo_owner LOGIN PASSWORD 'p'")
    assert_not_served(make_site(own_cluster, wait=False, DATABASE_URL=own_cluster.url("todo_owner", password="p")))


def test_plain_role_that_may_what_todo_app_may_is_served(own_cluster, make_site):
    own_cluster.sql("CREATE ROLE plain LOGIN PASSWORD 'p'; GRANT todo_app TO plain")
    site = make_site(own_cluster, DATABASE_URL=own_cluster.url("plain", password="p"))
    assert User(site, "served").create()


@pytest.mark.parametrize("spoil,mend", [
    ("ALTER TABLE todo.tasks NO FORCE ROW LEVEL SECURITY", "ALTER TABLE todo.tasks FORCE ROW LEVEL SECURITY"),
    ("ALTER TABLE todo.users DISABLE ROW LEVEL SECURITY", "ALTER TABLE todo.users ENABLE ROW LEVEL SECURITY"),
    ("ALTER ROLE todo_app BYPASSRLS", "ALTER ROLE todo_app NOBYPASSRLS"),
])
def test_unguarded_tables_are_not_served(own_cluster, make_site, spoil, mend):
    own_cluster.sql(spoil)
    site = make_site(own_cluster, wait=False)
    assert_not_served(site)
    own_cluster.sql(mend)
    recover(site)
    assert User(site, "mended").get().status == 200


def test_schema_that_does_not_fit(own_cluster, make_site):
    site = make_site(own_cluster)
    user = User(site, "patient")
    user.create()
    own_cluster.sql("INSERT INTO todo.schema_migrations (version, name, checksum) VALUES (9999, 'x', repeat('0', 64))")
    # A worker looks when it connects, and whenever /ready is asked.
    for pid in own_cluster.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'todo_app'").split():
        own_cluster.sql(f"SELECT pg_terminate_backend({pid})")
    assert_not_served(site)
    assert re.search(r"the schema is at version 9999, .*; upgrade the program$", site.pool.log.read_text(), re.M)
    own_cluster.sql("DELETE FROM todo.schema_migrations WHERE version = 9999")
    recover(site)
    assert len(user.get().json()) == 1


def test_ready_notices_a_new_schema(own_cluster, make_site):
    site = make_site(own_cluster, TODO_WORKERS=1)
    own_cluster.sql("UPDATE todo.schema_migrations SET version = version + 9000")
    assert site.request("GET", "/ready").status == 503
    own_cluster.sql("UPDATE todo.schema_migrations SET version = version - 9000")
    recover(site)


def test_no_schema_yet(own_cluster, make_site):
    """Workers may start before the first migration, and before the database exists."""
    url = own_cluster.url("todo_app", "fresh")
    site = make_site(own_cluster, wait=False, DATABASE_URL=url)
    assert_not_served(site)
    own_cluster.sql("CREATE DATABASE fresh")
    assert_not_served(site)
    migrate(own_cluster, "fresh")
    recover(site)
    assert User(site, "early").create()


def test_migration_under_load(own_cluster, make_site):
    """From the oldest schema that is served to the newest, below requests that know nothing of it."""
    oldest = int(re.search(r"define STORE_SCHEMA_OLDEST (\d+)", (SOURCE / "src/store.h").read_text())[1])
    own_cluster.sql("CREATE DATABASE older")
    for file in sorted((SOURCE / "schema").glob("*.sql"))[:oldest + 1]:
        own_cluster.sql(f"BEGIN;{file.read_text()};COMMIT", "older")
    site = make_site(own_cluster, DATABASE_URL=own_cluster.url("todo_app", "older"), TODO_CHECK_SESSION=1)
    users = [User(site, f"rolling {number}") for number in range(4)]
    account = Account(site, "rolling@example.com", "correct horse battery")
    done = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(len(users) + 1) as threads:
        counts = [threads.submit(use, user, done) for user in users]
        session = threads.submit(use_session, account, done)
        time.sleep(0.3)
        said = migrate(own_cluster, "older")
        time.sleep(0.3)
        done.set()
    session.result()  # raises what failed there
    assert "applied" in said and site.is_ready()
    assert [len(user.get().json()) for user in users] == [count.result() for count in counts]
    assert "deadlock" not in own_cluster.log.read_text()


def use(user, done):
    """Asks in turns until it is done, three times at least; all is answered as if nothing were. Gives how many
    tasks it has made."""
    count = 0
    while not done.is_set() or count < 3:
        task = user.create(title=f"Task {count}", tags=["a"])
        key = {"Idempotency-Key": f"{user.name} {count}"}
        assert user.patch(f"/{task['id']}/complete", headers=key).status == 200
        assert user.get("/tags").status == user.get("/changes").status == user.get("?limit=5").status == 200
        assert user.get("/export").status == 200
        count += 1
    return count


def use_session(account, done):
    while not done.is_set():
        assert account.request("GET", "/api/tasks").status == 200
        assert account.request("POST", "/api/tasks", {"title": "t"}).status == 201
        account.session = account.refresh().json()


def role_settings(cluster, database):
    return cluster.sql("SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase "
                       f"WHERE datname = '{database}' AND setrole = 'todo_app'::regrole").splitlines()


def backup_statements():
    """Those of the README."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    return re.search(r"^### Backups\n.*?^```sql\n(.*?)^```", text, re.M | re.S)[1]


def write_more(user, task):
    """Three tasks, and a change of that one."""
    made = [user.create(f"t{n}") for n in range(3)]
    return made, user.put(f"/{task['id']}", {"title": "changed"}).json()


def test_restored_from_a_dump(own_cluster, make_site):
    """Nothing that clients know from the time after the dump is good for anything."""
    own_cluster.sql("CREATE DATABASE dumped; CREATE DATABASE restored")
    migrate(own_cluster, "dumped")
    site = make_site(own_cluster, DATABASE_URL=own_cluster.url("todo_app", "dumped"))
    user = User(site, "restored")
    task = user.create("kept")
    dump = site.directory / "todo.dump"
    subprocess.run(["pg_dump", "-Fc", "-f", dump, own_cluster.url("postgres", "dumped")], check=True)
    lost, changed = write_more(user, task)
    seen, cursor = user.get()["ETag"], user.get("/changes").json()["next"]

    url = own_cluster.url("postgres", "restored")
    subprocess.run(["pg_restore", "--exit-on-error", "-d", url, dump], check=True)
    assert role_settings(own_cluster, "restored") == []
    migrate(own_cluster, "restored")
    assert sorted(role_settings(own_cluster, "restored")) == sorted(role_settings(own_cluster, "dumped")) != []
    own_cluster.sql(backup_statements(), "restored")
    user = User(make_site(own_cluster, DATABASE_URL=own_cluster.url("todo_app", "restored")), "restored")
    assert user.titles() == ["kept"]
    assert user.get("/changes", headers={"If-None-Match": seen}).status == 200
    made, _ = write_more(user, task)  # without the statements, all is numbered as it was
    assert {task["id"] for task in made}.isdisjoint(task["id"] for task in lost)
    assert user.get(headers={"If-None-Match": seen}).status == 200
    assert user.get(f"/changes?since={cursor}").status == 410
    stale = user.put(f"/{task['id']}", {"title": "t"}, headers={"If-Match": f'"{changed["version"]}"'})
    assert stale.status == 412
    since = user.get("/changes").json()["next"]
    later = user.create("later")
    assert user.get(f"/changes?since={since}").json()["changes"] == [later]


def migrate(cluster, database):
    environment = clean_environment(DATABASE_URL=cluster.url("postgres", database))
    return subprocess.run([TODOCTL, "migrate", "--schema", SOURCE / "schema"], env=environment, check=True,
                          capture_output=True, text=True).stdout
