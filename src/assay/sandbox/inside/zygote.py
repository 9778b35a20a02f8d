"""The zygote: a fresh interpreter, its imports warm, that forks one child for each sample and ends what they leave behind.

It knows nothing of tasks. It listens to the judge alone, on one socket: ``fork`` (with the child's end of a new channel), ``kill``;
and when the judge is gone, so is it, and all that it started.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

from . import linux
from .child import be_child
from .setting import Setting

MOST_MESSAGE_BYTES = 1 << 17


def main() -> NoReturn:
    """Started by the judge with the number of its socket."""
    judge = socket.socket(fileno=int(sys.argv[1]))
    setting: Setting = Setting(*pickle.loads(judge.recv(MOST_MESSAGE_BYTES)))  # noqa: S301  # from the judge, who is trusted
    try:
        _warm(setting)
        ruleset = None if setting.readable is None else linux.make_ruleset(setting.readable)
        lower(setting)
    except (OSError, ImportError) as error:
        judge.send(f"broken {type(error).__name__}: {error}".encode())
        os._exit(1)
    _serve(judge, setting, ruleset)


def _warm(setting: Setting) -> None:
    sys.path[:] = [*sys.path[1:], *setting.import_paths]
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]
    for name in setting.imports:
        importlib.import_module(name)
    if setting.clean:
        os.environ.clear()
    gc.collect()
    gc.freeze()


def lower(setting: Setting) -> None:
    """Become somebody with less rights. With namespaces, what goes on is a copy of this process, the first of its own world, in which
    every other process ends with it; this one waits for that."""
    if setting.uid is not None:
        linux.drop_user(setting.uid)
    if setting.namespaces:
        linux.leave_namespaces()
        if first := os.fork():
            os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 255)
        linux.die_with_parent()
    else:
        linux.adopt_orphans()
    if setting.drops_capabilities:
        linux.drop_capabilities()


def _serve(judge: socket.socket, setting: Setting, ruleset: int | None) -> NoReturn:
    judge.send(b"ready")
    child = None
    while True:
        message, descriptors, _, _ = socket.recv_fds(judge, MOST_MESSAGE_BYTES, 1)
        if message == b"fork":
            child = os.fork()
            if child == 0:
                judge.detach()
                be_child(descriptors[0], setting, ruleset)
            os.close(descriptors[0])
            judge.send(b"forked")
        elif message == b"kill":
            judge.send(f"ended {_end_all(child, setting)}".encode())
            child = None
        else:
            _end_all(child, setting)
            os._exit(0)


def _end_all(child: int | None, setting: Setting) -> int:
    """Ends the child and whatever it started. Returns how the child ended, as ``os.waitstatus_to_exitcode`` says it."""
    how = 0
    while True:
        for process in _left(setting):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            process, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return how
        if process == child:
            how = os.waitstatus_to_exitcode(status)


def _left(setting: Setting) -> list[int]:
    """Whom to end: everybody, in a world of one's own; else one's children, to whom orphans are added as their parents end."""
    if setting.namespaces:
        return [-1]
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(number) for number in file.read().split()]
