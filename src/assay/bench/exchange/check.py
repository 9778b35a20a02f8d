"""Whether a run from elsewhere can be one of ours: what is measured lies where it can lie, and all of it can be kept."""

from __future__ import annotations

from collections.abc import Iterator

from assay.bench.exchange.sheet import Sheet
from assay.bench.result import Result
from assay.core import InvalidInput

_LAST_US = 253_402_300_799_000_000
"""The end of the year 9999."""
_MOST = 2**53
_EPOCHS = 1_000_000
_LONGEST_ID = 2_000
_PARTS = 100
_VALUES = {"right": (1.0, 1.0), "graded": (0.0, 1.0)}


def check(sheet: Sheet) -> Sheet:
    """``sheet`` itself.

    Raises:
        InvalidInput: ``exchange.empty``, ``exchange.twice``, ``exchange.unscored`` or ``exchange.invalid``, which says what cannot be.
    """
    if not sheet.results:
        raise InvalidInput("exchange.empty", f"The run of {sheet.task!r} has no samples.")
    if "\0" in sheet.task + sheet.model + sheet.version:
        raise _invalid("the name of its task or model holds the character NUL")
    if max(map(len, (sheet.title, sheet.source, sheet.version))) > _LONGEST_ID:
        raise _invalid(f"its title, source or version is longer than {_LONGEST_ID:,} characters")
    if not 0 <= sheet.at <= _LAST_US:
        raise _invalid(f"{sheet.at} is no time")
    if len({(result.sample, result.epoch) for result in sheet.results}) < len(sheet.results):
        raise InvalidInput("exchange.twice", "A sample is there twice with the same number of the attempt.")
    for result in sheet.results:
        for why in _faults(result):
            raise _invalid(f"sample {result.sample[:64]!r} {why}")
    return sheet


def _faults(result: Result) -> Iterator[str]:
    scored = result.scored
    if scored is None or result.state != "scored":
        raise InvalidInput("exchange.unscored", f"Sample {result.sample[:64]!r} has no score.")
    names = [name for name in (result.sample, result.cluster, result.category) if name is not None]
    if any("\0" in name or len(name) > _LONGEST_ID for name in names) or not result.sample:
        yield f"has a name that is empty, longer than {_LONGEST_ID:,} characters or holds NUL"
    if not 0 <= result.epoch < _EPOCHS:
        yield f"has an attempt of the number {result.epoch}"
    low, high = _VALUES.get(scored.outcome, (0.0, 0.0))
    if (scored.value is None) != (scored.outcome == "error") or not low <= (scored.value or 0.0) <= high:
        yield f"is {scored.outcome} with the value {scored.value}"
    if len(scored.parts) > _PARTS or not all(0 <= part <= _MOST for part in scored.parts.values()):
        yield f"has more than {_PARTS} parts, or one that is negative or beyond all bounds"
    usage, cost = result.usage, result.cost
    counts = [*((usage.total_input, usage.total_output) if usage else ()), *((cost.nano,) if cost else ())]
    times = [time for time in (result.latency_us, result.ttft_us) if time is not None]
    if not all(0 <= number <= _MOST for number in (*counts, *times)):
        yield "has a cost, a time or a count of tokens that is negative or beyond all bounds"


def _invalid(why: str) -> InvalidInput:
    return InvalidInput("exchange.invalid", f"This cannot be a run: {why}.")
