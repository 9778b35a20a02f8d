"""Questions with options of which one is right: the letter found is compared with the right one's.

Options say where the data keep the choices, in one of two ways. A column with all of them, and one with the number of the right one
from 0: ``choices = "options"``, ``answer_index = "answer_index"``. Or a column with the right one and several with wrong ones:
``right = "Correct Answer"``, ``wrong = ["Incorrect Answer 1", ...]``; these are then put in an order of their own for each question,
the same in every run, decided by ``seed``.

The template may use ``{{choices}}`` (one line each, ``A) ...``), ``{{letters}}`` (``A, B, C or D``) and any column that gives nothing
away; columns that it does not name are not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.extract import boxed, choice, marked
from assay.bench.judgement import found_in
from assay.bench.kind import rows_of, samples_of
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words, look_up, names_in
from assay.core import Answer, InvalidInput

VERSIONS = {"choice": 1, "extract.boxed": boxed.VERSION, "extract.choice": choice.VERSION, "extract.marked": marked.VERSION}


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The questions, with their choices under letters."""
    rows = rows_of(task, files[task.data[0].name])
    samples = samples_of(task, rows)
    return [_with_choices(task, sample, row) for sample, row in zip(samples, rows, strict=True)]


def _with_choices(task: Task, sample: Sample, row: dict[str, Any]) -> Sample:
    options, answer = _options(task, sample.id, row)
    letters = choice.letters_for(len(options))
    if not 0 <= answer < len(options) or len(options) > 26:
        raise InvalidInput("task.data_invalid", f"Question {sample.id!r} has {len(options)} choices, and answer number {answer}.")
    own = {
        "choices": "\n".join(f"{letter}) {option}" for letter, option in zip(letters, options, strict=True)),
        "letters": ", ".join(letters[:-1]) + f" or {letters[-1]}",
        "options": options,
    }
    used = {name: look_up(sample.fields, name) for name in names_in(task.prompt) if name not in own}
    return msgspec.structs.replace(sample, fields={**used, **own}, target=letters[answer])


def _options(task: Task, sample_id: str, row: dict[str, Any]) -> tuple[list[str], int]:
    given = task.options
    if "choices" in given:
        return [as_words(option).strip() for option in look_up(row, given["choices"])], int(look_up(row, given["answer_index"]))
    options = [as_words(look_up(row, name)).strip() for name in (given["right"], *given["wrong"])]
    order = sorted(range(len(options)), key=lambda number: _rank(given.get("seed", 0), sample_id, number))
    return [options[number] for number in order], order.index(0)


def _rank(seed: int, sample_id: str, number: int) -> bytes:
    return hashlib.sha256(f"{seed}:{sample_id}:{number}".encode()).digest()


class _Choice:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        found = found_in(answer, lambda text, whole: choice.find_choice(text, sample.fields["options"], whole))
        if isinstance(found, Scored):
            return found
        return (right if found == sample.target else wrong)(found)


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Compares letters."""
    yield _Choice()
