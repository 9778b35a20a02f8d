"""The few system calls that Python does not offer: landlock, seccomp, namespaces, capabilities.

Landlock: https://docs.kernel.org/userspace-api/landlock.html (ABI 1 to 7, read 2026-11); the call numbers 436 and 444 to 446
are the same on every architecture. Each function raises OSError with the reason of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

_libc = ctypes.CDLL(None, use_errno=True)

_CLOSE_RANGE = 436
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many of the rights over files each version knows; since 5 there are 16."""
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_SECCOMP_MODE_FILTER = 2

_NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, *values: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *padded))


def landlock_version() -> int:
    """The ABI of landlock here; raises where the kernel has none or it is switched off."""
    return _checked(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))


def make_ruleset(readable: Iterable[str]) -> int:
    """A descriptor of rules under which only ``readable`` files and folders can be read, and nothing written, connected, bound or
    signalled outside, as far as the kernel's version goes."""
    version = landlock_version()
    rules = _Ruleset(files=(1 << _FILE_RIGHTS_OF_ABI.get(version, 16)) - 1)
    size = 8
    if version >= 4:
        rules.net, size = _TCP, 16
    if version >= 6:
        rules.scoped, size = _ABSTRACT_SOCKETS_AND_SIGNALS, 24
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    for path in readable:
        _allow_reading(ruleset, path)
    return ruleset


def _allow_reading(ruleset: int, path: str) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
    rule = _PathBeneath(allowed=_READ_FILE | (_READ_DIR if is_folder else 0), parent=place)
    try:
        _checked(_libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def restrict_files(ruleset: int) -> None:
    """From here on this process has the rights of ``ruleset``, and so have all that it starts."""
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))


def restrict_calls(program: bytes) -> None:
    """From here on this process makes only the system calls that ``program`` (classic BPF) lets pass."""
    loaded = _Program(len(program) // 8, program)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(loaded))


def no_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Root without its rights: what it can do is what its user's own files allow."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()))


def drop_user(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _prctl(_PR_SET_DUMPABLE, 1)


def die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Descendants whose parents end become children of this process, so that none can slip away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def leave_namespaces() -> None:
    """Of users, processes (from the next fork on), networks and shared memory this process has its own."""
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(_NEWUSER | _NEWPID | _NEWNET | _NEWIPC))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def close_from(first: int) -> None:
    """Closes every descriptor from ``first`` on, however many there may be."""
    _checked(_libc.syscall(_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(2**32 - 1), 0))


def hide_memory() -> None:
    """No process of the same user can look into this one."""
    _prctl(_PR_SET_DUMPABLE, 0)
