"""Running a tool again, where whoever began the challenge said how: a command, never a shell.

The arguments that the model wrote go to its standard input as they are; what it prints is the result. Bounded in time and
output, with no more of our environment than a program needs to start. Its exit code other than zero is a result that says so,
as a failing tool's is; a command that cannot run or does not end is no result at all.

Not covered: the command has the rights of this server. Only its own machine's user may name one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

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
    command = commands[call.name]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,
        )
    except OSError as error:
        raise _failed(call, f"cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout_s):
            said = await _talk(process, call.arguments.encode("utf-8", "replace"))
            code = await process.wait()
    except TimeoutError as error:
        raise _failed(call, f"did not end within {timeout_s:g} s") from error
    finally:
        await _end(process)
    text = said[:MAX_OUTPUT_BYTES].decode("utf-8", "replace").replace("\0", "�")
    return ToolResult(id=call.id, parts=(Text(text=text),), is_error=code != 0)


async def _talk(process: asyncio.subprocess.Process, arguments: bytes) -> bytes:
    """Hand it the arguments while reading what it prints, so that neither side waits for the other; at most the bound."""
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def hand() -> None:
        try:
            stdin.write(arguments)
            await stdin.drain()
            stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            pass  # a tool without arguments need not read any

    said = bytearray()
    handing = asyncio.create_task(hand())
    try:
        while len(said) <= MAX_OUTPUT_BYTES and (piece := await stdout.read(65536)):
            said += piece
    finally:
        handing.cancel()
        await asyncio.wait([handing])
    if len(said) > MAX_OUTPUT_BYTES:
        _kill(process)
    return bytes(said)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing that was started outlives the call, its children included."""
    _kill(process)
    await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _failed(call: ToolCall, reason: str) -> Unavailable:
    return Unavailable(
        "challenge.rerun_failed",
        f"The command for the tool {call.name!r} {reason}.",
        hint="Run it by hand, with JSON on its standard input.",
    )
