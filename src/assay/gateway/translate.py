"""Two protocols: a request is read in the client's and written in the upstream's, its answer the other way round.

Whatever the second protocol has no word for is listed, in the answer's header and on the call; nothing is dropped in silence.
"""

from __future__ import annotations

import time

import msgspec

from assay.core import AssayError, Deployment, Event, PartOpened, Request, Started, Text, Thinking, UsageReported
from assay.gateway.dialect import Asked, read_fields
from assay.gateway.upstream import Way
from assay.wire import gemini, openai_chat, openai_responses
from assay.wire.codec import Codec
from assay.wire.codecs import UPSTREAM_CODECS
from assay.wire.errors import StreamFailed
from assay.wire.handover import Handover
from assay.wire.losses import Losses, Written
from assay.wire.names import fit_names, unfit
from assay.wire.turns import answer_calls


def write_for(way: Way, request: Request, model: str, max_output: int | None = None) -> Written:
    """``request`` as this provider wants it, in the words of its protocol and of its dialect.

    ``model`` is the provider's name for it, ``max_output`` the most tokens that it can say, where that is known.
    """
    losses = Losses()
    asked = msgspec.structs.replace(request, model=model, transcript=answer_calls(request.transcript, losses))
    prepared, unspelled = way.dialect.prepare(asked, max_output=max_output)
    if way.protocol == openai_chat.NAME:
        known = way.offer.extensions
        written = openai_chat.write_request(prepared, extensions=openai_chat.COMMON if known is None else known)
    else:
        written = UPSTREAM_CODECS[way.protocol].write_request(prepared)
    met = (*losses.listed, *unspelled, *written.losses)
    if way.dialect.leaves(request):
        return Written(written.body, tuple(dict.fromkeys(met)))
    bent = way.dialect.write(Asked(read_fields(written.body), model, request.stream), model)
    return Written(bent.body, tuple(dict.fromkeys((*met, *bent.losses))))


_ANNOUNCED = Started | UsageReported


class Translated:
    """One request that is translated, and its answer.

    That an answer begins is told with the first of its content: a provider that is overloaded often says so right after the
    beginning, and then the client can still be told with a status of its own, which its SDK knows how to retry.

    ``events`` are all that came; ``kept`` what the client cannot carry; ``response_id`` is how it may continue, if it may.
    """

    __slots__ = (
        "_codec",
        "_handover",
        "_held",
        "_names",
        "_reader",
        "_unframe",
        "_writer",
        "body",
        "events",
        "failed",
        "losses",
        "request",
        "response_id",
    )

    def __init__(
        self, request: Request, codec: Codec, way: Way, deployment: Deployment, *, request_id: str, remembers: bool = False
    ):
        self.request = request
        self._codec = codec
        self.events: list[Event] = []
        self.failed: StreamFailed | None = None
        fitted, self._names = fit_names(request)
        written = write_for(way, fitted, deployment.upstream_model, deployment.max_output)
        self.body = written.body
        self.losses = (*written.losses, *(["renamed:tools[].name"] if self._names else ()))
        answer_id = request_id.replace("-", "")
        self.response_id = f"resp_{answer_id}" if remembers else None
        self._reader = UPSTREAM_CODECS[way.protocol].EventReader(stream=request.stream, seed=answer_id)
        self._writer = codec.EventWriter(request, id=answer_id, created=int(time.time()))
        self._handover = Handover(way.protocol, codec.NAME, self._writer.losses)
        self._unframe = way.unframe() if request.stream else None
        self._held: list[Event] | None = []

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Seals by the ids of tool calls, where the client's protocol has no slot for them."""
        return getattr(self._writer, "kept", [])

    @property
    def answer_losses(self) -> tuple[str, ...]:
        """What of the answer could not be said."""
        return self._writer.losses.listed

    def whole(self, body: bytes) -> bytes:
        """A whole answer for the client. Raises `StreamFailed`."""
        self._held = None
        events = self._reader.feed(body)
        events += self._reader.close()
        return self._write(events) + self._writer.close()

    def feed(self, data: bytes, at_ns: int) -> bytes:
        """What of a stream can go on to the client; after a fault (``failed``), what came before it."""
        if self._unframe is not None:
            data = self._unframe(data)
        try:
            return self._write(self._reader.feed(data, at_ns))
        except StreamFailed as failed:
            self.failed = failed
            return self._write(failed.events)

    def finish(self) -> bytes:
        """The end of a stream that came whole. Raises `StreamFailed`."""
        return self._write(self._reader.close(time.monotonic_ns())) + self._writer.close()

    def fail(self, error: AssayError, request_id: str) -> bytes:
        """The bytes that end a stream which broke off. Two protocols must know how far it had come."""
        if isinstance(self._writer, openai_responses.EventWriter | gemini.EventWriter):
            return self._writer.fail(error, request_id)
        return self._codec.write_stream_error(error, request_id)

    def _write(self, events: list[Event]) -> bytes:
        self.events += events
        if self._held is not None:
            self._held += events
            if all(map(_says_nothing, self._held)):
                return b""
            events, self._held = self._held, None
        events = self._handover.pass_on(events)
        if self._names:
            events = [unfit(event, self._names) for event in events]
        if len(events) == 1:
            return self._writer.write(events[0])
        return b"".join(map(self._writer.write, events))


def _says_nothing(event: Event) -> bool:
    """Whether an event only says that something will come."""
    if isinstance(event, PartOpened):
        part = event.part
        if isinstance(part, Thinking):
            return not (part.text or part.signature or part.redacted)
        return isinstance(part, Text) and not part.text
    return isinstance(event, _ANNOUNCED)
