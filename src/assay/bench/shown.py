"""What the page and the API are shown of the bench: tasks, runs as they stand, samples in a line and in full, two runs compared.

The questions of a gated task are shown of runs that were unlocked only; of the others, nothing that they were made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from assay.bench.compare import Comparison
from assay.bench.data import address
from assay.bench.outcome import OUTCOMES, Outcome
from assay.bench.report import RunReport, State
from assay.bench.result import Result
from assay.bench.spec import Spec
from assay.bench.summary import Summary, Times, Tokens
from assay.bench.task import Task
from assay.core import Message, Money, StopReason, Usage, iso
from assay.stats import Interval

SHORT = 200
"""Characters of an answer in a list; the sample's own page has all of it."""


class NamedInterval(Interval, frozen=True, kw_only=True):
    """A metric, or a category of questions, by its ``name``."""

    name: str


class TaskFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of data that a task needs. ``token``: the setting that must hold the user's own."""

    name: str
    link: str | None
    sha256: str | None
    bytes: int | None
    token: str | None


class ShownTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task in one line. ``questions`` is None where nobody knows before its data are here; ``samples``: how often each is asked."""

    id: str
    version: int
    title: str
    about: str
    kind: str
    questions: int | None
    samples: int
    runs_code: bool
    gated: bool
    needs_judge: bool
    licence: str
    link: str


class TaskList(msgspec.Struct, frozen=True):
    """Every task that can be run here, and what is wrong with those that cannot be read."""

    tasks: list[ShownTask]
    broken: list[str]


class Typical(msgspec.Struct, frozen=True, kw_only=True):
    """What one sample of a task took in earlier runs here, on average of ``samples``: tokens in and out."""

    samples: int
    input_tokens: float
    output_tokens: float


class ReadTask(ShownTask, frozen=True, kw_only=True):
    """A task with what decides its numbers. ``typical`` is None before it was run here."""

    citation: str
    prompt: str
    system: str | None
    sampling: dict[str, Any]
    metrics: tuple[str, ...]
    options: dict[str, Any]
    files: list[TaskFile]
    typical: Typical | None


class NewRun(Spec, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to measure, and how."""


class BegunRun(msgspec.Struct, frozen=True):
    """The run that goes on by itself now."""

    id: str


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line. ``done`` of ``planned`` samples are scored; ``rate_per_s`` and ``left_s`` only while it runs."""

    id: str
    task: str
    title: str
    model: str
    state: State
    at: str
    ended_at: str | None
    planned: int
    done: int
    score: Interval
    coverage: float | None
    cost: Money | None
    rate_per_s: float | None
    left_s: float | None


class RunList(msgspec.Struct, frozen=True):
    """All runs, the newest first."""

    runs: list[RunLine]


class GoOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With what to go on: a new ``budget`` in place of the one before, which includes what was spent."""

    budget: Money | None = None


class RecipePart(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things that decide a number, and what it was: a value, or the hash of one."""

    name: str
    value: str


class ShownRun(RunLine, frozen=True, kw_only=True):
    """A run as it stands, or as it ended. ``answered`` counts those whose score is still to come as well; ``outcomes`` those that are
    scored, ``coverage`` is the share of them that got an answer which could be scored. ``metrics`` are the parts of scores, the mean
    of the categories (``macro``) where that is not the score, and pass@k. ``unpriced`` samples have no cost. ``layers`` are those of
    the sandbox that were active, ``missing`` those that were not. ``redacted``: nothing of what was asked and said is shown."""

    spec: NewRun
    version: int
    redacted: bool
    answered: int
    trouble: str | None
    outcomes: dict[Outcome, int]
    metrics: list[NamedInterval]
    categories: list[NamedInterval]
    latency: Times | None
    first_token: Times | None
    tokens: Tokens | None
    cached: int
    unpriced: int
    recipe: str
    parts: list[RecipePart]
    layers: tuple[str, ...]
    missing: tuple[str, ...]


class RunProgress(msgspec.Struct, frozen=True):
    """How a run stands now."""

    run: ShownRun


class RunOver(msgspec.Struct, frozen=True):
    """How a run stands, now that it goes on no longer."""

    run: ShownRun


class SampleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A sample in one line. ``value`` is None until it is scored, and for an error. ``answer`` is what was extracted from the text.
    It is None, and ``detail`` is empty, where the run is ``redacted``."""

    sample: str
    epoch: int
    category: str | None
    outcome: Outcome | None
    value: float | None
    answer: str | None
    detail: str
    latency_us: int | None
    cost: Money | None
    cached: bool


class SamplePage(msgspec.Struct, frozen=True):
    """Some of the samples, in the order of the questions; ``next`` is the ``after`` of the page after this one."""

    samples: list[SampleLine]
    next: int | None


class ReadSample(SampleLine, frozen=True, kw_only=True):
    """A sample in full. ``asked`` and ``said`` are None where the task is gated and the run was not unlocked (``redacted``), or before
    there is an answer. ``calls`` are the model's, ``judge_calls`` the judge's; each has a trace. ``after`` leads to the samples that
    follow."""

    redacted: bool
    asked: tuple[Message, ...] | None
    said: Message | None
    stop: StopReason | None
    parts: dict[str, float]
    error: str | None
    ttft_us: int | None
    usage: Usage | None
    calls: tuple[str, ...]
    judge_calls: tuple[str, ...]
    after: int


class ComparedRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs and what the questions that both have scored say of them. ``found`` holds at most as many flipped questions of either
    side as were asked for; ``flipped`` counts all, those on which ``a`` did better first. ``answers`` are what was found in the first
    answers of either to the flipped questions; none, where one of the two is redacted."""

    a: RunLine
    b: RunLine
    found: Comparison
    flipped: tuple[int, int]
    answers: dict[str, tuple[str | None, str | None]]


def show_task(task: Task) -> ShownTask:
    """``task`` in one line."""
    return ShownTask(**_of_task(task))


def read_task(task: Task, typical: Typical | None) -> ReadTask:
    """``task`` with what decides its numbers."""
    return ReadTask(
        **_of_task(task),
        citation=task.citation,
        prompt=task.prompt,
        system=task.system,
        sampling=msgspec.to_builtins(task.sampling),
        metrics=task.metrics,
        options=task.options,
        files=[
            TaskFile(name=file.name, link=address(file) or None, sha256=file.sha256, bytes=file.bytes, token=file.token)
            for file in task.data
        ],
        typical=typical,
    )


def typical(reports: Sequence[RunReport]) -> Typical | None:
    """What a sample took in these runs; None where none says."""
    sums = [report.summary for report in reports if report.summary is not None]
    samples = sum(one.coverage.results - one.coverage.waiting - one.tokens.unknown for one in sums)
    if samples <= 0:
        return None
    return Typical(
        samples=samples,
        input_tokens=sum(one.tokens.input for one in sums) / samples,
        output_tokens=sum(one.tokens.output for one in sums) / samples,
    )


def is_redacted(report: RunReport) -> bool:
    """Whether nothing of what was asked and said in this run may be shown."""
    return report.gated and not report.spec.unlocked


def run_line(report: RunReport) -> RunLine:
    """``report`` in one line."""
    return RunLine(**_of_run(report))


def show_run(report: RunReport) -> ShownRun:
    """All of ``report``."""
    summary = report.summary
    return ShownRun(
        **_of_run(report),
        spec=msgspec.convert(report.spec, NewRun, from_attributes=True),
        version=report.version,
        redacted=is_redacted(report),
        answered=report.counts.answered,
        trouble=report.trouble,
        outcomes={outcome: report.outcomes.get(outcome, 0) for outcome in OUTCOMES},
        metrics=_metrics(summary) if summary else [],
        categories=[_named(name, one) for name, one in summary.by_category.items()] if summary else [],
        latency=summary.latency if summary else None,
        first_token=summary.ttft if summary else None,
        tokens=summary.tokens if summary else None,
        cached=report.cached,
        unpriced=summary.unpriced if summary else 0,
        recipe=report.recipe,
        parts=[RecipePart(name=name, value=_written(part)) for name, part in report.parts.items()],
        layers=report.layers,
        missing=report.missing,
    )


def sample_line(result: Result, *, redacted: bool) -> SampleLine:
    """``result`` in one line."""
    line = SampleLine(**_of_sample(result, redacted))
    return msgspec.structs.replace(line, answer=_short(line.answer), detail=_short(line.detail) or "")


def read_sample(result: Result, number: int, *, redacted: bool) -> ReadSample:
    """All of ``result``, which stands at ``number`` in its run."""
    scored = result.scored
    asked = result.transcript.messages if result.transcript is not None and not redacted else None
    return ReadSample(
        **_of_sample(result, redacted),
        redacted=redacted,
        asked=asked,
        said=None if redacted else result.message,
        stop=result.stop,
        parts=scored.parts if scored else {},
        error=scored.error if scored else None,
        ttft_us=result.ttft_us,
        usage=result.usage,
        calls=result.calls,
        judge_calls=scored.calls if scored else (),
        after=number,
    )


def compared(
    runs: tuple[RunReport, RunReport], results: tuple[Sequence[Result], Sequence[Result]], found: Comparison, limit: int
) -> ComparedRuns:
    """What was ``found`` of two runs and their ``results``, with at most ``limit`` flipped questions of either side."""
    better_a, better_b = found.better_a[:limit], found.better_b[:limit]
    flipped = {flip.sample for flip in (*better_a, *better_b)} if not any(map(is_redacted, runs)) else set()
    answers = [{one.sample: one.scored.extracted for one in side if one.scored and one.epoch == 0} for side in results]
    return ComparedRuns(
        a=run_line(runs[0]),
        b=run_line(runs[1]),
        found=msgspec.structs.replace(found, better_a=better_a, better_b=better_b),
        flipped=(len(found.better_a), len(found.better_b)),
        answers={sample: (_short(answers[0].get(sample)), _short(answers[1].get(sample))) for sample in sorted(flipped)},
    )


def _short(answer: str | None) -> str | None:
    return answer if answer is None or len(answer) <= SHORT else f"{answer[:SHORT]}…"


def _of_task(task: Task) -> dict[str, Any]:
    named = ("id", "version", "title", "about", "kind", "samples", "runs_code", "gated", "needs_judge", "licence", "link")
    return {**{name: getattr(task, name) for name in named}, "questions": task.rows}


def _of_run(report: RunReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "task": report.task,
        "title": report.title,
        "model": report.model,
        "state": report.state,
        "at": iso(report.at),
        "ended_at": iso(report.ended_at) if report.ended_at is not None else None,
        "planned": report.counts.planned,
        "done": report.counts.scored,
        "score": report.summary.score if report.summary else Interval(reason="no_data"),
        "coverage": report.summary.coverage.share if report.summary else None,
        "cost": report.cost,
        "rate_per_s": report.rate_per_s,
        "left_s": report.left_s,
    }


def _of_sample(result: Result, redacted: bool) -> dict[str, Any]:
    scored = result.scored
    return {
        "sample": result.sample,
        "epoch": result.epoch,
        "category": result.category,
        "outcome": scored.outcome if scored else None,
        "value": scored.value if scored else None,
        "answer": scored.extracted if scored and not redacted else None,
        "detail": scored.detail if scored and not redacted else "",
        "latency_us": result.latency_us,
        "cost": result.cost,
        "cached": result.cached,
    }


def _metrics(summary: Summary) -> list[NamedInterval]:
    several = {"macro": summary.macro} if len(summary.by_category) > 1 and summary.interval != "categories" else {}
    passes = {f"pass@{one.k}": one.value for one in summary.pass_at_k}
    return [_named(name, one) for name, one in {**summary.metrics, **passes, **several}.items()]


def _named(name: str, interval: Interval) -> NamedInterval:
    return NamedInterval(name=name, **msgspec.structs.asdict(interval))


def _written(part: Any) -> str:
    return part if isinstance(part, str) else msgspec.json.encode(part).decode()
