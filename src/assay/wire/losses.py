"""What a translation could not carry, said as short words: for the answer's header, and for the `Call`.

A loss is ``dropped:top_k``, ``approximated:effort=high>16384 tokens``, ``renamed:tools[].name``. What is named is the field in
the words of core, or in the client's own words where core has none; values of users are never quoted. A spelling that
merely differs between protocols is no loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from assay.core import Extra, Part, Tool, Unknown

HONOURED = frozenset(("store", "include", "previous_response_id", "stream_options", "max_completion_tokens", "alt", "obfuscation"))
"""Fields outside core that the gateway itself does what they ask for, or that only spell a setting which core has."""

MOST = 48
"""Losses that are listed; a hostile request could make thousands."""
_LONGEST = 120
_MOST_BYTES = 2000
_UNFIT = re.compile(r"[^ -+\--~]")
"""All but the printable signs of ASCII; and the comma, which is between losses."""

HEADER = b"x-assay-losses"


class Written(msgspec.Struct, frozen=True):
    """A request for an upstream, and what of it was lost on the way."""

    body: bytes
    losses: tuple[str, ...] = ()


class Losses:
    """Gathers losses, each once, in the order in which they were met."""

    __slots__ = ("_met",)

    def __init__(self) -> None:
        self._met: dict[str, None] = {}

    def drop(self, what: str) -> None:
        """``what`` is not sent at all."""
        self._add(f"dropped:{what}")

    def approximate(self, what: str, detail: str = "") -> None:
        """``what`` is sent as something like it; ``detail`` says as what."""
        self._add(f"approximated:{what}={detail}" if detail else f"approximated:{what}")

    def rename(self, what: str) -> None:
        """``what`` is sent under another name, which the model sees."""
        self._add(f"renamed:{what}")

    def foreign(self, extra: Extra, mine: str, at: str = "") -> None:
        """Every field in ``extra`` of a protocol other than ``mine`` is dropped; one that is null says nothing."""
        for protocol, fields in extra.items():
            if protocol != mine:
                for name, value in fields.items():
                    if name not in HONOURED and value is not None:
                        self.drop(f"{at}.{name}" if at else name)

    def tool(self, tool: Tool, mine: str) -> None:
        """What of ``tool`` only other protocols know: fields of a function, or all of a tool that the provider itself runs."""
        if tool.name:
            self.foreign(tool.extra, mine, "tools[]")
            return
        for protocol, fields in tool.extra.items():
            if protocol != mine:
                kind = fields.get("type") or next(iter(fields), "unknown")
                self.drop(f"tools.{kind}")

    @staticmethod
    def kind_of(part: Part) -> str:
        """What a part is called; one that only its own protocol knows, as that calls it."""
        if not isinstance(part, Unknown):
            return type(part).__name__.lower()
        fields = next(iter(part.extra.values()), {})
        kind = fields.get("type") or next(iter(fields), "part").removeprefix("item.")
        return kind if type(kind) is str else "part"

    def _add(self, loss: str) -> None:
        if len(self._met) < MOST:
            self._met.setdefault(_UNFIT.sub("_", loss[:_LONGEST]))

    @property
    def listed(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._met)


def header_of(losses: Iterable[str]) -> tuple[bytes, bytes]:
    """The header that lists ``losses``, as many as fit; the call has them all."""
    listed = ", ".join(losses).encode("ascii", "replace")
    return HEADER, listed if len(listed) <= _MOST_BYTES else listed[:_MOST_BYTES].rpartition(b", ")[0]
