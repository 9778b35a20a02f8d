"""Findings and refusals in words, in the language asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from assay.gateway.practice.reckoner import integers
from assay.gateway.practice.reckoner.amount import Amount
from assay.gateway.practice.reckoner.dates import elapsed
from assay.gateway.practice.reckoner.evaluate import Step, Value
from assay.gateway.practice.reckoner.functions import drawn_out
from assay.gateway.practice.reckoner.numerals import written_out
from assay.gateway.practice.reckoner.question import MOST_DIVISORS, Finding
from assay.gateway.practice.reckoner.refusal import Reason, Refusal
from assay.gateway.practice.reckoner.write import rounded, tex, tex_number, whole, write_number, write_step, write_value
from assay.gateway.practice.script import Language, written_in

MOST_STEPS = 12

Say = Callable[[str, str], str]
"""Picks the English or the Chinese (written in traditional characters) of two sentences."""


def say_in(language: Language) -> Say:
    """The chooser for ``language``."""
    return lambda english, chinese: english if language == "en" else written_in(language, chinese)


def tell(finding: Finding, language: Language, *, numerals: bool = False) -> str:
    """``finding`` as markdown; ``numerals`` adds Chinese numerals to a whole result."""
    say = say_in(language)
    teller = _TELLERS.get(finding.kind, _tell_value)
    body = teller(finding, language, say)
    if numerals and isinstance(finding.value, Amount) and finding.kind in ("value", "converted"):
        shown = finding.value.shown
        if isinstance(shown, Fraction) and shown.denominator == 1 and abs(shown) < 10**16 and not finding.value.percent:
            body += "\n\n" + say("In Chinese numerals: ", "寫成中文數字：") + written_in(language, written_out(shown.numerator))
    if finding.read:
        note = say(f"I read only this part of what you wrote: `{finding.read}`", f"你寫的話裡，我只讀懂了這一段：`{finding.read}`")
        body = f"{note}\n\n{body}"
    return body


def tell_refusal(refusal: Refusal, language: Language) -> str:
    """Why there is no answer."""
    english, chinese = _REFUSALS[refusal.reason]
    subject = refusal.subject if len(refusal.subject) <= 60 else refusal.subject[:40] + "…"
    return say_in(language)(english, chinese).replace("{}", subject).rstrip()


def tell_short(value: Value | None, language: Language) -> str:
    """``value`` in one cell of a table."""
    return "" if value is None else write_value(value, language)


def _tell_value(finding: Finding, language: Language, say: Say) -> str:
    assert finding.value is not None
    lines = [f"**{write_value(finding.value, language)}**"]
    formula = _formula(finding)
    if formula:
        lines.append(f"$${formula}$$")
    lines += _more_about(finding.value, say)
    steps = finding.steps[:MOST_STEPS]
    if len(steps) > 1 or (steps and not formula):
        lines.append(_table(finding, language, say))
    return "\n\n".join(lines)


def _table(finding: Finding, language: Language, say: Say) -> str:
    rows = [f"| # | {say('step', '步驟')} | {say('result', '結果')} |", "|--:|:--|:--|"]
    for number, step in enumerate(finding.steps[:MOST_STEPS], 1):
        worked = _conversion(step, language) if step.op == "=" else write_step(step, language)
        rows.append(f"| {number} | {worked} | {write_value(step.result, language)} |")
    left = len(finding.steps) - MOST_STEPS
    table = "\n".join(rows)
    return table if left <= 0 else table + "\n\n" + say(f"and {left} more steps", f"還有 {left} 步")


def _conversion(step: Step, language: Language) -> str:
    """``1 mi = 1.609344 km``; of temperatures, which have no common zero, the formula."""
    given, shown = step.inputs[0], step.result
    if not isinstance(given, Amount) or not isinstance(shown, Amount) or given.unit is None or shown.unit is None:
        return write_value(given, language)
    if given.unit.zero or shown.unit.zero:
        ratio = given.unit.size / shown.unit.size
        shift = (given.unit.zero - shown.unit.zero) / shown.unit.size
        sign = "−" if shift < 0 else "+"
        return f"{write_number(given.shown)} × {ratio} {sign} {write_number(abs(shift)).split(' ≈ ')[0]}"
    one = Amount(given.unit.size, given.dims, given.unit)
    return f"{write_value(one, language)} = {write_value(Amount(given.unit.size, given.dims, shown.unit), language)}"


def _formula(finding: Finding) -> str | None:
    if finding.node is None or not finding.node.args or not isinstance(finding.value, Amount) or any(finding.value.dims):
        return None
    left = tex(finding.node)
    if left is None:
        return None
    exact = tex_number(finding.value.number)
    if exact == left and "frac" not in exact:
        return None
    if exact is not None and exact != left and not finding.value.percent:
        return f"{left} = {exact}"
    surd = _surd(finding)
    return f"{left} {surd}\\approx {_tex_digits(rounded(finding.value.number))}" if not finding.value.percent else None


def _tex_digits(text: str) -> str:
    number = text.replace(",", "").replace("−", "-").replace("×", r"\times")
    mantissa, caret, power = number.partition("^")
    return f"{mantissa}^{{{power}}}" if caret else number


def _surd(finding: Finding) -> str:
    """``6 sqrt 2`` for the square root of 72."""
    node = finding.node
    first = finding.steps[-1].inputs[0] if finding.steps and finding.steps[-1].op == "sqrt" else None
    if node is None or node.op != "sqrt" or not isinstance(first, Amount) or not isinstance(first.number, Fraction):
        return ""
    number = first.number
    if number.denominator != 1 or not 0 < number.numerator < 10**12:
        return ""
    outside, inside = drawn_out(number.numerator)
    return f"= {outside}\\sqrt{{{inside}}} " if outside > 1 else ""


def _more_about(value: Value, say: Say) -> list[str]:
    if isinstance(value, date):
        week = value.isocalendar()
        day = value.timetuple().tm_yday
        return [say(f"Day {day} of the year, ISO week {week.week}.", f"當年第 {day} 天, ISO 第 {week.week} 週。")]
    if isinstance(value.number, Decimal):
        return [say("Rounded to 15 significant digits; the work is done with 50.", "顯示 15 位有效數字，計算時用 50 位。")]
    return []


def _tell_between(finding: Finding, language: Language, say: Say) -> str:
    assert finding.days is not None
    assert finding.value is not None
    first, second = finding.days
    count = abs(finding.number)
    weeks, rest = divmod(count, 7)
    years, months, left = elapsed(min(first, second), max(first, second))
    table = [
        (say("measure", "項目"), say("value", "數值")),
        (":--", ":--"),
        (say("from", "從"), write_value(first, language)),
        (say("to", "到"), write_value(second, language)),
        (say("days", "天數"), f"{count:,}"),
        (say("weeks and days", "週與天"), f"{weeks:,} + {rest}"),
        (say("years, months and days", "年、月與天"), f"{years:,} + {months} + {left}"),
    ]
    rows = [f"**{write_value(finding.value, language)}**", "\n".join(f"| {name} | {value} |" for name, value in table)]
    if finding.number < 0:
        rows.append(say("The second date is the earlier one.", "第二個日期在前。"))
    rows.append(say("The first day is not counted, the last one is.", "不計首日，計末日。"))
    return "\n\n".join(rows)


def _tell_base(finding: Finding, language: Language, say: Say) -> str:
    number = finding.number
    if number.bit_length() > 256:
        return tell_refusal(Refusal("too_big", whole(number)), language)
    base = int(finding.form)
    rows = [f"**{integers.in_base(number, base)}** ({say('base', '進位制')} {base})"]
    bases = ((2, "0b"), (8, "0o"), (10, ""), (16, "0x"))
    table = "\n".join(f"| {one} | `{prefix}{integers.in_base(number, one)}` |" for one, prefix in bases) if number >= 0 else ""
    if table:
        rows.append(f"| {say('base', '進位制')} | {say('digits', '寫法')} |\n|--:|:--|\n{table}")
    return "\n\n".join(rows)


def _tell_form(finding: Finding, language: Language, say: Say) -> str:
    assert isinstance(finding.value, Amount)
    number = finding.value.shown
    if finding.form == "roman":
        return f"**{integers.roman(finding.number)}** = {finding.number}"
    if finding.form == "chinese":
        return f"**{written_in(language, written_out(finding.number))}** = {whole(finding.number)}"
    if finding.form == "fraction" and isinstance(number, Fraction):
        exact = tex_number(number)
        return f"**{number.numerator}/{number.denominator}**" + (f"\n\n$${exact}$$" if exact else "")
    if finding.form == "percentage":
        return f"**{write_number(number * 100)}%**"
    if finding.form == "scientific":
        return f"**{_scientific(number)}**"
    return _tell_value(finding, language, say)


def _scientific(number: Fraction | Decimal) -> str:
    value = Decimal(number.numerator) / Decimal(number.denominator) if isinstance(number, Fraction) else number
    mantissa = f"{value.scaleb(-value.adjusted()):.14f}".rstrip("0").rstrip(".")
    return f"{mantissa} × 10^{value.adjusted()}"


def _tell_about(finding: Finding, language: Language, say: Say) -> str:
    """What a bare whole number is like."""
    assert isinstance(finding.value, Amount)
    number = finding.value.whole("")
    rows = [(say("digits", "位數"), f"{len(str(abs(number))):,}")]
    if 1 < number <= integers.LARGEST_SPLIT:
        powers, rest = integers.factors(number)
        prime = powers == {number: 1}
        terms = [f"{one}^{power}" if power > 1 else str(one) for one, power in powers.items()] + ([f"({rest})"] if rest > 1 else [])
        rows.append((say("prime factors", "質因數"), say("prime", "質數") if prime else " × ".join(terms)))
    if 0 <= number < 2**64:
        rows += [(say("binary", "二進制"), f"`{number:b}`"), (say("hexadecimal", "十六進制"), f"`{number:X}`")]
    if 1 <= number <= 3999:
        rows.append((say("Roman", "羅馬數字"), integers.roman(number)))
    if abs(number) < 10**16:
        rows.append((say("Chinese", "中文數字"), written_in(language, written_out(number))))
    head = (say("measure", "項目"), say("value", "數值"))
    table = "\n".join(f"| {name} | {value} |" for name, value in (head, (":--", ":--"), *rows))
    return f"**{whole(number)}**\n\n{table}"


def _tell_prime(finding: Finding, language: Language, say: Say) -> str:
    number = whole(finding.number)
    if finding.number < integers.PROVEN_BELOW:
        return say(
            f"**{number} is prime.** It has no divisors but 1 and itself.", f"**{number} 是質數。** 除了 1 和它自己，沒有別的因數。"
        )
    return say(
        f"**{number} is very probably prime.** It passes strong tests to 13 bases; for a number of this size that is no proof.",
        f"**{number} 極可能是質數。** 它通過了 13 個底的強檢驗，但對這麼大的數來說這不是證明。",
    )


def _tell_not_prime(finding: Finding, language: Language, say: Say) -> str:
    head = say(f"**{whole(finding.number)} is not prime.**", f"**{whole(finding.number)} 不是質數。**")
    if finding.number < 2:
        return head + say(" Primes are whole numbers from 2 on.", " 質數從 2 開始。")
    return f"{head}\n\n{_product(finding, say)}" if finding.factors or finding.rest > 1 else head


def _tell_factors(finding: Finding, language: Language, say: Say) -> str:
    if finding.factors == {finding.number: 1}:
        return _tell_prime(finding, language, say)
    return _product(finding, say)


def _product(finding: Finding, say: Say) -> str:
    terms = [str(prime) + (f"^{{{power}}}" if power > 1 else "") for prime, power in finding.factors.items()]
    terms += [f"({finding.rest})"] if finding.rest > 1 else []
    product = f"$${finding.number} = " + r" \times ".join(terms) + "$$"
    if finding.rest == 1:
        return product
    return (
        product
        + "\n\n"
        + say(
            f"{finding.rest} is composite, but splitting it would take more work than I allow myself.",
            f"{finding.rest} 是合數，但要繼續分解就超出了我給自己定的工作量。",
        )
    )


def _tell_divisors(finding: Finding, language: Language, say: Say) -> str:
    found = integers.divisors(finding.factors, MOST_DIVISORS) or []
    head = say(f"**{whole(finding.number)} has {len(found)} divisors:**", f"**{whole(finding.number)} 有 {len(found)} 個因數：**")
    return f"{head} {', '.join(map(str, found))}\n\n{_product(finding, say)}"


def _tell_next_prime(finding: Finding, language: Language, say: Say) -> str:
    found = tell_short(finding.value, language)
    return say(
        f"**{found}** is the next prime after {whole(finding.number)}.", f"{whole(finding.number)} 之後的下一個質數是 **{found}**。"
    )


def _tell_leap(finding: Finding, language: Language, say: Say) -> str:
    year = finding.number
    rule = say(
        "Years divisible by 4 are leap years, except full centuries that 400 does not divide.",
        "能被 4 整除的年份是閏年，但整百年要能被 400 整除才是。",
    )
    if finding.kind == "leap":
        return say(f"**{year} is a leap year.** {rule}", f"**{year} 年是閏年。** {rule}")
    return say(f"**{year} is not a leap year.** {rule}", f"**{year} 年不是閏年。** {rule}")


_TELLERS: dict[str, Callable[[Finding, Language, Say], str]] = {
    "about": _tell_about,
    "between": _tell_between,
    "base": _tell_base,
    "form": _tell_form,
    "prime": _tell_prime,
    "not_prime": _tell_not_prime,
    "factors": _tell_factors,
    "divisors": _tell_divisors,
    "next_prime": _tell_next_prime,
    "leap": _tell_leap,
    "not_leap": _tell_leap,
}

_REFUSALS: dict[Reason, tuple[str, str]] = {
    "ambiguous_date": (
        "`{}` is one day in London and another in New York. Please write it as year-month-day, such as 2024-03-04.",
        "`{}` 在不同地方是不同的日子。請寫成 年-月-日，例如 2024-03-04。",
    ),
    "bad_date": ("There is no such day as `{}`.", "沒有 `{}` 這一天。"),
    "by_zero": ("That divides by zero, which has no value.", "這裡除以了零，沒有結果。"),
    "domain": (
        "That has no value among the real numbers, or is outside what I do. {}",
        "這在實數裡沒有值，或者超出了我能做的範圍。{}",
    ),
    "lunar": (
        "I know only the Gregorian calendar. Days of the lunar calendar need tables that I do not have.",
        "我只會公曆。農曆的日子要靠曆表推算，我沒有曆表。",
    ),
    "not_integer": ("That needs whole numbers. {}", "這裡需要整數。{}"),
    "not_read": ("I cannot read this as a calculation; I stopped at `{}`.", "我沒法把這句話讀成算式，讀到 `{}` 就停下了。"),
    "out_of_calendar": ("That is outside the years 1 to 9999.", "這超出了公元 1 到 9999 年。"),
    "too_big": (
        "I do not work that out: the number would have more than about 3,900 digits. {}",
        "這個我不算：結果會超過大約 3,900 位數字。{}",
    ),
    "too_deep": ("That nests deeper than I go (60 levels).", "括號套得太深，我最多算到 60 層。"),
    "too_long": ("That is longer than I read (400 words and signs in a line).", "這一行太長，我一行最多讀 400 個詞和符號。"),
    "units_differ": ("These are different kinds of quantity and do not go together: {}.", "這些量不是同一類，不能放在一起：{}。"),
    "units_here": (
        "A quantity with a unit does not go here ({}). Temperatures in °C and °F can be converted, but not added or multiplied.",
        "這裡不能用帶單位的量 ({})。攝氏度和華氏度可以換算，不能相加或相乘。",
    ),
}


def several(rows: Sequence[tuple[str, str]], language: Language) -> str:
    """Several questions with their answers, as a table."""
    say = say_in(language)
    head = f"| {say('question', '問題')} | {say('answer', '答案')} |\n|:--|:--|\n"
    return head + "\n".join(f"| `{asked.replace('|', ' ').replace('`', ' ')}` | {answer} |" for asked, answer in rows)
