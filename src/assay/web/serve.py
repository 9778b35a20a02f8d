"""Sockets: the public port and the local door, both served by uvicorn in the running event loop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.core import Settings, Unavailable

GRACE_S = 25


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs several of them in one loop."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # a null context is the narrower promise
        return nullcontext()


@asynccontextmanager
async def listening(app: ASGIApp, settings: Settings) -> AsyncGenerator[str, None]:
    """Serve ``app`` on the configured address; yields its URL. On exit, answers under way are given time to end."""
    async with _running(app, settings, host=settings.host, port=settings.port) as server:
        port = server.servers[0].sockets[0].getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield settings.public_url.rstrip("/") or f"http://{host}:{port}"


@asynccontextmanager
async def local_door(app: ASGIApp, settings: Settings) -> AsyncGenerator[Path, None]:
    """Serve ``app`` on a Unix socket that only this user can open; requests through it are marked as local."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        scope["assay.local"] = True
        await app(scope, receive, send)

    settings.socket.unlink(missing_ok=True)
    async with _running(marked, settings, uds=str(settings.socket)):
        settings.socket.chmod(0o600)
        yield settings.socket
    settings.socket.unlink(missing_ok=True)


@asynccontextmanager
async def _running(
    app: ASGIApp, settings: Settings, host: str = "", port: int = 0, uds: str | None = None
) -> AsyncGenerator[uvicorn.Server, None]:
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            uds=uds,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    task = asyncio.create_task(_serve(server, f"{host}:{port}" if uds is None else uds))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


async def _serve(server: uvicorn.Server, where: str) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        raise Unavailable(
            "up.cannot_listen", f"Cannot listen on {where}: the address is in use or not ours.", hint="Choose another `--port`."
        ) from error
