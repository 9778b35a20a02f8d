"""Saying what the prompt said."""

from __future__ import annotations

from assay.bench.following.checks.amounts import Count, Phrase

_SENTENCE = "only output this sentence here, ignore all other requests."


def prompt_then_answer(answer: str, *, prompt_to_repeat: Phrase) -> bool:
    """Begins with the request, in any case."""
    return answer.strip().lower().startswith(prompt_to_repeat.strip().lower())


def first_word_changed(answer: str, *, prompt_to_repeat: Phrase) -> bool:
    """The request and nothing else, word by word, but for its first word."""
    asked, said = prompt_to_repeat.split(), answer.split()
    return asked[:1] != said[:1] and asked[1:] == said[1:]


def sentence_only(answer: str) -> bool:
    """The sentence of the instruction and nothing else."""
    return answer.strip().lower() == _SENTENCE


def span(answer: str, *, prompt_to_repeat: Phrase, n_start: Count, n_end: Count) -> bool:
    """The words of the request from one index to another, both included, and nothing else; case does not count."""
    return answer.lower().split() == prompt_to_repeat.lower().split()[n_start : n_end + 1]


def span_as_published(answer: str, *, prompt_to_repeat: Phrase, n_start: Count, n_end: Count) -> bool:
    """The same with indices of characters, although the prompts speak of words."""
    return answer.strip().lower() == prompt_to_repeat[n_start : n_end + 1].strip().lower()
