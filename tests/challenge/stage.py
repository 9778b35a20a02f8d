"""A server's challenges over one database, for tests that begin, close and open them again."""

from __future__ import annotations

import asyncio

from assay.challenge.challenges import Challenges
from assay.challenge.check import LOCAL
from assay.challenge.queries import CHAIN
from assay.challenge.report import Report
from assay.challenge.runner import Limits
from assay.challenge.spec import Spec
from assay.core import (
    Choice,
    Subject,
    Verdict,
    assistant,
    now_us,
)
from assay.store import Database
from assay.store.chain import append_verdicts
from tests.challenge.faulty import FaultyDatabase
from tests.challenge.scripted import (
    NEW,
    OLD,
    Script,
    ScriptedCaller,
    find,
)

FAST = Limits(pauses_s=(0.0, 0.0), saving_pauses_s=(0.0, 0.0))


class Stage:
    """A server's challenges over one database; can be closed and opened again, as by a restart."""

    def __init__(self, db: Database):
        self.db = FaultyDatabase(db)
        self.caller = ScriptedCaller(lambda *_: assistant("Nobody wrote my lines."))
        self._challenges: Challenges | None = None

    @property
    def challenges(self) -> Challenges:
        assert self._challenges is not None
        return self._challenges

    async def open(self, script: Script) -> Challenges:
        self.caller = ScriptedCaller(script)
        self._challenges = await Challenges.start(self.db, self.caller, find, limits=FAST)
        return self.challenges

    async def close(self) -> None:
        if self._challenges is not None:
            await self._challenges.close()
        assert self.caller.open == 0, "an upstream was not let go"

    async def see_through(self, id: str) -> Report:
        """Wait until it runs no longer; how it stands then."""
        async with asyncio.timeout(40):
            async for _ in self.challenges.watch(id):
                pass
        return await self.challenges.report(id)

    async def run(self, spec: Spec, script: Script) -> Report:
        """A challenge from beginning to end."""
        await self.open(script)
        return await self.see_through(await self.challenges.begin(spec, LOCAL))

    async def until(self, id: str, judged: int) -> None:
        """Wait until so many items are judged."""
        async with asyncio.timeout(40):
            async for _ in self.challenges.watch(id):
                if (await self.challenges.report(id)).tally.judged >= judged:
                    return


def word(report: Report) -> str | None:
    """What was decided."""
    return report.decision.word if report.decision else None


def mixed(number: int) -> float:
    """Neither better nor worse."""
    return 0.9 if number % 2 else 0.1


def vote(id: str, number: int, choice: Choice, item: str) -> Verdict:
    """A vote for the challenger (``a``) or the incumbent (``b``)."""
    subjects = tuple(Subject(model=one.model, deployment=one.id) for one in (NEW, OLD))
    return Verdict(
        id=f"{id}.{number}.anna", kind="vote", subjects=subjects, by="anna", at=now_us(), choice=choice, prompt=item, source=id
    )


async def cast(stage: Stage, id: str, number: int, choice: Choice) -> None:
    """A vote, as it comes in."""
    looked = await stage.challenges.item(id, number)
    verdict = vote(id, number, choice, looked.item.id)
    async with stage.db.transaction() as tx:
        await append_verdicts(tx, [verdict], CHAIN)
    stage.challenges.hear(id, number, verdict)
