"""A strict, scripted provider of Chat Completions: a real HTTP server on the loopback address, in a thread of its own.

It speaks HTTP by hand, so that it can do what a decent server never does: cut a socket inside an event, send a byte at a time,
fall silent, and notice the moment when a client goes away. `tests.chat_rules` says what it accepts, `tests.chat_scripts` how
it answers. Everything that arrived is in `ScriptedUpstream.requests`, byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.chat_rules import Broken, check_request
from tests.chat_scripts import SCRIPTS, Answer, Json, Script, Status, refuse, script_of

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass
class Received:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Left(Exception):
    """The client closed its connection before the answer was whole."""


class ScriptedUpstream:
    """Enter it with ``with`` or ``async with``; ``url`` is a base URL, as a provider's row has it.

    ``key`` is the only key that it takes; None takes any and none. ``started``, ``finished`` and ``aborted`` count answers;
    an aborted one is one whose client went away first. ``complaints`` are the rules that requests broke.
    """

    def __init__(self, *, key: str | None = "sk-upstream", scripts: dict[str, Script] | None = None):
        self.key = key
        self.scripts = dict(scripts or {})
        self.requests: list[Received] = []
        self.complaints: list[str] = []
        self.started = self.finished = self.aborted = 0
        self.url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="scripted upstream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        self._thread.join(10)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *error: Any) -> None:
        self._stop()
        await asyncio.to_thread(self._thread.join, 10)

    def _stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopping.set)

    @property
    def last(self) -> Received:
        """The latest question; the lists of models that were asked for do not count."""
        return next(one for one in reversed(self.requests) if one.method == "POST")

    async def until(self, condition: Callable[[ScriptedUpstream], bool], timeout_s: float = 5) -> None:
        """Wait for something to become true of this upstream, such as ``lambda upstream: upstream.aborted == 1``."""
        deadline = time.monotonic() + timeout_s
        while not condition(self):
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {self.started=} {self.finished=} {self.aborted=}"
            await asyncio.sleep(0.005)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._converse(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests one after another, until either side closes it."""
        early = b""
        try:
            while (request := await _read_request(reader, early)) is not None:
                self.requests.append(request)
                early = await self._respond(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, _Left):
            return
        finally:
            writer.close()

    async def _respond(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer, and watch for the end of the connection. Returns what came early of the next request."""
        self.started += 1
        leaving = asyncio.ensure_future(reader.read(1))
        working = asyncio.ensure_future(self._answer(request, writer))
        try:
            await asyncio.wait({leaving, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not leaving.result():
                raise _Left
            await working
            self.finished += 1
            return leaving.result() if leaving.done() else b""
        except (ConnectionError, _Left):
            self.aborted += 1
            raise
        finally:
            for task in (leaving, working):
                task.cancel()
            await asyncio.gather(leaving, working, return_exceptions=True)

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        answer = self._decide(request)
        if isinstance(answer, Status):
            headers = {"content-type": "application/json", **answer.headers}
            await _send(writer, _head(answer.status, {**headers, "content-length": str(len(answer.body))}) + answer.body)
            return
        await asyncio.sleep(answer.headers_after_s)
        body = request.json
        if body.get("stream"):
            await _stream(writer, body, answer)
        elif answer.fault in ("cut", "error"):
            await _send(writer, _head(200, {"content-type": "application/json", "content-length": "1000"}) + b'{"id":')
            writer.close()
        elif answer.fault == "stall":
            await asyncio.Event().wait()
        else:
            document = json.dumps(_document(body, answer), ensure_ascii=False).encode()
            await _send(writer, _head(200, {"content-type": "application/json", "content-length": str(len(document))}) + document)

    def _decide(self, request: Received) -> Answer | Status:
        if self.key is not None and request.header("authorization") != f"Bearer {self.key}":
            return refuse(401, "Incorrect API key provided.", "invalid_api_key")
        if (request.method, request.path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in {**SCRIPTS, **self.scripts}]
            return Status(200, json.dumps({"object": "list", "data": listed}).encode())
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return refuse(404, f"{request.method} {request.path} is not served here")
        try:
            if (request.header("content-type") or "").split(";")[0] != "application/json":
                raise Broken("the content type is not application/json")
            body = json.loads(request.body)
            check_request(body)
        except (Broken, ValueError) as error:
            self.complaints.append(str(error))
            return refuse(400, str(error))
        script = self.scripts.get(body["model"]) or script_of(body["model"])
        return script(body) if script is not None else refuse(404, f"There is no model {body['model']!r}.", "model_not_found")


async def _read_request(reader: asyncio.StreamReader, early: bytes) -> Received | None:
    """The next request of a connection; None when the client is done."""
    try:
        head = early + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = line.split(" ")
    headers = [(name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in fields)]
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(method, path, headers, await reader.readexactly(length))


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _about(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1763800000, "model": body["model"], "system_fingerprint": "fp_1"}


def _document(body: Json, answer: Answer) -> Json:
    """The whole answer: the deltas of each choice put together."""
    choices = []
    for number, deltas in enumerate(answer.choices):
        message: Json = {"role": "assistant", "content": None, "refusal": None}
        calls: dict[int, Json] = {}
        for delta in deltas:
            for key, value in delta.items():
                if key != "tool_calls":
                    message[key] = (message.get(key) or "") + value
                    continue
                for fragment in value:
                    call = calls.setdefault(fragment["index"], {key: inner for key, inner in fragment.items() if key != "index"})
                    if "id" not in fragment:
                        call["function"]["arguments"] += fragment["function"]["arguments"]
        if calls:
            message["tool_calls"] = list(calls.values())
        finish = None if answer.fault == "unfinished" else answer.finish
        choices.append({"index": number, "message": message, "logprobs": None, "finish_reason": finish})
    return {**_about(body, "chat.completion"), "choices": choices, "usage": answer.usage}


def _chunks(body: Json, answer: Answer) -> list[Json]:
    """The chunks of a stream, as OpenAI orders them."""
    about = _about(body, "chat.completion.chunk")
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    nothing = {"usage": None} if wants_usage else {}

    def chunk(number: int, delta: Json, finish: str | None = None) -> Json:
        return {**about, "choices": [{"index": number, "delta": delta, "logprobs": None, "finish_reason": finish}], **nothing}

    chunks = [chunk(number, {"role": "assistant", "content": ""}) for number in range(len(answer.choices))]
    longest = max(map(len, answer.choices))
    for step in range(longest):
        chunks += [chunk(number, deltas[step]) for number, deltas in enumerate(answer.choices) if step < len(deltas)]
    if answer.fault != "unfinished":
        chunks += [chunk(number, {}, answer.finish) for number in range(len(answer.choices))]
    if wants_usage:
        chunks.append({**about, "choices": [], "usage": answer.usage})
    return chunks


async def _stream(writer: asyncio.StreamWriter, body: Json, answer: Answer) -> None:
    headers = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
    await _send(writer, _head(200, headers))
    events = [b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n" for chunk in _chunks(body, answer)]
    events.append(b"data: [DONE]\n\n")
    if answer.fault in ("error", "cut", "stall"):
        await _send_pieces(writer, events[: len(answer.choices) + 1], answer.pace_s)
        if answer.fault == "stall":
            await asyncio.Event().wait()
        if answer.fault == "cut":
            await _send_pieces(writer, [events[-1][:9]], 0)
            writer.transport.abort()
            return
        events = [
            b'data: {"error": {"message": "scripted overload", "type": "server_error", "param": null, "code": "overloaded"}}\n\n'
        ]
    if answer.pacing == "burst":
        events = [b"".join(events)]
    elif answer.pacing == "bytes":
        events = [bytes([byte]) for byte in b"".join(events)]
    await _send_pieces(writer, events, answer.pace_s)
    await _send(writer, b"0\r\n\r\n")


async def _send_pieces(writer: asyncio.StreamWriter, pieces: list[bytes], pace_s: float) -> None:
    for piece in pieces:
        await _send(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
        if pace_s:
            await asyncio.sleep(pace_s)
