"""What every provider of a protocol has in common: the paths behind its base URL, and the headers that always go along."""

from __future__ import annotations

_OPENAI = {
    "embeddings": "/embeddings",
    "images": "/images/generations",
    "image_edits": "/images/edits",
    "speech": "/audio/speech",
    "transcription": "/audio/transcriptions",
    "translation": "/audio/translations",
}

PATHS: dict[str, dict[str, str]] = {
    "openai_chat": {"generate": "/chat/completions", **_OPENAI},
    "openai_responses": {"generate": "/responses", "count_tokens": "/responses/input_tokens", **_OPENAI},
    "anthropic": {"generate": "/messages", "count_tokens": "/messages/count_tokens"},
    "gemini": {
        "generate": "/models/{model}:generateContent",
        "stream": "/models/{model}:streamGenerateContent?alt=sse",
        "count_tokens": "/models/{model}:countTokens",
    },
    "bedrock_converse": {
        "generate": "/model/{model}/converse",
        "stream": "/model/{model}/converse-stream",
        "count_tokens": "/model/{model}/count-tokens",
    },
}
"""What follows the base URL, by protocol and operation; ``stream`` where an answer in pieces has an address of its own."""

HEADERS = {"anthropic": {"anthropic-version": "2023-06-01"}}
"""Headers that a protocol demands; a client's own replace them."""
