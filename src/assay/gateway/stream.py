"""Server-sent events on their way through, as bytes.

Only whole events are passed on, so that a broken upstream can be followed by an error event, and a heartbeat by anything.
No event is decoded unless its bytes look like the usage chunk that the gateway itself asked for, or like nothing that the
protocol has. Lines that clients of a protocol are known to stumble over are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from assay.gateway.connection import Fault
from assay.wire.sse import BOM, SseSplitter, escape_separators

LARGEST_EVENT = 16 * 1024 * 1024

_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)+")
"""The end of a line and a blank line, however their ends are mixed (WHATWG HTML, section 9.2.6)."""
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_DATA_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))data: ?([^\r\n]*)")
_OTHER_LINE = re.compile(rb"(?:\A|[\r\n])(?!data: )[^\r\n]")
_PING = b"event: ping"
_CR = ord("\r")
_EVENT_ALONE = re.compile(rb"\nevent:[^\n]*\n\n")


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, msgspec.Raw] | None = None
    error: msgspec.Raw | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class EventPipe:
    """Takes what the socket gives, gives back whole events that clients of ``protocol`` can read."""

    __slots__ = ("_held", "_held_size", "_hides_usage", "_last", "_protocol")

    def __init__(self, protocol: str = "openai_chat", *, hides_usage: bool):
        self._protocol = protocol
        self._hides_usage = hides_usage
        self._held: list[bytes] = []
        self._held_size = 0
        self._last = b""

    def feed(self, data: bytes) -> bytes:
        """The whole events among what was held back and ``data``; the rest is held back.

        Raises:
            Fault: ``upstream.too_large``: one event never ends.
        """
        rest = b""
        if not data.endswith(b"\n\n"):
            end = _end_of_events(self._last + data)
            if not end:
                self._hold(data)
                return b""
            end -= len(self._last)
            data, rest = data[:end], data[end:]
        if self._held:
            self._held.append(data)
            data = b"".join(self._held)
            self._held.clear()
            self._held_size = 0
        self._last = b""
        if rest:
            self._hold(rest)
        return self._fit(data)

    def end(self) -> bytes:
        """Nothing follows the last event."""
        return b""

    @property
    def rest(self) -> bytes:
        """What is held back: an unfinished event."""
        return b"".join(self._held)

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)
        # The end of an event may be cut between its bytes, of which there are three at most.
        self._last = (self._last + data[-2:])[-2:]
        if self._held_size > LARGEST_EVENT:
            raise Fault("upstream.too_large", f"One event of the stream is larger than {LARGEST_EVENT} bytes.")

    def _fit(self, data: bytes) -> bytes:
        """Whole events, made fit for the client."""
        if data.startswith(BOM):
            data = data[len(BOM) :]
        match self._protocol:
            case "gemini":
                data = escape_separators(data)
                is_even = data.endswith(b"\r\n\r\n") or _CR not in data
                return data if is_even and _name_of_one(data) == b"" else _only_data(data)
            case "openai_chat":
                if self._hides_usage and (data.find(b'"choices":[]') >= 0 or data.find(b'"choices": []') >= 0):
                    data = b"".join(event for event in _events(data) if not _is_usage(event))
                if _name_of_one(data) == b"":
                    return data
                if _has_line(data, b"id") or _has_line(data, b"retry") or _has_line(data, b"event"):
                    return b"".join(fitted for event in _events(data) if (fitted := _fit_for_openai(event)) and _is_chunk(event))
            case "openai_responses":
                name = _name_of_one(data)
                if name is not None and name.startswith(b"event: response."):
                    return data
                alone = b"event:" in data and (_EVENT_ALONE.match(b"\n" + data[:4096]) or _EVENT_ALONE.search(data))
                if alone or _has_line(data, b"id") or _has_line(data, b"retry") or _PING in data:
                    # OpenAI's SDK wants the response to be created before anything else happens.
                    return b"".join(_fit_for_openai(event) for event in _events(data) if not _has_line(event, _PING))
        return data


class ListPipe:
    """The events of a stream as one JSON array, which is how Gemini streams to who does not ask for events."""

    __slots__ = ("_splitter", "has_begun")

    def __init__(self) -> None:
        self._splitter = SseSplitter(LARGEST_EVENT)
        self.has_begun = False

    def feed(self, data: bytes) -> bytes:
        """The elements that ``data`` completes. Raises `StreamBroken`."""
        written = b""
        for event in self._splitter.feed(data):
            written += (b",\r\n" if self.has_begun else b"[") + escape_separators(event.data)
            self.has_begun = True
        return written

    def end(self) -> bytes:
        """The end of the array."""
        return b"]" if self.has_begun else b"[]"

    @property
    def rest(self) -> bytes:
        """What is held back: an unfinished event."""
        return b"".join(event.data for event in self._splitter.close())


def data_of(event: bytes) -> bytes:
    """The data of one event: its lines joined by LF."""
    return b"\n".join(_DATA_LINE.findall(event))


def all_data(events: bytes) -> list[bytes]:
    """The data of each of ``events`` that has any, but for ``[DONE]``."""
    return [data for event in _events(events) if (data := data_of(event)) not in (b"", b"[DONE]")]


def _end_of_events(data: bytes) -> int:
    """Where the last whole event ends; 0 where there is none. A CR at the very end may be half of a line end."""
    ends = [data.rfind(mark) + 2 for mark in (b"\n\n", b"\r\r")]
    at = data.rfind(b"\n\r", 0, len(data) - 1)
    if at >= 0:
        ends.append(at + (3 if data[at + 2 : at + 3] == b"\n" else 2))
    end = max(ends)
    return end if end > 1 else 0


def _events(data: bytes) -> Iterator[bytes]:
    at = 0
    for end in _BLANK.finditer(data):
        yield data[at : end.end()]
        at = end.end()
    if at < len(data):
        yield data[at:]


def _name_of_one(events: bytes) -> bytes | None:
    """The line before the data of one event, or nothing; None where it is more than one, or has other lines. Nearly every piece is
    one, in which there is nothing to look for.
    """
    lines = events.splitlines()
    if not 2 <= len(lines) <= 3 or lines[-1] or lines[-2][:6] != b"data: ":
        return None
    return b"" if len(lines) == 2 else lines[0] or None


def _has_line(data: bytes, field: bytes) -> bool:
    return data.startswith(field) or data.find(b"\n" + field) >= 0 or data.find(b"\r" + field) >= 0


def _fit_for_openai(event: bytes) -> bytes:
    """An event without ids and times to retry: of what has no data, OpenAI's SDK makes an event that it cannot read."""
    lines = [line for line in _LINE.findall(event) if not line.startswith((b"id", b"retry"))]
    if _DATA_LINE.search(event) is None:
        lines = [line for line in lines if not line.startswith(b"event")]
    return b"".join(lines) if any(line.strip() for line in lines) else b""


def _is_chunk(event: bytes) -> bool:
    """Whether a named event is one of this protocol's, which have no names: others reach users as chunks without choices."""
    if not _has_line(event, b"event"):
        return True
    data = data_of(event)
    try:
        chunk = _chunk.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return data == b"[DONE]"
    return chunk.choices is not None or chunk.error is not None


def _only_data(events: bytes) -> bytes:
    """Events without comments, names and ids, which kill the readers of Gemini's clients, and with line ends of one kind."""
    is_even = b"\r" not in events or events.count(b"\r\n") == events.count(b"\n") == events.count(b"\r")
    if is_even and _OTHER_LINE.search(events) is None:
        return events
    blocks = (_DATA_LINE.findall(block) for block in _events(events))
    return b"".join(b"data: " + b"\r\ndata: ".join(lines) + b"\r\n\r\n" for lines in blocks if lines)


def _is_usage(event: bytes) -> bool:
    """Whether an event is the extra chunk of ``include_usage``: usage, and an empty list of choices."""
    try:
        chunk = _chunk.decode(data_of(event))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return chunk.choices == [] and chunk.usage is not None
