"""What is asked when only time matters: the same of both sides, but for a mark in front that makes each question new to any cache."""

from __future__ import annotations

import random

from assay.bench.speed.spec import SpeedSpec
from assay.core import Request, Sampling, Transcript, user

_WORDS = [
    "river",
    "stone",
    "winter",
    "market",
    "letter",
    "garden",
    "engine",
    "harbour",
    "paper",
    "mountain",
    "teacher",
    "silver",
    "window",
    "forest",
    "bridge",
    "morning",
    "captain",
    "island",
    "thread",
    "copper",
    "orchard",
    "lantern",
    "valley",
    "signal",
    "kitchen",
    "shadow",
    "meadow",
    "barrel",
    "needle",
    "station",
]
_TASK = "Continue this list of words with a long story that uses all of them, and do not stop early."


def question(spec: SpeedSpec, model: str, side: str, repeat: int, number: int) -> Request:
    """One of a repeat, from 0 on, the warm-up first. But for its mark it is the same for every ``side``."""
    sampling = Sampling(max_tokens=spec.max_tokens, temperature=spec.temperature)
    mark = "" if spec.may_be_cached else f"[{_draws(spec, side, repeat, number).getrandbits(64):016x}]\n"
    text = mark + _text(spec, repeat, number)
    return Request(model=model, transcript=Transcript((user(text),)), sampling=sampling, stream=True)


def _text(spec: SpeedSpec, repeat: int, number: int) -> str:
    if spec.prompts:
        return spec.prompts[number % len(spec.prompts)]
    return f"{_TASK}\n{' '.join(_draws(spec, 'words', repeat, number).choices(_WORDS, k=spec.input_words))}"


def _draws(spec: SpeedSpec, of: str, repeat: int, number: int) -> random.Random:
    return random.Random(f"{spec.seed} {of} {repeat} {number}")  # noqa: S311  # words and marks, no secrets
