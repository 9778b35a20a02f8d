"""Where an upstream is, and the fixed first lines of a request to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from assay.core import InvalidInput
from assay.gateway.addresses import is_local

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"/[!-~]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True):
    """One server: a host and port, or a Unix socket. Connections are pooled by it. ``private``: it may be this machine, or in a
    private network.
    """

    host: str
    port: int
    tls: bool = False
    socket: str | None = None
    private: bool = False

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        return f"{self.authority}:{self.port}" if self._is_default_port else self.authority

    @property
    def authority(self) -> str:
        """Host and port as the Host header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self._is_default_port else f"{host}:{self.port}"

    @property
    def _is_default_port(self) -> bool:
        return self.port == _DEFAULT_PORTS["https" if self.tls else "http"]


def read_url(url: str) -> tuple[Origin, str]:
    """The server and the path of a base URL: ``http://``, ``https://``, or ``http+unix://%2Frun%2Fx.sock/v1``.

    Base URLs are written by admins, so a private address that stands in one is meant; a name that leads to one is not.

    Raises:
        InvalidInput: ``provider.base_url``: another scheme, no host, a user or password, a query, or control characters.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad_url(url, str(error)) from None
    path = parts.path.rstrip("/")
    if parts.username or parts.password:
        raise InvalidInput("provider.base_url", "A base URL must not hold a user or password.", hint="Give the key on its own.")
    if parts.query or parts.fragment:
        raise _bad_url(url, "it must not have a query or a fragment")
    if not parts.hostname and not parts.netloc:
        raise _bad_url(url, "it has no host")
    if not _TARGET.fullmatch(path or "/") or not parts.netloc.isascii() or not parts.netloc.isprintable():
        raise _bad_url(url, "it holds characters that a URL must escape")
    if parts.scheme == "http+unix":
        return Origin("localhost", 80, socket=unquote(parts.netloc)), path
    if parts.scheme not in _DEFAULT_PORTS:
        raise _bad_url(url, "its scheme must be http, https or http+unix")
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    return Origin(host, port or _DEFAULT_PORTS[parts.scheme], tls=is_tls, private=is_local(host)), path


def _bad_url(url: str, reason: str) -> InvalidInput:
    return InvalidInput(
        "provider.base_url",
        f"{url[:200]!r} is no base URL: {reason}.",
        hint="Write it like https://api.example.com/v1.",
        param="base_url",
    )


def write_head(method: str, origin: Origin, path: str, headers: Mapping[str, str]) -> bytes:
    """Request line and headers, without the empty line at the end, so that more headers can follow.

    Raises:
        InvalidInput: ``provider.path``, or as `write_lines` does.
    """
    if not _TARGET.fullmatch(path):
        raise InvalidInput("provider.path", f"{path!r} is no request path.", param="path")
    return f"{method} {path} HTTP/1.1\r\nhost: {origin.authority}\r\n".encode("ascii") + write_lines(headers)


def write_lines(headers: Mapping[str, str]) -> bytes:
    """Header lines.

    Raises:
        InvalidInput: ``provider.header``: a name or value that would break out of its line.
    """
    lines = []
    for name, value in headers.items():
        raw_name, raw_value = name.encode(), value.encode()
        if not _TOKEN.fullmatch(raw_name) or not _VALUE.fullmatch(raw_value):
            # The value is left out: it may be a key.
            raise InvalidInput(
                "provider.header",
                f"Header {name!r} holds characters that HTTP does not allow.",
                hint="Remove line breaks.",
                param=name,
            )
        lines.append(b"%b: %b\r\n" % (raw_name, raw_value))
    return b"".join(lines)
