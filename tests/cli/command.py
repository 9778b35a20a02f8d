"""A command of `assay` in a process of its own, and what became of it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.server import environment


class Done(msgspec.Struct, frozen=True):
    """How a command ended. No trace of Python's may ever be in ``err``."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(folder: Path, *words: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Done:
    """Run ``assay WORDS`` on the data below ``folder``."""
    process = subprocess.run(
        [sys.executable, "-m", "assay", *words],
        input=stdin.encode(),
        capture_output=True,
        env=environment(folder, {"ASSAY_DATA": str(folder / "data")} | dict(environ or {})),
        cwd=folder,
        timeout=50,
        check=False,
    )
    done = Done(process.returncode, process.stdout.decode(), process.stderr.decode())
    assert "Traceback" not in done.err, done.err
    return done


class Terminal:
    """A person's terminal with a command in it. ``screen`` is everything that it showed."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int):
        self.process = process
        self._fd = screen
        self.screen = ""
        self._seen = 0

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def until(self, text: str, timeout_s: float = 20) -> None:
        """Wait until ``text`` is shown, after what was waited for before."""
        deadline = time.monotonic() + timeout_s
        while (found := self.screen.find(text, self._seen)) < 0:
            self.more(deadline - time.monotonic())
        self._seen = found + len(text)

    def more(self, timeout_s: float = 20) -> None:
        """Wait until something more is shown."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout_s))
        assert ready, f"nothing more came: {self.screen[-4000:]!r}"
        assert self._read(), f"it ended: {self.screen[-4000:]!r}"

    def end(self, timeout_s: float = 20) -> int:
        """Wait for the command to end; its exit code."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None or select.select([self._fd], [], [], 0)[0]:
            assert time.monotonic() < deadline, f"it goes on: {self.screen!r}"
            if select.select([self._fd], [], [], 0.05)[0] and not self._read():
                break
        return self.process.wait(5)

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the last process of the terminal has closed it
            return False
        self.screen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def terminal(folder: Path, *words: str) -> Iterator[Terminal]:
    """``assay WORDS`` in a terminal, where Ctrl-C is a signal to it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(folder, {"ASSAY_DATA": str(folder / "data")}),
        cwd=folder,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        os.close(ours)


_IN_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from assay.cli import main
main(sys.argv[1:])
"""
