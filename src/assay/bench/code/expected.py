"""What each input of a problem should give: found by running the canonical solution in the sandbox, once, and kept on disk.

Kept are the values as they came over the wire, each under 4 KiB in full and of longer ones (HumanEval+ has 240 MB of them) the hash;
a program that gives the same has sent the same bytes. Where one has not, and the value was long, the canonical solution is asked
again. A file is as good as its checksum: one that was cut or changed is made anew, and so it is when the data are others.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.code.equality import is_equal, tolerances
from assay.bench.code.problem import Problem
from assay.core import Unavailable
from assay.sandbox import Died, Layers, Limits, Packed, Raised, Returned, TimedOut, TooMuch, Zygote
from assay.sandbox.inside.values import decode, encode

VERSION = 1
LEAST_S = 1.0
FACTOR = 4.0
"""An input may take `FACTOR` times as long as the canonical solution took, and at least `LEAST_S` (both as in evalplus 0.3.1)."""

MOST_PART_S = 60.0
_KEPT_BYTES = 4096
_HASH_BYTES = 32
_PATIENCE_S = 300.0


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """What one input should give. ``sent`` is the value's bytes, None where they are too long to keep; ``hash`` is theirs, empty where
    equal bytes do not mean equal values (NaN). ``limit_s``: how long it may take."""

    sent: bytes | None
    hash: bytes
    tolerance: float
    limit_s: float


class Expectations:
    """What the problems of one data file expect. ``folder`` is where it is kept, ``data`` the hash of the file."""

    def __init__(self, folder: Path, data: str, layers: Layers, limits: Limits, *, accept_unsafe: bool = False):
        self._folder = folder / f"{data[:16]}-{VERSION}"
        self._zygote = Zygote(imports=("math",), limits=limits, layers=layers, accept_unsafe=accept_unsafe)
        self._known: dict[str, dict[str, list[Wanted]]] = {}

    def of(self, problem: Problem) -> dict[str, list[Wanted]]:
        """What every input of ``problem`` should give, by part."""
        if problem.id not in self._known:
            path = self._folder / f"{problem.id.replace('/', '-')}.bin"
            found = _load(path)
            if found is None:
                found = {name: self._find(problem, name) for name in problem.parts}
                _save(path, found)
            self._known[problem.id] = found
        return self._known[problem.id]

    def value(self, problem: Problem, part: str, number: int) -> Any:
        """The value that input ``number`` should give."""
        wanted = self.of(problem)[part][number]
        if wanted.sent is not None:
            return decode(wanted.sent)
        with self._zygote.run(problem.reference, problem.entry) as child:
            return _returned(problem, child.call(problem.parts[part][number], _PATIENCE_S)).value

    def close(self) -> None:
        self._zygote.close()

    def _find(self, problem: Problem, part: str) -> list[Wanted]:
        with self._zygote.run(problem.reference, problem.entry) as child:
            came = [_returned(problem, ran) for ran in child.call_many(Packed(problem.parts[part]), _PATIENCE_S, _PATIENCE_S)]
        tolerated = tolerances([each.value for each in came], problem.tolerance)
        return [_wanted(each, tolerance) for each, tolerance in zip(came, tolerated, strict=True)]


def _wanted(came: Returned, tolerance: float) -> Wanted:
    sent = encode(came.value)
    is_itself = is_equal(came.value, decode(sent))
    return Wanted(
        sent=sent if len(sent) <= _KEPT_BYTES or not is_itself else None,
        hash=hashlib.sha256(sent).digest() if is_itself else b"",
        tolerance=tolerance,
        limit_s=max(LEAST_S, FACTOR * came.seconds),
    )


def _returned(problem: Problem, ran: Returned | Raised | TimedOut | Died | TooMuch) -> Returned:
    if isinstance(ran, Returned):
        return ran
    raise Unavailable(
        "code.reference_failed",
        f"The canonical solution of {problem.id} did not return: {ran}.",
        hint="Its data may be broken, or this machine too short of memory or time.",
    )


def _load(path: Path) -> dict[str, list[Wanted]] | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    checksum, body = content[:_HASH_BYTES], content[_HASH_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    return msgspec.msgpack.decode(body, type=dict[str, list[Wanted]])


def _save(path: Path, found: dict[str, list[Wanted]]) -> None:
    body = msgspec.msgpack.encode(found)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")  # several judges may find the same at once
    part.write_bytes(hashlib.sha256(body).digest() + body)
    part.replace(path)


def limits_of(wanted: Sequence[Wanted]) -> tuple[float, float]:
    """How long one input may take at most, and all of them together."""
    each = [one.limit_s for one in wanted]
    return max(each, default=LEAST_S), min(MOST_PART_S, sum(each)) + 1.0
