"""Run checks on an answer: what share of them holds, and which do not.

Only the words of the answer count, not its thinking. An answer without words fails every check, also the ones that ask for
little: saying nothing is never right. Time is bounded: patterns by a clock, everything else by the length that is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import jsonschema_rs
import msgspec

from assay.core import Message, canonical
from assay.judge.check import Check, Exact, Format, JsonSchema, Length, Number, OneOf, Pattern, compile_pattern
from assay.judge.numbers import last_number
from assay.judge.schema import NotJson, compile_schema, read_fenced_json
from assay.judge.visible import visible

MAX_CHARS = 1_000_000
"""A longer answer is not read, and fails every check."""
PATTERN_TIMEOUT_S = 0.5
"""How long one regular expression may search."""
EXPLAINED_CHARS = 10_000
MESSAGE_CHARS = 200
_REFERENCES = (b'"$ref"', b'"$dynamicRef"', b'"$recursiveRef"')
"""Where a schema refers to itself, saying what is wrong can take exponentially longer than knowing that something is."""
_CJK = re.compile("[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af]")
_ITEM = re.compile(r"\s*(?:[-*+•‣·–]|\(?\d{1,3}[.)、])\s*\S")
_SHOWN_CHARS = 80


class CheckScore(msgspec.Struct, frozen=True, kw_only=True):
    """``score`` is the share of checks that hold; ``failed`` says of each other one, for people, what was wrong."""

    score: float
    failed: tuple[str, ...] = ()


def run_checks(checks: Sequence[Check], answer: Message) -> CheckScore:
    """How ``answer`` fares. Takes up to `PATTERN_TIMEOUT_S` for each pattern: in a server, call it in a thread.

    Raises:
        ValueError: there are no checks, so that nothing can be said.
    """
    if not checks:
        raise ValueError("there are no checks to run")
    text = answer.text.strip()
    if not text:
        return CheckScore(score=0.0, failed=("says nothing",) * len(checks))
    if len(text) > MAX_CHARS:
        return CheckScore(score=0.0, failed=(f"has {len(text):,} characters, more than are read",) * len(checks))
    failed = tuple(fault for check in checks if (fault := _fault(check, text)) is not None)
    return CheckScore(score=1 - len(failed) / len(checks), failed=failed)


def _fault(check: Check, text: str) -> str | None:
    """What is wrong with ``text``, or None where the check holds."""
    match check:
        case Exact(value=value, ignore_case=ignore_case):
            return None if _same(text, value, ignore_case) else f"is not {_short(value)}"
        case OneOf(values=values, ignore_case=ignore_case):
            held = any(_same(text, value, ignore_case) for value in values)
            return None if held else f"is none of {_short(', '.join(values))}"
        case Pattern(pattern=pattern):
            return _pattern_fault(pattern, text)
        case Number():
            return _number_fault(check, text)
        case JsonSchema():
            return _schema_fault(check, text)
        case Length():
            return _length_fault(check, text)
        case Format():
            return _format_fault(check, text)


def _pattern_fault(pattern: str, text: str) -> str | None:
    try:
        found = compile_pattern(pattern).search(text, timeout=PATTERN_TIMEOUT_S, concurrent=True)
    except TimeoutError:
        return f"took longer than {PATTERN_TIMEOUT_S} s to search for {_short(pattern)}"
    return None if found else f"does not match {_short(pattern)}"


def _number_fault(check: Number, text: str) -> str | None:
    found = last_number(text)
    if found is None:
        return f"holds no number; {_number(check.value)} was expected"
    allowed = max(check.tolerance, check.relative * abs(check.value))
    # The tolerance is as written: 0.31 is 0.3 give or take 0.01, whatever binary fractions say.
    if abs(found - check.value) <= allowed * (1 + 1e-9):
        return None
    return f"ends on {_number(found)}, not {_number(check.value)}" + (f" ± {_number(allowed)}" if allowed else "")


def _schema_fault(check: JsonSchema, text: str) -> str | None:
    try:
        value = read_fenced_json(text)
    except NotJson as error:
        return f"is no JSON: {error}"
    validator = compile_schema(check.schema)
    if validator.is_valid(value):
        return None
    if len(text) > EXPLAINED_CHARS or any(word in canonical(check.schema) for word in _REFERENCES):
        return "breaks the schema"
    return f"breaks the schema: {_first_fault(validator, value)}"


def _first_fault(validator: jsonschema_rs.Validator, value: Any) -> str:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as fault:
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.instance_path).removeprefix(".")
        return visible(fault.message[:MESSAGE_CHARS]) + (f" at {visible(where[:MESSAGE_CHARS])}" if where else "")
    raise AssertionError("a value is valid and is not")


def _length_fault(check: Length, text: str) -> str | None:
    n = count(text, check.unit)
    if check.least is not None and n < check.least:
        return f"has {n:,} {check.unit}, fewer than {check.least:,}"
    if check.most is not None and n > check.most:
        return f"has {n:,} {check.unit}, more than {check.most:,}"
    return None


def count(text: str, unit: str) -> int:
    """How many ``unit`` the text has. Each Chinese character or kana is a word; other words are runs without a space that hold a
    letter or a digit; blank lines do not count."""
    if unit == "words":
        return sum(any(map(str.isalnum, word)) for word in _CJK.sub(r" \g<0> ", text).split())
    return len(_lines(text)) if unit == "lines" else len(text)


def _format_fault(check: Format, text: str) -> str | None:
    folded, value = _folded(text, check.ignore_case), _folded(check.value, check.ignore_case)
    match check.rule:
        case "json":
            return _json_fault(text)
        case "one_line":
            n = len(_lines(text))
            return None if n == 1 else f"has {n:,} lines, not one"
        case "bullets":
            return _bullets_fault(text)
        case "starts_with":
            return None if folded.startswith(value) else f"does not begin with {_short(check.value)}"
        case "ends_with":
            return None if folded.endswith(value) else f"does not end with {_short(check.value)}"
        case "contains":
            return None if value in folded else f"does not contain {_short(check.value)}"
        case "lacks":
            return None if value not in folded else f"contains {_short(check.value)}"


def _json_fault(text: str) -> str | None:
    try:
        read_fenced_json(text)
    except NotJson as error:
        return f"is no JSON: {error}"
    return None


def _bullets_fault(text: str) -> str | None:
    """Every line is an item of a list, or goes on with one, indented."""
    lines = _lines(text)
    stray = next((line for number, line in enumerate(lines) if not (_ITEM.match(line) or (number and line[0].isspace()))), None)
    return None if stray is None else f"has a line outside the list: {_short(stray)}"


def _lines(text: str) -> list[str]:
    return [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def _same(text: str, value: str, ignore_case: bool) -> bool:
    return _folded(text, ignore_case) == _folded(value.strip(), ignore_case)


def _folded(text: str, ignore_case: bool) -> str:
    """One way of writing an accent, and of a letter where its case does not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold() if ignore_case else text)


def _short(text: str) -> str:
    """In quotes and on one line, as it was written; what cannot be seen as its code point."""
    shown = visible(text[:_SHOWN_CHARS]).replace("\n", "⏎")
    return f"“{shown}”" if len(text) <= _SHOWN_CHARS else f"“{shown}…”"


def _number(value: float) -> str:
    return f"{value:,.15g}"
