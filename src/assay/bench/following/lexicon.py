"""Classes of English words that instructions and splitting speak of, from ``lexicon.toml``."""

from __future__ import annotations

from importlib.resources import files

import msgspec

_CLASSES = msgspec.toml.decode(files("assay.bench.following").joinpath("lexicon.toml").read_bytes(), type=dict[str, str])

CONJUNCTIONS = frozenset(_CLASSES["conjunctions"].split())
PERSON_NAMES = frozenset(_CLASSES["person_names"].split())
PRONOUNS = frozenset(_CLASSES["pronouns"].split())
STOP_WORDS = frozenset(_CLASSES["stop_words"].split())
ABBREVIATIONS = frozenset(_CLASSES["abbreviations"].split())
STARTERS = frozenset(_CLASSES["starters"].split())
VERBS = frozenset(_CLASSES["verbs"].split())
NOUNS_TOO = frozenset(_CLASSES["nouns_too"].split())
AFTER_A_VERB = frozenset(_CLASSES["after_a_verb"].split())
NO_VERBS = frozenset(_CLASSES["no_verbs"].split())
