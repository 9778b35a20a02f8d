"""Splitting server-sent events: any chunking, any line end, and nothing else is a line end."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.wire import StreamBroken
from assay.wire.sse import SseEvent, SseSplitter, escape_separators


def split(chunks: list[bytes]) -> list[SseEvent]:
    splitter = SseSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.close()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


lines = st.sampled_from(
    [b"data: one", b"data:two", b"data", b": note", b"event: ping", b"id: 7", b"", b"data: \xe2\x80\xa8\xc2\x85"]
)


@given(st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"]))), st.lists(st.integers(0, 500), max_size=20))
@example([(b"data: x", b"\r\n"), (b"", b"\r\n")], [8, 9, 10])
def test_any_chunking_gives_the_same_events(written: list[tuple[bytes, bytes]], places: list[int]) -> None:
    data = b"".join(line + end for line, end in written)
    assert split(cut(data, places)) == split([data])
    assert split([bytes([byte]) for byte in data]) == split([data])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_line_end_of_the_standard_ends_a_line(end: bytes) -> None:
    assert split([end.join([b"event: a", b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])]) == [
        SseEvent(b"1\n2", b"a"),
        SseEvent(b"3"),
    ]


def test_unicode_separators_are_ordinary_text() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode()
    assert split([b"data: " + text + b"\n\n"]) == [SseEvent(text)]


def test_comments_ids_and_retry_times_are_no_events() -> None:
    assert split([b": keep-alive\n\nid: 1\n\nretry: 5\n\nevent: ping\n\n"]) == []


def test_a_last_event_without_its_blank_line_is_still_read() -> None:
    assert split([b"data: 1\n\ndata: [DONE]"]) == [SseEvent(b"1"), SseEvent(b"[DONE]")]


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_event_without_end_is_refused_before_it_fills_the_memory(size: int) -> None:
    splitter = SseSplitter(max_event_bytes=10_000)
    for _ in range(10_000 // size):
        splitter.feed(b"x" * size)
    with pytest.raises(StreamBroken) as raised:
        splitter.feed(b"x" * 5_000)
    assert raised.value.code == "wire.event_too_large"


def test_a_long_event_in_small_pieces_takes_linear_time() -> None:
    """Half a million one-byte reads of one event: with a search from the start each time this would take hours."""
    splitter = SseSplitter()
    for _ in range(500_000):
        splitter.feed(b"x")
    assert splitter.feed(b"\n\n") == []


@given(st.text())
@example("\u2028\u2029\u0085")
def test_escaped_separators_parse_to_the_same_text(text: str) -> None:
    written = escape_separators(json.dumps(text, ensure_ascii=False).encode())
    assert json.loads(written) == text
    assert not set("\u2028\u2029\u0085") & set(written.decode())
