"""Lists of models (OpenAI API reference, "Models", 2026-11)."""

from __future__ import annotations

from collections.abc import Sequence

from assay.wire.codec import Listed
from assay.wire.document import encode
from assay.wire.fields import Json
from assay.wire.sse import escape_separators


def write_models(models: Sequence[Listed]) -> bytes:
    """The list of models."""
    return escape_separators(encode({"object": "list", "data": [_write(model) for model in models]}))


def write_model(model: Listed) -> bytes:
    """One model of the list."""
    return escape_separators(encode(_write(model)))


def _write(model: Listed) -> Json:
    name, created, owner, _ = model
    return {"id": name, "object": "model", "created": created, "owned_by": owner}
