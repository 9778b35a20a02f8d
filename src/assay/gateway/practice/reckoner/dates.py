"""Dates as people write them, and the calendar's own arithmetic (proleptic Gregorian, years 1 to 9999; no lunar calendar)."""

from __future__ import annotations

import calendar
import re
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_HAN = re.compile(
    r"(?:(\d{4}|[〇零一二三四五六七八九]{4})年)?(\d{1,2}|[一二三四五六七八九十]{1,3})月(\d{1,2}|[一二三四五六七八九十]{1,3})[日号]"
)
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([A-Za-z]{3,9})\.?,? (\d{4})(?!\d)")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?(?![\d.])")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
_LONGEST_NAME = 24


class BadDate(ValueError):
    """``text`` looks like a date and is none, or is two dates at once; ``ambiguous`` says which."""

    def __init__(self, text: str, *, ambiguous: bool = False):
        super().__init__(text)
        self.text = text
        self.ambiguous = ambiguous


def date_at(text: str, at: int, today: date) -> tuple[date, int] | None:
    """The date in ``text`` at ``at`` and where it ends.

    Raises:
        BadDate: 2023-02-29, or 03/04/2024, which is a different day in London and New York.
    """
    for pattern, read in ((_ISO, _iso), (_HAN, _han), (_SLASHED, _slashed), (_DAY_FIRST, _day_first), (_MONTH_FIRST, _month_first)):
        match = pattern.match(text, at)
        parts = read(match, today) if match else None
        if match and parts:
            try:
                return date(*parts), match.end()
            except ValueError:
                raise BadDate(match[0]) from None
    return _named_day(text, at, today)


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later, or the month's last day where there is no such day.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("the calendar used here has the years 1 to 9999")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_days(day: date, days: int) -> date:
    """``days`` later.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    return day + timedelta(days=days)


def elapsed(first: date, second: date) -> tuple[int, int, int]:
    """Whole years, months and days from ``first`` to ``second``, which is not the earlier one."""
    months = (second.year - first.year) * 12 + second.month - first.month
    if add_months(first, months) > second:
        months -= 1
    return months // 12, months % 12, (second - add_months(first, months)).days


def _iso(match: re.Match[str], today: date) -> tuple[int, int, int]:
    return int(match[1]), int(match[3]), int(match[4])


def _han(match: re.Match[str], today: date) -> tuple[int, int, int]:
    return _han_number(match[1]) if match[1] else today.year, _han_number(match[2]), _han_number(match[3])


def _han_number(text: str) -> int:
    if text.isascii():
        return int(text)
    digits = "零一二三四五六七八九"
    text = text.replace("〇", "零")
    if "十" not in text:
        return int("".join(str(digits.index(char)) for char in text))
    tens, _, ones = text.partition("十")
    return (digits.index(tens[-1]) if tens else 1) * 10 + (digits.index(ones[0]) if ones and ones[0] in digits else 0)


def _slashed(match: re.Match[str], today: date) -> tuple[int, int, int]:
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    if first <= 12 and second <= 12 and first != second:
        raise BadDate(match[0], ambiguous=True)
    return (year, first, second) if second > 12 else (year, second, first)


def _day_first(match: re.Match[str], today: date) -> tuple[int, int, int] | None:
    month = _months().get(match[2].lower())
    return (int(match[3]), month, int(match[1])) if month else None


def _month_first(match: re.Match[str], today: date) -> tuple[int, int, int] | None:
    month = _months().get(match[1].lower())
    return (int(match[3]) if match[3] else today.year, month, int(match[2])) if month else None


def _named_day(text: str, at: int, today: date) -> tuple[date, int] | None:
    for end in range(min(at + _LONGEST_NAME, len(text)), at, -1):
        name = _days().get(text[at:end].lower())
        if name and not (text[end - 1].isascii() and text[end : end + 1].isascii() and text[end : end + 1].isalpha()):
            return _DAYS[name](today), end
    return None


def _next(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


_DAYS: dict[str, Callable[[date], date]] = {
    "today": lambda today: today,
    "tomorrow": lambda today: today + timedelta(days=1),
    "yesterday": lambda today: today - timedelta(days=1),
    "overmorrow": lambda today: today + timedelta(days=2),
    "ereyesterday": lambda today: today - timedelta(days=2),
    "christmas": lambda today: _next(today, 12, 25),
    "new_year": lambda today: _next(today, 1, 1),
}


@cache
def _days() -> dict[str, str]:
    return {phrase: name for name, phrases in _words()["days"].items() for phrase in phrases}


@cache
def _months() -> dict[str, int]:
    return {phrase: int(number) for number, phrases in _words()["months"].items() for phrase in phrases}


def _words() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))
    return words
