"""An upstream's answer, whole or in pieces, as events.

Covered: text, thoughts, thought signatures, calls of functions, media, several candidates, blocked prompts, sources, usage in
every chunk, errors inside a stream; server-sent events, and the JSON array that is sent without ``alt=sse``. What Assay does
not know stays: of the document in `Started.extra`, of a candidate in `Stopped.extra`, of a part in its own ``extra``.

The finish reason is reported when the stream ends, since some servers send one with every chunk; the last counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from assay.core import (
    Event,
    InvalidInput,
    Started,
    StopReason,
    Usage,
    UsageReported,
)
from assay.wire.document import decode
from assay.wire.errors import StreamBroken, StreamError, StreamFailed, UpstreamSaid
from assay.wire.fields import Json, take_str
from assay.wire.gemini.candidate import MAX_PARTS, Candidate
from assay.wire.gemini.fields import NAME, left_over, normalised
from assay.wire.gemini.framing import StreamSplitter
from assay.wire.gemini.parts import read_call, read_plain
from assay.wire.gemini.usage import read_usage
from assay.wire.said import read_error_value

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 512 * 1024 * 1024

STOP_REASONS: dict[str, StopReason] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
"""All others of the protocol, such as ``MALFORMED_FUNCTION_CALL``, are ``other``."""

_NOTHING = (b"", b"[DONE]")
"""What some servers end or pad a stream with."""

_OF_DOCUMENT = frozenset(("candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback", "error"))


_NO_USAGE = msgspec.Raw(b"")


class _Words(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    text: str
    thought: bool = False


class _Content(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    parts: tuple[_Words]
    role: str = ""


class _Candidate(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: _Content
    index: int = 0


class _Delta(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """By far the most chunks: one piece of text, or of thought, of one candidate."""

    candidates: tuple[_Candidate]
    usage_metadata: msgspec.Raw = _NO_USAGE
    model_version: str = ""
    response_id: str = ""
    create_time: str = ""


_decode_delta = msgspec.json.Decoder(_Delta).decode


class EventReader:
    """Feed it bytes, and it gives the events that they complete; then close it, and it says whether the answer was whole.

    The protocol need not number its calls; those without an id get ``call_<end of seed>_<number>``.
    """

    def __init__(self, *, stream: bool, seed: str = ""):
        self._splitter = StreamSplitter() if stream else None
        self._document = bytearray()
        self._most = MAX_STREAM_BYTES if stream else MAX_DOCUMENT_BYTES
        self._size = 0
        self._seed = seed[-20:]
        self._calls = 0
        self._started = False
        self._choices: dict[int, Candidate] = {}
        self._usage: Usage | None = None
        self._usage_raw = _NO_USAGE

    def feed(self, data: bytes, at_ns: int = 0) -> list[Event]:
        """The events that ``data`` completes, all stamped with ``at_ns``.

        Raises:
            StreamError: the upstream reported an error. ``events`` of either holds what came before it.
            StreamBroken: these bytes are not the protocol's.
        """
        self._size += len(data)
        if self._size > self._most:
            raise StreamBroken("wire.answer_too_large", f"The upstream's answer has more than {self._most} bytes.")
        if self._splitter is None:
            self._document += data
            return []
        return self._read(self._splitter.feed(data), at_ns)

    def close(self, at_ns: int = 0) -> list[Event]:
        """The last events.

        Raises:
            StreamBroken: ``wire.stream_broken``: the answer ended without saying that it had.
            StreamError: as by ``feed``.
        """
        last = self._splitter.close() if self._splitter is not None else [bytes(self._document)]
        events = self._read(last, at_ns)
        if not self._choices or any(choice.reason is None for choice in self._choices.values()):
            error = StreamBroken("wire.stream_broken", "The upstream's answer ended without a finish reason.")
            error.events = events
            raise error
        for choice in self._choices.values():
            choice.stop(events, at_ns)
        return events

    def _read(self, documents: list[bytes], at_ns: int) -> list[Event]:
        events: list[Event] = []
        try:
            for document in documents:
                if self._started and self._read_delta(document, events, at_ns):
                    continue
                if document not in _NOTHING:
                    self._read_document(document, events, at_ns)
        except StreamFailed as error:
            error.events = events
            raise
        return events

    def _read_delta(self, document: bytes, events: list[Event], at_ns: int) -> bool:
        """Read one piece of the part that is open. False: it is more than that, and has not been read."""
        try:
            delta = _decode_delta(document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        candidate = delta.candidates[0]
        choice = self._choices.get(candidate.index)
        words = candidate.content.parts[0]
        if choice is None or not choice.grow(words.text, events, at_ns, thought=words.thought):
            return False
        raw = delta.usage_metadata
        if raw not in (_NO_USAGE, self._usage_raw):
            self._usage_raw = raw
            self._report(read_usage(_object(_decoded(bytes(raw)), "usageMetadata")), events, at_ns)
        return True

    def _read_document(self, data: bytes, events: list[Event], at_ns: int) -> None:
        document = _parse(data)
        if not self._started and (document.get("candidates") or "promptFeedback" in document or "responseId" in document):
            self._started = True
            events.append(_started(document, at_ns))
        candidates = document.get("candidates")
        if candidates:
            if type(candidates) is not list:
                raise _bad("candidates", "a list")
            for candidate in candidates:
                self._read_candidate(candidate, events, at_ns)
        feedback = document.get("promptFeedback")
        if feedback and not candidates:
            self._read_blocked(_object(feedback, "promptFeedback"))
        usage = document.get("usageMetadata")
        if usage is not None:
            self._report(read_usage(_object(usage, "usageMetadata")), events, at_ns)

    def _report(self, usage: Usage, events: list[Event], at_ns: int) -> None:
        if usage != self._usage:
            self._usage = usage
            events.append(UsageReported(usage=usage, at_ns=at_ns))

    def _read_blocked(self, feedback: Json) -> None:
        """A prompt that was blocked has no candidates, and stops at once."""
        reason = feedback.get("blockReason")
        if type(reason) is not str:
            return
        choice = self._choice(0)
        choice.reason = reason
        choice.meaning = "content_filter"
        choice.extra["promptFeedback"] = feedback

    def _choice(self, number: int) -> Candidate:
        if number not in self._choices:
            self._choices[number] = Candidate(number)
        return self._choices[number]

    def _read_candidate(self, value: object, events: list[Event], at_ns: int) -> None:
        candidate = _object(value, "candidates[]")
        number = candidate.pop("index", 0)
        if type(number) is not int or not 0 <= number < MAX_PARTS:
            raise _bad("candidates[].index", "a small whole number")
        choice = self._choice(number)
        content = candidate.pop("content", None)
        if content is not None:
            parts = _object(content, "candidates[].content").get("parts") or ()
            if type(parts) is dict:
                parts = [parts]
            if type(parts) not in (list, tuple):
                raise _bad("candidates[].content.parts", "a list")
            for part in parts:
                self._read_part(choice, _object(part, "candidates[].content.parts[]"), events, at_ns)
        reason = candidate.pop("finishReason", None)
        if reason is not None:
            if type(reason) is not str:
                raise _bad("candidates[].finishReason", "a string")
            choice.reason = reason
            choice.meaning = STOP_REASONS.get(reason, "other")
        for key, value in candidate.items():
            if value is not None:
                choice.extra[key] = value

    def _read_part(self, choice: Candidate, fields: Json, events: list[Event], at_ns: int) -> None:
        try:
            signature = take_str(fields, "thoughtSignature")
            if fields.get("functionCall") is not None:
                call_id, call = read_call(fields, "candidates[].content.parts[]")
                if call_id is None:
                    call_id = f"call_{self._seed}_{self._calls}"
                    self._calls += 1
                provider = NAME if signature is not None else None
                whole = msgspec.structs.replace(call, id=call_id, arguments="", signature=signature, provider=provider)
                choice.call(whole, call.arguments, events, at_ns)
                return
            part = read_plain(fields, "candidates[].content.parts[]")
        except InvalidInput as error:
            raise StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {error.message}") from None
        choice.read(part, signature, events, at_ns)


def _parse(data: bytes) -> Json:
    document = _object(_decoded(data), "the event") if not data.lstrip().startswith(b"[") else _only(_decoded(data))
    if document.get("error"):
        raise StreamError(_said(document))
    found: Json = normalised(document)
    return found


def _only(value: Any) -> Json:
    """An error may come as a list of one."""
    if type(value) is list and len(value) == 1:
        return _object(value[0], "the event")
    raise _bad("the event", "an object")


def _decoded(data: bytes) -> Any:
    try:
        return decode(data)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None


def _said(document: Json) -> UpstreamSaid:
    """Google's word for an error is its ``status``."""
    said = read_error_value(document)
    error = document.get("error")
    word = error.get("status") if type(error) is dict else None
    return msgspec.structs.replace(said, type=word[:200]) if type(word) is str and said.type is None else said


def _started(document: Json, at_ns: int) -> Started:
    upstream_id, model = document.get("responseId"), document.get("modelVersion")
    extra = {key: value for key, value in document.items() if key not in _OF_DOCUMENT and value is not None}
    return Started(
        id=upstream_id if type(upstream_id) is str and upstream_id else None,
        model=model if type(model) is str and model else None,
        extra=left_over(extra),
        at_ns=at_ns,
    )


def _object(value: object, where: str) -> Json:
    if type(value) is dict:
        return value
    raise _bad(where, "an object")


def _bad(where: str, expected: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {where} should be {expected}.")


def is_finished(last: bytes) -> bool:
    """Whether an answer came to its end, by the last bytes of its stream."""
    return b'"finishReason"' in last or b'"blockReason"' in last or b'"finish_reason"' in last


def read_events(chunks: Iterable[bytes], *, stream: bool, seed: str = "") -> list[Event]:
    """All events of an answer that is already here. Raises as `EventReader` does."""
    reader = EventReader(stream=stream, seed=seed)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.close()
