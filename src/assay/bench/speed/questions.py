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


def questions(spec: SpeedSpec, model: str, repeat: int, side: str) -> list[Request]:
    """Those of one repeat, the warm-up first. They differ from repeat to repeat, and but for the mark not from side to side."""
    words, marks = (random.Random(f"{spec.seed} {repeat} {of}") for of in ("words", side))  # noqa: S311  # no secrets
    return [
        Request(
            model=model,
            transcript=Transcript((user(_text(spec, number, words, marks)),)),
            sampling=Sampling(max_tokens=spec.max_tokens, temperature=spec.temperature),
            stream=True,
        )
        for number in range(spec.warmup + spec.requests)
    ]


def _text(spec: SpeedSpec, number: int, words: random.Random, marks: random.Random) -> str:
    mark = "" if spec.may_be_cached else f"[{marks.getrandbits(64):016x}]\n"
    if spec.prompts:
        return mark + spec.prompts[number % len(spec.prompts)]
    return f"{mark}{_TASK}\n{' '.join(words.choices(_WORDS, k=spec.input_words))}"
