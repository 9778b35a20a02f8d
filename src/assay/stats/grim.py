"""Whether a percentage can come of so many questions at all: ``k`` right ones of ``n`` make few percentages.

The GRIM test of Brown and Heathers (2017, The GRIM Test: a simple technique detects numerous anomalies in the reporting of results in
psychology, Social Psychological and Personality Science 8, 363-369), with whole numbers throughout. Any rounding is allowed for: to
the nearest with halves either way, up, and down; only what none of them gives is called impossible.

It holds for scores that are a share of right answers, each of which counts the same. A mean of graded scores, or of
categories of different sizes, can be anything.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from assay.core.errors import InvalidInput

Rounding: TypeAlias = Literal["nearest", "down", "up"]

_PERCENT = re.compile(r"\s*(\d{1,3})(?:[.,](\d{1,9}))?\s*%?\s*")
_MOST_SAMPLES = 100


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` right answers, which are so many ``percent``."""

    count: int
    percent: float


class Attainable(msgspec.Struct, frozen=True, kw_only=True):
    """``first`` to ``last``: the counts of right answers, of ``trials``, that are written as ``percent``; None where none is.

    ``rounding``: what has to be assumed for that; None where nothing helps. ``below`` and ``above``: the counts next to the claim.
    ``samples_needed``: with so many samples of each question (up to 100) it can be had, to the nearest.
    """

    percent: str
    n: int
    samples: int
    trials: int
    is_attainable: bool
    rounding: Rounding | None
    first: int | None
    last: int | None
    below: Near
    above: Near
    samples_needed: int | None


def attainable(percent: str, n: int, samples: int = 1) -> Attainable:
    """Whether ``percent``, written with all the decimals that were claimed, can be a share of ``n`` questions asked ``samples`` times.

    Raises:
        InvalidInput: ``stats.bad_percent``; or ``n`` or ``samples`` is under 1.
    """
    claim, unit = _read(percent)
    if n < 1 or samples < 1:
        raise InvalidInput(
            "stats.bad_values", f"{n} questions asked {samples} times are none.", hint="Give whole numbers from 1 on."
        )
    trials = n * samples
    found, rounding = _counts(claim, unit, trials)
    under = min(claim * trials // (100 * unit), trials)
    over = min(under + (under * 100 * unit < claim * trials), trials)
    return Attainable(
        percent=percent.strip().removesuffix("%").strip(),
        n=n,
        samples=samples,
        trials=trials,
        is_attainable=rounding is not None,
        rounding=rounding,
        first=found[0] if found else None,
        last=found[-1] if found else None,
        below=Near(count=under, percent=100 * under / trials),
        above=Near(count=over, percent=100 * over / trials),
        samples_needed=next((k for k in range(1, _MOST_SAMPLES + 1) if _nearest(claim, unit, n * k)), None),
    )


def _read(percent: str) -> tuple[int, int]:
    """The claim in units of its last decimal, and how many of them are one per cent."""
    found = _PERCENT.fullmatch(percent)
    decimals = (found[2] or "") if found else ""
    claim, unit = int(found[1] + decimals) if found else -1, 10 ** len(decimals)
    if not 0 <= claim <= 100 * unit:
        raise InvalidInput(
            "stats.bad_percent",
            f"{percent!r} is no percentage from 0 to 100.",
            hint="Write it as it was claimed, with all its decimals, such as 85.2 or 90.0.",
        )
    return claim, unit


def _counts(claim: int, unit: int, trials: int) -> tuple[range, Rounding | None]:
    """The counts that are written as the claim, under the first rounding that gives any."""
    scale = 100 * unit
    nearest = _nearest(claim, unit, trials)
    down = range(-(-claim * trials // scale), min(trials, ((claim + 1) * trials - 1) // scale) + 1)
    up = range(max(0, (claim - 1) * trials // scale + 1), min(trials, claim * trials // scale) + 1)
    ways: tuple[tuple[Rounding, range], ...] = (("nearest", nearest), ("down", down), ("up", up))
    return next(((counts, rounding) for rounding, counts in ways if counts), (range(0), None))


def _nearest(claim: int, unit: int, trials: int) -> range:
    """Counts within half a unit of the last decimal, either end of it included."""
    doubled = 2 * 100 * unit
    return range(max(0, -(-(2 * claim - 1) * trials // doubled)), min(trials, (2 * claim + 1) * trials // doubled) + 1)
