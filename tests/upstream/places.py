"""What a path means: which protocol it belongs to, what it does, and the model that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.upstream.script import Protocol

_PATHS: list[tuple[str, Protocol, str]] = [
    (r"/chat/completions", "openai_chat", "generate"),
    (r"/responses", "openai_responses", "generate"),
    (r"/responses/input_tokens", "openai_responses", "count"),
    (r"/messages", "anthropic", "generate"),
    (r"/messages/count_tokens", "anthropic", "count"),
    (r"/models/(?P<model>[^?]+):generateContent", "gemini", "generate"),
    (r"/models/(?P<model>[^?]+):streamGenerateContent", "gemini", "stream"),
    (r"/models/(?P<model>[^?]+):countTokens", "gemini", "count"),
    (r"/v1beta/models(/(?P<model>[^?]+))?", "gemini", "models"),
    (r"/models(/(?P<model>[^?]+))?", "openai_chat", "models"),
    (r"/embeddings", "openai_chat", "embeddings"),
    (r"/images/generations", "openai_chat", "images"),
    (r"/images/edits", "openai_chat", "image_edits"),
    (r"/audio/speech", "openai_chat", "speech"),
    (r"/audio/transcriptions", "openai_chat", "transcription"),
    (r"/audio/translations", "openai_chat", "translation"),
]


@dataclass(frozen=True)
class Place:
    """What a path means. ``model`` is the one in the path, ``query`` the parameters."""

    protocol: Protocol
    operation: str
    model: str
    query: dict[str, str]


def place_of(path: str) -> Place | None:
    """The meaning of a path behind any prefix; None where nothing is served."""
    split = urlsplit(path)
    for pattern, protocol, operation in _PATHS:
        if match := re.fullmatch(r"(?:/[^/?]+)*?" + pattern, split.path):
            model = unquote(match.groupdict().get("model") or "")
            return Place(protocol, operation, model, dict(parse_qsl(split.query, keep_blank_values=True)))
    return None
