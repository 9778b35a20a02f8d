"""One turn of a battle: both sides answer, and two columns grow on one clock.

What each side says is held back until both have begun. Then every tick shows the next piece of both columns, at most
``chars_per_tick`` of each, so that neither a head start nor a provider's chunk size can be seen. Thinking and tool calls are
never shown. What cannot be hidden is total speed: the slower column goes on growing after the other has stopped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from assay.arena.battle import Letter, Limits, Said
from assay.core import AssayError, Budget, Call, Caller, Finished, PartGrew, PartOpened, Refusal, Request, Text, Transcript

log = logging.getLogger(__name__)


class Begun(msgspec.Struct, frozen=True):
    """Both columns have something to show."""


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What both columns grew by, and whether they are whole."""

    a: str
    b: str
    a_done: bool
    b_done: bool


class Column:
    """One side's answer: what has come, and how much of it is shown."""

    def __init__(self, caller: Caller, deployment: str, transcript: Transcript, request_id: str, limits: Limits):
        self.deployment = deployment
        self.request_id = request_id
        self.ended = False
        self.failed = False
        self._coming = ""
        self._shown: list[str] = []
        self._chars = 0
        self._call: Call | None = None
        self._limits = limits
        self._start = time.monotonic_ns()
        self._first: int | None = None
        self._task = asyncio.create_task(self._listen(caller, transcript))

    @property
    def begun(self) -> bool:
        """There is something to show, or there never will be."""
        return self._chars > 0 or self.ended

    @property
    def done(self) -> bool:
        """The answer has ended and all of it is shown."""
        return self.ended and not self._coming

    def advance(self) -> str:
        """Show the next piece."""
        piece, self._coming = self._coming[: self._limits.chars_per_tick], self._coming[self._limits.chars_per_tick :]
        self._shown.append(piece)
        return piece

    def said(self) -> Said:
        """What has been shown so far."""
        call = self._call
        return Said(
            text="".join(self._shown),
            request_id=self.request_id,
            whole=self.done,
            call=call.id if call else None,
            ttft_us=call.ttft_us if call else self._first,
            duration_us=call.duration_us if call else None,
            usage=call.usage if call else None,
            cost=call.cost if call else None,
        )

    def stop(self) -> None:
        """Ask no more."""
        self._task.cancel()

    async def stopped(self) -> None:
        """Return when the upstream is let go."""
        await asyncio.wait([self._task])

    async def _listen(self, caller: Caller, transcript: Transcript) -> None:
        request = Request(model=self.deployment, transcript=transcript, stream=True, stream_usage=True)
        budget = Budget(timeout_s=self._limits.answer_timeout_s)
        visible: set[int] = set()
        try:
            async with aclosing(caller.stream(request, self.deployment, "battle", budget, request_id=self.request_id)) as events:
                async for event in events:
                    match event:
                        case PartOpened(index=index, part=Text(text=text) | Refusal(text=text), choice=0):
                            visible.add(index)
                            self._grow(text)
                        case PartGrew(index=index, text=text, choice=0) if index in visible:
                            self._grow(text)
                        case Finished(call=call):
                            self._call = call
                    if self._chars >= self._limits.answer_chars:
                        break
                else:
                    self.failed = self._call is None
        except AssayError as error:
            log.info("a side failed request=%s code=%s", self.request_id, error.code)
            self.failed = True
        except Exception:  # a defect must void the battle, not leave its columns waiting
            log.exception("a side failed by a defect request=%s", self.request_id)
            self.failed = True
        self.ended = True

    def _grow(self, text: str) -> None:
        text = text.encode("utf-8", "replace").decode()  # a lone surrogate has no bytes and could not be shown or kept
        if text and self._first is None:
            self._first = (time.monotonic_ns() - self._start) // 1000
        text = text[: self._limits.answer_chars - self._chars]
        self._chars += len(text)
        self._coming += text


class Duel:
    """Both columns of one turn."""

    def __init__(self, a: Column, b: Column, limits: Limits):
        self.a = a
        self.b = b
        self.begun_at: float | None = None
        self._limits = limits
        self._stopped = False

    @property
    def failed(self) -> tuple[str, ...]:
        """The deployments that did not answer."""
        return tuple(column.deployment for column in (self.a, self.b) if column.failed)

    @property
    def done(self) -> bool:
        """Both answers are shown whole."""
        return self.a.done and self.b.done

    def said(self) -> dict[Letter, Said]:
        """What both sides have shown."""
        return {"a": self.a.said(), "b": self.b.said()}

    async def ticks(self) -> AsyncGenerator[Begun | Tick, None]:
        """The columns as they grow, until both are whole, one has failed, or `stop`."""
        next_tick = time.monotonic()
        done = (False, False)
        while not (self._stopped or self.failed or self.done):
            next_tick = max(next_tick + self._limits.tick_s, time.monotonic())
            await asyncio.sleep(next_tick - time.monotonic())
            if self._stopped or self.failed or not (self.a.begun and self.b.begun):
                continue
            if self.begun_at is None:
                self.begun_at = time.monotonic()
                yield Begun()
            tick = Tick(a=self.a.advance(), b=self.b.advance(), a_done=self.a.done, b_done=self.b.done)
            if tick.a or tick.b or (tick.a_done, tick.b_done) != done:
                yield tick
            done = (tick.a_done, tick.b_done)

    def stop(self) -> None:
        """Ask no more, and show no more."""
        self._stopped = True
        self.a.stop()
        self.b.stop()

    async def stopped(self) -> None:
        """Return when both upstreams are let go."""
        await asyncio.gather(self.a.stopped(), self.b.stopped())
