"""An arena over a fresh database and a scripted caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.arena import Arena, Limits
from assay.store import Database, Vault
from tests.arena.browser import Browser
from tests.arena.scripted import CONTESTANTS, ScriptedCaller

FAST = Limits(tick_s=0.001, reading_s=0.0, starts_per_minute=100_000, open_per_session=100_000)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "keys" / "master.key")


@pytest.fixture
def caller(anyio_backend: str) -> ScriptedCaller:
    return ScriptedCaller()


@pytest.fixture
async def arena(database: Database, vault: Vault, caller: ScriptedCaller) -> AsyncIterator[Arena]:
    arena = await Arena.start(database, vault, caller, lambda: CONTESTANTS, limits=FAST)
    yield arena
    await arena.close()


@pytest.fixture
def browser(arena: Arena) -> Browser:
    return Browser(arena)
