"""People who judge: whoever is signed in, and colleagues by invitation. What they see of a pair does not tell whose answer is whose.

A vote is a verdict in the chain of challenges: acknowledged after its commit, once. Where people decide, one vote by anybody
settles a pair; elsewhere each person's votes are held against the judge. Which side is a is drawn by a fair coin from the
operating system's random source when a pair is first shown to a person, and stays.

An invitation is a link with 192 random bits, of which a hash is kept. It makes a guest's session as often as it is opened, since
programs that preview links open them too, until that guest is shown a first pair; then it is spent.
Covered: names in answers are flagged (`assay.arena.leak`); whoever read an item with its names is not asked to judge it.
Not covered: people who tell each other; everybody who is signed in without an account is one person, the admin.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from assay.arena import leak
from assay.challenge import people_queries
from assay.challenge.evidence import settle_unjudged
from assay.challenge.item import Item
from assay.challenge.judging import subject
from assay.challenge.people_queries import Judge, Placed
from assay.challenge.queries import CHAIN, Run, load_item, load_run, load_trials_of, load_verdicts_of
from assay.challenge.shown import Person, ShownPair, Voted, Voting, blind
from assay.challenge.spec import HUMAN, SIDES, Side
from assay.challenge.trial import Trial
from assay.core import (
    Choice,
    Conflict,
    Deployment,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
    Verdict,
    new_id,
    now_us,
)
from assay.store import Database, Transaction
from assay.store.chain import append_verdicts
from assay.store.users import get_user

ADMIN = Judge(person="admin", name="admin")
HOLD_S = 90
"""How long a pair that somebody was shown is not shown to others who could decide it, from when they were last heard of. Items count
in order, so a pair before somebody who went away would hold up all after it."""
MOST_COUNTED = 200
"""Of pairs that wait, the most that are counted."""
LONGEST_NAME = 80


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A session that may only judge one challenge. ``invitation`` is the beginning of the hash of the link that made it, in hex."""

    challenge: str
    person: str
    invitation: str

    @property
    def session(self) -> str:
        """The session's id."""
        return f"guest:{self.challenge}:{self.person}:{self.invitation}"


def read_guest(session: str | None) -> Guest | None:
    """The guest whose session this is; None for all other sessions, and for none."""
    parts = (session or "").split(":")
    if len(parts) != 4 or parts[0] != "guest":
        return None
    return Guest(challenge=parts[1], person=parts[2], invitation=parts[3])


class People:
    """Shows pairs, takes votes, invites. After its commit, ``hear`` is told of each vote (challenge, item number, verdict), and
    ``pass_over`` of each pair that people will not decide."""

    def __init__(self, db: Database, hear: Callable[[str, int, Verdict], None], pass_over: Callable[[str, int], None]):
        self._db = db
        self._hear = hear
        self._pass_over = pass_over
        self._unsure: dict[str, set[int]] = {}
        """Pairs of each challenge of which the storage failed to say whether their vote was saved."""

    async def voting(self, id: str, session: str) -> Voting:
        """How voting stands for whoever asks, and still looks at the pair that they were shown."""
        run, judge = await self._enter(id, session)
        await people_queries.keep_pairs(self._db, id, judge.person)
        counts = await self._counts(run, judge)
        decides = _decide(run)
        is_open = run.state == "running" if decides else run.state == "running" or counts.waiting > 0
        return Voting(name=judge.name, open=is_open, decides=decides, voted=counts.voted, waiting=counts.waiting)

    async def next_pair(self, id: str, session: str) -> ShownPair | None:
        """The first pair that this person can judge, None where there is none now.

        Raises:
            NotFound: ``challenge.not_found``. Forbidden: ``challenge.not_invited``.
        """
        run, judge = await self._enter(id, session)
        waiting = await self._waiting(run, judge.person)
        for number in waiting:
            if (a := await self._place(run, number, judge, read_guest(session))) is not None:
                return await self._shown(run, judge.person, number, a, len(waiting))
        return None

    async def vote(self, id: str, number: int, session: str, choice: Choice) -> Voted:
        """Take a vote. Returns after the commit.

        Raises:
            Conflict: ``vote.already_cast``, ``challenge.pair_not_shown``, ``challenge.over``.
            Unavailable: the storage failed; the vote is not counted and can be sent again.
        """
        run, judge = await self._enter(id, session)
        counts = await self._counts(run, judge)  # before: once it is saved, nothing may fail any more
        item, trials = await self._pair(id, number)
        async with self._deciding(id, number) as tx:
            a = await self._held(tx, run, number, judge.person)
            verdict = _verdict(run, number, item, trials, judge.person, a, choice)
            await append_verdicts(tx, [verdict], CHAIN)
            await people_queries.move_pair(tx, id, number, judge.person, "voted")
        self._hear(id, number, verdict)
        return Voted(voted=counts.voted + 1, waiting=max(0, counts.waiting - 1))

    async def skip(self, id: str, number: int, session: str) -> Voted:
        """Leave a pair unjudged, for good. Where people decide, it then stays unjudged.

        Raises:
            Conflict: as `vote`.
        """
        run, judge = await self._enter(id, session)
        counts = await self._counts(run, judge)
        async with self._deciding(id, number) as tx:
            await self._held(tx, run, number, judge.person)
            await people_queries.move_pair(tx, id, number, judge.person, "skipped" if _decide(run) else "seen")
        if _decide(run):
            self._pass_over(id, number)
        return Voted(voted=counts.voted, waiting=max(0, counts.waiting - 1))

    async def read(self, id: str, session: str, *numbers: int) -> None:
        """Whoever asks is about to read these items with their names, and will not be asked to judge them.

        Raises:
            Conflict: ``challenge.still_blind``, an item still waits for the vote that decides it.
        """
        run, judge = await self._enter(id, session)
        async with self._db.transaction() as tx:
            state = await people_queries.lock_run(tx, id)
            for number in numbers if _decide(run) and state != "ended" else ():
                if await _is_undecided(tx, id, number):
                    raise Conflict(
                        "challenge.still_blind",
                        f"Item {number} waits for a vote: to read it now would tell whose answers they are.",
                        hint="Judge it first, or stop waiting for it by skipping it.",
                    )
            await people_queries.see_pairs(tx, id, judge.person, numbers)

    async def invite(self, id: str, name: str) -> tuple[Judge, str]:
        """Somebody new, or known by this name, and the token of a fresh link for them. It is kept as a hash only. Whoever was
        removed comes back as somebody new, so that the sessions that ended then stay ended.

        Raises:
            InvalidInput: ``challenge.bad_name``. NotFound: ``challenge.not_found``.
        """
        name = _checked_name(name)
        token = secrets.token_urlsafe(24)
        async with self._db.transaction() as tx:
            if await people_queries.lock_run(tx, id) is None:
                raise not_found(id)
            invited = await people_queries.list_people(tx, id)
            known = {judge.name.casefold(): judge.person for judge in invited if not judge.removed}
            person = known.get(name.casefold()) or new_id()
            judge = Judge(person=person, name=name, invitation=_digest(token))
            await people_queries.put_person(tx, id, judge)
        return judge, token

    async def redeem(self, id: str, token: str) -> Guest:
        """The guest whom a link lets in.

        Raises:
            Unauthorized: ``challenge.invitation_spent``.
        """
        digest = _digest(token)
        judge = await people_queries.find_invited(self._db, id, digest)
        if judge is None:
            raise Unauthorized(
                "challenge.invitation_spent",
                "This invitation was used already, was replaced by a newer one, or was never given.",
                hint="Ask whoever invited you for a new link.",
            )
        return Guest(challenge=id, person=judge.person, invitation=_mark(digest))

    async def name_of(self, guest: Guest) -> str | None:
        """What a guest is called; None where they may judge no more."""
        people = {judge.person: judge for judge in await people_queries.list_people(self._db, guest.challenge)}
        judge = people.get(guest.person)
        return judge.name if judge is not None and not judge.removed else None

    async def list_people(self, id: str) -> list[Person]:
        """All who judge."""
        if await load_run(self._db, id) is None:
            raise not_found(id)
        votes = await people_queries.count_votes(self._db, id)
        return [
            Person(
                person=judge.person,
                name=judge.name,
                votes=votes.get(judge.person, 0),
                invited=judge.invitation is not None,
                removed=judge.removed,
            )
            for judge in await people_queries.list_people(self._db, id)
        ]

    async def remove(self, id: str, person: str) -> None:
        """Let a guest judge no more; their link and their sessions end, their votes stand.

        Raises:
            NotFound: ``challenge.no_such_person``.
        """
        async with self._db.transaction() as tx:
            if person not in {judge.person for judge in await people_queries.list_people(tx, id)} - {ADMIN.person}:
                raise NotFound("challenge.no_such_person", f"Nobody called {person[:64]!r} was invited to this challenge.")
            await people_queries.remove_person(tx, id, person)

    async def _enter(self, id: str, session: str) -> tuple[Run, Judge]:
        """The challenge and who asks, if they may judge it."""
        guest = read_guest(session)
        if guest is None:
            judge: Judge | None = await self._signed_in(id, session)
        else:
            people = await people_queries.list_people(self._db, guest.challenge) if guest.challenge == id else []
            judge = next((one for one in people if one.person == guest.person), None)
        if judge is None or judge.removed:
            raise Forbidden("challenge.not_invited", "You are not invited to judge this challenge.", hint="Ask for a link to it.")
        run = await load_run(self._db, id)
        if run is None:
            raise not_found(id)
        await self._make_sure(id)
        return run, judge

    async def _signed_in(self, id: str, session: str) -> Judge:
        """Whoever has an account judges as themselves, everybody else who is signed in as the admin."""
        kind, _, user = session.partition(":")
        if kind != "user":
            return ADMIN
        known = {one.person: one for one in await people_queries.list_people(self._db, id)}
        return known.get(user) or Judge(person=user, name=(await get_user(self._db, user)).name)

    @asynccontextmanager
    async def _deciding(self, id: str, number: int) -> AsyncGenerator[Transaction, None]:
        """A transaction of which one may never hear whether it was committed. What it decided is then looked up later."""
        try:
            async with self._db.transaction() as tx:
                yield tx
        except Unavailable:
            self._unsure.setdefault(id, set()).add(number)
            raise

    async def _make_sure(self, id: str) -> None:
        """Tell of votes that were saved after all: a challenge waits for them, and nobody is asked for them again."""
        for number in tuple(self._unsure.get(id, ())):
            async with self._db.transaction() as tx:
                await people_queries.lock_run(tx, id)  # waits for a commit that is still under way
                states = {one.state for one in await people_queries.list_placed(tx, id, number)}
            if "skipped" in states:
                self._pass_over(id, number)
            elif "voted" in states:
                for verdict in await load_verdicts_of(self._db, id, number):
                    if verdict.kind == "vote":
                        self._hear(id, number, verdict)
            self._unsure[id].discard(number)

    async def _waiting(self, run: Run, person: str) -> list[int]:
        """The pairs that this person can judge."""
        if _decide(run) and run.state == "ended":
            return []
        return await people_queries.list_waiting(self._db, run.id, person, _held_since(), MOST_COUNTED, shared=_decide(run))

    async def _counts(self, run: Run, judge: Judge) -> Voted:
        votes = await people_queries.count_votes(self._db, run.id)
        return Voted(voted=votes.get(judge.person, 0), waiting=len(await self._waiting(run, judge.person)))

    async def _place(self, run: Run, number: int, judge: Judge, guest: Guest | None) -> Side | None:
        """Put a pair before somebody: which side stands first. None where it went to somebody else in between."""
        person = judge.person
        async with self._db.transaction() as tx:
            await people_queries.lock_run(tx, run.id)
            placed = await people_queries.list_placed(tx, run.id, number)
            if any(_is_taken(one, person, shared=_decide(run)) for one in placed):
                return None
            people = {judge.person: judge for judge in await people_queries.list_people(tx, run.id)}
            if guest is None and person not in people:
                await people_queries.put_person(tx, run.id, judge)
            elif guest is not None and (link := people[person].invitation) is not None and _mark(link) == guest.invitation:
                await people_queries.spend_invitation(tx, run.id, person, link)
            return await people_queries.show_pair(tx, run.id, number, person, secrets.choice(SIDES))

    async def _shown(self, run: Run, person: str, number: int, a: Side, waiting: int) -> ShownPair:
        item, trials = await self._pair(run.id, number)
        votes = await people_queries.count_votes(self._db, run.id)
        return ShownPair(
            number=number,
            transcript=blind(item.request.transcript.messages),
            a=blind(trials[a].turns),
            b=blind(trials[_other(a)].turns),
            voted=votes.get(person, 0),
            waiting=waiting,
        )

    async def _pair(self, id: str, number: int) -> tuple[Item, dict[Side, Trial]]:
        item, trials = await load_item(self._db, id, number), await load_trials_of(self._db, id, number)
        if item is None or set(trials) != set(SIDES):
            raise _not_shown(number)
        return item, trials

    async def _held(self, tx: Transaction, run: Run, number: int, person: str) -> Side:
        """Which side stands first in the pair that is before this person now; nobody can judge it until the transaction ends."""
        state = await people_queries.lock_run(tx, run.id)
        if _decide(run) and state == "ended":
            raise Conflict("challenge.over", "This challenge has ended; its verdict stands.", hint="Your other votes were counted.")
        placed = await people_queries.list_placed(tx, run.id, number)
        mine = next((one for one in placed if one.person == person), None)
        voted = [one for one in placed if one.state == "voted" and (_decide(run) or one.person == person)]
        if voted:
            raise Conflict("vote.already_cast", "This pair has its vote; it stands.", hint="Go on with the next pair.")
        if mine is None or mine.state != "shown":
            raise _not_shown(number)
        return mine.a


def not_found(id: str) -> NotFound:
    """There is no such challenge."""
    return NotFound("challenge.not_found", f"There is no challenge {id[:64]!r}.", hint="`assay challenge list` shows them all.")


async def _is_undecided(tx: Transaction, id: str, number: int) -> bool:
    """Whether people may still judge an item, now or once both have answered."""
    trials = await load_trials_of(tx, id, number)
    if set(trials) == set(SIDES) and settle_unjudged(trials) is not None:
        return False
    return not any(one.state in ("voted", "skipped") for one in await people_queries.list_placed(tx, id, number))


def _held_since() -> int:
    """Pairs that were shown before then (microseconds UTC) are before nobody any more."""
    return now_us() - HOLD_S * 1_000_000


def _is_taken(placed: Placed, person: str, *, shared: bool) -> bool:
    """Whether it keeps ``person`` from being shown the pair."""
    if placed.person == person:
        return placed.state != "shown"
    return shared and (placed.state in ("voted", "skipped") or (placed.state == "shown" and placed.at > _held_since()))


def _decide(run: Run) -> bool:
    """Whether people's votes make the verdict."""
    return HUMAN in run.spec.judges


def _other(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


def _verdict(run: Run, number: int, item: Item, trials: dict[Side, Trial], person: str, a: Side, choice: Choice) -> Verdict:
    sides = {"challenger": run.plan.challenger, "incumbent": run.plan.incumbent}
    tells = any(_tells(item, trials[side], sides[side]) for side in SIDES)
    return Verdict(
        id=f"{run.id}.{number}.{HUMAN if _decide(run) else person}",
        kind="vote",
        subjects=tuple(subject(sides[side], item, trials[side]) for side in (a, _other(a))),
        by=person,
        at=now_us(),
        choice=choice,
        prompt=item.id,
        source=run.id,
        flags=(leak.FLAG,) if tells else (),
    )


def _tells(item: Item, trial: Trial, deployment: Deployment) -> bool:
    names = leak.names_of(deployment)
    prompts = [message.text for message in item.request.transcript.messages]
    return any(leak.tells_identity(turn.text, prompts, names) for turn in trial.turns if turn.role == "assistant")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name.casefold() == ADMIN.name:
        raise InvalidInput(
            "challenge.bad_name",
            f"{name[:LONGEST_NAME]!r} cannot name somebody who judges.",
            hint=f"Use 1 to {LONGEST_NAME} characters; {ADMIN.name!r} is whoever is signed in.",
            param="name",
        )
    return name


def _not_shown(number: int) -> Conflict:
    return Conflict("challenge.pair_not_shown", f"You are not looking at pair {number}.", hint="Ask for the next pair.")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _mark(digest: bytes) -> str:
    return digest.hex()[:16]
