"""Events as the answer that a client of this protocol expects, streamed or in one document.

A stream is of server-sent events with CR LF line ends, or with ``alt`` of ``json`` one JSON array. A call comes whole in one
part; the finish reason and the usage come in the last chunk and nowhere else, since clients take the first that has one for
the end. Thoughts are told where the client asked for them (``includeThoughts``).

What another protocol's model signed is sealed into the ``thoughtSignature`` of the first call, which clients give back; in a
turn without calls, into that of a last part without words.
"""

from __future__ import annotations

import base64

import msgspec

from assay.core import (
    AssayError,
    Citation,
    Event,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Usage,
    UsageReported,
)
from assay.wire.carry import needs_carrying, seal
from assay.wire.document import encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.gemini.citation import write_citations
from assay.wire.gemini.error import write_stream_error
from assay.wire.gemini.fields import NAME
from assay.wire.gemini.parts import write_call, write_plain
from assay.wire.gemini.reader import STOP_REASONS
from assay.wire.gemini.usage import write_usage
from assay.wire.losses import Losses
from assay.wire.sse import escape_separators

_WORDS: dict[StopReason, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
    "other": "OTHER",
}
_OTHERS = frozenset(
    (
        "LANGUAGE",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "IMAGE_OTHER",
        "NO_IMAGE",
    )
)


class _Open:
    """A part on its way; ``around`` is what stands before and after each of its pieces in a stream, None where pieces wait."""

    __slots__ = ("around", "part", "pieces")

    def __init__(self, part: Part, around: tuple[bytes, bytes] | None):
        self.part = part
        self.around = around
        self.pieces: list[str] = []


class _Candidate:
    """What is kept of one choice until its end."""

    def __init__(self) -> None:
        self.parts: list[Json] = []
        self.said = ""
        self.citations: list[Citation] = []
        self.thoughts: list[Thinking] = []
        self.called = False
        self.stopped: Stopped | None = None


class EventWriter:
    """Give it events in order; it returns the bytes that each is worth to the client, and at last those of the end.

    The client is told ``request.model``, and ``id``. ``request.extra["gemini"]["alt"]`` says how a stream is framed: ``sse``
    where it is not there, or ``json``.
    """

    def __init__(self, request: Request, *, id: str, created: int):
        self.losses = Losses()
        self._stream = request.stream
        self._array = request.extra.get(NAME, {}).get("alt") == "json"
        self._shown = bool(request.sampling.show_thinking)
        self._about: Json = {"modelVersion": request.model, "responseId": id}
        self._tail = b""
        self._begun = False
        self._open: dict[tuple[int, int], _Open] = {}
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""
        if type(event) is PartGrew:
            part = self._open.get((event.choice, event.index))
            if part is None or not event.text:
                return b""
            part.pieces.append(event.text)
            return self._framed(part.around, event.text) if part.around is not None else b""
        match event:
            case UsageReported(usage=usage):
                self._usage = usage
            case Started(extra=extra):
                self._about.update(extra.get(NAME, ()))
            case PartOpened():
                return self._opened(event)
            case PartClosed(choice=choice, index=index):
                return self._closed(choice, index, event)
            case Stopped(choice=choice):
                self._candidate(choice).stopped = event
                return b"".join([self._closed(of, index, None) for of, index in [*self._open] if of == choice])
        return b""

    def close(self) -> bytes:
        """The end of a whole answer. Of a broken one there is none: `write_stream_error` says so instead.

        Raises:
            StreamBroken: ``wire.stream_broken``: no `Stopped` was written, and this writes no finish reason of its own.
        """
        if not any(candidate.stopped for candidate in self._candidates.values()):
            raise StreamBroken("wire.stream_broken", "The answer ended without a finish reason.")
        document: Json = {}
        ended = [self._end(number, candidate) for number, candidate in sorted(self._candidates.items()) if candidate.stopped]
        if candidates := [candidate for candidate in ended if candidate is not None]:
            document["candidates"] = candidates
        for candidate in self._candidates.values():
            if candidate.stopped is not None and (feedback := candidate.stopped.extra.get(NAME, {}).get("promptFeedback")):
                document["promptFeedback"] = feedback
        if self._usage is not None:
            document["usageMetadata"] = write_usage(self._usage)
        data = escape_separators(encode({**document, **self._about}))
        if not self._stream:
            return data
        return self._head() + data + (b"]" if self._array else b"\r\n\r\n")

    def fail(self, error: AssayError, request_id: str = "") -> bytes:
        """The end of a stream that broke off: `write_stream_error` in the framing of what was written so far."""
        return write_stream_error(error, request_id, alt="json" if self._array else "sse", begun=self._begun)

    def _candidate(self, choice: int) -> _Candidate:
        if choice not in self._candidates:
            self._candidates[choice] = _Candidate()
        return self._candidates[choice]

    def _head(self) -> bytes:
        """What stands before a chunk."""
        if not self._array:
            return b"data: "
        begun, self._begun = self._begun, True
        return b",\r\n" if begun else b"["

    def _around(self, choice: int, more: bytes = b"") -> tuple[bytes, bytes]:
        """What stands before and after the words of a chunk that holds one part of them."""
        if not self._tail:
            self._tail = b"," + escape_separators(encode(self._about))[1:] + (b"" if self._array else b"\r\n\r\n")
        return (
            b'{"candidates":[{"content":{"parts":[{"text":',
            more + b'}],"role":"model"},"index":%d}]' % choice + self._tail,
        )

    def _framed(self, around: tuple[bytes, bytes], text: str) -> bytes:
        return self._head() + around[0] + escape_separators(encode(text)) + around[1]

    def _part(self, choice: int, fields: Json) -> bytes:
        """A whole part: a chunk of a stream, or kept for the document."""
        if not self._stream:
            self._candidate(choice).parts.append(fields)
            return b""
        candidate = {"content": {"parts": [fields], "role": "model"}, "index": choice}
        data = escape_separators(encode({"candidates": [candidate], **self._about}))
        return self._head() + data + (b"" if self._array else b"\r\n\r\n")

    def _opened(self, event: PartOpened) -> bytes:
        self._candidate(event.choice)
        part, key = event.part, (event.choice, event.index)
        match part:
            case Text(text=text) | Refusal(text=text):
                around = self._around(event.choice) if self._stream else None
            case Thinking(text=text):
                around = self._around(event.choice, b',"thought":true') if self._stream and self._shown else None
            case ToolCall():
                around, text = None, ""
            case _:
                written = write_plain(part, self.losses)
                return self._part(event.choice, written) if written is not None else b""
        self._open[key] = _Open(part, around)
        return self._framed(around, text) if around is not None and text else b""

    def _closed(self, choice: int, index: int, event: PartClosed | None) -> bytes:
        open_part = self._open.pop((choice, index), None)
        if open_part is None:
            return b""
        part, more = open_part.part, "".join(open_part.pieces)
        signature = event.signature if event is not None else None
        match part:
            case ToolCall():
                return self._call(choice, _whole_call(part, more, signature))
            case Thinking():
                return self._thought(choice, _whole_thought(part, more, signature))
            case Text(text=text, citations=citations):
                late = event.extra.get(NAME, {}) if event is not None else {}
                citations += event.citations if event is not None else ()
                return self._text(choice, text + more, citations, {**part.extra.get(NAME, {}), **late})
            case Refusal(text=text):
                self.losses.approximate("refusal", "text")
                return self._text(choice, text + more, (), {})
        return b""

    def _text(self, choice: int, text: str, citations: tuple[Citation, ...], extra: Json) -> bytes:
        """The end of a text, whose words a stream has told already."""
        candidate = self._candidate(choice)
        before = len(candidate.said)
        candidate.said += text
        candidate.citations += [_moved(citation, before) for citation in citations]
        if self._stream:
            return self._part(choice, {"text": "", **extra}) if extra else b""
        return self._part(choice, {"text": text, **extra}) if text or extra else b""

    def _thought(self, choice: int, thought: Thinking) -> bytes:
        """The end of a thought, whose words a stream has told already."""
        fields: Json = {"text": "" if self._stream or not self._shown else thought.text}
        if thought.text and self._shown:
            fields["thought"] = True
        if thought.provider == NAME and thought.signature is not None:
            return self._part(choice, {**fields, "thoughtSignature": thought.signature})
        if thought.provider != NAME:
            self._candidate(choice).thoughts.append(thought)
        return self._part(choice, fields) if fields["text"] else b""

    def _call(self, choice: int, call: ToolCall) -> bytes:
        fields = write_call(call, self.losses)
        candidate = self._candidate(choice)
        is_foreign = call.provider not in (None, NAME)
        if call.provider == NAME and call.signature is not None:
            fields["thoughtSignature"] = call.signature
        elif candidate.thoughts or call.signature is not None or (is_foreign and not candidate.called):
            # Even an empty seal: by it the call is known as one that no Gemini model made, which it would refuse unsigned.
            fields["thoughtSignature"] = _sealed(candidate.thoughts, call)
            candidate.thoughts = []
        candidate.called = True
        return self._part(choice, fields)

    def _end(self, number: int, candidate: _Candidate) -> Json | None:
        """The last of a candidate; None where there is none, since the prompt itself was blocked."""
        stopped = candidate.stopped
        assert stopped is not None
        extra = {key: value for key, value in stopped.extra.get(NAME, {}).items() if key != "promptFeedback"}
        if "promptFeedback" in stopped.extra.get(NAME, {}) and not candidate.parts and not candidate.said:
            return None
        if any(needs_carrying(thought) for thought in candidate.thoughts):
            candidate.parts.append({"text": "", "thoughtSignature": _sealed(candidate.thoughts, None)})
        if stopped.reason == "refusal":
            self.losses.approximate("refusal", "SAFETY")
        sources = write_citations(candidate.citations, candidate.said) if candidate.citations else {}
        kept, found = extra.get("groundingMetadata"), sources.get("groundingMetadata", {})
        if found and type(kept) is dict:
            sources["groundingMetadata"] = {**kept, **found}
        content = {"parts": candidate.parts or [{"text": ""}], "role": "model"}
        return {"content": content, "finishReason": _finish_reason(stopped), "index": number, **extra, **sources}


def _finish_reason(stopped: Stopped) -> str:
    """The upstream's own word where it is one of this protocol's and means the same."""
    raw = stopped.raw or ""
    meaning = "end" if stopped.reason == "tool_calls" else stopped.reason
    if (raw in _OTHERS and meaning == "other") or STOP_REASONS.get(raw) == meaning:
        return raw
    return _WORDS[stopped.reason]


def _sealed(thoughts: list[Thinking], call: ToolCall | None) -> str:
    return base64.b64encode(seal(*thoughts, call=call).encode()).decode()


def _whole_call(call: ToolCall, more: str, signature: str | None) -> ToolCall:
    return msgspec.structs.replace(call, arguments=call.arguments + more, signature=signature or call.signature)


def _whole_thought(thought: Thinking, more: str, signature: str | None) -> Thinking:
    return msgspec.structs.replace(thought, text=thought.text + more, signature=signature or thought.signature)


def _moved(citation: Citation, by: int) -> Citation:
    if not by:
        return citation
    start, end = (place + by if place is not None else None for place in (citation.start, citation.end))
    return msgspec.structs.replace(citation, start=start, end=end)
