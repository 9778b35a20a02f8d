"""Hidden tests: calls whose results are taken out of a fresh workspace as plain values, and compared here.

What is expected never enters the workspace, and neither an exit code nor a word that is printed decides anything: all that the files of
a model can do is return values. So a file that shadows a module, ends the process, or writes into the results can only be wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.bench.agent.specimen import Specimen, Try
from assay.sandbox import Workspace, WorkspaceLimits

LIMITS = WorkspaceLimits(memory_bytes=1 << 30, cpu_s=60, processes=64, disk_bytes=32 << 20, output_bytes=1 << 20)
_TIMEOUT_S = 60.0
_CALLS = """\
import importlib, json, os, sys
told = json.loads(sys.argv[1])
results = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.path.insert(0, "/work")
for function, args in told["calls"]:
    try:
        value = getattr(importlib.import_module(told["package"]), function)(*args)
        line = json.dumps({"value": value})
    except BaseException as error:
        line = json.dumps({"raised": type(error).__name__})
    results.write(line + "\\n")
    results.flush()
"""


class Slow(Exception):
    """The calls did not end in time."""


async def results_of(files: Mapping[str, str], package: str, tries: Sequence[Try]) -> list[Any]:
    """What each call returns, ``{"value": ...}`` or ``{"raised": ...}``; None for those after the first that ended the process.

    Raises:
        Slow: they took too long.
        NoSandbox: bubblewrap is missing here.
    """
    told = json.dumps({"package": package, "calls": [[one.function, one.args] for one in tries]})
    async with Workspace({path: text.encode() for path, text in files.items()}, LIMITS) as box:
        finished = await box.run(("python3", "-I", "-c", _CALLS, told), _TIMEOUT_S)
    if finished.timed_out:
        raise Slow
    lines = finished.stdout.decode("utf-8", "replace").splitlines()
    found = [_value(line) for line in lines[: len(tries)]]
    return [*found, *[None] * (len(tries) - len(found))]


async def passed(specimen: Specimen, files: Mapping[str, str]) -> list[bool]:
    """Which hidden tests ``files`` pass.

    Raises:
        Slow: as `results_of`.
        NoSandbox: as `results_of`.
    """
    wanted = await results_of(specimen.correct, specimen.package, specimen.hidden)
    found = await results_of(files, specimen.package, specimen.hidden)
    return [one is not None and one == other for one, other in zip(wanted, found, strict=True)]


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
