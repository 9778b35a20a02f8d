"""One gateway with a provider for each protocol, all of them the same strict upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.core import Call, Provider
from assay.core.settings import Settings
from assay.gateway import Gateway
from assay.store import Database, Vault, migrate, open_database
from assay.store.keys import create_key
from assay.store.queries import list_calls
from assay.web import SCHEMAS
from assay.web.serve import listening
from tests.upstream import ScriptedUpstream

PROTOCOLS = ("openai_chat", "openai_responses", "anthropic", "gemini")
PAIRS = [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS]

_NAMES = {"openai_chat": "chat", "openai_responses": "responses", "anthropic": "anthropic", "gemini": "gemini"}


def deployment(protocol: str, model: str) -> str:
    """What a client asks for, to get ``model`` of the upstream in ``protocol``."""
    return f"{_NAMES[protocol]}/{model}"


def providers(upstream: ScriptedUpstream) -> tuple[Provider, ...]:
    """The upstream once for each protocol. ``extensions`` are none: it refuses what its protocol does not know."""
    shared: dict[str, Any] = {"key_env": ("UP_KEY",), "origin": "file", "extensions": ()}
    return (
        Provider(name="chat", title="Chat", base_url=upstream.url, protocol="openai_chat", **shared),
        Provider(
            name="responses",
            title="Responses",
            base_url=upstream.url,
            protocol="openai_responses",
            counts_tokens=True,
            stores_responses=True,
            **shared,
        ),
        Provider(name="stateless", title="Stateless", base_url=upstream.url, protocol="openai_responses", **shared),
        Provider(
            name="anthropic",
            title="Anthropic",
            base_url=upstream.url,
            protocol="anthropic",
            auth="x-api-key",
            counts_tokens=True,
            **shared,
        ),
        Provider(
            name="gemini",
            title="Gemini",
            base_url=f"{upstream.root}/v1beta",
            protocol="gemini",
            auth="x-goog-api-key",
            counts_tokens=True,
            **shared,
        ),
    )


class Tongues(msgspec.Struct):
    """A running gateway: ``url`` has no path, ``key`` is a gateway key."""

    url: str
    key: str
    upstream: ScriptedUpstream
    gateway: Gateway
    db: Database
    loop: asyncio.AbstractEventLoop

    def call(self) -> Call:
        """The newest call on record, for a test in another thread."""
        return asyncio.run_coroutine_threadsafe(self.last_call(), self.loop).result(10)

    async def last_call(self) -> Call:
        """The newest call on record."""
        await self.gateway.recorder.flush()
        return (await list_calls(self.db, 1))[0]


@asynccontextmanager
async def running_tongues(
    folder: Path, upstream: ScriptedUpstream, *, more: tuple[Provider, ...] = (), **chosen: Any
) -> AsyncIterator[Tongues]:
    """The gateway on a port of its own, with ``more`` providers, and settings as ``chosen``."""
    settings = Settings(
        data=folder, master_key=folder / "keys" / "master.key", port=0, providers=(*providers(upstream), *more), **chosen
    )
    db = await open_database(f"sqlite:///{folder / 'assay.db'}")
    await migrate(db, *SCHEMAS)
    vault = Vault.open(settings.master_key)
    _, key = await create_key(db, vault, "tests")
    gateway = await Gateway.start(db, vault, settings, environ={"UP_KEY": upstream.key or ""})
    try:
        async with listening(gateway, settings) as url:
            yield Tongues(url, key, upstream, gateway, db, asyncio.get_running_loop())
    finally:
        await gateway.close()
        await db.close()
