"""What every provider's front refuses before it reads a body: headers that come twice, other content, keys in the wrong place."""

from __future__ import annotations

from collections import Counter

from tests.upstream.rules.strict import Broken

_SINGLE = ("host", "content-length", "content-type", "authorization", "x-api-key", "x-goog-api-key", "user-agent", "accept")


def check_http(protocol: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """Raise `Broken` for a head that a server refuses."""
    count = Counter(name for name, _ in headers)
    for name in _SINGLE:
        if count[name] > 1:
            raise Broken(f"Duplicate {name!r} header found.")
    if "host" not in count:
        raise Broken("the host header is missing")
    kind = dict(headers).get("content-type", "").split(";")[0]
    if kind not in ("application/json", "multipart/form-data"):
        raise Broken("the content type is not application/json")


def key_of(protocol: str, headers: list[tuple[str, str]], query: dict[str, str]) -> str | None:
    """The key of a request, from where the protocol has it. Two different ones are none."""
    said = dict(headers)
    bearer = said.get("authorization", "").removeprefix("Bearer ") or None
    match protocol:
        case "anthropic":
            keys = {bearer, said.get("x-api-key")}
        case "gemini":
            keys = {said.get("x-goog-api-key"), query.get("key")}
        case _:
            keys = {bearer}
    keys.discard(None)
    return keys.pop() if len(keys) == 1 else None
