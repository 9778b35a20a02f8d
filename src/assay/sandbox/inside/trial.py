"""Each layer alone, in a process that is thrown away: does the system allow it, and does it hold what it should?"""

from __future__ import annotations

import json
import mmap
import os
import pickle
import socket
import sys
from collections.abc import Callable
from typing import Any

from . import linux
from .child import close_doors, keep_only
from .setting import Setting
from .zygote import MOST_MESSAGE_BYTES, lower


def main() -> None:
    """Reads settings by name from the judge's socket, each with one layer; answers with what was wrong: nothing where it holds."""
    judge = socket.socket(fileno=int(sys.argv[1]))
    settings: dict[str, Any] = pickle.loads(judge.recv(MOST_MESSAGE_BYTES))  # noqa: S301  # from the judge, who is trusted
    judge.send(json.dumps({name: _try(name, Setting(*setting)) for name, setting in settings.items()}).encode())


def _try(name: str, setting: Setting) -> str:
    reads, writes = os.pipe()
    if child := os.fork():
        os.close(writes)
        with open(reads, encoding="utf-8", errors="replace") as said:
            text = said.read()
        os.waitpid(child, 0)
        return "the process ended" if not text else text.removeprefix("+")
    try:
        _behind(name, setting, writes)
    finally:
        os._exit(0)


def _behind(name: str, setting: Setting, channel: int) -> None:
    try:
        ruleset = None if setting.readable is None else linux.make_ruleset(setting.readable)
        lower(setting)
        if setting.clean:
            channel, ruleset = keep_only(channel, ruleset)
        close_doors(setting, ruleset)
        said = _HOLDS[name]()
    except (OSError, ValueError) as error:
        said = str(error)
    os.write(channel, b"+" + said.encode())


def _refused(attempt: Callable[[], object], what: str) -> str:
    try:
        attempt()
    except (OSError, ValueError):
        return ""
    return f"{what} was still possible"


def _is_clean() -> str:
    return _refused(lambda: os.open("/dev/tty", os.O_RDWR), "the terminal") or _refused(lambda: os.fstat(5), "an open file")


def _is_somebody_else() -> str:
    os.close(os.open(os.__file__, os.O_RDONLY))
    return "it stayed root" if os.getuid() == 0 else ""


_HOLDS: dict[str, Callable[[], str]] = {
    "clean": _is_clean,
    "limits": lambda: _refused(lambda: mmap.mmap(-1, 1 << 40), "a terabyte of memory"),
    "user": _is_somebody_else,
    "capabilities": lambda: _refused(lambda: os.setgid(1), "acting as root"),
    "landlock": lambda: _refused(lambda: os.listdir("/"), "listing files"),
    "seccomp": lambda: _refused(socket.socket, "a socket"),
    "namespaces": lambda: "" if os.getpid() == 1 else "processes have their old numbers",
}
