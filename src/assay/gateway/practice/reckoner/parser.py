"""Operator precedence parsing of the reckoner's tokens (V. Pratt, Top down operator precedence, POPL 1973).

Weakest first: dates after and before; sums; products, ``of`` and juxtaposition (``2 pi``); signs; powers, which group to the
right; postfix signs. Depth is bounded, so that no question can exhaust the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import msgspec

from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.reckoner.tokens import MOST_TOKENS, Token
from assay.gateway.practice.reckoner.units import Unit

DEEPEST = 60
"""Open brackets, signs and powers within one another."""

_POWER = {"after": 10, "before": 10, "+": 20, "-": 20, "*": 30, "/": 30, "mod": 30, "of": 30, "off": 30, "choose": 33, "^": 40}
_JUXTAPOSED = 30
_SIGN = 35
_POSTFIX = 50
_MANY = frozenset({"gcd", "lcm", "comb", "perm", "min", "max", "sum", "mean", "median", "root", "round", "log"})
_STARTS = frozenset({"number", "date", "constant", "function", "(", "unit"})
_SCALES = {
    "hundred": Fraction(100),
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
    "dozen": Fraction(12),
    "thirds": Fraction(1, 3),
    "quarters": Fraction(1, 4),
    "fifths": Fraction(1, 5),
    "tenths": Fraction(1, 10),
}


class Node(msgspec.Struct, frozen=True):
    """``op`` applied to ``args``; a leaf has a ``value``, with a ``unit`` where one was written. ``text`` is a leaf as written."""

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction | date | None = None
    unit: Unit | None = None
    text: str = ""


def parse(tokens: Sequence[Token]) -> Node:
    """The expression that all of ``tokens`` are.

    Raises:
        Refusal: they are none (``not_read`` names the token), or it nests too deep or is too long.
    """
    if len(tokens) > MOST_TOKENS:
        raise Refusal("too_long")
    reader = _Reader(_powers_in_words([token for token in tokens if token.kind != "filler"]))
    node = reader.several()
    if reader.token is not None:
        raise Refusal("not_read", reader.token.text)
    return node


def _powers_in_words(tokens: list[Token]) -> list[Token]:
    """``2 的 10 次方`` as ``2 ^ 10``, ``27 的 3 次方根`` as ``27 ^ (1/3)``."""
    rewritten: list[Token] = []
    for token in tokens:
        of = next((back for back in (2, 3) if len(rewritten) >= back and rewritten[-back].name == "of"), None)
        if token.name in ("power_word", "root_word") and of:
            rewritten[-of] = Token("operator", "^", "^")
            last = rewritten[-1]
            if token.name == "root_word" and isinstance(last.value, Fraction) and last.value:
                rewritten[-1] = Token("number", f"1/{last.text}", value=1 / last.value)
        else:
            rewritten.append(token)
    return rewritten


class _Reader:
    def __init__(self, tokens: Sequence[Token]):
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def several(self) -> Node:
        """One expression, or several with the function of all of them behind: ``12 和 18 的最大公约数``."""
        items = [self.expression(0)]
        while self._is(","):
            self._at += 1
            items.append(self.expression(0))
        if len(items) == 1:
            return items[0]
        token = self.token
        if token and token.kind == "function" and token.name in _MANY:
            self._at += 1
            return Node(token.name, tuple(items))
        raise Refusal("not_read", self._tokens[1].text)

    def expression(self, weakest: int) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Refusal("too_deep")
        left = self._operand()
        while (token := self.token) is not None:
            extended = self._extended(left, token, weakest)
            if extended is None:
                break
            left = extended
        self._depth -= 1
        return left

    def _extended(self, left: Node, token: Token, weakest: int) -> Node | None:
        """``left`` with what follows taken in, or None where what follows binds less than ``weakest``."""
        if token.kind == "postfix" and token.name not in ("power_word", "root_word"):
            self._at += 1
            return _postfixed(token, left) if weakest <= _POSTFIX else None
        if token.kind == "function" and not self._starts(self._at + 1) and token.name not in _MANY:
            self._at += 1
            return Node(token.name, (left,))
        if token.kind == "operator":
            return self._infix(left, token, weakest)
        if token.kind in ("(", "constant", "function") and weakest < _JUXTAPOSED and token.name not in _MANY:
            return Node("*", (left, self.expression(_JUXTAPOSED)))
        return None

    def _infix(self, left: Node, token: Token, weakest: int) -> Node | None:
        power = _POWER[token.name]
        if power <= weakest and not (token.name == "^" and power == weakest):
            return None
        self._at += 1
        following = self.token
        if token.name == "of" and following and following.kind == "function" and not self._starts(self._at + 1):
            return left
        if token.name in ("after", "before") and not self._starts(self._at):
            return Node(token.name, (left, Node("today")))
        return Node(token.name, (left, self.expression(power)))

    def _operand(self) -> Node:
        token = self.token
        if token is None:
            raise Refusal("not_read")
        self._at += 1
        if token.kind == "number":
            return self._quantity(token)
        if token.kind == "date":
            return Node("date", value=token.value if isinstance(token.value, date) else None, text=token.text)
        if token.kind == "unit" and isinstance(token.value, Unit):
            self._at -= 1
            return Node("number", value=Fraction(1), unit=self._unit(), text="1")
        if token.kind == "constant":
            return Node(token.name)
        if token.kind == "operator" and token.name in "+-":
            sign = self.expression(_SIGN)
            return Node("neg", (sign,)) if token.name == "-" else sign
        if token.kind == "(":
            return self._bracketed()
        if token.kind == "function":
            return Node(token.name, self._arguments(token))
        raise Refusal("not_read", token.text)

    def _bracketed(self) -> Node:
        inner = self.expression(0)
        if not self._is(")"):
            raise Refusal("not_read", "(")
        self._at += 1
        return inner

    def _arguments(self, function: Token) -> tuple[Node, ...]:
        if self._is("operator", "of"):
            self._at += 1
        bracketed = self._is("(")
        if not bracketed and function.name not in _MANY:
            return (self.expression(_SIGN),)
        if bracketed:
            self._at += 1
        items = [self.expression(0)]
        while self._is(","):
            self._at += 1
            items += [] if self._is(",") else [self.expression(0)]
        if bracketed and not self._is(")"):
            raise Refusal("not_read", function.text)
        self._at += bracketed
        return tuple(items)

    def _quantity(self, token: Token) -> Node:
        """A number, with its unit, and with smaller parts of it: ``5 ft 7 in``, ``1 hour and 30 minutes``."""
        value = token.value if isinstance(token.value, Fraction) else Fraction(0)
        if token.name == "percent":
            return Node("percent", (Node("number", value=value * 100, text=token.text),))
        while (scale := self.token) and scale.kind == "postfix" and scale.name in _SCALES:
            value *= _SCALES[scale.name]
            self._at += 1
        if not self._is("unit"):
            return Node("number", value=value, text=token.text)
        node = Node("number", value=value, unit=self._unit(), text=token.text)
        while (smaller := self._smaller_part(node)) is not None:
            node = Node("parts", (node, smaller))
        return node

    def _smaller_part(self, before: Node) -> Node | None:
        skip = 1 if self._is(",", "and") else 0
        if not (self._is("number", ahead=skip) and self._is("unit", ahead=skip + 1)):
            return None
        unit = self._tokens[self._at + skip + 1].value
        last = before if before.op == "number" else before.args[1]
        if not isinstance(unit, Unit) or last.unit is None or unit.dims != last.unit.dims or unit.size >= last.unit.size:
            return None
        self._at += skip + 1
        value = self._tokens[self._at - 1].value
        return Node("number", value=value if isinstance(value, Fraction) else None, unit=self._unit())

    def _unit(self) -> Unit:
        """Units multiplied, divided and raised: ``km/h``, ``kg m^2/s^2``."""
        unit = self._powered_unit()
        while True:
            if self._is("operator", "/") and self._is("unit", ahead=1):
                self._at += 1
                unit = unit.per(self._powered_unit())
            elif self._is("operator", "*") and self._is("unit", ahead=1):
                self._at += 1
                unit = unit.times(self._powered_unit())
            else:
                return unit

    def _powered_unit(self) -> Unit:
        unit = self._tokens[self._at].value
        assert isinstance(unit, Unit)
        self._at += 1
        power = self._tokens[self._at + 1].value if self._is("operator", "^") and self._is("number", ahead=1) else None
        if isinstance(power, Fraction) and power in (2, 3) and not unit.zero:
            self._at += 2
            return unit.to_power(int(power))
        return unit

    def _is(self, kind: str, name: str | None = None, *, ahead: int = 0) -> bool:
        at = self._at + ahead
        return at < len(self._tokens) and self._tokens[at].kind == kind and name in (None, self._tokens[at].name)

    def _starts(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].kind in _STARTS


def _postfixed(token: Token, left: Node) -> Node:
    if token.name in _SCALES:
        return Node("*", (left, Node("number", value=_SCALES[token.name], text=token.text)))
    powers = {"squared": 2, "cubed": 3}
    if token.name in powers:
        return Node("^", (left, Node("number", value=Fraction(powers[token.name]), text=str(powers[token.name]))))
    return Node(token.name, (left,))
