"""Why a run cannot go on. None of these is an answer or a failure of a model, so none is an `AssayError` that one could pass for."""

from __future__ import annotations

from assay.core import AssayError


class Halt(Exception):
    """The run is interrupted here; what has been committed stands, and it can be resumed. ``code`` is stable, the text says more."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class StorageFailed(Halt):
    """What was learnt could not be saved. Nothing is asked that cannot be kept."""

    def __init__(self, error: AssayError):
        super().__init__(error.code, error.message)


class EndpointDown(Halt):
    """A model failed on everything, for as long as it was worth trying."""

    def __init__(self, deployment: str, failures: int, error: AssayError):
        super().__init__(
            "bench.endpoint_down",
            f"{deployment} failed {failures} times in a row. The last time: {error.code}: {error.message}",
        )


class ScorerDown(Halt):
    """Answer after answer could not be scored."""

    def __init__(self, times: int, error: str, detail: str):
        super().__init__("bench.scorer_down", f"{times} answers in a row could not be scored. The last time: {error}: {detail}")


class LeaseLost(Halt):
    """This worker was taken for lost, and others go on with what it had."""

    def __init__(self) -> None:
        super().__init__("bench.lease_lost", "This worker was not heard of for too long, and others took over what it had.")


class TaskBroke(Halt):
    """A task's own code broke on question after question. ``error`` is None where its words may not be shown."""

    def __init__(self, task: str, times: int, kind: type[Exception], error: Exception | None):
        said = "" if error is None else f": {error}"
        super().__init__("bench.task_broke", f"{task} broke on {times} questions in a row. The last time: {kind.__name__}{said}")
