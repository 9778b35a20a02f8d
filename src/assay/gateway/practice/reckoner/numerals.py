"""Chinese numerals read and written: 三百二十五, 两千零一, 二零二四, 一点五, 百分之十五, 三分之二, 壹佰."""

from __future__ import annotations

from fractions import Fraction

DIGITS = {
    char: value
    for value, chars in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
MYRIADS = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_ALL = DIGITS.keys() | TENS.keys() | MYRIADS.keys()
_LONGEST = 60


def numeral_at(text: str, start: int) -> tuple[Fraction, int] | None:
    """The numeral in simplified ``text`` at ``start`` and where it ends: a fraction, a percentage or a plain number."""
    if text.startswith("百分之", start):
        part = _plain_at(text, start + 3)
        return (part[0] / 100, part[1]) if part else None
    below = _plain_at(text, start)
    if below and text.startswith("分之", below[1]):
        above = _plain_at(text, below[1] + 2)
        if above and below[0]:
            return above[0] / below[0], above[1]
    return below


def written_out(number: int) -> str:
    """``number`` in (simplified) Chinese words, for magnitudes under 10**16."""
    if number < 0:
        return "负" + written_out(-number)
    if number < 10:
        return "零一二三四五六七八九"[number]
    groups: list[str] = []
    for power, name in ((12, "万亿"), (8, "亿"), (4, "万"), (0, "")):
        group = number // 10**power % 10_000
        if group:
            gap = bool(groups) and (group < 1_000 or _ends_in_zero(number, power + 4))
            groups.append(("零" if gap else "") + _under_myriad(group) + name)
    said = "".join(groups)
    return said[1:] if said.startswith("一十") else said


def _ends_in_zero(number: int, power: int) -> bool:
    return bool(number // 10**power % 10_000 == 0)


def _under_myriad(group: int) -> str:
    said, gap = "", False
    for size, name in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = group // size % 10
        if digit:
            said += ("零" if gap and said else "") + "零一二三四五六七八九"[digit] + name
            gap = False
        else:
            gap = True
    return said


def _plain_at(text: str, start: int) -> tuple[Fraction, int] | None:
    end = start
    while end < len(text) and end - start < _LONGEST and text[end] in _ALL and not _is_unit_liang(text, start, end):
        end += 1
    if end == start:
        return None
    whole = _whole(text[start:end])
    if whole is None:
        return None
    value = Fraction(whole)
    if end + 1 < len(text) and text[end] in "点點" and text[end + 1] in DIGITS:
        place = Fraction(1, 10)
        end += 1
        while end < len(text) and text[end] in DIGITS and text[end] != "两":
            value, place, end = value + DIGITS[text[end]] * place, place / 10, end + 1
        if end < len(text) and text[end] in MYRIADS:
            value, end = value * MYRIADS[text[end]], end + 1
    return value, end


def _is_unit_liang(text: str, start: int, at: int) -> bool:
    """两 is the digit two at the start of a numeral and before a power of ten; elsewhere it is a unit of mass."""
    return text[at] == "两" and at > start and text[at + 1 : at + 2] not in ("百", "千", "万", "亿")


def _whole(numeral: str) -> int | None:
    if all(char in DIGITS for char in numeral):
        return int("".join(str(DIGITS[char]) for char in numeral))
    total = group = 0
    digit: int | None = None
    last = 1
    for char in numeral:
        if char in DIGITS:
            if digit:
                return None
            digit = DIGITS[char]
            last = 0 if char in "零〇" else last
        elif char in TENS:
            group += (1 if digit is None or (digit == 0 and char in "十拾") else digit) * TENS[char]
            digit, last = None, TENS[char]
        else:
            total = (
                (total + group + (digit or 0) or 1) * MYRIADS[char]
                if MYRIADS[char] > total
                else total + (group + (digit or 0)) * MYRIADS[char]
            )
            group, digit, last = 0, None, MYRIADS[char]
    colloquial = digit is not None and last >= 100
    return total + group + (digit or 0) * (last // 10 if colloquial else 1)
