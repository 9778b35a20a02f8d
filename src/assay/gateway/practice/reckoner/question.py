"""One line of a question: what kind it is, and its answer as a value with the work that led to it."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

import msgspec

from assay.gateway.practice.reckoner import integers
from assay.gateway.practice.reckoner.amount import Amount
from assay.gateway.practice.reckoner.dates import BadDate
from assay.gateway.practice.reckoner.evaluate import Evaluator, Step, Value, converted, days
from assay.gateway.practice.reckoner.parser import Node, parse
from assay.gateway.practice.reckoner.refusal import Refusal
from assay.gateway.practice.reckoner.tokens import Token, tokenise
from assay.gateway.practice.reckoner.units import Unit

MOST_DIVISORS = 120


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """``kind`` says how to put it; ``value`` is what later questions call the result. ``read`` is set where only a part was read."""

    kind: str
    value: Value | None = None
    node: Node | None = None
    steps: tuple[Step, ...] = ()
    form: str = ""
    number: int = 0
    factors: dict[int, int] = {}
    rest: int = 1
    days: tuple[date, date] | None = None
    read: str = ""


def find(line: str, today: date, last: Value | None = None) -> Finding:
    """The answer to ``line``; ``last`` is the result before it.

    Raises:
        Refusal: with the reason.
    """
    try:
        tokens = tokenise(line, today)
    except BadDate as error:
        raise Refusal("ambiguous_date" if error.ambiguous else "bad_date", error.text) from None
    names = {token.name for token in tokens if token.kind == "question"}
    if "lunar" in names:
        raise Refusal("lunar")
    try:
        return _found(tokens, names, today, last)
    except Refusal as refusal:
        if refusal.reason != "not_read":
            raise
        return _partly_found(tokens, today, last, refusal)


def _found(tokens: Sequence[Token], names: set[str], today: date, last: Value | None) -> Finding:
    for name, answer in _QUESTIONS.items():
        if name in names:
            return answer([token for token in tokens if token.name != name or token.kind != "question"], today, last)
    dates = [token for token in tokens if token.kind == "date"]
    if len(dates) == 2 and not any(token.kind in ("operator", "number") for token in tokens):
        return _between(tokens, today, last)
    if not any(token.kind not in ("filler", "question") for token in tokens) and "weekday" in names:
        return Finding(kind="value", value=today)
    expression, target = _split(tokens)
    return _calculated(_led(expression, last), target, today, last)


def _calculated(tokens: Sequence[Token], target: Sequence[Token], today: date, last: Value | None) -> Finding:
    node = parse([token for token in tokens if token.name not in ("weekday", "how_many", "convert") or token.kind != "question"])
    evaluator = Evaluator(today, last)
    value = evaluator.value(node)
    if target and isinstance(value, Amount):
        if target[0].kind in ("base", "form"):
            return _in_form(target[0], value, node, evaluator)
        unit = parse(target).unit
        if unit is None:
            raise Refusal("not_read", target[0].text)
        shown = converted(_given_unit(value, unit, last), unit)
        return Finding(kind="converted", value=shown, node=node, steps=(*evaluator.steps, Step("=", (value,), shown)))
    return Finding(kind="value", value=value, node=node, steps=tuple(evaluator.steps))


def _given_unit(value: Amount, unit: Unit, last: Value | None) -> Amount:
    """``ans`` keeps its unit; a bare number asked for in a unit is refused by `converted`."""
    return last if isinstance(last, Amount) and value == last else value


def _in_form(target: Token, value: Amount, node: Node, evaluator: Evaluator) -> Finding:
    steps = tuple(evaluator.steps)
    if target.kind == "base":
        return Finding(kind="base", value=value, node=node, steps=steps, form=target.name, number=value.whole(target.text))
    if target.name in ("roman", "chinese"):
        number = value.whole(target.text)
        if not (1 <= number <= 3999 if target.name == "roman" else abs(number) < 10**16):
            raise Refusal("domain", target.text)
        return Finding(kind="form", value=value, node=node, steps=steps, form=target.name, number=number)
    return Finding(kind="form", value=value, node=node, steps=steps, form=target.name)


def _split(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    """The expression, and the unit, base or form it is wanted in: ``5 mi | km``, ``多少 km 是 5 mi``, ``255 | hex``."""
    bare = [token for token in tokens if token.kind != "filler"]
    for at, token in enumerate(bare):
        if token.name == "how_many" and bare[at + 1 : at + 2] and bare[at + 1].kind == "unit":
            end = _unit_end(bare, at + 1)
            return [*bare[:at], *[one for one in bare[end:] if one.name != "convert"]], bare[at + 1 : end]
    for at in range(len(bare) - 1, 0, -1):
        if bare[at - 1].name == "convert" and (
            bare[at].kind in ("base", "form") or (bare[at].kind == "unit" and _unit_end(bare, at) == len(bare))
        ):
            return [token for token in bare[: at - 1] if token.name != "how_many"], bare[at:]
    if len(bare) > 1 and bare[-1].kind in ("base", "form"):
        return bare[:-1], bare[-1:]
    return tokens, ()


def _unit_end(tokens: Sequence[Token], at: int) -> int:
    """Where the unit that starts at ``at`` ends, with what it is divided by and raised to."""
    at += 1
    while (
        at + 1 < len(tokens)
        and tokens[at].kind == "operator"
        and tokens[at].name in "*/^"
        and tokens[at + 1].kind in ("unit", "number")
    ):
        if (tokens[at].name == "^") != (tokens[at + 1].kind == "number"):
            break
        at += 2
    return at


def _led(tokens: Sequence[Token], last: Value | None) -> Sequence[Token]:
    """With the last result in front where a question begins with an operator: ``times 3``."""
    bare = [token for token in tokens if token.kind not in ("filler", "question")]
    leads = bare and (
        (bare[0].kind == "operator" and (bare[0].name not in "-" or bare[0].text not in "-−")) or bare[0].kind == "postfix"
    )
    if leads and last is not None:
        return [Token("constant", "ans", "ans"), *bare]
    if not bare and last is not None and any(token.kind == "question" for token in tokens):
        return [Token("constant", "ans", "ans")]
    return tokens


def _partly_found(tokens: Sequence[Token], today: date, last: Value | None, refusal: Refusal) -> Finding:
    """The longest stretch between unknown words that can be worked out, said to be only that."""
    stretches: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "unknown":
            stretches.append([])
        else:
            stretches[-1].append(token)
    for stretch in sorted(stretches, key=len, reverse=True)[:4]:
        working = [token for token in stretch if token.kind != "filler"]
        while (working and working[0].kind in (",", ")")) or (
            working and working[0].kind == "operator" and working[0].name not in "+-"
        ):
            del working[0]
        while working and working[-1].kind in (",", "(", "operator", "function"):
            del working[-1]
        if len(stretches) > 1 and any(token.kind in ("number", "date") for token in working) and len(working) > 1:
            try:
                found = _found(working, {token.name for token in stretch if token.kind == "question"}, today, last)
            except Refusal as other:
                if other.reason != "not_read":
                    raise
                continue
            if _is_work(found):
                return msgspec.structs.replace(found, read=" ".join(token.text for token in working))
    unknown = next((token.text for token in tokens if token.kind == "unknown"), refusal.subject)
    raise Refusal("not_read", unknown)


def _is_work(found: Finding) -> bool:
    """Whether something was worked out, rather than a number read back."""
    return (
        found.kind != "value" or found.node is None or (bool(found.node.args) and found.node.op not in ("percent", "neg", "parts"))
    )


def _whole(tokens: Sequence[Token], today: date, last: Value | None) -> tuple[int, Value]:
    bare = [token for token in tokens if token.kind not in ("filler", "question") and token.name not in ("of", "after")]
    value = Evaluator(today, last).value(parse(bare or [Token("constant", "ans", "ans")]))
    if not isinstance(value, Amount):
        raise Refusal("not_integer")
    return value.whole("prime"), value


def _prime(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    number, value = _whole(tokens, today, last)
    if number.bit_length() > 1_024:
        raise Refusal("too_big", str(number))
    if integers.is_prime(number):
        return Finding(kind="prime", number=number, value=value)
    powers, rest = integers.factors(number) if 1 < number <= integers.LARGEST_SPLIT else ({}, 1)
    return Finding(kind="not_prime", number=number, value=value, factors=powers, rest=rest)


def _next_prime(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    number, _ = _whole(tokens, today, last)
    if number.bit_length() > 256:
        raise Refusal("too_big", str(number))
    found = integers.next_prime(number)
    return Finding(kind="next_prime", number=number, value=Amount(Fraction(found)))


def _factors(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    number, value = _whole(tokens, today, last)
    if number < 2:
        raise Refusal("domain", str(number))
    if number > integers.LARGEST_SPLIT:
        raise Refusal("too_big", str(number))
    powers, rest = integers.factors(number)
    return Finding(kind="factors", number=number, value=value, factors=powers, rest=rest)


def _divisors(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    found = _factors(tokens, today, last)
    if found.rest != 1 or integers.divisors(found.factors, MOST_DIVISORS) is None:
        raise Refusal("too_big", str(found.number))
    return msgspec.structs.replace(found, kind="divisors")


def _leap(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    years = [token.value for token in tokens if token.kind == "number" and isinstance(token.value, Fraction)]
    year = years[0].numerator if years else today.year
    if not 1 <= year <= 9999:
        raise Refusal("out_of_calendar")
    return Finding(kind="leap" if calendar.isleap(year) else "not_leap", number=year)


def _share(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    """``30 is what percent of 120``, ``30 占 120 的百分之几``."""
    numbers = [token.value for token in tokens if token.kind == "number" and isinstance(token.value, Fraction)]
    if len(numbers) != 2:
        raise Refusal("not_read", "%")
    part, total = numbers if not any(token.name == "is_of" for token in tokens) else reversed(numbers)
    if total == 0:
        raise Refusal("by_zero")
    share = Amount(part / total, percent=True)
    return Finding(kind="value", value=share, steps=(Step("/", (Amount(part), Amount(total)), share),))


def _between(tokens: Sequence[Token], today: date, last: Value | None) -> Finding:
    given = [token.value for token in tokens if token.kind == "date" and isinstance(token.value, date)]
    if not 1 <= len(given) <= 2 or any(token.kind == "number" for token in tokens):
        expression, target = _split(tokens)
        return _calculated(_led(expression, last), target, today, last)
    first, second = given if len(given) == 2 else (today, given[0])
    count = days(abs((second - first).days))
    wanted = next((token.value for token in tokens if token.kind == "unit" and isinstance(token.value, Unit)), None)
    value = converted(count, wanted) if wanted else count
    return Finding(kind="between", value=value, number=(second - first).days, days=(first, second))


_QUESTIONS: dict[str, Callable[[Sequence[Token], date, Value | None], Finding]] = {
    "next_prime": _next_prime,
    "factorise": _factors,
    "divisors": _divisors,
    "prime": _prime,
    "leap": _leap,
    "share": _share,
    "between": _between,
    "until": _between,
    "since": _between,
}
