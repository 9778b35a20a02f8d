"""A reader of endpoints, in-process: one request, one JSON reply."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message, Scope

from assay.core import AssayError
from assay.web.problems import on_assay_error
from tests.asgi import signed_in


class Reply(NamedTuple):
    status: int
    json: Any


class Reader:
    def __init__(self, routes: Sequence[Route]):
        self._app = signed_in(Starlette(routes=list(routes), exception_handlers={AssayError: on_assay_error}))

    async def get(self, url: str) -> Reply:
        return await self._ask("GET", url)

    async def post(self, url: str, body: bytes = b"") -> Reply:
        return await self._ask("POST", url, body)

    async def _ask(self, method: str, url: str, body: bytes = b"") -> Reply:
        parts = urlsplit(url)
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(b"host", b"assay")],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        answer = b"".join(message.get("body", b"") for message in sent[1:])
        return Reply(sent[0]["status"], json.loads(answer) if answer else None)
