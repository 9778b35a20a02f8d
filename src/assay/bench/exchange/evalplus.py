"""evalplus: the samples that it evaluates, and the verdicts that it writes beside them (``*_eval_results.json``, 0.3.1)."""

from __future__ import annotations

from typing import Any

import msgspec

from assay.bench.exchange.sheet import Sheet
from assay.bench.outcome import Scored
from assay.bench.result import Result
from assay.core import InvalidInput, assistant

_PASSED = "pass"
_OUT_OF_TIME = "timeout"


class _Verdict(msgspec.Struct):
    task_id: str
    solution: str = ""
    base_status: str | None = None
    plus_status: str | None = None


class _File(msgspec.Struct):
    eval: dict[str, list[_Verdict]]
    hash: str = ""


def is_evalplus(said: object) -> bool:
    """Whether a JSON document is one of its results."""
    return isinstance(said, dict) and isinstance(said.get("eval"), dict) and "samples" not in said


def read_results(said: Any, model: str, at: int) -> Sheet:
    """Its verdicts: right where the base and the plus tests pass. ``model`` is in no field of the file.

    Raises:
        InvalidInput: ``exchange.invalid``.
    """
    try:
        file = msgspec.convert(said, _File)
    except msgspec.ValidationError as error:
        raise InvalidInput("exchange.invalid", f"These are no results of evalplus: {error}.") from error
    results = [_result(id, epoch, one) for id, verdicts in file.eval.items() for epoch, one in enumerate(verdicts)]
    task = "mbppplus" if any(id.startswith("Mbpp/") for id in file.eval) else "humanevalplus"
    return Sheet(
        task=task,
        title="MBPP+" if task == "mbppplus" else "HumanEval+",
        model=model,
        source="evalplus",
        at=at,
        results=tuple(results),
        parts={"program": "evalplus", "data": file.hash},
    )


def write_samples(sheet: Sheet) -> bytes:
    """``task_id`` and ``solution`` for each sample that has one: what evalplus and human-eval evaluate."""
    rows = []
    for result in sheet.results:
        said = result.scored.extracted if result.scored else None
        words = said if said is not None else result.message.text if result.message else None
        if words is not None:
            rows.append(msgspec.json.encode({"task_id": result.sample, "solution": words}))
    return b"".join(row + b"\n" for row in rows)


def _result(id: str, epoch: int, verdict: _Verdict) -> Result:
    statuses = {"base": verdict.base_status, "plus": verdict.plus_status}
    given = {name: status for name, status in statuses.items() if status is not None}
    is_right = bool(given) and all(status == _PASSED for status in given.values())
    late = _OUT_OF_TIME in given.values()
    return Result(
        sample=id,
        epoch=epoch,
        state="scored",
        message=assistant(verdict.solution),
        scored=Scored(
            outcome="right" if is_right else "timeout" if late else "wrong",
            value=float(is_right),
            extracted=verdict.solution,
            parts={name: float(status == _PASSED) for name, status in given.items()},
        ),
    )
