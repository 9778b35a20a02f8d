"""One server per data directory, and the second is told who the first is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from assay.core import Unavailable
from assay.store import DataLock

HOLD = "import sys; from pathlib import Path; from assay.store import DataLock; DataLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"


def test_the_lock_names_the_process_that_has_it_and_ends_with_it(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable, match=f"process {holder.pid}") as refused:
            DataLock(tmp_path).acquire()
        assert refused.value.code == "store.locked"
        holder.kill()
    with DataLock(tmp_path):
        assert (tmp_path / "assay.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_can_be_taken_again_after_release(tmp_path: Path) -> None:
    lock = DataLock(tmp_path / "data")
    for _ in range(2):
        with lock, pytest.raises(Unavailable):
            DataLock(tmp_path / "data").acquire()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "assay.lock").stat().st_mode) == 0o600
