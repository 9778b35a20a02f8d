"""Of all system calls a child makes those on the list, and no other."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from assay.sandbox import Died, Raised, Returned, Zygote
from assay.sandbox.system_calls import ALLOWED_FREELY

_PATIENCE_S = 30.0
_ALLOWED_IN_PART = {"kill", "tgkill", "prlimit64", "clone", "prctl", "ioctl", "fcntl"}
_HIGHEST = 480
_PROBES = {335, 336}
"""uretprobe and uprobe on x86-64: made by the kernel's own trampolines, past every filter; whoever else calls them gets SIGILL."""
_EPERM, _ENOSYS = 1, 38

_TRY = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def answers(numbers):
    found = []
    for number in numbers:
        ctypes.set_errno(0)
        libc.syscall(number, -1, -1, -1, -1, -1, -1)
        found.append(ctypes.get_errno())
    return found
"""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(imports=("ctypes",)) as zygote:
        yield zygote


def _numbers(names: set[str]) -> set[int]:
    seccomp: Any = importlib.import_module("pyseccomp")
    return {seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) for name in names}


def test_every_call_that_is_not_on_the_list_is_refused(zygote: Zygote) -> None:
    others = sorted(set(range(_HIGHEST)) - _PROBES - _numbers({*ALLOWED_FREELY, *_ALLOWED_IN_PART}))
    with zygote.run(_TRY, "answers") as child:
        outcome = child.call([others], _PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert {number: answer for number, answer in zip(others, outcome.value, strict=True) if answer not in (_EPERM, _ENOSYS)} == {}
    assert len(others) > 300


def test_of_the_calls_that_are_allowed_in_part_the_rest_is_refused(zygote: Zygote) -> None:
    (clone,) = _numbers({"clone"})
    tries = {
        "a signal to the parent": "os.kill(os.getppid() or 1, 0)",
        "a signal to the group": "os.kill(0, 0)",
        "another's limits": "resource.prlimit(1, resource.RLIMIT_CORE)",
        "a process": "os.fork()",
        "pushing into a terminal": "fcntl.ioctl(0, 0x5412, b'x')",
        "who gets a file's signals": "fcntl.fcntl(0, fcntl.F_SETOWN, 1)",
        "being traced": "checked(ctypes.CDLL(None, use_errno=True).prctl(4, 0))",
        "a thread in a namespace of its own": f"checked(ctypes.CDLL(None, use_errno=True).syscall({clone}, 0x30900, 0))",
    }
    lines = "".join(f"    tried({name!r}, lambda: {text})\n" for name, text in tries.items())
    source = (
        "import ctypes, fcntl, os, resource\nallowed = []\n"
        "def checked(result):\n    if result < 0:\n        raise OSError(ctypes.get_errno(), 'refused')\n"
        "def tried(name, attempt):\n    try:\n        attempt()\n    except PermissionError:\n        return\n    allowed.append(name)\n"
        f"def f():\n{lines}    return allowed\n"
    )
    with zygote.run(source, "f") as child:
        outcome = child.call([], _PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert outcome.value == []


def test_the_other_way_to_number_calls_is_closed(zygote: Zygote) -> None:
    with zygote.run(_TRY, "answers") as child:
        outcome = child.call([[0x40000000 + 41]], _PATIENCE_S)
    assert outcome == Died("it was ended by SIGSYS") or (isinstance(outcome, Returned) and outcome.value in ([_ENOSYS], [_EPERM]))


def test_a_program_can_ask_itself_what_it_may(zygote: Zygote) -> None:
    source = (
        "import os, resource, signal, threading, time\n"
        "def f():\n"
        "    heard = []\n"
        "    signal.signal(signal.SIGUSR1, lambda *a: heard.append(1))\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    signal.raise_signal(signal.SIGUSR1)\n"
        "    thread = threading.Thread(target=heard.append, args=(2,))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    time.sleep(0.001)\n"
        "    return heard, resource.getrlimit(resource.RLIMIT_CORE)\n"
    )
    with zygote.run(source, "f") as child:
        outcome = child.call([], _PATIENCE_S)
    assert not isinstance(outcome, Raised), outcome
    assert isinstance(outcome, Returned)
    assert outcome.value == ([1, 1, 2], (0, 0))
