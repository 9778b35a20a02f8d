"""``python -m assay.gateway.worker LISTENING CHANNEL``: a process that answers the gateway's clients, beside others on one socket.

Both arguments are descriptors that it inherits. ``LISTENING`` is the public socket. ``CHANNEL`` leads to the process that started
it, which gives it orders there, one JSON document a line, the settings first: so nothing secret stands on a command line. When the
channel ends, the starter is gone, and the worker finishes what it has begun and goes as well.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import uvloop

from assay.core import AssayError, Settings
from assay.core.logs import start_logging
from assay.gateway.asgi import Receive, Scope, Send
from assay.gateway.faces import PREFIXES
from assay.gateway.gateway import Gateway
from assay.gateway.relay import Relay
from assay.gateway.server import LINGER_S, Server
from assay.store.database import open_database
from assay.store.rotation import open_vault

READY = b"ready\n"
_REPLACED_S = 2
"""How long a worker whose place was taken keeps connections on which nothing comes: what they bring is still answered."""

_LONGEST_ORDER = 16 * 1024 * 1024

_log = logging.getLogger(__name__)


class Take(msgspec.Struct, tag="take"):
    """Go on with these settings."""

    settings: Settings


class Leave(msgspec.Struct, tag="leave"):
    """Finish what runs within ``grace_s``, and go. ``stopping``: nobody takes this worker's place, so new requests are refused."""

    grace_s: float
    stopping: bool = False


class Look(msgspec.Struct, tag="look"):
    """Something was changed: say ``number`` when it is known here."""

    number: int


class Cut(msgspec.Struct, tag="cut"):
    """Go at once."""


Order: TypeAlias = Take | Look | Leave | Cut


def write_order(order: Order) -> bytes:
    """``order`` as a line."""
    return msgspec.json.encode(order, enc_hook=str) + b"\n"


def _read_path(kind: type, value: Any) -> Path:
    """The only type in an order that msgspec does not know."""
    return Path(value)


_ORDERS: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order, dec_hook=_read_path)


class Worker:
    """The app: the gateway's addresses are answered here, everything else is passed on."""

    def __init__(self, gateway: Gateway, server: Server, relay: Relay):
        self.gateway = gateway
        self.server = server
        self.relay = relay
        self.is_over = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None
        server.app = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if f"{scope['path']}/".startswith(PREFIXES):
                await self.gateway(scope, receive, send)
            else:
                await self.relay(scope, receive, send)
        except asyncio.CancelledError:
            _log.warning("cut off an answer to stop method=%s", scope["method"])

    async def obey(self, orders: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """Do what is ordered, until nobody is there to order anything."""
        while line := await orders.readline():
            order = _ORDERS.decode(line)
            try:
                await self._obey(order, answers)
            except AssayError as error:
                _log.warning("an order is followed later order=%s code=%s", type(order).__name__, error.code)
        self.leave(Leave(self.gateway.settings.drain_s, stopping=True))

    async def _obey(self, order: Order, answers: asyncio.StreamWriter) -> None:
        match order:
            case Take():
                start_logging(order.settings.log_level, order.settings.log_format)
                await self.gateway.reconfigure(order.settings)
            case Look():
                await self.gateway.look()
                answers.write(b"%d\n" % order.number)
            case Leave():
                self.leave(order)
            case Cut() if self._leaving is not None:
                self._leaving.cancel()
            case Cut():
                self.is_over.set()

    def leave(self, order: Leave) -> None:
        """Begin to leave, once."""
        if order.stopping:
            self.gateway.is_stopping = True
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(order), name="leaving")

    async def _leave(self, order: Leave) -> None:
        try:
            if order.stopping:
                await self.server.leave(order.grace_s, LINGER_S)
            else:
                await self.server.leave(order.grace_s, _REPLACED_S, at_least=True)
        finally:
            self.is_over.set()


async def serve(listening: int, channel: int) -> None:
    """Answer clients until told to leave."""
    orders, answers = await asyncio.open_connection(sock=socket.socket(fileno=channel), limit=_LONGEST_ORDER)
    order = _ORDERS.decode(await orders.readline())
    if not isinstance(order, Take):
        raise TypeError("a worker's first order is its settings")
    settings = order.settings
    start_logging(settings.log_level, settings.log_format)
    database = await open_database(settings.database_url)
    vault = await open_vault(database, settings.master_key, data_dir=settings.data)
    gateway = await Gateway.start(database, vault, settings)
    worker = Worker(gateway, server := Server(None), relay := Relay(str(settings.control_socket)))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: worker.leave(Leave(gateway.settings.drain_s)))
    counting = asyncio.create_task(gateway.metrics.keep_saving(settings.metrics_folder), name="saving of counts")
    telling = asyncio.create_task(gateway.keep_telling(), name="telling who is unwell")
    await server.listen(socket.socket(fileno=listening))
    answers.write(READY)
    obeying = asyncio.create_task(worker.obey(orders, answers), name="orders")
    gc.collect()
    gc.freeze()  # what is loaded by now stays, and need not be looked at again
    gc.set_threshold(20_000, 20, 20)
    await worker.is_over.wait()
    for task in (beside := (obeying, counting, telling)):
        task.cancel()
    await asyncio.wait(beside)
    await relay.close()
    await gateway.close()
    gateway.metrics.save(settings.metrics_folder)
    await database.close()
    answers.close()


def main() -> None:
    """Run as a worker, with the descriptors from the command line."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))
    except AssayError as error:
        _log.error("a worker cannot go on code=%s: %s", error.code, error)
        sys.exit(1)


if __name__ == "__main__":
    main()
