"""Running a tool again, where whoever began the challenge said how: a command, never a shell.

The arguments that the model wrote are its standard input as they are; what it prints is the result. Bounded in time and output,
with no more of our environment than a program needs to start. An exit code other than zero is a result that says so, as a
failing tool's is; a command that cannot run or does not end is no result at all.

Not covered: the command has the rights of this server. Only its own machine's user may name one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

from assay.core import Text, ToolCall, ToolResult, Unavailable

TIMEOUT_S = 30.0
MAX_OUTPUT_BYTES = 256 * 1024
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")

Commands = Mapping[str, tuple[str, ...]]
"""For each tool that may be run again, its command and arguments."""


async def run_again(commands: Commands, call: ToolCall, *, timeout_s: float = TIMEOUT_S) -> ToolResult:
    """What the command of ``call``'s tool makes of its arguments.

    Raises:
        Unavailable: ``challenge.rerun_failed``: it cannot be started, or did not end in time.
    """
    process, output = await _start(commands[call.name], call)
    try:
        async with asyncio.timeout(timeout_s):
            said = await _read(output)
            if len(said) > MAX_OUTPUT_BYTES:
                _kill(process)
            code = await process.wait()
    except TimeoutError as error:
        raise _failed(call, f"did not end within {timeout_s:g} s") from error
    finally:
        _kill(process)  # nothing that was started outlives the call, children included
        await process.wait()
    text = said[:MAX_OUTPUT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
    return ToolResult(id=call.id, parts=(Text(text=text),), is_error=code != 0)


async def _start(command: tuple[str, ...], call: ToolCall) -> tuple[asyncio.subprocess.Process, int]:
    """The command, running, and our end of the pipe that it writes to."""
    ours, its = os.pipe()
    try:
        with _as_file(call.arguments) as arguments:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=arguments,
                stdout=its,
                stderr=asyncio.subprocess.STDOUT,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                start_new_session=True,
            )
    except BaseException as error:
        os.close(ours)
        if isinstance(error, OSError):
            raise _failed(call, f"cannot be started: {error.strerror}") from error
        raise
    finally:
        os.close(its)
    return process, ours


@contextlib.contextmanager
def _as_file(arguments: str) -> Iterator[IO[bytes]]:
    """A file and no pipe, so that a tool that reads nothing cannot hold us up."""
    with tempfile.TemporaryFile() as file:
        file.write(arguments.encode("utf-8", "replace"))
        file.seek(0)
        yield file


async def _read(fd: int) -> bytes:
    """What comes through a pipe until its end, or until it is too much. The pipe is ours, and closed whoever still holds the other end."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    said = bytearray()
    try:
        while len(said) <= MAX_OUTPUT_BYTES and (piece := await reader.read(65536)):
            said += piece
    finally:
        transport.close()
    return bytes(said)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _failed(call: ToolCall, reason: str) -> Unavailable:
    return Unavailable(
        "challenge.rerun_failed",
        f"The command for the tool {call.name!r} {reason}.",
        hint="Run it by hand, with JSON on its standard input.",
    )
