"""Why a run cannot go on. None of these is an answer or a failure of a model, so none is an `AssayError` that one could pass for."""

from __future__ import annotations

from assay.challenge.spec import Side
from assay.core import AssayError, Money


class Halt(Exception):
    """The run ends here; what has been committed stands."""


class BudgetSpent(Halt):
    """The next call could cost more than is left."""

    def __init__(self, budget: Money, needed: Money):
        super().__init__(f"The next call may cost up to {needed}, which the budget of {budget} does not leave.")


class StorageFailed(Halt):
    """What was learnt could not be saved. Nothing is asked that cannot be kept."""

    def __init__(self, error: AssayError):
        super().__init__(f"{error.code}: {error.message}")
        self.error = error


class ContestantDown(Halt):
    """A contestant failed on everything: it is not reachable, or cannot take what it is asked."""

    def __init__(self, side: Side, deployment: str, times: int, error: str | None, detail: str | None):
        self.side = side
        super().__init__(
            f"challenge.contestant_down: {deployment} failed on {times} items in a row. The last time: {error}: {detail}"
        )


class JudgeDown(Halt):
    """No judge gave a usable judgment on item after item."""

    def __init__(self, judges: tuple[str, ...], times: int):
        super().__init__(f"challenge.judge_down: no usable judgment of {times} items in a row from {', '.join(judges)}.")
