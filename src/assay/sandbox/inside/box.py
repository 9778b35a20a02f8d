"""The first process of a workspace: runs one command after the other, reads and writes files, and ends what commands leave behind.

It is process 1 of its own world, so no command can end it, and none can look into it (it is not dumpable). What it reports of a
command is what the command printed and how it ended; whether that means anything is decided by the judge.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import linux
from .frames import CONTENT, FAILED, FINISHED, READ, READY, RUN, WRITE, frame, read_trusted, write_all

_GRACE_S = 1.0
"""For output that was written before the end and is still on its way."""


def main() -> None:
    """Answers requests from standard input on standard output until the judge is gone. The arguments are the user to become (0: one is
    nobody special already) and limits, as numbers."""
    if user := int(sys.argv[3]):
        linux.drop_user(user)
        linux.drop_capabilities()
        linux.die_with_parent()  # which a change of user takes back
    linux.hide_memory()
    requests, answers = os.dup(0), os.dup(1)
    for standard in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), standard)
    limits = [tuple(map(int, pair.split("="))) for pair in sys.argv[4:]]
    write_all(answers, frame(READY))
    handlers: dict[bytes, Callable[..., bytes]] = {RUN: _run, READ: _read, WRITE: _write}
    while True:
        try:
            letter, content = read_trusted(requests)
        except EOFError:
            os._exit(0)
        try:
            answer = handlers[letter](*content, *([limits] if letter == RUN else []))
        except OSError as error:
            answer = frame(FAILED, (error.strerror or str(error)).encode())
        write_all(answers, answer)


def _run(argv: tuple[str, ...], environment: dict[str, str], timeout_s: float, most_bytes: int, limits: list[Any]) -> bytes:
    def narrow() -> None:
        for which, value in limits:
            resource.setrlimit(which, (value, value))

    process = subprocess.Popen(  # noqa: S603  # running what it is given is its purpose
        argv,
        cwd="/work",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=narrow,  # there are no threads here
    )
    texts, timed_out = _listen(process, timeout_s, most_bytes)
    code = _end_all(process)
    kept = [text[:most_bytes] for text in texts]
    was_cut = any(len(text) > most_bytes for text in texts)
    head = f"{code} {int(was_cut)} {int(timed_out)} {len(kept[0])}\n".encode()
    return frame(FINISHED, head + kept[0] + kept[1])


def _listen(process: subprocess.Popen[bytes], timeout_s: float, most_bytes: int) -> tuple[list[bytearray], bool]:
    """What it prints until it ends, or until its time is over; of each stream a byte more than ``most_bytes`` at most."""
    assert process.stdout
    assert process.stderr
    texts = [bytearray(), bytearray()]
    until = time.monotonic() + timeout_s
    timed_out = False
    ended = os.pidfd_open(process.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, texts[0])
        selector.register(process.stderr, selectors.EVENT_READ, texts[1])
        selector.register(ended, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0))
            if not ready and time.monotonic() >= until:
                timed_out = timed_out or ended in selector.get_map()
                break
            for key, _ in ready:
                if key.fileobj == ended:
                    selector.unregister(ended)
                    until = min(until, time.monotonic() + _GRACE_S)
                    _kill_everybody()
                elif not _take(key.fd, key.data, most_bytes):
                    selector.unregister(key.fileobj)
    os.close(ended)
    return texts, timed_out


def _take(descriptor: int, text: bytearray, most_bytes: int) -> bool:
    data = os.read(descriptor, 1 << 16)
    text += data[: most_bytes + 1 - len(text)]
    return bool(data)


def _kill_everybody() -> None:
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


def _end_all(process: subprocess.Popen[bytes]) -> int:
    """Ends all that is left. Returns how the command itself ended."""
    _kill_everybody()
    code = process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return code


def _read(path: str, most_bytes: int) -> bytes:
    descriptor = os.open(os.path.join("/work", path), os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return frame(FAILED, b"it is not a file")
        content = file.read(most_bytes + 1)
    return frame(FAILED, f"it is larger than {most_bytes} bytes".encode()) if len(content) > most_bytes else frame(CONTENT, content)


def _write(path: str, content: bytes, mode: int) -> bytes:
    place = os.path.join("/work", path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, mode)
    with open(descriptor, "wb") as file:
        file.write(content)
    return frame(CONTENT)
