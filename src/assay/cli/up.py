"""``assay up``: one port; one process, or workers for the gateway beside the one with the pages."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import click

from assay.cli.configure import Configured, unknown_variables
from assay.cli.exits import INTERRUPTED, OK
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.reload import Reloader
from assay.core.logs import start_logging
from assay.web.access import check_exposure
from assay.web.compose import Assay, assemble
from assay.web.serve import back_door, bind, listening, local_door, url_of
from assay.web.supervise import working


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [default: 8470]")
@click.option(
    "--demo", is_flag=True, default=None, help="Practice contestants and a first key; needs no provider key and no network."
)
@click.option("--workers", type=int, help="Processes that answer clients beside the one with the pages.  [default: 0, one for all]")
@as_json
@configured("host", "port", "demo", "workers")
async def up(configured: Configured, as_json: bool) -> int:
    """Start Assay: the gateway, the pages and the local door, until SIGINT or SIGTERM; a second signal waits for nobody.

    SIGHUP reads the configuration again, and replaces the workers without dropping a request.
    """
    settings = configured.settings
    start_logging(settings.log_level, settings.log_format)
    for name, suggestion in unknown_variables().items():
        say(f"warning: the variable {name} is no setting and does nothing. {suggestion}")
    signals = _Signals()
    try:
        async with assemble(settings) as assay:
            check_exposure(settings, has_admin=assay.doorkeeper.accounts.has_admin)
            key = await assay.first_key() if settings.demo else None
            reloader = Reloader(configured, assay)
            async with local_door(assay, settings.socket), _open(assay, reloader), _following(reloader, signals):
                signals.is_up = True
                await _announce(assay, key, as_json)
                _collect_less()
                await signals.told.wait()
                say("Stopping: answers under way are finished first.")
                assay.gateway.is_stopping = True
                await assay.challenges.close()  # whoever follows one hears of it, instead of holding up the end
    except asyncio.CancelledError:
        return INTERRUPTED
    return OK


@asynccontextmanager
async def _open(assay: Assay, reloader: Reloader) -> AsyncGenerator[None, None]:
    """Listen on the configured address: here, or by workers that pass on to here what is not the gateway's."""
    settings = reloader.settings
    async with AsyncExitStack() as stack:
        if settings.workers:
            bound = stack.enter_context(bind(settings))
            await stack.enter_async_context(back_door(assay, settings.control_socket))
            workers = await stack.enter_async_context(working(bound, lambda: reloader.settings))
            reloader.workers, assay.gateway.spread = workers, workers.look
            assay.url = url_of(settings, bound)
        else:
            assay.url = await stack.enter_async_context(listening(assay, settings, drain_s=lambda: reloader.settings.drain_s))
        yield


@asynccontextmanager
async def _following(reloader: Reloader, signals: "_Signals") -> AsyncGenerator[None, None]:
    """Read the configuration again when its file changes and when a signal asks for it."""
    task = asyncio.create_task(reloader.follow(), name="configuration")
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.asked.set)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _collect_less() -> None:
    """What is loaded by now stays: the collector need not walk it again and again. Garbage of requests is looked for less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _Signals:
    """SIGINT and SIGTERM set ``told``, once the server ``is_up``; before that, and from the second on, they end it at once."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.is_up = False
        self._task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._hear)

    def _hear(self) -> None:
        if self.is_up and not self.told.is_set():
            self.told.set()
        elif self._task is not None:
            self._task.cancel()


async def _announce(assay: Assay, key: str | None, as_json: bool) -> None:
    settings = assay.settings
    login = f"{assay.url}/login?token={assay.doorkeeper.new_link()}"
    document: dict[str, Any] = {
        "url": assay.url,
        "login": login,
        "base_url": f"{assay.url}/v1",
        "key": key,
        "bodies": settings.bodies,
    }
    lines = [
        f"Assay is up at {assay.url}",
        "",
        f"  Open once     {login}",
        f"  Base URL      {assay.url}/v1",
    ]
    if key:
        lines.append(f"  Gateway key   {key}   (shown once)")
    elif settings.demo:
        lines.append("  Gateway key   made before and shown then; `assay key create NAME` makes another")
    kept = {
        "full": f"kept for {settings.bodies_days} days, so that your own work can be replayed",
        "hashed": 'kept as hashes only; replay needs `bodies = "full"`',
        "off": 'not kept; replay needs `bodies = "full"`',
    }
    lines += [f"  Bodies        {kept[settings.bodies]} (setting `bodies`)", f"  Data          {settings.data}"]
    emit(document, as_json, "\n".join(lines))
