"""The raw bytes of a database, as somebody who stole it has them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tests.postgres import Postgres


def use_programs(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the server's own ``pg_dump`` and ``pg_restore`` first: older ones refuse a newer server."""
    if server.programs is not None:
        monkeypatch.setenv("PATH", f"{server.programs}:{os.environ['PATH']}")


async def raw_bytes(url: str) -> bytes:
    """Every file of a SQLite database, or a whole plain dump of a PostgreSQL one."""
    return await asyncio.to_thread(_files if url.startswith("sqlite") else _dump, url)


def _files(url: str) -> bytes:
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def _dump(url: str) -> bytes:
    return subprocess.run(["pg_dump", "--format=plain", f"--dbname={url}"], capture_output=True, check=True).stdout
