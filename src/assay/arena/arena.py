"""Blind battles from the draw to the reveal.

The state of a battle is in the database; what is in memory is only the turn under way (`Round`). So a restart loses at most
the answers that were still being written, and a vote needs nothing but the token that the browser holds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

import msgspec

from assay.arena import queries
from assay.arena.battle import Battle, Limits, request_ids
from assay.arena.draw import draw_pair, draw_sides
from assay.arena.pace import Pace
from assay.arena.round import Round, Shown
from assay.arena.standing import Effect, Standings
from assay.arena.token import PURPOSE as TOKENS
from assay.arena.token import Signer
from assay.arena.vote import cast
from assay.arena.voter import PURPOSE as VOTERS
from assay.arena.voter import VoterHash, load_voter_hash, rotate_voter_key
from assay.core import (
    CHOICES,
    Bodies,
    Caller,
    Choice,
    Conflict,
    Deployment,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
    new_id,
    now_us,
)
from assay.store import Database, Vault
from assay.store.chain import ChainReport, verify_chain

log = logging.getLogger(__name__)
_T = TypeVar("_T")

FAILED_REST_S = 60
"""How long a deployment that failed in a battle is not drawn, as long as two other models are left."""
EFFECT_TIMEOUT_S = 5
FORGET_S = 3600
"""Where bodies are not kept: how often what was said in battles that can get no vote any more is deleted."""


class Arena:
    """Draws, shows and judges battles. Make it with `start`."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        caller: Caller,
        deployments: Callable[[], tuple[Deployment, ...]],
        *,
        voters: VoterHash,
        votes: dict[tuple[str, str], int],
        limits: Limits,
        bodies: Bodies,
    ):
        self._db = db
        self._vault = vault
        self._caller = caller
        self._deployments = deployments
        self._voters = voters
        self._votes = votes
        self._standings = Standings(db)
        self.limits = limits
        self._bodies = bodies
        self._signer = Signer(vault.derive(TOKENS))
        self._pace = Pace(limits.starts_per_minute)
        self._starts: Counter[str] = Counter()
        self._rounds: dict[str, Round] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed_at: dict[str, float] = {}
        self._forgetting: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        db: Database,
        vault: Vault,
        caller: Caller,
        deployments: Callable[[], tuple[Deployment, ...]],
        *,
        limits: Limits | None = None,
        bodies: Bodies = "full",
    ) -> Arena:
        """An arena over what ``db`` already holds. ``deployments`` are those that can be called now.

        ``bodies``: all that was said in a battle is kept for good as evidence of its vote; or its hashes are; or nothing is.
        """
        voters = await load_voter_hash(db, vault)
        votes = await queries.count_votes(db)
        arena = cls(db, vault, caller, deployments, voters=voters, votes=votes, limits=limits or Limits(), bodies=bodies)
        arena._spawn(arena._warm_up())
        arena.keep_bodies(bodies)
        return arena

    def keep_bodies(self, bodies: Bodies) -> None:
        """From now on, keep this of what is said in battles."""
        self._bodies = bodies
        if bodies != "full" and self._forgetting is None:
            self._forgetting = self._spawn(self._forget())

    async def begin(self, session: str, prompt: str) -> Round:
        """Draw a battle, put it on record and let both sides answer.

        Raises:
            InvalidInput, TooLarge: the prompt is empty or too long.
            RateLimited: ``arena.too_fast``, ``arena.too_many_streams``, ``arena.too_many_open``.
            Unavailable: fewer than two models, or the storage failed; nothing was asked of any model then.
        """
        self._check_prompt(prompt)
        with self._starting(session):
            return await self._begin(session, prompt, now_us())

    async def _begin(self, session: str, prompt: str, now: int) -> Round:
        await self._check_open(session, now)
        draw = await asyncio.to_thread(draw_pair, self._pool(), self._votes)  # thousands of pairs take milliseconds
        a, b = draw_sides(draw.pair)
        battle = Battle(
            id=new_id(),
            state="open",
            voter=self._voters.name(session),
            at=now,
            expires=now + self._life_us,
            turn=1,
            a=a,
            b=b,
            propensity=draw.propensity,
            sampling=draw.rule,
        )
        await queries.add_battle(self._db, battle)
        return self._go(battle, session, prompt)

    async def go_on(self, session: str, id: str, prompt: str, token: str) -> Round:
        """Ask both sides of an open battle one thing more.

        Raises:
            Forbidden: the token is not for this battle and turn, see `Signer.check`.
            Conflict: the last turn is not over, or the battle is.
        """
        self._check_prompt(prompt)
        battle = await self._battle(id)
        turn = self._checked(battle, session, token)
        if battle.state != "open":
            raise Conflict("battle.over", f"This battle is {battle.state}; it cannot go on.", hint="Start another battle.")
        if len(battle.turns) >= self.limits.turns:
            raise Conflict(
                "battle.too_many_turns", f"A battle has at most {self.limits.turns} turns.", hint="Vote, or start another."
            )
        with self._starting(session):
            return await self._go_on(session, battle, turn, prompt)

    async def _go_on(self, session: str, battle: Battle, turn: int, prompt: str) -> Round:
        if (last := self._rounds.get(battle.id)) is not None:
            async with last.lock:
                if not last.over:
                    raise Conflict("battle.still_answering", "Both sides are still answering.", hint="Wait for them, or vote.")
                await last.save()
        expires = now_us() + self._life_us
        async with self._db.transaction() as tx:
            if not await queries.start_turn(tx, battle.id, turn, expires):
                raise _stale()
            turns = await queries.load_turns(tx, battle.id)
        battle = msgspec.structs.replace(battle, turn=turn + 1, expires=expires, turns=turns)
        return self._go(battle, session, prompt)

    async def vote(self, session: str, id: str, choice: str, token: str) -> Battle:
        """Close a battle with the voter's choice, and reveal it. Returns after the commit.

        Raises:
            InvalidInput: ``vote.bad_choice``.
            Forbidden: the token is not for this battle, turn and voter, or too old.
            Conflict: ``vote.already_cast``, ``vote.battle_void``, ``vote.not_begun``, ``vote.too_soon``.
            Unavailable: the storage failed; the vote is not counted and can be sent again.
        """
        checked = _choice(choice)
        battle = await self._battle(id)
        turn = self._checked(battle, session, token)
        voter = self._voters.name(session)
        with self._standings.expecting(id) as effect:
            if (current := self._rounds.get(id)) is None:
                battle = await cast(self._db, id, turn, checked, voter, bodies=self._bodies)
            else:
                async with current.lock:
                    reading_s = self.limits.reading_s
                    battle = await cast(self._db, id, turn, checked, voter, current, reading_s=reading_s, bodies=self._bodies)
                    current.saved = True
                current.leave()
            first, second = sorted((battle.a.model, battle.b.model))
            self._votes[first, second] = self._votes.get((first, second), 0) + 1
            await self._find_effect(id)
            if not effect.done():
                return battle
            await self._keep_effect(id, effect.result())
            return msgspec.structs.replace(battle, effect=effect.result())

    async def show(self, session: str, id: str) -> Battle:
        """A battle as it stands, for its voter; a voted one for everybody who is signed in."""
        battle = await self._battle(id)
        if battle.state != "voted" and not self._voters.is_voter(session, battle.voter):
            raise Forbidden("battle.not_yours", "This battle belongs to another voter.", hint="It can be seen after the vote.")
        return battle

    async def list_own(self, session: str, before: str | None, limit: int) -> list[Battle]:
        """The voter's own battles, the newest first; ``before`` is the id that the page before ended with."""
        return await queries.list_battles(self._db, self._voters.names(session), before, limit)

    def token(self, session: str, battle: Battle) -> str | None:
        """A fresh token for an open battle that is not too old."""
        return self._sign(session, battle) if battle.state == "open" and battle.expires > now_us() else None

    async def hidden_requests(self) -> list[str]:
        """The request ids whose calls must not be shown: those of battles that can still be voted on."""
        return [filed for id, turns in await queries.list_open(self._db, now_us()) for filed in request_ids(id, turns)]

    async def verify(self) -> ChainReport:
        """Check the vote log from its first link to its last."""
        return await verify_chain(self._db)

    async def derived_keys(self) -> list[tuple[str, int]]:
        """The keys that must outlive a master key, by purpose and version: tokens of battles under way, and the names of voters."""
        newest = await queries.newest_voter_key(self._db)
        return [(TOKENS, 1), *((VOTERS, version) for version in range(1, newest + 1))]

    async def rotate_voter_key(self) -> int:
        """From now on voters are named under a new key; the number of its version."""
        self._voters = VoterHash(self._vault, await rotate_voter_key(self._db))
        return self._voters.version

    async def close(self) -> None:
        """Let all upstreams go and put on record what was shown."""
        for round in self._rounds.values():
            round.leave()
        if self._forgetting is not None:
            self._forgetting.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _go(self, battle: Battle, session: str, prompt: str) -> Round:
        round = Round(self._db, self._caller, battle, session, prompt, lambda now: self._sign(session, now), self.limits)
        self._rounds[battle.id] = round
        self._spawn(self._run(round))
        return round

    def _spawn(self, work: Coroutine[None, None, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, round: Round) -> None:
        try:
            await round.run()
        except Exception:  # the task's boundary: nobody awaits it
            log.exception("a turn broke off by a defect battle=%s", round.battle.id)
        for deployment in round.failed:
            self._failed_at[deployment] = time.monotonic()
        if (round.saved or not (round.begun or round.failed)) and self._rounds.get(round.battle.id) is round:
            del self._rounds[round.battle.id]

    async def _warm_up(self) -> None:
        """Count the votes of before, so that the first vote need not wait for it."""
        try:
            await self._standings.catch_up()
        except Unavailable as error:
            log.warning("votes are not counted yet code=%s", error.code)

    async def _forget(self) -> None:
        while True:
            try:
                await queries.delete_unvoted_turns(self._db, now_us())
            except Unavailable as error:
                log.warning("what was said in unvoted battles is still there code=%s", error.code)
            await asyncio.sleep(FORGET_S)

    async def _find_effect(self, id: str) -> None:
        """Bring the standings up to date, for so long as a voter cares to wait. The vote stands, whatever comes of this."""
        finding = self._spawn(self._standings.catch_up())
        await asyncio.wait([finding], timeout=EFFECT_TIMEOUT_S)
        if not finding.done():
            log.warning("no effect to show in time battle=%s", id)
        elif (error := finding.exception()) is not None:
            log.warning("no effect to show battle=%s", id, exc_info=None if isinstance(error, Unavailable) else error)

    async def _keep_effect(self, id: str, effect: Effect) -> None:
        try:
            await queries.set_effect(self._db, id, effect)
        except Unavailable as error:
            log.warning("the effect is shown once only battle=%s code=%s", id, error.code)

    async def _battle(self, id: str) -> Battle:
        battle = await queries.load_battle(self._db, id)
        if battle is None:
            raise NotFound("battle.not_found", f"There is no battle {id[:64]!r}.", hint="Look at the list of your battles.")
        return battle

    def _checked(self, battle: Battle, session: str, token: str) -> int:
        return self._signer.check(token, battle=battle.id, session=session, sides=battle.deployments, now=now_us())

    def _sign(self, session: str, battle: Battle) -> str:
        return self._signer.sign(
            battle=battle.id, turn=battle.turn, expires=battle.expires, session=session, sides=battle.deployments
        )

    def _pool(self) -> list[Deployment]:
        since = time.monotonic() - FAILED_REST_S
        self._failed_at = {id: at for id, at in self._failed_at.items() if at > since}
        every = self._deployments()
        rested = [one for one in every if one.id not in self._failed_at]
        return rested if len({one.model for one in rested}) >= 2 else list(every)

    def _check_prompt(self, prompt: str) -> None:
        if not prompt.strip():
            raise InvalidInput("battle.empty_prompt", "The prompt is empty.", hint="Write a question.", param="prompt")
        if "\0" in prompt:
            raise InvalidInput("battle.nul", "The prompt has a NUL character.", hint="Leave out U+0000.", param="prompt")
        if len(prompt) > self.limits.prompt_chars:
            raise TooLarge(
                "battle.prompt_too_long",
                f"The prompt has {len(prompt)} characters, and at most {self.limits.prompt_chars} are allowed.",
                hint="Shorten it.",
                param="prompt",
            )

    @contextmanager
    def _starting(self, session: str) -> Iterator[None]:
        """Count a start from its very beginning, so that many at once cannot pass together."""
        streaming = sum(1 for round in self._rounds.values() if round.session == session and not round.over)
        streaming += self._starts[session]
        if streaming >= self.limits.streaming_per_session:
            raise RateLimited(
                "arena.too_many_streams",
                f"{streaming} of your battles are still being answered.",
                hint="Wait for one of them, or vote on it.",
                retry_after_s=5,
            )
        if (wait_s := self._pace.take(session)) > 0:
            raise RateLimited(
                "arena.too_fast",
                f"You started {self.limits.starts_per_minute} turns within a minute.",
                hint=f"Wait {wait_s:.0f} s.",
                retry_after_s=wait_s,
            )
        self._starts[session] += 1
        try:
            yield
        finally:
            self._starts[session] -= 1
            self._starts += Counter()  # drops what is back at zero

    async def _check_open(self, session: str, now: int) -> None:
        count, soonest = await queries.count_open(self._db, self._voters.names(session), now)
        if count >= self.limits.open_per_session and soonest is not None:
            raise RateLimited(
                "arena.too_many_open",
                f"{count} of your battles wait for a vote.",
                hint="Vote on one of them first.",
                retry_after_s=(soonest - now) / 1e6,
            )

    @property
    def _life_us(self) -> int:
        return int(self.limits.life_s * 1e6)


async def watch(round: Round) -> AsyncGenerator[Shown | None, None]:
    """What ``round`` shows; closing this lets its upstreams go."""
    try:
        async with aclosing(round.watch()) as shown:
            async for one in shown:
                yield one
    finally:
        round.leave()


def _choice(choice: str) -> Choice:
    for known in CHOICES:
        if choice == known:
            return known
    raise InvalidInput(
        "vote.bad_choice", f"{choice[:32]!r} is no choice.", hint=f"Choose one of {', '.join(CHOICES)}.", param="choice"
    )


def _stale() -> Forbidden:
    return Forbidden("vote.stale_token", "This token belongs to an earlier turn.", hint="Send the newest token.", param="token")
