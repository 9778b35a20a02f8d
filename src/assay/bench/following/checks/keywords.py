"""Words that must be there, or must not, or so often, or in a certain place."""

from __future__ import annotations

import re
import string

from assay.bench.following.checks.amounts import Count, Phrase, Phrases, Place, Relation, holds
from assay.bench.following.splitting import sentences, tokens

_TIMES = (1, 2, 3, 5, 7)


def existence(answer: str, *, keywords: Phrases) -> bool:
    """Each keyword is there, in any case, also inside a longer word."""
    small = answer.lower()
    return all(keyword.lower() in small for keyword in keywords)


def frequency(answer: str, *, keyword: Phrase, frequency: Count, relation: Relation) -> bool:
    """The keyword is there so often, also inside longer words."""
    return holds(answer.lower().count(keyword.lower()), relation, frequency)


def forbidden(answer: str, *, forbidden_words: Phrases) -> bool:
    """None of the words is there as a word of its own."""
    return not any(_has_word(answer, word) for word in forbidden_words)


def letter_frequency(answer: str, *, letter: Phrase, let_frequency: Count, let_relation: Relation) -> bool:
    """The letter, small or capital, is there so often. Two prompts of IFEval name a mark (``#``, ``!``) in place of a letter."""
    return holds(answer.lower().count(letter.lower()), let_relation, let_frequency)


def multiple(answer: str, *, keyword1: Phrase, keyword2: Phrase, keyword3: Phrase, keyword4: Phrase, keyword5: Phrase) -> bool:
    """Five keywords are there once, twice, three, five and seven times, also inside longer words."""
    small = answer.lower()
    keywords = (keyword1, keyword2, keyword3, keyword4, keyword5)
    return all(small.count(keyword.strip().lower()) == times for keyword, times in zip(keywords, _TIMES, strict=True))


def in_sentence(answer: str, *, word: Phrase, n: Place) -> bool:
    """The ``n``-th sentence has the word."""
    found = sentences(answer)
    return len(found) >= n and _has_word(found[n - 1], word)


def in_place(answer: str, *, keyword: Phrase, n: Place, m: Place) -> bool:
    """The ``m``-th word of the ``n``-th sentence is the keyword; marks are no words."""
    found = sentences(answer)
    if len(found) < n:
        return False
    spoken = [token for token in tokens(found[n - 1]) if any(mark.isalnum() for mark in token)]
    return len(spoken) >= m and spoken[m - 1].lower() == keyword.strip().lower()


def second_and_second_to_last(answer: str, *, keyword: Phrase) -> bool:
    """The second word and the last but one are the keyword. A mark at the very end does not count; any other does."""
    found = [token.lower() for token in tokens(answer)]
    if found and found[-1] in string.punctuation:
        found.pop()
    return len(found) >= 2 and found[1] == found[-2] == keyword.strip().lower()


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None
