"""Commands talk to Assay through its JSON API, at the local door: a Unix socket in the data folder.

Where no server runs, the command brings one up behind that door for as long as it lasts. So there is one way to change
anything, and two processes never write the same data folder.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
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

_ERRORS: dict[int, type[AssayError]] = {
    error.status: error
    for error in (InvalidInput, Unauthorized, Forbidden, NotFound, Conflict, TooLarge, Unprocessable, RateLimited, Unavailable)
}
_TIMEOUTS = Timeouts(connect_s=5, first_byte_s=600, idle_s=600, total_s=3600)
_DOOR_S = 10
MAX_REPLY_BYTES = 256 * 1024 * 1024


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

    async def patch(self, path: str, body: Any) -> Any:
        return await self._ask("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path)

    async def open(self, method: str, path: str, body: Any = None) -> Response:
        """Send a request and wait for the head of the answer; an error status becomes the error it describes."""
        head = write_head(method, self._origin, path, {"content-type": "application/json"})
        response = await self._client.send(self._origin, head, _bytes_of(body), _TIMEOUTS)
        await response.begin()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _read_error(response.status, await response.read_all(MAX_REPLY_BYTES))
        return response

    async def close(self) -> None:
        await self._client.close()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.open(method, path, body)
        said = await response.read_all(MAX_REPLY_BYTES)
        return msgspec.json.decode(said) if said else None


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
    async with AsyncExitStack() as stack:
        door = settings.socket if _answers(settings.socket) else await _start(stack, settings)
        yield await stack.enter_async_context(_talking_to(door))


async def _start(stack: AsyncExitStack, settings: Settings) -> Path:
    """Bring up a server behind a door of its own, which is gone with the command; where another process holds the data folder,
    wait until it lets go, or opens the local door for good.
    """
    from assay.web.compose import assemble  # the whole product: half a second that a command does not need to talk to a server
    from assay.web.serve import local_door

    deadline = time.monotonic() + _DOOR_S
    while True:
        try:
            assay = await stack.enter_async_context(assemble(settings))
        except Unavailable as error:
            if error.code != "store.locked" or time.monotonic() > deadline:
                raise
        else:
            return await stack.enter_async_context(local_door(assay, settings.data / "command.sock"))
        await asyncio.sleep(0.05)
        if _answers(settings.socket):
            return settings.socket


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
        except PermissionError as error:
            raise Forbidden(
                "local.not_yours",
                f"The server at {str(door)!r} is another user's.",
                hint="Give a data folder of your own with --data.",
            ) from error
        except OSError:
            return False
    return True


def _read_error(status: int, body: bytes) -> AssayError:
    """The error in an answer of problem JSON, or of a protocol's own shape."""
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    return error_of(status, said.get("error", said) if isinstance(said, dict) else {})


def error_of(status: int, said: dict[str, Any]) -> AssayError:
    """The error that a problem or a protocol's error describes, of the kind that ``status`` tells."""
    kind = _ERRORS.get(status, Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidInput)
    message = said.get("detail") or said.get("message") or f"The server answered {status}."
    # We never leave the code out: an error without one is an upstream's, passed on in its own words.
    return kind(str(said.get("code") or "upstream.refused"), message, hint=said.get("hint"), param=said.get("param"))
