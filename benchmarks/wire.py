"""What a translation costs, without sockets: CPU microseconds of a request, of its answer, and of an event of a stream.

    python -m benchmarks.wire [--rounds N]

Every client's protocol over every upstream's, with the words of the gateway's benchmark; and a request as agents send it, with 20
tools and 40 calls that were answered. The least of all rounds counts, since whatever runs beside it only adds. To compare two
versions, run each with its own ``PYTHONPATH`` in turn, several times.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from assay.core import Deployment, Message, Provider, Request, Sampling, Text, Tool, ToolCall, ToolResult, Transcript
from assay.gateway.translate import Translated
from assay.gateway.upstream import Upstream, Way
from assay.wire.codecs import CODECS
from benchmarks.gateway_traffic import PROTOCOLS, answer, events, request

MODEL = "bench-model"
TURNS = 40
ANSWERS, STREAMS = 60, 6
_SAYING = "measured weighed compared and found to be what it says on the label, no more and no less "
_DEPLOYMENT = Deployment(id=f"bench/{MODEL}", provider="bench", model=MODEL, upstream_model=MODEL)
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    pairs = [(client, provider) for client in PROTOCOLS for provider in PROTOCOLS]
    columns = ["read", "write", "answer", "event", "agent read", "agent write"]
    print(f"{'client < upstream':38}" + "".join(f"{column:>12}" for column in columns))
    least: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for pair in pairs:
            measured = measure(*pair)
            least[pair] = [min(both) for both in zip(least.get(pair, measured), measured, strict=True)]
    for (client, provider), measured in least.items():
        print(f"{client + ' < ' + provider:38}" + "".join(f"{us:12.2f}" for us in measured))


def measure(client: str, provider: str) -> list[float]:
    """The columns of one pair, in microseconds."""
    row = Provider(name="bench", title="Bench", protocol=provider, base_url="http://127.0.0.1:1", auth="none")
    way = Upstream(row, None).way(provider)
    read_us, write_us, waiting = _ask(client, way, [asked(client, number, stream=False) for number in range(ANSWERS)])
    bodies = [answer(provider, b"%012d" % number) for number in range(ANSWERS)]
    answer_us, _ = _each(lambda one: one[0].whole(one[1]), list(zip(waiting, bodies, strict=True)))
    _, _, waiting = _ask(client, way, [asked(client, number, stream=True) for number in range(STREAMS)], stream=True)
    streams = [events(provider, b"%012d" % number) for number in range(STREAMS)]
    stream_us, _ = _each(_stream, list(zip(waiting, streams, strict=True)))
    agent_read_us, agent_write_us, _ = _ask(client, way, [agent(client)] * 2)
    return [read_us, write_us, answer_us, stream_us / len(streams[0]), agent_read_us, agent_write_us]


def asked(client: str, number: int, *, stream: bool) -> bytes:
    """The body of a small request."""
    return request(client, MODEL, "sk-bench", number, stream=stream).body


def agent(client: str) -> bytes:
    """The body of an agent's request after many turns, of about 130 kB."""
    fields = {f"field_{number}": {"type": "string", "description": _SAYING} for number in range(6)}
    schema: dict[str, Any] = {"type": "object", "properties": fields, "required": ["field_0"], "additionalProperties": False}
    tools = tuple([Tool(name=f"tool_{number}", description=_SAYING * 8, parameters=schema) for number in range(20)])
    messages = [Message(role="system", parts=(Text(text=_SAYING * 100),)), Message(role="user", parts=(Text(text=_SAYING),))]
    for turn in range(TURNS):
        arguments = msgspec.json.encode({"field_0": _SAYING, "field_1": turn}).decode()
        call = ToolCall(id=f"call_{turn}", name=f"tool_{turn % len(tools)}", arguments=arguments)
        messages.append(Message(role="assistant", parts=(Text(text=_SAYING), call)))
        messages.append(Message(role="tool", parts=(ToolResult(id=call.id, parts=(Text(text=_SAYING * 20),)),)))
    transcript = Transcript(tuple(messages))
    whole = Request(model=MODEL, transcript=transcript, tools=tools, sampling=Sampling(max_tokens=500, temperature=0.5))
    return CODECS[client].write_request(whole).body


def _ask(client: str, way: Way, bodies: Sequence[bytes], *, stream: bool = False) -> tuple[float, float, list[Translated]]:
    """Read the client's requests, and write them for the upstream."""
    codec = CODECS[client]
    model, streamed = (MODEL, stream) if client == "gemini" else (None, None)  # where the address says both
    read_us, requests = _each(lambda body: codec.read_request(body, model=model, stream=streamed), bodies)
    write_us, translated = _each(lambda one: Translated(one, codec, way, _DEPLOYMENT, request_id="0199f3c2"), requests)
    return read_us, write_us, translated


def _stream(one: tuple[Translated, list[bytes]]) -> bytes:
    translated, pieces = one
    return b"".join([translated.feed(piece, 0) for piece in pieces]) + translated.finish()


def _each(work: Callable[[_Given], _Made], items: Sequence[_Given]) -> tuple[float, list[_Made]]:
    """CPU microseconds for each item, and what came of them."""
    gc.disable()
    began_ns = time.process_time_ns()
    made = [work(item) for item in items]
    used_ns = time.process_time_ns() - began_ns
    gc.enable()
    return used_ns / 1000 / len(items), made


if __name__ == "__main__":
    main()
