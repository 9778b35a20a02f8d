"""Words of models made safe to show: to another model, in a terminal, in a file."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters, marks of direction, invisible spaces, lone surrogates and tags: what no reader sees, or a terminal obeys.
Joiners stay, since scripts and emoji need them."""


def visible(text: str) -> str:
    """``text`` with what cannot be seen written as its code point, such as ``<U+202E>``."""
    return _UNSEEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text.replace("\r\n", "\n"))
