"""What is no conversation: embeddings, pictures, speech and transcriptions, passed through to providers that have them.

Nothing is translated. The body goes on as it came, JSON or a form with files, but for the model's name; the answer comes back
as it is, whatever its type.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import msgspec

from assay.core import Asker, AssayError, Event, InvalidInput, Outcome, UsageReported
from assay.gateway.asgi import AnswerBroken, ClientLeft, Headers, Receive, Send, passable, send_answer, send_error, unless_left
from assay.gateway.attempt import Attempt
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Response, Timeouts
from assay.gateway.dialect import read_asked
from assay.gateway.exchange import MAX_ANSWER_BYTES
from assay.gateway.faces import Asking
from assay.gateway.recorder import Recorder
from assay.gateway.snapshot import Snapshot
from assay.wire.openai_chat import read_usage

_BOUNDARY = re.compile(rb'(?i);\s*boundary="?([^";,\s]{1,70})"?')
_MODEL = re.compile(rb'(?i)content-disposition:\s*form-data;[^\r\n]*\bname="?model"?(?:[;\r\n]|$)')
_MOST_PARTS = 1000
_LONGEST_HEAD = 8192
_TEXT = (b"application/json", b"text/", b"application/x-subrip")


_ENDINGS: dict[type[BaseException], tuple[Outcome, str]] = {
    ClientLeft: ("cancelled", "client.left"),
    asyncio.CancelledError: ("cancelled", "gateway.stopped"),
}


class _Counted(msgspec.Struct):
    usage: dict[str, msgspec.Raw] | None = None


_counted = msgspec.json.Decoder(_Counted)


class Endpoints:
    """Passes requests on to whoever offers the operation."""

    def __init__(self, client: Client, recorder: Recorder, timeouts: Timeouts):
        self._client = client
        self._recorder = recorder
        self._timeouts = timeouts

    async def answer(
        self,
        asking: Asking,
        body: bytes,
        content_type: bytes,
        snapshot: Snapshot,
        asker: Asker,
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> None:
        """Pass one request on, and its answer back.

        Raises:
            InvalidInput: no model is named. NotFound: there is no such model, or its provider does not offer this.
        """
        form = Form.read(body, content_type)
        asked = form.model if form is not None else read_asked(body, stream=False).model
        route = snapshot.find(asked)
        way = route.upstream.offering(asking.operation)
        model = route.deployment.upstream_model
        outgoing = form.write(model) if form is not None else way.dialect.write(read_asked(body, stream=False), model).body
        attempt = Attempt(
            route, asked=asked, purpose="traffic", stream=False, client_protocol=asking.protocol, way=way,
            request_id=request_id, id=request_id, asker=asker,
        )  # fmt: skip
        attempt.operation = asking.operation
        attempt.events = []
        try:
            await unless_left(receive, self._pass(attempt, asking, outgoing, content_type, send))
        except BaseException as error:
            attempt.end(*_ENDINGS.get(type(error), ("error", "gateway.bug")))
            self._record(attempt)
            raise

    async def _pass(self, attempt: Attempt, asking: Asking, body: bytes, content_type: bytes, send: Send) -> None:
        headers: Headers = [(b"x-request-id", attempt.request_id.encode())]
        try:
            response = await attempt.send(self._client, body, self._timeouts, operation=asking.operation, content_type=content_type)
            while not await response.begin():
                pass
            attempt.begun()
            if response.status != 200:
                refusal = await attempt.refused(response)
                await send_error(send, asking.codec, refusal.error, attempt.request_id, refusal.status)
            else:
                await self._relay(attempt, response, headers, send)
        except Fault as fault:
            await send_error(send, asking.codec, attempt.fail(fault), attempt.request_id)
        except AssayError as error:
            attempt.end("error", error.code)
            await send_error(send, asking.codec, error, attempt.request_id)
        # At once: a client that has its answer may ask for the record of it.
        self._record(attempt)

    def _record(self, attempt: Attempt) -> None:
        attempt.response = None
        self._recorder.record(attempt)

    async def _relay(self, attempt: Attempt, response: Response, headers: Headers, send: Send) -> None:
        """Text is read whole, for its usage; sound goes on as it comes, and is cut off where it breaks off."""
        content_type = passable(response.header(b"content-type")) or b"application/octet-stream"
        headers = [(b"content-type", content_type), *headers]
        upstream = attempt.route.upstream
        if content_type.startswith(_TEXT) and not content_type.startswith(b"text/event-stream"):
            answer = upstream.redact(await response.read_all(MAX_ANSWER_BYTES))
            attempt.events = _usage_in(answer)
            attempt.end("ok")
            await send_answer(send, 200, headers, answer)
            return
        redactor = upstream.redactor()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while (data := await response.read()) is not None:
                if data := redactor.feed(data):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
        except Fault as fault:
            attempt.fail(fault)
            raise AnswerBroken from fault
        attempt.end("ok")
        await send({"type": "http.response.body", "body": redactor.end()})


class Form(msgspec.Struct, frozen=True):
    """A form with files (RFC 7578). ``place`` is where its model's name stands, from and to."""

    body: bytes
    place: tuple[int, int]

    @classmethod
    def read(cls, body: bytes, content_type: bytes) -> Form | None:
        """None where the body is not a form.

        Raises:
            InvalidInput: ``request.form``: no boundary, too many parts, a part with too long a head. ``request.model``: no model in
                it, or several: the provider might take another than we do.
        """
        if not content_type.lower().startswith(b"multipart/form-data"):
            return None
        found = _BOUNDARY.search(content_type)
        if found is None:
            raise InvalidInput("request.form", "The form has no boundary.", hint="Let your HTTP library write the content type.")
        places = [place for place in _contents(body, found[1]) if place is not None]
        if len(places) == 1:
            return cls(body, places[0])
        raise InvalidInput(
            "request.model",
            "The field 'model' must name a model, once.",
            hint="GET /v1/models lists the models.",
            param="model",
        )

    @property
    def model(self) -> str:
        """The model's name."""
        begin, end = self.place
        return self.body[begin:end].decode("utf-8", "replace")

    def write(self, model: str) -> bytes:
        """The form with another model's name."""
        begin, end = self.place
        return self.body[:begin] + model.encode() + self.body[end:]


def _contents(body: bytes, boundary: bytes) -> Iterator[tuple[int, int] | None]:
    """Of each part of a form that is named "model", where its content stands; None for the others. A part that never ends is none."""
    mark = b"\r\n--" + boundary
    at = -2 if body.startswith(mark[2:]) else body.find(mark)
    if at == -1:
        return
    for _ in range(_MOST_PARTS):
        begin = at + len(mark)
        at = body.find(mark, begin)
        if at < 0:
            return
        blank = body.find(b"\r\n\r\n", begin, min(at, begin + _LONGEST_HEAD))
        if blank < 0:
            raise InvalidInput(
                "request.form", "A part of the form has no head that ends.", hint="Let your HTTP library write the form."
            )
        yield (blank + 4, at) if _MODEL.search(body, begin, blank) else None
    raise InvalidInput("request.form", f"The form has more than {_MOST_PARTS} parts.", hint="Send fewer.")


def _usage_in(answer: bytes) -> list[Event]:
    try:
        usage = _counted.decode(answer).usage
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return [UsageReported(usage=read_usage(msgspec.json.encode(usage)), at_ns=time.monotonic_ns())] if usage else []
