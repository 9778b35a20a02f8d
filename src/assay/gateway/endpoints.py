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
from assay.gateway.dialect import Asked, read_asked
from assay.gateway.exchange import MAX_ANSWER_BYTES, Failed
from assay.gateway.faces import Asking
from assay.gateway.generation import free_unused, one_of
from assay.gateway.ledger import Ledger
from assay.gateway.recorder import Recorder
from assay.gateway.router import Candidate, Router, fate_of
from assay.gateway.snapshot import Pool, Snapshot
from assay.wire.openai_chat import read_usage

_BOUNDARY = re.compile(rb'(?i);\s*boundary="?([^";,\s]{1,70})"?')
_BOUNDARIES = re.compile(rb"(?i);\s*boundary[*\d]*\s*=")
_PARAMETER = rb';[ \t]*([\w-]+\*?)=("(?:[^"\\]|\\.)*"|[^";\\\s]*)'
_PARAMETERS = re.compile(_PARAMETER)
_PLAIN_NAME = re.compile(rb'"[\w .:/\[\]-]*"|[\w.:/\[\]-]*')
_DISPOSITION = re.compile(rb"(?i)content-disposition:[ \t]*form-data(?:%b)*" % _PARAMETER)
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

    def __init__(self, client: Client, recorder: Recorder, ledger: Ledger, router: Router, timeouts: Timeouts):
        self._client = client
        self._recorder = recorder
        self._ledger = ledger
        self._timeouts = timeouts
        self._router = router

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
        form, fields = Form.read(body, content_type), None
        if form is not None:
            model = form.model
        else:
            fields = read_asked(body, stream=False)
            model = fields.model
        passage = _Passage(asking, model, body, content_type, form, fields, asker, send, request_id, [])
        try:
            await unless_left(receive, self._pass(passage, snapshot.pool_for(asker, model)))
        except BaseException as error:
            if passage.running is not None:
                candidate, attempt = passage.running
                attempt.end(*_ENDINGS.get(type(error), ("error", "gateway.bug")))
                self._router.left(candidate)
                self._record(attempt)
            raise

    async def _pass(self, passage: _Passage, pool: Pool) -> None:
        """Ask one after the other, until one has answered or nobody is left; then tell the client."""
        plan = self._router.plan(pool, passage.asking.operation)
        candidate = plan.first()
        failures: list[Failed] = []
        while True:
            failed = await self._attempt(passage, candidate)
            if failed is None:
                self._router.succeeded(candidate)
                return
            failures.append(failed)
            fate = self._router.failed(candidate, failed.error)
            following = plan.next(candidate, failed.error, fate)
            if following is None:
                await self._tell(passage, failures)
                return
            candidate, pause_s = following
            await asyncio.sleep(pause_s)

    async def _attempt(self, passage: _Passage, candidate: Candidate) -> Failed | None:
        """One attempt; what went wrong before anything of an answer was told. It is on record if anybody was asked."""
        try:
            attempt = passage.attempt(candidate)
            body = passage.write(attempt)
            attempt.hold = await self._ledger.reserve(
                passage.asker,
                attempt.route.deployment,
                passage.fields,
                passage.body,
                again=bool(passage.asked),
                answers=attempt.operation != "embeddings",
            )
        except AssayError as error:
            return Failed(error)
        passage.asked.append(attempt)
        passage.running = candidate, attempt
        failed = await self._ask(passage, attempt, body)
        # At once: a client that has its answer may ask for the record of it.
        passage.running = None
        if failed is not None:
            free_unused(attempt, failed.error)
        self._record(attempt)
        return failed

    async def _ask(self, passage: _Passage, attempt: Attempt, body: bytes) -> Failed | None:
        operation, content_type = passage.asking.operation, passage.content_type
        try:
            response = await attempt.send(self._client, body, self._timeouts, operation=operation, content_type=content_type)
            while not await response.begin():
                pass
            attempt.begun()
            if response.status != 200:
                refusal = await attempt.refused(response)
                return Failed(refusal.error, refusal.status)
            await self._relay(attempt, response, passage.headers(), passage.send)
        except Fault as fault:
            return Failed(attempt.fail(fault))
        except AssayError as error:
            attempt.end("error", error.code)
            return Failed(error)
        return None

    async def _tell(self, passage: _Passage, failures: list[Failed]) -> None:
        """Say what went wrong. Raises: AssayError: nobody was asked."""
        if not passage.asked:
            raise failures[0].error
        last = failures[-1]
        told = last if fate_of(last.error) == "answered" else one_of(failures, passage.asked[-1], passage.names)
        await send_error(passage.send, passage.asking.codec, told.error, passage.request_id, told.status, passage.headers())

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


class _Passage(msgspec.Struct):
    """One request that is passed on. ``form`` is its body, where that is one, else ``fields``; ``asked`` are the attempts so far."""

    asking: Asking
    model: str
    body: bytes
    content_type: bytes
    form: Form | None
    fields: Asked | None
    asker: Asker
    send: Send
    request_id: str
    asked: list[Attempt]
    running: tuple[Candidate, Attempt] | None = None

    def attempt(self, candidate: Candidate) -> Attempt:
        """An attempt at it. Raises: NotFound: the provider does not offer this."""
        attempt = Attempt(
            candidate.route,
            asked=self.model,
            purpose="traffic",
            stream=False,
            client_protocol=self.asking.protocol,
            access=candidate.access,
            way=candidate.access.offering(self.asking.operation),
            request_id=self.request_id,
            id=None if self.asked else self.request_id,
            asker=self.asker,
        )
        attempt.operation = self.asking.operation
        attempt.events = []
        return attempt

    def write(self, attempt: Attempt) -> bytes:
        """The body for that deployment."""
        model = attempt.route.deployment.upstream_model
        if self.form is not None:
            return self.form.write(model)
        return attempt.way.dialect.write(read_asked(self.body, stream=False), model).body

    def headers(self) -> Headers:
        """What the client is told beside an answer."""
        return [(b"x-request-id", self.request_id.encode()), *self.asked[-1].told(len(self.asked))]

    @property
    def names(self) -> list[str]:
        """The deployments that were asked."""
        return [attempt.route.deployment.id for attempt in self.asked]


class Form(msgspec.Struct, frozen=True):
    """A form with files (RFC 7578). ``place`` is where its model's name stands, from and to."""

    body: bytes
    place: tuple[int, int]

    @classmethod
    def read(cls, body: bytes, content_type: bytes) -> Form | None:
        """None where the body is not a form.

        Raises:
            InvalidInput: ``request.form``: no boundary, too many parts, or one that others might read in another way.
                ``request.model``: no model in it, or several: the provider might take another than we do.
        """
        if not content_type.lower().startswith(b"multipart/form-data"):
            return None
        found = _BOUNDARY.search(content_type)
        if found is None or len(_BOUNDARIES.findall(content_type)) > 1:
            raise InvalidInput("request.form", "The form has no boundary, or several.", hint="Let your HTTP library write it.")
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
    """Of each part of a form that is named "model", where its content stands; None for the others."""
    mark = b"\r\n--" + boundary
    at = -2 if body.startswith(mark[2:]) else body.find(mark)
    if body.count(mark[1:]) != body.count(mark):
        raise _bad_form("has a line that begins like a part, after half a line break")
    if at == -1:
        return
    for _ in range(_MOST_PARTS):
        begin = at + len(mark)
        at = body.find(mark, begin)
        if at < 0:
            if not body.startswith(b"--", begin):
                raise _bad_form("has a part that never ends")
            return
        blank = body.find(b"\r\n\r\n", begin, min(at, begin + _LONGEST_HEAD))
        if blank < 0:
            raise _bad_form("has a part with no head that ends")
        yield (blank + 4, at) if _name_in(body[begin:blank]) == b"model" else None
    raise _bad_form(f"has more than {_MOST_PARTS} parts")


def _name_in(head: bytes) -> bytes:
    """The name of a part. What only some would read as one is refused: it might be that of a model which its asker may not use."""
    first, *lines = head.split(b"\r\n")
    if first.strip(b" \t") or any(line[:1] in b" \t" or b"\r" in line or b"\n" in line for line in lines):
        raise _bad_form("has a part whose head is not in plain lines")
    said = [line.rstrip(b" \t") for line in lines if line.lower().startswith(b"content-disposition")]
    given: list[tuple[bytes, bytes]] = _PARAMETERS.findall(said[0]) if len(said) == 1 and _DISPOSITION.fullmatch(said[0]) else []
    named = [(key.lower(), value) for key, value in given if key.lower().startswith(b"name")]
    if [key for key, _ in named] != [b"name"] or not _PLAIN_NAME.fullmatch(named[0][1]):
        raise _bad_form("has a part without one plain name")
    return named[0][1].strip(b'"').lower()


def _bad_form(reason: str) -> InvalidInput:
    return InvalidInput("request.form", f"The form {reason}.", hint="Let your HTTP library write the form.")


def _usage_in(answer: bytes) -> list[Event]:
    try:
        usage = _counted.decode(answer).usage
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return [UsageReported(usage=read_usage(msgspec.json.encode(usage)), at_ns=time.monotonic_ns())] if usage else []
