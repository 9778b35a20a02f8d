"""No bytes of a client or an upstream hang or crash a reader, and whatever can be read can be written in every protocol."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import strategies as st

from assay.core import Event, InvalidInput, Request, StopReason, fold
from assay.wire.carry import unseal
from assay.wire.codecs import CODECS, COUNTERS, UPSTREAM_CODECS, UPSTREAM_COUNTERS
from assay.wire.errors import StreamBroken, StreamFailed
from assay.wire.names import fit_names
from assay.wire.said import read_error
from assay.wire.sse import SseSplitter
from tests.wire.fuzzing import BYTES, REQUESTS, STREAMED, WHOLE, changed, changed_bytes, changed_stream, chunks, fuzz

PROTOCOLS = pytest.mark.parametrize("protocol", list(CODECS))
SCALES = pytest.mark.parametrize("examples", [60, pytest.param(10_000, marks=[pytest.mark.prove, pytest.mark.timeout(3600)])])
STOPS: tuple[StopReason, ...] = ("end", "length", "tool_calls")


@SCALES
@PROTOCOLS
def test_a_changed_request_is_read_and_written_or_refused(examples: int, protocol: str) -> None:
    """In every protocol; only bad input is an error."""
    codec = CODECS[protocol]

    def check(body: Any) -> None:
        try:
            request = codec.read_request(json.dumps(body).encode("utf-8", "surrogatepass"), model="m", stream=False)
        except InvalidInput:
            return
        _write_everywhere(request)
        with contextlib.suppress(InvalidInput):  # what was nonsense may still be
            codec.read_request(codec.write_request(request).body, model="m", stream=False)

    fuzz(examples, st.sampled_from(REQUESTS[protocol]).flatmap(changed), check)


def _write_everywhere(request: Request) -> None:
    fitted, _ = fit_names(request)
    for codec in UPSTREAM_CODECS.values():
        written = codec.write_request(fitted)
        assert type(json.loads(written.body)) is dict
        for loss in written.losses:
            assert loss.isprintable()
            assert loss.isascii()
    for counter in UPSTREAM_COUNTERS.values():
        assert json.loads(counter.write_count_request(fitted).body)


@SCALES
@PROTOCOLS
def test_a_request_with_changed_bytes_is_read_or_refused(examples: int, protocol: str) -> None:
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in REQUESTS[protocol]]

    def check(body: bytes) -> None:
        try:
            CODECS[protocol].read_request(body)
            CODECS[protocol].read_request(body, model="m", stream=True)
        except InvalidInput:
            pass
        if protocol in COUNTERS:
            with contextlib.suppress(InvalidInput):
                COUNTERS[protocol].read_count_request(body, model="m")

    fuzz(examples, st.sampled_from(bodies).flatmap(changed_bytes) | st.binary(max_size=99), check)


def _read(protocol: str, pieces: list[bytes], *, stream: bool) -> tuple[list[Event], str]:
    """The events, and the code of what was wrong; at most one error, and after it nothing is read."""
    reader = UPSTREAM_CODECS[protocol].EventReader(stream=stream, seed="5eed")
    events: list[Event] = []
    try:
        for piece in pieces:
            events += reader.feed(piece)
        events += reader.close()
    except StreamFailed as failed:
        return events + failed.events, failed.code
    return events, ""


def _write(protocol: str, events: list[Event], *, stream: bool) -> None:
    """Whatever was read, a client of the protocol can be told of it, up to where it breaks."""
    asked = json.dumps(REQUESTS[protocol][0]).encode()
    writer = CODECS[protocol].EventWriter(CODECS[protocol].read_request(asked, model="m", stream=stream), id="5eed", created=1)
    try:
        body = b"".join(writer.write(event) for event in events) + writer.close()
    except StreamBroken:
        return
    if not stream:
        assert type(json.loads(body)) is dict
    assert all(loss.isprintable() for loss in writer.losses.listed)


@SCALES
@PROTOCOLS
def test_a_changed_answer_is_read_and_written_in_every_protocol_or_is_a_fault(examples: int, protocol: str) -> None:
    def check(body: Any) -> None:
        events, _ = _read(protocol, [json.dumps(body).encode("utf-8", "surrogatepass")], stream=False)
        fold(events)
        for client in CODECS:
            for stream in (False, True):
                _write(client, events, stream=stream)

    fuzz(examples, st.sampled_from([json.loads(whole) for whole in WHOLE[protocol]]).flatmap(changed), check)


@SCALES
@PROTOCOLS
def test_a_changed_stream_means_the_same_in_any_chunking(examples: int, protocol: str) -> None:
    """The same events and the same fault, however the bytes are cut; and every client can be told of them."""

    def check(drawn: tuple[bytes, list[bytes]]) -> None:
        data, pieces = drawn
        events, fault = _read(protocol, [data], stream=True)
        assert _read(protocol, pieces, stream=True) == (events, fault)
        fold(events)
        for client in CODECS:
            for stream in (False, True):
                _write(client, events, stream=stream)

    streams = st.sampled_from(STREAMED[protocol]).flatmap(changed_stream)
    fuzz(examples, streams.flatmap(lambda data: st.tuples(st.just(data), chunks(data))), check)


@SCALES
@pytest.mark.parametrize("protocol", list(UPSTREAM_CODECS))
def test_hostile_bytes_are_an_answer_or_a_fault_in_any_chunking(examples: int, protocol: str) -> None:
    hostile = st.lists(st.sampled_from(BYTES) | st.binary(max_size=20), max_size=12)

    def check(pieces: list[bytes]) -> None:
        for stream in (False, True):
            assert _read(protocol, pieces, stream=stream) == _read(protocol, [b"".join(pieces)], stream=stream)

    fuzz(examples, hostile, check)


@SCALES
@pytest.mark.parametrize("protocol", list(UPSTREAM_COUNTERS))
def test_a_hostile_count_is_a_number_or_a_fault(examples: int, protocol: str) -> None:
    real = [b'{"input_tokens": 3}', b'{"totalTokens": 3}', b'{"inputTokens": 3, "x": [{}]}']

    def check(body: bytes) -> None:
        try:
            count = UPSTREAM_COUNTERS[protocol].read_count(body)
        except StreamBroken:
            return
        assert type(count) is int
        assert count >= 0
        if protocol in COUNTERS:
            assert COUNTERS[protocol].read_count(COUNTERS[protocol].write_count(count)) == count

    changed_values = (
        st.sampled_from([json.loads(one) for one in real]).flatmap(changed).map(lambda value: json.dumps(value).encode())
    )
    fuzz(examples, changed_values | st.sampled_from(real).flatmap(changed_bytes) | st.binary(max_size=50), check)


@SCALES
def test_an_error_is_read_from_any_bytes(examples: int) -> None:
    real = [
        b'{"error": {"message": "m", "type": "t", "code": 5, "details": [{"retryDelay": "3s"}]}}',
        b'[{"error": "x"}]',
        b'{"detail": [1]}',
    ]
    values = st.sampled_from([json.loads(one) for one in real]).flatmap(changed).map(lambda value: json.dumps(value).encode())

    def check(body: bytes) -> None:
        said = read_error(500, body)
        assert len(said.message) <= 2000
        said.message.encode()

    fuzz(examples, values | st.sampled_from(real).flatmap(changed_bytes) | st.binary(max_size=50), check)


@SCALES
def test_a_seal_is_opened_or_is_none(examples: int) -> None:
    sealed = b"assay.eyJ0aG91Z2h0cyI6W3sidHlwZSI6InRoaW5raW5nIiwidGV4dCI6ImEifV19"

    def check(slot: bytes) -> None:
        unseal(slot.decode("utf-8", "replace"))

    fuzz(examples, changed_bytes(sealed) | st.binary(max_size=50).map(lambda data: b"assay." + data), check)


@SCALES
def test_events_are_the_same_in_any_chunking(examples: int) -> None:
    lines = st.lists(
        st.sampled_from([b"data: a", b"data", b"data:", b"event: x", b"id: 1", b": c", b"", b"\xe2\x80\xa8", b"dat"]), max_size=20
    )
    ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
    data = st.tuples(lines, st.lists(ends, min_size=20, max_size=20)).map(
        lambda drawn: b"".join(line + end for line, end in zip(*drawn, strict=False))
    )

    def check(drawn: tuple[bytes, list[bytes]]) -> None:
        whole, pieces = drawn
        one, other = SseSplitter(), SseSplitter()
        expected = one.feed(whole) + one.close()
        assert [event for piece in pieces for event in other.feed(piece)] + other.close() == expected

    fuzz(examples, data.flatmap(lambda data: st.tuples(st.just(data), chunks(data))), check)
