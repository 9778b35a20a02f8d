"""The list of models, and counts of tokens."""

from __future__ import annotations

from collections.abc import Iterable

from assay.core import InvalidInput
from assay.wire.codec import Listed
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.sse import escape_separators

_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def write_models(models: Iterable[Listed]) -> bytes:
    """The list of models; the protocol has no place for when they were made and by whom."""
    return escape_separators(encode({"models": [_model(model) for model in models]}))


def write_model(model: Listed) -> bytes:
    """One model of the list."""
    return escape_separators(encode(_model(model)))


def _model(model: Listed) -> Json:
    id, _, _, title = model
    return {"name": f"models/{id}", "version": "1", "displayName": title or id, "supportedGenerationMethods": _METHODS}


def write_count(count: int) -> bytes:
    """The answer to ``countTokens``."""
    return encode({"totalTokens": count})


def read_count(body: bytes) -> int:
    """How many tokens an upstream counted.

    Raises:
        StreamBroken: ``wire.bad_chunk`` or that of the JSON.
    """
    try:
        fields = decode(body)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    count = fields.get("totalTokens", 0) if type(fields) is dict else None
    if type(count) is int and count >= 0:
        return count
    raise StreamBroken(
        "wire.bad_chunk", "The upstream's count is not what the protocol says: totalTokens should be a whole number."
    )
