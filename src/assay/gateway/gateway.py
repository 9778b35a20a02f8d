"""The gateway: one OpenAI-compatible address for every provider, as a raw ASGI application."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Mapping

import msgspec

from assay.core import AssayError, Deployment, NotFound, Unavailable, new_id
from assay.core.settings import Settings
from assay.gateway.asgi import JSON, ClientLeft, Receive, Scope, Send, read_body, send_answer, send_error
from assay.gateway.caller import GatewayCaller
from assay.gateway.chat import Chat
from assay.gateway.client import Client
from assay.gateway.connection import Timeouts
from assay.gateway.dialect import read_asked
from assay.gateway.recorder import Recorder
from assay.gateway.registry import Registry
from assay.gateway.snapshot import Snapshot
from assay.store.database import Database
from assay.store.vault import Vault

PREFIX = "/v1/"
_CHAT = "/v1/chat/completions"
_MODELS = "/v1/models"

_log = logging.getLogger(__name__)


class Gateway:
    """Start it with `start`, mount it at ``/v1/``, `close` it at the end."""

    def __init__(self, db: Database, vault: Vault, settings: Settings, environ: Mapping[str, str], tls: ssl.SSLContext | None):
        self.db = db
        self.vault = vault
        self.settings = settings
        self.timeouts = Timeouts(
            connect_s=settings.connect_timeout_s,
            first_byte_s=settings.first_byte_timeout_s,
            idle_s=settings.idle_timeout_s,
            total_s=settings.total_timeout_s,
        )
        self.registry = Registry(db, vault, settings, environ)
        self.client = Client(environ=environ, tls=tls)
        self.recorder = Recorder(db, bodies=settings.bodies, days=settings.bodies_days)
        self.snapshot: Snapshot
        self.caller = GatewayCaller(self.client, self.recorder, self.timeouts, lambda: self.snapshot)
        self._chat = Chat(self.client, self.recorder, self.timeouts)
        self._refreshing = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        db: Database,
        vault: Vault,
        settings: Settings,
        *,
        environ: Mapping[str, str] = os.environ,
        tls: ssl.SSLContext | None = None,
    ) -> Gateway:
        """Read keys and providers, and begin to record. ``tls`` replaces the system's certificates.

        Raises:
            Unavailable: the database cannot be read, or holds secrets of another master key.
        """
        gateway = cls(db, vault, settings, environ, tls)
        try:
            await gateway.refresh()
        except BaseException:
            await gateway.close()
            raise
        return gateway

    async def refresh(self) -> None:
        """Take note of changed keys and providers. Requests under way go on with what they began with."""
        async with self._refreshing:
            self.snapshot = await self.registry.load()

    def deployments(self) -> tuple[Deployment, ...]:
        """What can be called now."""
        return self.snapshot.deployments

    def find(self, name: str) -> Deployment:
        """The deployment that answers to ``name``. Raises as `Snapshot.find` does."""
        return self.snapshot.find(name).deployment

    async def close(self) -> None:
        """Cut what runs, commit every call, and let go of all connections."""
        self._chat.close()
        await self.client.close()
        await self.recorder.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway answers HTTP only, not {scope['type']}")
        request_id = new_id()
        try:
            await self._answer(scope, receive, send, request_id)
        except AssayError as error:
            _log.debug("refused request_id=%s code=%s", request_id, error.code)
            await send_error(send, error, request_id.encode())
        except ClientLeft:
            return

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        path, method = scope["path"], scope["method"]
        snapshot = self.snapshot
        authorization = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
                break
        # The local door is a socket that only this user can open; what comes through it needs no key.
        key_id = "local" if scope.get("assay.local") else snapshot.check_key(authorization).id
        if path == _CHAT and method == "POST":
            if self.recorder.is_full:
                raise Unavailable(
                    "gateway.busy", "Too many calls wait to be recorded.", hint="Try again in a second.", retry_after_s=1
                )
            body = await read_body(scope, receive, self.settings.max_body_bytes)
            asked = read_asked(body)
            await self._chat.answer(asked, body, snapshot.find(asked.model), key_id, receive, send, request_id)
        elif path == _MODELS and method == "GET":
            await send_answer(send, 200, [JSON, (b"x-request-id", request_id.encode())], snapshot.models_json)
        elif path.startswith(_MODELS + "/") and method == "GET":
            model = snapshot.describe(path[len(_MODELS) + 1 :])
            await send_answer(send, 200, [JSON, (b"x-request-id", request_id.encode())], msgspec.json.encode(model))
        else:
            raise NotFound(
                "route.not_found",
                f"{method} {path[:200]!r} is not answered here.",
                hint="There are POST /v1/chat/completions, GET /v1/models and GET /v1/models/{id}.",
            )

    @staticmethod
    def _key_of(scope: Scope, snapshot: Snapshot) -> str | None:
        """Whose request this is. None: it came through the local door, which only this user can open."""
        for name, value in scope["headers"]:
            if name == b"authorization":
                return snapshot.check_key(value).id
        return None if scope.get("assay.local") is True else snapshot.check_key(None).id
