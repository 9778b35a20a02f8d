"""A vote becomes a verdict: the log, the battle and the evidence in one transaction, or nothing at all."""

from __future__ import annotations

import hashlib

import msgspec

from assay.arena import leak, queries
from assay.arena.battle import SIDES, Battle, Letter
from assay.arena.round import Round
from assay.core import Bodies, Choice, Conflict, Forbidden, NotFound, Subject, Verdict, now_us
from assay.store import Database, Transaction
from assay.store.chain import append_verdicts
from assay.store.queries import Body, save_bodies

EARLY = "early"
"""The flag of a vote that did not wait for both answers to end."""


async def cast(
    db: Database,
    id: str,
    turn: int,
    choice: Choice,
    voter: str,
    current: Round | None = None,
    *,
    reading_s: float = 0.0,
    bodies: Bodies = "full",
) -> Battle:
    """Judge battle ``id`` as its token for ``turn`` allows. ``current`` is its turn under way, whose lock the caller holds."""
    async with db.transaction() as tx:
        battle = await queries.load_battle(tx, id, lock=True)
        if battle is None:
            raise NotFound("battle.not_found", f"There is no battle {id[:64]!r}.")
        _check(battle, turn, current)
        if current is not None:
            _check_read(current, reading_s)
            if not current.saved:
                await queries.add_turn(tx, id, current.turn())
                battle = msgspec.structs.replace(battle, turns=(*battle.turns, current.turn()))
        if not battle.turns:
            raise _not_begun()
        verdict = _verdict(battle, choice, voter, now_us(), hashes=bodies != "off")
        if bodies == "full":
            await _keep_evidence(tx, battle)
        else:
            await queries.forget_words(tx, battle)
        await append_verdicts(tx, [verdict])
        await queries.mark_voted(tx, id, turn, choice, verdict.at)
    return msgspec.structs.replace(battle, state="voted", choice=choice, voted_at=verdict.at)


def _check(battle: Battle, turn: int, current: Round | None) -> None:
    if battle.state == "voted":
        raise Conflict("vote.already_cast", "This battle has its vote; it stands.", hint="Start another battle.")
    if battle.state == "void" or (current is not None and current.failed):
        raise Conflict("vote.battle_void", "A side failed, so this battle counts for nothing.", hint="Start another battle.")
    if turn != battle.turn:
        raise Forbidden("vote.stale_token", "This token belongs to an earlier turn.", hint="Send the newest token.", param="token")


def _check_read(current: Round, reading_s: float) -> None:
    if not current.begun:
        raise _not_begun()
    if not current.over and (wait_s := reading_s - current.read_for_s) > 0:
        raise Conflict(
            "vote.too_soon",
            f"Both answers have been there for less than {reading_s:g} s.",
            hint="Read them first.",
            retry_after_s=wait_s,
        )


def _not_begun() -> Conflict:
    return Conflict("vote.not_begun", "Both sides must have begun to answer before a vote.", hint="Wait for both, or ask again.")


def _verdict(battle: Battle, choice: Choice, voter: str, at: int, *, hashes: bool) -> Verdict:
    flags = []
    if not all(said.whole for turn in battle.turns for said in (turn.a, turn.b)):
        flags.append(EARLY)
    if _tells("a", battle) or _tells("b", battle):
        flags.append(leak.FLAG)
    return Verdict(
        id=battle.id,
        kind="vote",
        subjects=(_subject("a", battle, hashes=hashes), _subject("b", battle, hashes=hashes)),
        by=voter,
        at=at,
        choice=choice,
        prompt=hashlib.sha256("\n\n".join(turn.prompt for turn in battle.turns).encode()).hexdigest() if hashes else None,
        flags=tuple(flags),
        propensity=battle.propensity,
        sampling=battle.sampling,
    )


def _subject(side: Letter, battle: Battle, *, hashes: bool) -> Subject:
    calls = tuple(call for turn in battle.turns if (call := battle.said(turn, side).call) is not None)
    deployment = battle.deployment(side)
    transcript = battle.transcript(side).hash if hashes else None
    return Subject(model=deployment.model, deployment=deployment.id, transcript=transcript, calls=calls)


def _tells(side: Letter, battle: Battle) -> bool:
    names = leak.names_of(battle.deployment(side))
    prompts = [turn.prompt for turn in battle.turns]
    return any(leak.tells_identity(battle.said(turn, side).text, prompts, names) for turn in battle.turns)


async def _keep_evidence(tx: Transaction, battle: Battle) -> None:
    """Both transcripts, for good: a verdict points to them by their hashes."""
    seen = [battle.transcript(side) for side in SIDES]
    await save_bodies(tx, [Body(one.hash, "transcript", msgspec.json.encode(one, order="sorted")) for one in seen])
