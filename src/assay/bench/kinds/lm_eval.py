"""Tasks that were written for lm-eval (``generate_until``), put and scored as lm-eval 0.4.13 does with a chat model.

``assay bench import TASK.yaml`` writes the ``task.toml``. Options: ``doc_to_text`` and ``doc_to_target`` (Jinja, or the name of a
column), ``description`` (Jinja; the system's words), ``num_fewshot`` with ``examples`` in place, or the first rows of the data file
``fewshot``; ``repeats``, ``filters`` (by name, the first one counts) and ``metrics``.
"""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.extract import filters, thinking
from assay.bench.judgement import final_words, no_answer
from assay.bench.kind import question, rows_of
from assay.bench.outcome import Scored
from assay.bench.rows import read_rows
from assay.bench.task import Ask, Context, Sample, Scorer, Task
from assay.core import Answer, InvalidInput, Message, Sampling, Text, Unavailable, Usage

VERSIONS = {"lm-eval": 1, "extract.filters": filters.VERSION}
EVALUATED, FEWSHOT = "questions", "fewshot"
"""The names of its two data files."""

Template = Callable[[str, Mapping[str, Any]], str]


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """Questions by their row, counted from 0 as lm-eval does, each with the whole conversation that is put."""
    rows = rows_of(task, files[EVALUATED])
    pool = task.options.get("examples") or _pool(task, files)
    template = jinja()
    return [_sample(task, row, number, pool, template) for number, row in enumerate(rows)]


async def solve(task: Task, sample: Sample, ask: Ask, model: str, sampling: Sampling) -> Answer:
    """Ask as often as ``repeats`` says. Of several answers each is one part of the message."""
    request = question(task, msgspec.convert(sample.fields["asked"], list[Message]), model, sampling)
    answers = [await ask(request) for _ in range(task.options.get("repeats", 1))]
    if len(answers) == 1:
        return answers[0]
    parts = tuple(Text(text=answer.message.text) for answer in answers)
    stop = "length" if any(answer.stop == "length" for answer in answers) else answers[-1].stop
    message = Message(role="assistant", parts=parts)
    return msgspec.structs.replace(answers[-1], messages=(message,), stop=stop, usage=_sum(answers))


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """Filters and compares."""
    yield _LmEval(task.options)


class _LmEval:
    def __init__(self, options: Mapping[str, Any]):
        self._filters: Sequence[Mapping[str, Any]] = options["filters"]
        self._metrics: Sequence[Mapping[str, Any]] = options["metrics"]
        self._repeats = options.get("repeats", 1)

    async def score(self, sample: Sample, answer: Answer) -> Scored:
        answers = self._answers(answer)
        if isinstance(answers, Scored):
            return answers
        target = sample.target if isinstance(sample.target, list) else [sample.target]
        found = [filters.filtered(answers, pipeline["filter"]) for pipeline in self._filters]
        parts = {
            f"{metric['metric']},{pipeline['name']}": float(any(matches(words, str(one), metric) for one in target))
            for pipeline, words in zip(self._filters, found, strict=True)
            for metric in self._metrics
        }
        value = next(iter(parts.values()))
        more = parts if len(parts) > 1 else {}
        if value == 0 and found[0] in filters.fallbacks(self._filters[0]["filter"]):
            return msgspec.structs.replace(no_answer(answer), parts=more)
        return Scored(outcome="right" if value else "wrong", value=value, extracted=found[0], parts=more)

    def _answers(self, answer: Answer) -> list[str] | Scored:
        if self._repeats == 1:
            words = final_words(answer)
            return words if isinstance(words, Scored) else [words]
        said = [part.text for part in answer.message.parts if isinstance(part, Text)]
        return [thinking.strip_thinking(text) or "" for text in said] or no_answer(answer)


def matches(found: str, target: str, metric: Mapping[str, Any]) -> bool:
    """Whether ``found`` is ``target``, but for what ``metric`` (lm-eval's ``exact_match``) ignores."""
    return _plain(found, metric) == _plain(target, metric)


def _plain(text: str, metric: Mapping[str, Any]) -> str:
    for pattern in metric.get("regexes_to_ignore") or ():
        text = re.sub(pattern, "", text)
    text = text.lower() if metric.get("ignore_case") else text
    gone = (string.punctuation if metric.get("ignore_punctuation") else "") + (
        string.digits if metric.get("ignore_numbers") else ""
    )
    return text.translate(str.maketrans("", "", gone))


def jinja() -> Template:
    """A renderer of Jinja in which nothing of this process can be reached; unknown names are errors.

    Raises:
        Unavailable: ``exchange.extra_missing``.
    """
    try:
        package, sandbox = importlib.import_module("jinja2"), importlib.import_module("jinja2.sandbox")
    except ImportError:
        raise Unavailable(
            "exchange.extra_missing",
            "Tasks of lm-eval are written in Jinja, which is not installed.",
            hint="Install `modelassay[exchange]`.",
        ) from None
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=package.StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lambda text, pattern, by, count=0: re.sub(pattern, by, text, count=count)

    def render(template: str, row: Mapping[str, Any]) -> str:
        try:
            return str(environment.from_string(template).render(**row))
        except (package.TemplateError, re.error, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise InvalidInput("exchange.invalid", f"The template {template[:200]!r} cannot be filled in: {error}.") from error

    return render


def _pool(task: Task, files: Mapping[str, Path]) -> list[dict[str, Any]]:
    return list(read_rows(files[FEWSHOT], task.options["fewshot_format"])) if FEWSHOT in files else []


def _sample(task: Task, row: dict[str, Any], number: int, pool: Sequence[Mapping[str, Any]], template: Template) -> Sample:
    said: list[tuple[str, str]] = []
    if description := template(task.options.get("description", ""), row):
        said.append(("system", description))
    count = task.options.get("num_fewshot", 0)
    others = [one for one in pool if one != row] if task.options.get("leave_out") else pool
    if len(others) < count:
        raise InvalidInput("exchange.invalid", f"Task {task.id!r} shows {count} examples, and has {len(others)}.")
    for example in others[:count]:
        target = _target(task, example, template)
        said += [("user", _text(task, example, template)), ("assistant", str(target[0] if isinstance(target, list) else target))]
    said.append(("user", _text(task, row, template)))
    asked = [{"role": role, "parts": [{"type": "text", "text": text}]} for role, text in said]
    return Sample(id=str(number), fields={"asked": asked}, target=_target(task, row, template))


def _text(task: Task, row: Mapping[str, Any], template: Template) -> str:
    words = task.options["doc_to_text"]
    return str(row[words]) if words in row else template(words, row)


def _target(task: Task, row: Mapping[str, Any], template: Template) -> Any:
    """One right answer, or a list of them: a column that is a list, or words that look like one of Python's."""
    words = task.options["doc_to_target"]
    if words in row:
        return row[words]
    text = template(words, row)
    if text.startswith("[") and text.endswith("]") and len(text) > 1:
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return text
    return text


def _sum(answers: Sequence[Answer]) -> Usage | None:
    counts = [answer.usage for answer in answers]
    if None in counts:
        return None
    return Usage(input=sum(one.total_input for one in counts if one), output=sum(one.total_output for one in counts if one))
