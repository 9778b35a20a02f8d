"""What every word must look like, and how it must go with the one before it."""

from __future__ import annotations

import string
from collections import Counter
from itertools import pairwise

from assay.bench.following.checks.amounts import Count
from assay.bench.following.splitting import PUNCTUATION, sentences, tokens, without_marks
from assay.bench.following.syllables import syllables
from assay.bench.following.verbs import is_verb

_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
_VOWELS = frozenset("aeiou")
_PRIMES = frozenset(n for n in range(2, 100) if all(n % divisor for divisor in range(2, n)))
_EDGE = PUNCTUATION + " "
_ENOUGH_PALINDROMES = 10
_PALINDROME_CHARS = 5


def alphabet(answer: str) -> bool:
    """Each word begins with the letter after the one before, and a comes after z."""
    initials = [word[0].lower() for word in without_marks(answer).split()]
    letters = [string.ascii_lowercase.find(initial) for initial in initials]
    return bool(letters) and letters[0] >= 0 and all(after == (before + 1) % 26 for before, after in pairwise(letters))


def three_vowels(answer: str) -> bool:
    """One paragraph with at most three different vowels."""
    paragraph = answer.strip().lower()
    return "\n" not in paragraph and len(_VOWELS.intersection(paragraph)) <= 3


def consonant_clusters(answer: str) -> bool:
    """Every word between spaces has two consonants in a row; y is one."""
    return all(any(a in _CONSONANTS and b in _CONSONANTS for a, b in pairwise(word)) for word in answer.lower().split())


def palindromes(answer: str) -> bool:
    """At least ten words of five letters or more read the same backwards."""
    found = (word for word in without_marks(answer).lower().split() if len(word) >= _PALINDROME_CHARS and word == word[::-1])
    return sum(1 for _ in found) >= _ENOUGH_PALINDROMES


def prime_lengths(answer: str) -> bool:
    """Every word has a prime number of letters."""
    return all(len(word) in _PRIMES for word in without_marks(answer).split())


def start_with_verb(answer: str) -> bool:
    """The first word is a verb."""
    return is_verb(tokens(answer[:1000])[:2])


def few_repeats(answer: str, *, small_n: Count) -> bool:
    """No word is there more than so often."""
    return all(count <= small_n for count in Counter(without_marks(answer.lower()).split()).values())


def alternating_syllables(answer: str) -> bool:
    """Words with an odd number of syllables and words with an even one take turns."""
    odd = [syllables(word) % 2 for word in without_marks(answer).lower().split()]
    return all(before != after for before, after in pairwise(odd))


def no_shared_initials(answer: str) -> bool:
    """No two words in a row begin with the same letter."""
    return all(before[0] != after[0] for before, after in pairwise(without_marks(answer.lower()).split()))


def last_becomes_first(answer: str) -> bool:
    """The last word of each sentence is the first of the next; a mark behind that first word is taken for a part of it."""
    for before, after in pairwise(sentences(answer)):
        last, first = before.rstrip(_EDGE).split()[-1:], after.lstrip(_EDGE).split(maxsplit=1)[:1]
        if not last or not first or last[0].lower() != first[0].lower():
            return False
    return True


def paragraphs_end_as_they_begin(answer: str) -> bool:
    """Each line ends with the word that it begins with."""
    lines = (line.strip().strip(_EDGE).lower().split() for line in answer.split("\n"))
    return all(not line or line[0] == line[-1] for line in lines)
