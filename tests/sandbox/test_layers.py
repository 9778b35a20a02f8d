"""Which layers stand is tried, said in words, and required."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.sandbox import Layers, NoSandbox, Returned, Zygote, probe
from assay.sandbox.layers import COVERS
from tests.sandbox.hostile.supervise import USERS
from tests.sandbox.hostile.world import descendants, is_alive

_ROOT = Path(__file__).parents[2]
_PATIENCE_S = 30.0


def _python(source: str, user: int | None = None, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", source],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        env={**os.environ, **variables},
        check=True,
    )
    return done.stdout.strip()


def test_every_layer_is_tried_and_told() -> None:
    layers = probe()
    assert [row.name for row in layers.rows] == list(COVERS)
    assert layers.is_enough
    assert [line.partition(":")[0] for line in layers.text.splitlines()] == list(COVERS)


@pytest.mark.parametrize("user", USERS)
def test_they_stand_for_root_and_for_an_ordinary_user(user: int | None) -> None:
    assert _python("from assay.sandbox import probe; print(probe().is_enough, 'namespaces' in probe().active)", user) == "True True"


def test_a_missing_layer_is_named_with_the_reason_and_the_way_out() -> None:
    layers = probe().without("landlock", "seccomp")
    assert "landlock: missing: switched off" in layers.text
    with pytest.raises(NoSandbox) as raised:
        Zygote(layers=layers)
    assert raised.value.code == "sandbox.unavailable"
    assert "landlock (switched off); seccomp (switched off)" in raised.value.message
    assert "libseccomp2" in (raised.value.hint or "")
    assert "kernel" in (raised.value.hint or "")


@pytest.mark.parametrize("name", ["user", "namespaces"])
def test_what_not_every_system_allows_is_not_required(name: str) -> None:
    layers = probe().without(name)  # type: ignore[arg-type]  # the names above are layers
    with Zygote(layers=layers) as zygote, zygote.run("def f():\n    return 1", "f") as child:
        assert isinstance(child.call([], _PATIENCE_S), Returned)


def test_who_accepts_it_runs_without_layers() -> None:
    layers = probe().without(*COVERS)
    with Zygote(layers=layers, accept_unsafe=True) as zygote, zygote.run("def f():\n    return 1", "f") as child:
        assert isinstance(child.call([], _PATIENCE_S), Returned)


def test_without_libseccomp_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "pyseccomp.py").write_text("raise RuntimeError('Unable to find libseccomp')")
    said = _python("from assay.sandbox import probe; print(probe().text)", PYTHONPATH=str(tmp_path))
    assert "seccomp: missing: the library libseccomp is missing" in said
    assert "landlock: reads" in said


def test_elsewhere_than_on_linux_every_layer_is_missing() -> None:
    said = _python("import sys; sys.platform = 'darwin'; from assay.sandbox import probe; print(probe().is_enough, probe().text)")
    assert said.startswith("False clean: missing: it is a thing of Linux")


def test_layers_can_be_kept_with_a_run() -> None:
    layers = Layers(probe().rows)
    assert layers.without("clock").active == tuple(name for name in layers.active if name != "clock")


def test_when_the_judge_is_killed_nothing_of_it_stays() -> None:
    judge = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from assay.sandbox import Zygote\nzygote = Zygote()\nchild = zygote.run('def f():\\n    while True: pass', 'f')\n"
            "print('ready', flush=True)\nchild.call([], 1e6)",
        ],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
    )
    assert judge.stdout
    with judge:
        judge.stdout.readline()
        until = time.monotonic() + _PATIENCE_S
        while len(family := descendants(judge.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert len(family) >= 2
        judge.kill()
    while any(is_alive(pid) for pid in family) and time.monotonic() < until:
        time.sleep(0.01)
    assert [pid for pid in family if is_alive(pid)] == []
