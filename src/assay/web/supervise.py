"""Workers: processes that answer the gateway's clients on one shared socket. Whoever dies is replaced, whoever leaves finishes first.

The socket is listened on once and inherited by all, so a client that waits to be accepted never waits for one worker alone.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from assay.core import Settings, Unavailable
from assay.gateway.worker import READY, Cut, Leave, Look, Order, Take, write_order

READY_S = 60
"""A worker that does not answer within this time never will."""

_SLACK_S = 5
"""Beyond its grace, for committing what it has recorded."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 10
_LASTING_S = 30
"""A worker that lived this long did not die of how it was started."""

_LOOK_S = 1
"""How long whoever changes something waits for the workers to know. They look by themselves, too."""

_log = logging.getLogger(__name__)


class _Worker:
    """One process, and the channel to it."""

    def __init__(self, process: asyncio.subprocess.Process, orders: asyncio.StreamWriter):
        self.process = process
        self.has_seen = 0
        """The number of the latest `Look` that it has followed."""
        self.began = time.monotonic()
        self.is_leaving = False
        self._orders = orders

    def tell(self, order: Order) -> None:
        """Give it an order. One that is dead by now hears nothing."""
        self.is_leaving = self.is_leaving or not isinstance(order, Take | Look)
        self._orders.write(write_order(order))

    async def listen(self, answers: asyncio.StreamReader, stirred: asyncio.Event) -> None:
        """Take note of what it says, until it says no more."""
        while line := await answers.readline():
            self.has_seen = int(line)
            stirred.set()

    async def end(self) -> int:
        """Wait for its end; its exit status."""
        status = await self.process.wait()
        self._orders.close()
        return status


class Workers:
    """Make them with `working`. ``settings`` gives those that count now."""

    def __init__(self, bound: socket.socket, settings: Callable[[], Settings]):
        self._bound = bound
        self._settings = settings
        self._all: set[_Worker] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._replacing = asyncio.Lock()
        self._wait_s = _FIRST_WAIT_S
        self._looks = 0
        self._stirred = asyncio.Event()

    @property
    def pids(self) -> list[int]:
        """The processes that accept now."""
        return [worker.process.pid for worker in self._all if not worker.is_leaving]

    async def begin(self, count: int) -> None:
        """Start ``count`` of them; returns once all accept.

        Raises:
            Unavailable: ``up.worker_failed``.
        """
        await asyncio.gather(*(self._begin() for _ in range(count)))

    def take(self, settings: Settings) -> None:
        """Have all of them go on with these settings."""
        for worker in self._all:
            worker.tell(Take(settings))

    async def look(self) -> None:
        """Have all of them take note of what was changed; returns when they have, or could have."""
        self._looks += 1
        number = self._looks
        for worker in self._all:
            worker.tell(Look(number))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                while any(worker.has_seen < number for worker in self._all if not worker.is_leaving):
                    self._stirred.clear()
                    await self._stirred.wait()

    async def replace(self) -> None:
        """Put a new one in each one's place, one after the other: it accepts before the old one leaves.

        Raises:
            Unavailable: ``up.worker_failed``: those that are left go on.
        """
        async with self._replacing:
            for old in [worker for worker in self._all if not worker.is_leaving]:
                await self._begin()
                old.tell(Leave(self._settings().drain_s))

    async def leave(self, grace_s: float) -> None:
        """Have all finish what runs within ``grace_s``, and wait for it. Cancelled, it cuts them off."""
        self._bound.close()  # or clients would wait in a line that nobody looks at
        try:
            for worker in self._all:
                worker.tell(Leave(grace_s, stopping=True))
            if grace_s:
                await self._wait_for_all(grace_s + _SLACK_S)
        finally:
            for worker in self._all:
                worker.tell(Cut())
            await self._wait_for_all(_SLACK_S)
            for worker in self._all:
                worker.process.kill()
            await self._wait_for_all(_SLACK_S)

    async def _wait_for_all(self, timeout_s: float) -> None:
        if self._watching:
            await asyncio.wait(self._watching, timeout=timeout_s)

    async def _begin(self) -> None:
        if self._bound.fileno() < 0:
            raise Unavailable("gateway.stopping", "Assay is being stopped.")
        ours, theirs = socket.socketpair()
        with theirs:
            fds = (self._bound.fileno(), theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "assay.gateway.worker", *map(str, fds),
                pass_fds=fds,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us, who tell them in good order
            )  # fmt: skip
        answers, orders = await asyncio.open_connection(sock=ours)
        worker = _Worker(process, orders)
        worker.tell(Take(self._settings()))
        try:
            async with asyncio.timeout(READY_S):
                is_ready = await answers.readline() == READY
                if not is_ready:
                    await process.wait()
        except TimeoutError:
            process.kill()
            is_ready = False
        if not is_ready:
            status = await worker.end()
            raise Unavailable("up.worker_failed", f"A worker ended with {status} before it was ready.", hint="Its log says why.")
        worker.has_seen = self._looks
        self._all.add(worker)
        watching = asyncio.create_task(self._watch(worker, answers), name=f"worker {process.pid}")
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        if self._bound.fileno() < 0:  # everything has been told to stop in the meantime
            worker.tell(Cut())

    async def _watch(self, worker: _Worker, answers: asyncio.StreamReader) -> None:
        await worker.listen(answers, self._stirred)
        status = await worker.end()
        self._all.discard(worker)
        self._stirred.set()
        if not worker.is_leaving:
            _log.warning("a worker ended by itself pid=%d status=%d", worker.process.pid, status)
            await self._begin_another(time.monotonic() - worker.began)

    async def _begin_another(self, lived_s: float) -> None:
        if lived_s > _LASTING_S:
            self._wait_s = _FIRST_WAIT_S
        while self._bound.fileno() >= 0:
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            try:
                await self._begin()
            except (OSError, Unavailable) as error:
                _log.error("no worker can be started retry_in_s=%g: %s", self._wait_s, error)
            else:
                return


@asynccontextmanager
async def working(bound: socket.socket, settings: Callable[[], Settings]) -> AsyncGenerator[Workers, None]:
    """As many workers on the listening socket ``bound`` as the settings say. On exit, they finish what they have begun.

    Raises:
        Unavailable: ``up.worker_failed``.
    """
    workers = Workers(bound, settings)
    grace_s = 0.0  # who is interrupted waits for nobody
    try:
        await workers.begin(settings().workers)
        yield workers
        grace_s = settings().drain_s
    finally:
        await workers.leave(grace_s)
