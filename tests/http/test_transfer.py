# SPDX-License-Identifier: ISC
"""Export and import. What is exported is read by Python's csv, by icalendar and
by vobject; what is imported comes out again as it was, in each format."""

import csv
import datetime
import io
import json
import os
import random
import signal
import socket
import threading
import time

import icalendar
import pytest
import vobject

from harness import SLOW, eventually, fastcgi

TYPES = {"json": "application/json", "csv": "text/csv", "ics": "text/calendar"}
OWN = ("id", "user_id", "version")  # what an import makes anew
FIELDS = ["id", "user_id", "title", "description", "completed", "completed_at", "priority", "due_date",
          "tags", "created_at", "updated_at", "version"]

NASTY = ['"quoted"', "a, b; c\\ d", "=1+1", "+1", "-1", "@SUM(A1)", "'a", "'=a", "''", "\\", "\\,", ",",
         "a:b", "😀👩‍🚀", "a\tb", "a\nb", "a\r\nb", "a\rb", "a\x01b\x7fc", "END:VTODO", "x\r\nEND:VTODO",
         "\u2028a\u0085b", "\\n", "null", "[]", "ü" * 200, "😀" * 200]


def record(title="a", **fields):
    return {"title": title, "description": None, "completed": False, "completed_at": None,
            "priority": "medium", "due_date": None, "tags": [],
            "created_at": "2026-01-16T06:44:39.490466Z",
            "updated_at": "2026-01-16T06:44:39.490466Z", **fields}


def nasty_records():
    made = [record(text.strip("\u2028") or "a", description=text, tags=[text[:50], "z"]) for text in NASTY]
    made += [record(description=text) for text in ("", " ", "\t", "\n", "\r\n", " a ", "\t=a", "\n=a")]
    made += [record(tags=[" ", "  ", " a", "a ", "\ta\t", "a,b", ",", "\\", "\\,", '"']),
             record(description="😀" * 1000), record(description="\r\n" * 500),
             record(tags=[f"{i}" + "," * 49 for i in range(10)]),
             record(due_date="0001-01-01T00:00:00.000000Z"),
             record(due_date="9999-12-31T23:59:59.999999Z"),
             record(created_at="0001-01-01T00:00:00.000001Z",
                    updated_at="9999-12-31T23:59:59.000000Z"),
             record(completed=True, completed_at="1999-12-31T23:59:59.999999Z"),
             record(completed=True, completed_at="2001-01-01T00:00:00.000000Z")]
    made += [record(priority=word) for word in ("low", "medium", "high", "critical")]
    return made


def download(user, method="GET", accept=None, **options):
    return user.request(method, "/export", headers={"Accept": accept}, **options)


def export(user, format="json", **options):
    answer = download(user, accept=TYPES[format], **options)
    assert answer.status == 200, answer
    return answer


def imported(user, body, format="json", query="", **headers):
    return user.post("/import" + query, body=body, headers={"Content-Type": TYPES[format], **headers})


def content(user):
    """The tasks without what is the server's to give."""
    return [{k: v for k, v in task.items() if k not in OWN} for task in export(user).json()]


@pytest.fixture
def filled(alice):
    """A user with one task of each nasty kind."""
    answer = imported(alice, json.dumps(nasty_records()).encode())
    assert answer.status == 200 and answer.json()["imported"] == len(nasty_records()), answer
    return alice


# ---- export


@pytest.mark.parametrize("accept, format", [
    (None, "json"), ("*/*", "json"), ("application/json", "json"), ("text/csv", "csv"),
    ("text/calendar", "ics"), ("text/*", "csv"), ("text/html, text/calendar;q=0.5, */*;q=0.1", "ics"),
    ("text/csv;q=0.5, text/calendar;q=0.7", "ics"), ("text/csv;q=0, text/*;q=0.5", "ics"),
    ("image/png", "json"), ("application/json;q=0.1, TEXT/CSV", "csv"), (";;,q", "json")])
def test_accept(alice, accept, format):
    answer = download(alice, accept=accept)
    assert answer.status == 200
    assert answer["Content-Type"].split(";")[0] == TYPES[format]
    assert answer["Content-Disposition"] == f'attachment; filename="tasks.{format}"'
    assert answer["Cache-Control"] == "no-store" and {"authorization", "accept"} <= answer.words("Vary")
    if format != "json":
        assert "charset=utf-8" in answer["Content-Type"]


def test_export_is_by_version_and_without_trash(alice):
    tasks = [alice.create(f"task {i}") for i in range(5)]
    alice.delete(f"/{tasks[1]['id']}")
    changed = alice.put(f"/{tasks[0]['id']}", {"title": "changed"}).json()
    assert export(alice).json() == [tasks[2], tasks[3], tasks[4], changed]


def test_export_of_nobody(alice, bob):
    assert export(alice).json() == []
    assert export(alice, "csv").body.decode() == ",".join(FIELDS) + "\r\n"
    assert not icalendar.Calendar.from_ical(export(alice, "ics").body).walk("VTODO")
    assert bob.request("GET", "/export", headers={"Authorization": None}).status == 401
    assert bob.site.request("GET", alice.base + "/export",
                            headers={"Authorization": f"Bearer {bob.token}"}).status == 403


def test_head(filled):
    for format in TYPES:
        answer = download(filled, "HEAD", TYPES[format])
        assert answer.status == 200 and answer["Content-Type"].startswith(TYPES[format])
        assert answer.body == b""


@pytest.mark.parametrize("format", TYPES)
def test_pages(make_user, format):
    """Around the size of a page, where the last piece is empty or not."""
    for count in (199, 200, 201, 400, 1001):
        user = make_user()
        records = [record(f"task {i}") for i in range(count)]
        assert imported(user, json.dumps(records).encode()).status == 200
        body = export(user, format).body.decode()
        if format == "json":
            titles = [task["title"] for task in json.loads(body)]
        elif format == "csv":
            titles = [row["title"] for row in csv.DictReader(io.StringIO(body, newline=""))]
        else:
            titles = [line[8:] for line in body.split("\r\n") if line.startswith("SUMMARY:")]
            assert body.endswith("END:VTODO\r\nEND:VCALENDAR\r\n")
        assert titles == [f"task {i}" for i in range(count)]


def test_python_reads_csv(filled):
    body = export(filled, "csv").body.decode()
    rows = list(csv.DictReader(io.StringIO(body, newline="")))
    tasks = export(filled).json()
    assert len(rows) == len(tasks)
    for row, task in zip(rows, tasks):
        assert list(row) == FIELDS
        description = row["description"]
        marked = (task["description"] or "")[:1] in tuple("=+-@'\t\r\n")
        assert description == ("'" if marked else "") + (task["description"] or "")
        assert row["id"] == str(task["id"]) and row["completed"] == json.dumps(task["completed"])
        assert row["due_date"] == (task["due_date"] or "")
    # Nothing that a spreadsheet would run.
    assert not any(cell[:1] in tuple("=+-@\t\r\n") and cell for row in rows for cell in row.values())


def coarse(text):
    """What iCalendar can hold of a text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c in "\t\n" or c >= " " and c != "\x7f" else " " for c in text)


def seconds(instant):
    return datetime.datetime.fromisoformat(instant[:19] + "+00:00")


def test_icalendar_reads_calendar(filled):
    body = export(filled, "ics").body
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    [line.decode() for line in body.split(b"\r\n")]  # no character is cut
    todos = icalendar.Calendar.from_ical(body).walk("VTODO")
    tasks = export(filled).json()
    assert len(todos) == len(tasks)
    for todo, task in zip(todos, tasks):
        # This library is no judge of escaped backslashes, nor of commas in a tag; vobject is.
        if "\\" not in task["title"] + (task["description"] or ""):
            assert str(todo["SUMMARY"]) == coarse(task["title"])
            assert str(todo.get("DESCRIPTION", "")) == coarse(task["description"] or "")
        assert ("DESCRIPTION" in todo) == (task["description"] is not None)
        assert int(todo["PRIORITY"]) == {"critical": 1, "high": 3, "medium": 5, "low": 9}[task["priority"]]
        assert str(todo["STATUS"]) == ("COMPLETED" if task["completed"] else "NEEDS-ACTION")
        for name, field in (("DUE", "due_date"), ("COMPLETED", "completed_at"),
                            ("CREATED", "created_at"), ("LAST-MODIFIED", "updated_at"),
                            ("DTSTAMP", "updated_at")):
            if task[field] is None:
                assert name not in todo
            else:
                assert todo[name].dt == seconds(task[field])
        if task["tags"] and not set(",\\") & set("".join(task["tags"])):
            assert [str(tag) for tag in todo["CATEGORIES"].cats] == [coarse(tag) for tag in task["tags"]]
    uids = [str(todo["UID"]) for todo in todos]
    assert len(set(uids)) == len(uids) and not any(filled.name in uid for uid in uids)
    again = icalendar.Calendar.from_ical(export(filled, "ics").body).walk("VTODO")
    assert [str(todo["UID"]) for todo in again] == uids


def test_vobject_reads_calendar(filled):
    calendar = vobject.readOne(export(filled, "ics").body.decode())
    tasks = export(filled).json()
    assert calendar.version.value == "2.0" and len(calendar.vtodo_list) == len(tasks)
    for todo, task in zip(calendar.vtodo_list, tasks):
        assert todo.summary.value == coarse(task["title"])
        if task["description"] is not None:
            assert todo.description.value == coarse(task["description"])
        assert todo.status.value == ("COMPLETED" if task["completed"] else "NEEDS-ACTION")
        if task["tags"]:
            assert todo.categories.value == [coarse(tag) for tag in task["tags"]]
        assert todo.created.value.replace(tzinfo=datetime.timezone.utc) == seconds(task["created_at"])


# ---- there and back


@pytest.mark.parametrize("format", TYPES)
def test_round_trip(filled, make_user, format):
    bob = make_user()
    answer = imported(bob, export(filled, format).body, format)
    assert answer.status == 200, answer
    assert content(bob) == content(filled) == nasty_records()
    # And once more, through all the formats in a row.
    for step in TYPES:
        carol = make_user()
        assert imported(carol, export(bob, step).body, step).status == 200
        assert content(carol) == nasty_records()
        bob = carol


@pytest.mark.parametrize("format", TYPES)
def test_random_round_trip(make_user, format):
    seed = int(os.environ.get("TEST_SEED", time.time()))
    print(f"TEST_SEED={seed}")
    chance = random.Random(seed)
    pieces = ["a", "b", " ", ",", ";", ":", "\\", "n", '"', "'", "=", "+", "-", "@", "\t", "\r", "\n",
              "\x01", "\x7f", "ü", "😀", "\u2028"]

    def text(least, most):
        return "".join(chance.choice(pieces) for _ in range(chance.randint(least, most)))

    def instant():
        moment = datetime.datetime(1, 1, 1) + datetime.timedelta(
            microseconds=chance.randrange(315537897600000000))
        return moment.isoformat(timespec="microseconds") + "Z"

    records = []
    for _ in range(200):
        done = chance.random() < 0.5
        records.append(record(
            "t" + text(0, 198) + "t", description=chance.choice([None, text(0, 300)]),
            completed=done, completed_at=instant() if done else None,
            priority=chance.choice(["low", "medium", "high", "critical"]),
            due_date=chance.choice([None, instant()]),
            tags=list(dict.fromkeys(text(1, 50) for _ in range(chance.randint(0, 10)))),
            created_at=instant(), updated_at=instant()))
    alice, bob = make_user(), make_user()
    assert imported(alice, json.dumps(records).encode()).status == 200
    assert imported(bob, export(alice, format).body, format).status == 200
    assert content(bob) == content(alice) == records


# ---- import


def test_import_report_and_versions(alice):
    first = alice.create()
    body = json.dumps([record("a"), record("b"), record("c")]).encode()
    report = imported(alice, body).json()
    ids = [result["id"] for result in report["results"]]
    assert report == {"dry_run": False, "records": 3, "imported": 3, "errors": [],
                      "results": [{"index": i, "id": id} for i, id in enumerate(ids)]}
    tasks = export(alice).json()
    assert [(task["id"], task["version"]) for task in tasks] == \
        [(first["id"], 1), *zip(ids, (2, 3, 4))]
    assert alice.create()["version"] == 5
    assert all(task["user_id"] == alice.name for task in tasks)


def test_import_gives_what_is_missing(alice):
    report = imported(alice, b'[{"title": " a ", "id": 1, "user_id": "x", "version": 9},'
                             b' {"title": "b", "completed": true, "tags": null},'
                             b' {"title": "c", "completed_at": "2026-01-01"},'
                             b' {"title": "d", "completed": false, "completed_at": "2026-01-01"}]')
    assert report.status == 200, report
    a, b, c, d = export(alice).json()
    assert a["title"] == "a" and a["priority"] == "medium" and a["tags"] == [] and a["version"] == 1
    assert a["user_id"] == alice.name and a["created_at"] == a["updated_at"] > "2026-01-02"
    assert b["completed"] and b["completed_at"] == b["created_at"]
    assert c["completed"] and c["completed_at"] == "2026-01-01T00:00:00.000000Z"
    assert not d["completed"] and d["completed_at"] is None


def test_import_of_a_list(alice, bob):
    alice.create("a", tags=["x"])
    for body in (alice.get().body, b'{"tasks": ' + alice.get().body + b', "total": 1}'):
        assert imported(bob, body).json()["imported"] == 1
    assert [task["title"] for task in export(bob).json()] == ["a", "a"]


def test_import_of_nothing(alice):
    for body, format in ((b"[]", "json"), (b"title\r\n", "csv"),
                         (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "ics")):
        answer = imported(alice, body, format)
        assert answer.status == 200 and answer.json()["imported"] == 0
    assert export(alice).json() == []


FAULTY = {
    "json": (json.dumps([record(), record(""), record(due_date="never", tags="a"), 5,
                         record(created_at=1)]).encode(),
             ["/1/title", "/2/due_date", "/2/tags", "/3", "/4/created_at"], None),
    "csv": (b"title,due_date,completed,created_at\r\na,,,\r\n,,,\r\n\"b\r\nb\",never,maybe,\r\nc,,,1\r\n"
            b"d,,,,extra\r\n",
            ["/1/title", "/2/completed", "/2/due_date", "/3/created_at", "/4"], [3, 4, 4, 6, 7]),
    "ics": (b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:a\r\nEND:VTODO\r\nBEGIN:VTODO\r\nEND:VTODO\r\n"
            b"BEGIN:VTODO\r\nSUMMARY:b\r\nDUE:never\r\nPRIORITY:10\r\nEND:VTODO\r\n"
            b"BEGIN:VTODO\r\nSUMMARY:c\r\nDUE;TZID=Nowhere/Land:20260101T000000\r\nEND:VTODO\r\n"
            b"END:VCALENDAR\r\n",
            ["/1/title", "/2/priority", "/2/due_date", "/3/due_date"], [5, 7, 7, 14]),
}


@pytest.mark.parametrize("format", TYPES)
def test_all_faults_and_nothing_written(alice, format):
    body, pointers, lines = FAULTY[format]
    answer = imported(alice, body, format)
    assert answer.status == 422, answer
    assert answer.pointers() == pointers
    if lines:
        assert [error["msg"].split(":")[0] for error in answer.json()["errors"]] == \
            [f"line {line}" for line in lines]
    assert export(alice).json() == []
    assert alice.create()["version"] == 1


@pytest.mark.parametrize("format", TYPES)
def test_dry_run(alice, format):
    body, pointers, lines = FAULTY[format]
    answer = imported(alice, body, format, "?dry_run=true")
    assert answer.status == 200, answer
    report = answer.json()
    assert report["dry_run"] is True and report["imported"] == 0
    assert [error["pointer"] for error in report["errors"]] == pointers
    assert [result["index"] for result in report["results"]] == [0]
    assert [result.get("line") for result in report["results"]] == [{"json": None}.get(format, 2)]
    good = imported(alice, export(alice, format).body, format, "?dry_run=true")
    assert good.status == 200 and good.json()["errors"] == []
    assert export(alice).json() == []
    assert imported(alice, body, format, "?dry_run=maybe").status == 422


@pytest.mark.parametrize("body, format, status, words", [
    (b"", "json", 400, "empty"), (b"[{]", "json", 400, "byte 2"), (b'"a"', "json", 422, "array"),
    (b'{"tasks": 1}', "json", 422, "array"), (b'[{"title": "a\\u0000"}]', "json", 422, "U+0000"),
    (b"", "csv", 400, "header"), (b'title\r\na"b\r\n', "csv", 400, "line 2"),
    (b'title\r\na\r\n"b\r\nc\r\n', "csv", 400, "line 3"), (b"due_date\r\n", "csv", 422, '"title"'),
    (b"title,Title\r\n", "csv", 422, "twice"), (b"title\r\n\xff\r\n", "csv", 400, "UTF-8"),
    (b"title\r\na\0\r\n", "csv", 422, "U+0000"),
    (b"", "ics", 400, "empty"), (b"hello", "ics", 400, "line 1"),
    (b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:a\r\nEND:VTODO\r\n", "ics", 400, "END:VCALENDAR"),
    (b"BEGIN:VCALENDAR\r\nEND:VTODO\r\n", "ics", 400, "line 2"),
    (b"BEGIN:VCALENDAR\r\nSUMMARY\r\nEND:VCALENDAR\r\n", "ics", 400, "line 2"),
    (b"BEGIN:VCALENDAR\r\nX:\xff\r\nEND:VCALENDAR\r\n", "ics", 400, "line 2"),
    (b"BEGIN:VCALENDAR\r\nX:\0\r\nEND:VCALENDAR\r\n", "ics", 422, "U+0000")])
def test_files_that_are_none(alice, body, format, status, words):
    answer = imported(alice, body, format)
    assert answer.status == status and words in answer.json()["detail"], answer
    assert export(alice).json() == []


def test_media_types_and_sizes(alice):
    for kind in ("text/plain", "text/csv; charset=latin1", "multipart/form-data"):
        assert alice.post("/import", body=b"title\r\n", headers={"Content-Type": kind}).status == 415
    assert alice.post("/import", body=b"[]").status == 200  # no type: JSON
    assert imported(alice, b"title\r\n" + b"a" * (1 << 20), "csv").status == 413
    assert imported(alice, b"title\n" + b"a\n" * 100001, "csv", "?dry_run=true").status == 413
    assert alice.get("/import").status == 405
    assert alice.post("/export", body=b"").status == 405


def test_foreign_csv(alice):
    """As people and spreadsheets write it."""
    body = "\ufeffNotes,TITLE, Priority ,tags,Completed\nx,buy milk,HIGH,\"work, home\",TRUE\n\n,'tis,,,\n,short\n"
    assert imported(alice, body.encode(), "csv").status == 200
    tasks = export(alice).json()
    assert [task["title"] for task in tasks] == ["buy milk", "'tis", "short"]
    assert tasks[0]["tags"] == ["work", "home"] and tasks[0]["priority"] == "high"
    assert tasks[0]["completed"] is True


def test_foreign_calendar(alice):
    """As other programs write it."""
    body = "\r\n".join([
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VTIMEZONE", "TZID:Europe/Berlin",
        "END:VTIMEZONE", "BEGIN:VEVENT", "SUMMARY:no task", "END:VEVENT", "BEGIN:VTODO", "uid:1",
        "summary;LANGUAGE=en:dentist\\, at", "  noon\\nplease", "DUE;TZID=Europe/Berlin:20260701T120000",
        "PRIORITY:2", "CATEGORIES:a,b\\,c", "CATEGORIES;X-A=\"x:y\":d", "BEGIN:VALARM", "SUMMARY:alarm",
        "END:VALARM", "END:VTODO", "BEGIN:VTODO", "SUMMARY:b", "DUE;VALUE=DATE:20260701", "PRIORITY:0",
        "STATUS:IN-PROCESS", "END:VTODO", "BEGIN:VTODO", "SUMMARY:c", "DUE:20260701T120000",
        "COMPLETED:20260702T000000Z", "END:VTODO", "END:VCALENDAR", ""])
    assert imported(alice, body.encode(), "ics").status == 200
    assert imported(alice, body.replace("\r\n", "\n").encode(), "ics").status == 200
    tasks = export(alice).json()
    a, b, c = tasks[:3]
    assert [task["title"] for task in tasks[3:]] == [a["title"], b["title"], c["title"]]
    assert a["title"] == "dentist, at noon\nplease" and a["tags"] == ["a", "b,c", "d"]
    assert a["due_date"] == "2026-07-01T10:00:00.000000Z" and a["priority"] == "critical"
    assert b["due_date"] == "2026-07-01T00:00:00.000000Z" and b["priority"] == "medium"
    assert not b["completed"]
    assert c["due_date"] == "2026-07-01T12:00:00.000000Z"
    assert c["completed"] and c["completed_at"] == "2026-07-02T00:00:00.000000Z"


def test_a_change_by_another_program_counts(alice, bob):
    imported(alice, json.dumps([record("a\rb", due_date="2026-01-01T00:00:00.5Z", tags=["\x01"])]).encode())
    body = export(alice, "ics").body.decode()
    changed = body.replace("\r\nDUE:20260101T000000Z", "\r\nDUE:20270101T000000Z")
    changed = changed.replace("\r\nSUMMARY:a\\nb", "\r\nSUMMARY:c")
    assert imported(bob, changed.encode(), "ics").status == 200
    task, = content(bob)
    assert (task["title"], task["due_date"], task["tags"]) == ("c", "2027-01-01T00:00:00.000000Z", ["\x01"])


def test_import_once(alice):
    """With an Idempotency-Key a repeated import is answered, and not done again."""
    body = b"title\r\n" + b"".join(b"task %d\r\n" % i for i in range(2500))
    answers = [imported(alice, body, "csv", **{"Idempotency-Key": "import"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body and answers[1]["Idempotent-Replayed"] == "true"
    assert [task["title"] for task in export(alice).json()] == [f"task {i}" for i in range(2500)]
    other = imported(alice, b"title\r\nb\r\n", "csv", **{"Idempotency-Key": "import"})
    assert other.status == 422


def test_imports_at_once(alice):
    """Several imports and single writes into one list: every version is given once."""
    body = b"title\r\n" + b"x\r\n" * 1500
    threads = [threading.Thread(target=imported, args=(alice, body, "csv")) for _ in range(3)]
    threads += [threading.Thread(target=alice.create) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [task["version"] for task in export(alice).json()]
    assert versions == list(range(1, 3 * 1500 + 20 + 1))


# ---- while it runs


def fill(cluster, user, count):
    """Tasks straight into the tables."""
    cluster.sql(f"""
        INSERT INTO todo.users (id, change_seq) VALUES ('{user}', {count})
            ON CONFLICT (id) DO UPDATE SET change_seq = {count};
        INSERT INTO todo.tasks (user_id, title, description, version)
            SELECT '{user}', 'task ' || n, repeat('x', 200), n FROM generate_series(1, {count}) n""")


def test_snapshot(alice, site):
    """What is written while an export runs is not in it, nor is anything there twice."""
    fill(site.cluster, alice.name, 30000)
    connection = socket.create_connection(("127.0.0.1", site.port))
    connection.sendall(f"GET {alice.base}/export HTTP/1.0\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
                       .encode())
    data = connection.recv(1000)
    first = alice.get("?limit=1&order=asc").json()[0]
    assert alice.put(f"/{first['id']}", {"title": "changed"}).status == 200
    alice.create("late")
    while piece := connection.recv(1 << 20):
        data += piece
    tasks = json.loads(data.partition(b"\r\n\r\n")[2])
    assert [task["version"] for task in tasks] == list(range(1, 30001))
    assert tasks[0]["title"] == "task 1"


def test_database_that_is_away(own_cluster, make_site, make_user):
    site = make_site(own_cluster)
    user = make_user(at=site)
    user.create()
    own_cluster.stop("immediate")
    assert export_status(user) == 503
    own_cluster.start()
    eventually(10, lambda: export_status(user) == 200, "an export")


def export_status(user):
    return download(user).status


@pytest.mark.parametrize("format", TYPES)
def test_database_that_goes_away_in_the_middle(own_cluster, make_site, make_user, format):
    """The client must not take a part for the whole."""
    site = make_site(own_cluster, TODO_WORKERS=1)
    user = make_user(at=site)
    fill(own_cluster, user.name, 100000)
    with socket.socket(socket.AF_INET) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60 * SLOW)
        connection.connect(("127.0.0.1", site.port))
        connection.sendall(f"GET /unbuffered{user.base}/export HTTP/1.1\r\nHost: a\r\nAccept: {TYPES[format]}\r\n"
                           f"Authorization: Bearer {user.token}\r\n\r\n".encode())
        data = connection.recv(4096)
        own_cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE usename = 'todo_app'", "postgres")
        while piece := connection.recv(1 << 20):
            data += piece
    assert data.startswith(b"HTTP/1.1 200") and b"Transfer-Encoding: chunked" in data
    assert not data.endswith(b"0\r\n\r\n")
    assert not data.rstrip().endswith((b"]", b"END:VCALENDAR"))
    assert user.get("?limit=1").status == 200


def test_reader_that_goes_away(alice, site):
    fill(site.cluster, alice.name, 100000)
    for _ in range(8):
        connection = socket.create_connection(("127.0.0.1", site.port))
        connection.sendall(f"GET {alice.base}/export HTTP/1.0\r\n"
                           f"Authorization: Bearer {alice.token}\r\n\r\n".encode())
        connection.recv(1000)
        connection.close()
    for _ in range(8):
        assert alice.get("?limit=1").status == 200

    def idle():
        return site.cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'todo_app' "
                                "AND xact_start IS NOT NULL") == "0"
    eventually(20, idle, "the end of all snapshots")


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


@pytest.mark.skipif(os.environ.get("TEST_WRAPPER") is not None or SLOW > 1,
                    reason="the memory of a sanitizer or of valgrind is not ours")
@pytest.mark.parametrize("format", TYPES)
def test_memory(cluster, make_site, make_user, format):
    """Under 32 MiB, whatever there is to export; TODO_TEST_EXPORT says how much."""
    site = make_site(cluster, TODO_WORKERS=1)
    user = make_user(at=site)
    count = int(os.environ.get("TODO_TEST_EXPORT", 50000))
    fill(cluster, user.name, count)
    pid, = site.pool.workers()
    before = peak_memory(pid)
    ends = {"json": b"]", "csv": b"", "ics": b"END:VCALENDAR"}
    answer = export(user, format, timeout=600)
    assert answer.body.count(b"task ") == count and answer.body.rstrip().endswith(ends[format])
    print(f"{format}: {len(answer.body)} bytes, {before} to {peak_memory(pid)} kB")
    assert peak_memory(pid) < 32 * 1024
    cluster.sql(f"DELETE FROM todo.users WHERE id = '{user.name}'")


def test_straight_from_a_worker(filled, site):
    """Without a web server's buffers in between."""
    status, headers, body = fastcgi(site, filled.base + "/export", user=filled.name,
                                    HTTP_ACCEPT="text/calendar")
    assert status == 200 and headers["Content-Type"].startswith("text/calendar")
    assert len(icalendar.Calendar.from_ical(body).walk("VTODO")) == len(nasty_records())
