"""Run by test_sqlite.py in a process of its own: votes and calls are saved while the kernel lets files grow only so far.

A file-size limit makes the write that crosses it fail with EFBIG, in the middle of the commit or at its start, like a disk that
is full at just that moment. The limit rises in small steps, so that each write of a commit is once the one that fails.
Prints one JSON document, for votes and for calls: the codes of the failures, what was acknowledged, what is there at the end.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from assay.core import AssayError, Call, Subject, Verdict, new_id
from assay.store import Database, open_database
from assay.store.chain import append_verdicts, read_verdicts, verify_chain
from assay.store.queries import list_calls, record_calls

STEP = 700
TOGETHER = 5


async def main(path: Path) -> None:
    database = await open_database(f"sqlite:///{path}")
    wal = path.with_name(path.name + "-wal")
    votes = [await cast(database)]
    vote_failures = await until_it_passes(wal, lambda: together(cast(database)), votes)
    calls = [await record(database)]
    call_failures = await until_it_passes(wal, lambda: together(*(record(database) for _ in range(TOGETHER))), calls)
    votes.append(await cast(database))
    stored_votes = [verdict.id for verdict in await read_verdicts(database)]
    stored_calls = [call.id for call in await list_calls(database, 1000)]
    holds = (await verify_chain(database)).ok
    await database.close()
    result = {
        "failures": [vote_failures, call_failures],
        "acknowledged": [votes, sorted(calls, reverse=True)],
        "stored": [stored_votes, stored_calls],
        "holds": holds,
    }
    print(json.dumps(result))


async def until_it_passes(
    wal: Path, work: Callable[[], Awaitable[list[str | BaseException]]], acknowledged: list[str]
) -> list[str]:
    """Do ``work`` with ever more room until nothing of it fails; the codes of what failed."""
    limit = size(wal)
    codes: list[str] = []
    while True:
        limit += STEP
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        results = await work()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        acknowledged += [one for one in results if isinstance(one, str)]
        failures = [one for one in results if not isinstance(one, str)]
        codes += [one.code if isinstance(one, AssayError) else repr(one) for one in failures]
        if not failures:
            return codes


def size(file: Path) -> int:
    return file.stat().st_size


async def together(*work: Coroutine[None, None, str]) -> list[str | BaseException]:
    return await asyncio.gather(*work, return_exceptions=True)


async def cast(database: Database) -> str:
    verdict = Verdict(id=new_id(), kind="vote", subjects=(Subject(model="m"), Subject(model="n")), by="v", at=1, choice="a")
    async with database.transaction() as tx:
        await append_verdicts(tx, [verdict])
    return verdict.id


async def record(database: Database) -> str:
    call = Call(
        id=new_id(),
        request_id="r",
        at=1,
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment="p/m",
        provider="p",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
    )
    await record_calls(database, [call], [])
    return call.id


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
