# SPDX-License-Identifier: ISC
"""Every two values of every two parameters of a list stand together in at least one question;
each is asked of a few hundred tasks and of a model. The questions are drawn at random: TEST_SEED
repeats a run."""

import datetime
import itertools
import os
import random
from urllib.parse import quote_plus

import pytest
from harness import User

SEED = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(2**32)))
RANK = {"low": 0, "medium": 1, "high": 2, "critical": 3}
UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = datetime.datetime(2026, 5, 1, 12, 30, 15, 123456, UTC)

TITLES = ["Buy milk", "buy MILK", "100% sure", "100 sure", "a_b", "a%b", "axb", "back\\slash", "back/slash", "\\",
          "%", "_", "%%", "__", "\\%", "Äpfel", "äpfel", "ÄPFEL kaufen", "Ωmega", "ωmega", "дом", "ДОМ", "家", "😀 smile",
          "a", "A", "same", "same", "same", "zz", "'; DROP TABLE tasks; --", "\"quoted\"", "$1", "?", "tab\there"]
TAGS = ["home", "Home", "work", "ähre", "a b", "😀", "100%"]
PRIORITIES = list(RANK)

# A value of None leaves the parameter out; a list gives it several times.
PARAMETERS = {
    "status": [None, "all", "pending", "active", "completed"],
    "completed": [None, "true", "false"],
    "priority": [None, "low", "HIGH,Critical", ["low", "medium"]],
    "tag": [None, "home", "Home,work", ["😀", "100%"], "none"],
    "search": [None, "", "milk", "%", "_", "\\", "ÄPFEL", "ωM", "дом", "\\%", "'", "e w", "$1", "SAME"],
    "due_from": [None, "2026-03-03", "2026-03-02T12:00:00+02:00"],
    "due_to": [None, "2026-03-04", "2026-03-01T00:00:00"],
    "updated_since": [None, "2026-05-01T12:30:15.123456Z", "2026-05-01 12:30:18"],
    "sort": [None, "created", "updated", "title", "due_date", "priority", "completed", "-created", "-updated",
             "-title", "-due_date", "-priority", "-completed"],
    "order": [None, "asc", "desc"],
    "limit": [None, "1", "7", "50", "1000"],
    "place": [None, ("offset", "0"), ("offset", "5"), ("skip", "1000"), ("page", "1"), ("page", "3")],
    "trash": [None, "true", "false"],
    "count": [False, True],
    "nonsense": [None, "1"],
}
ALIASES = {"status": ["status_filter"], "search": ["q", "search_query"], "due_from": ["due_date_from"],
           "due_to": ["due_date_to"], "sort": ["sort_by"], "order": ["sort_order"], "limit": ["page_size"]}


def all_pairs(parameters):
    """Questions (a choice of an index for each parameter) that cover every pair of values."""
    generator = random.Random(SEED)
    names = list(parameters)
    missing = {((one, i), (two, j)) for one, two in itertools.combinations(names, 2)
               for i in range(len(parameters[one])) for j in range(len(parameters[two]))}
    questions = []
    while missing:
        chosen = dict(min(missing))
        for name in generator.sample(names, len(names)):
            if name not in chosen:
                chosen[name] = max(range(len(parameters[name])), key=lambda i: (
                    sum(pair_of(name, i, other, j, names) in missing for other, j in chosen.items()),
                    generator.random()))
        covered = {pair_of(one, chosen[one], two, chosen[two], names)
                   for one, two in itertools.combinations(names, 2)}
        assert covered & missing
        missing -= covered
        questions.append({name: parameters[name][i] for name, i in chosen.items()})
    return questions


def pair_of(one, i, two, j, names):
    return ((one, i), (two, j)) if names.index(one) < names.index(two) else ((two, j), (one, i))


QUESTIONS = all_pairs(PARAMETERS)


def test_the_generator_covers_all_pairs():
    for one, two in itertools.combinations(PARAMETERS, 2):
        there = {(str(q[one]), str(q[two])) for q in QUESTIONS}
        assert len(there) == len(PARAMETERS[one]) * len(PARAMETERS[two])
    assert len(QUESTIONS) < 400


# ---- the tasks


@pytest.fixture(scope="module")
def tasks(site):
    """A user's tasks, as the server gave them; those in the trash have trashed."""
    print(f"TEST_SEED={SEED}")
    generator = random.Random(SEED)
    user = User(site, "pairwise")
    tasks = [create(user, generator, n) for n in range(350)]
    spread_updates(user, tasks, generator)
    for task in tasks:
        task["updated_at"] = user_time(task["updated_at"])
    return user, tasks


def create(user, generator, n):
    due = generator.choice([None, None, *[(DAY + datetime.timedelta(hours=12 * i)).isoformat() for i in range(9)]])
    task = user.create(TITLES[n % len(TITLES)] + generator.choice(["", "", " 2"]), due_date=due,
                       description=generator.choice([None, None, "", "with milk", "50%", "\\", "Äpfel", "snake_case"]),
                       completed=generator.random() < 0.4, priority=generator.choice(PRIORITIES),
                       tags=generator.sample(TAGS, generator.choice([0, 0, 1, 2, 3])))
    task["trashed"] = generator.random() < 0.3
    if task["trashed"]:
        assert user.delete(f"/{task['id']}").status == 204
    return task


def spread_updates(user, tasks, generator):
    """Sets the instants of the last change, with many ties, as the administrator."""
    for task in tasks:
        moment = MOMENT + datetime.timedelta(seconds=generator.randrange(6))
        task["updated_at"] = moment.isoformat()
    values = ", ".join(f"({task['id']}, timestamptz '{task['updated_at']}')" for task in tasks)
    user.site.cluster.sql(f"""UPDATE todo.tasks k SET updated_at = v.at FROM (VALUES {values}) v (id, at)
                              WHERE k.user_id = '{user.name}' AND k.id = v.id;
                              UPDATE todo.users SET change_seq = change_seq + 1 WHERE id = '{user.name}'""")


def user_time(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# ---- the model


def values_of(value):
    return [item for text in ([value] if isinstance(value, str) else value) for item in text.split(",")]


def fits(task, q):
    words = {"pending": False, "active": False, "completed": True}
    due = task["due_date"] and user_time(task["due_date"])
    conditions = [
        q["status"] not in words or task["completed"] == words[q["status"]],
        q["completed"] is None or task["completed"] == (q["completed"] == "true"),
        q["priority"] is None or task["priority"] in [word.lower() for word in values_of(q["priority"])],
        q["tag"] is None or set(values_of(q["tag"])) & set(task["tags"]),
        q["search"] is None or any(q["search"].lower() in (text or "").lower()
                                   for text in (task["title"], task["description"])),
        q["due_from"] is None or (due and due >= user_time(q["due_from"])),
        q["due_to"] is None or (due and due <= user_time(q["due_to"])),
        q["updated_since"] is None or task["updated_at"] >= user_time(q["updated_since"]),
        task["trashed"] == (q["trash"] == "true")]
    return all(conditions)


def in_order(tasks, q):
    sort = (q["sort"] or "created").removeprefix("-")
    order = q["order"] or ("desc" if sort in ("created", "updated", "priority") else "asc")
    descending = (order == "desc") != (q["sort"] or "").startswith("-")
    keys = {"created": lambda t: 0, "updated": lambda t: t["updated_at"], "title": lambda t: t["title"],
            "due_date": lambda t: user_time(t["due_date"]) if t["due_date"] else DAY,
            "priority": lambda t: RANK[t["priority"]], "completed": lambda t: t["completed"]}
    tasks = sorted(tasks, key=lambda t: (keys[sort](t), t["id"]), reverse=descending)
    if sort == "due_date":
        # Those without one are a block at the end, in the direction of the rest.
        tasks.sort(key=lambda t: t["due_date"] is None)
    return [task["id"] for task in tasks]


def answer_of_model(tasks, q):
    """The ids on the page that is asked for, those on the pages that follow, and how many in all."""
    whole = in_order([task for task in tasks if fits(task, q)], q)
    limit = int(q["limit"] or 1000)
    name, value = q["place"] or ("offset", 0)
    offset = (int(value) - 1) * limit if name == "page" else int(value)
    return whole[offset:offset + limit], whole[offset + limit:], whole[:offset], len(whole)


# ---- the questions


def url_of(q, generator):
    pieces = []
    for name, value in q.items():
        if name == "place" and value:
            pieces.append(f"{value[0]}={value[1]}")
        elif name != "count" and value is not None and name != "place":
            spelt = generator.choice([name, *ALIASES.get(name, [])])
            pieces += [f"{spelt}={quote_plus(one)}" for one in ([value] if isinstance(value, str) else value)]
    generator.shuffle(pieces)
    return "?" + "&".join(pieces)


def walk(user, answer, relation):
    """The ids on all further pages."""
    found = []
    while relation in answer.links():
        answer = user.follow(answer.links()[relation])
        assert answer.status == 200, answer
        page = [task["id"] for task in answer.json()]
        found = found + page if relation == "next" else page + found
    return found


def few(q, rest):
    """Long ways in small steps say nothing new."""
    return len(rest) <= 20 * int(q["limit"] or 1000)


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_question(tasks, number):
    user, tasks = tasks
    q = QUESTIONS[number]
    page, after, before, total = answer_of_model(tasks, q)
    url = url_of(q, random.Random(SEED + number))
    print(f"TEST_SEED={SEED} {url}")
    answer = user.get(url, headers={"Prefer": "count=exact"} if q["count"] else {})
    assert answer.status == 200, answer
    assert [task["id"] for task in answer.json()] == page
    assert answer["X-Total-Count"] == (str(total) if q["count"] else None)
    if few(q, after):
        assert walk(user, answer, "next") == after
    if few(q, before):
        assert walk(user, answer, "prev") == before
