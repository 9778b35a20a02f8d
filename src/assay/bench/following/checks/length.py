"""How many words, sentences and paragraphs."""

from __future__ import annotations

import re

from assay.bench.following.checks.amounts import Count, Phrase, Place, Relation, holds
from assay.bench.following.splitting import bare, sentences, words

_STARS = re.compile(r"\*\*\*")
_ENDS_FIRST_WORD = re.compile(r"[.,?!'\"]")


def number_of_words(answer: str, *, num_words: Count, relation: Relation) -> bool:
    """So many runs of letters and digits."""
    return holds(len(words(answer)), relation, num_words)


def word_range(answer: str, *, min_words: Count, max_words: Count) -> bool:
    """Not fewer and not more runs of letters and digits."""
    return min_words <= len(words(answer)) <= max_words


def unique_words(answer: str, *, n: Count) -> bool:
    """At least ``n`` different words between spaces, without the marks at their ends."""
    return len({bare(word) for word in answer.lower().split()} - {""}) >= n


def number_of_sentences(answer: str, *, num_sentences: Count, relation: Relation) -> bool:
    """So many sentences."""
    return holds(len(sentences(answer)), relation, num_sentences)


def number_of_paragraphs(answer: str, *, num_paragraphs: Count) -> bool:
    """Exactly so many paragraphs with ``***`` between them; one more ``***`` may begin or end the answer."""
    paragraphs = [bool(paragraph.strip()) for paragraph in _STARS.split(answer)]
    return all(paragraphs[1:-1]) and sum(paragraphs) == num_paragraphs


def nth_paragraph_first_word(answer: str, *, num_paragraphs: Count, nth_paragraph: Place, first_word: Phrase) -> bool:
    """So many paragraphs with an empty line between them, the ``nth`` of which begins with the word."""
    paragraphs = answer.split("\n\n")
    count = sum(1 for paragraph in paragraphs if paragraph.strip())
    if count != num_paragraphs or nth_paragraph > count:
        return False
    opening = paragraphs[nth_paragraph - 1].split(maxsplit=1)
    if not opening:
        return False
    first = opening[0].lstrip("'").lstrip('"')
    return _ENDS_FIRST_WORD.split(first, maxsplit=1)[0].lower() == first_word.lower()
