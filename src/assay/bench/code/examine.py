"""One program before its judge: it is run on every input, in the sandbox, and each value is compared here as it comes.

The first input that fails ends it. Nothing that the program says can be a verdict; it can only be a value, right or wrong.
"""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias

import msgspec

from assay.bench.code.assertions import run_check
from assay.bench.code.expected import Expectations, limits_of
from assay.bench.code.oracles import ORACLES, is_right
from assay.bench.code.problem import Problem
from assay.sandbox import Child, Died, Packed, Raised, Ran, Returned, TimedOut, TooMuch, Zygote
from assay.sandbox.inside.values import Unreadable, decode, encode

Fate: TypeAlias = Literal["right", "wrong", "timeout"]


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """How a program fared. ``parts`` has 1 for each part whose inputs all passed, 0 for the part that failed and those not reached.
    ``detail`` says which input failed and how, and no value."""

    fate: Fate
    parts: dict[str, float]
    detail: str = ""


class Examiner:
    """Examines programs one after another, all in one zygote."""

    def __init__(self, zygote: Zygote, expectations: Expectations):
        self._zygote = zygote
        self._expectations = expectations
        self._packed: dict[tuple[str, str], Packed] = {}

    def examine(self, problem: Problem, program: str) -> Examined:
        """Whether ``program`` solves ``problem``."""
        with self._zygote.run(program, problem.entry) as child:
            if problem.check is not None:
                failed = run_check(problem, child)
                return _verdict({"base": failed is None}, failed, "")
            return self._try_parts(problem, child)

    def _try_parts(self, problem: Problem, child: Child) -> Examined:
        passed = dict.fromkeys(problem.parts, False)
        for part in problem.parts:
            failed = self._try(problem, part, child)
            if failed is not None:
                return _verdict(passed, failed, f"{part}: ")
            passed[part] = True
        return _verdict(passed, None, "")

    def _try(self, problem: Problem, part: str, child: Child) -> str | Ran | None:
        """None when every input passes; else what happened at the first that does not."""
        wanted = self._expectations.of(problem)[part]
        if not wanted:
            return None
        key = (problem.id, part)
        if key not in self._packed:
            self._packed[key] = Packed(problem.parts[part])
        each_s, all_s = limits_of(wanted)
        for number, ran in enumerate(child.call_many(self._packed[key], each_s, all_s)):
            if not isinstance(ran, Returned):
                return ran
            if not self._is_right(problem, part, number, encode(ran.value)):
                return f"input {number + 1} of {len(wanted)} gave another value than expected."
        return None

    def _is_right(self, problem: Problem, part: str, number: int, sent: bytes) -> bool:
        wanted = self._expectations.of(problem)[part][number]
        if problem.id not in ORACLES and (sent == wanted.sent or hashlib.sha256(sent).digest() == wanted.hash):
            return bool(wanted.hash)
        try:
            value = decode(sent)
        except Unreadable:
            return False
        expected = self._expectations.value(problem, part, number)
        return is_right(problem.id, problem.parts[part][number], value, expected, wanted.tolerance)


def _verdict(parts: dict[str, bool], failed: str | Ran | None, where: str) -> Examined:
    scores = {name: float(passed) for name, passed in parts.items()}
    if failed is None:
        return Examined(fate="right", parts=scores)
    fate: Fate = "timeout" if isinstance(failed, TimedOut) else "wrong"
    return Examined(fate=fate, parts=scores, detail=where + (failed if isinstance(failed, str) else _told(failed)))


def _told(failed: Ran) -> str:
    match failed:
        case Raised(kind, message):
            return f"it raised {message[:200] or kind}"
        case TimedOut(seconds):
            return f"it was still running after {seconds:.1f} s."
        case TooMuch(limit_bytes):
            return f"it returned more than {limit_bytes:,} bytes."
        case Died(why):
            return f"its process is gone: {why}."
        case Returned():
            return "it returned."
