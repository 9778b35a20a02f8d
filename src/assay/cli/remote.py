"""Commands talk to Assay through its JSON API, at the local door: a Unix socket in the data folder.

Where no server runs, the command brings one up behind that door for as long as it lasts. So there is one way to change
anything, and two processes never write the same data folder.
"""

import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from assay.core import (
    AssayError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    Settings,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.origin import Origin, write_head
from assay.web.compose import assemble
from assay.web.serve import local_door

_ERRORS: dict[int, type[AssayError]] = {
    error.status: error
    for error in (InvalidInput, Unauthorized, Forbidden, NotFound, Conflict, TooLarge, Unprocessable, RateLimited, Unavailable)
}
_TIMEOUTS = Timeouts(connect_s=5, first_byte_s=600, idle_s=600, total_s=3600)
_MAX_REPLY_BYTES = 256 * 1024 * 1024


class Server:
    """A running Assay, seen through its local door."""

    def __init__(self, door: Path):
        self._origin = Origin("localhost", 80, socket=str(door))
        self._client = Client(environ={})

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._ask("POST", path, body)

    async def put(self, path: str, body: Any) -> Any:
        return await self._ask("PUT", path, body)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path)

    async def open(self, method: str, path: str, body: Any = None) -> Response:
        """Send a request and wait for the head of the answer; an error status becomes the error it describes."""
        head = write_head(method, self._origin, path, {"content-type": "application/json"})
        response = await self._client.send(self._origin, head, _bytes_of(body), _TIMEOUTS)
        await response.begin()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _error_of(response.status, await response.read_all(_MAX_REPLY_BYTES))
        return response

    async def close(self) -> None:
        await self._client.close()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.open(method, path, body)
        return msgspec.json.decode(await response.read_all(_MAX_REPLY_BYTES))


@asynccontextmanager
async def running_server(settings: Settings) -> AsyncGenerator[Server, None]:
    """The server that runs on this data folder.

    Raises:
        Unavailable: none does.
    """
    if not _answers(settings.socket):
        raise Unavailable(
            "local.no_server", f"No server runs on the data folder {str(settings.data)!r}.", hint="Start one with `assay up`."
        )
    async with _talking_to(settings.socket) as server:
        yield server


@asynccontextmanager
async def any_server(settings: Settings) -> AsyncGenerator[Server, None]:
    """The server that runs on this data folder, or one that lives as long as the command."""
    if _answers(settings.socket):
        async with _talking_to(settings.socket) as server:
            yield server
    else:
        async with assemble(settings) as assay, local_door(assay, settings) as door, _talking_to(door) as server:
            yield server


@asynccontextmanager
async def _talking_to(door: Path) -> AsyncGenerator[Server, None]:
    server = Server(door)
    try:
        yield server
    except Fault as fault:
        raise Unavailable(
            "local.broke_off", f"The server at {str(door)!r} went away: {fault}.", hint="Look at its log, and try again."
        ) from fault
    finally:
        await server.close()


def _bytes_of(body: Any) -> bytes:
    """A file's bytes as they are, nothing for None, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else msgspec.json.encode(body)


def _answers(door: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(door))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _error_of(status: int, body: bytes) -> AssayError:
    """The error that an answer of problem JSON, or of a protocol's own shape, describes."""
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    said = said.get("error", said) if isinstance(said, dict) else {}
    message = said.get("detail") or said.get("message") or f"The server answered {status}."
    kind = _ERRORS.get(status, Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidInput)
    return kind(str(said.get("code") or "api.refused"), message, hint=said.get("hint"), param=said.get("param"))
