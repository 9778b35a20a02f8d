"""The order in which every answer is judged, whatever its kind.

Thoughts that never end: truncated. An answer found: right, wrong or graded. None found, and the model ran into its bound of tokens:
truncated; it declined: refused; else unparsed. Answers that never came are the run's to count, as errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from assay.bench.extract.thinking import strip_thinking
from assay.bench.outcome import Scored, right, wrong
from assay.core import Answer
from assay.judge import is_refusal

_T = TypeVar("_T")


def found_in(answer: Answer, find: Callable[[str, bool], _T | None]) -> _T | Scored:
    """What ``find`` finds in the words of ``answer``, or how it failed to answer.

    ``find`` is told whether the answer is whole: of a broken one only what it marks itself as its final answer may count, not the
    last thing that happens to stand there.
    """
    text = final_words(answer)
    if isinstance(text, Scored):
        return text
    found = find(text, answer.stop != "length")
    return no_answer(answer) if found is None else found


def final_words(answer: Answer) -> str | Scored:
    """What was said after all thinking."""
    text = strip_thinking(answer.message.text)
    return _without_value("truncated", "It never stopped thinking.") if text is None else text


def no_answer(answer: Answer) -> Scored:
    """Which way of not answering it was, for an answer in which none was found."""
    if answer.stop == "length":
        return _without_value("truncated", "It ran into its bound of tokens.")
    if is_refusal(answer.message, answer.stop):
        return _without_value("refused", "It declined.")
    return _without_value("unparsed", "No answer was found in its words." if answer.message.text.strip() else "It said nothing.")


async def judge_words(answer: Answer, worth: Callable[[str, bool], Awaitable[Any]]) -> Scored:
    """Score by what ``worth`` says of the words: a bool, a number from 0 to 1, a `Scored`, or None where it finds no answer."""
    text = final_words(answer)
    if isinstance(text, Scored):
        return text
    value = await worth(text, answer.stop != "length")
    if value is None:
        return no_answer(answer)
    if isinstance(value, Scored):
        return value
    if isinstance(value, bool):
        return right(text) if value else wrong(text)
    return Scored(outcome="graded", value=min(1.0, max(0.0, float(value))), extracted=text)


def _without_value(outcome: Any, detail: str) -> Scored:
    return Scored(outcome=outcome, value=0.0, detail=detail)
