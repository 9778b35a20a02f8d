"""Bytes over HTTP, through the proxy that the environment names, as they come."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from assay.core import InvalidInput

_TIMEOUT_S = 60
_PIECE = 1 << 18


class Reply(msgspec.Struct, frozen=True):
    """``length``: how many bytes are to come, where that was said."""

    status: int
    pieces: AsyncIterator[bytes]
    length: int | None = None


Get = Callable[[str, Mapping[str, str]], AbstractAsyncContextManager[Reply]]
"""Ask for an address with these headers. Raises `OSError` where it cannot be reached or breaks off."""


@asynccontextmanager
async def over_http(url: str, headers: Mapping[str, str]) -> AsyncIterator[Reply]:
    """A `Get` with what Python has. A token goes to the host that it is for, and to no host that this one leads to.

    Raises:
        InvalidInput: ``task.data_invalid``: no http or https address.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise InvalidInput("task.data_invalid", f"{url!r} is no https address.", param="url")
    response = await asyncio.to_thread(_open, url, headers)
    try:
        length = response.headers.get("Content-Length")
        yield Reply(response.status, _pieces(response), int(length) if length and length.isdigit() else None)
    finally:
        await asyncio.to_thread(response.close)


class _SameHost(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        onward = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # it passes them on
        if onward is not None and _origin(newurl) != _origin(req.full_url):
            onward.remove_header("Authorization")
        return onward


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _open(url: str, headers: Mapping[str, str]) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "assay", **headers})  # noqa: S310  # checked by the caller
    try:
        return urllib.request.build_opener(_SameHost).open(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        return error
    except http.client.HTTPException as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


async def _pieces(response: Any) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(response.read, _PIECE):
            yield piece
    except http.client.HTTPException as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
