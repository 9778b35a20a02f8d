"""Server-sent events on their way through, as bytes.

Only whole events are passed on, so that a broken upstream can be followed by an error event, and a heartbeat by anything.
No event is decoded unless its bytes look like the usage chunk that the gateway itself asked for.
"""

from __future__ import annotations

import re

import msgspec

from assay.gateway.connection import Fault

HEARTBEAT = b": waiting\n\n"
LARGEST_EVENT = 16 * 1024 * 1024

_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_SPLIT = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)")
_STOPPED = re.compile(rb'"finish_reason"\s*:\s*"')


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class EventPipe:
    """Takes what the socket gives, gives back whole events."""

    __slots__ = ("_held", "_hides_usage")

    def __init__(self, *, hides_usage: bool):
        self._hides_usage = hides_usage
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The whole events among what was held back and ``data``; the rest is held back.

        Raises:
            Fault: ``upstream.too_large``: one event never ends.
        """
        if self._held:
            data = self._held + data
            self._held = b""
        if not data.endswith(b"\n\n"):
            end = max(data.rfind(mark) + len(mark) if mark in data else 0 for mark in _ENDS)
            self._held = data[end:]
            data = data[:end]
            if len(self._held) > LARGEST_EVENT:
                raise Fault("upstream.too_large", f"One event of the stream is larger than {LARGEST_EVENT} bytes.")
        if self._hides_usage and (b'"choices":[]' in data or b'"choices": []' in data):
            return self._without_usage(data)
        return data

    @property
    def rest(self) -> bytes:
        """What is held back: an unfinished event."""
        return self._held

    def _without_usage(self, data: bytes) -> bytes:
        return b"".join(event for event in _SPLIT.split(data) if not _is_usage(event))


def is_finished(last: bytes) -> bool:
    """Whether an answer came to its end, by the last bytes of its stream: ``[DONE]``, or a finish reason."""
    return b"[DONE]" in last or _STOPPED.search(last) is not None


def _is_usage(event: bytes) -> bool:
    """Whether an event is the extra chunk of ``include_usage``: usage, and an empty list of choices."""
    lines = [line[5:].lstrip(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    try:
        chunk = _chunk.decode(b"\n".join(lines))
    except msgspec.MsgspecError:
        return False
    return chunk.choices == [] and chunk.usage is not None
