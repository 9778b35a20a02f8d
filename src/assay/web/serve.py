"""Sockets: the public port, the local door, and the back door through which workers pass on what is not theirs to answer."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from assay.core import Settings, Unavailable
from assay.gateway.relay import take_client
from assay.gateway.server import BACKLOG, LINGER_S, Server


@asynccontextmanager
async def listening(app: ASGIApp, settings: Settings, *, drain_s: Callable[[], float] | None = None) -> AsyncGenerator[str, None]:
    """Serve ``app`` on the configured address; yields its URL. On exit, answers under way are given ``drain_s`` to end.

    Raises:
        Unavailable: ``up.cannot_listen``.
    """
    bound = bind(settings)
    url = url_of(settings, bound)
    async with _running(app, bound, drain_s or (lambda: settings.drain_s)):
        yield url


@asynccontextmanager
async def local_door(app: ASGIApp, path: Path, drain_s: float = 25) -> AsyncGenerator[Path, None]:
    """Serve ``app`` on a Unix socket at ``path`` that only this user can open; requests through it are marked as local."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope["assay.local"] = True
        await app(scope, receive, send)

    async with _private(marked, path, drain_s):
        yield path


@asynccontextmanager
async def back_door(app: ASGIApp, path: Path, drain_s: float = 25) -> AsyncGenerator[Path, None]:
    """Serve ``app`` on a Unix socket at ``path`` for our own workers, which say whose requests they pass on. Nothing is local here."""

    async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
        take_client(scope)
        await app(scope, receive, send)

    async with _private(passed_on, path, drain_s):
        yield path


@asynccontextmanager
async def _private(app: ASGIApp, path: Path, drain_s: float) -> AsyncGenerator[None, None]:
    # Whoever holds the data folder's lock may remove what a killed server left. Nobody can connect before the mode is set.
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    path.chmod(0o600)
    try:
        async with _running(app, bound, lambda: drain_s):
            yield
    finally:
        path.unlink(missing_ok=True)


def bind(settings: Settings) -> socket.socket:
    """A socket on the configured address. It listens, so that nobody is refused who comes before the first process accepts.

    Raises:
        Unavailable: ``up.cannot_listen``.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = settings.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise Unavailable(
            "up.cannot_listen",
            f"Cannot listen on {settings.host!r}, port {settings.port}: {error.strerror}.",
            hint="Choose another `--port` or `--host`.",
        ) from error


def url_of(settings: Settings, bound: socket.socket) -> str:
    """Where people and clients reach what listens on ``bound``."""
    port = bound.getsockname()[1]
    return settings.public_url.rstrip("/") or f"http://{_reachable(settings.host)}:{port}"


def _reachable(host: str) -> str:
    """An address that a browser on this machine can open, where ``host`` means every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a comparison, nothing is bound
    return f"[{host}]" if ":" in host else host


@asynccontextmanager
async def _running(app: ASGIApp, bound: socket.socket, drain_s: Callable[[], float]) -> AsyncGenerator[None, None]:
    server = Server(app)
    await server.listen(bound)
    grace_s = 0.0  # who is interrupted waits for nobody
    try:
        yield
        grace_s = drain_s()
    finally:
        await server.leave(grace_s, LINGER_S)
        bound.close()
