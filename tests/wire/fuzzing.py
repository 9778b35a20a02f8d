"""Real requests and answers of every protocol, and what becomes of them in hostile hands.

Changes are drawn by hypothesis, so that a failure shrinks to the few that matter: values replaced by others of the same document
or by odd ones, fields taken away, renamed and repeated; bytes cut out, put in and moved; and any chunking.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.tongues.probes import PROBES, base
from tests.tongues.raw import body_of
from tests.tongues.rig import PROTOCOLS
from tests.upstream.script import Answer, Asked
from tests.upstream.scripts import script_of
from tests.upstream.speech import anthropic, chat, gemini, responses
from tests.upstream.speech.sse import document

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, "", " ", "x", "\0", "\u2028", "\U00020000",
    "data:image/png;base64,", "data:,", "assay.", "assay.e30", "assay.!!!", "e30=", [], {}, [None], [[]], [{}], {"": None},
    {"type": "text"}, {"type": None}, {"text": None}, [0, ""], {"error": {}}, {"error": "x"}, "{}", "[]", "{", '{"a":', "9" * 400,
]  # fmt: skip
BYTES = [b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b"\r", b"\n\n", b"\r\n\r\n", b": c\n", b"data:", b"data: ", b"event: error\n", b"id\n", b"[", b"{", b'"', b"\\", b"\\ud800", b"]", b"}", b",", b"[DONE]", b"NaN", b"\xef\xbb\xbf", b"0" * 99, b"[" * 300]  # fmt: skip

_SPEECH: dict[str, Any] = {"openai_chat": chat, "openai_responses": responses, "anthropic": anthropic, "gemini": gemini}
_MODELS = ("text", "tools", "think-tools", "think-redacted", "cited", "usage", "reasoning-field", "refusal", "length", "filter", "empty-tool", "separators")  # fmt: skip


def requests_of(protocol: str) -> list[dict[str, Any]]:
    """Requests that clients of the protocol send: a plain one, and one for each thing that the protocol can say."""
    found = [body_of(protocol, "m", tools=True)]
    for probe in PROBES:
        if put := probe.put.get(protocol):
            body = {"model": "m", **base(protocol)}
            put(body)
            found.append(body)
    return found


def answers_of(protocol: str) -> Iterator[tuple[bytes, bytes]]:
    """Answers of an upstream of the protocol, whole and streamed."""
    speech = _SPEECH[protocol]
    for model in _MODELS:
        asked: Asked = speech.read(body_of(protocol, model, tools=True), model, True)
        asked.thoughts = True
        script = script_of(model)
        assert script is not None
        answer = script(asked)
        assert isinstance(answer, Answer)
        yield document(speech.whole(asked, answer)), b"".join(event.data for event in speech.stream(asked, answer))


REQUESTS = {protocol: requests_of(protocol) for protocol in PROTOCOLS}
WHOLE = {protocol: [whole for whole, _ in answers_of(protocol)] for protocol in PROTOCOLS}
STREAMED = {protocol: [streamed for _, streamed in answers_of(protocol)] for protocol in PROTOCOLS}


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@st.composite
def changed(draw: st.DrawFn, document: Any, most: int = 4) -> Any:
    """``document`` with a few of its values changed."""
    value = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        places = [*_places(value)]
        path = places[draw(st.integers(0, len(places) - 1))]
        if not path:
            continue
        holder, key = _at(value, path[:-1]), path[-1]
        match draw(st.sampled_from(["odd", "other", "away", "twice", "renamed", "deep"])):
            case "odd":
                holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case "other":
                holder[key] = copy.deepcopy(_at(value, places[draw(st.integers(0, len(places) - 1))]))
            case "away":
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case "renamed" if isinstance(holder, dict):
                names = sorted({one[-1] for one in places if one and isinstance(one[-1], str)})
                holder[draw(st.sampled_from(names))] = holder.pop(key)
            case _:
                for _ in range(draw(st.sampled_from([1, 10, 140]))):
                    holder[key] = [holder[key]]
    return value


@st.composite
def changed_bytes(draw: st.DrawFn, data: bytes, most: int = 4) -> bytes:
    """``data`` with a few bytes cut out, put in, or moved."""
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 7, 50, 100_000])))
        put = draw(st.sampled_from(BYTES) | st.binary(max_size=4) | st.just(data[start:end] * 2))
        data = data[:start] + put + data[end:]
    return data


@st.composite
def changed_stream(draw: st.DrawFn, data: bytes) -> bytes:
    """A stream with values of its events changed, or events taken away, repeated and put elsewhere, and bytes changed."""
    events = data.replace(b"\r\n", b"\n").split(b"\n\n")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(events) - 1))
        head, mark, body = events[at].partition(b"data: ")
        match draw(st.sampled_from(["value", "away", "twice", "moved"])):
            case "value" if body.startswith(b"{"):
                new = json.dumps(draw(changed(json.loads(body))), ensure_ascii=False).encode("utf-8", "surrogatepass")
                events[at] = head + mark + new
            case "twice":
                events.insert(at, events[at])
            case "moved":
                events.insert(draw(st.integers(0, len(events) - 1)), events.pop(at))
            case _ if len(events) > 1:
                del events[at]
    ends = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    return draw(changed_bytes(b"\n\n".join(events).replace(b"\n", ends), most=2))


@st.composite
def chunks(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """``data`` in pieces of any sizes."""
    places = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=12))})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def one_of(*documents: Any, change: Callable[[Any], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the documents, changed."""
    return st.sampled_from(documents).flatmap(change)


def fuzz(examples: int, strategy: st.SearchStrategy[Any], check: Callable[[Any], object]) -> None:
    """Check so many examples, and name the smallest that fails."""

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy)
    def run(drawn: Any) -> None:
        note(f"{drawn!r:.4000}")
        check(drawn)

    run()
