"""Votes leaving Assay: JSON Lines or CSV, in the plain format that `imports` reads, without anything that names a voter.

A voter is the keyed hash from the chain. Prompts leave as hashes, texts not at all. In CSV a cell that a spreadsheet would run
as a formula gets a leading apostrophe (OWASP, CSV injection); JSON Lines hold every name as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec

from assay.core import Choice, Verdict, iso

CSV_HEADER = "id,at,source,a,b,choice,voter,flags\n"
"""The line before what `as_csv` gives."""


class ExportedVote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vote as it leaves. ``propensity`` is the chance with which this pair was drawn, where known."""

    id: str
    at: str
    source: str
    a: str
    b: str
    choice: Choice
    voter: str
    flags: tuple[str, ...] = ()
    prompt_hash: str | None = None
    propensity: float | None = None
    sampling: str | None = None


def as_jsonl(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """One line a vote, each with its line end."""
    encoder = msgspec.json.Encoder()
    for vote in _votes(verdicts):
        yield encoder.encode(vote).decode() + "\n"


def as_csv(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """One row a vote, each with its line end."""
    for vote in _votes(verdicts):
        yield _csv_line((vote.id, vote.at, vote.source, vote.a, vote.b, vote.choice, vote.voter, " ".join(vote.flags)))


def _votes(verdicts: Iterable[Verdict]) -> Iterator[ExportedVote]:
    for verdict in verdicts:
        if verdict.kind != "vote" or verdict.choice is None or len(verdict.subjects) != 2:
            continue
        a, b = verdict.subjects
        yield ExportedVote(
            id=verdict.id,
            at=iso(verdict.at),
            source=verdict.source,
            a=a.model,
            b=b.model,
            choice=verdict.choice,
            voter=verdict.by,
            flags=verdict.flags,
            prompt_hash=verdict.prompt,
            propensity=verdict.propensity,
            sampling=verdict.sampling,
        )


def _csv_line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
