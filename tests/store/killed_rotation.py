"""Rotates a master key again and again, killed a step later each time, and looks each time whether everything still opens.

A step is any call that `assay.store.rotation` makes, or `write_key` and `read_key` for it. Run as ``python -m tests.store.killed_rotation URL KEY_FILE STRIDE``:
every so many steps it is killed. Prints how many times that was, and how often the commit had come before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from assay.store import keys, migrate, open_database, queries, rotation, vault
from assay.store.rotation import open_vault, rotate

SECRET = "sk-0123456789abcdef"


def main(url: str, key_file: Path, stride: int) -> None:
    key = asyncio.run(prepare(url, key_file))
    killed = after = 0
    needed = b""
    while True:
        child = os.fork()
        if not child:
            asyncio.run(rotate_until(url, key_file, 1 + killed * stride))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        before, needed = needed, asyncio.run(check(url, key_file, key))
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, status
            break
        killed += 1
        after += bool(before) and needed != before
    assert after, "it was never killed after the commit"
    print(killed, after)


async def prepare(url: str, key_file: Path) -> str:
    db = await open_database(url)
    await migrate(db, "assay.store")
    opened = await open_vault(db, key_file)
    await queries.save_secret(db, opened, "provider:openai", SECRET)
    _, key = await keys.create_key(db, opened, "clients")
    await db.close()
    return key


async def rotate_until(url: str, key_file: Path, step: int) -> None:
    """Rotate, and die at that step."""
    db = await open_database(url)
    opened = await open_vault(db, key_file)
    left = step

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        caller = frame if event == "c_call" else frame.f_back
        if event in ("call", "c_call") and caller is not None and _is_step(caller):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    await rotate(db, opened, [])
    sys.setprofile(None)
    await db.close()


def _is_step(caller: FrameType) -> bool:
    code = caller.f_code
    return code.co_filename == rotation.__file__ or (
        code.co_filename == vault.__file__ and code.co_name in ("write_key", "read_key")
    )


async def check(url: str, key_file: Path, key: str) -> bytes:
    """The master key that the database needs now; everything in it opens with that."""
    db = await open_database(url)
    opened = await open_vault(db, key_file)
    assert (await queries.load_secrets(db, opened))["provider:openai"].secret.reveal() == SECRET
    assert keys.hash_key(opened.derive(keys.PEPPER), key) in await keys.load_askers(db, opened)
    await db.close()
    return opened.source.read_bytes()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
