"""The asynchronous side of scoring programs: a queue, and judge processes that take from it."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from assay.bench.code.examine import Examined
from assay.bench.code.messages import HEAD, Begin, Examine, Failed, Message, Ready, Said, pack, unpack
from assay.bench.task import Task
from assay.core import AssayError, InvalidInput, NotFound, Unavailable, Unprocessable
from assay.sandbox import Layers

_PATIENCE_S = 400.0
"""No program takes as long, by its judge's own clock; a judge that does is lost."""


_FAREWELL_S = 10.0
"""How long a judge that is told to end may take to clear up its sandbox."""


class CodeJudge:
    """Judges programs in judge processes; come by one with `open`. ``layers`` are those of their sandboxes."""

    def __init__(self, processes: Sequence[_JudgeProcess], layers: Layers):
        self.layers = layers
        self._idle: asyncio.Queue[_JudgeProcess] = asyncio.Queue()
        self._met: dict[str, asyncio.Event] = {}
        for process in processes:
            self._idle.put_nowait(process)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, task: Task, files: Mapping[str, Path], *, workers: int, folder: Path, accept_unsafe: bool = False
    ) -> AsyncIterator[CodeJudge]:
        """``workers`` judges of ``task``, whose data ``files`` are here. ``folder`` keeps what is expected from one run to the next.

        Raises:
            Unprocessable: ``sandbox.unavailable``: code cannot be run safely here.
            InvalidInput: ``task.data_invalid``.
        """
        begin = await asyncio.to_thread(_begin, task, files[task.data[0].name], folder, accept_unsafe)
        processes = [_JudgeProcess(begin) for _ in range(workers)]
        try:
            layers = await asyncio.gather(*(process.start() for process in processes))
            yield cls(processes, layers[0])
        finally:
            await asyncio.gather(*(process.close() for process in processes))

    async def examine(self, problem: str, program: str) -> Examined:
        """How ``program`` fares at ``problem``; waits for an idle judge. The first program for a problem goes alone: its judge finds out
        what is expected, which may take as long as judging, and the others would find out the same beside it.

        Raises:
            NotFound: ``code.problem_unknown``.
            Unavailable: ``code.judge_lost`` when two judges ended over this program, which says nothing of the program;
                ``code.reference_failed``.
        """
        if (met := self._met.get(problem)) is not None:
            await met.wait()
        else:
            met = self._met[problem] = asyncio.Event()
        try:
            process = await self._idle.get()
            try:
                return await process.examine(problem, program)
            finally:
                self._idle.put_nowait(process)
        finally:
            met.set()


class _JudgeProcess:
    """One judge process, started again when it ends before its time."""

    def __init__(self, begin: Begin):
        self._begin = begin
        self._process: Process | None = None
        self._is_closed = False

    async def start(self) -> Layers:
        """Returns the layers of its sandbox."""
        if self._is_closed:
            raise Unavailable("code.judge_lost", "The judge has been closed.")
        process = await asyncio.shield(asyncio.ensure_future(self._spawn()))
        reply = await self._exchange(process, self._begin)
        assert isinstance(reply, Ready)
        return reply.layers

    async def examine(self, problem: str, program: str) -> Examined:
        for _ in range(2):
            try:
                if self._process is None:
                    await self.start()
                assert self._process is not None
                reply = await self._exchange(self._process, Examine(problem, program))
                assert isinstance(reply, Said)
                return reply.examined
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                await self._end()
            except asyncio.CancelledError:
                await self._end()  # its reply would be taken for that to the next program
                raise
        raise Unavailable("code.judge_lost", f"Two judges ended over a program for {problem}.", hint="Their last words are above.")

    async def close(self) -> None:
        self._is_closed = True
        await self._end()

    async def _spawn(self) -> Process:
        """Whoever waits for this may be cancelled; the process is known all the same, and will be ended."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "assay.bench.code.process", stdin=PIPE, stdout=PIPE)
        self._process = process
        if self._is_closed:
            await self._end()
        return process

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

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_FAREWELL_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _begin(task: Task, path: Path, folder: Path, accept_unsafe: bool) -> Begin:
    shapes = dict(task.options.get("shapes", {}))
    data_hash = hashlib.sha256(path.read_bytes() + repr(sorted(shapes.items())).encode()).hexdigest()
    return Begin(problems=str(path), data_hash=data_hash, folder=str(folder), shapes=shapes, accept_unsafe=accept_unsafe)


def _error(failed: Failed) -> AssayError:
    kinds: dict[int, type[AssayError]] = {kind.status: kind for kind in (InvalidInput, Unprocessable, NotFound)}
    return kinds.get(failed.status, Unavailable)(failed.code, failed.message, hint=failed.hint)
