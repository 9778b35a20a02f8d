"""Server-sent events on their way through, as bytes.

Only whole events are passed on, so that a broken upstream can be followed by an error event, and a heartbeat by anything.
No event is decoded unless its bytes look like the usage chunk that the gateway itself asked for. Lines that clients of a
protocol are known to stumble over are taken out.
"""

from __future__ import annotations

import re

import msgspec

from assay.gateway.connection import Fault
from assay.wire.sse import SseSplitter, escape_separators

LARGEST_EVENT = 16 * 1024 * 1024

_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_SPLIT = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)")
_BLOCK_WITHOUT_DATA = re.compile(rb"(?:(?:id|retry):[^\r\n]*(?:\r\n|\n|\r))+(?:\r\n|\n|\r)")
_OTHER_LINE = re.compile(rb"(?:\A|[\r\n])(?!data:)[^\r\n]")
_DATA_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))data:[^\r\n]*")


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class EventPipe:
    """Takes what the socket gives, gives back whole events that clients of ``protocol`` can read."""

    __slots__ = ("_held", "_hides_usage", "_protocol")

    def __init__(self, protocol: str = "openai_chat", *, hides_usage: bool):
        self._protocol = protocol
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
        if self._protocol == "gemini":
            return _only_data(escape_separators(data))
        if self._hides_usage and (b'"choices":[]' in data or b'"choices": []' in data):
            data = self._without_usage(data)
        if data.startswith((b"id:", b"retry:")) or b"\nid:" in data or b"\nretry:" in data:
            data = _BLOCK_WITHOUT_DATA.sub(b"", data)
        return data

    def end(self) -> bytes:
        """Nothing follows the last event."""
        return b""

    @property
    def rest(self) -> bytes:
        """What is held back: an unfinished event."""
        return self._held

    def _without_usage(self, data: bytes) -> bytes:
        return b"".join(event for event in _SPLIT.split(data) if not _is_usage(event))


class ListPipe:
    """The events of a stream as one JSON array, which is how Gemini streams to who does not ask for events."""

    __slots__ = ("_begun", "_splitter")

    def __init__(self) -> None:
        self._splitter = SseSplitter(LARGEST_EVENT)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """The elements that ``data`` completes. Raises `StreamBroken`."""
        written = b""
        for event in self._splitter.feed(data):
            written += (b",\r\n" if self._begun else b"[") + escape_separators(event.data)
            self._begun = True
        return written

    def end(self) -> bytes:
        """The end of the array."""
        return b"]" if self._begun else b"[]"

    @property
    def rest(self) -> bytes:
        """What is held back: an unfinished event."""
        return b"".join(event.data for event in self._splitter.close())


def _only_data(events: bytes) -> bytes:
    """Events without comments, names and ids, which kill the readers of Gemini's clients."""
    if _OTHER_LINE.search(events) is None:
        return events
    blocks = (_DATA_LINE.findall(block) for block in _SPLIT.split(events))
    return b"".join(b"\r\n".join(lines) + b"\r\n\r\n" for lines in blocks if lines)


def _is_usage(event: bytes) -> bool:
    """Whether an event is the extra chunk of ``include_usage``: usage, and an empty list of choices."""
    lines = [line[5:].lstrip(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    try:
        chunk = _chunk.decode(b"\n".join(lines))
    except msgspec.MsgspecError:
        return False
    return chunk.choices == [] and chunk.usage is not None
