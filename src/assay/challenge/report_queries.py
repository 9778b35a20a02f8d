"""The stored rows of a challenge as a `Record`: what its report is assembled from."""

from __future__ import annotations

import msgspec

from assay.challenge.item import Item
from assay.challenge.metrics import Known
from assay.challenge.people_queries import load_names
from assay.challenge.queries import CHAIN, Run, list_skipped, load_items, load_run, load_spent
from assay.challenge.record import Record
from assay.challenge.spec import HUMAN, Side
from assay.challenge.trial import Trial
from assay.core import NotFound, Verdict
from assay.judge import Judgment
from assay.store import Database, Sql

SELECT_TRIAL_KEYS = Sql("SELECT number, side, at FROM challenge_trials WHERE challenge = :challenge")
SELECT_TRIALS_OF = Sql(
    sqlite="SELECT number, side, at, body FROM challenge_trials "
    "WHERE challenge = :challenge AND number IN (SELECT value FROM json_each(:numbers))",
    postgresql="SELECT number, side, at, body FROM challenge_trials "
    "WHERE challenge = :challenge AND number = ANY(CAST(:numbers AS BIGINT[]))",
)
SELECT_VERDICTS = Sql("""
    SELECT seq, hash, body FROM verdicts WHERE chain = :chain AND source = :challenge AND seq > :after ORDER BY seq
""")
SELECT_JUDGMENTS = Sql(
    sqlite="SELECT id, body FROM challenge_judgments WHERE id IN (SELECT value FROM json_each(:ids))",
    postgresql="SELECT id, body FROM challenge_judgments WHERE id = ANY(CAST(:ids AS TEXT[]))",
)

_TRIAL = msgspec.json.Decoder(Trial)
_VERDICT = msgspec.json.Decoder(Verdict)
_JUDGMENT = msgspec.json.Decoder(Judgment)


async def load_record(db: Database, id: str) -> Record:
    """All that is kept of a challenge.

    Raises:
        NotFound: ``challenge.not_found``.
    """
    return await Reread(db, id).load()


class Reread:
    """One challenge that is looked at again and again: only what is new is read. ``known`` is for `assemble`."""

    def __init__(self, db: Database, id: str):
        self._db = db
        self._id = id
        self._items: list[Item] = []
        self._at: dict[tuple[int, Side], int] = {}
        self._trials: dict[int, dict[Side, Trial]] = {}
        self._verdicts: list[Verdict] = []
        self._judgments: dict[str, Judgment] = {}
        self._seq = 0
        self._head: str | None = None
        self.known: Known = {}

    async def load(self) -> Record:
        """All that is kept by now. The value does not change afterwards.

        Raises:
            NotFound: ``challenge.not_found``.
        """
        run = await self._run()
        if not self._items:
            self._items = await load_items(self._db, self._id)
        await self._read_trials()
        await self._read_verdicts()
        return Record(
            run=run,
            items=self._items,
            trials=dict(self._trials),
            verdicts=tuple(self._verdicts),
            judgments=dict(self._judgments),
            skipped=await list_skipped(self._db, self._id) if run.spec.judges[0] == HUMAN else frozenset(),
            people=await load_names(self._db, self._id),
            spent=await load_spent(self._db, self._id),
            chain_head=self._head,
        )

    async def _run(self) -> Run:
        run = await load_run(self._db, self._id)
        if run is None:
            raise NotFound(
                "challenge.not_found", f"There is no challenge {self._id[:64]!r}.", hint="`assay challenge list` shows them all."
            )
        return run

    async def _read_trials(self) -> None:
        """A trial that failed may have been asked again since: its time tells."""
        keys = {(row["number"], row["side"]): row["at"] for row in await self._db.read(SELECT_TRIAL_KEYS, challenge=self._id)}
        changed = {number for (number, _), _ in keys.items() ^ self._at.items()}
        if not changed:
            return
        for number in changed:
            self._trials.pop(number, None)
        rows = await self._db.read(SELECT_TRIALS_OF, challenge=self._id, numbers=sorted(changed))
        found: dict[int, dict[Side, Trial]] = {}
        self._at = {key: at for key, at in self._at.items() if key[0] not in changed}
        for row in rows:
            self._at[row["number"], row["side"]] = row["at"]
            found.setdefault(row["number"], {})[row["side"]] = _TRIAL.decode(row["body"])
        self._trials |= found

    async def _read_verdicts(self) -> None:
        rows = await self._db.read(SELECT_VERDICTS, chain=CHAIN, challenge=self._id, after=self._seq)
        if not rows:
            return
        new = [_VERDICT.decode(row["body"]) for row in rows]
        self._seq, self._head = rows[-1]["seq"], rows[-1]["hash"]
        self._verdicts += new
        ids = [verdict.id for verdict in new if verdict.kind != "vote"]
        for row in await self._db.read(SELECT_JUDGMENTS, ids=ids):
            self._judgments[row["id"]] = _JUDGMENT.decode(row["body"])
