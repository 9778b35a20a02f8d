"""Sockets: the public port and the local door, both served by uvicorn in the running event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.core import Settings, Unavailable
from assay.gateway.front import Front

GRACE_S = 25
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs several of them in one loop."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # a null context is the narrower promise
        return nullcontext()


@asynccontextmanager
async def listening(app: ASGIApp, settings: Settings) -> AsyncGenerator[str, None]:
    """Serve ``app`` on the configured address; yields its URL. On exit, answers under way are given time to end.

    Raises:
        Unavailable: ``up.cannot_listen``.
    """
    bound = _bind(settings.host, settings.port)
    port = bound.getsockname()[1]
    async with _running(app, bound):
        yield settings.public_url.rstrip("/") or f"http://{_reachable(settings.host)}:{port}"


@asynccontextmanager
async def local_door(app: ASGIApp, path: Path) -> AsyncGenerator[Path, None]:
    """Serve ``app`` on a Unix socket at ``path`` that only this user can open; requests through it are marked as local."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope["assay.local"] = True
        await app(scope, receive, send)

    # Whoever holds the data folder's lock may remove what a killed server left. Nobody can connect before the mode is set.
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    path.chmod(0o600)
    try:
        async with _running(marked, bound):
            yield path
    finally:
        path.unlink(missing_ok=True)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise Unavailable(
            "up.cannot_listen",
            f"Cannot listen on {host!r}, port {port}: {error.strerror}.",
            hint="Choose another `--port` or `--host`.",
        ) from error


def _reachable(host: str) -> str:
    """An address that a browser on this machine can open, where ``host`` means every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a comparison, nothing is bound
    return f"[{host}]" if ":" in host else host


@asynccontextmanager
async def _running(app: ASGIApp, bound: socket.socket) -> AsyncGenerator[None, None]:
    server = _Server(
        uvicorn.Config(
            app,
            http=Front,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
            backlog=_BACKLOG,
        )
    )
    task = asyncio.create_task(server.serve([bound]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        await task
