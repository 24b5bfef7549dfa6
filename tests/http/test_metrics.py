# SPDX-License-Identifier: ISC
"""/metrics: what is counted, over all workers, and who may read it. promtool is Prometheus's own."""

import collections
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import pytest

from harness import SECRET, SOURCE, Site, User, children, eventually, make_token, name_value, read_answer, record

SAMPLE = re.compile(r'(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    def __init__(self, text):
        self.text = text
        self.samples = collections.defaultdict(dict)
        self.types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
        self.helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.MULTILINE))
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                self.samples[name][frozenset(LABEL.findall(labels or ""))] = float(value)

    def get(self, name, **labels):
        """The sum of the series that have these labels."""
        return sum(value for series, value in self.samples[name].items() if labels.items() <= set(series))

    def requests(self, **labels):
        return self.get("todo_http_requests_total", **labels)


def scrape(site, path="/metrics", headers=None):
    answer = site.request("GET", path, headers=headers, checked=False)
    assert answer.status == 200, answer
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer["Cache-Control"] == "no-store" and answer["X-Content-Type-Options"] == "nosniff"
    return Metrics(answer.body.decode())


@pytest.fixture(scope="module")
def metered(cluster):
    """A site that nobody else uses: four workers; no proxy is trusted."""
    site = Site(cluster, TODO_TRUSTED_PROXIES=None, TODO_WORKERS=4)
    yield site
    site.stop()


def test_promtool(metered):
    User(metered, "somebody").create()
    text = scrape(metered).text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    assert done.returncode == 0 and not done.stdout and not done.stderr, done


def test_form(metered):
    """What promtool lets pass: each family once, in one piece, with help and type before it."""
    metrics = scrape(metered)
    families = re.findall(r"^# HELP (\w+)", metrics.text, re.MULTILINE)
    assert len(families) == len(set(families)) and families == list(metrics.types) == list(metrics.helps)
    current = None
    for line in metrics.text.splitlines():
        if line.startswith("#"):
            current = line.split()[2]
        else:
            name = re.match(r"\w+", line)[0]
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert (base if metrics.types[current] == "histogram" else name) == current, line
    counters = {name for name, kind in metrics.types.items() if kind == "counter"}
    assert counters == {name for name in metrics.types if name.endswith("_total")}


def difference(metered, act):
    before = scrape(metered)
    act()
    after = scrape(metered)
    return lambda name, **labels: after.get(name, **labels) - before.get(name, **labels)


def test_requests_by_route_method_and_status(metered):
    user = User(metered, "u/1")

    def act():
        task = user.create()
        for path in ("", "?limit=1", "/"):
            assert user.get(path).status == 200
        assert user.request("HEAD").status == 200
        assert user.get("?limit=0").status == 422
        assert user.get(f"/{task['id']}").status == 200
        assert User(metered, "u/1", base="/todo/api/tasks").get().status == 200
        assert user.get("/999999").status == 404
        assert metered.request("GET", "/nowhere/token-in-a-path").status == 404
        assert user.request("PUT").status == 405
        assert metered.request("OPTIONS", "/api/tasks").status == 204

    delta = difference(metered, act)
    for count, labels in ((4, dict(route="/api/tasks", method="GET", status="200")),
                          (1, dict(route="/api/tasks", method="HEAD", status="200")),
                          (1, dict(route="/api/tasks", method="GET", status="422")),
                          (1, dict(route="/api/tasks", method="POST", status="201")),
                          (1, dict(route="/api/tasks/{id}", method="GET", status="200")),
                          (1, dict(route="/api/tasks/{id}", method="GET", status="404")),
                          (1, dict(route="none", method="GET", status="404")),
                          (1, dict(route="none", method="PUT", status="405")),
                          (1, dict(route="none", method="OPTIONS", status="204")),
                          (1, dict(route="/metrics", method="GET", status="200")),
                          (13, {})):
        assert delta("todo_http_requests_total", **labels) == count, labels
    assert delta("todo_http_request_duration_seconds_count") == 13
    assert delta("todo_http_request_duration_seconds_bucket", le="+Inf", route="/api/tasks", method="GET") == 5
    assert delta("todo_http_request_duration_seconds_sum") > 0
    assert 7 <= delta("todo_database_roundtrip_duration_seconds_count") <= 11
    text = scrape(metered).text
    assert "token-in-a-path" not in text and "u/1" not in text and "u%2F1" not in text


def test_histograms_grow(metered):
    metrics = scrape(metered)
    for base in ("todo_http_request_duration_seconds", "todo_database_roundtrip_duration_seconds"):
        series = collections.defaultdict(list)
        for labels, value in metrics.samples[f"{base}_bucket"].items():
            bound = float(dict(labels)["le"])
            series[frozenset(pair for pair in labels if pair[0] != "le")].append((bound, value))
        for labels, buckets in series.items():
            counts = [count for _, count in sorted(buckets)]
            assert len(counts) == 14 and counts == sorted(counts)
            assert counts[-1] == metrics.samples[f"{base}_count"][labels]


def test_refusals_by_cause(metered):
    def get(path, header):
        return metered.request("GET", path, headers={"Authorization": header} if header else None).status

    def act():
        assert get("/api/tasks", None) == 401
        assert get("/api/tasks", "Basic eDp5") == 401
        assert get("/api/tasks", "Bearer x.y.z") == 401
        assert get("/api/tasks", f"Bearer {make_token('u', exp=1000)}") == 401
        assert get("/api/tasks", f"Bearer {make_token('u', secret=SECRET[::-1])}") == 401
        assert get("/api/tasks", f"Bearer {make_token('u', nbf=9999999999)}") == 401
        assert get("/api/others/tasks", f"Bearer {make_token('u')}") == 403
        body = json.dumps({"email": "nobody@example.com", "password": "no password"}).encode()
        assert metered.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"}).status == 401
        assert metered.request("POST", "/api/auth/refresh", b'{"refresh_token": "x"}').status == 401

    delta = difference(metered, act)
    expected = {"no_token": 2, "malformed": 1, "expired": 1, "signature": 1, "not_yet_valid": 1, "other_user": 1,
                "password": 1, "refresh_token": 1}
    causes = {dict(labels)["cause"] for labels in scrape(metered).samples["todo_auth_failures_total"]}
    assert {cause: delta("todo_auth_failures_total", cause=cause) for cause in causes} == \
        {cause: expected.get(cause, 0) for cause in causes}


def test_workers_and_queue(metered):
    """All four are kept busy by requests whose bodies do not come; a fifth waits in the queue."""
    assert scrape(metered).get("todo_workers") == 4
    eventually(5, lambda: scrape(metered).get("todo_workers_busy") == 1, "rest")
    metrics = scrape(metered)
    assert metrics.get("todo_accept_queue_length") == 0 and metrics.get("todo_accept_queue_limit") == 1024
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    try:
        for connection in waiting:
            connection.connect(str(metered.pool.socket))
        eventually(5, lambda: scrape(metered).get("todo_workers_busy") == 4, "three busy workers")
    finally:
        for connection in waiting:
            connection.close()
    eventually(5, lambda: scrape(metered).get("todo_workers_busy") == 1, "their end")
    assert scrape(metered).get("todo_unanswered_connections_total", cause="no_request") >= 3


def test_a_queue(cluster, make_site):
    """A lone worker reads a silent connection; behind it wait a question for the metrics, and two more."""
    site = make_site(cluster, TODO_WORKERS=1)
    connections = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    parameters = (("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/metrics"), ("REMOTE_ADDR", "127.0.0.1"))
    question = record(1, struct.pack("!HB5x", 1, 0)) + record(4, b"".join(name_value(*p) for p in parameters)) + \
        record(4) + record(5)
    try:
        for connection in connections:
            connection.settimeout(30)
            connection.connect(str(site.pool.socket))
        connections[1].sendall(question)
        connections[0].close()
        status, _, body = read_answer(connections[1].makefile("rb"))
    finally:
        for connection in connections:
            connection.close()
    assert status == 200
    assert Metrics(body.decode()).get("todo_accept_queue_length") == 2


def test_nothing_goes_back_when_workers_die(metered):
    """Every number that should only grow does, while workers are killed and replaced under load."""
    user = User(metered, "survivor")
    user.create()
    stop = threading.Event()

    def load():
        while not stop.is_set():
            user.get(checked=False)

    threads = [threading.Thread(target=load) for _ in range(3)]
    last = scrape(metered)
    starts = last.get("todo_worker_starts_total")
    killed = 0
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            if killed < 3:
                eventually(10, lambda: len(metered.pool.workers()) == metered.pool.size, "all workers")
                os.kill(metered.pool.workers()[killed], signal.SIGKILL)
                killed += 1
            answer = metered.request("GET", "/metrics", checked=False)
            if answer.status != 200:
                continue
            metrics = Metrics(answer.body.decode())
            for name, series in last.samples.items():
                if metrics.types.get(name) == "counter" or re.search("_(bucket|sum|count)$", name):
                    for labels, value in series.items():
                        assert metrics.samples[name].get(labels, 0) >= value, (name, labels)
            last = metrics
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    eventually(10, lambda: scrape(metered).get("todo_workers") == 4, "four workers")
    assert scrape(metered).get("todo_worker_starts_total") == starts + killed
    assert scrape(metered).requests(route="/api/tasks") >= last.requests(route="/api/tasks") > 0


def test_reconnects_and_retries(own_cluster, make_site):
    site = make_site(own_cluster, TODO_WORKERS=1)
    user = User(site, "patient")
    user.create()
    before = scrape(site)
    assert before.get("todo_database_connections_total", result="first") == 1
    assert before.get("todo_database_connections_total", result="again") == 0
    own_cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_app'")
    assert user.get().status == 200
    after = scrape(site)
    assert after.get("todo_database_connections_total", result="first") == 1
    assert after.get("todo_database_connections_total", result="again") == 1
    own_cluster.stop("immediate")
    assert user.get().status == 503
    assert scrape(site).get("todo_database_connections_total", result="failed") > 0
    own_cluster.start()
    eventually(10, site.is_ready, "recovery")


def test_reload_goes_on_counting(cluster, make_site, tmp_path):
    """The workers before and after a HUP count in the same memory; those that are gone are no workers."""
    settings = tmp_path / "todo.conf"
    settings.write_text("TODO_WORKERS=4\n")
    site = make_site(cluster, TODO_CONFIG=settings, TODO_WORKERS=None)
    user = User(site, "faithful")
    user.create()
    eventually(20, lambda: scrape(site).get("todo_workers") == 4, "four workers")
    before = scrape(site)
    old = set(children(site.pool.process.pid))
    settings.write_text("TODO_WORKERS=2\n")
    os.kill(site.pool.process.pid, signal.SIGHUP)
    eventually(20, lambda: len(now := children(site.pool.process.pid)) == 2 and not old & set(now), "other workers")
    eventually(20, lambda: scrape(site).get("todo_worker_starts_total") == 6, "their starts")
    after = scrape(site)
    assert after.get("todo_pool_start_time_seconds") == before.get("todo_pool_start_time_seconds")
    eventually(20, lambda: scrape(site).get("todo_workers") == 2, "two workers")
    assert after.requests(method="POST", status="201") == 1
    assert after.requests() > before.requests()


@pytest.mark.parametrize("header", ["127.0.0.1", "::1", "203.0.113.9", "127.0.0.1, 203.0.113.9", "x"])
def test_who_asks_for_others_is_refused(metered, header):
    """No proxy is trusted here: whoever says that he is one asks from somewhere else."""
    for path in ("/metrics", "/todo/metrics", "/metrics/"):
        answer = metered.request("GET", path, headers={"X-Forwarded-For": header})
        assert answer.status == 404 and answer.json()["detail"] == "there is nothing at this path"


def test_through_a_trusted_proxy(site):
    """The tests' own site trusts 127.0.0.1, that is us."""
    trusted = {"X-Forwarded-For": "127.0.0.1"}
    eventually(10, lambda: scrape(site, headers=trusted).get("todo_workers") == site.pool.size, "all workers")
    for header in ("203.0.113.9", "127.0.0.1, 203.0.113.9", "::1,203.0.113.9", "203.0.113.9, unknown"):
        answer = site.request("GET", "/metrics", headers={"X-Forwarded-For": header})
        assert answer.status == 404, header


def test_allow(cluster, make_site):
    site = make_site(cluster, TODO_METRICS_ALLOW="203.0.113.0/24", TODO_WORKERS=1)
    assert site.request("GET", "/metrics").status == 404
    assert scrape(site, headers={"X-Forwarded-For": "203.0.113.9"}).get("todo_workers") == 1
    assert site.request("GET", "/metrics", headers={"X-Forwarded-For": "203.0.114.9"}).status == 404


def test_allow_none(cluster, make_site):
    site = make_site(cluster, TODO_METRICS_ALLOW="none", TODO_WORKERS=1)
    assert site.request("GET", "/metrics").status == 404


def test_plain_workers_count_for_themselves(cluster, make_site):
    site = make_site(cluster, spawned=2)
    assert scrape(site).get("todo_workers") == 1


def test_dashboard_names_what_there_is(metered):
    """Metrics, and the labels by which it groups."""
    metrics = scrape(metered)
    dashboard = json.loads((SOURCE / "deploy" / "grafana-dashboard.json").read_text())
    text = json.dumps(dashboard)
    used = set(re.findall(r"\btodo_\w+", text))
    assert used - set(metrics.samples) == set()
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in used} >= set(metrics.types)
    labels = {name for series in metrics.samples.values() for key in series for name, _ in key}
    grouped = {word for group in re.findall(r"by \(([^)]*)\)", text) for word in re.split(r",\s*", group)}
    assert grouped <= labels
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    expressions = [target["expr"].replace("$__rate_interval", "5m").replace("$job", "todo")
                   for panel in dashboard["panels"] for target in panel["targets"]]
    rules = {"groups": [{"name": "all", "rules": [{"record": f"rule:{number}", "expr": expression}
                                                  for number, expression in enumerate(expressions)]}]}
    done = subprocess.run(["promtool", "check", "rules", "/dev/stdin"], input=json.dumps(rules), text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
