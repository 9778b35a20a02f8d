"""A practice program that calculates: exact arithmetic, units, dates, whole numbers. It never guesses and never runs code.

A question is cut into tokens, parsed by operator precedence and worked out in exact fractions; every size is bounded, so that
no question costs more than a moment. What it cannot read it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction

import msgspec

from assay.gateway.practice.conversation import Conversation
from assay.gateway.practice.reckoner.amount import Amount
from assay.gateway.practice.reckoner.answer import say_in, several, tell, tell_refusal, tell_short
from assay.gateway.practice.reckoner.evaluate import Value
from assay.gateway.practice.reckoner.numerals import DIGITS
from assay.gateway.practice.reckoner.question import Finding, find
from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.script import Language

__all__ = ["Reckoner", "reckon"]

LONGEST_LINE = 2_000
"""Characters of one line that are read."""

MOST_LINES = 20
_REMEMBERED = 8
_LINES_REMEMBERED = 3


def _today() -> date:
    return datetime.now().astimezone().date()


class Reckoner:
    """Answers with numbers and the steps that led to them."""

    name = "reckoner"

    def __init__(self, today: Callable[[], date] = _today):
        self._today = today

    def prepare(self) -> None:
        """Nothing is needed."""

    async def answer(self, conversation: Conversation) -> str:
        return await asyncio.to_thread(reckon, conversation, self._today())

    async def close(self) -> None:
        """Nothing runs in the background."""


def reckon(conversation: Conversation, today: date) -> str:
    """The answer to ``conversation``. Results of earlier questions are worked out again, so that ``times 3`` has a meaning."""
    last: Value | None = None
    for asked in conversation.asked_before[-_REMEMBERED:]:
        for line in _lines(asked)[-_LINES_REMEMBERED:]:
            last = _value_of(line, today, last) or last
    return _answer(conversation.question, conversation.language, today, last)


def _answer(question: str, language: Language, today: date, last: Value | None) -> str:
    lines = _lines(question)
    if len(lines) <= 1:
        return _answer_line(lines[0] if lines else "", language, today, last)
    rows: list[tuple[str, str]] = []
    for line in lines:
        try:
            found = find(line, today, last)
        except Refusal as refusal:
            rows.append((line[:80], tell_refusal(refusal, language)))
        else:
            last = found.value or last
            rows.append((line[:80], tell_short(found.value, language) or tell(found, language).replace("\n", " ")))
    if not any(_value_of(line, today, None) for line in lines):
        return _cannot(language, tell_refusal(Refusal("not_read", lines[0][:40]), language))
    return several(rows, language)


def _answer_line(line: str, language: Language, today: date, last: Value | None) -> str:
    try:
        found = find(line, today, last)
    except Refusal as refusal:
        told = tell_refusal(refusal, language)
        return _cannot(language, told if refusal.subject else "") if refusal.reason == "not_read" else told
    if _is_whole_number(found):
        found = msgspec.structs.replace(found, kind="about")
    return tell(found, language, numerals=_has_numerals(line))


def _is_whole_number(found: Finding) -> bool:
    """Whether the question is a number and nothing else, so that all there is to say is what the number is like."""
    bare = found.kind == "value" and found.node is not None and found.node.op == "number" and found.node.unit is None
    return (
        bare
        and isinstance(found.value, Amount)
        and isinstance(found.value.number, Fraction)
        and found.value.number.denominator == 1
    )


def _value_of(line: str, today: date, last: Value | None) -> Value | None:
    try:
        return find(line, today, last).value
    except Refusal:
        return None


def _lines(text: str) -> list[str]:
    return [line[:LONGEST_LINE] for line in text.splitlines() if line.strip()][:MOST_LINES]


def _has_numerals(line: str) -> bool:
    return any(char in DIGITS or char in "十百千" for char in line)


def _cannot(language: Language, reason: str) -> str:
    say = say_in(language)
    can = say(
        "I am a practice program that calculates. I do arithmetic, units, dates and whole numbers, and nothing else: no stories, no code, no opinions. For example:",
        "我是一個練習用的計算程式，只會算術、單位、日期和整數，別的都不會：不會應用題，不會寫程式，也沒有看法。比如可以這樣問：",
    )
    examples = say(
        "- `17% of 3,450`\n- `sqrt(72) + 2^10`\n- `72 °F in °C`, `5 ft 7 in to cm`\n- `days between 2024-02-01 and 2025-01-15`\n- `prime factors of 360`, `255 in hex`",
        "- `三百二十五加十七再乘以二`\n- `3450 的 17%`, `2 的 10 次方`\n- `100 斤是多少公斤`, `72°F 換算成攝氏度`\n- `2024年2月1日到2025年1月15日有多少天`\n- `360 分解質因數`, `255 轉十六進位`",
    )
    return "\n\n".join(filter(None, (reason, can, examples)))
