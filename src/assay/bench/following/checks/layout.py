"""What stands inside what, what on which line, and what at the end of each sentence."""

from __future__ import annotations

import string
from itertools import pairwise, zip_longest

from assay.bench.following.emoji import is_emoji
from assay.bench.following.splitting import sentences, without_marks

_BRACKETS = {")": "(", "]": "[", "}": "{"}
_DEEP_BRACKETS = 5
_DEEP_QUOTES = 3
_QUOTES = "\"'"
_AROUND_QUOTE = string.digits + string.punctuation.replace('"', "")


def nested_brackets(answer: str) -> bool:
    """Round, square and curly brackets stand at least five deep, and one closes after that. One that closes what was not opened
    makes the count begin again."""
    opened: list[str] = []
    deepest = 0
    for mark in answer:
        if mark in "([{":
            opened.append(mark)
            deepest = max(deepest, len(opened))
        elif mark in _BRACKETS:
            if opened and opened[-1] == _BRACKETS[mark]:
                if deepest >= _DEEP_BRACKETS:
                    return True
                opened.pop()
            else:
                opened, deepest = [], 0
    return False


def nested_quotes(answer: str) -> bool:
    """Double and single quotes stand three deep, in turns, and close again. An apostrophe is a single quote to this rule."""
    opened: list[str] = []
    deepest = 0
    for mark in answer:
        if opened and mark == opened[-1]:
            opened.pop()
            if deepest - len(opened) >= _DEEP_QUOTES:
                return True
        elif mark in _QUOTES:
            opened.append(mark)
            deepest = max(deepest, len(opened))
    return False


def explained_quotes(answer: str) -> bool:
    """No quotation follows directly on another, and none is the last thing said."""
    text = "".join(answer.replace("'\"'", "").split())
    return '""' not in text and not text.strip(_AROUND_QUOTE).endswith('"')


def word_on_each_line(answer: str) -> bool:
    """As many lines as words; empty lines and marks do not count."""
    text = without_marks(answer).strip()
    return len([line for line in text.split("\n") if line]) == len(text.split())


def stairs(answer: str) -> bool:
    """Each line is indented by more spaces than the one before; blank lines do not count."""
    indents = [len(line) - len(line.lstrip(" ")) for line in answer.split("\n") if line.strip()]
    return all(before < after for before, after in pairwise(indents))


def emoji_ends_sentences(answer: str) -> bool:
    """An emoji is the last or last but one character of each sentence, marks aside, or the first of the next sentence."""
    found = [without_marks(sentence).strip() for sentence in sentences(answer)]
    for sentence, after in zip_longest(found, found[1:]):
        if not sentence:
            return False
        if not any(is_emoji(mark) for mark in sentence[-2:]) and not (after and is_emoji(after[0])):
            return False
    return True
