"""A judge process: ``python -m assay.bench.code.process``. It reads programs from its standard input and writes what it found.

It holds the problems and what they expect, and never runs a line of what it judges: that does its zygote. It ends when its input
does.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from assay.bench.code.examine import Examiner
from assay.bench.code.expected import Expectations
from assay.bench.code.messages import HEAD, Begin, Examine, Failed, Message, Ready, Said, pack, unpack
from assay.bench.code.problem import Problems
from assay.core import AssayError
from assay.sandbox import Limits, Zygote, probe

IMPORTS = ("math", "re", "collections", "itertools", "functools", "heapq", "typing", "string", "numpy")
"""Loaded before any program is, since most of the time of a small program is its imports. Of what is not in the standard library a
program has only these."""

LIMITS = Limits(memory_bytes=4 << 30)
"""Memory as in evalplus 0.3.1."""


def main() -> None:
    """Judge until there is nothing left to judge, or SIGTERM comes; either way the sandbox is cleared up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ExitStack() as stack:
        source, sink = sys.stdin.buffer, sys.stdout.buffer
        try:
            problems, examiner, ready = _begin(stack, _read(source))
        except AssayError as error:
            _write(sink, _failure(error))
            return
        _write(sink, ready)
        while (message := _read(source)) is not None:
            assert isinstance(message, Examine)
            try:
                _write(sink, Said(examiner.examine(problems[message.problem], message.program)))
            except AssayError as error:
                _write(sink, _failure(error))


def _begin(stack: ExitStack, message: Message | None) -> tuple[Problems, Examiner, Ready]:
    assert isinstance(message, Begin)
    layers = probe()
    unsafe = message.accept_unsafe
    zygote = stack.enter_context(Zygote(limits=LIMITS, imports=IMPORTS, layers=layers, accept_unsafe=unsafe))
    canonical = stack.enter_context(Zygote(limits=LIMITS, layers=layers, accept_unsafe=unsafe))
    expectations = Expectations(Path(message.folder), message.data_hash, canonical)
    problems = Problems(Path(message.problems), message.shapes)
    return problems, Examiner(zygote, expectations), Ready(layers)


def _read(source: BinaryIO) -> Message | None:
    head = source.read(HEAD.size)
    return unpack(source.read(HEAD.unpack(head)[0])) if len(head) == HEAD.size else None


def _write(sink: BinaryIO, message: Message) -> None:
    sink.write(pack(message))
    sink.flush()


def _failure(error: AssayError) -> Failed:
    return Failed(error.status, error.code, error.message, error.hint)


if __name__ == "__main__":
    main()
