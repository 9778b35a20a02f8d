"""Events of a stream as bytes. Nothing is escaped that JSON does not demand: U+2028 and its like arrive raw."""

from __future__ import annotations

import json
from typing import Any

from tests.upstream.script import Event


def document(value: Any) -> bytes:
    """A JSON document as servers send it."""
    return json.dumps(value, ensure_ascii=False).encode()


def data(value: Any, eol: str, *, name: str | None = None, piece: bool = False) -> Event:
    """One event."""
    end = eol.encode()
    head = b"" if name is None else b"event: " + name.encode() + end
    return Event(head + b"data: " + document(value) + end + end, piece)


def comment(words: str, eol: str) -> Event:
    """A keep-alive that is no event."""
    return Event(f": {words}{eol}{eol}".encode())
