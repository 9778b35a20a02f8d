"""The audit log: every change is on it with who made it and what it was, and no secret ever is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import found
from tests.cli.command import command
from tests.server import RunningAssay, running
from tests.web.people import Person, person

CANARIES = {
    "a provider's key": "sk-canary-provider-1f0b2a",
    "a second key": "sk-canary-second-77aa01",
    "a value": "canary-region-9b8c7d",
    "a password": "canary password 5e4d3c",
    "a wrong password": "canary wrong password 0a1b2c",
    "an address typed as a password": "canary-typed-8f7e6d",
    "a token": "canary-token-6c5b4a",
    "work": "canary prompt of somebody 3d2c1b",
}


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    with running(tmp_path_factory.mktemp("audit"), "--demo", environ={"ASSAY_LOG_LEVEL": "DEBUG"}) as server:
        server.sign_in()
        yield server


def entries(assay: RunningAssay, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"limit": "200", **query}.items())
    found: list[dict[str, Any]] = assay.ask("GET", f"/api/v1/audit?{asked}").json["entries"]
    return found


def last(assay: RunningAssay) -> tuple[str, str, dict[str, Any]]:
    entry = entries(assay, limit="1")[0]
    return entry["action"], entry["target"], entry["detail"]


def test_a_change_is_on_record_with_who_made_it_and_what_it_was(assay: RunningAssay) -> None:
    ana = person(assay, "admin")
    made = ana.ask("POST", "/teams", {"name": "core", "limits": {"concurrent": 3}}).json
    entry = entries(assay, limit="1")[0]
    assert entry | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "actor": ana.id,
        "actor_name": "Admin",
        "address": "127.0.0.1",
        "action": "POST /teams",
        "target": made["id"],
        "detail": {"name": "core", "limits": {"concurrent": 3}},
    }
    ana.ask("PATCH", f"/teams/{made['id']}", {"limits": None})
    assert last(assay) == ("PATCH /teams/{id}", made["id"], {"limits": None})
    ana.ask("DELETE", f"/teams/{made['id']}")
    assert last(assay) == ("DELETE /teams/{id}", made["id"], {})


def test_what_failed_or_was_only_read_is_no_change(assay: RunningAssay) -> None:
    before = entries(assay)
    assay.ask("GET", "/api/v1/teams")
    assert assay.ask("POST", "/api/v1/teams", {"name": ""}).status == 400
    assert assay.ask("PATCH", "/api/v1/teams/none", {"name": "x"}).status == 404
    assert assay.ask("DELETE", "/api/v1/session", headers={"cookie": ""}).status == 200, "nobody signs out"
    assert entries(assay) == before


def test_signing_in_and_out_is_on_record_and_so_is_whoever_did_not_get_in(assay: RunningAssay) -> None:
    ana = person(assay)
    assert last(assay) == ("sign in", ana.id, {"by": "account"})
    ana.ask("DELETE", "/session")
    assert last(assay)[0] == "sign out"
    ana.sign_in("not the password at all")
    assert last(assay) == ("sign in refused", "", {"by": "account", "code": "login.wrong_password"})
    assay.ask("GET", "/login?token=nothing", headers={"cookie": ""})
    assert last(assay) == ("sign in refused", "", {"by": "link", "code": "login.link_spent"})
    token = command(assay.folder, "login").out.strip().partition("token=")[2]
    assay.ask("GET", f"/login?token={token}", headers={"cookie": ""})
    assert last(assay) == ("sign in", "admin", {"by": "link"})


def test_guessing_does_not_fill_the_disk(assay: RunningAssay) -> None:
    """The log of the server has every try; the audit log so many of each minute."""
    for _ in range(100):
        assay.ask("GET", "/login?token=guess", headers={"cookie": ""})
    assert len(entries(assay, action="sign+in+refused")) <= 62


def test_the_command_line_is_local_and_shows_the_log(assay: RunningAssay) -> None:
    made = command(assay.folder, "team", "create", "from the shell", "--json").json
    assert entries(assay, limit="1")[0] | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "actor": "local",
        "actor_name": "local",
        "address": "local",
        "action": "POST /teams",
        "target": made["id"],
        "detail": {"name": "from the shell"},
    }
    shown = command(assay.folder, "audit", "--actor", "local", "--action", "POST /teams", "--json").json
    assert [entry["target"] for entry in shown] == [made["id"]]
    table = command(assay.folder, "audit", "--limit", "5").out
    assert "POST /teams" in table
    assert "name=from the shell" in table


def test_the_log_is_read_page_by_page_and_by_who_did_what(assay: RunningAssay) -> None:
    ana = person(assay, "admin")
    for number in range(5):
        ana.ask("POST", "/teams", {"name": f"page {number}"})
    first = assay.ask("GET", f"/api/v1/audit?limit=3&actor={ana.id}&action=POST+/teams").json
    rest = assay.ask("GET", f"/api/v1/audit?limit=3&actor={ana.id}&action=POST+/teams&before={first['next']}").json
    names = [entry["detail"]["name"] for entry in [*first["entries"], *rest["entries"]]]
    assert (names, rest["next"]) == ([f"page {number}" for number in range(4, -1, -1)], None)


def test_nothing_is_ever_taken_from_it(assay: RunningAssay) -> None:
    with contextlib.closing(sqlite3.connect(assay.folder / "data" / "assay.db")) as database:
        for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


def _every_secret(assay: RunningAssay, ana: Person) -> list[int]:
    """All that takes a secret, right and wrong."""
    key, second, value, password, wrong, typed, token, work = CANARIES.values()
    sent = [
        assay.ask("PUT", "/api/v1/providers/openai/key", {"key": key}),
        assay.ask("POST", "/api/v1/providers", {"name": "mine", "base_url": "http://127.0.0.1:1/v1", "key": key}),
        assay.ask("POST", "/api/v1/providers/openai/keys", {"name": "second", "key": second}),
        assay.ask("PUT", "/api/v1/providers/bedrock/values", {"values": {"region": value}}),
        assay.ask("POST", f"/api/v1/users/{ana.id}/password", {"password": password}),
        assay.ask("POST", "/api/v1/session", {"email": ana.email, "password": wrong}, {"cookie": ""}),
        assay.ask("POST", "/api/v1/session", {"email": typed, "password": wrong}, {"cookie": ""}),
        assay.ask("POST", "/api/v1/session", {"token": token}, {"cookie": ""}),
        assay.ask("GET", f"/login?token={token}", headers={"cookie": ""}),
        assay.ask("POST", "/api/v1/work?name=some", work.encode()),
        assay.ask("POST", "/api/v1/keys", {"name": "k"}),
        assay.ask("POST", f"/api/v1/keys/{assay.ask('POST', '/api/v1/keys', {'name': 'k'}).json['id']}/rotate", {}),
    ]
    ana.sign_in(password)
    sent.append(ana.ask("PUT", "/account/password", {"old": password, "new": f"{password} too"}))
    for reply in sent:
        if reply.status < 300 and "json" in reply.headers["content-type"] and "key" in reply.json:
            CANARIES[f"gateway key {len(CANARIES)}"] = str(reply.json["key"]) if isinstance(reply.json["key"], str) else key
    return [reply.status for reply in sent]


def test_no_secret_is_ever_on_record_nor_logged(assay: RunningAssay) -> None:
    statuses = _every_secret(assay, person(assay))
    assert statuses.count(401) == 4, statuses
    assert sum(status < 300 for status in statuses) >= 7, statuses
    log = assay.ask("GET", "/api/v1/audit?limit=500").body
    assert b"PUT /providers/{name}/key" in log
    assert found(CANARIES, log) == []
    assert found(CANARIES, assay.stderr) == []
    with contextlib.closing(sqlite3.connect(Path(assay.folder) / "data" / "assay.db")) as database:
        rows = "\n".join(str(row) for row in database.execute("SELECT * FROM audit")).encode()
    assert found(CANARIES, rows) == []
