"""A conversation as a value: ordered messages of typed parts.

Parts are pure values. Equal content is equal, and has the same content hash; who said it, when and under which id is the
business of a `Call`. Fields that Assay does not know stay in ``extra``, under the name of the protocol they came from, so
that they are written again towards that protocol and reported as lost towards any other.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
Extra: TypeAlias = dict[str, dict[str, Any]]
"""Unknown fields: protocol name -> field -> JSON value as it came."""


CacheTime: TypeAlias = Literal["5m", "1h"]


class Citation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source for words of a text. ``start`` and ``end`` count code points of that text; ``quote`` is in the source's words."""

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    extra: Extra = {}


class _Part(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """``cache`` marks the end of a beginning that the provider is asked to keep for so long."""

    cache: CacheTime | None = None
    extra: Extra = {}


class Text(_Part, frozen=True, kw_only=True, tag="text"):
    """Words said to the other side."""

    text: str
    citations: tuple[Citation, ...] = ()


class Thinking(_Part, frozen=True, kw_only=True, tag="thinking"):
    """What a model thought before it answered.

    ``signature`` and ``redacted`` are opaque, and only the protocol named in ``provider`` can read them. Thoughts without
    a ``provider`` are plain words that any model may be given back.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    provider: str | None = None


class Refusal(_Part, frozen=True, kw_only=True, tag="refusal"):
    """Words with which a model declined, where its protocol tells them from an answer."""

    text: str


class ToolCall(_Part, frozen=True, kw_only=True, tag="tool_call"):
    """A model asks for a tool. ``arguments`` is the JSON text as the model wrote it, valid or not.

    ``signature`` is opaque, as a `Thinking` part's is, and belongs to the protocol named in ``provider``.
    """

    id: str
    name: str
    arguments: str = ""
    signature: str | None = None
    provider: str | None = None


class ToolResult(_Part, frozen=True, kw_only=True, tag="tool_result"):
    """What a tool gave back for the call ``id``."""

    id: str
    parts: tuple[Part, ...] = ()
    is_error: bool = False


class _Media(_Part, frozen=True, kw_only=True):
    """Bytes by reference or by value: exactly one of ``url`` and ``data`` (base64) is set."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None


class Image(_Media, frozen=True, kw_only=True, tag="image"):
    """A picture. ``detail`` is the resolution asked for (``low``, ``high``, ``auto``)."""

    detail: str | None = None


class Audio(_Media, frozen=True, kw_only=True, tag="audio"):
    """Sound."""


class Video(_Media, frozen=True, kw_only=True, tag="video"):
    """Moving pictures."""


class File(_Media, frozen=True, kw_only=True, tag="file"):
    """A document. ``file_id`` names one that was uploaded to the provider before."""

    name: str | None = None
    file_id: str | None = None


class Page(_Part, frozen=True, kw_only=True, tag="page"):
    """A web page written by a model; shown on another origin only."""

    html: str


class Unknown(_Part, frozen=True, kw_only=True, tag="unknown"):
    """A part of a kind that this version does not know, kept whole in ``extra``."""


Part: TypeAlias = Text | Thinking | Refusal | ToolCall | ToolResult | Image | Audio | Video | File | Page | Unknown


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message. ``name`` tells participants of one role apart."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    extra: Extra = {}

    @property
    def text(self) -> str:
        """The words of the message, without thinking, tools and media."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Transcript(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ordered messages: a value, with a content hash and nothing else."""

    messages: tuple[Message, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON (sorted keys, defaults left out), in hex."""
        return content_hash(self)


_canonical = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:
    """The canonical JSON of ``value``: sorted keys, defaults left out, no white space."""
    return _canonical.encode(value)


def content_hash(value: Any) -> str:
    """SHA-256 in hex over the canonical JSON of ``value``."""
    return hashlib.sha256(canonical(value)).hexdigest()


def user(text: str) -> Message:
    """A user's message of plain text."""
    return Message(role="user", parts=(Text(text=text),))


def assistant(text: str) -> Message:
    """An assistant's message of plain text."""
    return Message(role="assistant", parts=(Text(text=text),))
