"""How judge, zygote and child talk: frames of a length and that many bytes.

What goes in is pickled: it comes from the judge, whom everybody here trusts. What comes out is one frame for each call, a letter
and a body; whoever reads it takes its writer for a liar.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any

HEAD = struct.Struct("<cQ")
"""The letter and the length of the body."""

READY, BROKEN = b"Y", b"B"
"""Before any line of the candidate's has run: all layers stand, or one would not. A workspace says the first when it is open."""

LOADED, RETURNED, DIGEST, RAISED, TOO_MUCH = b"L", b"R", b"D", b"E", b"M"

LOAD, CALL = b"l", b"c"

RUN, READ, WRITE = b"r", b"g", b"p"
"""What a workspace is asked for."""

FINISHED, CONTENT, FAILED = b"f", b"c", b"x"


def frame(letter: bytes, body: bytes = b"") -> bytes:
    return HEAD.pack(letter, len(body)) + body


def trusted(letter: bytes, content: object) -> bytes:
    """A frame from the judge."""
    return frame(letter, pickle.dumps(content, protocol=5))


def read_trusted(descriptor: int) -> tuple[bytes, Any]:
    """The next frame from the judge. Raises EOFError when the judge has gone."""
    letter, length = HEAD.unpack(_read_exactly(descriptor, HEAD.size))
    return letter, pickle.loads(_read_exactly(descriptor, length))  # noqa: S301  # from the judge, who is trusted


class Inbox:
    """The judge's frames, many of them read at once: thousands of small calls wait in a channel."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._data = b""
        self._at = 0

    def next(self) -> tuple[bytes, Any]:
        """The next frame. Raises EOFError when the judge has gone."""
        letter, length = HEAD.unpack(self._take(HEAD.size))
        return letter, pickle.loads(self._take(length))  # noqa: S301  # the judge wrote it

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            kept = self._data[self._at :]
            more = os.read(self._descriptor, 1 << 16)
            if len(kept) + len(more) < size:
                more += _read_exactly(self._descriptor, size - len(kept) - len(more))
            self._data, self._at = kept + more, 0
        self._at += size
        return self._data[self._at - size : self._at]


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_exactly(descriptor: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
