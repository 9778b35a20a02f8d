"""What a key is good for, compiled once, so that a key that is good for everything costs nothing to check."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

from assay.core import Forbidden, Scopes
from assay.gateway.address import Address, is_in

_MOST_NAMED = 5
_LONGEST_MODEL = 4096
"""No key with scopes is good for a name beyond: comparing megabytes with a hundred patterns would hold up everybody."""
_OTHERS = frozenset(("models", "fallbacks"))


class _Other(msgspec.Struct):
    """A model, and perhaps more about it."""

    model: str


_named = msgspec.json.Decoder(list[str | _Other] | None)


class Bounds:
    """The scopes of one key. Names of models are compared without regard to case; ``*`` stands for anything, ``?`` and brackets for
    themselves."""

    __slots__ = ("_addresses", "_models", "_networks", "_scopes")

    def __init__(self, scopes: Scopes):
        self._scopes = scopes
        self._models = _matcher(scopes.models)
        self._networks = tuple(ipaddress.ip_network(text) for text in scopes.addresses)

    @classmethod
    def of(cls, scopes: Scopes) -> Bounds | None:
        """None where the key is good for everything."""
        return cls(scopes) if scopes != Scopes() else None

    def check_way(self, protocol: str, address: Address | None) -> None:
        """Refuse a protocol or an address that the key is not good for.

        Raises:
            Forbidden: ``key.scope``.
        """
        if self._scopes.protocols and protocol not in self._scopes.protocols:
            raise _refused(f"for the protocol {protocol!r}", self._scopes.protocols, None)
        if self._networks and (address is None or not is_in(address, self._networks)):
            where = "a local socket" if address is None else f"the address {str(address)!r}"
            raise _refused(f"from {where}", (), None)

    def allows(self, *names: str) -> bool:
        """Whether the key is good for a model that goes by one of these names."""
        return self._models is None or any(self._models.match(name.lower()) for name in names if len(name) <= _LONGEST_MODEL)

    def check_model(self, *names: str) -> None:
        """Refuse a model that the key is not good for; the first name is the one that was asked for.

        Raises:
            Forbidden: ``key.scope``.
        """
        if not self.allows(*names):
            raise _refused(f"for the model {names[0][:200]!r}", self._scopes.models, "model")

    def check_others(self, fields: Mapping[str, bytes], providers: Collection[str]) -> None:
        """Refuse models that a request names in its ``fields`` beside the one that it asks for: there are providers that go on to those
        where that one fails (``models`` and ``fallbacks`` of OpenRouter, 2026-11). Each of ``providers`` might be asked for them.

        Raises:
            Forbidden: ``key.scope``.
        """
        if self._models is None:
            return
        for field in _OTHERS & fields.keys():
            try:
                named = _named.decode(fields[field]) or ()
            except msgspec.MsgspecError:
                raise _refused(f"for a field {field!r} that is no list of models", self._scopes.models, field) from None
            for name in (one if isinstance(one, str) else one.model for one in named):
                for provider in providers:
                    self.check_model(name, f"{provider}/{name}")


def _matcher(patterns: Iterable[str]) -> re.Pattern[str] | None:
    parts = [_expression(pattern.lower()) for pattern in patterns]
    return re.compile(f"(?:{'|'.join(parts)})\\Z", re.DOTALL) if parts else None


def _expression(pattern: str) -> str:
    """What stands between two stars is taken where it first occurs, for good (an atomic group): to look for it again further on
    never helps, and would take longer than anybody waits where a name nearly fits a pattern with many stars."""
    first, *others = (re.escape(piece) for piece in pattern.split("*"))
    if not others:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece) + f".*{others[-1]}"


def _refused(what: str, good_for: tuple[str, ...], param: str | None) -> Forbidden:
    named = ", ".join(good_for[:_MOST_NAMED]) + (" and others" if len(good_for) > _MOST_NAMED else "")
    return Forbidden(
        "key.scope",
        f"This gateway key is not good {what}.",
        hint=f"It is good for {named}. Whoever made it can change its scopes."
        if named
        else "Whoever made it can change its scopes.",
        param=param,
    )
