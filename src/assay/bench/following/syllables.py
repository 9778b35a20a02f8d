"""How many syllables an English word has: its groups of vowels, corrected for the endings that are silent and the groups that are two.

A rule, where IFBench looks 6,000 words up in a table (SyllaPy) and has a cruder rule for the others.
"""

from __future__ import annotations

import re
import unicodedata

_GROUP = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(r"(?:[^aeiouyl]|[aeiouy]l|rl|ll)(?:e|es|ed)$")
_HEARD = re.compile(r"(?:[td]ed|(?:[sxz]|ch|sh|c|g)es)$")
_TWO = re.compile(
    r"i(?:a(?!l$|lly$|ls$|n$|ns$|ge|r?ies$)|o(?!us|n)|um|us$|et|er$|est$)|[^qg]ua|eo(?!u|n|p)|[^aeiou]ying|[aeou]ing|uou|"
    r"eate|eati|eator|ism|nuity|uity|oet|[dr]ia|quiet|science|[^aeiou]iar"
)
_ONE = re.compile(r"[^aeiou]eau|geo(?:us|n)|[^aeiouy]ely$|eless|eful|ement|every|eness|some|where|there|[^aeiou]ework|evening|busi")


def syllables(word: str) -> int:
    """At least 1 for a word of letters, 0 for one with a digit or without letters."""
    plain = unicodedata.normalize("NFKD", word.lower())
    if not any(mark.isalpha() for mark in plain) or any(mark.isdigit() for mark in plain):
        return 0
    count = len(_GROUP.findall(plain))
    if _SILENT_E.search(plain) and not _HEARD.search(plain):
        count -= 1
    count += len(_TWO.findall(plain)) - len(_ONE.findall(plain))
    return max(1, count)
