"""What a translation could not carry, said as short words: for the answer's header, and for the `Call`.

A loss is ``dropped:top_k``, ``approximated:effort=high>16384 tokens``, ``renamed:tools[].name``. What is named is the field in
the words of core, or in the client's own words where core has none; values of users are never quoted. A spelling that
merely differs between protocols is no loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from assay.core import Extra

MOST = 48
"""Losses that are listed; a hostile request could make thousands."""
_LONGEST = 120


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

    def foreign(self, extra: Extra, mine: str, at: str = "", honoured: Collection[str] = ()) -> None:
        """Every field in ``extra`` of a protocol other than ``mine`` is dropped, unless the gateway itself ``honoured`` it."""
        for protocol, fields in extra.items():
            if protocol != mine:
                self._foreign_fields(fields, at, honoured)

    def _foreign_fields(self, fields: Mapping[str, Any], at: str, honoured: Collection[str]) -> None:
        for name in fields:
            if name not in honoured:
                self.drop(f"{at}.{name}" if at else name)

    def _add(self, loss: str) -> None:
        if len(self._met) < MOST:
            self._met.setdefault(
                "".join(sign if sign.isprintable() and sign.isascii() and sign != "," else "_" for sign in loss[:_LONGEST])
            )

    @property
    def listed(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._met)
