"""lm-eval: results (``results_*.json``) with the samples that ``--log_samples`` writes beside them (``samples_TASK_*.jsonl``), 0.4."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.exchange.sheet import LARGEST, MALFORMED, Sheet, failed, scored_of
from assay.bench.recipe import is_balanced
from assay.bench.result import Result
from assay.bench.summary import summarise
from assay.core import InvalidInput, Message, Text, TooLarge, Transcript, assistant, user

_METRICS = ("exact_match", "acc", "prompt_level_strict_acc", "pass@1", "em", "f1")
"""Scores of a sample that count as its own where there are several, the first that is there."""


def is_lm_eval(said: object) -> bool:
    """Whether a JSON document is one of its results."""
    return isinstance(said, dict) and "results" in said and "configs" in said


def read_results(path: Path, said: dict[str, Any], task: str | None = None, metric: str | None = None) -> Sheet:
    """The run of ``task`` (may be left out where there is one) with its samples.

    Raises:
        InvalidInput: ``exchange.several_tasks``, ``exchange.no_samples``, ``exchange.invalid``, ``exchange.value_unknown``. TooLarge:
        ``exchange.too_large``.
    """
    try:
        name = _name(path, list(said["configs"]), task)
        kept = said.get("samples")
        rows = kept[name] if isinstance(kept, dict) and name in kept else _rows_beside(path, name)
        results = [_result(row, metric) for row in _of_one_filter(rows)]
        return Sheet(
            task=name,
            title=name,
            version=str(said.get("versions", {}).get(name, "1")),
            model=str(said.get("model_name") or said.get("config", {}).get("model")),
            source=f"lm-eval {said.get('lm_eval_version', '')}".strip(),
            at=int(float(said.get("date", 0)) * 1_000_000),
            results=tuple(results),
            parts={"program": "lm-eval", "config": said["configs"][name], "hash": said.get("task_hashes", {}).get(name)},
            targets={str(row["doc_id"]): str(row["target"]) for row in rows},
        )
    except (OSError, RecursionError, *MALFORMED) as error:
        raise InvalidInput("exchange.invalid", f"{path.name} holds no samples of lm-eval: {error!r}.") from error


def _name(path: Path, names: Sequence[str], task: str | None) -> str:
    if task is None and len(names) != 1:
        raise InvalidInput("exchange.several_tasks", f"{path.name} holds {', '.join(names)}.", hint="Name one with --task.")
    if task is not None and task not in names:
        raise InvalidInput("exchange.several_tasks", f"{path.name} holds {', '.join(names)}, and no {task!r}.", param="task")
    return task or names[0]


def _rows_beside(path: Path, name: str) -> list[dict[str, Any]]:
    stamp = path.stem.removeprefix("results_")
    samples = path.with_name(f"samples_{name}_{stamp}.jsonl")
    if not samples.is_file():
        raise InvalidInput(
            "exchange.no_samples",
            f"{path.name} has only sums, and {samples.name} is not beside it.",
            hint="Run lm-eval with --log_samples: a sum alone can be compared with nothing.",
        )
    if samples.stat().st_size > LARGEST:
        raise TooLarge("exchange.too_large", f"{samples} is larger than {LARGEST:,} bytes.")
    return [msgspec.json.decode(line) for line in samples.read_bytes().splitlines() if line.strip()]


def write_results(sheet: Sheet) -> bytes:
    """One JSON document in the shape of ``results_*.json``, with the samples under ``samples``, as lm-eval's Python call returns them."""
    summary = summarise(sheet.results, balanced=is_balanced(sheet.parts))
    name, score = sheet.task, summary.score
    error = None if score.low is None or score.high is None else (score.high - score.low) / 3.92
    document = {
        "results": {name: {"alias": name, "score,none": score.value, "score_stderr,none": error, "sample_len": summary.questions}},
        "configs": {name: {"task": name, "output_type": "generate_until", "repeats": summary.samples, "metadata": sheet.parts}},
        "versions": {name: sheet.version},
        "n-shot": {name: 0},
        "higher_is_better": {name: {"score": True}},
        "n-samples": {name: {"original": summary.questions, "effective": summary.questions}},
        "config": {"model": sheet.model, "gen_kwargs": sheet.sampling},
        "date": sheet.at / 1_000_000,
        "model_name": sheet.model,
        "samples": {name: [_sample(sheet, result) for result in sheet.results if result.scored is not None]},
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _of_one_filter(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Samples are written once for each filter; those of the first count."""
    first = rows[0].get("filter") if rows else None
    return [row for row in rows if row.get("filter") == first]


def _result(row: dict[str, Any], metric: str | None) -> Result:
    named = [metric] if metric else [*(one for one in _METRICS if one in row), *row.get("metrics", ())]
    if not named or named[0] not in row:
        raise InvalidInput("exchange.value_unknown", f"Sample {row['doc_id']} has no score {metric or ''!r}.", param="metric")
    score = row[named[0]]
    answers = row["resps"][0] if row.get("resps") else []
    said = answers[0] if isinstance(answers, list) and answers else answers
    found = row.get("filtered_resps") or [None]
    return Result(
        sample=str(row["doc_id"]),
        epoch=row.get("epoch", 0),
        state="scored",
        transcript=Transcript(tuple(_asked(row))),
        message=None if said is None else assistant(str(said)),
        scored=failed("It has no score.") if score is None else scored_of(score, None if found[0] is None else str(found[0])),
    )


def _asked(row: dict[str, Any]) -> list[Message]:
    """The conversation that was put, which a chat model gets as JSON text."""
    said = row["arguments"]["gen_args_0"]["arg_0"]
    words = said[0] if isinstance(said, list) else said
    try:
        turns = msgspec.json.decode(words, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        return [user(str(words))]
    roles = {"system", "user", "assistant"}
    return [
        Message(role=turn["role"], parts=(Text(text=str(turn.get("content") or "")),))
        for turn in turns
        if turn.get("role") in roles
    ]


def _sample(sheet: Sheet, result: Result) -> dict[str, Any]:
    assert result.scored is not None
    asked = [] if result.transcript is None else [{"role": one.role, "content": one.text} for one in result.transcript.messages]
    words = msgspec.json.encode(asked).decode()
    target = sheet.targets.get(result.sample)
    return {
        "doc_id": result.sample,
        "epoch": result.epoch,
        "doc": {},
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": [words], "arg_1": sheet.sampling}},
        "resps": [[result.message.text if result.message else None]],
        "filtered_resps": [result.scored.extracted],
        "filter": "none",
        "metrics": ["score"],
        "prompt_hash": hashlib.sha256(words.encode()).hexdigest(),
        "score": result.scored.value,
        "outcome": result.scored.outcome,
    }
