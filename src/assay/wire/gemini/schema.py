"""Google's ``Schema`` as JSON Schema.

It is a piece of OpenAPI 3.0 in Google's spelling: types in capitals, ``nullable``, ``propertyOrdering``, whole numbers as
text. Clients also put JSON Schema itself there, which stays as it is. Source: the reference of ``v1beta`` ``Schema``, 2026-11.
"""

from __future__ import annotations

from typing import Any

from assay.wire.fields import Json
from assay.wire.gemini.fields import camel

_TYPES = frozenset(("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"))
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_OF_SCHEMAS = frozenset(("properties", "$defs", "definitions", "patternProperties"))
_LISTS_OF_SCHEMAS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))


def to_json_schema(schema: Json) -> Json:
    """``schema`` with every word of it that JSON Schema spells otherwise in JSON Schema's spelling."""
    given = {camel(key): value for key, value in schema.items()}
    order = given.pop("propertyOrdering", None)
    nullable = given.pop("nullable", None)
    written: Json = {}
    for key, value in given.items():
        _write(written, key, value)
    if type(order) is list and type(properties := written.get("properties")) is dict:
        first = {name: properties[name] for name in order if type(name) is str and name in properties}
        written["properties"] = {**first, **properties}
    if nullable is True:
        _allow_null(written)
    return written


def _write(written: Json, key: str, value: Any) -> None:
    if key == "type" and type(value) is str:
        if value != "TYPE_UNSPECIFIED":
            written["type"] = value.lower() if value in _TYPES else value
    elif key == "format" and value == "enum":
        return  # Google's mark of a list of words, which "enum" says already
    elif key == "example":
        written["examples"] = [value]
    elif key in _COUNTS and type(value) is str and value.isascii() and value.isdigit() and len(value) < 19:
        written[key] = int(value)
    elif key in _OF_SCHEMAS and type(value) is dict:
        written[key] = {name: to_json_schema(inner) if type(inner) is dict else inner for name, inner in value.items()}
    elif key in _LISTS_OF_SCHEMAS and type(value) is list:
        written[key] = [to_json_schema(inner) if type(inner) is dict else inner for inner in value]
    elif key in ("items", "additionalProperties", "not") and type(value) is dict:
        written[key] = to_json_schema(value)
    else:
        written[key] = value


def _allow_null(written: Json) -> None:
    kind = written.get("type")
    if type(kind) is str and kind != "null":
        written["type"] = [kind, "null"]
        if type(words := written.get("enum")) is list and None not in words:
            written["enum"] = [*words, None]
    elif kind is None and type(options := written.get("anyOf")) is list and {"type": "null"} not in options:
        written["anyOf"] = [*options, {"type": "null"}]
