"""What a program can tell of an answer: rules that hold or do not.

A rule that cannot be followed (a pattern that is none, a schema that is none) is refused when it is read, with the reason.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import regex

from assay.judge.schema import compile_schema

PATTERN_CHARS = 4_000
_NotNegative: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
_NEEDS_VALUE = frozenset({"starts_with", "ends_with", "contains", "lacks"})


class _Check(msgspec.Struct, frozen=True, kw_only=True, tag_field="check", omit_defaults=True, forbid_unknown_fields=True):
    pass


class Exact(_Check, frozen=True, kw_only=True, tag="exact"):
    """The answer is ``value``, white space around it aside."""

    value: str
    ignore_case: bool = True


class OneOf(_Check, frozen=True, kw_only=True, tag="one_of"):
    """The answer is one of ``values``, white space around it aside."""

    values: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    ignore_case: bool = True


class Pattern(_Check, frozen=True, kw_only=True, tag="regex"):
    """The regular expression ``pattern`` is found in the answer."""

    pattern: Annotated[str, msgspec.Meta(max_length=PATTERN_CHARS)]

    def __post_init__(self) -> None:
        compile_pattern(self.pattern)


class Number(_Check, frozen=True, kw_only=True, tag="number"):
    """The last number in the answer is ``value``, give or take ``tolerance`` or ``relative`` (a share of it), whichever is more."""

    value: float
    tolerance: _NotNegative = 0.0
    relative: _NotNegative = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.tolerance, self.relative))):
            raise ValueError("a number and its tolerance must be finite")


class JsonSchema(_Check, frozen=True, kw_only=True, tag="json_schema"):
    """The answer, or the only code block in it, is JSON under ``schema``."""

    schema: dict[str, Any]

    def __post_init__(self) -> None:
        try:
            compile_schema(self.schema)
        except ValueError as error:
            raise ValueError(f"the schema cannot be used: {error}") from None


class Length(_Check, frozen=True, kw_only=True, tag="length"):
    """The answer has at least ``least`` and at most ``most`` of ``unit``. Each Chinese character or kana counts as a word; blank
    lines do not count."""

    unit: Literal["characters", "words", "lines"] = "characters"
    least: _Count | None = None
    most: _Count | None = None

    def __post_init__(self) -> None:
        if self.least is None and self.most is None:
            raise ValueError("a length needs `least`, `most` or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"no answer has at least {self.least} and at most {self.most} {self.unit}")


class Format(_Check, frozen=True, kw_only=True, tag="format"):
    """The answer is JSON, one line or a list, or it begins with, ends with, holds or lacks ``value``."""

    rule: Literal["json", "one_line", "bullets", "starts_with", "ends_with", "contains", "lacks"]
    value: str = ""
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if self.rule in _NEEDS_VALUE and not self.value.strip():
            raise ValueError(f"the rule {self.rule!r} needs a `value`")


Check: TypeAlias = Exact | OneOf | Pattern | Number | JsonSchema | Length | Format


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Any:
    """``pattern`` ready to search with, in the dialect of the PyPI package ``regex``.

    Raises:
        ValueError: it is no regular expression.
    """
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
