"""One judgment, by a person, a model or a program, of one or more transcripts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Choice: TypeAlias = Literal["a", "b", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = ("a", "b", "tie", "both_bad")


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is judged. ``transcript`` is a content hash; imported votes know only the ``model``."""

    model: str
    deployment: str | None = None
    transcript: str | None = None
    calls: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``subjects`` in the order shown (side a first); a ``choice`` among them or a ``value`` on a ``scale``.

    ``by`` is a keyed hash of a voter, a judge's deployment, or a scorer's name; ``rubric`` the hash of what they were told.
    ``prompt`` is the content hash of what was asked, so that judgments of one prompt can be taken together.
    ``outcome`` says how judging went: only ``ok`` verdicts count. ``source`` is the collection: ``here`` or an import's name.
    """

    id: str
    kind: Literal["vote", "judgment", "score"]
    subjects: tuple[Subject, ...]
    by: str
    at: int
    choice: Choice | None = None
    value: float | None = None
    scale: str | None = None
    outcome: Literal["ok", "error", "unparsed"] = "ok"
    parts: dict[str, float] = {}
    rubric: str | None = None
    prompt: str | None = None
    source: str = "here"
    flags: tuple[str, ...] = ()
    propensity: float | None = None
    sampling: str | None = None
