"""One program before its judge: it is run on every input, in the sandbox, and each value is compared here as it comes.

The first input that fails ends it. Nothing that the program says can be a verdict; it can only be a value, right or wrong.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, TypeAlias

import msgspec

from assay.bench.code.assertions import run_check
from assay.bench.code.equality import tolerances
from assay.bench.code.expected import Expectations, Wanted
from assay.bench.code.oracles import ORACLES, is_right
from assay.bench.code.problem import Problem
from assay.sandbox import Child, Died, Digest, Packed, Raised, Ran, Returned, TimedOut, TooMuch, Zygote
from assay.sandbox.inside.values import Unreadable, decode

Fate: TypeAlias = Literal["right", "wrong", "timeout"]

MOST_PART_S = 60.0
_GRACE_S = 1.0
"""All inputs of a part may take as long as each may, together, but no more than this (as in evalplus 0.3.1)."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """How a program fared. ``parts`` has 1 for each part whose inputs all passed, 0 for the part that failed and those not reached.
    ``detail`` says which input failed and how, and no value."""

    fate: Fate
    parts: dict[str, float]
    detail: str = ""


class _Part:
    """The inputs of one part, ready to be sent, and what they should give."""

    def __init__(self, problem: Problem, name: str, wanted: list[Wanted]):
        self.inputs = problem.parts[name]
        self.wanted = wanted
        self.limits_s = [one.limit_s for one in wanted]
        self.all_s = min(MOST_PART_S, sum(self.limits_s)) + _GRACE_S

    @cached_property
    def packed(self) -> Packed:
        return Packed(self.inputs, [one.digest is not None for one in self.wanted])


class Examiner:
    """Examines programs one after another, all in one zygote."""

    def __init__(self, zygote: Zygote, expectations: Expectations):
        self._zygote = zygote
        self._expectations = expectations
        self._parts: dict[str, dict[str, _Part]] = {}

    def examine(self, problem: Problem, program: str) -> Examined:
        """Whether ``program`` solves ``problem``. Each part meets it fresh: what it remembers of one is gone in the next."""
        if problem.check is not None:
            with self._zygote.run(program, problem.entry) as child:
                failed = run_check(problem, child)
            return _verdict({"base": failed is None}, failed)
        passed = dict.fromkeys(problem.parts, False)
        for name, part in self._parts_of(problem).items():
            with self._zygote.run(program, problem.entry) as child:
                failed = self._try(problem, part, child)
            if failed is not None:
                return _verdict(passed, failed, f"{name}: ")
            passed[name] = True
        return _verdict(passed, None)

    def _parts_of(self, problem: Problem) -> dict[str, _Part]:
        if problem.id not in self._parts:
            found = self._expectations.of(problem)
            self._parts[problem.id] = {name: _Part(problem, name, wanted) for name, wanted in found.items()}
        return self._parts[problem.id]

    def _try(self, problem: Problem, part: _Part, child: Child) -> str | Ran | None:
        """None when every input passes; else what happened at the first that does not."""
        is_plain = problem.id not in ORACLES
        suspects = []
        for number, ran in enumerate(child.call_many(part.packed, part.limits_s, part.all_s, raw=True)):
            if not isinstance(ran, Returned):
                return ran
            wanted = part.wanted[number]
            if is_plain and wanted.is_itself and ran.value == (wanted.digest or wanted.value):
                continue
            if isinstance(ran.value, Digest):
                suspects.append(number)  # the child is busy with the next inputs, so this one is looked at last
            elif not self._is_right(problem, part, number, ran.value):
                return _another(number, part)
        return self._look_again(problem, part, suspects, child)

    def _look_again(self, problem: Problem, part: _Part, suspects: list[int], child: Child) -> str | Ran | None:
        """Asks for the large values whose digests differ."""
        for number in suspects:
            asked = Packed([part.inputs[number]])
            ran = next(child.call_many(asked, part.limits_s[number], part.limits_s[number], raw=True))
            if not isinstance(ran, Returned):
                return ran
            if not self._is_right(problem, part, number, ran.value):
                return _another(number, part)
        return None

    def _is_right(self, problem: Problem, part: _Part, number: int, sent: bytes) -> bool:
        wanted = part.wanted[number]
        arguments = part.inputs[number]
        try:
            value = decode(sent)
        except Unreadable:
            return False
        expected = self._expectations.value(problem, arguments) if wanted.value is None else decode(wanted.value)
        return is_right(problem.id, arguments, value, expected, tolerances([expected], wanted.tolerance)[0])


def _another(number: int, part: _Part) -> str:
    return f"input {number + 1} of {len(part.wanted)} gave another value than expected."


def _verdict(parts: dict[str, bool], failed: str | Ran | None, where: str = "") -> Examined:
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
