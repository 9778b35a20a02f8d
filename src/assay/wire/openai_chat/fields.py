"""The protocol's name, and what is kept of its fields that core has no word for."""

from __future__ import annotations

from assay.core import Extra
from assay.wire.fields import Json

NAME = "openai_chat"


def left_over(fields: Json) -> Extra:
    """``extra`` for the fields that nobody took."""
    return {NAME: fields} if fields else {}
