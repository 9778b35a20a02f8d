"""Whether a run can begin or go on as it was asked for, found out before anything is paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from assay.bench.spec import Spec
from assay.bench.task import Task
from assay.core import InvalidInput, Money


def check_raised(before: Money | None, budget: Money) -> Money:
    """A budget in the place of the one before.

    Raises:
        InvalidInput: ``bench.budget_not_raised``.
    """
    if before is not None and (budget.currency, budget.nano > before.nano) != (before.currency, True):
        raise InvalidInput(
            "bench.budget_not_raised",
            f"A budget of {budget} is not more than the one before, {before}.",
            hint="State the whole budget: what was spent, and what may come.",
            param="budget",
        )
    return budget


def name_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which parts of a recipe are not what they were."""
    return ", ".join(name for name in {**before, **now} if before.get(name) != now.get(name)) or "something"


async def try_sandbox(task: Task, spec: Spec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layers that stand, and those that do not, where code will be run.

    Raises:
        NoSandbox: they are not enough, and that was not accepted.
    """
    if not task.runs_code:
        return (), ()
    from assay.sandbox import probe  # only such tasks pay for its import

    layers = await asyncio.to_thread(probe)  # a process for each layer
    if not spec.accept_unsafe:
        layers.require()
    return tuple(layers.active), tuple(row.name for row in layers.rows if not row.stands)
