"""What a program can tell of an answer: rules that hold or do not."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec


class _Check(msgspec.Struct, frozen=True, kw_only=True, tag_field="check", omit_defaults=True, forbid_unknown_fields=True):
    pass


class Exact(_Check, frozen=True, kw_only=True, tag="exact"):
    """The answer is ``value``, white space around it aside."""

    value: str
    ignore_case: bool = True


class Pattern(_Check, frozen=True, kw_only=True, tag="regex"):
    """The regular expression ``pattern`` is found in the answer."""

    pattern: str


class Number(_Check, frozen=True, kw_only=True, tag="number"):
    """The last number in the answer is ``value``, give or take ``tolerance`` or ``relative`` (a share of ``value``)."""

    value: float
    tolerance: float = 0.0
    relative: float = 0.0


class JsonSchema(_Check, frozen=True, kw_only=True, tag="json_schema"):
    """The answer is JSON under ``schema``."""

    schema: dict[str, Any]


class Length(_Check, frozen=True, kw_only=True, tag="length"):
    """The answer has at least ``least`` and at most ``most`` of ``unit``."""

    unit: Literal["characters", "words", "lines"] = "characters"
    least: int | None = None
    most: int | None = None


class Format(_Check, frozen=True, kw_only=True, tag="format"):
    """The answer is, begins with, ends with, holds or lacks something; ``value`` is what, where a rule needs it."""

    rule: Literal["json", "one_line", "bullets", "starts_with", "ends_with", "contains", "lacks"]
    value: str = ""


Check: TypeAlias = Exact | Pattern | Number | JsonSchema | Length | Format
