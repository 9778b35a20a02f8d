"""The instructions of IFBench that stand for a whole prompt each."""

from __future__ import annotations

import re
import string
import unicodedata
from itertools import pairwise

from assay.bench.following.splitting import PUNCTUATION, sentences, without_marks

_NUMBER = re.compile(r"\d+")
_MULTIPLES = [str(number) for number in range(14, 51, 7)]
_QUESTION = re.compile(r"Question \d+[.|):;]?\s*")
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w")
_LAST_COUNTRY = "Zimbabwe"
_COUNTRIES = 52
_CAPITALS = [
    "Reykjavik",
    "Helsinki",
    "Oslo",
    "Tallinn",
    "Stockholm",
    "Riga",
    "Moscow",
    "Copenhagen",
    "Vilnius",
    "Minsk",
    "Dublin",
    "Berlin",
    "Amsterdam",
    "Warsaw",
    "London",
    "Brussels",
    "Prague",
    "Luxembourg",
    "Paris",
    "Vienna",
    "Bratislava",
    "Budapest",
    "Vaduz",
    "Chisinau",
    "Bern",
    "Ljubljana",
    "Zagreb",
]
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LIFETIME = range(1769, 1822)
"""Napoleon's, as the data set takes it."""


def multiples(answer: str) -> bool:
    """The multiples of 7 between 10 and 50, in order, are all the numbers there are."""
    return _NUMBER.findall(answer) == _MULTIPLES


def multiple_choice(answer: str) -> bool:
    """Begins with ``Question``; four of them, each with a number, each longer than the one before, each with five lettered options."""
    if not answer.startswith("Question"):
        return False
    questions = [question.strip() for question in _QUESTION.split(answer) if question.strip()]
    if len(questions) != 4 or any(_options(question) != 5 for question in questions):
        return False
    return all(len(_stem(before)) < len(_stem(after)) for before, after in pairwise(questions))


def _options(question: str) -> int:
    return sum(_OPTION.match(line.strip()) is not None for line in question.split("\n"))


def _stem(question: str) -> str:
    lines = [line.strip() for line in question.split("\n")]
    first = next((place for place, line in enumerate(lines) if _OPTION.match(line)), len(lines))
    return " ".join(lines[:first]).strip()


def african_countries(answer: str) -> bool:
    """From the first line with Zimbabwe on: at least 52 lines, in reverse alphabetical order; accents do not count."""
    lines = [stripped for line in answer.split("\n") if (stripped := line.strip(PUNCTUATION + " "))]
    start = next((place for place, line in enumerate(lines) if _LAST_COUNTRY in line), len(lines))
    countries = [_plain(line) for line in lines[start:]]
    return len(countries) >= _COUNTRIES and all(before >= after for before, after in pairwise(countries))


def words_reversed(answer: str) -> bool:
    """Read from its last word to its first, it says ``bald eagle``."""
    return "bald eagle" in " ".join(reversed(without_marks(answer.lower()).split()))


def letters_reversed(answer: str) -> bool:
    """It says ``bald eagle`` backwards."""
    return "elgae dlab" in answer.lower()


def alphabetical_sentences(answer: str) -> bool:
    """26 sentences; the first begins with a, the last with z."""
    return [sentence[0].lower() for sentence in sentences(answer)] == list(string.ascii_lowercase)


def european_capitals(answer: str) -> bool:
    """The 27 capitals that the data set counts north of 45 degrees, from north to south, with commas between them."""
    return [name.strip() for name in _plain(answer).split(",") if name.strip()] == _CAPITALS


def city_csv(answer: str) -> bool:
    """The header to the letter, and seven rows of five fields."""
    table = _table(answer, ",")
    return len(table) == 8 and table[0] == ["ID", "Country", "City", "Year", "Count"] and _has_columns(table, 5)


def special_character_csv(answer: str) -> bool:
    """The header, fourteen rows of five fields, and in one of them a quoted field with something that is no letter, digit or space."""
    table = _table(answer.strip(), ",")
    if not _has_header(table, ["ProductID", "Category", "Brand", "Price", "Stock"]):
        return False
    return len(table) == 15 and _has_columns(table, 5) and any(_is_special(field) for row in table[1:] for field in row)


def quoted_csv(answer: str) -> bool:
    """The header and three rows of five fields, with tabs between them and double quotes around each."""
    table = _table(answer.strip(), "\t")
    if not _has_header(table, ["StudentID", "Subject", "Grade", "Semester", "Score"]):
        return False
    return len(table) == 4 and _has_columns(table, 5) and all(_is_quoted(field.strip()) for row in table for field in row)


def battle_dates(answer: str) -> bool:
    """Nothing but dates of Napoleon's lifetime as YYYY-MM-DD, with commas between them. Which battles these were is not checked."""
    return all(_is_date(date.strip()) for date in answer.split(","))


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    return year in _LIFETIME and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def _table(text: str, separator: str) -> list[list[str]]:
    """Rows of fields as they were written, with their quotes; within quotes separators and line breaks are text."""
    rows: list[list[str]] = []
    row: list[str] = []
    begin = 0
    quoted = False
    for at, mark in enumerate(text):
        if mark == '"':
            quoted = not quoted
        elif not quoted and mark in (separator, "\n"):
            row.append(text[begin:at])
            begin = at + 1
            if mark == "\n":
                rows.append(row)
                row = []
    return [*rows, [*row, text[begin:]]] if row or begin < len(text) else rows


def _has_header(table: list[list[str]], names: list[str]) -> bool:
    return bool(table) and [field.strip().removeprefix('"').removesuffix('"') for field in table[0]] == names


def _has_columns(table: list[list[str]], count: int) -> bool:
    return all(len(row) == count for row in table)


def _is_quoted(field: str) -> bool:
    return len(field) > 1 and field.startswith('"') and field.endswith('"')


def _is_special(field: str) -> bool:
    return _is_quoted(field) and any(not (mark.isalnum() or mark.isspace() or mark == "_") for mark in field[1:-1])


def _plain(text: str) -> str:
    """Without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
