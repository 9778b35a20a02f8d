"""An endpoint hands its function what the signature asks for, and refuses the rest by name."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from starlette.requests import Request

from assay.api import Endpoint
from tests.board.reader import Reader

pytestmark = pytest.mark.anyio


class Size(msgspec.Struct):
    width: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5
    unit: Literal["mm", "inch"] = "mm"


class Box(msgspec.Struct, forbid_unknown_fields=True):
    label: str = "plain"
    sides: list[int] = []


class Made(msgspec.Struct):
    box: Box
    size: Size


async def make(request: Request, body: Box, query: Size) -> Made:
    """Make a box."""
    return Made(body, query)


async def weigh(request: Request, body: bytes) -> int:
    return len(body)


async def forget(request: Request) -> None:
    """Forget the box."""


@pytest.fixture
def api(anyio_backend: str) -> Reader:
    made = Endpoint("POST", "/box", make, status=201, largest=100)
    return Reader([made, Endpoint("POST", "/weight", weigh, largest=4), Endpoint("GET", "/forget", forget)])


async def test_a_body_and_a_query_arrive_as_their_types(api: Reader) -> None:
    reply = await api.post("/box?width=7&unit=inch&other=1", b'{"label": "red", "sides": [1, 2]}')
    assert reply.status == 201
    assert reply.json == {"box": {"label": "red", "sides": [1, 2]}, "size": {"width": 7, "unit": "inch"}}


async def test_what_is_not_sent_has_its_default(api: Reader) -> None:
    """Also an empty value in the query, and a body of nothing."""
    reply = await api.post("/box?width=&unit=")
    assert reply.json == {"box": {"label": "plain", "sides": []}, "size": {"width": 5, "unit": "mm"}}


@pytest.mark.parametrize(
    ("query", "body", "status", "code", "param"),
    [
        ("width=10", b"", 400, "api.bad_query", "width"),
        ("width=x", b"", 400, "api.bad_query", "width"),
        ("unit=" + "x" * 5000, b"", 400, "api.bad_query", "unit"),
        ("", b'{"label": 1}', 400, "api.bad_body", "label"),
        ("", b'{"sides": [1, "2"]}', 400, "api.bad_body", "sides"),
        ("", b'{"colour": "red"}', 400, "api.bad_body", None),
        ("", b"[]", 400, "api.bad_body", None),
        ("", b"{", 400, "api.bad_body", None),
        ("", b"\xff", 400, "api.bad_body", None),
        ("", b'{"label": "' + b"x" * 100 + b'"}', 413, "api.body_too_large", None),
    ],
)
async def test_anything_else_is_refused_by_name(
    api: Reader, query: str, body: bytes, status: int, code: str, param: str | None
) -> None:
    reply = await api.post(f"/box?{query}", body)
    assert (reply.status, reply.json["code"], reply.json.get("param")) == (status, code, param)
    assert reply.json["hint"]
    assert len(reply.json["detail"]) < 500


async def test_bytes_arrive_as_they_are(api: Reader) -> None:
    assert (await api.post("/weight", b"\xff\x00{}")).json == 4
    assert (await api.post("/weight", b"12345")).status == 413


async def test_nothing_is_an_empty_answer(api: Reader) -> None:
    assert await api.get("/forget") == (204, None)
