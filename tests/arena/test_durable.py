"""A vote is acknowledged after it is on disk, and when it cannot be written it is refused."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.arena import Arena
from assay.core import Request
from assay.store import Database, Vault, open_database
from assay.store.chain import read_verdicts, verify_chain
from tests.arena.browser import Browser
from tests.arena.conftest import FAST
from tests.arena.cutting_proxy import CuttingProxy, When, cutting_proxy
from tests.arena.scripted import CONTESTANTS, ScriptedCaller
from tests.arena.strace import MAY_TRACE, attached
from tests.arena.test_crash import CONFIG
from tests.postgres import running_postgres
from tests.server import RunningAssay, running
from tests.upstream import ScriptedUpstream

traced = pytest.mark.skipif(not MAY_TRACE and "CI" not in os.environ, reason="needs strace, and root or kernel.yama.ptrace_scope=0")


@traced
def test_sqlite_syncs_its_log_before_the_vote_is_acknowledged(tmp_path: Path) -> None:
    with serving(tmp_path) as assay:
        battle, token = fight(assay)
        with attached([assay.process.pid], tmp_path / "trace", *SEEN):
            vote(assay, battle, token)
    check_order((tmp_path / "trace").read_text(), battle, r"assay\.db-wal")


@traced
def test_postgresql_syncs_its_log_before_the_vote_is_acknowledged(tmp_path: Path) -> None:
    with running_postgres(own=True, durable=True) as server, serving(tmp_path, "--database", server.url()) as assay:
        battle, token = fight(assay)
        with attached([assay.process.pid, *server.pids()], tmp_path / "trace", *SEEN):
            vote(assay, battle, token)
    check_order((tmp_path / "trace").read_text(), battle, r"pg_wal/\w+")


SEEN = ("-s", "10000", "-e", "trace=pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,fsync,fdatasync")


def check_order(trace: str, battle: str, log: str) -> None:
    """The verdict is written to the log, the log is synced, and only then the 200 is sent."""
    lines = trace.splitlines()
    verdict = [n for n, line in enumerate(lines) if re.search(rf"pwrite\w*\(\d+<[^>]*{log}>", line) and battle in line]
    answer = [n for n, line in enumerate(lines) if "HTTP/1.1 200 OK" in line]
    assert verdict, "the verdict was not seen on its way to the log"
    assert len(answer) == 1
    written = max(n for n in verdict if '\\"kind\\":\\"vote\\"' in lines[n])
    synced = [n for n, line in enumerate(lines) if n > written and is_synced(lines, n, log) and "= 0" in line]
    assert synced, "the log was not synced"
    assert written < synced[0] < answer[0]


def is_synced(lines: list[str], n: int, log: str) -> bool:
    """Whether line ``n`` is the end of a sync of the log; a call of one thread may be cut in two by lines of others."""
    thread, _, call = lines[n].partition(" ")
    if re.search(rf"f(data)?sync\(\d+<[^>]*{log}>\)", call):
        return True
    if "resumed" not in call or "sync" not in call:
        return False
    begun = next(line for line in reversed(lines[:n]) if line.startswith(f"{thread} ") and "<unfinished" in line)
    return re.search(log, begun) is not None


@traced
def test_the_disk_full_at_any_write_refuses_the_vote(tmp_path: Path) -> None:
    """Some of the writes that a vote makes; `make prove` fails each."""
    fail_writes(tmp_path, [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])


@traced
@pytest.mark.prove
@pytest.mark.timeout(600)
def test_the_disk_full_at_every_write_refuses_the_vote(tmp_path: Path) -> None:
    fail_writes(tmp_path, itertools.count(1))


def fail_writes(folder: Path, numbers: Any) -> None:
    refused = 0
    with serving(folder) as assay:
        wal = folder / "server" / "data" / "assay.db-wal"
        for number in numbers:
            battle, token = fight(assay)
            log = folder / f"trace-{number}"
            fault = f"inject=pwrite64:error=ENOSPC:when={number}"
            with attached([assay.process.pid], log, "-P", str(wal), "-e", "trace=pwrite64", "-e", fault):
                status = cast(assay, battle, token)
            struck = "INJECTED" in log.read_text()
            assert status == 200 or struck
            assert (battle in exported(assay)) == (status == 200)
            if status != 200:
                assert status == 503
                refused += 1
                assert cast(assay, battle, token) == 200
                assert battle in exported(assay)
            if not struck:
                break
        else:
            raise AssertionError("a vote made more writes than expected")
        assert assay.ask("GET", "/api/v1/arena/verify").json["ok"]
    assert refused >= 4


@traced
def test_a_sync_that_fails_refuses_the_vote(tmp_path: Path) -> None:
    with serving(tmp_path) as assay:
        battle, token = fight(assay)
        fault = "inject=fdatasync,fsync:error=EIO:when=1"
        with attached([assay.process.pid], tmp_path / "trace", "-e", "trace=fdatasync,fsync", "-e", fault):
            assert cast(assay, battle, token) == 503
        assert "INJECTED" in (tmp_path / "trace").read_text()
        assert cast(assay, battle, token) == 200
        assert assay.ask("GET", "/api/v1/arena/verify").json["length"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_connection_at_any_message_refuses_the_vote(database_url: str, vault: Vault, when: When) -> None:
    """Also where the commit went through and only its answer was lost: the vote can be sent again, and there is one row."""
    async with through_proxy(database_url, vault, ScriptedCaller()) as (proxy, browser), opened(database_url) as directly:
        refused = lost = votes = 0
        for number in [*range(1, 21)] * 2:
            events = await browser.battle()
            proxy.cut(number, when)
            reply = await browser.vote(events[0][1]["id"], events[-1][1]["token"])
            proxy.heal()
            votes += 1
            counted = len(await read_verdicts(directly)) == votes
            possible = {(200, True)}
            if proxy.has_cut:
                possible |= {(503, False)} | ({(503, True)} if when == "after" else set())
            assert (reply.status, counted) in possible
            refused += not counted
            lost += reply.status == 503 and counted
            again = await browser.vote(events[0][1]["id"], events[-1][1]["token"])
            assert again.status == (409 if counted else 200)
        assert refused >= 5
        assert (lost > 0) == (when == "after")
        assert len(await read_verdicts(directly)) == votes
        assert (await verify_chain(directly)).ok


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_battle_that_cannot_be_put_on_record_asks_nobody(database_url: str, vault: Vault) -> None:
    caller = ScriptedCaller()
    async with through_proxy(database_url, vault, caller) as (proxy, browser):
        await browser.get("/api/v1/battles")
        refused = 0
        for number in [1, 2, 3] * 5:
            asked = len(caller.asked)
            proxy.cut(number, "before")
            reply = await browser.post("/api/v1/battles", {"prompt": "Why?"})
            proxy.heal()
            assert reply.status in {200, 503}  # 200 where the pool itself spoke, and its connection was cut
            if reply.status == 503:
                assert len(caller.asked) == asked
                refused += 1
        assert refused >= 5
        assert (await browser.battle())[-1][0] == "end"


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_turn_that_could_not_be_saved_is_saved_with_the_vote(database_url: str, vault: Vault) -> None:
    goes_on = asyncio.Event()

    async def wait(deployment: str, request: Request) -> AsyncIterator[str]:
        yield "Here"
        await goes_on.wait()
        yield " it is."

    async with through_proxy(database_url, vault, ScriptedCaller(wait)) as (proxy, browser):
        async with browser.stream("/api/v1/battles", {"prompt": "Why?"}) as events:
            opened = (await anext(events))[1]
            while (await anext(events))[0] != "tick":
                pass
            proxy.cut(1, "before")
            goes_on.set()
            rest = [event async for event in events]
        assert proxy.has_cut
        proxy.heal()
        assert rest[-1][0] == "end"
        assert (await browser.get(f"/api/v1/battles/{opened['id']}")).json["turns"] == []
        reply = await browser.vote(opened["id"], rest[-1][1]["token"])
        assert reply.status == 200
        shown = (await browser.get(f"/api/v1/battles/{opened['id']}")).json
        assert shown["turns"] == [{"prompt": "Why?", "a": "Here it is.", "b": "Here it is."}]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = await open_database(url)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def through_proxy(url: str, vault: Vault, caller: ScriptedCaller) -> AsyncIterator[tuple[CuttingProxy, Browser]]:
    """An arena whose connections to PostgreSQL can be cut."""
    async with cutting_proxy(url) as proxy:
        db = await open_database(proxy.url)
        arena = await Arena.start(db, vault, caller, lambda: CONTESTANTS, limits=FAST)
        try:
            yield proxy, Browser(arena)
        finally:
            await arena.close()
            await db.close()


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[RunningAssay]:
    """A real server with three scripted models, signed in."""
    config = folder / "assay.toml"
    with ScriptedUpstream(key=None) as upstream:
        config.write_text(CONFIG.format(url=upstream.url))
        with running(folder / "server", *flags, environ={"ASSAY_CONFIG": str(config)}) as assay:
            assay.sign_in()
            yield assay


def fight(assay: RunningAssay) -> tuple[str, str]:
    """A battle to its end: its id and its token."""
    reply = assay.ask("POST", "/api/v1/battles", {"prompt": "Why?"})
    data = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    return data[0]["id"], data[-1]["token"]


def cast(assay: RunningAssay, battle: str, token: str) -> int:
    return assay.ask("POST", f"/api/v1/battles/{battle}/vote", {"choice": "a", "token": token}).status


def vote(assay: RunningAssay, battle: str, token: str) -> None:
    assert cast(assay, battle, token) == 200


def exported(assay: RunningAssay) -> str:
    """The log as it leaves."""
    return assay.ask("GET", "/api/v1/votes?format=jsonl").body.decode()
