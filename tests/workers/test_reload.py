"""``assay.toml`` changed while Assay runs: what can change does, what cannot is named, and a bad file changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import WAIT_S, chat, eventually, serving, upstream, write_config

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@pytest.fixture(params=[0, 2])
def assay(request: pytest.FixtureRequest, provider: ScriptedUpstream, tmp_path: Path) -> Iterator[RunningAssay]:
    with serving(tmp_path / "a", provider, request.param, "--database", f"sqlite:///{tmp_path}/a/kept.db") as running:
        yield running


async def knows(assay: RunningAssay, alias: str) -> bool:
    """Whether every process knows a model by this name."""
    replies = [await chat(assay.url, assay.gateway_key, alias) for _ in range(8)]
    return {reply.status for reply in replies} == {200}


async def until_known(assay: RunningAssay, alias: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await knows(assay, alias):  # noqa: ASYNC110  # what is waited for is in other processes
            await asyncio.sleep(0.05)


def waiting(assay: RunningAssay) -> list[str]:
    waits: list[str] = assay.ask("GET", "/api/v1/config").json["waiting"]
    return waits


async def test_an_alias_and_a_time_limit_count_as_soon_as_they_are_written(assay: RunningAssay, provider: ScriptedUpstream) -> None:
    assert (await chat(assay.url, assay.gateway_key, "quick")).status == 404
    write_config(assay.folder, provider, 'idle_timeout_s = 0.3\naliases.quick = "scripted/fast"')
    await until_known(assay, "quick")
    broken = await chat(assay.url, assay.gateway_key, "scripted/stall", stream=True)
    assert b"nothing came for 0.3 s" in broken.body
    shown = {row["name"]: row for row in assay.ask("GET", "/api/v1/config").json["settings"]}
    assert shown["idle_timeout_s"] | {"value": 0.3, "origin": "file", "reloads": True} == shown["idle_timeout_s"]
    assert shown["workers"]["origin"] == "flag"


async def test_a_bad_file_changes_nothing_and_is_told_until_it_is_mended(assay: RunningAssay, provider: ScriptedUpstream) -> None:
    write_config(assay.folder, provider, 'aliases.quick = "scripted/fast"')
    await until_known(assay, "quick")
    write_config(assay.folder, provider, "idle_timeout = 1")
    await eventually(lambda: assay.ask("GET", "/api/v1/config").json["problem"] is not None)
    problem = assay.ask("GET", "/api/v1/config").json["problem"]
    assert (problem["code"], problem["hint"]) == ("settings.unknown_key", "Did you mean 'idle_timeout_s'?")
    assert b"what was before goes on code=settings.unknown_key" in assay.stderr
    assert await knows(assay, "quick")
    write_config(assay.folder, provider, 'aliases.other = "scripted/fast"')
    await until_known(assay, "other")
    assert assay.ask("GET", "/api/v1/config").json["problem"] is None
    assert (await chat(assay.url, assay.gateway_key, "quick")).status == 404


async def test_what_needs_a_restart_is_named_and_stays(assay: RunningAssay, provider: ScriptedUpstream) -> None:
    write_config(assay.folder, provider, 'public_url = "https://elsewhere.example"\nlog_level = "DEBUG"')
    await eventually(lambda: waiting(assay) == ["public_url"])
    assert b"these settings count after a restart of Assay settings=public_url" in assay.stderr
    assert assay.ask("GET", "/healthz").status == 200
    write_config(assay.folder, provider)
    await eventually(lambda: waiting(assay) == [])
