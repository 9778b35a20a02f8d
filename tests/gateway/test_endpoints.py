"""What is no conversation, over real sockets: forms as they should not be, answers that break, keys that are repeated."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from assay.core import InvalidInput
from assay.gateway.endpoints import Form
from assay.store import Database
from tests.gateway.rig import Reply, Running, Wire, request, running, told, until

pytestmark = pytest.mark.anyio
SOUND = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
SPEAK = b'{"model":"up/m","voice":"alloy","input":"Good day."}'


async def ask(gateway: Running, endpoint: str, body: bytes, content_type: str = "application/json") -> Reply:
    key = f"Bearer {gateway.key}"
    return await gateway.ask("POST", f"/v1/audio/{endpoint}", body, content_type=content_type, authorization=key)


def form(*parts: tuple[bytes, bytes], boundary: bytes = b"b") -> bytes:
    head = b'--%b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return b"".join(head % (boundary, name, value) for name, value in parts) + b"--%b--\r\n" % boundary


async def never(wire: Wire) -> None:
    raise AssertionError("the upstream was asked")


async def mirror(wire: Wire) -> None:
    await wire.request()
    await wire.answer({"text": "heard"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nup/m', "request.form"),
        (b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nup/m\r\n', "request.form"),
        (form((b"model", b"up/m"), (b"model", b"up/dearer")), "request.model"),
        (form((b"file", b"x")), "request.model"),
        (form((b"file", b"\r\n--bx\r\n")), "request.form"),
        (form(*[(b"n%d" % number, b"x") for number in range(1001)], (b"model", b"up/m")), "request.form"),
        (b"--b\r\nx: " + b"y" * 9000 + b'\r\ncontent-disposition: form-data; name="model"\r\n\r\nup/m\r\n--b--', "request.form"),
        (b"", "request.model"),
        (b"\r\n--b" * 2_000_000, "request.form"),
        (b"--b" * 4_000_000, "request.model"),
    ],
    ids=["open", "unended", "two models", "no model", "no head", "many parts", "long head", "empty", "delimiters", "no delimiters"],
)
async def test_a_form_that_could_be_read_in_two_ways_is_refused_at_once(
    db: Database, tmp_path: Path, body: bytes, code: str
) -> None:
    async with told(never) as upstream, running(db, tmp_path, upstream.url) as gateway:
        began = time.monotonic()
        reply = await ask(gateway, "transcriptions", body, "multipart/form-data; boundary=b")
        assert (reply.status, reply.error["code"]) == (400, code)
        assert time.monotonic() - began < 20, "read again from every delimiter, it would take minutes"


@pytest.mark.parametrize(
    "hidden",
    [
        b'\r\n--b\r\ncontent-disposition: form-data;\r\n name="model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition: form-data; name="mod\\el"\r\n\r\nup/dearer',
        b"\r\n--b\r\ncontent-disposition: form-data; name='model'\r\n\r\nup/dearer",
        b"\r\n--b\r\ncontent-disposition: form-data; name*=utf-8''model\r\n\r\nup/dearer",
        b"\r\n--b\r\ncontent-disposition: form-data; name*0=mod; name*1=el\r\n\r\nup/dearer",
        b'\r\n--b\r\ncontent-disposition: form-data; name = "model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition : form-data; name="model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition: attachment; name="model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition: form-data; name="x"; name="model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition: form-data; name="x"\r\ncontent-disposition: form-data; name="model"\r\n\r\nup/dearer',
        b'\r\n--b\r\ncontent-disposition: form-data; name="x"\ncontent-disposition: form-data; name="model"\r\n\r\nup/dearer',
        b'\n--b\ncontent-disposition: form-data; name="model"\n\nup/dearer',
        b"\r\n--b\r\n\r\nup/dearer",
    ],
)
async def test_no_model_is_hidden_in_a_form_from_us_alone(hidden: bytes) -> None:
    """A key that is good for one model would be good for all, and the price would be another's."""
    whole = form((b"file", b"sound"), (b"model", b"up/m")).removesuffix(b"\r\n--b--\r\n")
    with pytest.raises(InvalidInput, match="The form"):
        Form.read(whole + hidden + b"\r\n--b--\r\n", b"multipart/form-data; boundary=b")


async def test_a_form_has_one_boundary() -> None:
    for content_type in (b"multipart/form-data; boundary=b; boundary=c", b"multipart/form-data; boundary=b; boundary*=c"):
        with pytest.raises(InvalidInput, match="boundary"):
            Form.read(form((b"model", b"up/m")), content_type)


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4',
        b"Content-Disposition: form-data; name=model",
        b'Content-Type: text/plain\r\nContent-Disposition:form-data;name="model" ',
        b'CONTENT-DISPOSITION: FORM-DATA; NAME="model"',
        b'Content-Disposition: form-data; filename="a; name=\\"b\\" \xc3\xa9.txt"; filename*=utf-8\'\'a; name="model"',
    ],
)
async def test_a_part_is_known_however_http_libraries_write_its_head(head: bytes) -> None:
    found = Form.read(b"--b\r\n%b\r\n\r\nup/m\r\n--b--\r\n" % head, b'multipart/form-data; charset=utf-8; boundary="b"')
    assert found is not None
    assert found.model == "up/m"


async def test_only_what_a_delimiter_divides_is_a_part(db: Database, tmp_path: Path) -> None:
    """A file that quotes a form, in the middle of a line, names no model."""
    quoted = b'a line --b\r\ncontent-disposition: form-data; name="model"\r\n\r\nup/other\r\n'
    body = b"a preamble\r\n" + form((b"file", quoted), (b"model", b"up/m"))
    async with told(mirror) as upstream, running(db, tmp_path, upstream.url) as gateway:
        reply = await ask(gateway, "transcriptions", body, 'multipart/form-data; Boundary="b"')
        assert reply.status == 200
        assert upstream.requests[0][1] == body.replace(b"\r\nup/m\r\n", b"\r\nm\r\n")


async def test_sound_that_breaks_off_is_cut_off(db: Database, tmp_path: Path) -> None:
    """Nothing may be taken for its end, and nothing is written into it."""

    async def breaking(wire: Wire) -> None:
        await wire.request()
        await wire.send(SOUND)
        await wire.event(b"half")
        wire.reset()

    async with told(breaking) as upstream, running(db, tmp_path, upstream.url) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request("POST", "/v1/audio/speech", SPEAK, authorization=f"Bearer {gateway.key}"))
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"4\r\nhalf\r\n")
        writer.close()
        call = await gateway.call()
        assert (call.outcome, call.error) == ("error", "upstream.broke_off")


async def test_a_key_in_a_streamed_answer_is_taken_out_even_where_it_is_cut(db: Database, tmp_path: Path) -> None:
    async def telling(wire: Wire) -> None:
        await wire.request()
        await wire.send(SOUND)
        for piece in (b"before sk-up", b"stre", b"am after", b" sk-upst", b"airs"):
            await wire.event(piece)
        await wire.end_stream()

    async with told(telling) as upstream, running(db, tmp_path, upstream.url) as gateway:
        reply = await ask(gateway, "speech", SPEAK)
        assert reply.body == b"before [key] after sk-upstairs"


async def test_who_leaves_before_an_answer_frees_the_upstream(db: Database, tmp_path: Path) -> None:
    async def silent(wire: Wire) -> None:
        await wire.request()
        await wire.until_closed()

    async with told(silent) as upstream, running(db, tmp_path, upstream.url) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request("POST", "/v1/embeddings", b'{"model":"up/m","input":"x"}', authorization=f"Bearer {gateway.key}"))
        await until(lambda: len(upstream.requests) == 1)
        writer.close()
        await until(lambda: upstream.left == 1)
        call = await gateway.call()
        assert (call.outcome, call.error) == ("cancelled", "client.left")
