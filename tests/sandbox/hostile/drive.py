"""Runs hostile programs in the sandbox, with some layers off if asked, and says of each whether it got what it wanted.

    python -m tests.sandbox.hostile.drive        (a request as JSON on standard input; one line of JSON for each case comes back)

A process of its own, because with layers off a case may end or stop it: `supervise` starts it.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from assay.sandbox import Layers, Limits, Ran, Returned, Zygote, probe
from tests.sandbox.hostile import naive
from tests.sandbox.hostile.case import Case
from tests.sandbox.hostile.corpus import CORPUS
from tests.sandbox.hostile.world import PROCESS_NAME, Watch, World, named

_MIB = 1 << 20
_LIMITS = Limits(memory_bytes=700 * _MIB, cpu_s=20, output_bytes=4 * _MIB, threads=16, files=32)
_LIMIT_S = {"late": 0.3, "verdict": 1.5}
_OTHER_LIMIT_S = 2.5
_GRACE_S = 1.0
"""No sample may take longer than its limit and this."""


def main() -> None:
    request = json.load(sys.stdin)
    report = os.fdopen(os.dup(1), "w", buffering=1)
    cases = [CORPUS[name] for name in request["names"]]
    if request["naive"]:
        for case in cases:
            report.write(json.dumps({"begin": case.name}) + "\n")
            report.write(json.dumps({"succeeded": _fools_naive(case)}) + "\n")
        return
    layers = probe().without(*request["off"])
    world = World(owner=os.getuid() if layers.uid is None else layers.uid)
    driver = _Driver(world, layers)
    for case in cases:
        report.write(json.dumps({"begin": case.name}) + "\n")
        report.write(json.dumps(driver.attempt(case)) + "\n")
    driver.close()
    world.close()


def _fools_naive(case: Case) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        if case.aim == "verdict":
            return naive.is_fooled(case.grader, case.source, Path(folder))
        subprocess.run([sys.executable, "-c", case.source + "attack({})"], timeout=20, check=False)
        return _end_named()


class _Driver:
    def __init__(self, world: World, layers: Layers):
        self._world = world
        self._layers = layers
        self._zygotes: dict[float, Zygote] = {}

    def attempt(self, case: Case) -> dict[str, Any]:
        limit_s = _LIMIT_S.get(case.aim, _OTHER_LIMIT_S)
        zygote = self._zygote_for(limit_s)
        self._world.prepare()
        guard = threading.Timer(limit_s + _GRACE_S + 0.2, _end, [zygote])
        guard.start()
        began = time.monotonic()
        if case.aim == "verdict":
            outcome, succeeded = _judge(zygote, case, limit_s)
        else:
            outcome, succeeded = self._attack(zygote, case, limit_s)
        took_s = time.monotonic() - began
        guard.cancel()
        guard.join()
        is_late = took_s > limit_s + _GRACE_S
        return {
            "succeeded": succeeded or (case.aim == "late" and is_late),
            "late": is_late,
            "took_s": took_s,
            "outcome": type(outcome).__name__,
        }

    def close(self) -> None:
        for zygote in self._zygotes.values():
            zygote.close()

    def _zygote_for(self, limit_s: float) -> Zygote:
        if limit_s not in self._zygotes:
            limits = msgspec.structs.replace(_LIMITS, load_s=limit_s)
            self._zygotes[limit_s] = Zygote(limits=limits, imports=("numpy",), layers=self._layers, accept_unsafe=True)
        zygote = self._zygotes[limit_s]
        with zygote.run("def f():\n    return 1", "f") as child:
            assert isinstance(child.call([], 20.0), Returned)
        return zygote

    def _attack(self, zygote: Zygote, case: Case, limit_s: float) -> tuple[Ran, bool]:
        parent = zygote.pid
        with Watch(parent) as watch, zygote.run(case.source, "attack") as child:
            outcome = child.call([self._world.told()], limit_s)
        return outcome, self._got(case, outcome, watch, zygote, parent)

    def _got(self, case: Case, outcome: Ran, watch: Watch, zygote: Zygote, parent: int) -> bool:
        world = self._world
        if case.aim == "secret":
            return world.secret in repr(outcome)
        if case.aim == "fact":
            return isinstance(outcome, Returned) and bool(outcome.value == world.facts()[case.fact])
        if case.aim == "planted":
            return world.is_changed()
        if case.aim == "contact":
            return bool(world.contacts())
        if case.aim == "bystander":
            return _comes_true(world.is_bystander_hurt, 0.05 if self._layers.is_enough else 1.0)
        if case.aim == "left":
            return _end_named()
        if case.aim == "parent":
            with zygote.run("def f():\n    return 1", "f") as child:
                return not isinstance(child.call([], 20.0), Returned) or zygote.pid != parent
        return case.aim == "much" and self._was_much(outcome, watch)

    def _was_much(self, outcome: Ran, watch: Watch) -> bool:
        return (
            watch.memory_bytes > _LIMITS.memory_bytes
            or watch.threads > _LIMITS.threads + 4
            or watch.files > _LIMITS.files + 8
            or watch.processes > 4
            or self._world.was_flooded
            or (isinstance(outcome, Returned) and len(pickle.dumps(outcome.value)) > _LIMITS.output_bytes)
        )


def _judge(zygote: Zygote, case: Case, limit_s: float) -> tuple[Ran | None, bool]:
    """As a judge does it: values come, and are compared here."""
    last: Ran | None = None
    right = 0
    with zygote.run(case.source, "solve") as child:
        inputs = [[x] for x, _ in naive.TESTS]
        for (_, expected), last in zip(naive.TESTS, child.call_many(inputs, limit_s, limit_s), strict=False):
            right += isinstance(last, Returned) and _is_equal(last.value, expected)
    return last, right == len(naive.TESTS)


def _is_equal(value: Any, expected: Any) -> bool:
    if isinstance(value, (int, float, np.number)):
        return bool(abs(value - expected) < 1e-6)
    return bool(np.all(value == expected))


def _comes_true(condition: Callable[[], bool], patience_s: float) -> bool:
    """Signals take their time."""
    until = time.monotonic() + patience_s
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.005)
    return found


def _end(zygote: Zygote) -> None:
    with suppress(AttributeError, ProcessLookupError):
        os.kill(zygote.pid, signal.SIGKILL)


def _end_named() -> bool:
    found = named(PROCESS_NAME)
    for pid in found:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


if __name__ == "__main__":
    main()
