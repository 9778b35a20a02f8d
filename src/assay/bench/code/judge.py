"""The asynchronous side of scoring programs: a queue, and judge processes that take from it."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from assay.bench.code.examine import Examined
from assay.bench.code.messages import HEAD, Begin, Examine, Failed, Message, Ready, Said, pack, unpack
from assay.bench.task import Task
from assay.core import AssayError, Unavailable, Unprocessable

_PATIENCE_S = 400.0
"""No program takes as long, by its judge's own clock; a judge that does is lost."""


class CodeJudge:
    """Judges programs in ``workers`` processes. Use it by `open`."""

    def __init__(self, begin: Begin):
        self._begin = begin
        self._idle: asyncio.Queue[_JudgeProcess] = asyncio.Queue()
        self.layers = ""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, task: Task, files: Mapping[str, Path], *, workers: int, folder: Path, accept_unsafe: bool = False
    ) -> AsyncIterator[CodeJudge]:
        """Judges of ``task``, whose data ``files`` are here. ``folder`` keeps what is expected from one run to the next. ``layers`` says
        what the sandbox is made of.

        Raises:
            Unprocessable: ``sandbox.unavailable``: code cannot be run safely here.
            InvalidInput: ``task.data_invalid``.
        """
        path = files[task.data[0].name]
        content = await asyncio.to_thread(path.read_bytes)
        shapes = task.options.get("shapes", {})
        data = hashlib.sha256(content + repr(sorted(shapes.items())).encode()).hexdigest()
        judge = cls(
            Begin(problems=str(path), data_hash=data, folder=str(folder), shapes=dict(shapes), accept_unsafe=accept_unsafe),
        )
        processes = [_JudgeProcess(judge._begin) for _ in range(workers)]
        try:
            found = await asyncio.gather(*(process.start() for process in processes))
            judge.layers = found[0]
            for process in processes:
                judge._idle.put_nowait(process)
            yield judge
        finally:
            await asyncio.gather(*(process.end() for process in processes))

    async def score(self, problem: str, program: str) -> Examined:
        """How ``program`` fares at ``problem``; waits for an idle process.

        Raises:
            NotFound: ``code.problem_unknown``.
            Unavailable: ``code.judge_lost`` when two processes ended over this program; that says nothing of the program.
        """
        process = await self._idle.get()
        try:
            return await process.examine(problem, program)
        finally:
            self._idle.put_nowait(process)


class _JudgeProcess:
    """One judge process, started again when it ends before its time."""

    def __init__(self, begin: Begin):
        self._begin = begin
        self._process: Process | None = None

    async def start(self) -> str:
        """Returns the layers of its sandbox, in words."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "assay.bench.code.process", stdin=PIPE, stdout=PIPE
        )
        reply = await self._exchange(self._process, self._begin)
        assert isinstance(reply, Ready)
        return reply.layers

    async def examine(self, problem: str, program: str) -> Examined:
        for _ in range(2):
            if self._process is None:
                await self.start()
            assert self._process is not None
            try:
                reply = await self._exchange(self._process, Examine(problem, program))
                assert isinstance(reply, Said)
                return reply.examined
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                await self.end()
            except asyncio.CancelledError:
                await self.end()  # its reply would be taken for the next program's
                raise
        raise Unavailable("code.judge_lost", f"Two judges ended over a program for {problem}.", hint="See what they wrote.")

    async def _exchange(self, process: Process, message: Message) -> Message:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pack(message))
        async with asyncio.timeout(_PATIENCE_S):
            await process.stdin.drain()
            head = await process.stdout.readexactly(HEAD.size)
            reply = unpack(await process.stdout.readexactly(HEAD.unpack(head)[0]))
        if isinstance(reply, Failed):
            raise _error(reply)
        return reply

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _error(failed: Failed) -> AssayError:
    kind = {"Unavailable": Unavailable}.get(failed.kind, Unprocessable)
    return kind(failed.code, failed.message, hint=failed.hint)
