"""Which of a prompt's instructions an answer followed: strictly, as it stands, and loosely, in any of eight versions.

The loose rule of IFEval (section 2.2 of the paper) forgives a first line such as "Sure, here it is:", a last line such as "Hope it
helps.", and the asterisks of Markdown: it takes away each, or not, and asks whether any of the eight texts follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import msgspec


class Verdict(msgspec.Struct, frozen=True):
    """One truth value for each instruction, in the order of the prompt."""

    strict: tuple[bool, ...]
    loose: tuple[bool, ...]


def judge(answer: str, instructions: Sequence[Callable[[str], bool]]) -> Verdict:
    """What ``answer`` followed. An empty text follows nothing."""
    texts = [text for text in dict.fromkeys(versions(answer)) if text.strip()]
    strict = tuple(bool(answer.strip()) and follows(answer) for follows in instructions)
    loose = tuple(
        followed or any(follows(text) for text in texts[1:]) for followed, follows in zip(strict, instructions, strict=True)
    )
    return Verdict(strict, loose)


def versions(answer: str) -> list[str]:
    """``answer``, and what is left of it without its first line, its last line, its asterisks, in every combination. Where a line is
    taken away, so is the space around the rest."""
    lines = answer.split("\n")
    kept = [
        "\n".join(lines[first : len(lines) - last]).strip() if first or last else answer for first, last in product((0, 1), (0, 1))
    ]
    return [*kept, *(text.replace("*", "") for text in kept)]
