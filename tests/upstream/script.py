"""What a script is given and what it gives, the same in every protocol: `Asked`, and an `Answer` made of parts or a `Status`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Protocol: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
Finish: TypeAlias = Literal["stop", "length", "tools", "refusal", "filter", "sequence"]
Fault: TypeAlias = Literal["", "error", "error-event", "cut", "cut-utf8", "stall", "unfinished"]


class Asked(dict[str, Any]):
    """The body of a request as it came, and what a script wants to know of it whatever the protocol.

    ``words`` are those of the last message, ``results`` the texts of all results of tools, ``tools`` the names of the functions
    that were declared, ``media`` the MIME types and sizes in bytes of the files and pictures that came along, ``schema`` the one
    that the answer has to fit, ``n`` how many answers are wanted, ``text`` everything that was said, ``turns`` how many turns with
    calls there were, ``thoughts`` whether Gemini is to show its own, ``serial`` the number of the response.
    """

    def __init__(self, body: Json, protocol: Protocol, model: str, stream: bool):
        super().__init__(body)
        self.protocol = protocol
        self.model = model
        self.stream = stream
        self.words = ""
        self.text = ""
        self.results: list[str] = []
        self.tools: list[str] = []
        self.media: list[tuple[str, int]] = []
        self.schema: Json | None = None
        self.n = 1
        self.turns = 0
        self.thoughts = False
        self.serial = 0

    def heard(self, words: str) -> None:
        """Note some words of the conversation."""
        self.text += words + "\n"


@dataclass
class Says:
    """Words, in the pieces that a stream carries. ``cited`` are places of the documents that came with the request."""

    pieces: list[str]
    cited: list[Cited] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Cited:
    """Where in the first document the words come from, and a page of the web for protocols that only know pages."""

    text: str
    start: int
    title: str = "notes.txt"
    url: str = "https://example.org/notes"


@dataclass
class Thinks:
    """Thoughts. They are signed where the protocol signs thoughts; ``redacted`` ones are only a signature."""

    pieces: list[str]
    redacted: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Calls:
    """A call of a tool. ``id`` is the part of its id behind the protocol's prefix; Gemini signs the first one and ``signed`` ones."""

    name: str
    pieces: list[str]
    id: str
    signed: bool = False

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


@dataclass
class Refuses:
    """The model will not do it, and says so."""

    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


Part: TypeAlias = Says | Thinks | Calls | Refuses


@dataclass
class Used:
    """Tokens: ``input`` counts the cached ones in, ``output`` the thoughts; each protocol takes them apart in its own way."""

    input: int = 11
    output: int = 7
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0


@dataclass
class Answer:
    """The parts of an answer, and how they are sent.

    ``n``: how often, for choices. ``pacing``: events a write each, ``pace_s`` apart; all in one write; or a write for each byte.
    ``fault`` strikes after ``fault_after`` pieces: an error in the protocol's own form, a cut socket, silence until the client
    leaves, or an end without an end. ``eol`` ends the lines of an event; ``heartbeats`` puts the protocol's keep-alives between.
    ``thoughts_in`` is the field for thoughts in Chat Completions.
    """

    parts: list[Part]
    finish: Finish = "stop"
    usage: Used = field(default_factory=Used)
    n: int = 1
    pacing: Literal["paced", "burst", "bytes"] = "paced"
    pace_s: float = 0.0
    fault: Fault = ""
    fault_after: int = 1
    headers_after_s: float = 0.0
    eol: str = "\n"
    heartbeats: bool = False
    thoughts_in: Literal["reasoning_content", "reasoning"] = "reasoning_content"

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Says))


@dataclass
class Status:
    """An answer that is an error. It is put into the protocol's own form, unless ``body`` says what to send as it is."""

    status: int
    message: str = ""
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    retry_after_s: int | None = None
    body: bytes | None = None


Script: TypeAlias = Callable[[Asked], Answer | Status]


@dataclass
class Event:
    """One event of a stream: its bytes, and whether it carries a piece of the answer."""

    data: bytes
    piece: bool = False


def says(text: str, **how: Any) -> Answer:
    """An answer of plain text, in pieces of a word each, once for each choice that was asked for."""
    return Answer([Says(words_of(text))], n=how.pop("n", None) or 1, **how)


def words_of(text: str) -> list[str]:
    """``text`` in pieces of a word each, with the space before it."""
    return re.findall(r"\s*\S+|\s+$", text)


def refuse(status: int, message: str, code: str | None = None, **headers: str) -> Status:
    """An error in the protocol's own form."""
    return Status(status, message, code, headers)


def signature(of: str) -> str:
    """An opaque, verifiable token that stands for ``of``, in base64 and long, as the real ones are."""
    held = of.encode()
    return base64.b64encode(hashlib.sha512(b"scripted" + held).digest() * 6 + held).decode()


def signed(token: str) -> str | None:
    """What a signature stands for; None when it is not one of ours or was changed on the way."""
    try:
        raw = base64.b64decode(token, validate=True)
        held = raw[384:].decode()
    except ValueError:
        return None
    return held if raw[:384] == hashlib.sha512(b"scripted" + raw[384:]).digest() * 6 else None


def plain(arguments: str) -> str:
    """Arguments of a call in one spelling, to compare them."""
    return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
