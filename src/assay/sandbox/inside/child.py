"""The child: one process for one sample. It closes every door behind itself, loads the program, and answers calls until killed.

Everything here shares its process with the candidate, who can change any of it. All it could change is what it says; what is right
is decided elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import resource
import sys
import traceback
import types
from typing import Any

from . import linux
from .frames import BROKEN, DIGEST, LOADED, RAISED, READY, RETURNED, TOO_MUCH, Inbox, frame, write_all
from .setting import Setting
from .values import digest, encode


def be_child(channel: int, setting: Setting, ruleset: int | None) -> None:
    """Never returns."""
    try:
        try:
            if setting.clean:
                channel, ruleset = keep_only(channel, ruleset)
            close_doors(setting, ruleset)
        except (OSError, ValueError) as error:
            write_all(channel, frame(BROKEN, f"{type(error).__name__}: {error}".encode()))
            return
        write_all(channel, frame(READY))
        _answer(channel, setting.most_output_bytes)
    finally:
        os._exit(0)


def keep_only(channel: int, ruleset: int | None) -> tuple[int, int | None]:
    """Of all that is open, the judge's channel and the rules remain, as numbers 3 and 4, and 0 to 2, which lead nowhere."""
    kept = [channel] if ruleset is None else [channel, ruleset]
    above = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in kept]
    for place, descriptor in enumerate(above, start=3):
        os.dup2(descriptor, place)
    linux.close_from(3 + len(kept))
    return 3, None if ruleset is None else 4


def close_doors(setting: Setting, ruleset: int | None) -> None:
    linux.die_with_parent()
    os.setsid()
    for which, value in setting.limits:
        resource.setrlimit(which, (value, value))
    linux.no_new_privileges()
    if ruleset is not None:
        linux.restrict_files(ruleset)
        os.close(ruleset)
    if setting.program is not None:
        linux.restrict_calls(setting.program.replace(setting.own_pid, os.getpid().to_bytes(4, sys.byteorder)))


def _answer(channel: int, most_bytes: int) -> None:
    inbox = Inbox(channel)
    _, (source, entry) = inbox.next()
    try:
        function = _load(source, entry)
    except BaseException as error:  # noqa: BLE001  # the candidate may raise anything, SystemExit too
        write_all(channel, _raised(error))
        return
    write_all(channel, frame(LOADED))
    while True:
        _, (arguments, wants_digest) = inbox.next()
        write_all(channel, _call(function, arguments, wants_digest, most_bytes))


def _load(source: str, entry: str) -> Any:
    module = sys.modules["candidate"] = types.ModuleType("candidate")
    exec(compile(source, "<candidate>", "exec"), module.__dict__)  # noqa: S102  # this is the place where it may
    try:
        return module.__dict__[entry]
    except KeyError:
        raise NameError(f"the program does not define {entry!r}") from None


def _call(function: Any, arguments: Any, wants_digest: bool, most_bytes: int) -> bytes:
    try:
        value = function(*arguments)
        if wants_digest and (body := _digested(value)):
            return frame(DIGEST, body)
        body = encode(value)
    except BaseException as error:  # noqa: BLE001  # the candidate may raise anything, SystemExit too
        return _raised(error)
    return frame(RETURNED, body) if len(body) <= most_bytes else frame(TOO_MUCH)


def _digested(value: Any) -> bytes | None:
    """None where the value is to be sent itself."""
    try:
        return digest(value)
    except Exception:  # noqa: BLE001  # some values cannot be pickled, and their classes may say so in any way
        return None


def _raised(error: BaseException) -> bytes:
    message = "".join(traceback.format_exception_only(error)).strip()[-2000:]
    return frame(RAISED, f"{type(error).__qualname__}\0{message}".encode("utf-8", "replace"))
