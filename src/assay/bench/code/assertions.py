"""HumanEval's own tests: a ``check`` function that is given the candidate and asserts.

It comes with the data, which are pinned by their hash, and runs here, beside the judge; what it is given is not the candidate but
something that asks the candidate's process and hands on plain values. The original runs both in one process, where the candidate can
change what the tests see. The helpers that four of the tests call (``poly``, ``encode_cyclic`` ...) are the prompt's own.
"""

from __future__ import annotations

import random
import time
from typing import Any

from assay.bench.code.problem import Problem
from assay.sandbox import Child, Ran, Returned, TimedOut

LIMIT_S = 3.0
"""For loading the program and all calls together, as in openai/human-eval (``evaluate_functional_correctness``)."""


class _Ended(BaseException):
    """The candidate gave no value; no test can catch this."""

    def __init__(self, ran: Ran):
        self.ran = ran


class _Candidate:
    """What a test takes for the candidate."""

    def __init__(self, child: Child):
        self._child = child
        self._until = time.monotonic() + LIMIT_S

    def __call__(self, *arguments: Any) -> Any:
        left_s = self._until - time.monotonic()
        ran = self._child.call(arguments, left_s) if left_s > 0 else TimedOut(LIMIT_S)
        if isinstance(ran, Returned):
            return ran.value
        raise _Ended(ran)


def run_check(problem: Problem, child: Child) -> str | Ran | None:
    """None when every assertion holds; else what happened at the first that does not."""
    candidate = _Candidate(child)
    names: dict[str, Any] = {}
    exec(f"{problem.reference}\n{problem.check}", names)  # noqa: S102  # the data's own text, checked against its hash
    names[problem.entry] = candidate  # the test of HumanEval/33 calls it by its name
    random.seed(problem.id)
    try:
        names["check"](candidate)
    except _Ended as ended:
        return ended.ran
    except AssertionError:
        return "an assertion does not hold."
    except Exception as error:  # noqa: BLE001  # tests do sums with whatever the candidate returned
        return f"its value made a test raise {type(error).__name__}."
    return None
