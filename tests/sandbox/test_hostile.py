"""Three hundred hostile programs: each gets what it wants where nothing holds it, and none of them in the sandbox.

Here one case of each technique runs (of fewer, where nothing holds them and as nobody), and all of them under `make prove`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.sandbox.layers import COVERS
from tests.sandbox.hostile import neighbour
from tests.sandbox.hostile.corpus import CORPUS
from tests.sandbox.hostile.supervise import USERS, run_cases

_FIRST = {case.technique: name for name, case in reversed(CORPUS.items())}
SOME = [name for name in CORPUS if name in _FIRST.values()]
ALL = pytest.param(list(CORPUS), id="all", marks=pytest.mark.prove)

ONLY_BY: dict[str, list[str]] = {
    "clean": ["reading the environment: os.environ", "an open file of the judge's: seeking in every descriptor"],
    "limits": ["too much: memory: numpy", "too much: open files: os.open"],
    "user": ["too much: threads: with small stacks"],
    "landlock": ["reading a file: open", "listing a folder: os.listdir", "opening a file to write: open"],
    "seccomp": ["sockets in the file system: stream", "changing what a file is: chmod"],
    "namespaces": ["looking for processes: getpgid", "asking about processes: sched_getaffinity"],
    "clock": ["waiting for ever: sleep", "too much: output: bytes"],
}
"""Cases that one layer alone holds. (The one of ``user`` only where root runs it: others are not root anyway.)"""


def test_the_corpus_is_large_and_various() -> None:
    assert len(CORPUS) >= 200
    assert len(_FIRST) >= 60
    assert set(ONLY_BY) == set(COVERS)


@pytest.mark.parametrize("names", [pytest.param(SOME[::5], id="few"), ALL])
def test_each_program_gets_what_it_wants_where_nothing_holds_it(names: list[str]) -> None:
    """Otherwise it would prove nothing that it fails in the sandbox. In a machine that is thrown away afterwards; on a busy one, what
    a program did in a moment may be over before anybody looked, so it has three tries."""
    for _ in range(3):
        naive = [name for name in names if CORPUS[name].aim in ("verdict", "left")]
        rest = [name for name in names if name not in naive]
        results = run_cases(naive, naive=True, thrown_away=True) | run_cases(rest, off=COVERS, thrown_away=True)
        names = [name for name in names if not results[name]["succeeded"]]
    assert names == []


@pytest.mark.parametrize(
    ("user", "names"),
    [
        pytest.param(None, SOME, id="as we are-some"),
        *(pytest.param(user, SOME[::2], id="as nobody-some") for user in USERS[1:]),
        *(pytest.param(user, list(CORPUS), id=f"as {user or 'we are'}-all", marks=pytest.mark.prove) for user in USERS),
    ],
)
def test_none_gets_it_in_the_sandbox_and_nobody_else_is_held_up(names: list[str], user: int | None) -> None:
    with _neighbour() as beside:
        results = run_cases(names, user=user)
    assert {name: result for name, result in results.items() if result["succeeded"] or result["late"]} == {}
    assert len(results) == len(names)
    assert beside["right"] == beside["samples"] > 0
    assert beside["slowest_s"] < neighbour.LIMIT_S + 1.0


@pytest.mark.parametrize("layer", [layer for layer in COVERS if layer != "user" or os.getuid() == 0])
def test_without_any_one_layer_something_gets_through(layer: str) -> None:
    held = ONLY_BY[layer]
    for _ in range(3):
        results = run_cases(held, off=[layer], thrown_away=True)
        held = [name for name in held if not results[name]["succeeded"]]
    assert held == []


@contextmanager
def _neighbour() -> Iterator[dict[str, Any]]:
    """Honest samples in a process of their own; what became of them is there at the end."""
    found: dict[str, Any] = {}
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", neighbour.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield found
        said, _ = process.communicate(timeout=30)
        found |= json.loads(said)
    finally:
        process.kill()
        process.wait()
