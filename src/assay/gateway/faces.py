"""Which protocol a client speaks, and what it asks: told by the address alone, never by a Host header or a model's name."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from assay.core import NotFound
from assay.gateway.upstream import Operation
from assay.wire.codec import Codec
from assay.wire.codecs import CODECS

PREFIXES = ("/v1/", "/v1beta/")
"""What the gateway answers; everything else belongs to the page and its API."""


class Asking(msgspec.Struct, frozen=True):
    """What an address asks for. ``model`` and ``stream`` are None where the body says them.

    ``as_list``: Gemini's streams come as one JSON array unless ``alt=sse`` asks for events.
    """

    protocol: str
    operation: Operation
    model: str | None = None
    stream: bool | None = None
    as_list: bool = False

    @property
    def codec(self) -> Codec:
        """The client's protocol."""
        return CODECS[self.protocol]


_POSTS = {
    "/v1/chat/completions": Asking("openai_chat", "generate"),
    "/v1/responses": Asking("openai_responses", "generate"),
    "/v1/responses/input_tokens": Asking("openai_responses", "count_tokens"),
    "/v1/messages": Asking("anthropic", "generate"),
    "/v1/messages/count_tokens": Asking("anthropic", "count_tokens"),
    "/v1/embeddings": Asking("openai_chat", "embeddings"),
    "/v1/images/generations": Asking("openai_chat", "images"),
    "/v1/images/edits": Asking("openai_chat", "image_edits"),
    "/v1/audio/speech": Asking("openai_chat", "speech"),
    "/v1/audio/transcriptions": Asking("openai_chat", "transcription"),
    "/v1/audio/translations": Asking("openai_chat", "translation"),
}
_VERBS: dict[str, tuple[Operation, bool]] = {
    "generateContent": ("generate", False),
    "streamGenerateContent": ("generate", True),
    "countTokens": ("count_tokens", False),
}
_MODELS = "/models"


def read_address(method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]]) -> Asking:
    """What ``method`` and ``path`` ask for; ``path`` is free of escapes, as ASGI wants it.

    Raises:
        NotFound: ``route.not_found``.
    """
    if method == "POST":
        known = _POSTS.get(path)
        if known is not None:
            return known
        asking = _read_gemini(path, query)
        if asking is not None:
            return asking
    elif method == "GET":
        prefix = "/v1beta" if path.startswith("/v1beta/") else "/v1"
        rest = path[len(prefix) :]
        if rest == _MODELS or rest.startswith(_MODELS + "/"):
            return Asking(_lister(prefix, headers), "models", model=rest[len(_MODELS) + 1 :] or None)
    raise NotFound(
        "route.not_found",
        f"{method} {path[:200]!r} is not answered here.",
        hint=f"There are POST {', '.join(_POSTS)}, POST /v1beta/models/{{model}}:generateContent (and :streamGenerateContent, "
        ":countTokens), GET /v1/models and GET /v1beta/models.",
    )


def face_of(path: str, headers: list[tuple[bytes, bytes]]) -> Codec:
    """The protocol in which an error at ``path`` is told, whether or not anything is answered there."""
    if path.startswith("/v1beta/") or ":" in path.rpartition("/")[2]:
        return CODECS["gemini"]
    if path.startswith("/v1/messages"):
        return CODECS["anthropic"]
    if path.startswith("/v1/responses"):
        return CODECS["openai_responses"]
    return CODECS[_lister("/v1", headers)] if path.startswith("/v1/models") else CODECS["openai_chat"]


def find_key(headers: list[tuple[bytes, bytes]], query: bytes) -> bytes | None:
    """The gateway key, wherever the client's protocol puts it: a bearer token, ``x-api-key``, ``x-goog-api-key``, ``?key=``."""
    found = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            return key.strip() if scheme.lower() == b"bearer" else b""
        if name in _KEY_HEADERS:
            found = value
    if found is None and b"key=" in query:
        given = parse_qs(query.decode("latin-1")).get("key")
        found = given[0].encode("latin-1", "replace") if given else None
    return found


def find_header(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first header of this lower-case name."""
    return next((value for known, value in headers if known == name), None)


def forwarded(protocol: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a client's that a provider of the same protocol is to see, each once: lists that come in parts are joined."""
    wanted = _FORWARDED.get(protocol)
    if wanted is None:
        return []
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in wanted:
            found[name] = b"%b, %b" % (found[name], value) if name in found and name.endswith(b"-beta") else value
    return list(found.items())


_FORWARDED = {
    "anthropic": frozenset((b"anthropic-version", b"anthropic-beta")),
    "openai_responses": frozenset((b"openai-beta",)),
}
_KEY_HEADERS = frozenset((b"x-api-key", b"x-goog-api-key", b"api-key"))


def _read_gemini(path: str, query: bytes) -> Asking | None:
    """``/v1beta/models/{model}:{verb}``. A model's name may itself hold colons and slashes.

    Vercel's SDK leaves ``models/`` out where the name holds a slash, since that is how Google writes tuned models.
    """
    for prefix in ("/v1beta/models/", "/v1/models/", "/v1beta/"):
        if path.startswith(prefix):
            model, _, verb = path[len(prefix) :].rpartition(":")
            if model and verb in _VERBS:
                operation, stream = _VERBS[verb]
                return Asking("gemini", operation, model, stream, as_list=stream and b"alt=sse" not in query)
    return None


def _lister(prefix: str, headers: list[tuple[bytes, bytes]]) -> str:
    """In whose shape models are listed: Anthropic's clients ask at the same address as OpenAI's, with a version."""
    if prefix == "/v1beta" or any(name == b"x-goog-api-key" for name, _ in headers):
        return "gemini"
    return "anthropic" if any(name == b"anthropic-version" for name, _ in headers) else "openai_chat"
