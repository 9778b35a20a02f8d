"""Units with exact sizes, read from ``units.toml``."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import msgspec

Dims: TypeAlias = tuple[int, ...]
"""Powers of metre, kilogram, second, kelvin and bit."""

NO_DIMS: Dims = (0, 0, 0, 0, 0)


class Unit(msgspec.Struct, frozen=True):
    """``size`` in SI base units; ``zero`` is what 0 of it is in them (only temperatures have one)."""

    symbol: str
    dims: Dims
    size: Fraction
    zero: Fraction = Fraction(0)

    def times(self, other: Unit) -> Unit:
        """The product, as ``m·s``."""
        dims = tuple(a + b for a, b in zip(self.dims, other.dims, strict=True))
        return Unit(f"{self.symbol}·{other.symbol}", dims, self.size * other.size)

    def per(self, other: Unit) -> Unit:
        """The quotient, as ``km/h``."""
        dims = tuple(a - b for a, b in zip(self.dims, other.dims, strict=True))
        return Unit(f"{self.symbol}/{other.symbol}", dims, self.size / other.size)

    def to_power(self, power: int) -> Unit:
        """The power, as ``m²``."""
        raised = {2: "²", 3: "³"}.get(power, f"^{power}")
        return Unit(f"{self.symbol}{raised}", tuple(dim * power for dim in self.dims), self.size**power)


def by_name(name: str, *, strict: bool) -> Unit | None:
    """The unit called ``name``; with ``strict``, also by names that are only units right after a number."""
    names, stricter = _names()
    for candidate in (name, name.lower()):
        found = names.get(candidate) or (stricter.get(candidate) if strict else None)
        if found:
            return found
    return None


@cache
def phrases() -> frozenset[str]:
    """Every name, for a reader that looks for the longest."""
    names, stricter = _names()
    return frozenset(names.keys() | stricter.keys())


@cache
def _names() -> tuple[dict[str, Unit], dict[str, Unit]]:
    table: dict[str, Any] = tomllib.loads((files(__package__) / "units.toml").read_text("utf-8"))
    names: dict[str, Unit] = {}
    stricter: dict[str, Unit] = {}
    for kind, rows in table["units"].items():
        dims = tuple(table["kinds"][kind])
        for symbol, size, free, strict in rows:
            _enter(Unit(symbol, dims, Fraction(size)), free, strict, names, stricter)
    for symbol, size, zero, free, strict in table["offsets"]["rows"]:
        _enter(Unit(symbol, tuple(table["kinds"]["temperature"]), Fraction(size), Fraction(zero)), free, strict, names, stricter)
    return names, stricter


def _enter(unit: Unit, free: str, strict: str, names: dict[str, Unit], stricter: dict[str, Unit]) -> None:
    for listed, into in ((free, names), (strict, stricter)):
        for name in filter(None, listed.split(", ")):
            if into.setdefault(name, unit) is not unit:
                raise ValueError(f"two units are called {name!r}: {into[name].symbol} and {unit.symbol}")
