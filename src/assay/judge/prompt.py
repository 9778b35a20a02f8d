"""A pair, written down for a judge.

Whatever a contestant said is hostile: it stands between fences that hold a mark which was drawn after it was said, so no
answer can close its own fence; what cannot be seen is written as code points; and what is too long loses its middle, both
answers by the same rule, with the cut stated. Not covered: an answer may still talk a judge into something. No prompt
prevents that; a judge's agreement with people shows it.

Shown: what was asked, and of each side its text, tool calls and tool results. Never shown: thinking, names of models and
providers, fields that Assay does not know. Pictures in what was asked are passed on; other media are only named.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from assay.core import (
    Audio,
    File,
    Image,
    Message,
    OutputFormat,
    Page,
    Part,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Transcript,
    Unknown,
    Video,
    canonical,
)
from assay.judge.pair import Pair
from assay.judge.rubric import FORM, Rubric
from assay.judge.visible import visible

ASKED_CHARS = 60_000
"""Most characters that a judge is shown of what was asked, our own lines aside."""
ANSWER_CHARS = 40_000
"""Most characters that a judge is shown of either side, our own lines aside."""
_NAME_CHARS = 200
_END = "Which answer is better? First the reason, then the line with the verdict."

_T = TypeVar("_T")


def ask_for_judgment(pair: Pair, rubric: Rubric, deployment: str, *, max_tokens: int | None = None) -> Request:
    """The request that puts ``pair`` before the judge ``deployment``. No temperature is set: not all providers take one."""
    mark = secrets.token_hex(8)
    asked, sides = _Writer(mark, pictures_shown=True), _Writer(mark)
    sections = [asked.section("what was asked", asked.messages(pair.transcript.messages, ASKED_CHARS))]
    if pair.output is not None and pair.output.kind != "text":
        sections.append(asked.section("the form that was asked for", asked.form(pair.output)))
    sections.append(sides.section("answer A", sides.messages(pair.a, ANSWER_CHARS)))
    sections.append(sides.section("answer B", sides.messages(pair.b, ANSWER_CHARS)))
    pictures = [part for number, image in enumerate(asked.pictures, 1) for part in (Text(text=f"Picture {number}:"), image)]
    told = Message(role="system", parts=(Text(text=f"{rubric.text}\n\n{FORM.format(mark=mark)}"),))
    shown = Message(role="user", parts=(Text(text="\n\n".join(sections)), *pictures, Text(text=_END)))
    return Request(
        model=deployment,
        transcript=Transcript((told, shown)),
        sampling=Sampling(max_tokens=max_tokens),
        stream=True,
        stream_usage=True,
    )


class _Writer:
    """One section as text. Every line of our own holds the mark, so that none can be forged. Keeps the pictures it passed."""

    def __init__(self, mark: str, *, pictures_shown: bool = False):
        self.pictures: list[Image] = []
        self._mark = mark
        self._pictures_shown = pictures_shown

    def section(self, title: str, text: str) -> str:
        return f"===== {self._mark}: {title} begins =====\n{text}\n===== {self._mark}: {title} ends ====="

    def form(self, output: OutputFormat) -> str:
        """The form that the asker set beside the words."""
        if output.schema is None:
            return "JSON"
        return f"JSON under this schema: {self._text(canonical(output.schema).decode(), ANSWER_CHARS)}"

    def messages(self, messages: Sequence[Message], most: int) -> str:
        return self._fit(messages, self._message, most, "messages")

    def _message(self, message: Message, most: int) -> str:
        name = f" {_one_line(message.name)}" if message.name and message.role == "user" else ""
        parts = [part for part in message.parts if not isinstance(part, Thinking)]
        return f"{self._line(message.role + name)}\n{self._fit(parts, self._part, most, 'parts')}"

    def _part(self, part: Part, most: int) -> str:
        match part:
            case Text(text=text) | Refusal(text=text) | Page(html=text):
                return self._text(text, most)
            case ToolCall(name=name, arguments=arguments):
                return f"{self._line(f'calls the tool {_one_line(name)} with')}\n{self._text(arguments, most)}"
            case ToolResult(parts=parts, is_error=failed):
                gave = self._line("the tool failed with" if failed else "the tool gave back")
                return f"{gave}\n{self._fit(parts, self._part, most, 'parts')}"
            case Image() if self._pictures_shown:
                self.pictures.append(part)
                return self._line(f"picture {len(self.pictures)}")
            case Image() | Audio() | Video() | File() | Unknown() | Thinking():
                return self._line(f"{type(part).__name__.lower()}, not shown")

    def _fit(self, things: Sequence[_T], write: Callable[[_T, int], str], most: int, noun: str) -> str:
        """All ``things`` in about ``most`` characters. Where there are several, each has half of it at most; the first and as many
        of the last as there is room for are kept."""
        if not things:
            return self._line("nothing was said")
        written = [write(thing, most if len(things) == 1 else most // 2) for thing in things]
        room = most - len(written[0])
        start = len(written)
        while start > 1 and (start == len(written) or len(written[start - 1]) <= room):
            start -= 1
            room -= len(written[start])
        left_out = [self._line(f"{start - 1} {noun} were left out here")] if start > 1 else []
        return "\n".join([written[0], *left_out, *written[start:]])

    def _text(self, text: str, most: int) -> str:
        """What somebody else wrote, without its middle where it is too long."""
        text = visible(text)
        if len(text) <= most:
            return text
        head = most // 2
        left_out = self._line(f"{len(text) - most:,} characters were left out here")
        return f"{text[:head]}\n{left_out}\n{text[head - most :]}"

    def _line(self, says: str) -> str:
        return f"[{self._mark}: {says}]"


def _one_line(name: str) -> str:
    return " ".join(visible(name).split())[:_NAME_CHARS]
