"""The list of models, as OpenAI's clients read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from assay.wire.document import encode
from assay.wire.fields import Json
from assay.wire.sse import escape_separators

Listed: TypeAlias = tuple[str, int, str, str | None]
"""A model's id, when it was made (seconds since 1970), who owns it, and its title, for which there is no place here."""


def write_models(models: Sequence[Listed]) -> bytes:
    return escape_separators(encode({"object": "list", "data": [_model(*model) for model in models]}))


def write_model(model_id: str, created_s: int, owner: str, title: str | None = None) -> bytes:
    return escape_separators(encode(_model(model_id, created_s, owner, title)))


def _model(model_id: str, created_s: int, owner: str, _title: str | None) -> Json:
    return {"id": model_id, "object": "model", "created": created_s, "owned_by": owner}
