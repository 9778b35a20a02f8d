"""Values and expressions as people read them: plain text, and TeX for formulas."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from assay.gateway.practice.reckoner.amount import Amount, Real, inexact
from assay.gateway.practice.reckoner.evaluate import Step, Value
from assay.gateway.practice.reckoner.parser import Node
from assay.gateway.practice.script import Language

SHOWN_DIGITS = 15
"""Significant digits shown of a number that is not exact."""

_LONGEST_WHOLE = 60
_LONGEST_DECIMALS = 30
_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": tuple(f"星期{day}" for day in "一二三四五六日"),
}
_SYMBOLS = {
    "en": {
        "里": "li (里)",
        "丈": "zhang (丈)",
        "尺": "chi (尺)",
        "寸": "cun (寸)",
        "斤": "jin (斤)",
        "两": "liang (两)",
        "钱": "qian (钱)",
        "台斤": "Taiwanese catties",
        "亩": "mu (亩)",
        "坪": "ping (坪)",
    },
    "zh-Hans": {"d": "天", "week": "周", "month": "个月", "year": "年", "h": "小时", "min": "分钟", "s": "秒", "acre": "英亩"},
    "zh-Hant": {
        "d": "天",
        "week": "週",
        "month": "個月",
        "year": "年",
        "h": "小時",
        "min": "分鐘",
        "s": "秒",
        "acre": "英畝",
        "两": "兩",
        "钱": "錢",
        "亩": "畝",
    },
}
_PLURALS = {
    "d": ("day", "days"),
    "week": ("week", "weeks"),
    "month": ("month", "months"),
    "year": ("year", "years"),
    "acre": ("acre", "acres"),
    "cup": ("cup", "cups"),
}
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "^": "^", "of": "×", "mod": "mod", "choose": "choose"}
_TEX_SIGNS = {"+": "+", "-": "-", "*": r"\times", "of": r"\times", "mod": r"\bmod"}
_TEX_NAMES = {
    "sin": r"\sin",
    "cos": r"\cos",
    "tan": r"\tan",
    "ln": r"\ln",
    "exp": r"\exp",
    "gcd": r"\gcd",
    "min": r"\min",
    "max": r"\max",
    "log2": r"\log_2",
}
_TEX_CONSTANTS = {"pi": r"\pi", "e": "e", "phi": r"\varphi"}
_BINDS = {"+": 1, "-": 1, "*": 2, "of": 2, "mod": 2, "/": 4, "neg": 2, "^": 3, "percent": 4, "factorial": 4}


def write_value(value: Value, language: Language) -> str:
    """``586.5``, ``8.04672 km``, ``1/7 ≈ 0.142857142857143``, ``2024-03-01 (Friday)``."""
    if isinstance(value, date):
        days = _WEEKDAYS["en" if language == "en" else "zh"]
        return f"{value.isoformat()} ({days[value.weekday()]})"
    if value.percent:
        return write_number(value.number * 100) + "%"
    number = write_number(value.shown)
    return f"{number} {_symbol(value, language)}".rstrip()


def write_number(number: Real) -> str:
    """Exact where that can be read, else both exact and rounded, or only rounded with ``≈``."""
    if isinstance(number, Decimal):
        return "≈ " + rounded(number)
    if number.denominator == 1:
        return whole(number.numerator)
    decimals = _decimals(number)
    if decimals is not None:
        return decimals
    if len(str(number.denominator)) > 4:
        return "≈ " + rounded(number)
    return f"{whole(number.numerator)}/{whole(number.denominator)} ≈ {rounded(number)}"


def whole(number: int) -> str:
    """Digits in groups of three; of a very long number both ends and the count."""
    digits = str(abs(number))
    sign = "−" if number < 0 else ""
    if len(digits) <= _LONGEST_WHOLE:
        return sign + (f"{abs(number):,}" if len(digits) > 4 else digits)
    return f"{sign}{digits[:30]}…{digits[-15:]} ({len(digits):,} digits)"


def rounded(number: Real, digits: int = SHOWN_DIGITS) -> str:
    """To ``digits`` significant digits, in powers of ten where it is very large or small."""
    with localcontext(Context(prec=digits)):
        short = +inexact(number)
    if short == 0 or -7 <= short.adjusted() <= digits + 3:
        text = f"{short:,f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", "−") if abs(short) >= 10_000 else text.replace(",", "").replace("-", "−")
    mantissa = f"{short.scaleb(-short.adjusted()):f}".rstrip("0").rstrip(".")
    return f"{mantissa} × 10^{short.adjusted()}".replace("-", "−")


def write_step(step: Step, language: Language) -> str:
    """``17% × 3450``: the inputs of one step, as they were worked out so far."""
    values = [write_value(value, language).split(" ≈ ")[0].removeprefix("≈ ") for value in step.inputs]
    if step.op in _SIGNS and len(values) == 2:
        return f"{values[0]} {_SIGNS[step.op]} {values[1]}"
    if step.op == "off":
        return f"{values[1]} × (1 − {values[0]})"
    if step.op == "neg":
        return f"−({values[0]})"
    if step.op in ("factorial", "percent", "degrees", "discount"):
        return values[0] + {"factorial": "!", "percent": "%", "degrees": "°", "discount": " 折"}[step.op]
    if step.op in ("after", "before"):
        return f"{values[0]}, {values[1]}"
    if step.op == "sqrt":
        return f"√{values[0]}"
    return f"{step.op}({', '.join(values)})"


def tex(node: Node) -> str | None:
    """The expression in TeX, or None where it has dates, units or more than a line holds."""
    written = _tex(node)
    return written if written is not None and len(written) <= 160 else None


def tex_number(number: Real) -> str | None:
    """An exact number in TeX, if it is short."""
    if isinstance(number, Decimal):
        return None
    if number.denominator == 1:
        return str(number.numerator) if len(str(number.numerator)) <= 40 else None
    sign = "-" if number < 0 else ""
    text = f"{sign}\\frac{{{abs(number.numerator)}}}{{{number.denominator}}}"
    return text if len(text) <= 60 else None


def _tex(node: Node) -> str | None:
    if node.op in _TEX_CONSTANTS:
        return _TEX_CONSTANTS[node.op]
    if not node.args:
        if node.op != "number" or node.unit is not None or not isinstance(node.value, Fraction):
            return None
        decimals = _decimals(node.value)
        return tex_number(node.value) if decimals is None else decimals.replace(",", "").replace("−", "-")
    args = [_tex(arg) for arg in node.args]
    written = [arg for arg in args if arg is not None]
    if len(written) < len(args) or sum(map(len, written)) > 200:
        return None
    return _tex_applied(node, written)


def _tex_applied(node: Node, args: list[str]) -> str | None:
    if node.op == "/":
        return rf"\frac{{{args[0]}}}{{{args[1]}}}"
    if node.op == "^":
        return f"{_bracketed(node, 0, args)}^{{{args[1]}}}"
    if node.op in _TEX_SIGNS:
        return f"{_bracketed(node, 0, args)} {_TEX_SIGNS[node.op]} {_bracketed(node, 1, args)}"
    if node.op == "neg":
        return f"-{_bracketed(node, 0, args)}"
    if node.op == "percent":
        return f"{_bracketed(node, 0, args)}\\%"
    if node.op == "factorial":
        return f"{_bracketed(node, 0, args)}!"
    if node.op in ("sqrt", "cbrt"):
        return (r"\sqrt" if node.op == "sqrt" else r"\sqrt[3]") + f"{{{args[0]}}}"
    if node.op in ("choose", "comb") and len(args) == 2:
        return rf"\binom{{{args[0]}}}{{{args[1]}}}"
    if node.op == "degrees":
        return f"{args[0]}^{{\\circ}}"
    if node.op in _TEX_NAMES:
        return f"{_TEX_NAMES[node.op]}({', '.join(args)})"
    return None


def _bracketed(node: Node, at: int, args: list[str]) -> str:
    inner = node.args[at]
    binds, own = _BINDS.get(inner.op, 9), _BINDS.get(node.op, 0)
    negative = inner.op == "number" and isinstance(inner.value, Fraction) and inner.value < 0
    needs = binds < own or (at == 1 and binds == own) or (node.op == "^" and (binds <= 4 or negative))
    return f"\\left({args[at]}\\right)" if needs else args[at]


def _decimals(number: Fraction) -> str | None:
    """The whole decimal expansion, if it ends soon."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0 and twos <= _LONGEST_DECIMALS:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0 and fives <= _LONGEST_DECIMALS:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > _LONGEST_DECIMALS:
        return None
    units = abs(number.numerator) * 10**places // number.denominator
    above, below = divmod(units, 10**places)
    return ("−" if number < 0 else "") + whole(above) + (f".{below:0{places}d}" if places else "")


def _symbol(amount: Amount, language: Language) -> str:
    if amount.unit is None:
        return "" if not any(amount.dims) else _si(amount)
    symbol = _SYMBOLS[language].get(amount.unit.symbol, amount.unit.symbol)
    if language == "en" and symbol in _PLURALS:
        return _PLURALS[symbol][amount.shown != 1]
    return symbol


def _si(amount: Amount) -> str:
    names = zip(("m", "kg", "s", "K", "bit"), amount.dims, strict=True)
    return "·".join(name if power == 1 else f"{name}^{power}" for name, power in names if power)
