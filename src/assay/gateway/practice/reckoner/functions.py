"""Functions of numbers: exact where the result is rational, to 50 digits where it is not, refused where it would be too big."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from assay.gateway.practice.reckoner.amount import DIGITS, LARGEST_BITS, Real, add, bounded, divide, inexact, multiply, negate
from assay.gateway.practice.reckoner.refusal import Refusal

LARGEST_FACTORIAL = 1_300
LARGEST_CHOICE = 12_000
_LARGEST_ANGLE = 10**12
_WORKING = Context(prec=DIGITS + 14, Emax=10**6, Emin=-(10**6))
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803")


def power(base: Real, exponent: Real) -> Real:
    """``base ** exponent``; roots of perfect powers are exact."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        return _whole_power(base, exponent.numerator)
    if base < 0:
        if isinstance(exponent, Fraction) and exponent.denominator % 2 == 1:
            sign = -1 if exponent.numerator % 2 else 1
            return multiply(power(negate(base), exponent), Fraction(sign))
        raise Refusal("domain")
    if base == 0:
        if exponent <= 0:
            raise Refusal("by_zero")
        return Fraction(0)
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator <= 64:
        root = exact_root(base, exponent.denominator)
        if root is not None:
            return _whole_power(root, exponent.numerator)
    with localcontext(_WORKING):
        return _exp(inexact(exponent) * inexact(base).ln())


def exact_root(number: Fraction, degree: int) -> Fraction | None:
    """The rational ``degree``-th root of a number that is not negative, if there is one."""
    above, below = _integer_root(number.numerator, degree), _integer_root(number.denominator, degree)
    return Fraction(above, below) if above**degree == number.numerator and below**degree == number.denominator else None


def drawn_out(number: int) -> tuple[int, int]:
    """``a`` and ``b`` with ``sqrt(number) = a * sqrt(b)``, taking out squares of numbers below 1,000."""
    outside, inside = 1, number
    for factor in range(2, 1_000):
        while inside % (factor * factor) == 0:
            outside, inside = outside * factor, inside // (factor * factor)
    return outside, inside


def factorial(number: int) -> int:
    """``number!`` for 0 to `LARGEST_FACTORIAL`."""
    if number < 0:
        raise Refusal("domain")
    if number > LARGEST_FACTORIAL:
        raise Refusal("too_big", f"{number}!")
    return math.factorial(number)


def choose(total: int, chosen: int) -> int:
    """In how many ways ``chosen`` of ``total`` can be picked."""
    _check_choice(total, chosen)
    return math.comb(total, chosen)


def arrange(total: int, chosen: int) -> int:
    """In how many ways ``chosen`` of ``total`` can be put in a row."""
    _check_choice(total, chosen)
    if chosen * total.bit_length() > LARGEST_BITS:
        raise Refusal("too_big", f"P({total}, {chosen})")
    return math.perm(total, chosen)


def natural_log(number: Real) -> Real:
    """ln."""
    if number <= 0:
        raise Refusal("domain")
    with localcontext(_WORKING):
        return Fraction(0) if number == 1 else inexact(number).ln()


def logarithm(number: Real, base: Real = Fraction(10)) -> Real:
    """To ``base``; exact where it is whole."""
    if number <= 0 or base <= 0 or base == 1:
        raise Refusal("domain")
    with localcontext(_WORKING):
        ratio = inexact(number).ln() / inexact(base).ln()
        nearest = int(ratio.to_integral_value())
    if isinstance(number, Fraction) and isinstance(base, Fraction) and abs(nearest) < LARGEST_BITS and base**nearest == number:
        return Fraction(nearest)
    return ratio


def exponential(number: Real) -> Real:
    """e to the ``number``."""
    with localcontext(_WORKING):
        return Fraction(1) if number == 0 else _exp(inexact(number))


def sine(angle: Real) -> Real:
    """Of an angle in radians, by its Taylor series after reduction to one turn."""
    if not -_LARGEST_ANGLE < angle < _LARGEST_ANGLE:
        raise Refusal("too_big")
    with localcontext(_WORKING):
        turned = inexact(angle) % (2 * PI)
        term = total = turned
        place = 1
        while abs(term) > Decimal(10) ** -(DIGITS + 10):
            term = -term * turned * turned / ((place + 1) * (place + 2))
            total, place = total + term, place + 2
        return _snapped(total)


def cosine(angle: Real) -> Real:
    """Of an angle in radians."""
    with localcontext(_WORKING):
        return sine(inexact(angle) + PI / 2)


def tangent(angle: Real) -> Real:
    """Of an angle in radians."""
    below = cosine(angle)
    if below == 0:
        raise Refusal("domain")
    return divide(sine(angle), below)


def median(numbers: Sequence[Real]) -> Real:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return divide(add(ordered[middle - 1], ordered[middle]), Fraction(2))


def _whole_power(base: Real, exponent: int) -> Real:
    if exponent < 0 and base == 0:
        raise Refusal("by_zero")
    if isinstance(base, Fraction):
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(base) != 1 and base != 0 and bits * abs(exponent) > 2 * LARGEST_BITS:
            raise Refusal("too_big")
        return (
            bounded(base**exponent)
            if abs(base) not in (0, 1)
            else base ** (exponent % 2 if exponent else 0)
            if base
            else base**exponent
        )
    if abs(exponent) > 10**6:
        raise Refusal("too_big")
    with localcontext(_WORKING):
        return _exp_signed(base, exponent)


def _exp_signed(base: Decimal, exponent: int) -> Real:
    if base == 0:
        return Fraction(0) if exponent else Fraction(1)
    size = _exp(exponent * abs(base).ln())
    return -size if base < 0 and exponent % 2 else size


def _exp(number: Decimal) -> Decimal:
    if abs(number) > 200_000:
        raise Refusal("too_big")
    value = number.exp()
    bounded(value)
    return value


def _integer_root(number: int, degree: int) -> int:
    """The largest whole number whose ``degree``-th power is at most ``number``, by Newton's method."""
    if degree == 1 or number < 2:
        return number
    guess = 1 << (number.bit_length() // degree + 1)
    while True:
        better = ((degree - 1) * guess + number // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def _snapped(value: Decimal) -> Real:
    """0, 1, -1, 1/2 and -1/2 where the series comes within the last digits of them."""
    for exact in (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-1, 2)):
        if abs(value - inexact(exact)) < Decimal(10) ** -DIGITS:
            return exact
    return value


def _check_choice(total: int, chosen: int) -> None:
    if chosen < 0 or total < 0:
        raise Refusal("domain")
    if total > LARGEST_CHOICE:
        raise Refusal("too_big", f"C({total}, {chosen})")


OF_ONE: dict[str, Callable[[Real], Real]] = {
    "sqrt": lambda number: power(number, Fraction(1, 2)),
    "cbrt": lambda number: power(number, Fraction(1, 3)),
    "ln": natural_log,
    "log2": lambda number: logarithm(number, Fraction(2)),
    "exp": exponential,
    "sin": sine,
    "cos": cosine,
    "tan": tangent,
}
"""Plain number in, plain number out."""
