"""Migrates a database, killed a little later each time, and looks each time that nothing at all was changed.

Run as ``python -m tests.store.killed_migration URL STEPS STRIDE``, on an empty database: that of the first STEPS is made first. It is
killed wherever a step is put on record, and wherever that goes on; every so many times. Prints how many times it was killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import FrameType
from typing import Any

from assay.store import migrate, open_database, pending
from assay.web import SCHEMAS
from tests.store.states import Content, columns_of, content_of, make_state


def main(url: str, steps: int, stride: int) -> None:
    before = asyncio.run(prepare(url, steps))
    killed = 0
    while True:
        child = os.fork()
        if not child:
            asyncio.run(migrate_until(url, 1 + killed * stride))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, status
            break
        killed += 1
        assert asyncio.run(state(url)) == before, f"killed the {killed}th time"
    assert asyncio.run(state(url)) != before
    print(killed)


async def prepare(url: str, steps: int) -> tuple[list[str], Content]:
    db = await open_database(url)
    await make_state(db, steps)
    await db.close()
    return await state(url)


async def state(url: str) -> tuple[list[str], Content]:
    db = await open_database(url)
    found = await pending(db, *SCHEMAS), await content_of(db, await columns_of(db))
    await db.close()
    return found


async def migrate_until(url: str, step: int) -> None:
    db = await open_database(url)
    left = step

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        if (
            event == "call"
            and frame.f_code.co_name == "write"
            and frame.f_back is not None
            and frame.f_back.f_code.co_name == "_apply"
        ):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    await migrate(db, *SCHEMAS)
    sys.setprofile(None)
    await db.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
