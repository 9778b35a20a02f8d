"""An expression worked out, with every step on record."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import TypeAlias

import msgspec

from assay.gateway.practice.reckoner import functions
from assay.gateway.practice.reckoner.amount import Amount, Real, add, divide, multiply, negate, subtract
from assay.gateway.practice.reckoner.dates import add_days, add_months
from assay.gateway.practice.reckoner.parser import Node
from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.reckoner.units import NO_DIMS, Unit, by_name

Value: TypeAlias = Amount | date

_E = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138")
_PHI = Decimal("1.61803398874989484820458683436563811772030917980576286213544862270526046281890244970721")
_CONSTANTS = {"pi": functions.PI, "e": _E, "phi": _PHI}
_DAY = 86_400
_SILENT = frozenset({"percent", "permille", "neg", "parts"})
"""What is written as one thing is no step."""

_MONTHS = {"month": 1, "year": 12}


class Step(msgspec.Struct, frozen=True):
    """``op`` on ``inputs`` came to ``result``."""

    op: str
    inputs: tuple[Value, ...]
    result: Value


class Evaluator:
    """Works expressions out. ``last`` is what ``ans`` means; ``steps`` grows in the order of the work."""

    def __init__(self, today: date, last: Value | None = None):
        self.steps: list[Step] = []
        self._today = today
        self._last = last

    def value(self, node: Node) -> Value:
        """What ``node`` comes to.

        Raises:
            Refusal: it cannot be, or would be too big.
        """
        if not node.args:
            return self._leaf(node)
        inputs = tuple(self.value(arg) for arg in node.args)
        result = self._applied(node, inputs)
        if node.op not in _SILENT:
            self.steps.append(Step(node.op, inputs, result))
        return result

    def _leaf(self, node: Node) -> Value:
        if node.op == "date" and isinstance(node.value, date):
            return node.value
        if node.op == "today":
            return self._today
        if node.op == "ans":
            if self._last is None:
                raise Refusal("not_read", "ans")
            return self._last
        if node.op in _CONSTANTS:
            return Amount(_CONSTANTS[node.op])
        number = node.value if isinstance(node.value, Fraction) else Fraction(0)
        if node.unit is None:
            return Amount(number)
        return Amount(number * node.unit.size + node.unit.zero, node.unit.dims, node.unit)

    def _applied(self, node: Node, inputs: tuple[Value, ...]) -> Value:
        if any(isinstance(one, date) for one in inputs):
            return _with_dates(node, inputs)
        amounts = tuple(one for one in inputs if isinstance(one, Amount))
        if node.op in _OPERATIONS and len(amounts) == 2:
            return _OPERATIONS[node.op](*amounts)
        if node.op in ("after", "before"):
            raise Refusal("not_read", node.op)
        if node.op in _OF_AMOUNTS:
            return _OF_AMOUNTS[node.op](amounts)
        if node.op in functions.OF_ONE and len(amounts) == 1:
            return _of_number(node.op, amounts[0])
        raise Refusal("not_read", node.op)


def _of_number(op: str, amount: Amount) -> Amount:
    if op in ("sqrt", "cbrt") and amount.unit and any(amount.dims):
        degree = 2 if op == "sqrt" else 3
        if all(dim % degree == 0 for dim in amount.dims):
            return Amount(functions.OF_ONE[op](amount.number), tuple(dim // degree for dim in amount.dims))
    return Amount(functions.OF_ONE[op](_plain(amount, op)))


def _plus(left: Amount, right: Amount, sign: int = 1) -> Amount:
    if right.percent and not left.percent:
        part = multiply(left.number, right.number)
        return msgspec.structs.replace(left, number=(add if sign > 0 else subtract)(left.number, part))
    if left.dims != right.dims:
        raise Refusal("units_differ", f"{_symbol(left)}, {_symbol(right)}")
    if left.unit and left.unit.zero:
        raise Refusal("units_here", left.unit.symbol)
    number = (add if sign > 0 else subtract)(left.number, right.number)
    return Amount(number, left.dims, left.unit, left.percent and right.percent)


def _minus(left: Amount, right: Amount) -> Amount:
    return _plus(left, right, -1)


def _times(left: Amount, right: Amount) -> Amount:
    _refuse_temperatures(left, right)
    dims = tuple(a + b for a, b in zip(left.dims, right.dims, strict=True))
    number = multiply(left.number, right.number)
    if left.unit and right.unit:
        unit = left.unit.to_power(2) if left.unit == right.unit else left.unit.times(right.unit)
        return Amount(number, dims, unit if any(dims) else None)
    return Amount(number, dims, left.unit or right.unit)


def _over(left: Amount, right: Amount) -> Amount:
    _refuse_temperatures(left, right)
    dims = tuple(a - b for a, b in zip(left.dims, right.dims, strict=True))
    number = divide(left.number, right.number)
    unit = left.unit.per(right.unit) if left.unit and right.unit else left.unit
    return Amount(number, dims, unit if any(dims) and not (right.unit and not left.unit) else None)


def _power(left: Amount, right: Amount) -> Amount:
    if any(right.dims):
        raise Refusal("units_here", "^")
    if not any(left.dims):
        return Amount(functions.power(left.number, right.number))
    _refuse_temperatures(left)
    exponent = right.whole("^")
    if not -9 <= exponent <= 9:
        raise Refusal("units_here", "^")
    dims = tuple(dim * exponent for dim in left.dims)
    return Amount(
        functions.power(left.number, right.number), dims, left.unit.to_power(exponent) if left.unit and exponent else None
    )


def _mod(left: Amount, right: Amount) -> Amount:
    if right.number == 0:
        raise Refusal("by_zero")
    if left.dims != right.dims:
        raise Refusal("units_differ", f"{_symbol(left)}, {_symbol(right)}")
    if not isinstance(left.number, Fraction) or not isinstance(right.number, Fraction):
        raise Refusal("not_integer", "mod")
    return Amount(left.number % right.number, left.dims, left.unit)


def _off(left: Amount, right: Amount) -> Amount:
    if not left.percent:
        raise Refusal("not_read", "off")
    return msgspec.structs.replace(right, number=multiply(subtract(Fraction(1), left.number), right.number))


_OPERATIONS: dict[str, Callable[[Amount, Amount], Amount]] = {
    "+": _plus,
    "parts": _plus,
    "-": _minus,
    "*": _times,
    "/": _over,
    "^": _power,
    "of": _times,
    "off": _off,
    "mod": _mod,
    "choose": lambda left, right: _counted(functions.choose, (left, right)),
    "comb": lambda left, right: _counted(functions.choose, (left, right)),
    "perm": lambda left, right: _counted(functions.arrange, (left, right)),
    "log": lambda left, right: Amount(functions.logarithm(_plain(left, "log"), _plain(right, "log"))),
    "root": lambda left, right: Amount(functions.power(_plain(right, "root"), 1 / Fraction(_nonzero(left.whole("root"))))),
    "round": lambda left, right: Amount(_rounded(_plain(left, "round"), right.whole("round"))),
}


def _counted(count: Callable[[int, int], int], amounts: tuple[Amount, ...]) -> Amount:
    return Amount(Fraction(count(amounts[0].whole("C"), amounts[1].whole("C"))))


def _folded(fold: Callable[[Amount, Amount], Amount]) -> Callable[[tuple[Amount, ...]], Amount]:
    def folded(amounts: tuple[Amount, ...]) -> Amount:
        total = amounts[0]
        for amount in amounts[1:]:
            total = fold(total, amount)
        return total

    return folded


def _mean(amounts: tuple[Amount, ...]) -> Amount:
    return _over(_folded(_plus)(amounts), Amount(Fraction(len(amounts))))


def _extreme(pick: Callable[..., Amount]) -> Callable[[tuple[Amount, ...]], Amount]:
    def picked(amounts: tuple[Amount, ...]) -> Amount:
        if len({amount.dims for amount in amounts}) > 1:
            raise Refusal("units_differ", ", ".join(_symbol(amount) for amount in amounts))
        return pick(amounts, key=lambda amount: amount.number)

    return picked


_OF_AMOUNTS: dict[str, Callable[[tuple[Amount, ...]], Amount]] = {
    "neg": lambda amounts: _negated(amounts[0]),
    "percent": lambda amounts: Amount(divide(_plain(amounts[0], "%"), Fraction(100)), percent=True),
    "permille": lambda amounts: Amount(divide(_plain(amounts[0], "‰"), Fraction(1000)), percent=True),
    "discount": lambda amounts: Amount(_discount(amounts[0])),
    "degrees": lambda amounts: Amount(divide(multiply(_plain(amounts[0], "°"), functions.PI), Fraction(180))),
    "factorial": lambda amounts: Amount(Fraction(functions.factorial(amounts[0].whole("!")))),
    "abs": lambda amounts: msgspec.structs.replace(amounts[0], number=_size(amounts[0].number)),
    "floor": lambda amounts: Amount(Fraction(math.floor(_plain(amounts[0], "floor")))),
    "ceil": lambda amounts: Amount(Fraction(math.ceil(_plain(amounts[0], "ceil")))),
    "round": lambda amounts: Amount(_rounded(_plain(amounts[0], "round"), 0)),
    "log": lambda amounts: Amount(functions.logarithm(_plain(amounts[0], "log"))),
    "gcd": lambda amounts: Amount(Fraction(math.gcd(*(amount.whole("gcd") for amount in amounts)))),
    "lcm": _folded(lambda a, b: Amount(Fraction(math.lcm(a.whole("lcm"), b.whole("lcm"))))),
    "sum": _folded(_plus),
    "mean": _mean,
    "min": _extreme(min),
    "max": _extreme(max),
    "median": lambda amounts: Amount(functions.median([_plain(amount, "median") for amount in amounts])),
}


def _with_dates(node: Node, inputs: tuple[Value, ...]) -> Value:
    """Days between two dates, or a date some time before or after another."""
    if len(inputs) != 2:
        raise Refusal("not_read", node.op)
    left, right = inputs
    if isinstance(left, date) and isinstance(right, date):
        if node.op != "-":
            raise Refusal("not_read", node.op)
        return days((left - right).days)
    swapped = isinstance(right, date)
    day, span = (right, left) if swapped else (left, right)
    if (
        not isinstance(day, date)
        or not isinstance(span, Amount)
        or node.op not in ("+", "-", "after", "before")
        or (swapped and node.op == "-")
    ):
        raise Refusal("not_read", node.op)
    sign = -1 if node.op in ("-", "before") else 1
    try:
        return _moved(day, span, sign)
    except OverflowError:
        raise Refusal("out_of_calendar") from None


def _moved(day: date, span: Amount, sign: int) -> date:
    months = _MONTHS.get(span.unit.symbol) if span.unit else None
    if months:
        return add_months(day, sign * Amount(span.shown).whole("month") * months)
    if not any(span.dims):
        return add_days(day, sign * span.whole("d"))
    if span.dims != (0, 0, 1, 0, 0):
        raise Refusal("units_differ", _symbol(span))
    return add_days(day, sign * Amount(divide(span.number, Fraction(_DAY))).whole("d"))


def days(count: int) -> Amount:
    """That many days."""
    unit = by_name("day", strict=False)
    return Amount(Fraction(count * _DAY), unit.dims if unit else NO_DIMS, unit)


def converted(value: Amount, unit: Unit) -> Amount:
    """The same amount in ``unit``; a plain number is taken to be in it already.

    Raises:
        Refusal: ``units_differ``.
    """
    if value.dims != unit.dims:
        raise Refusal("units_differ", f"{_symbol(value)}, {unit.symbol}")
    return msgspec.structs.replace(value, unit=unit)


def _negated(amount: Amount) -> Amount:
    if amount.unit and amount.unit.zero:
        return msgspec.structs.replace(amount, number=subtract(2 * amount.unit.zero, amount.number))
    return msgspec.structs.replace(amount, number=negate(amount.number))


def _discount(amount: Amount) -> Fraction:
    """八折 is 0.8 of the price, 八五折 (read as 85) is 0.85."""
    number = _plain(amount, "折")
    if not isinstance(number, Fraction) or not 0 < number < 100:
        raise Refusal("domain")
    return number / (10 if number < 10 else 100)


def _rounded(number: Real, places: int) -> Real:
    if not -100 <= places <= 100:
        raise Refusal("too_big")
    if isinstance(number, Fraction):
        return Fraction(round(number, places))
    with localcontext() as context:
        context.prec = 200
        return Fraction(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)) if number.adjusted() < 90 else number


def _size(number: Real) -> Real:
    return negate(number) if number < 0 else number


def _plain(amount: Amount, what: str) -> Real:
    if any(amount.dims):
        raise Refusal("units_here", what)
    return amount.number


def _nonzero(number: int) -> int:
    if number == 0:
        raise Refusal("by_zero")
    return number


def _refuse_temperatures(*amounts: Amount) -> None:
    for amount in amounts:
        if amount.unit and amount.unit.zero:
            raise Refusal("units_here", amount.unit.symbol)


def _symbol(amount: Amount) -> str:
    return amount.unit.symbol if amount.unit else "1"
