"""Text made tidy by rule: spaces, punctuation, capitals. Words are never changed."""

from __future__ import annotations

import re

import msgspec

_HAN = r"\u3400-\u9fff"
_KEPT = re.compile(r"(```.*?```|`[^`\n]*`|https?://[^\s\u3000-\u9fff]+)", re.DOTALL)
_RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("spaces", re.compile(r"[ \t\u00a0]{2,}"), " "),
    ("spaces", re.compile(r"[ \t]+(?=\n)"), ""),
    ("lines", re.compile(r"\n{3,}"), "\n\n"),
    ("before", re.compile(r"(?<=\w)[ \t]+(?=[,;!?][\sA-Za-z]|[,.;:!?](?:\s|$))"), ""),
    ("after", re.compile(rf"(?<=[A-Za-z{_HAN}])([,;:!?])(?=[A-Za-z])"), r"\1 "),
    ("repeated", re.compile(r"([!?！？。，,])\1+"), r"\1"),
    ("words", re.compile(r"\b([A-Za-z]{2,20}) \1\b", re.IGNORECASE), r"\1"),
    ("wide", re.compile(rf"(?<=[{_HAN}]),[ ]?"), "，"),
    ("wide", re.compile(rf"(?<=[{_HAN}])\.(?=\s|$)[ ]?"), "。"),
    ("wide", re.compile(rf"(?<=[{_HAN}])\?[ ]?"), "？"),
    ("wide", re.compile(rf"(?<=[{_HAN}])![ ]?"), "！"),
    ("wide", re.compile(rf"(?<=[{_HAN}]):[ ]?(?!//)"), "："),
    ("wide", re.compile(rf"(?<=[{_HAN}]);[ ]?"), "；"),
    ("inner", re.compile(rf"(?<=[{_HAN}，。！？；：])[ ]+(?=[{_HAN}])"), ""),
    ("gap", re.compile(rf"(?<=[{_HAN}])(?=[A-Za-z0-9])"), " "),
    ("gap", re.compile(rf"(?<=[A-Za-z0-9%])(?=[{_HAN}])"), " "),
    ("pronoun", re.compile(r"\bi(?=\b(?!\.))(?=['’ ]|$)"), "I"),
)
_SENTENCE_START = re.compile(r"(?:(?<=[.!?] )|(?<=\n))[a-z](?=[a-z]*[ ,'’!?.])")
_FIRST = re.compile(r"^[a-z](?=[a-z]*(?:[ ,'’!?.]|$))")
_SHORT_FORMS = ("e.g. ", "i.e. ", "etc. ", "vs. ", "cf. ", "... ")


class Tidied(msgspec.Struct, frozen=True):
    """The text, and how often each rule had something to do."""

    text: str
    changes: dict[str, int]


def tidied(text: str) -> Tidied:
    """``text`` with the rules applied in order, everywhere but in code and addresses."""
    changes: dict[str, int] = {}
    parts = _KEPT.split(text.strip())
    for at in range(0, len(parts), 2):
        for name, pattern, replacement in _RULES:
            parts[at], count = pattern.subn(replacement, parts[at])
            if count:
                changes[name] = changes.get(name, 0) + count
        before = parts[at]
        parts[at] = _SENTENCE_START.sub(_capital, _FIRST.sub(_capital, before) if at == 0 else before)
        count = sum(one != other for one, other in zip(before, parts[at], strict=True))
        if count:
            changes["capitals"] = changes.get("capitals", 0) + count
    return Tidied("".join(parts), changes)


def _capital(match: re.Match[str]) -> str:
    after_short_form = match.string[max(0, match.start() - 5) : match.start()].lower().endswith(_SHORT_FORMS)
    return match[0] if after_short_form else match[0].upper()


def titled(text: str) -> str:
    """Title case: every word but short inner ones begins with a capital."""
    small = frozenset(
        ["a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "nor", "of", "on", "or", "the", "to", "with"]
    )
    words = text.lower().split(" ")
    return " ".join(
        word if at not in (0, len(words) - 1) and word in small else word[:1].upper() + word[1:] for at, word in enumerate(words)
    )
