"""Events on their way through: whole, unchanged, and without the usage that only the gateway asked for."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.connection import Fault
from assay.gateway.stream import LARGEST_EVENT, EventPipe
from assay.wire.openai_chat import is_finished
from tests.gateway.rig import chunk, chunks

WORDS = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks(usage=False))
DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\n'
EVIL = b"data: " + json.dumps(chunk({"content": '"choices":[]\n\ndata: [DONE]\n\n"usage":{}'})).encode() + b"\n\n"


def feed(pipe: EventPipe, data: bytes, places: list[int]) -> list[bytes]:
    cuts = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [pipe.feed(data[start:end]) for start, end in itertools.pairwise(cuts)]


@given(st.lists(st.integers(0, 10_000), max_size=40), st.booleans(), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_chunking_passes_whole_events_and_the_same_bytes(places: list[int], hides: bool, end: bytes) -> None:
    """Each piece that comes out ends where an event ends, so that anything may be put between."""
    data = (b": comment\n\nevent: x\n" + WORDS + EVIL + DONE).replace(b"\n", end)
    pipe = EventPipe(hides_usage=hides)
    pieces = [piece for piece in feed(pipe, data, places) if piece]
    assert b"".join(pieces) == data
    assert all(piece.endswith(end * 2) for piece in pieces)
    assert is_finished(data)
    assert not pipe.rest


@given(st.lists(st.integers(0, 10_000), max_size=40), st.sampled_from([b"\n", b"\r\n"]))
def test_the_usage_chunk_is_taken_out_again_in_any_chunking(places: list[int], end: bytes) -> None:
    data = (WORDS + USAGE + DONE).replace(b"\n", end)
    assert b"".join(feed(EventPipe(hides_usage=True), data, places)) == (WORDS + DONE).replace(b"\n", end)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n',
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"choices":[], oh\n\n',
    ],
)
def test_what_only_looks_like_the_usage_chunk_stays(event: bytes) -> None:
    assert EventPipe(hides_usage=True).feed(event) == event


@pytest.mark.parametrize(
    ("data", "finished"),
    [
        (DONE, True),
        (b"data: " + json.dumps(chunk({}, "stop")).encode() + b"\n\n", True),
        (WORDS[:200], False),
        (b"data: " + json.dumps(chunk({"content": "hm"})).encode() + b"\n\n", False),
        (b"data: " + json.dumps(chunk({"content": '"finish_reason":"stop"'})).encode() + b"\n\n", False),
    ],
)
def test_an_end_is_told_from_a_stop_in_the_middle(data: bytes, finished: bool) -> None:
    assert is_finished(data) is finished


def test_a_long_event_in_small_pieces_takes_linear_time() -> None:
    """Sixteen thousand pieces: were all that is held looked at for each, this would take minutes."""
    pipe = EventPipe(hides_usage=False)
    piece = b"x" * 1000
    for _ in range(LARGEST_EVENT // 1000):
        assert pipe.feed(piece) == b""
    assert len(pipe.feed(b"\n\n")) == LARGEST_EVENT // 1000 * 1000 + 2


@pytest.mark.parametrize("protocol", ["openai_chat", "openai_responses"])
def test_fields_that_openais_sdk_stumbles_over_are_taken_out_and_words_like_them_stay(protocol: str) -> None:
    said = b'data: {"choices":[{"delta":{"content":"id: 5\\nretry: 6"}}]}'
    sent = b"id: 1\n" + said + b"\n\n" + said + b"\nid: 2\n\nretry: 3\n\n: c\nid: 4\n\nevent: ping\n\n"
    assert EventPipe(protocol, hides_usage=False).feed(sent) == said + b"\n\n" + said + b"\n\n: c\n\n"


def test_an_event_without_an_end_is_given_up() -> None:
    pipe = EventPipe(hides_usage=False)
    pipe.feed(b"data: " + b"x" * 1024 * 1024)
    with pytest.raises(Fault, match="larger than"):
        pipe.feed(b"x" * LARGEST_EVENT)
