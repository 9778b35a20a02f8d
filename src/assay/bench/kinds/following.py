"""Prompts with instructions that a program can verify: IFEval and IFBench.

Option ``headline``: ``prompt_strict`` or ``prompt_loose``, the one of the two that is the score. Option ``as_published``: where the
original's code contradicts its own prompts, do as that code does, so that a number can be put beside older ones.

Parts: ``prompt_strict`` and ``prompt_loose`` (1 where all instructions were followed), ``instruction_strict`` and
``instruction_loose``, the share of them that were, each with its count behind ``:of``: over a run both are shares of all instructions,
as in the papers.

All text is an answer to such a prompt. So outcomes other than ``right`` and ``wrong`` only say why instructions were not followed,
and never change the score: ``truncated`` and ``refused`` count as not followed where they are not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
import msgspec

from assay.bench.following.registry import UnknownInstruction, instruction
from assay.bench.following.verdict import Verdict, judge
from assay.bench.judgement import final_words, no_answer
from assay.bench.kind import rows_of, samples_of
from assay.bench.outcome import OF, Scored
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer, InvalidInput

VERSIONS = {"following": 1}
_LONG_CHARS = 20_000
"""Longer answers are checked in a thread, so that others need not wait."""


class _Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headline: Literal["prompt_strict", "prompt_loose"] = "prompt_strict"
    as_published: bool = False


class _Asked(msgspec.Struct, frozen=True):
    """The columns of the data that say what is asked; arguments that an instruction does not have are None."""

    instruction_id_list: list[str]
    kwargs: list[dict[str, Any]]


def read(task: Task, files: Mapping[str, Path]) -> Sequence[Sample]:
    """One sample for each row; its target is the row's instructions, all of them known and complete.

    Raises:
        InvalidInput: ``task.data_invalid``, which names the row.
    """
    rows = rows_of(task, files[task.data[0].name])
    samples = []
    for number, (row, sample) in enumerate(zip(rows, samples_of(task, rows), strict=True), 1):
        try:
            asked = _without_none(msgspec.convert(row, _Asked))
            _instructions(asked)
        except (msgspec.ValidationError, UnknownInstruction, ValueError) as error:
            raise InvalidInput("task.data_invalid", f"Task {task.id!r}, row {number} ({sample.id!r}): {error}.") from None
        fields = {name: value for name, value in sample.fields.items() if name not in _Asked.__struct_fields__}
        samples.append(msgspec.structs.replace(sample, fields=fields, target=msgspec.to_builtins(asked)))
    return samples


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Checks every instruction, strictly and loosely."""
    yield _Following(_options(task))


class _Following:
    def __init__(self, options: _Options):
        self._options = options

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        asked = msgspec.convert(sample.target, _Asked)
        text = final_words(answer)
        if isinstance(text, Scored):
            none = (False,) * len(asked.kwargs)
            return msgspec.structs.replace(text, parts=_parts(Verdict(none, none)))
        instructions = _instructions(asked, as_published=self._options.as_published)
        if len(text) > _LONG_CHARS:
            verdict = await anyio.to_thread.run_sync(judge, text, instructions)
        else:
            verdict = judge(text, instructions)
        return self._scored(asked, verdict, answer)

    def _scored(self, asked: _Asked, verdict: Verdict, answer: Answer) -> Scored:
        parts = _parts(verdict)
        if parts[self._options.headline]:
            return Scored(outcome="right", value=1.0, parts=parts)
        missed = verdict.strict if self._options.headline == "prompt_strict" else verdict.loose
        names = [name for name, followed in zip(asked.instruction_id_list, missed, strict=True) if not followed]
        why = no_answer(answer)
        outcome = "wrong" if why.outcome == "unparsed" and answer.message.text.strip() else why.outcome
        return Scored(outcome=outcome, value=0.0, parts=parts, detail=f"Not followed: {', '.join(names)}.")


def _parts(verdict: Verdict) -> dict[str, float]:
    parts = {}
    for name, followed in (("strict", verdict.strict), ("loose", verdict.loose)):
        parts[f"prompt_{name}"] = float(all(followed))
        parts[f"instruction_{name}"] = sum(followed) / len(followed)
        parts[f"instruction_{name}{OF}"] = float(len(followed))
    return parts


def _without_none(asked: _Asked) -> _Asked:
    given = [{name: value for name, value in arguments.items() if value is not None} for arguments in asked.kwargs]
    return msgspec.structs.replace(asked, kwargs=given)


def _instructions(asked: _Asked, *, as_published: bool = False) -> list[Callable[[str], bool]]:
    """Raises: UnknownInstruction, and ValueError where there are not as many arguments as instructions, or none."""
    if not asked.instruction_id_list:
        raise ValueError("it has no instruction")
    both = zip(asked.instruction_id_list, asked.kwargs, strict=True)
    return [instruction(name, arguments, as_published=as_published) for name, arguments in both]


def _options(task: Task) -> _Options:
    try:
        return msgspec.convert(task.options, _Options)
    except msgspec.ValidationError as error:
        raise InvalidInput("task.invalid", f"The options of task {task.id!r}: {error}.", param="options") from None
