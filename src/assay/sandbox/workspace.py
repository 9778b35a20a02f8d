"""Level 2: a small machine of one's own for tasks that need files and programs, made by bubblewrap.

    async with Workspace({"main.py": b"print(1)"}) as box:
        finished = await box.run(("python3", "main.py"), timeout_s=10)

Its root is empty but for the system's programs, read only; ``/work`` and ``/tmp`` are in memory and bounded; there is no network, no
other process, no variable of the environment, and after each command nothing of it runs on. bubblewrap:
https://github.com/containers/bubblewrap (0.6 or newer).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from assay.core.errors import NotFound, TooLarge
from assay.sandbox.inside import frames
from assay.sandbox.probing import probe
from assay.sandbox.refusal import NoSandbox, SandboxBroken
from assay.sandbox.start import unused_uid
from assay.sandbox.system_calls import NoSeccomp, workspace_program

_MIB = 1 << 20
_PATIENCE_S = 60.0
_CAP_SETGID, _CAP_SETUID = 6, 7
_USER = 1000
"""Who commands are, inside."""
_FOLDER = Path(__file__).parent
_INSIDE = "/run/assay"
_MAIN = "import sys; sys.path.insert(0, sys.argv[2]); from inside.box import main; main()"


class WorkspaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """``memory_bytes`` and ``cpu_s`` (processor seconds) are for each process; ``processes`` run at once, threads included;
    ``disk_bytes`` fit into each of ``/work`` and ``/tmp``; ``output_bytes`` of each of a command's two streams, and of a file that is
    read, are kept."""

    memory_bytes: int = 2048 * _MIB
    cpu_s: int = 600
    processes: int = 128
    disk_bytes: int = 256 * _MIB
    output_bytes: int = _MIB


class Finished(msgspec.Struct, frozen=True):
    """``code`` is the exit status, or minus the number of the signal that ended it. ``truncated``: it printed more than is kept."""

    code: int
    stdout: bytes
    stderr: bytes
    truncated: bool
    timed_out: bool


class Workspace:
    """One box. ``files`` are put into ``/work`` before the first command. One command runs at a time. Raises `NoSandbox` where
    bubblewrap is missing."""

    def __init__(self, files: Mapping[str, bytes], limits: WorkspaceLimits | None = None):
        self._files = files
        self._limits = limits or WorkspaceLimits()
        self._stack = AsyncExitStack()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        program = shutil.which("bwrap")
        if program is None:
            raise NoSandbox(
                "bubblewrap is missing",
                "Install it (Debian and Ubuntu: `apt install bubblewrap`; Fedora: `dnf install bubblewrap`).",
            )
        async with AsyncExitStack() as stack:
            await _unhurried(self._open(program, stack))
            for path, content in self._files.items():
                await self.write(path, content)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def run(self, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None) -> Finished:
        """Runs a command in ``/work``; when it has ended, or its time is over, everything it started is ended too."""
        variables = {"PATH": _path(), "HOME": "/work", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
        request = frames.trusted(frames.RUN, (tuple(argv), variables, timeout_s, self._limits.output_bytes))
        letter, body = await self._ask(request, timeout_s + _PATIENCE_S)
        if letter == frames.FAILED:
            return Finished(127, b"", body, truncated=False, timed_out=False)
        head, _, rest = body.partition(b"\n")
        code, was_cut, timed_out, length = map(int, head.split())
        return Finished(code, rest[:length], rest[length:], truncated=bool(was_cut), timed_out=bool(timed_out))

    async def read(self, path: str) -> bytes:
        """A file's content; ``path`` is relative to ``/work``."""
        letter, body = await self._ask(frames.trusted(frames.READ, (path, self._limits.output_bytes)), _PATIENCE_S)
        if letter == frames.FAILED:
            reason = body.decode("utf-8", "replace")
            kind = TooLarge if reason.startswith("it is larger") else NotFound
            raise kind("sandbox.file", f"{path!r} cannot be read in the workspace: {reason}.")
        return body

    async def write(self, path: str, content: bytes, *, is_program: bool = False) -> None:
        """Makes or replaces a file, and the folders it is in."""
        mode = 0o755 if is_program else 0o644
        letter, body = await self._ask(frames.trusted(frames.WRITE, (path, content, mode)), _PATIENCE_S)
        if letter == frames.FAILED:
            raise TooLarge("sandbox.file", f"{path!r} cannot be written in the workspace: {body.decode('utf-8', 'replace')}.")

    async def _ask(self, request: bytes, patience_s: float) -> tuple[bytes, bytes]:
        async with self._turn:
            try:
                return await self._exchange(request, patience_s)
            except asyncio.CancelledError:
                await self._end()  # its answer would be taken for the next one's
                raise

    async def _exchange(self, request: bytes, patience_s: float) -> tuple[bytes, bytes]:
        """Says ``request`` and waits for the next frame from inside."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        try:
            async with asyncio.timeout(patience_s):
                stdin.write(request)
                await stdin.drain()
                letter, length = frames.HEAD.unpack(await stdout.readexactly(frames.HEAD.size))
                return letter, await stdout.readexactly(length)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise SandboxBroken(await self._reason() or f"the workspace ended: {error}") from error

    async def _reason(self) -> str:
        await self._end()
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace").strip()[-500:]

    async def _open(self, program: str, stack: AsyncExitStack) -> None:
        """Start it, and hear from inside that it stands: bubblewrap that is killed before leaves processes that nobody ends."""
        await self._start(program, stack)
        await self._exchange(b"", _PATIENCE_S)

    async def _start(self, program: str, stack: AsyncExitStack) -> None:
        self._said: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack closes it
        argv = [program, *_world(self._limits)]
        passed = []
        uid = probe().uid
        stand_in = _StandIn(stack) if os.getuid() == 0 and uid is None and _can_stand_in() else None
        if stand_in:
            argv += stand_in.words
            passed += stand_in.passed
        else:
            argv += ["--uid", str(_USER), "--gid", str(_USER)]
        with suppress(NoSeccomp):
            filtered = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack closes it
            filtered.write(workspace_program())
            filtered.seek(0)
            passed.append(filtered.fileno())
            argv += ["--seccomp", str(filtered.fileno())]
        argv += ["--", _interpreter(), "-P", "-s", "-S", "-B", "-X", "utf8", "-c", _MAIN, "box", _INSIDE]
        argv += [str(_USER if stand_in else 0), *(f"{which}={value}" for which, value in _rlimits(self._limits))]
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._said,
            env={},
            pass_fds=passed,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            cwd="/",
        )
        stack.push_async_callback(self._end)
        if stand_in:
            await self._introduce(stand_in)

    async def _introduce(self, stand_in: _StandIn) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.to_thread(stand_in.introduce)
        except (OSError, ValueError) as error:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self._process.wait()  # it ends by itself; killed by us, it might leave a process that nobody ends
            raise SandboxBroken(f"root cannot name another user for the workspace: {error}") from error

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class _StandIn:
    """For where only root can come to this Python, as below its home: root makes the box, and another user runs in it, since to root no bound
    on processes applies. bubblewrap waits while that user is named, and the box's first process changes to it."""

    def __init__(self, stack: AsyncExitStack):
        self._told, self._tells = _pipe(stack)
        self._waits, self._wakes = _pipe(stack)
        self.passed = [self._tells.fileno(), self._waits.fileno()]
        self.words = ["--info-fd", str(self.passed[0]), "--userns-block-fd", str(self.passed[1])]
        self.words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]

    def introduce(self) -> None:
        """Waits for bubblewrap to say whom it started, and writes there which users there are. If nothing is said, or written, bubblewrap ends."""
        self._tells.close()
        self._waits.close()
        with self._wakes:
            if said := self._told.readall():
                process = Path("/proc", str(json.loads(said)["child-pid"]))
                for users in ("uid_map", "gid_map"):
                    (process / users).write_text(f"0 0 1\n{_USER} {unused_uid()} 1\n")
                self._wakes.write(b"x")


def _pipe(stack: AsyncExitStack) -> tuple[FileIO, FileIO]:
    readable, writable = os.pipe()
    return stack.enter_context(FileIO(readable, "r")), stack.enter_context(FileIO(writable, "w"))


def _can_stand_in() -> bool:
    """Whether root may name others here, which in some containers it may not, and those can read this Python once they come to it."""
    status = dict(line.partition(":")[::2] for line in Path("/proc/self/status").read_text().splitlines())
    rights = int(status["CapEff"], 16)
    for right, users in ((_CAP_SETGID, "gid_map"), (_CAP_SETUID, "uid_map")):
        ranges = [tuple(map(int, line.split())) for line in Path("/proc/self", users).read_text().splitlines()]
        if not rights >> right & 1 or not any(first <= unused_uid() < first + count for first, _, count in ranges):
            return False
    needed = ((_interpreter(), 0o005), (os.path.dirname(os.__file__), 0o005), (os.__file__, 0o004), (frames.__file__, 0o004))
    return all(os.stat(path).st_mode & mode == mode for path, mode in needed)


async def _unhurried(work: Coroutine[Any, Any, None]) -> None:
    """Waits until ``work`` is done, though one be cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise


def _world(limits: WorkspaceLimits) -> Iterator[str]:
    """What bubblewrap is asked for."""
    yield from ("--unshare-all", "--unshare-user", "--as-pid-1", "--die-with-parent", "--new-session", "--clearenv")
    yield from ("--hostname", "workspace", "--cap-drop", "ALL")
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(folder):
            yield from ("--symlink", os.readlink(folder), folder)
        elif os.path.isdir(folder):
            yield from ("--ro-bind", folder, folder)
    if not sys.base_prefix.startswith("/usr"):
        yield from ("--ro-bind", sys.base_prefix, sys.base_prefix)
    for file in ("/etc/ld.so.cache", "/etc/alternatives"):
        yield from ("--ro-bind-try", file, file)
    yield from ("--ro-bind", str(_FOLDER / "inside"), f"{_INSIDE}/inside", "--proc", "/proc", "--dev", "/dev")
    for folder in ("/work", "/tmp", "/dev/shm"):  # noqa: S108  # of the box, not of this machine
        yield from ("--perms", "1777", "--size", str(limits.disk_bytes), "--tmpfs", folder)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/work")


def _rlimits(limits: WorkspaceLimits) -> Iterator[tuple[int, int]]:
    import resource  # there is none on Windows, where this is never reached

    yield resource.RLIMIT_AS, limits.memory_bytes
    yield resource.RLIMIT_CPU, limits.cpu_s
    yield resource.RLIMIT_NPROC, limits.processes
    yield resource.RLIMIT_CORE, 0


def _interpreter() -> str:
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _path() -> str:
    return ":".join(dict.fromkeys([f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"]))
