"""The same protocol on both sides: bytes go through untouched.

Changed are the model's name, what the provider's row renames, drops or clamps, and a request for usage whose extra chunk is
taken out of the answer again. Towards Gemini's clients, which split on them, line separators are escaped.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from assay.core import AssayError
from assay.gateway.connection import Fault
from assay.gateway.dialect import Asked, Headers
from assay.gateway.stream import EventPipe, ListPipe, all_data, data_of
from assay.gateway.upstream import Way
from assay.wire import gemini, openai_responses
from assay.wire.codec import Codec
from assay.wire.document import decode
from assay.wire.errors import StreamError, StreamFailed
from assay.wire.said import read_error_value
from assay.wire.sse import escape_separators

_RESPONSE_ID = re.compile(rb'"id"\s*:\s*"(resp_[A-Za-z0-9_-]{1,200})"')
_HEAD_BYTES = 4096


class _Answer(msgspec.Struct):
    error: Any = None
    type: Any = None
    choices: list[msgspec.Raw] | None = None
    output: list[msgspec.Raw] | None = None
    content: list[msgspec.Raw] | None = None
    candidates: list[msgspec.Raw] | None = None

    @property
    def is_error(self) -> bool:
        """Some providers send failures with status 200. OpenAI's Responses hold ``"error": null`` beside their output."""
        answered = self.choices or self.output or self.content or self.candidates
        return self.error is not None and not answered


_answer = msgspec.json.Decoder(_Answer)


class Passed:
    """One request that is passed through, and its answer.

    ``remembers``: the client may continue the answer by its ``response_id``, which the provider itself does not keep.
    ``failed`` is what the provider has told the client itself, at the end of its stream.
    """

    __slots__ = ("_codec", "_first", "_last", "_pipe", "_remembers", "_unframe", "body", "failed", "losses", "response_id")

    def __init__(
        self,
        asked: Asked,
        codec: Codec,
        way: Way,
        upstream_model: str,
        forwarded: Headers = (),
        *,
        as_list: bool = False,
        remembers: bool = False,
    ):
        written = way.dialect.write(asked, upstream_model, forwarded)
        self._remembers = remembers
        self.body = written.body
        self.losses = written.losses
        self.response_id: str | None = None
        self._codec = codec
        self._unframe = way.unframe() if asked.stream else None
        self._pipe: EventPipe | ListPipe = ListPipe() if as_list else EventPipe(codec.NAME, hides_usage=written.hides_usage)
        self._first = self._last = b""
        self.failed: StreamFailed | None = None

    def whole(self, body: bytes) -> bytes:
        """A whole answer for the client.

        Raises:
            Fault: ``upstream.garbled``. StreamError: it is an error.
        """
        check_document(body)
        self._note_id(body)
        return escape_separators(body) if self._codec.NAME == "gemini" else body

    def feed(self, data: bytes, at_ns: int) -> bytes:
        """What of a stream can go on to the client.

        Raises:
            Fault: ``upstream.too_large``. StreamError: its very first event is an error.
        """
        if self._unframe is not None:
            data = self._unframe(data)
        passed = self._pipe.feed(data)
        if passed:
            if not self._last:
                self._begin(passed)
            # Finish reason, usage and end may come apart.
            self._last = passed if len(passed) > _HEAD_BYTES else self._last[-_HEAD_BYTES:] + passed
        return passed

    def finish(self) -> bytes:
        """The end of a stream that came whole, with or without a blank line after its last event.

        Raises:
            Fault: ``upstream.broke_off``. StreamError: it ended with an error that clients would not take for an end.
        """
        rest = self._pipe.rest
        passed = self.feed(b"\n\n", 0) if rest.strip() and _is_whole(rest) else b""
        if self._pipe.rest.strip():
            raise Fault("upstream.broke_off", "The stream ended before the answer did.")
        if not self._codec.is_finished(self._last):
            self._end_in_error()
        return passed + self._pipe.end()

    def fail(self, error: AssayError, request_id: str = "") -> bytes:
        """The end of a stream that broke off: an error in the client's protocol, which goes on from what was passed."""
        if isinstance(self._pipe, ListPipe):
            return gemini.write_stream_error(error, request_id, alt="json", begun=self._pipe.has_begun)
        if self._codec.NAME != openai_responses.NAME or not self._last:
            return self._codec.write_stream_error(error, request_id)
        return openai_responses.end_in_error(error, [*all_data(self._first)[:1], *all_data(self._last)[-1:]], request_id)

    def _end_in_error(self) -> None:
        """An upstream's own error is the end, and is not followed by one of ours."""
        last = all_data(self._last)
        error = _error_in(last[-1]) if last else None
        if error is None:
            raise Fault("upstream.broke_off", "The stream ended before the answer did.")
        if self._codec.NAME == openai_responses.NAME:
            # Its clients take only a failed response for an end.
            raise error
        self.failed = error

    def _begin(self, first: bytes) -> None:
        """An error that comes first can still be told with a status of its own."""
        self._first = first
        self._note_id(first[:_HEAD_BYTES])
        if b'"error"' in first[:_HEAD_BYTES]:
            data = all_data(first)[:1]
            if data and (error := _error_in(data[0])) is not None:
                raise error

    def _note_id(self, data: bytes) -> None:
        if self._remembers and (found := _RESPONSE_ID.search(data)) is not None:
            self.response_id = found[1].decode()


def _error_in(data: bytes) -> StreamError | None:
    """The error that an event is, if it is one: in an object of its own, or as OpenAI's event ``error`` has it."""
    try:
        answer = _answer.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if answer.is_error and not isinstance(answer.error, bool):
        return StreamError(read_error_value({"error": answer.error}))
    return StreamError(read_error_value({"error": decode(data)})) if answer.type == "error" else None


def _is_whole(rest: bytes) -> bool:
    """Whether an event that the stream ended with was whole, and lacks only its blank line."""
    data = data_of(rest)
    if not data:
        return True
    try:
        _answer.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return data == b"[DONE]"
    return True


def check_document(body: bytes) -> None:
    """Whether a whole answer is one.

    Raises:
        Fault: ``upstream.garbled``. StreamError: it is an error.
    """
    try:
        answer = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Fault("upstream.garbled", "The answer is not a JSON object.") from None
    if answer.is_error:
        raise StreamError(read_error_value({"error": answer.error}))
