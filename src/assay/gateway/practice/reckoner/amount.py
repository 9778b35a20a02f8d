"""What an expression comes to: an exact fraction or a 50-digit decimal, with dimensions and a unit to show it in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, TypeAlias

import msgspec

from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.reckoner.units import NO_DIMS, Dims, Unit

Real: TypeAlias = Fraction | Decimal

DIGITS = 50
"""Significant digits of what cannot be exact."""

LARGEST_BITS = 13_000
"""Of a numerator or denominator: about 3,900 decimal digits."""

LARGEST_EXPONENT = 100_000
"""Of an inexact number, in powers of ten."""


class Amount(msgspec.Struct, frozen=True):
    """``number`` in SI base units of ``dims``. ``unit`` is what it was written in; ``percent`` keeps ``15 %`` a percentage."""

    number: Real
    dims: Dims = NO_DIMS
    unit: Unit | None = None
    percent: bool = False

    @property
    def shown(self) -> Real:
        """The number in its unit."""
        if self.unit is None:
            return self.number
        return divide(subtract(self.number, self.unit.zero), self.unit.size)

    def whole(self, what: str) -> int:
        """The plain whole number that ``what`` needs.

        Raises:
            Refusal: it is none.
        """
        if not isinstance(self.number, Fraction) or self.number.denominator != 1:
            raise Refusal("not_integer", what)
        if any(self.dims):
            raise Refusal("units_here", what)
        return self.number.numerator


def bounded(number: Real) -> Real:
    """``number``, if it is small enough to work with.

    Raises:
        Refusal: ``too_big``.
    """
    if isinstance(number, Fraction):
        if max(number.numerator.bit_length(), number.denominator.bit_length()) > LARGEST_BITS:
            raise Refusal("too_big")
    elif not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise Refusal("too_big")
    return number


def add(left: Real, right: Real) -> Real:
    """The sum; exact if both are, else to `DIGITS` digits. So are the other three."""
    return _calculated(operator.add, left, right)


def subtract(left: Real, right: Real) -> Real:
    """The difference."""
    return _calculated(operator.sub, left, right)


def multiply(left: Real, right: Real) -> Real:
    """The product."""
    return _calculated(operator.mul, left, right)


def divide(left: Real, right: Real) -> Real:
    """The quotient.

    Raises:
        Refusal: ``by_zero``.
    """
    if right == 0:
        raise Refusal("by_zero")
    return _calculated(operator.truediv, left, right)


def negate(number: Real) -> Real:
    """``-number``, with every digit (the operator would round a decimal to the context of the moment)."""
    return -number if isinstance(number, Fraction) else number.copy_negate()


def inexact(number: Real) -> Decimal:
    """``number`` as a decimal of the current context."""
    return number if isinstance(number, Decimal) else Decimal(number.numerator) / Decimal(number.denominator)


def _calculated(operation: Callable[[Any, Any], Any], left: Real, right: Real) -> Real:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(operation(left, right))
    with localcontext(Context(prec=DIGITS + 8)):
        return bounded(operation(inexact(left), inexact(right)))
