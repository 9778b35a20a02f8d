"""How each sentence must go with the one before it."""

from __future__ import annotations

from itertools import groupby, pairwise

from assay.bench.following.checks.amounts import Count
from assay.bench.following.splitting import PUNCTUATION, sentences, without_marks


def longer_alliterations(answer: str) -> bool:
    """Each sentence has more words that alliterate with a neighbour than the one before."""
    return _rises([_alliterating(sentence) for sentence in sentences(answer)])


def growing_sentences(answer: str, *, small_n: Count) -> bool:
    """Each sentence has exactly so many more words than the one before."""
    lengths = [len(without_marks(sentence).split()) for sentence in sentences(answer)]
    return all(after == before + small_n for before, after in pairwise(lengths))


def _alliterating(sentence: str) -> int:
    stripped = (word.lstrip(PUNCTUATION) for word in sentence.lower().split())
    runs = (len(list(run)) for _, run in groupby(word[0] for word in stripped if word))
    return sum(run for run in runs if run > 1)


def _rises(numbers: list[int]) -> bool:
    return all(before < after for before, after in pairwise(numbers))
