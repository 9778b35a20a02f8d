"""The vote files that people have, row by row: which columns tell a format, and what each row says.

Read from real files and the code that wrote them, November 2022 to 2026:

- ``llmfao``: CSV ``left, right, winner (left|right|tie)[, worker, prompt]`` (dustalov/llmfao, crowd-comparisons.csv); the toy
  files of evalica are the same without a worker.
- ``fastchat``: ``model_a, model_b, winner (model_a|model_b|tie|tie (bothbad))[, judge, tstamp, anony]`` (FastChat, clean battle
  files), JSON or CSV; LMArena's later sets write ``both_bad`` and ``timestamp``. Battles whose names were shown
  (``anony`` false) are not blind and are reported, not counted.
- ``pandalm``: the same with ``annotator`` and ``item`` (WeOpenML/PandaLM).
- ``comparia``: ``model_a_name, model_b_name, chosen_model_name, both_equal`` (betagouv).
- ``plain``: ``a, b, choice[, voter][, at][, prompt]``, the format that we document and export.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from assay.core import Choice

LONGEST_NAME = 200
LONGEST_PROMPT = 100_000
Fields: TypeAlias = Mapping[str, str]
"""One row: column name in lower case -> text. A column that the row lacks is missing or empty."""


class ImportedVote(msgspec.Struct, frozen=True, kw_only=True):
    """One good row. ``voter`` and ``prompt`` are as in the file, None where it does not say; ``at`` is microseconds UTC."""

    line: int
    a: str
    b: str
    choice: Choice
    voter: str | None = None
    at: int | None = None
    prompt: str | None = None


class BadVote(Exception):
    """This row is no vote; the message says why, in one line, with a stable ``code`` before it."""

    def __init__(self, code: str, reason: str):
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Format(msgspec.Struct, frozen=True):
    """``needs``: columns that must be there. ``sides``: the two that name the models. ``marks``: columns one of which must be."""

    name: str
    needs: tuple[str, ...]
    sides: tuple[str, str]
    choose: Callable[[Fields, str, str], Choice]
    marks: tuple[str, ...] = ()

    def fits(self, columns: Iterable[str]) -> bool:
        have = set(columns)
        return have.issuperset(self.needs) and (not self.marks or not have.isdisjoint(self.marks))

    def read(self, fields: Fields, line: int) -> ImportedVote:
        """The vote of one row.

        Raises:
            BadVote: it is none.
        """
        a, b = (_name(fields.get(column), column) for column in self.sides)
        if a == b:
            raise BadVote("self_battle", f"{a!r} is on both sides")
        if (fields.get("anony") or "").strip().lower() in _NO:
            raise BadVote("not_blind", "the battle was not blind (anony is false)")
        voter = _first(fields, _VOTER)
        return ImportedVote(
            line=line,
            a=a,
            b=b,
            choice=self.choose(fields, a, b),
            voter=None if voter is None else _name(voter, "voter"),
            at=_time(_first(fields, _AT)),
            prompt=_prompt(fields.get("prompt")),
        )


_VOTER: Final = ("voter", "worker", "judge", "annotator", "user")
_AT: Final = ("at", "tstamp", "timestamp")
_NO: Final = ("false", "0", "no")
_YES: Final = ("true", "1", "yes")
_WORDS: Final[dict[str, Choice]] = {
    **dict.fromkeys(("a", "left", "model_a", "x"), "a"),
    **dict.fromkeys(("b", "right", "model_b", "y"), "b"),
    **dict.fromkeys(("tie", "draw", "equal"), "tie"),
    **dict.fromkeys(("both_bad", "bothbad", "both bad", "tie (bothbad)", "tie (both bad)", "tie_both_bad"), "both_bad"),
}


def _winner(column: str) -> Callable[[Fields, str, str], Choice]:
    """The choice as a word in ``column``, or as the winning model's own name."""

    def choose(fields: Fields, a: str, b: str) -> Choice:
        text = (fields.get(column) or "").strip()
        named: Choice | None = "a" if text == a else "b" if text == b else None
        word = _WORDS.get(text.lower())
        if word and named and word != named:
            raise BadVote("ambiguous_winner", f"{column} {text!r} is a word for one side and the model on the other")
        found = word or named
        if found is None:
            raise BadVote(
                "unknown_winner", f"{column} is {_short(text)}, not a, b, tie or both_bad" if text else f"{column} is empty"
            )
        return found

    return choose


def _comparia(fields: Fields, a: str, b: str) -> Choice:
    if (fields.get("both_equal") or "").strip().lower() in _YES:
        return "tie"
    chosen = (fields.get("chosen_model_name") or "").strip()
    if chosen not in (a, b):
        raise BadVote("unknown_winner", f"chosen_model_name is {_short(chosen)}, neither {a!r} nor {b!r}")
    return "a" if chosen == a else "b"


_MODELS = ("model_a", "model_b")
FORMATS: Final = (
    Format("plain", ("a", "b", "choice"), ("a", "b"), _winner("choice")),
    Format("llmfao", ("left", "right", "winner"), ("left", "right"), _winner("winner")),
    Format("pandalm", (*_MODELS, "winner"), _MODELS, _winner("winner"), marks=("annotator",)),
    Format("fastchat", (*_MODELS, "winner"), _MODELS, _winner("winner")),
    Format(
        "comparia",
        ("model_a_name", "model_b_name", "chosen_model_name", "both_equal"),
        ("model_a_name", "model_b_name"),
        _comparia,
    ),
)


def find_format(columns: Iterable[str]) -> Format | None:
    """The format whose columns these are; the first that fits."""
    have = tuple(columns)
    return next((candidate for candidate in FORMATS if candidate.fits(have)), None)


def column_name(text: str) -> str:
    """A header cell as it is looked up: no surrounding space, lower case."""
    return text.strip().lower()


def _first(fields: Fields, columns: tuple[str, ...]) -> str | None:
    return next((value for column in columns if (value := (fields.get(column) or "").strip())), None)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _name(value: str | None, column: str) -> str:
    name, code, reason = _checked_name(value or "")
    if code:
        raise BadVote(code, f"{column} {reason}")
    return name


@lru_cache(maxsize=65_536)
def _checked_name(value: str) -> tuple[str, str, str]:
    """The name without surrounding space, or a code and the reason why it is none."""
    name = value.strip()
    if not name:
        return "", "empty_name", "is empty"
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        return "", "not_utf8", "is not UTF-8 text"
    hidden = next((letter for letter in name if unicodedata.category(letter) in ("Cc", "Cf")), None)
    if hidden is not None:
        return "", "control_character", f"{_short(name)} holds the invisible character U+{ord(hidden):04X}"
    if len(name) > LONGEST_NAME:
        return "", "long_name", f"has {len(name)} characters, more than {LONGEST_NAME}"
    return name, "", ""


def _prompt(text: str | None) -> str | None:
    if not text:
        return None
    if len(text) > LONGEST_PROMPT:
        raise BadVote("long_prompt", f"prompt has {len(text)} characters, more than {LONGEST_PROMPT}")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadVote("not_utf8", "prompt is not UTF-8 text")
    return text


_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?")
_LATEST_S = 4_102_444_800
"""The year 2100."""


def _time(text: str | None) -> int | None:
    """Seconds since 1970, or a date and time in ISO 8601 (UTC where it does not say)."""
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise BadVote("bad_time", f"the time {_short(text)} is neither seconds since 1970 nor ISO 8601") from None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds < _LATEST_S:
        raise BadVote("bad_time", f"the time {_short(text)} is not between 1970 and 2100")
    return round(seconds * 1_000_000)
