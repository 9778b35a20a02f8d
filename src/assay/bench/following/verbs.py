"""Whether a text begins with a verb.

The original asks a statistical tagger (NLTK's averaged perceptron). Here it is a list of verbs and the rules by which they are inflected;
one that is a noun as often counts where the next word shows it: "Plan your trip" begins with a verb, "Plan B failed" does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.bench.following.lexicon import AFTER_A_VERB, NO_VERBS, NOUNS_TOO, VERBS

_SHORTEST_GERUND = 4
_INFLECTED = (
    ("ies", ("y",)),
    ("es", ("", "e")),
    ("s", ("",)),
    ("ied", ("y",)),
    ("ed", ("", "e")),
    ("ying", ("y", "ie")),
    ("ing", ("", "e")),
)


def is_verb(opening: Sequence[str]) -> bool:
    """Whether the first of these tokens is a verb; the second, if there is one, tells verbs from nouns. Modals (``can``) are none."""
    if not opening:
        return False
    word, after = opening[0].lower(), opening[1].lower() if len(opening) > 1 else ""
    bases = {word, *_bases(word)}
    if bases & VERBS:
        return True
    if word.endswith("ing") and len(word) > _SHORTEST_GERUND:
        return word not in NO_VERBS
    return bool(bases & NOUNS_TOO) and (after in AFTER_A_VERB or word.endswith("ed"))


def _bases(word: str) -> Iterator[str]:
    for ending, replaced in _INFLECTED:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            yield from (stem + mended for mended in replaced)
            if ending in {"ed", "ing"} and stem[-1] == stem[-2]:
                yield stem[:-1]
