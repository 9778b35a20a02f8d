"""Conversations of a few turns, each answer of which a judge grades from 1 to 10 (MT-Bench, single-answer grading).

Files: the questions (``turns``, ``category``), answers of reference for some of them, and the judge's prompts, all in the format of
FastChat. Options: ``references`` and ``prompts`` name the files, ``with_reference`` the categories that are graded against them,
``temperature`` that of each category, where the run sets none.

A grade g counts as (g - 1) / 9, so the score times 9 plus 1 is what the paper calls its score. Parts: ``turn_1``, ``turn_2`` ... of
those that were graded. The judge reads what was said, not what was thought.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.grader import VERSION as GRADER
from assay.bench.grader import JudgeCall, unread
from assay.bench.judgement import final_words, no_answer
from assay.bench.kind import overlay, question, samples_of
from assay.bench.outcome import Scored
from assay.bench.rows import read_rows
from assay.bench.task import Ask, Context, Sample, Scorer, Task
from assay.core import Answer, InvalidInput, Message, Sampling, Text, user
from assay.judge.visible import visible

VERSIONS = {"judged": 1, "grader": GRADER}
_SAID = "assay"
_BEFORE = "answers_before"
"""Where the last answer keeps the words of those before it, which are scored with it: `Message.extra`, so that they are stored with it."""

_RATING = re.compile(r"\[\[(\d+(?:\.\d+)?)\]\]")
_RATING_LESS = re.compile(r"\[(\d+(?:\.\d+)?)\]")
_MARKS = re.compile(r"\{(question|answer|ref_answer)(?:_(\d))?\}")
_TRIES = 2


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The conversations; the target is the answers of reference, turn by turn, where the category has them."""
    references = {
        str(row["question_id"]): row["choices"][0]["turns"] for row in read_rows(files[task.options["references"]], "jsonl")
    }
    with_reference = frozenset(task.options.get("with_reference", ()))
    samples = samples_of(task, list(read_rows(files[task.data[0].name], task.format)))
    return [
        msgspec.structs.replace(
            sample,
            fields={"turns": sample.fields["turns"]},
            target=references.get(sample.id) if sample.category in with_reference else None,
        )
        for sample in samples
    ]


async def solve(task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
    """One question after the other, each with all that was said before. An answer that did not come whole ends it."""
    temperature = task.options.get("temperature", {}).get(sample.category)
    sampling = overlay(Sampling(temperature=temperature), sampling)
    said: list[Message] = []
    before: list[str] = []
    for number, turn in enumerate(sample.fields["turns"], 1):
        said.append(user(turn))
        answer = await ask(question(task, said, model, sampling))
        if number == len(sample.fields["turns"]) or answer.stop == "length" or not answer.message.text.strip():
            break
        said.append(answer.message)
        before.append(answer.message.text)
    last = msgspec.structs.replace(answer.message, extra={**answer.message.extra, _SAID: {_BEFORE: before}})
    return msgspec.structs.replace(answer, messages=(last,))


class _Judged:
    def __init__(self, prompts: Mapping[str, dict[str, Any]], context: Context):
        self._prompts = prompts
        self._judge = JudgeCall(context)

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        last = final_words(answer)
        if isinstance(last, Scored):
            return last
        if not last.strip():
            return no_answer(answer)
        said = [*_words_before(answer), last]
        grades: list[float] = []
        calls: list[str] = []
        for turn in range(1, len(said) + 1):
            grade = await self._grade(sample, said[:turn], calls)
            if isinstance(grade, Scored):
                return grade
            grades.append(grade)
        missing = len(sample.fields["turns"]) - len(grades)
        values = [(grade - 1) / 9 for grade in grades] + [0.0] * missing
        return Scored(
            outcome="graded",
            value=sum(values) / len(values),
            extracted=", ".join(f"{grade:g}" for grade in grades),
            parts={f"turn_{number}": value for number, value in enumerate(values, 1)},
            detail=f"The conversation broke off {missing} turns early." if missing else "",
            calls=tuple(calls),
        )

    async def _grade(self, sample: Sample, said: Sequence[str], calls: list[str]) -> float | Scored:
        name = f"single-{'math-' if sample.target else ''}v1{'-multi-turn' if len(said) > 1 else ''}"
        prompt = self._prompts[name]
        shown = _filled(prompt["prompt_template"], sample.fields["turns"], said, sample.target or ())
        for _ in range(_TRIES):
            reply = await self._judge.ask(prompt["system_prompt"], shown, calls)
            if isinstance(reply, Scored):
                return reply
            if (grade := read_rating(reply)) is not None:
                return grade
        return unread(calls)


def read_rating(reply: str) -> float | None:
    """The last ``[[rating]]`` of a judge's reply, from 1 to 10; None where there is none."""
    found = _RATING.findall(reply) or _RATING_LESS.findall(reply)
    return float(found[-1]) if found and 1 <= float(found[-1]) <= 10 else None


def _filled(template: str, turns: Sequence[str], said: Sequence[str], reference: Sequence[str]) -> str:
    """The template with its marks replaced in one go, so that no answer can bring marks of its own."""

    def words(mark: re.Match[str]) -> str:
        source = {"question": turns, "answer": said, "ref_answer": reference}[mark[1]]
        number = int(mark[2] or 1) - 1
        return visible(source[number]) if number < len(source) else ""

    return _MARKS.sub(words, template)


def _words_before(answer: Answer) -> list[str]:
    before: list[str] = answer.message.extra.get(_SAID, {}).get(_BEFORE, [])
    return [_spoken(text) for text in before]


def _spoken(text: str) -> str:
    """What was said after the thinking, all of it where the thinking never ends."""
    words = final_words(
        Answer(messages=(Message(role="assistant", parts=(Text(text=text),)),), stop="end", usage=None, started=None)
    )
    return text if isinstance(words, Scored) else words


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Asks the judge once for each turn."""
    prompts = {row["name"]: row for row in read_rows(files[task.options["prompts"]], "jsonl")}
    if missing := {"single-v1", "single-math-v1", "single-v1-multi-turn", "single-math-v1-multi-turn"} - prompts.keys():
        raise InvalidInput("task.data_invalid", f"{files[task.options['prompts']]} has no prompt {sorted(missing)[0]!r}.")
    yield _Judged(prompts, context)
