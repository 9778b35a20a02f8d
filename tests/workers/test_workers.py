"""Several processes behind one address: who answers what, who learns of changes, and who goes when another does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream
from tests.workers.rig import chat, children_of, eventually, line, models, serving, upstream

pytestmark = pytest.mark.anyio
PAGES_ONLY = ("starlette", "numpy", "uvicorn", "click", "h11", "assay.api", "assay.arena", "assay.board", "assay.challenge", "assay.web", "assay.cli")  # fmt: skip


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def assay(provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    with serving(tmp_path_factory.mktemp("two"), provider, 2) as running:
        yield running


def test_a_worker_loads_nothing_that_only_pages_need() -> None:
    code = "import sys, assay.gateway.worker; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in PAGES_ONLY if name in loaded] == []


async def test_pages_api_and_gateway_have_one_address(assay: RunningAssay) -> None:
    assert assay.ask("GET", "/healthz").json["status"] == "ok"
    assert assay.ask("GET", "/readyz").json == {"status": "ready"}
    assert assay.ask("GET", "/api/v1/session").json["signed_in"]
    assert assay.ask("GET", "/").headers["content-type"].startswith("text/html")
    assert (await chat(assay.url, assay.gateway_key, "scripted/fast")).complete


async def test_one_kept_connection_serves_both_kinds(assay: RunningAssay) -> None:
    async with line(assay.url) as kept:
        for _ in range(3):
            assert (await kept.chat(assay.gateway_key, "scripted/fast")).status == 200
            kept.send("HEAD", "/healthz")
            assert b" 200 " in await kept.reader.readuntil(b"\r\n\r\n")
            assert (await kept.ask("GET", "/healthz")).status == 200


async def test_a_body_is_passed_on_announced_or_in_pieces(assay: RunningAssay) -> None:
    body = json.dumps({"name": "one of many"}).encode()
    sent = {"content-type": "application/json", "cookie": assay.cookie}
    async with line(assay.url) as kept:
        announced = await kept.ask("POST", "/api/v1/keys", body, sent)
        in_pieces = await kept.ask_in_pieces("POST", "/api/v1/keys", [body[:9], body[9:12], body[12:]], sent)
        assert (announced.status, in_pieces.status) == (201, 201)


def test_nobody_is_local_through_a_worker(assay: RunningAssay) -> None:
    forged = {"x-assay-client": "127.0.0.1 1", "x-assay-local": "1"}
    assert assay.ask("POST", "/api/v1/login-links", headers=forged).status == 403


def test_a_foreign_page_is_refused_as_ever(assay: RunningAssay) -> None:
    assert assay.ask("GET", "/api/v1/session", headers={"host": "evil.example"}).status == 403
    assert assay.ask("POST", "/api/v1/keys", {"name": "x"}, headers={"origin": "https://evil.example"}).status == 403


async def test_a_conversation_goes_on_at_whichever_worker_is_next(assay: RunningAssay) -> None:
    headers = {"authorization": f"Bearer {assay.gateway_key}", "content-type": "application/json"}
    for _ in range(12):
        async with line(assay.url) as first, line(assay.url) as second:
            body = {"model": "scripted/fast", "input": "Begin."}
            begun = await first.ask("POST", "/v1/responses", json.dumps(body).encode(), headers)
            body |= {"previous_response_id": json.loads(begun.body)["id"]}
            reply = await second.ask("POST", "/v1/responses", json.dumps(body).encode(), headers)
            assert reply.status == 200, reply.body


async def test_events_of_a_page_come_as_they_happen(assay: RunningAssay) -> None:
    async with line(assay.url) as kept:
        kept.send("GET", "/api/v1/calls/events", headers={"cookie": assay.cookie})
        async with asyncio.timeout(20):
            assert b"200" in await kept.reader.readline()
            await chat(assay.url, assay.gateway_key, "scripted/fast")
            while b"event:" not in await kept.reader.readline():
                pass


async def test_a_key_is_known_and_revoked_everywhere_at_once(provider: ScriptedUpstream, database_url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "four", provider, 4, "--database", database_url) as assay:
        made = assay.ask("POST", "/api/v1/keys", {"name": "brief"}).json
        assert set(await asyncio.gather(*(models(assay.url, made["key"]) for _ in range(40)))) == {200}
        assert assay.ask("DELETE", f"/api/v1/keys/{made['id']}").status == 200
        # After some guesses with a key that is none, an address has to wait.
        assert set(await asyncio.gather(*(models(assay.url, made["key"]) for _ in range(40)))) <= {401, 429}


async def test_whoever_dies_is_replaced(assay: RunningAssay) -> None:
    before = set(children_of(assay.process.pid))
    os.kill(min(before), signal.SIGKILL)
    await eventually(lambda: len(set(children_of(assay.process.pid)) - {min(before)}) == 2)
    assert (await chat(assay.url, assay.gateway_key, "scripted/fast")).status == 200
    assert b"a worker ended by itself" in assay.stderr


async def test_no_worker_outlives_the_one_that_started_it(provider: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "orphans", provider, 2) as assay:
        workers = children_of(assay.process.pid)
        assay.kill()
        await eventually(lambda: not any(Path(f"/proc/{pid}/fd").exists() for pid in workers))


def test_nothing_secret_stands_on_a_command_line(assay: RunningAssay) -> None:
    for pid in children_of(assay.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert words[1:3] == [b"-m", b"assay.gateway.worker"]
        assert all(word.isdigit() for word in words[3:] if word)
