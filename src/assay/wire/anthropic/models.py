"""The list of models, in the protocol's shape (Anthropic API reference, "List models", 2026-11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from assay.wire.codec import Listed
from assay.wire.document import encode
from assay.wire.fields import Json
from assay.wire.sse import escape_separators


def write_models(models: Sequence[Listed]) -> bytes:
    """One page with all of ``models``."""
    listed = [_fields(model) for model in models]
    page: Json = {
        "data": listed,
        "has_more": False,
        "first_id": listed[0]["id"] if listed else None,
        "last_id": listed[-1]["id"] if listed else None,
    }
    return escape_separators(encode(page))


def write_model(model: Listed) -> bytes:
    """One model by itself."""
    return escape_separators(encode(_fields(model)))


def _fields(model: Listed) -> Json:
    id, created, _, title = model
    at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": id, "display_name": title or id, "created_at": at, "lifecycle": "active"}
