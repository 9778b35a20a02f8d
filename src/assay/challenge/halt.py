"""Why a run cannot go on. None of these is an answer or a failure of a model, so none is an `AssayError` that one could pass for."""

from __future__ import annotations

from assay.challenge.spec import Side
from assay.core import AssayError


class Halt(Exception):
    """The run ends here; what has been committed stands. ``code`` is stable, the text says more."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class StorageFailed(Halt):
    """What was learnt could not be saved. Nothing is asked that cannot be kept."""

    def __init__(self, error: AssayError):
        super().__init__(error.code, error.message)


class ContestantDown(Halt):
    """A contestant failed on everything: it is not reachable, or cannot take what it is asked."""

    def __init__(self, side: Side, deployment: str, times: int, error: str | None, detail: str | None):
        super().__init__(
            "challenge.contestant_down", f"{deployment} failed on {times} items in a row. The last time: {error}: {detail}"
        )
        self.side = side


class JudgeDown(Halt):
    """No judge gave a usable judgment on item after item."""

    def __init__(self, judges: tuple[str, ...], times: int):
        super().__init__("challenge.judge_down", f"There is no usable judgment of {times} items in a row from {', '.join(judges)}.")
