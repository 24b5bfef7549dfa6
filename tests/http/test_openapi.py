# SPDX-License-Identifier: ISC
"""The OpenAPI document against the server: each route is in it, and real answers are as it says."""

import html.parser
import json
import re

import jsonschema
import pytest

from harness import SOURCE, Account, Site, User

ALL = "delete-message,list-object,is-completed,token-alias,short-paths"
METHODS = {"get", "put", "post", "patch", "delete"}


def document(site, path="/openapi.json"):
    answer = site.request("GET", path)
    assert answer.status == 200
    return answer.json()


@pytest.fixture(scope="module")
def compatible(cluster):
    site = Site(cluster, TODO_COMPAT=ALL, TODO_WORKERS=1)
    yield site
    site.stop()


class Judge:
    """Holds answers against the document. Objects may have no member that it does not name."""

    def __init__(self, site):
        self.site = site
        self.document = document(site)
        self.seen = set()
        for schema in self.document["components"]["schemas"].values():
            if schema.get("properties") and "op" not in schema["properties"]:
                schema["additionalProperties"] = False

    def operation(self, method, path):
        path = path.partition("?")[0]
        segments = path.strip("/").split("/")
        for template in sorted(self.document["paths"], key=lambda path: path.count("{")):
            parts = template.strip("/").split("/")
            if len(parts) == len(segments) and all(p == s or p[:1] == "{" for p, s in zip(parts, segments)) and \
                    method.lower() in self.document["paths"][template]:
                return template, self.document["paths"][template][method.lower()]
        raise AssertionError(f"{method} {path} is not in the document")

    def check(self, answer, path):
        template, operation = self.operation(answer.method, path)
        self.seen.add((answer.method.lower(), template))
        assert str(answer.status) in operation["responses"], (answer, template)
        content = operation["responses"][str(answer.status)].get("content")
        if content is None:
            assert answer.body == b"", answer
            return answer
        media = (answer["Content-Type"] or "").partition(";")[0]
        assert media in content, (answer, content)
        schema = content[media].get("schema")
        if schema and media.endswith("json"):
            jsonschema.Draft202012Validator({**schema, "components": self.document["components"]},
                                            format_checker=jsonschema.FormatChecker()).validate(answer.json())
        return answer


def routes():
    """The table, as it stands in the source."""
    text = (SOURCE / "src" / "route.c").read_text()
    rows = re.findall(r'\{METHOD_(\w+), "([^"]+)", ([^,]+),', text)
    assert len(rows) > 40
    return {(method.lower(), pattern) for method, pattern, _ in rows}


def test_every_route_is_in_it(compatible):
    expected = set()
    for method, pattern in routes():
        for base in ("/api/{user_id}/tasks", "/api/tasks") if pattern.startswith("{T}") else ("",):
            expected.add((method, base + pattern.removeprefix("{T}")))
    paths = document(compatible)["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == expected
    for methods in paths.values():
        assert set(methods) <= METHODS and all(operation["summary"] for operation in methods.values())


def test_only_what_there_is(site, cluster, make_site):
    """Short paths and accounts are there where the settings have them."""
    paths = document(site)["paths"]
    assert "/api/login" not in paths and "/api/auth/login" in paths
    paths = document(make_site(cluster, TODO_ACCOUNTS="0", TODO_WORKERS=1))["paths"]
    assert not [path for path in paths if "/auth" in path]


def test_form(site):
    """Unique ids, references that lead somewhere, parameters for each place in a path."""
    whole = document(site)
    assert whole["openapi"] == "3.1.0" and whole["info"]["title"] == "todo-fcgi"
    operations = [(path, operation) for path, methods in whole["paths"].items() for operation in methods.values()]
    ids = [operation["operationId"] for _, operation in operations]
    for path in whole["paths"].values():
        for method, operation in path.items():
            types = operation.get("requestBody", {}).get("content", ())
            assert ("application/merge-patch+json" in types) is (method == "patch")
    assert len(set(ids)) == len(ids)
    for ref in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(whole)):
        assert ref in whole["components"]["schemas"]
    for path, operation in operations:
        placed = {p["name"] for p in operation["parameters"] if p["in"] == "path" and p["required"]}
        assert placed == set(re.findall(r"\{(\w+)\}", path))
        for parameter in operation["parameters"]:
            assert parameter["schema"].get("type") != "string" or parameter["name"] == "user_id" or (
                parameter["schema"]["description"]), (path, parameter)
    for schema in whole["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_field_is_in_it(site):
    fields = re.findall(r"\bF\((\w+), [A-Z]", (SOURCE / "src" / "task_fields.h").read_text())
    schemas = document(site)["components"]["schemas"]
    assert list(schemas["Task"]["properties"]) == fields
    table = (SOURCE / "src" / "task_json.c").read_text().partition("} rules[] = {")[2].partition("};")[0]
    rules = re.findall(r'\{"(\w+)", TASK_SET_', table)
    assert len(rules) >= 6 and list(schemas["NewTask"]["properties"]) == rules == list(schemas["TaskChange"]["properties"])


def test_every_parameter_is_in_it(site):
    table = (SOURCE / "src" / "task_query.c").read_text().partition("} parameters[] = {")[2].partition("};")[0]
    names = re.findall(r'\{\{"(\w+)"', table)
    parameters = document(site)["paths"]["/api/tasks"]["get"]["parameters"]
    assert len(names) > 10 and [p["name"] for p in parameters if p["in"] == "query"] == names


def walk(judge, user, account):
    """Each operation at least once, and each kind of failure."""
    def ask(method, path, body=None, asker=user, **headers):
        return judge.check(asker.request(method, path, body, headers=headers), asker.base + path)

    task = ask("POST", "", {"title": "t", "tags": ["a"], "due_date": "2026-01-01", "priority": "high"}).json()
    id = f"/{task['id']}"
    tag = ask("GET", "")["ETag"]
    for path, body in (("", {"title": ""}), ("", {"title": "t" * 201}), ("/batch", {"operations": []})):
        assert ask("POST", path, body).status == 422
    assert ask("GET", "", **{"If-None-Match": tag}).status == 304
    assert ask("GET", "?limit=0").status == 422
    for path in ("/tags", "/changes", "/export", id, "/999999999", "/x"):
        ask("GET", path)
    for operation, status in (({"op": "delete", "id": 999999999}, 404),
                              ({"op": "update", "id": task["id"], "title": "b", "if_match": 999999999}, 412)):
        assert ask("POST", "/batch", {"operations": [operation]}).status == status
    ask("POST", "/batch", {"operations": [{"op": "create", "title": "b"}, {"op": "delete", "id": task["id"]}]})
    ask("POST", f"{id}/restore")
    assert ask("POST", f"{id}/restore").status == 409
    ask("POST", "/import?dry_run=true", [{"title": "i"}])
    ask("PUT", id, {"title": "u"})
    assert ask("PUT", id, {"title": "u"}, **{"If-Match": '"1"'}).status == 412
    ask("PATCH", id, {"description": None}, **{"Content-Type": "application/merge-patch+json"})
    ask("PATCH", f"{id}/complete")
    assert ask("POST", "", {"title": "t"}, **{"Content-Type": "text/plain"}).status == 415
    assert ask("GET", "", asker=User(user.site, "other", base=user.base), **{"Authorization": "x"}).status == 401
    ask("DELETE", id)
    ask("GET", "/changes")
    for path in ("/", "/health", "/healthz", "/api/health", "/ready", "/metrics", "/openapi.json", "/docs"):
        judge.check(user.site.request("GET", path, checked=False), path)
    for method, path, body in (("GET", "me", None), ("PATCH", "me", {"name": "N"}), ("GET", "sessions", None),
                               ("DELETE", "sessions/none", None),
                               ("POST", "password", {"current_password": "wrong", "new_password": "long enough"}),
                               ("POST", "refresh", {"refresh_token": account.session["refresh_token"]}),
                               ("POST", "login", {"email": account.email, "password": account.password}),
                               ("POST", "login", {"email": account.email, "password": "wrong"}),
                               ("POST", "register", {"email": account.email, "password": account.password}),
                               ("POST", "register", {"email": "x", "password": "x"}),
                               ("POST", "logout", {}), ("DELETE", "me", {"password": account.password})):
        headers = {"Authorization": f"Bearer {account.session['access_token']}", "Content-Type": "application/json"}
        answer = user.site.request(method, f"/api/auth/{path}", None if body is None else json.dumps(body).encode(),
                                   headers)
        judge.check(answer, f"/api/auth/{path}")


@pytest.mark.parametrize("which", ["site", "compatible"])
def test_answers_are_as_it_says(which, request, make_user):
    site = request.getfixturevalue(which)
    judge = Judge(site)
    walk(judge, User(site, f"described {which}"), Account(site, f"{which}@example.com", "a long password"))
    unseen = {(method, path) for path, methods in judge.document["paths"].items() for method in methods} - judge.seen
    short = {"/api/register", "/api/signup", "/api/login", "/api/signin", "/api/auth/profile", "/api/auth/get-session",
             "/api/auth/signup", "/api/auth/signin"}
    assert not {(method, path) for method, path in unseen
                if not path.startswith("/api/tasks") and path not in short and not re.search("toggle|search", path)}


def test_a_required_if_match(cluster, make_site):
    """428 is said of what names a task, and of nothing else."""
    user = User(make_site(cluster, TODO_REQUIRE_IF_MATCH=1), "careful described")
    judge = Judge(user.site)
    for method, path, body in (("PUT", "/1", {"title": "t"}), ("DELETE", "/1", None), ("POST", "/1/restore", None),
                               ("POST", "/batch", {"operations": [{"op": "delete", "id": 1}]})):
        assert judge.check(user.request(method, path, body), user.base + path).status == 428
    for method, path, body in (("POST", "", {"title": "t"}), ("POST", "/import", [{"title": "t"}])):
        assert judge.check(user.request(method, path, body), user.base + path).status < 300
        assert "428" not in judge.operation(method, user.base + path)[1]["responses"]


def test_a_wrong_answer_would_be_found(site, alice):
    judge = Judge(site)
    alice.create()
    answer = alice.get()
    task, = answer.json()
    for spoilt in ({**task, "more": 1}, {**task, "priority": "urgent"}, {k: v for k, v in task.items() if k != "version"}):
        answer.body = json.dumps([spoilt]).encode()
        with pytest.raises(jsonschema.ValidationError):
            judge.check(answer, alice.base)


# ---- the page


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.text = [], set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids.add(attributes.get("id"))
        if "href" in attributes:
            self.links.append(attributes["href"])

    def handle_data(self, data):
        self.text += data


def test_docs(site):
    answer = site.request("GET", "/docs", checked=False)
    assert answer.status == 200 and answer["Content-Type"] == "text/html; charset=utf-8"
    nonce = re.fullmatch(r"default-src 'none'; style-src 'nonce-([\w-]{20,})'; base-uri 'none'; form-action 'none'; "
                         r"frame-ancestors 'none'", answer["Content-Security-Policy"])[1]
    page = Page(answer.body.decode())
    assert [attributes for tag, attributes in page.tags if tag == "style"] == [{"nonce": nonce}]
    assert not [tag for tag, attributes in page.tags if tag in ("script", "link", "img", "iframe") or "style" in attributes]
    whole = document(site)
    for path, methods in whole["paths"].items():
        assert path in page.text
        for operation in methods.values():
            assert operation["operationId"] in page.ids and operation["summary"] in page.text
    for link in page.links:
        assert link == "openapi.json" or link.startswith("#") and link[1:] in page.ids
    again = site.request("GET", "/todo/docs/", checked=False)
    assert again.status == 200 and nonce not in again["Content-Security-Policy"]
