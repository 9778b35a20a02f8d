"""The shape an answer must have: ``text.format``."""

from __future__ import annotations

import re
from typing import Literal

from assay.core import OutputFormat
from assay.wire.fields import Json, take_bool, take_str, wrong
from assay.wire.losses import Losses
from assay.wire.openai_responses.fields import NAME, left_over

_FORMATS: dict[str, Literal["text", "json"]] = {"text": "text", "json_object": "json"}
_NAMES: dict[str, str] = {kind: name for name, kind in _FORMATS.items()}
_LONGEST_NAME = 64
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


def read_output(text: Json) -> OutputFormat | None:
    """Take ``format``. A form other than the three of core stays in ``text``."""
    value = text["format"]
    if value is None:
        del text["format"]
        return None
    if type(value) is not dict:
        raise wrong("text.format", "an object", value)
    kind = take_str({**value}, "type", "text.format")
    if kind != "json_schema" and kind not in _FORMATS:
        return None
    del text["format"], value["type"]
    if kind != "json_schema":
        return OutputFormat(kind=_FORMATS[kind], extra=left_over(value))
    schema = value.pop("schema", None)
    if schema is not None and type(schema) is not dict:
        raise wrong("text.format.schema", "an object", schema)
    return OutputFormat(
        kind="json_schema",
        name=take_str(value, "name", "text.format"),
        description=take_str(value, "description", "text.format"),
        schema=schema,
        strict=take_bool(value, "strict", "text.format"),
        extra=left_over(value),
    )


def write_output(output: OutputFormat, losses: Losses) -> Json:
    """``text.format``. A name and a schema are demanded, so that missing ones are made up."""
    losses.foreign(output.extra, NAME, "output")
    extra = output.extra.get(NAME, {})
    if output.kind != "json_schema":
        return {"type": _NAMES[output.kind], **extra}
    written: Json = {"type": "json_schema", "name": _name(output.name, losses)}
    if output.description is not None:
        written["description"] = output.description
    written["schema"] = output.schema if output.schema is not None else {}
    if output.strict is not None:
        written["strict"] = output.strict
    return {**written, **extra}


def _name(name: str | None, losses: Losses) -> str:
    if not name:
        return "answer"
    allowed = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]
    if allowed != name:
        losses.rename("output.name")
    return allowed
