"""Names of tools. Servers take letters, digits, ``_`` and ``-`` only; other protocols also take full stops and colons.

Such a sign is written as ``_x2e_``, its code point in hexadecimal, and read back in answers: no memory is needed between the two.
A name that has that form by itself is written so that it reads back as it was.
"""

from __future__ import annotations

import re

_is_plain = re.compile(r"[a-zA-Z0-9_-]*").fullmatch
_escape = re.compile(r"_x([0-9a-f]{2,6})_")
_to_escape = re.compile(r"[^a-zA-Z0-9_-]|_(?=x[0-9a-f]{2,6}_)")


def write_name(name: str) -> str:
    """The name as the server takes it; the same one in nearly every case."""
    if _is_plain(name) and "_x" not in name:
        return name
    return _to_escape.sub(lambda found: f"_x{ord(found[0]):02x}_", name)


def read_name(name: str) -> str:
    """The name as the client gave it."""
    return _escape.sub(_unescaped, name) if "_x" in name else name


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]
