"""A streamed answer as single documents: server-sent events with ``alt=sse``, and one JSON array without it."""

from __future__ import annotations

import re

from assay.wire.errors import StreamBroken
from assay.wire.sse import MAX_EVENT_BYTES, SseSplitter

_TOKEN = re.compile(rb'[{}\[\]"\\]')
_STRING_END = re.compile(rb'["\\]')
_SPACE = b" \t\r\n"


class StreamSplitter:
    """Bytes in, whole documents out, in whichever framing the first byte tells."""

    def __init__(self) -> None:
        self._splitter: SseSplitter | ArraySplitter | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The documents that ``data`` completes. Raises `StreamBroken`: ``wire.event_too_large``."""
        splitter = self._splitter
        if splitter is None:
            data = data.lstrip(_SPACE)
            if not data:
                return []
            splitter = self._splitter = ArraySplitter() if data[:1] in (b"[", b"{") else SseSplitter()
        if type(splitter) is SseSplitter:
            return [event.data for event in splitter.feed(data)]
        return splitter.feed(data)  # type: ignore[return-value]  # an ArraySplitter, by the test above

    def close(self) -> list[bytes]:
        """The last document, where the server ended without closing it as it should. Raises `StreamBroken`."""
        if isinstance(self._splitter, SseSplitter):
            return [event.data for event in self._splitter.close()]
        if self._splitter is not None:
            self._splitter.close()
        return []


class ArraySplitter:
    """The objects of a JSON array, or of a row of objects, as they become whole."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._start = -1
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that ``data`` completes. Raises `StreamBroken`: ``wire.event_too_large``."""
        pending = self._pending
        pending += data
        found: list[bytes] = []
        at = self._scanned
        while (token := (_STRING_END if self._in_string else _TOKEN).search(pending, at)) is not None:
            sign = token[0]
            at = token.end()
            if sign == b"\\":
                at += 1
            elif sign == b'"':
                self._in_string = not self._in_string
            elif sign == b"{" or (sign == b"[" and self._start >= 0):
                if self._start < 0:
                    self._start = token.start()
                self._depth += 1
            elif self._start >= 0:
                self._depth -= 1
                if self._depth == 0:
                    found.append(bytes(pending[self._start : at]))
                    self._start = -1
        at = max(at, len(pending))
        keep = self._start if self._start >= 0 else len(pending)
        self._scanned = at - keep
        del pending[:keep]
        self._start = 0 if self._start >= 0 else -1
        if len(pending) > MAX_EVENT_BYTES:
            raise StreamBroken("wire.event_too_large", f"The upstream sent an event of more than {MAX_EVENT_BYTES} bytes.")
        return found

    def close(self) -> None:
        """Raises `StreamBroken` where an object was not whole."""
        if self._start >= 0:
            raise StreamBroken("wire.stream_broken", "The upstream's answer ended in the middle of an object.")
