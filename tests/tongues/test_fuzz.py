"""What the gateway itself reads of clients and upstreams, in hostile hands: addresses, bodies, forms, frames, streams that pass."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import Any

import pytest
from hypothesis import strategies as st

from assay.core import InvalidInput, NotFound, Provider, UpstreamBroken
from assay.gateway.connection import Fault
from assay.gateway.dialect import read_asked
from assay.gateway.endpoints import Form
from assay.gateway.faces import face_of, find_key, read_address
from assay.gateway.framing import AwsFrames
from assay.gateway.passing import Passed, check_document
from assay.gateway.stream import EventPipe, ListPipe
from assay.gateway.upstream import Upstream
from assay.wire.codecs import CODECS
from assay.wire.errors import StreamFailed
from tests.gateway.test_framing import frame, named
from tests.tongues.raw import ask, path_of
from tests.tongues.rig import PROTOCOLS, Tongues, deployment
from tests.wire.fuzzing import BYTES, REQUESTS, STREAMED, WHOLE, changed, changed_bytes, changed_stream, chunks, fuzz

SCALES = pytest.mark.parametrize("examples", [50, pytest.param(10_000, marks=[pytest.mark.prove, pytest.mark.timeout(3600)])])
EACH = pytest.mark.parametrize("protocol", PROTOCOLS)
SOUND = b"ID3\r\n\r\n--x\r\n" + bytes(range(256))
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nhear\r\n--x\r\nContent-Disposition: form-data; name="file"; '
    b'filename="a.mp3"\r\ncontent-type: audio/mpeg\r\n\r\n' + SOUND.replace(b"--x", b"--y") + b"\r\n--x--\r\n"
)
FRAMES = b"".join(
    frame(named(name), payload)
    for name, payload in (
        (b"messageStart", b'{"role":"assistant"}'),
        (b"contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"\u2028 界"}}'.encode()),
        (b"messageStop", b'{"stopReason":"end_turn"}'),
    )
)


def with_chunks(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    return data.flatmap(lambda drawn: st.tuples(st.just(drawn), chunks(drawn)))


@SCALES
@EACH
def test_a_stream_that_passes_means_the_same_in_any_chunking(examples: int, protocol: str) -> None:
    """Whole events only; for Gemini's clients nothing but data; and for OpenAI's nothing that has no data but comments."""

    def check(drawn: tuple[bytes, list[bytes]]) -> None:
        data, pieces = drawn
        for hides in (False, True):
            whole, cut = EventPipe(protocol, hides_usage=hides), EventPipe(protocol, hides_usage=hides)
            expected = _events(whole.feed(data) + b"\n\n" + whole.feed(b"\n\n"))
            passed = [cut.feed(piece) for piece in pieces]
            assert _events(b"".join(passed) + b"\n\n" + cut.feed(b"\n\n")) == expected
            for piece in passed:
                assert not piece or piece.endswith((b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r", b"\r\n\n", b"\n\r\n")), piece
            for event in expected:
                assert protocol != "gemini" or all(line.startswith(b"data: ") for line in event)

    fuzz(examples, with_chunks(st.sampled_from(STREAMED[protocol]).flatmap(changed_stream)), check)


def _events(data: bytes) -> list[list[bytes]]:
    """Lines of events, as any reader of the standard sees them."""
    blocks = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")
    return [lines for block in blocks if (lines := [line for line in block.split(b"\n") if line])]


@SCALES
def test_a_stream_as_an_array_is_one_array_in_any_chunking(examples: int) -> None:
    def check(drawn: tuple[bytes, list[bytes]]) -> None:
        data, pieces = drawn
        whole, cut = ListPipe(), ListPipe()
        expected = whole.feed(data) + whole.end()
        assert b"".join([cut.feed(piece) for piece in pieces]) + cut.end() == expected
        assert cut.rest == whole.rest

    fuzz(examples, with_chunks(st.sampled_from(STREAMED["gemini"]).flatmap(changed_stream)), check)
    pipe = ListPipe()
    assert type(json.loads(pipe.feed(STREAMED["gemini"][0]) + pipe.end())) is list


@SCALES
@EACH
@pytest.mark.parametrize("as_list", [False, True])
def test_an_answer_that_passes_ends_or_fails_in_its_own_protocol(examples: int, protocol: str, as_list: bool) -> None:
    """Whatever an upstream sends: events, then a proper end, or an error that goes on from what was passed."""
    if as_list and protocol != "gemini":
        return
    way = Upstream(Provider(name="up", title="Up", base_url="http://127.0.0.1:9/v1", protocol=protocol), "k").way(protocol)
    asked = read_asked(json.dumps(REQUESTS[protocol][0]).encode(), model="m", stream=True)

    def check(pieces: list[bytes]) -> None:
        passed = Passed(asked, CODECS[protocol], way, "m", as_list=as_list, remembers=True)
        told = b""
        try:
            for piece in pieces:
                told += passed.feed(piece, 0)
            told += passed.finish()
        except (Fault, StreamFailed) as failed:
            error = UpstreamBroken("upstream.broke_off", failed.message, call=None)  # type: ignore[arg-type]  # not looked at
            _check_end(passed.fail(error, "5eed"), failed.message, as_list)

    streams = st.sampled_from(STREAMED[protocol]).flatmap(changed_stream).flatmap(chunks)
    fuzz(examples, streams | st.lists(st.sampled_from(BYTES) | st.binary(max_size=9), max_size=9), check)


def _check_end(end: bytes, message: str, as_list: bool) -> None:
    assert json.dumps(message).encode()[1:20] in end
    assert end.endswith(b"]" if as_list else b"\n")


@SCALES
@EACH
def test_a_document_that_passes_is_an_answer_or_a_fault(examples: int, protocol: str) -> None:
    def check(body: bytes) -> None:
        with contextlib.suppress(Fault, StreamFailed):
            check_document(body)

    values = (
        st.sampled_from([json.loads(whole) for whole in WHOLE[protocol]])
        .flatmap(changed)
        .map(lambda value: json.dumps(value).encode())
    )
    fuzz(examples, values | st.sampled_from(WHOLE[protocol]).flatmap(changed_bytes) | st.binary(max_size=50), check)


@SCALES
@pytest.mark.parametrize("wrapped", [False, True])
def test_frames_of_aws_mean_the_same_in_any_chunking(examples: int, wrapped: bool) -> None:
    def feed(pieces: list[bytes]) -> tuple[bytes, bool]:
        frames = AwsFrames(wrapped=wrapped)
        told = b""
        try:
            for piece in pieces:
                told += frames.feed(piece)
        except Fault:
            return told, True
        return told, False

    def check(drawn: tuple[bytes, list[bytes]]) -> None:
        data, pieces = drawn
        whole, is_broken = feed([data])
        cut, was_broken = feed(pieces)
        assert is_broken == was_broken
        assert is_broken or cut == whole

    fuzz(examples, with_chunks(changed_bytes(FRAMES) | st.binary(max_size=60)), check)


@SCALES
def test_a_form_is_read_or_refused_and_nothing_but_the_model_is_changed(examples: int) -> None:
    types = st.sampled_from(
        [
            b"multipart/form-data; boundary=x",
            b'multipart/form-data; boundary="x"',
            b"multipart/form-data",
            b"MULTIPART/FORM-DATA;boundary=\xff",
            b"application/json",
        ]
    )

    def check(drawn: tuple[bytes, bytes]) -> None:
        body, content_type = drawn
        try:
            form = Form.read(body, content_type)
        except InvalidInput:
            return
        if form is not None:
            begin, end = form.place
            assert form.write("other") == body[:begin] + b"other" + body[end:]

    fuzz(examples, st.tuples(changed_bytes(FORM), types), check)
    form = Form.read(FORM, b"multipart/form-data; boundary=x")
    assert form is not None
    assert form.write("m") == FORM.replace(b"hear", b"m", 1)


@SCALES
@EACH
def test_a_body_is_taken_apart_or_refused(examples: int, protocol: str) -> None:
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in REQUESTS[protocol]]

    def check(body: bytes) -> None:
        with contextlib.suppress(InvalidInput):
            read_asked(body)
            read_asked(body, model="m", stream=False)

    fuzz(examples, st.sampled_from(bodies).flatmap(changed_bytes) | st.binary(max_size=99), check)


@SCALES
def test_an_address_is_known_or_not_found_whatever_it_holds(examples: int) -> None:
    pieces = st.sampled_from(
        [
            "/v1",
            "/v1beta",
            "/models",
            "/",
            ":",
            ":generateContent",
            ":countTokens",
            "chat",
            "/responses",
            "/messages",
            "%",
            "%ff",
            "%2f",
            "\0",
            "\r\n",
            "é",
            "..",
            "?",
        ]
    )
    names = st.sampled_from([b"authorization", b"x-api-key", b"x-goog-api-key", b"anthropic-version", b"accept"])
    headers = st.lists(st.tuples(names, st.binary(max_size=9) | st.sampled_from([b"Bearer", b"bearer  x", b"Basic x"])), max_size=4)
    queries = st.lists(st.sampled_from([b"key=", b"&", b"alt=sse", b"%ff", b"key=a%00", b"\xff", b"=", b"key=x"]), max_size=5).map(
        b"".join
    )

    def check(drawn: tuple[str, str, list[tuple[bytes, bytes]], bytes]) -> None:
        method, path, sent, query = drawn
        with contextlib.suppress(NotFound):
            assert read_address(method, path, query, sent).codec
        assert face_of(path, sent)
        key = find_key(sent, query)
        assert key is None or type(key) is bytes

    methods = st.sampled_from(["GET", "POST", "PUT", "HEAD"])
    fuzz(examples, st.tuples(methods, st.lists(pieces, max_size=6).map("".join), headers, queries), check)


@pytest.mark.anyio
@pytest.mark.parametrize("rounds", [10, pytest.param(2000, marks=[pytest.mark.prove, pytest.mark.timeout(3600)])])
async def test_hostile_bodies_over_real_sockets_are_answered_and_never_a_defect(
    tongues: Tongues, caplog: pytest.LogCaptureFixture, rounds: int
) -> None:
    """Requests of every protocol with bytes changed, to every provider, streamed and not: an answer or an error, never a 500."""
    chance = random.Random(rounds)
    for _ in range(rounds):
        cases = [(client, upstream, stream) for client in PROTOCOLS for upstream in PROTOCOLS for stream in (False, True)]
        asked = [_ask_changed(tongues, chance, *case) for case in chance.sample(cases, 8)]
        for heard in await asyncio.gather(*asked):
            assert heard.complete, heard
            assert heard.status in (200, 400, 404, 413), heard
            assert heard.status == 200 or heard.error is not None
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def _ask_changed(tongues: Tongues, chance: random.Random, client: str, upstream: str, stream: bool) -> Any:
    body = json.dumps(chance.choice(REQUESTS[client]) | {"model": deployment(upstream, "text")}).encode()
    if client != "gemini" and stream:
        body = body[:-1] + b',"stream":true}'
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(body))
        body = body[:at] + chance.choice(BYTES) + body[at + chance.choice([0, 1, 1, 5]) :]
    return await ask(
        tongues, client, "", body=body, path=path_of(client, deployment(upstream, "text"), stream=stream), stream=stream
    )
