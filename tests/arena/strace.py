"""A trace of a running process's system calls, or a fault put into one of them, by strace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
MAY_TRACE = shutil.which("strace") is not None and (os.geteuid() == 0 or not _SCOPE.exists() or _SCOPE.read_text().strip() == "0")
"""Whether strace is here and may look at a process that it did not start."""


@contextmanager
def attached(pids: Sequence[int], log: Path, *options: str) -> Iterator[None]:
    """strace on all threads and children of ``pids`` for as long as the ``with`` lasts; its lines go to ``log``."""
    flags = [flag for pid in pids for flag in ("-p", str(pid))]
    strace = subprocess.Popen(
        ["strace", "-f", "-yy", "-o", log, *options, *flags], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert strace.stderr is not None
    said = ""
    for _ in pids:
        line = strace.stderr.readline()
        said += line
        assert "attached" in line, f"strace cannot attach (is ptrace allowed?): {said}"
    try:
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(10)
        strace.stderr.close()
