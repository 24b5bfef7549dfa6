# SPDX-License-Identifier: ISC
"""The README's recipes for tokens from elsewhere, as they stand there: the settings go into a file,
the commands into a shell. Only the names of the example's servers and the secret are exchanged."""

import os
import re
import subprocess

import pytest

from better_auth import BetterAuth
from harness import BUILD, SECRET, SOURCE, User, clean_environment, eventually, make_token
from issuer import Key, KeyServer


def recipes():
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Tokens from elsewhere\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)[1]
    found = {}
    for part in re.split(r"^### ", section, flags=re.MULTILINE)[1:]:
        blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL))
        found[part.split("\n")[0]] = blocks
    return found


RECIPES = recipes()


@pytest.fixture(scope="module")
def issuer(cluster):
    issuer = BetterAuth(cluster)
    issuer.todoctl("link", "better-auth", "--unlink")
    yield issuer
    issuer.stop()


@pytest.fixture
def follow(make_site, cluster, issuer, tmp_path):
    """follow(recipe, {text: replacement}): a site that has done what the recipe says, and what its
    commands have printed."""

    def run(title, replaced):
        def exchange(text):
            for old, new in replaced.items():
                assert old in text, f"{title} does not have {old}"
                text = text.replace(old, new)
            return text

        recipe = RECIPES[title]
        conf = tmp_path / "todo.conf"
        conf.write_text(f"DATABASE_URL={issuer.worker_url}\n" + exchange(recipe["ini"]))
        environment = clean_environment(TODO_CONFIG=conf, DATABASE_ADMIN_URL=issuer.admin_url,
                                        PATH=f"{BUILD}:{os.environ['PATH']}")
        done = subprocess.run(["sh", "-e"], input=recipe.get("sh", ""), capture_output=True,
                              text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        os.chmod(tmp_path, 0o755)
        unset = {name: None for name in ("DATABASE_URL", "BETTER_AUTH_SECRET", "TODO_CORS_ORIGINS")}
        return make_site(cluster, TODO_CONFIG=conf, **unset), done.stdout

    return run


def works(site, name, token):
    user = User(site, name)
    user.token = token
    eventually(10, lambda: user.get().status != 503, "the first keys")
    assert user.create()["user_id"] == name


def test_all_are_here():
    here = {name for name in globals() if name.startswith("test_recipe_")}
    assert len(RECIPES) == len(here) == 5, (list(RECIPES), here)


def test_recipe_url(follow, issuer):
    session = issuer.sign_up()
    site, _ = follow("Better Auth, keys by URL", {"https://app.example": issuer.url})
    works(site, session.user, session.token())


def test_recipe_database(follow, issuer):
    session = issuer.sign_up()
    token = session.token()
    site, printed = follow("Better Auth, keys by the database", {"https://app.example": issuer.url})
    assert re.search(r"^EdDSA +\d+ bits", printed, re.MULTILINE), printed
    works(site, session.user, token)


def test_recipe_sessions(follow, issuer):
    session = issuer.sign_up()
    site, _ = follow("Better Auth, its sessions", {"the-secret-that-better-auth-has-too": SECRET})
    works(site, session.user, session.signed)
    headers = {"Cookie": f"better-auth.session_token={session.encoded}", "Origin": "https://app.example",
               "Content-Type": "application/json"}
    assert site.request("POST", "/api/tasks", b'{"title": "by cookie"}', headers).status == 201
    session.sign_out()
    assert site.request("GET", "/api/tasks", headers=headers).status == 401


def test_recipe_own(follow):
    site, printed = follow("HS256 tokens of your own", {"the-secret-that-better-auth-has-too": SECRET})
    assert "accepted for the user somebody" in printed
    works(site, "somebody", make_token("somebody"))


def test_recipe_another(follow):
    key = Key("RS256")
    server = KeyServer(key)
    site, _ = follow("Another issuer", {"https://issuer.example/jwks": server.url})
    works(site, "auth0|1", key.token("auth0|1", iss="https://issuer.example/", aud=["https://todo.example", "x"]))
    user = User(site, "auth0|1")
    user.token = key.token("auth0|1", iss="https://issuer.example/", aud="https://other.example")
    assert user.get().status == 401
    server.stop()
