"""Inspect: its ``.eval`` logs, a zip of JSON documents (inspect_ai 0.3, log format 2).

Inspect compresses with Zstandard, which Python reads from 3.14 on; before that it takes ``modelassay[exchange]``. What is written here is
deflated, which Inspect reads as well.
"""

from __future__ import annotations

import importlib
import io
import sys
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.exchange.sheet import LARGEST, MALFORMED, Sheet, failed, scored_of
from assay.bench.outcome import OUTCOMES, Scored
from assay.bench.recipe import is_balanced
from assay.bench.result import Result
from assay.bench.summary import summarise
from assay.core import InvalidInput, Message, TooLarge, Transcript, Unavailable, Usage, assistant, content_hash, user

_STOPS = {
    "end": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
}
_ROLES = {"system", "user", "assistant"}
_SCORER = "assay"
_MEMBERS = 1_000_000
_UNPACKED = LARGEST * 8


def read_log(path: Path, metric: str | None = None) -> Sheet:
    """The run that a log tells of. ``metric`` names the scorer that counts, where there are several; else the first one does.

    Raises:
        InvalidInput: ``exchange.invalid``. TooLarge: ``exchange.too_large``. Unavailable: ``exchange.extra_missing``.
    """
    archives = _archives(path)
    try:
        with archives.ZipFile(path) as log:
            members = log.infolist()
            if sum(one.file_size for one in members) > _UNPACKED or len(members) > _MEMBERS:
                raise TooLarge("exchange.too_large", f"{path.name} unpacks to more than {_UNPACKED:,} bytes.")
            head = msgspec.json.decode(log.read("header.json"))
            scorer = metric or next((one["name"] for one in head["eval"].get("scorers") or ()), None)
            samples = [_read_sample(log.read(one), scorer, metric) for one in members if one.filename.startswith("samples/")]
        return _sheet(head, scorer, samples)
    except (OSError, RecursionError, RuntimeError, EOFError, zlib.error, archives.BadZipFile, *MALFORMED) as error:
        raise InvalidInput("exchange.invalid", f"{path.name} is no log of Inspect: {error!r}.") from error


def _read_sample(words: bytes, scorer: str | None, metric: str | None) -> tuple[Result, str]:
    """A sample and its target. What else a log holds of it, such as all events, is let go at once."""
    sample = msgspec.json.decode(words)
    if metric is not None and sample.get("scores") and metric not in sample["scores"]:
        raise InvalidInput("exchange.value_unknown", f"Sample {sample['id']!r} has no score {metric!r}.", param="metric")
    return _result(sample, scorer), _joined(sample.get("target"))


def _sheet(head: dict[str, Any], scorer: str | None, samples: Sequence[tuple[Result, str]]) -> Sheet:
    about = head["eval"]
    return Sheet(
        task=about["task"],
        title=about.get("task_display_name") or about["task"],
        version=str(about.get("task_version", "1")),
        model=about["model"],
        source=f"inspect {about.get('packages', {}).get('inspect_ai', '')}".strip(),
        at=int(datetime.fromisoformat(about["created"]).timestamp() * 1_000_000),
        results=tuple(sorted((one for one, _ in samples), key=lambda result: (result.epoch, result.sample))),
        parts={"program": "inspect", "plan": head.get("plan"), "arguments": about.get("task_args"), "scorer": scorer},
        targets={one.sample: target for one, target in samples},
    )


def write_log(sheet: Sheet) -> bytes:
    """A log that ``inspect view`` opens."""
    kept = io.BytesIO()
    done = [result for result in sheet.results if result.scored is not None]
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as log:
        start = {"version": 2, "eval": _about(sheet), "plan": {"name": "plan", "steps": [], "config": {}}}
        log.writestr("_journal/start.json", msgspec.json.encode(start))
        summaries = []
        for result in done:
            sample = _sample(sheet, result)
            log.writestr(f"samples/{result.sample}_epoch_{result.epoch + 1}.json", msgspec.json.encode(sample))
            summaries.append({name: sample[name] for name in ("id", "epoch", "input", "target", "scores", "uuid", "metadata")})
        log.writestr("summaries.json", msgspec.json.encode([{**one, "completed": True} for one in summaries]))
        log.writestr("header.json", msgspec.json.encode({**start, **_outcome(sheet, len(done))}))
    return kept.getvalue()


def when(at: int) -> str:
    """Microseconds UTC as ISO 8601."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat()


def _archives(path: Path) -> Any:
    """The module `zipfile`, one that knows Zstandard."""
    if sys.version_info >= (3, 14):
        return zipfile
    try:
        return importlib.import_module("backports.zstd.zipfile")
    except ImportError:
        raise Unavailable(
            "exchange.extra_missing",
            f"{path.name} is compressed with Zstandard, which this Python cannot read by itself.",
            hint="Install `modelassay[exchange]`.",
        ) from None


def _result(sample: dict[str, Any], scorer: str | None) -> Result:
    output = sample.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    scores = sample.get("scores") or {}
    score = scores.get(scorer) or next(iter(scores.values()), None)
    message = choice.get("message") or {}
    if sample.get("error") or score is None:
        worth = failed(str((sample.get("error") or {}).get("message") or "It has no score."))
    else:
        cut = choice.get("stop_reason") in {"max_tokens", "model_length"}
        worth = scored_of(
            _plain(score["value"]),
            None if score.get("answer") is None else str(score["answer"]),
            truncated=cut,
            detail=str(score.get("explanation") or "")[:2000],
        )
        worth = _as_we_said(worth, score) if _SCORER in scores else worth
    return Result(
        sample=str(sample["id"]),
        epoch=int(sample.get("epoch", 1)) - 1,
        state="scored",
        transcript=Transcript(tuple(_asked(sample))),
        message=assistant(_words(message.get("content"))) if message else None,
        stop="length" if choice.get("stop_reason") == "max_tokens" else "end",
        usage=_usage(output.get("usage")),
        latency_us=int(output["time"] * 1_000_000) if output.get("time") else None,
        scored=worth,
    )


def _as_we_said(worth: Scored, score: dict[str, Any]) -> Scored:
    """In a log of our own a wrong answer says in which way it is wrong, and what its parts are."""
    said = dict(score.get("metadata") or {})
    outcome = said.pop("outcome", None)
    kind = outcome if worth.outcome == "wrong" and outcome in OUTCOMES and outcome not in ("right", "error") else worth.outcome
    return msgspec.structs.replace(worth, outcome=kind, parts=msgspec.convert(said, dict[str, float]))


def _plain(value: Any) -> Any:
    """A score of several parts counts by its first."""
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    return value[0] if isinstance(value, list) and value else value


def _asked(sample: dict[str, Any]) -> list[Message]:
    given = sample["input"]
    turns = [{"role": "user", "content": given}] if isinstance(given, str) else given
    known = [
        {"role": turn["role"], "parts": [{"type": "text", "text": _words(turn.get("content"))}]}
        for turn in turns
        if turn.get("role") in _ROLES
    ]
    return msgspec.convert(known, list[Message]) or [user("")]


def _words(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return str(content or "")


def _usage(said: dict[str, Any] | None) -> Usage | None:
    if not said:
        return None
    return Usage(input=int(said.get("input_tokens") or 0), output=int(said.get("output_tokens") or 0))


def _joined(target: Any) -> str:
    return "\n".join(map(str, target)) if isinstance(target, list) else str(target or "")


def _about(sheet: Sheet) -> dict[str, Any]:
    ids = list(dict.fromkeys(result.sample for result in sheet.results))
    id = content_hash([sheet.task, sheet.model, sheet.at])[:22]
    return {
        "eval_id": id,
        "run_id": id,
        "created": when(sheet.at),
        "task": sheet.task,
        "task_id": id,
        "task_version": sheet.version,
        "task_display_name": sheet.title,
        "task_attribs": {},
        "task_args": {},
        "dataset": {"name": sheet.task, "samples": len(ids), "sample_ids": ids, "shuffled": False},
        "model": sheet.model,
        "model_generate_config": {},
        "model_args": {},
        "config": {"epochs": 1 + max((result.epoch for result in sheet.results), default=0)},
        "packages": {},
        "scorers": [{"name": _SCORER, "options": {}, "metrics": [{"name": "accuracy", "options": {}}], "metadata": {}}],
        "metadata": {"source": sheet.source, "recipe": sheet.parts},
    }


def _outcome(sheet: Sheet, done: int) -> dict[str, Any]:
    score = summarise(sheet.results, balanced=is_balanced(sheet.parts)).score
    metric = {
        "name": "accuracy",
        "value": score.value,
        "params": {},
        "metadata": {"low": score.low, "high": score.high, "n": score.n},
    }
    scored = {"name": _SCORER, "scorer": _SCORER, "params": {}, "metrics": {} if score.value is None else {"accuracy": metric}}
    return {
        "status": "success",
        "results": {"total_samples": len(sheet.results), "completed_samples": done, "scores": [scored]},
        "stats": {"started_at": when(sheet.at), "completed_at": when(sheet.at), "model_usage": {}},
    }


def _sample(sheet: Sheet, result: Result) -> dict[str, Any]:
    assert result.scored is not None
    asked = [] if result.transcript is None else [{"role": one.role, "content": one.text} for one in result.transcript.messages]
    said = {
        "role": "assistant",
        "content": result.message.text if result.message else "",
        "source": "generate",
        "model": sheet.model,
    }
    sample: dict[str, Any] = {
        "id": result.sample,
        "epoch": result.epoch + 1,
        "input": asked,
        "target": sheet.targets.get(result.sample, ""),
        "messages": [*asked, said],
        "output": {
            "model": sheet.model,
            "choices": [{"message": said, "stop_reason": _STOPS.get(result.stop or "end", "unknown")}],
            "usage": _counts(result.usage),
            "time": None if result.latency_us is None else result.latency_us / 1_000_000,
        },
        "scores": {
            _SCORER: {
                "value": result.scored.value if result.scored.value is not None else "N",
                "answer": result.scored.extracted,
                "explanation": result.scored.detail,
                "metadata": {"outcome": result.scored.outcome, **result.scored.parts},
            }
        },
        "metadata": {"category": result.category} if result.category else {},
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
        "uuid": content_hash([sheet.at, result.sample, result.epoch])[:22],
    }
    if result.scored.outcome == "error":
        sample["error"] = {"message": result.scored.detail, "traceback": "", "traceback_ansi": ""}
    return sample


def _counts(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    taken, given = usage.total_input, usage.total_output
    return {"input_tokens": taken, "output_tokens": given, "total_tokens": taken + given}
