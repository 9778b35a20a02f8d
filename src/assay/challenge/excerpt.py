"""What is shown of an item side by side: its last question, and both answers as text, cut to a stated length."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from assay.challenge.shown import ReadItem, ReadSide
from assay.core import Message, Refusal, Text, ToolCall, ToolResult, Unknown
from assay.core.columns import printable


class Cut(msgspec.Struct, frozen=True):
    """A text, and how many characters of it were left out at its end."""

    text: str
    left_out: int = 0

    @property
    def note(self) -> str:
        """Says what was left out; empty where nothing was."""
        return f"cut: {self.left_out:,} more characters" if self.left_out else ""


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """One item to read. ``opinions`` is what each judge said, in words."""

    number: int
    category: str
    origin: str
    asked: Cut
    challenger: Cut
    incumbent: Cut
    opinions: tuple[str, ...]


_CHOSE = {
    "challenger": "the challenger is better",
    "incumbent": "the incumbent is better",
    "tie": "a tie",
    "both_bad": "both are bad",
    None: "no usable judgment",
}
_REASON_CHARS = 300


def excerpt(item: ReadItem, most: int) -> Excerpt:
    """``item`` with texts of at most ``most`` characters each, without control characters."""
    asked = next((message for message in reversed(item.prefix) if message.role == "user"), None)
    return Excerpt(
        number=item.number,
        category=item.category,
        origin=item.origin,
        asked=cut(_words((asked,) if asked is not None else item.prefix[-1:]), most),
        challenger=cut(_said(item.sides.get("challenger")), most),
        incumbent=cut(_said(item.sides.get("incumbent")), most),
        opinions=tuple(dict.fromkeys(_opinion(one.judge, one.won, one.reason) for one in item.judgments)),
    )


def cut(text: str, most: int) -> Cut:
    """``text`` or its first ``most`` characters, made harmless to show."""
    text = printable(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return Cut(text) if len(text) <= most else Cut(text[:most].rstrip(), len(text) - len(text[:most].rstrip()))


def _said(side: ReadSide | None) -> str:
    return _words(side.turns[-1:]) if side is not None else ""


def _opinion(judge: str, won: str | None, reason: str) -> str:
    why = cut(" ".join(reason.split()), _REASON_CHARS)
    return f"{judge}: {_CHOSE[won]}." + (f" {why.text}{' …' if why.left_out else ''}" if why.text else "")


def _words(messages: Iterable[Message]) -> str:
    return "\n\n".join(said for message in messages for part in message.parts if (said := _part(part)))


def _part(part: object) -> str:
    """A part as text: words as they are, tool calls by name and arguments, everything else by its kind."""
    match part:
        case Text(text=text) | Refusal(text=text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f"[calls {name} {arguments}]"
        case ToolResult(parts=parts):
            return "\n".join(_part(inner) for inner in parts)
        case Unknown():
            return "[a part of unknown kind]"
        case _:
            return f"[{type(part).__name__.lower()}]" if type(part).__name__ != "Thinking" else ""
