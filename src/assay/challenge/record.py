"""All that is kept of a challenge, from which its report is assembled, and what its judges chose, read from the challenger's side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Literal, TypeAlias

import msgspec

from assay.challenge.evidence import favour
from assay.challenge.item import Item
from assay.challenge.plan import clusters_of
from assay.challenge.queries import Run, Spent
from assay.challenge.spec import HUMAN, PROGRAM, Side
from assay.challenge.trial import Trial
from assay.core import Verdict
from assay.judge import Judgment

JudgeKind: TypeAlias = Literal["human", "model", "program"]
_KINDS: dict[str, JudgeKind] = {"vote": "human", "judgment": "model", "score": "program"}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is kept. Item n stands at ``items[n - 1]``; ``judgments`` are by the verdict's id; ``people`` are the names
    of those who vote, by what verdicts call them; ``skipped`` are items that a person would not judge; ``chain_head`` is the hash
    of the challenge's last verdict. ``clusters``, the cluster of each item, is worked out where it is not given."""

    run: Run
    items: Sequence[Item]
    trials: Mapping[int, Mapping[Side, Trial]]
    verdicts: Sequence[Verdict]
    judgments: Mapping[str, Judgment] = {}
    skipped: Set[int] = frozenset()
    people: Mapping[str, str] = {}
    spent: Sequence[Spent] = ()
    chain_head: str | None = None
    clusters: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.clusters and self.items:
            msgspec.structs.force_setattr(self, "clusters", clusters_of(self.items))


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """One judgment of one item. ``score`` is the challenger's: 1 it won, 0 it lost, one half for a tie; None where the judge failed
    to choose. ``challenger_first`` says in which order the answers were shown."""

    number: int
    judge: str
    kind: JudgeKind
    outcome: Literal["ok", "error", "unparsed"]
    score: float | None
    challenger_first: bool
    id: str


def read_verdicts(verdicts: Iterable[Verdict], challenger: str) -> list[Chosen]:
    """What judges chose between the deployment ``challenger`` and the other one."""
    return [_read(verdict, challenger) for verdict in verdicts]


def number_of(verdict: Verdict) -> int:
    """The item that was judged: a verdict's id is ``CHALLENGE.NUMBER.JUDGE`` and for models ``.ORDER``."""
    return int(verdict.id.split(".", 2)[1])


def kind_of(judge: str) -> JudgeKind:
    """What a judge named in a spec is."""
    return "human" if judge == HUMAN else "program" if judge == PROGRAM else "model"


def _read(verdict: Verdict, challenger: str) -> Chosen:
    return Chosen(
        number=number_of(verdict),
        judge=verdict.by,
        kind=_KINDS[verdict.kind],
        outcome=verdict.outcome,
        score=favour(verdict, challenger),
        challenger_first=verdict.subjects[0].deployment == challenger,
        id=verdict.id,
    )
