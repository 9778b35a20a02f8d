"""One turn under way: the duel runs as a task of its own, whoever watches it, and settles with the database at its end.

The watcher only reads `Round.watch`. When it goes away, `leave` lets both upstreams go; what was shown by then is kept, so
that the voter can come back, read it and vote.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable

import msgspec

from assay.arena import queries
from assay.arena.battle import Battle, Letter, Limits, Turn, request_id
from assay.arena.duel import Begun, Column, Duel, Tick
from assay.core import Caller, Problem, Transcript, Unavailable, now_us, user
from assay.store import Database

log = logging.getLogger(__name__)


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The battle is on record; ``token`` is good for a vote as soon as both sides have begun."""

    id: str
    turn: int
    token: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """Both answers are whole; ``token`` is for the vote or the next turn."""

    turn: int
    token: str


SIDE_FAILED = Problem.of(
    status=502,
    code="battle.side_failed",
    detail="One of the two sides did not answer, so this battle counts for nothing.",
    hint="Start another battle.",
)
"""Why a battle is void, without a word on which side failed or how: that would tell who it was."""


class Voided(msgspec.Struct, frozen=True):
    """A side failed: the battle counts for nothing, and its names stay hidden."""

    problem: Problem = SIDE_FAILED


Shown = Opened | Begun | Tick | Ended | Voided
Sign = Callable[[Battle], str]


class Round:
    """The newest turn of ``battle``, which has ``battle.turn`` as its number. ``lock`` is held by whoever settles it."""

    def __init__(self, db: Database, caller: Caller, battle: Battle, session: str, prompt: str, sign: Sign, limits: Limits):
        self.battle = battle
        self.session = session
        self.lock = asyncio.Lock()
        self.saved = False
        self.over = False
        self._db = db
        self._at = now_us()
        self._prompt = prompt
        self._sign = sign
        self._limits = limits
        self._watched: asyncio.Queue[Shown | None] = asyncio.Queue()
        self._watched.put_nowait(Opened(id=battle.id, turn=battle.turn, token=sign(battle)))
        self._duel = Duel(self._column("a", caller), self._column("b", caller), limits)

    @property
    def begun(self) -> bool:
        """Both columns have something to show."""
        return self._duel.begun_at is not None

    @property
    def read_for_s(self) -> float:
        """How long both columns have been there to read."""
        return time.monotonic() - self._duel.begun_at if self._duel.begun_at is not None else 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        """The deployments that did not answer."""
        return self._duel.failed

    def turn(self) -> Turn:
        """The turn as it has been shown so far."""
        return Turn(number=self.battle.turn, at=self._at, prompt=self._prompt, **self._duel.said())

    async def run(self) -> None:
        """Show the turn to its end, then settle."""
        try:
            async for shown in self._duel.ticks():
                self._watched.put_nowait(shown)
            self._duel.stop()
            await self._duel.stopped()
            async with self.lock:
                self.over = True
                if not self.saved:
                    await self._settle()
        finally:
            self._watched.put_nowait(None)  # whatever broke off, nobody goes on waiting

    async def watch(self) -> AsyncGenerator[Shown | None, None]:
        """What there is to show, as it comes; None now and then when nothing does: the connection lives."""
        while True:
            try:
                shown = await asyncio.wait_for(self._watched.get(), self._limits.heartbeat_s)
            except TimeoutError:
                yield None
                continue
            if shown is None:
                return
            yield shown

    def leave(self) -> None:
        """Let both upstreams go: nobody watches any more, or the vote is cast."""
        self._duel.stop()

    async def save(self) -> None:
        """Put the turn on record, if that has not happened yet; the caller holds the lock."""
        if not self.saved:
            async with self._db.transaction() as tx:
                await queries.add_turn(tx, self.battle.id, self.turn())
            self.saved = True

    async def _settle(self) -> None:
        try:
            if self.failed:
                async with self._db.transaction() as tx:
                    await queries.mark_void(tx, self.battle.id)
                self.saved = True
            elif self.begun:
                await self.save()
        except Unavailable as error:
            log.warning("a turn is not on record yet battle=%s code=%s", self.battle.id, error.code)
        if self.failed:
            self._watched.put_nowait(Voided())
        elif self._duel.done:
            self._watched.put_nowait(Ended(turn=self.battle.turn, token=self._sign(self.battle)))

    def _column(self, side: Letter, caller: Caller) -> Column:
        before = self.battle.transcript(side)
        asked = Transcript((*before.messages, user(self._prompt)))
        filed = request_id(self.battle.id, self.battle.turn, side)
        return Column(caller, self.battle.deployment(side).id, asked, filed, self._limits)
