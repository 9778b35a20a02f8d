"""``assay claims``: what can be said of a claimed number before anything is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from assay.cli.exits import FAILED, OK
from assay.cli.options import as_json as json_option
from assay.cli.output import emit

if TYPE_CHECKING:
    from assay.stats import Attainable, Interval

_ROUNDINGS = {"nearest": "", "down": ", if it was rounded down", "up": ", if it was rounded up"}


@click.group()
def claims() -> None:
    """Check what is claimed."""


@claims.command()
@click.argument("percent")
@click.option("--n", "n", type=click.IntRange(1), required=True, help="How many questions the benchmark has.")
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="How often each question was asked.")
@json_option
def attainable(percent: str, n: int, samples: int, as_json: bool) -> int:
    """Whether PERCENT, with all the decimals that were claimed, can be a share of right answers to N questions.

    Any rounding is allowed for. Exit codes: 0 it can be, 1 it cannot.
    """
    from assay import stats  # numpy, which no other command should wait for

    found = stats.attainable(percent, n, samples)
    nearest = min((found.below, found.above), key=lambda near: abs(near.percent - float(found.percent)))
    sure = stats.share(nearest.count, n) if samples == 1 else None
    document = msgspec.to_builtins(found) | {"interval": msgspec.to_builtins(sure)}
    emit(document, as_json, _in_words(found, sure))
    return OK if found.is_attainable else FAILED


def _in_words(found: Attainable, sure: Interval | None) -> str:
    asked = f"{found.n:,} questions" + (f" asked {found.samples} times" if found.samples > 1 else "")
    if found.first is None or found.last is None or found.rounding is None:
        lines = [f"impossible: no number of right answers to {asked} is {found.percent} %, however it is rounded."]
    else:
        count = f"{found.first:,}" if found.first == found.last else f"{found.first:,} to {found.last:,}"
        lines = [f"possible: {found.percent} % is {count} of {found.trials:,}{_ROUNDINGS[found.rounding]}."]
    if not found.is_attainable:
        near = " and ".join(f"{one.count:,} = {one.percent:.3f} %" for one in (found.below, found.above))
        lines.append(f"nearest: {near}, of {found.trials:,}")
        if found.samples_needed is not None:
            lines.append(f"It can be a mean over {found.samples_needed} samples of each question.")
    if sure is not None and sure.low is not None and sure.high is not None:
        lines.append(f"95 % interval of one run of {asked}: {100 * sure.low:.1f} to {100 * sure.high:.1f} %")
    return "\n".join(lines)
