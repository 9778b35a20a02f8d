"""What each input of a problem should give: found by running the canonical solution in the sandbox, once, and kept on disk.

Kept are small values as bytes and of large ones (HumanEval+ has 250 MB of them, and one input of MBPP+ gives 800 MB) a digest. Where
a program's large value has another digest, which an equal value may have, the canonical solution is asked again. A file is as good
as its checksum: one that was cut or changed is made anew, and so it is when the data or Python are others.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.code.equality import is_equal, tolerances
from assay.bench.code.problem import Problem
from assay.core import Unavailable
from assay.sandbox import Digest, Packed, Ran, Returned, Zygote
from assay.sandbox.inside.values import decode, encode

VERSION = 1
LEAST_S = 1.0
FACTOR = 4.0
"""An input may take `FACTOR` times as long as the canonical solution took, and at least `LEAST_S`, as in evalplus 0.3.1."""

_PATIENCE_S = 300.0
_HASH_BYTES = 32


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """What one input should give: the ``value``'s bytes, or for a large one its ``digest``. ``is_itself``: not NaN or the like, which is
    not even equal to itself. ``tolerance`` is absolute, ``limit_s`` how long it may take."""

    value: bytes | None
    digest: bytes | None
    is_itself: bool
    tolerance: float
    limit_s: float


class Expectations:
    """What the problems of one data file expect. ``folder`` keeps it; ``zygote`` runs nothing but canonical solutions."""

    def __init__(self, folder: Path, data_hash: str, zygote: Zygote):
        self._folder = folder / f"{data_hash[:16]}-{VERSION}-{sys.implementation.cache_tag}"
        self._zygote = zygote

    def of(self, problem: Problem) -> dict[str, list[Wanted]]:
        """What every input of ``problem`` should give, by part.

        Raises:
            Unavailable: ``code.reference_failed``.
        """
        path = self._folder / f"{problem.id.replace('/', '-')}.bin"
        found = _load(path)
        if found is None:
            found = {name: self._find(problem, name) for name in problem.parts}
            _save(path, found)
        return found

    def value(self, problem: Problem, arguments: list[Any]) -> Any:
        """What the canonical solution makes of ``arguments``, however large.

        Raises:
            Unavailable: ``code.reference_failed``.
        """
        with self._zygote.run(problem.reference, problem.entry) as child:
            return _returned(problem, child.call(arguments, _PATIENCE_S)).value

    def _find(self, problem: Problem, part: str) -> list[Wanted]:
        packed = Packed(problem.parts[part], [True] * len(problem.parts[part]))
        with self._zygote.run(problem.reference, problem.entry) as child:
            came = [_returned(problem, ran) for ran in child.call_many(packed, _PATIENCE_S, _PATIENCE_S)]
        tolerated = tolerances([each.value for each in came], problem.tolerance)
        return [_wanted(each, tolerance) for each, tolerance in zip(came, tolerated, strict=True)]


def _wanted(came: Returned, tolerance: float) -> Wanted:
    digest = bytes(came.value) if isinstance(came.value, Digest) else None
    value = encode(came.value) if digest is None else None
    return Wanted(
        value=value,
        digest=digest,
        is_itself=value is None or is_equal(came.value, decode(value)),
        tolerance=tolerance,
        limit_s=max(LEAST_S, FACTOR * came.seconds),
    )


def _returned(problem: Problem, ran: Ran) -> Returned:
    if isinstance(ran, Returned):
        return ran
    raise Unavailable(
        "code.reference_failed",
        f"The canonical solution of {problem.id} did not return: {ran}.",
        hint="This machine may be too short of memory or time, or the data are broken.",
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
