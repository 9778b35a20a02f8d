"""The system calls that a child may make: what Python and numpy need to compute, and nothing else.

An allow-list, compiled once through libseccomp to classic BPF and loaded by every child. A refused call returns EPERM, so that a
program which tries one can go on; `clone3` says ENOSYS, after which the C library uses `clone`, whose flags a filter can see.
"""

from __future__ import annotations

import errno
import functools
import importlib
import tempfile
from typing import Any

OWN_PID = (0x5EED_C0DE).to_bytes(4, "little")
"""Stands in the program for the number of the process that loads it."""

_FREE = """
read write readv writev pread64 pwrite64 preadv pwritev lseek close close_range open openat stat fstat lstat newfstatat statx
access faccessat faccessat2 getdents getdents64 readlink readlinkat getcwd chdir fchdir statfs fstatfs
dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
mmap munmap mprotect mremap madvise brk msync mincore membarrier
futex futex_waitv set_robust_list get_robust_list rseq set_tid_address arch_prctl sched_yield
sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage getitimer setitimer alarm
timer_create timer_settime timer_gettime timer_delete timerfd_create timerfd_settime timerfd_gettime
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack signalfd4 pause restart_syscall
getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
uname sysinfo getrandom getrlimit setrlimit umask wait4 waitid exit exit_group
"""
ALLOWED_FREELY = tuple(_FREE.split())
_REFUSED_IN_WORKSPACES = """
unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
bpf perf_event_open userfaultfd keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register
init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl syslog
settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname iopl ioperm
name_to_handle_at open_by_handle_at fanotify_init process_vm_readv process_vm_writev kcmp ptrace
"""

_CLONE_THREAD, _CLONE_NEW_USER = 0x10000, 0x10000000
_CLONE_NEW_ANYTHING = 0x7E020000
_PUSH_INTO_TERMINAL = 0x5412
_PRCTL_NAMES = (15, 16)
_TERMINAL_AND_PIPE_QUESTIONS = (0x5401, 0x541B)
_DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: not the ones that ask for signals."""


class NoSeccomp(Exception):
    """The filter cannot be made here; the text says why."""


@functools.cache
def seccomp_program() -> bytes:
    """The filter, with `OWN_PID` in it. Raises `NoSeccomp` where libseccomp is missing."""
    seccomp = _library()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for name in ALLOWED_FREELY:
        _allow(seccomp, rules, name)
    own = seccomp.Arg(0, seccomp.EQ, int.from_bytes(OWN_PID, "little"))
    for name in ("kill", "tgkill"):
        _allow(seccomp, rules, name, own)
    _allow(seccomp, rules, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0))
    _allow(seccomp, rules, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_THREAD | _CLONE_NEW_ANYTHING, _CLONE_THREAD))
    for name, place, values in (
        ("prctl", 0, _PRCTL_NAMES),
        ("ioctl", 1, _TERMINAL_AND_PIPE_QUESTIONS),
        ("fcntl", 1, _DESCRIPTOR_COMMANDS),
    ):
        for value in values:
            _allow(seccomp, rules, name, seccomp.Arg(place, seccomp.EQ, value))
    return _compiled(rules)


@functools.cache
def workspace_program() -> bytes:
    """The filter of a workspace, where programs and processes are wanted: everything passes but what reaches into the kernel."""
    seccomp = _library()
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    refused = seccomp.ERRNO(errno.EPERM)
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for name in _REFUSED_IN_WORKSPACES.split():
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number >= 0:
            rules.add_rule(refused, number)
    rules.add_rule(refused, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _CLONE_NEW_USER, _CLONE_NEW_USER))
    rules.add_rule(refused, "ioctl", seccomp.Arg(1, seccomp.EQ, _PUSH_INTO_TERMINAL))
    return _compiled(rules)


def _library() -> Any:
    try:
        return importlib.import_module("pyseccomp")
    except ImportError as error:
        raise NoSeccomp(f"the Python package pyseccomp is missing ({error})") from None
    except (RuntimeError, OSError, AttributeError) as error:
        raise NoSeccomp(f"the library libseccomp is missing ({error})") from None


def _compiled(rules: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _allow(seccomp: Any, rules: Any, name: str, *arguments: Any) -> None:
    try:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
    except ValueError:
        return  # this version of libseccomp does not know it, so it stays refused
    if number >= 0:
        rules.add_rule(seccomp.ALLOW, number, *arguments)
