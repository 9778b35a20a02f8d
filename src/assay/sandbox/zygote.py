"""The judge's side: a zygote that is kept warm, and a child for each sample, from which only values come.

    with Zygote(imports=("math",)) as zygote:
        with zygote.run(source, "solve") as child:
            for outcome in child.call_many(inputs, timeout_each_s=1.0, timeout_all_s=10.0):
                ...

Everything is synchronous: a judge is a process of its own with nothing else to do. Whatever the child says is a liar's word; it can
only ever be an answer, right or wrong, and the comparison happens here.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from types import TracebackType
from typing import Any, Self

from assay.sandbox.channel import Channel, Gone, Overlong, Silent
from assay.sandbox.inside import frames
from assay.sandbox.inside.values import Unreadable, decode
from assay.sandbox.layers import Layers
from assay.sandbox.limits import Limits
from assay.sandbox.outcomes import Died, Digest, Raised, Ran, Returned, TimedOut, TooMuch
from assay.sandbox.probing import probe
from assay.sandbox.refusal import SandboxBroken
from assay.sandbox.start import setting_for, spawn

_PATIENCE_S = 60.0
"""How long the zygote, which is ours, may take to answer; only a machine on its knees takes a second."""
_NO_CLOCK_S = 1e6
_SHORT_FRAME_BYTES = 1 << 16


class ZygoteLost(Exception):
    """The zygote has ended or does not answer."""


class Zygote:
    """A warm parent of children, for one judge: one child at a time. It starts on first use, and again if somebody ended it.

    ``imports`` are loaded before the first child and, with the standard library, are all that a child can import. Raises `NoSandbox`
    where ``layers`` are not enough, unless ``accept_unsafe``.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        imports: Iterable[str] = (),
        layers: Layers | None = None,
        accept_unsafe: bool = False,
    ):
        self.limits = limits or Limits()
        self.layers = probe() if layers is None else layers
        if not accept_unsafe:
            self.layers.require()
        self._setting = setting_for(self.limits, imports, self.layers)
        self._folder = tempfile.TemporaryDirectory(prefix="assay-sandbox-")
        os.chmod(self._folder.name, 0o755)  # noqa: S103  # empty, and the child is another user
        self._control: socket.socket | None = None
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def run(self, source: str, entry: str) -> Child:
        """A new child that loads ``source`` and answers calls of its function ``entry``. The clock of loading runs from here; what goes
        wrong then is told by the first call. The child before is closed."""
        if self._child is not None:
            self._child.close()
        try:
            channel = self._fork()
        except ZygoteLost:
            self._stop()
            try:
                channel = self._fork()
            except ZygoteLost as error:
                self._stop()
                raise SandboxBroken(str(error)) from error
        self._child = Child(self, channel, source, entry)
        return self._child

    def close(self) -> None:
        """Ends it, and all that it started."""
        if self._child is not None:
            self._child.close()
        self._stop()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The number of its process, once the first child has run."""
        return self._process.pid

    def end_child(self) -> str:
        """SIGKILL for the child and for all that it left behind. Returns how it had ended, in words."""
        self._child = None
        try:
            return _how(int(self._ask(b"kill")))
        except (ZygoteLost, ValueError):
            self._stop()
            return "it took its parent along"

    def _fork(self) -> socket.socket:
        if self._control is None:
            self._start()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._ask(b"fork", theirs.fileno())
            except ZygoteLost:
                ours.close()
                raise
        return ours

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_PATIENCE_S)
        with theirs:
            self._process = spawn("zygote", theirs.fileno(), self._folder.name, clean=self._setting.clean)
        word, reason = self._exchange(pickle.dumps(tuple(self._setting)))
        if word == "broken":
            self._stop()
            raise SandboxBroken(reason)

    def _ask(self, message: bytes, *descriptors: int) -> str:
        return self._exchange(message, *descriptors)[1]

    def _exchange(self, message: bytes, *descriptors: int) -> tuple[str, str]:
        if self._control is None:
            raise ZygoteLost("it was not started")
        try:
            socket.send_fds(self._control, [message], descriptors)
            answer = self._control.recv(1 << 16)
        except OSError as error:
            raise ZygoteLost(str(error)) from error
        if not answer:
            raise ZygoteLost("the zygote has ended")
        word, _, text = answer.decode("utf-8", "replace").partition(" ")
        return word, text

    def _stop(self) -> None:
        if self._control is None:
            return
        self._control.close()
        self._control = None
        if self._setting.clean:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


class Child:
    """One process that has loaded one program. When it timed out, died or said too much it is ended, and every later call says the same
    again."""

    def __init__(self, zygote: Zygote, channel: socket.socket, source: str, entry: str):
        self._zygote = zygote
        self._limits = zygote.limits
        self._clock = "clock" in zygote.layers.active
        self._channel = Channel(channel)
        self._end: Ran | None = None
        self._is_loaded = False
        self._load_until = time.monotonic() + self._bound(self._limits.load_s)
        self._channel.queue(frames.trusted(frames.LOAD, (source, entry)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def call(self, arguments: Sequence[Any], timeout_s: float, *, digest: bool = False) -> Ran:
        """``entry(*arguments)``. With ``digest``, only what `assay.sandbox.digest` makes of it is sent of a large value."""
        return next(self.call_many(Packed([arguments], [digest]), timeout_s, timeout_s))

    def call_many(
        self,
        inputs: Iterable[Sequence[Any]] | Packed,
        timeout_each_s: float | Sequence[float],
        timeout_all_s: float,
        *,
        raw: bool = False,
    ) -> Iterator[Ran]:
        """One outcome for each of ``inputs``, as they come, without waiting for the judge between them; after `TimedOut`, `Died` or
        `TooMuch` no more. Stop reading, and close, at the first that is wrong. With ``raw``, values stay the bytes that came: those of
        equal values are mostly equal, and `assay.sandbox.inside.values.decode` reads the others."""
        packed = inputs if isinstance(inputs, Packed) else Packed(list(inputs))
        if (end := self._load()) is not None:
            yield end
            return
        limits_s = repeat(timeout_each_s) if isinstance(timeout_each_s, int | float) else timeout_each_s
        self._channel.queue(packed.sent)
        left_s = self._bound(timeout_all_s)
        for digest, limit_s in zip(packed.digests, limits_s, strict=False):
            began = time.monotonic()
            outcome = self._outcome(began, min(self._bound(limit_s), left_s), digest, raw)
            left_s -= time.monotonic() - began
            yield outcome
            if self._end is not None:
                return

    def close(self) -> None:
        """Ends the process and everything that it left."""
        if self._end is None:
            self._finish(Died("it was closed"))

    def _bound(self, seconds: float) -> float:
        return seconds if self._clock else _NO_CLOCK_S

    def _load(self) -> Ran | None:
        """None once the program is loaded."""
        if self._end is not None or self._is_loaded:
            return self._end
        letter, body = self._read(self._load_until, _SHORT_FRAME_BYTES)
        if letter == frames.BROKEN:
            self.close()
            raise SandboxBroken(body.decode("utf-8", "replace"))
        if letter == frames.READY:
            letter, body = self._read(self._load_until, _SHORT_FRAME_BYTES)
        if letter == frames.LOADED:
            self._is_loaded = True
        elif self._end is None:
            self._finish(_raised(body) if letter == frames.RAISED else _unreadable())
        return self._end

    def _outcome(self, began: float, timeout_s: float, digest: bool, raw: bool) -> Ran:
        letter, body = self._read(began + timeout_s, self._limits.output_bytes)
        seconds = time.monotonic() - began
        try:
            if letter == frames.RETURNED:
                return Returned(body if raw else decode(body), seconds)
            if letter == frames.DIGEST and digest and len(body) == 32:
                return Returned(Digest(body), seconds)
        except (Unreadable, MemoryError, RecursionError):
            return self._finish(_unreadable())
        if letter == frames.RAISED:
            return _raised(body)
        if letter == frames.TOO_MUCH:
            return self._finish(TooMuch(self._limits.output_bytes))
        return self._end or self._finish(_unreadable())

    def _read(self, until: float, most_bytes: int) -> tuple[bytes, bytes]:
        """The next frame; an empty letter when there is none and the child has been ended."""
        began = time.monotonic()
        try:
            return self._channel.read(until, most_bytes if self._clock else 1 << 40)
        except Silent:
            self._finish(TimedOut(time.monotonic() - began))
        except Overlong:
            self._finish(TooMuch(most_bytes))
        except Gone:
            self._finish(None)
        return b"", b""

    def _finish(self, end: Ran | None) -> Ran:
        how = self._zygote.end_child()
        self._channel.close()
        self._end = end or Died(how)
        return self._end


class Packed:
    """Inputs made ready for sending once, for many children. Each is packed on its own: what one call does to its arguments never
    shows in the next. ``digests`` says for which a digest will do where the value is large; left out, for none."""

    def __init__(self, inputs: Sequence[Sequence[Any]], digests: Sequence[bool] | None = None):
        self.digests = [False] * len(inputs) if digests is None else list(digests)
        pairs = zip(inputs, self.digests, strict=True)
        self.sent = b"".join(frames.trusted(frames.CALL, (tuple(arguments), digest)) for arguments, digest in pairs)


def _raised(body: bytes) -> Raised:
    kind, _, message = body.decode("utf-8", "replace").partition("\0")
    return Raised(kind[:200], message[:2000])


def _unreadable() -> Died:
    return Died("it said what is no value")


def _how(status: int) -> str:
    if status >= 0:
        return f"it ended by itself with code {status}"
    try:
        return f"it was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was ended by signal {-status}"
