"""What a practice contestant is given: the whole conversation as plain turns, cut to a size that bounds its work."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from assay.core import Text, Transcript
from assay.gateway.practice.script import Language, language_of, script_of

LONGEST_TURN = 20_000
"""Characters of one turn that are considered; the rest is left out, and the answer says so."""

MOST_TURNS = 40
"""The latest turns that are considered."""


class Turn(msgspec.Struct, frozen=True):
    """One message in plain words."""

    role: Literal["user", "assistant"]
    text: str


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """``turns`` end with the user's question. ``left_out`` counts the characters of the question that were cut."""

    turns: tuple[Turn, ...]
    language: Language = "en"
    left_out: int = 0

    @property
    def question(self) -> str:
        """What is to be answered now."""
        return self.turns[-1].text if self.turns and self.turns[-1].role == "user" else ""

    @property
    def asked_before(self) -> tuple[str, ...]:
        """What the user said before the question, oldest first."""
        return tuple(turn.text for turn in self.turns[:-1] if turn.role == "user")


class Contestant(Protocol):
    """Answers a conversation with markdown. Equal conversations get equal answers."""

    name: str

    def prepare(self) -> None:
        """Begin in the background what the first answer will need. Called again and again; only the first time does anything."""
        ...

    async def answer(self, conversation: Conversation) -> str:
        """Markdown, in the language of the question."""
        ...

    async def close(self) -> None:
        """End what runs in the background."""
        ...


def read_conversation(transcript: Transcript) -> Conversation:
    """The turns of user and assistant; system messages, tools and media are nothing to a practice program."""
    turns: list[Turn] = []
    left_out = 0
    for message in transcript.messages[-2 * MOST_TURNS :]:
        if message.role in ("user", "assistant"):
            text = "".join(part.text for part in message.parts if isinstance(part, Text))
            turns.append(Turn("user" if message.role == "user" else "assistant", text[:LONGEST_TURN]))
            left_out = max(0, len(text) - LONGEST_TURN)
    turns = turns[-MOST_TURNS:]
    return Conversation(turns=tuple(turns), language=language_spoken(turns), left_out=left_out)


def language_spoken(turns: list[Turn]) -> Language:
    """The language of the latest user turn that has words; the Chinese script from the latest that shows which."""
    said = [turn.text for turn in reversed(turns) if turn.role == "user"]
    languages = [found for text in said if (found := language_of(text))]
    if not languages or languages[0] == "en":
        return "en"
    return next((script for text in said if (script := script_of(text))), languages[0])
