"""What a challenge is asked to find out, and how."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from assay.core import Money
from assay.judge import Check

Side: TypeAlias = Literal["challenger", "incumbent"]
SIDES: tuple[Side, Side] = ("challenger", "incumbent")
Goal: TypeAlias = Literal["better", "no_worse"]
"""``better``: switch only for a better model. ``no_worse``: switch to any that is not worse (a cheaper or faster one, say)."""

HUMAN = "human"
PROGRAM = "program"


class Traffic(msgspec.Struct, frozen=True, kw_only=True, tag="traffic", tag_field="kind", omit_defaults=True):
    """The gateway's own recorded calls: of one ``key`` (id or name), asked under one ``alias``, between two times
    (microseconds UTC), with one ``tag`` (``name=value`` of the request's metadata, or a bare tag)."""

    key: str | None = None
    alias: str | None = None
    since: int | None = None
    until: int | None = None
    tag: str | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True, tag="work", tag_field="kind", omit_defaults=True):
    """A collection that was brought in before, by its ``name``."""

    name: str


class Content(msgspec.Struct, frozen=True, kw_only=True, tag="content", tag_field="kind", omit_defaults=True):
    """A file sent along: its ``name`` and its ``text``."""

    name: Annotated[str, msgspec.Meta(max_length=255)]
    text: str


class Example(msgspec.Struct, frozen=True, kw_only=True, tag="example", tag_field="kind", omit_defaults=True):
    """A file of prompts that Assay ships, by its ``name``."""

    name: str


Source: TypeAlias = Traffic | Work | Content | Example


class Spec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A challenge as it was asked for.

    ``challenger`` and ``incumbent`` are deployments. ``judges``: ``("human",)``, ``("program",)``, or one or more deployments that
    judge as a jury. ``margin`` is in win rate (0.05 is five points of a hundred): see `zone`. ``budget`` bounds what contestants
    and judges may cost together. ``checks`` hold for every item, beside its own. ``rerun`` maps a tool's name to the command that
    runs it again (arguments as JSON on standard input, result on standard output). ``seed`` fixes the sample, the order and the
    sides. ``rubric`` replaces the shipped one.
    """

    challenger: str
    incumbent: str
    source: Source
    judges: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=9)]
    goal: Goal = "better"
    margin: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.05
    confidence: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.95
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 500
    budget: Money | None = None
    checks: tuple[Check, ...] = ()
    rerun: dict[str, tuple[str, ...]] = {}
    rubric: Annotated[str, msgspec.Meta(max_length=65_536)] | None = None
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    seed: int | None = None

    @property
    def zone(self) -> tuple[float, float]:
        """Win rates between which either answer is right: *switch* is wrong at or below the first, *do not switch* at or above
        the second. ``better``: from one half to one half plus the margin; ``no_worse``: from one half less the margin to one half."""
        return (0.5, 0.5 + self.margin) if self.goal == "better" else (0.5 - self.margin, 0.5)
