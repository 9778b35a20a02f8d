"""Aliases, keys and limits over the API."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette

from assay.core import Alias, AssayError, Limits, Target, now_us
from assay.gateway.conditions import Conditions, Unwell, save
from assay.gateway.control.routes import routes
from assay.gateway.control.routes_routing import routing_routes
from assay.store import Database
from assay.store.aliases import delete_alias, load_aliases, save_alias
from assay.web import problems
from assay.web.serve import listening
from tests.asgi import signed_in
from tests.gateway.rig import ANSWER, Reply, Running, answering, running, told

pytestmark = pytest.mark.anyio

TWO = {"targets": [{"deployment": "up/bad"}, {"deployment": "up/m", "priority": 1}], "retries": 1}


@asynccontextmanager
async def plane(db: Database, folder: Path, url: str, **settings: Any) -> AsyncIterator[tuple[Running, Running]]:
    """The gateway, and the API beside it."""
    async with running(db, folder, url, **settings) as served:
        endpoints = [*routes(served.gateway), *routing_routes(served.gateway)]
        app = signed_in(Starlette(routes=endpoints, exception_handlers={AssayError: problems.on_assay_error}))
        async with listening(app, served.gateway.settings) as address:
            yield served, Running(served.gateway, address, served.key, db)


async def ask(api: Running, method: str, path: str, document: Any = None) -> Reply:
    body = b"" if document is None else json.dumps(document).encode()
    return await api.ask(method, f"/api/v1{path}", body, content_type="application/json")


async def provider(api: Running) -> Mapping[str, Any]:
    rows: list[dict[str, Any]] = (await ask(api, "GET", "/providers")).json["providers"]
    return next(row for row in rows if row["name"] == "up")


async def test_an_alias_works_from_when_it_is_set_until_it_is_removed(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url) as (served, api):
        made = await ask(api, "PUT", "/aliases/pool", TWO)
        assert made.json == {
            "name": "pool",
            "targets": [
                {"deployment": "up/bad", "weight": 1, "priority": 0, "state": "ok"},
                {"deployment": "up/m", "weight": 1, "priority": 1, "state": "ok"},
            ],
            "retries": 1,
            "cache_s": 0,
            "origin": "database",
        }
        assert (await ask(api, "GET", "/aliases")).json == {"aliases": [made.json]}
        assert (await served.chat(model="pool")).json == ANSWER
        assert (await ask(api, "DELETE", "/aliases/pool")).status == 204
        assert (await served.chat(model="pool")).status == 404


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("pool", {"targets": [{"deployment": "uq/m"}]}, 400, "alias.target"),
        ("pool", {"targets": [{"deployment": "pool"}]}, 400, "alias.target"),
        ("pool", {"targets": []}, 400, "alias.targets"),
        ("pool", {"targets": [{"deployment": "up/m", "weight": 0}]}, 400, "alias.targets"),
        ("pool", {"targets": [{"deployment": "up/m"}], "retries": 11}, 400, "api.bad_body"),
        ("-pool", TWO, 400, "alias.name"),
        ("fixed", TWO, 409, "alias.in_file"),
    ],
)
async def test_aliases_that_could_not_work_are_refused(
    db: Database, tmp_path: Path, name: str, body: Any, status: int, code: str
) -> None:
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1", aliases={"fixed": "up/m"}) as (_, api):
        refused = await ask(api, "PUT", f"/aliases/{name}", body)
        assert (refused.status, refused.json["code"]) == (status, code)
        if code == "alias.target" and "uq" in str(body):
            assert "'up/m'" in refused.json["hint"]


async def test_the_file_wins_over_the_database_and_is_not_changed_from_here(db: Database, tmp_path: Path) -> None:
    await save_alias(db, "fixed", Alias.to("up/other"))
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1", aliases={"fixed": "up/m"}) as (served, api):
        (row,) = (await ask(api, "GET", "/aliases")).json["aliases"]
        assert (row["origin"], row["targets"][0]["deployment"]) == ("file", "up/m")
        assert served.gateway.find("fixed").id == "up/m"
        assert (await ask(api, "DELETE", "/aliases/fixed")).json["code"] == "alias.in_file"
        assert (await ask(api, "DELETE", "/aliases/none")).json["code"] == "alias.not_found"


async def test_further_keys_are_shown_by_their_ends_only(db: Database, tmp_path: Path) -> None:
    environ = {"UP_KEY": "sk-first-0123456789", "UP_KEY_2": "sk-second-0123456789"}
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1", environ=environ) as (_, api):
        added = await ask(api, "POST", "/providers/up/keys", {"name": "third", "key": "sk-third-0123456789"})
        assert added.status == 201
        assert [(key["name"], key["hint"], key["source"], key["state"]) for key in added.json["keys"]] == [
            ("default", "…6789", "environment", "ok"),
            ("2", "…6789", "environment", "ok"),
            ("third", "…6789", "vault", "ok"),
        ]
        assert b"sk-" not in added.body
        assert (await ask(api, "DELETE", "/providers/up/keys/2")).json["code"] == "provider.key_in_environment"
        assert (await ask(api, "DELETE", "/providers/up/keys/fourth")).json["code"] == "provider.key_not_found"
        assert len((await ask(api, "DELETE", "/providers/up/keys/third")).json["keys"]) == 2
        bad = await ask(api, "POST", "/providers/up/keys", {"name": "a:b", "key": "sk-x"})
        assert bad.json["code"] == "provider.key_name"


async def test_a_provider_shows_which_keys_are_left_alone_and_why(db: Database, tmp_path: Path) -> None:
    async def refusing(wire: Any) -> None:
        while True:
            await wire.request()
            await wire.answer({"error": {"message": "You said: a secret", "code": "no_credit"}}, "402 Payment Required")

    async with told(refusing) as upstream, plane(db, tmp_path, upstream.url) as (served, api):
        assert ((await provider(api))["state"], (await provider(api))["keys"][0]["state"]) == ("ok", "ok")
        await served.chat()
        shown = await provider(api)
        assert (shown["state"], shown["keys"][0]["state"]) == ("parked", "parked")
        assert shown["keys"][0]["reason"] == "HTTP 402, no_credit", "a provider's own words may repeat what was said"
        assert shown["keys"][0]["parked_until"].endswith("Z")


async def test_limits_of_a_provider_are_kept(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1") as (served, api):
        limits = {"requests_per_minute": 60, "tokens_per_minute": None, "concurrent": 4}
        assert (await ask(api, "PUT", "/providers/up/limits", limits)).json["limits"] == limits
        assert served.gateway.registry.get("up").limits == Limits(requests_per_minute=60, concurrent=4)
        unlimited = dict.fromkeys(limits)
        assert (await ask(api, "PUT", "/providers/up/limits", {})).json["limits"] == unlimited


async def test_aliases_are_kept_by_both_databases(database: Database) -> None:
    alias = Alias(targets=(Target(deployment="a/b", weight=0.5), Target(deployment="c/d", priority=2)), retries=3, cache_s=60)
    await save_alias(database, "pool", Alias.to("x/y"))
    await save_alias(database, "pool", alias)
    await save_alias(database, "other", Alias.to("x/y"))
    assert await load_aliases(database) == {"other": Alias.to("x/y"), "pool": alias}
    await delete_alias(database, "pool")
    assert list(await load_aliases(database)) == ["other"]


async def test_nobody_adds_a_unix_socket_over_the_api(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1") as (_, api):
        refused = await ask(api, "POST", "/providers", {"name": "mine", "base_url": "http+unix://%2Frun%2Fdocker.sock/v1"})
        assert (refused.status, refused.json["code"]) == (400, "provider.base_url")


async def test_what_another_process_knows_of_keys_and_deployments_is_shown_too(db: Database, tmp_path: Path) -> None:
    aliases = {"pool": Alias(targets=(Target(deployment="up/m"),))}
    async with plane(db, tmp_path, "http://127.0.0.1:9/v1", aliases=aliases) as (served, api):
        folder = served.gateway.settings.metrics_folder
        folder.mkdir()
        later = now_us() + 60_000_000
        theirs = Conditions({}, {"up/m": Unwell("open", "HTTP 503", later)})
        (folder / "1.health").write_bytes(msgspec.json.encode(theirs))
        (folder / "2.health").write_bytes(b"{")
        assert (await provider(api))["state"] == "open"
        assert (await ask(api, "GET", "/aliases")).json["aliases"][0]["targets"][0]["state"] == "open"
        (folder / "3.health").write_bytes(msgspec.json.encode(Conditions({"up/default": Unwell("parked", "HTTP 402", later)}, {})))
        shown = await provider(api)
        assert (shown["state"], shown["keys"][0]["reason"]) == ("parked", "HTTP 402")
        for left in folder.iterdir():
            os.utime(left, (0, 0))
        assert (await provider(api))["state"] == "ok", "they are of processes that are gone"


async def test_a_process_tells_of_the_unwell_only(db: Database, tmp_path: Path) -> None:
    async with running(db, tmp_path, "http://127.0.0.1:9/v1") as served:
        gateway, folder = served.gateway, tmp_path
        save(gateway.conditions(), folder)
        assert list(folder.glob("*.health")) == []
        for _ in range(5):
            gateway.health.fail("up/m", False, "HTTP 503")
        save(gateway.conditions(), folder)
        (left,) = folder.glob("*.health")
        assert msgspec.json.decode(left.read_bytes(), type=Conditions).deployments["up/m"].state == "open"
        gateway.health.succeed("up/m", 1)
        save(gateway.conditions(), folder)
        assert list(folder.glob("*.health")) == []
