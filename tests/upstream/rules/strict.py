"""The types of the official SDKs, strictly: no conversions, no fields that they do not name, no values that they do not list."""

from __future__ import annotations

import base64
import binascii
import json
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, ValidationError

_PLAIN = str.maketrans("-_", "+/")


class Broken(Exception):
    """The request breaks a rule. ``param`` names the field, ``code`` is the provider's word for it."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400):
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


def conform(validator: SchemaValidator, body: Any) -> None:
    """Raise `Broken` unless ``body``, without the fields of tests, is of the type."""
    try:
        validator.validate_json(json.dumps(without_test_fields(body), ensure_ascii=False))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        nearest = max(faults, key=lambda fault: (fault["type"] != "literal_error", len(fault["loc"])))
        raise Broken(f"{'.'.join(map(str, nearest['loc']))}: {nearest['msg']}", str(nearest["loc"][0])) from None


def without_test_fields(value: Any) -> Any:
    """The value without the fields that begin with ``x_``: tests use these to see what passes."""
    if type(value) is dict:
        return {key: without_test_fields(inner) for key, inner in value.items() if not key.startswith("x_")}
    if type(value) is list:
        return [without_test_fields(inner) for inner in value]
    return value


@cache
def strict(kind: Any) -> SchemaValidator:
    """A validator of the SDK's type: strict, without extra fields, with lists where it says iterables."""
    schema: Any = TypeAdapter(list[kind]).core_schema  # within a list, since the SDKs put the building of their models off
    inside = schema["schema"]["items_schema"] if schema["type"] == "definitions" else schema["items_schema"]
    known = {**schema, "schema": inside} if schema["type"] == "definitions" else inside
    return SchemaValidator(cast(CoreSchema, _tightened(known)), CoreConfig(val_json_bytes="base64"))


def _tightened(schema: Any) -> Any:
    if type(schema) is list:
        return [_tightened(inner) for inner in schema]
    if type(schema) is tuple:
        return tuple(_tightened(inner) for inner in schema)
    if type(schema) is not dict:
        return schema
    if schema.get("type") == "model":  # a model would be validated as it was built, which is lenient; its fields are not
        return _tightened({**schema["schema"], "ref": schema.get("ref")} if "ref" in schema else schema["schema"])
    tight = {key: _tightened(inner) for key, inner in schema.items()}
    if tight.get("type") == "generator":
        tight["type"] = "list"
    if tight.get("type") in ("str", "int", "float", "bool"):
        tight["strict"] = True
    if tight.get("type") == "typed-dict":
        tight["extra_behavior"] = "allow" if _is_open(tight) else "forbid"
    if tight.get("type") == "model-fields":
        tight["extra_behavior"] = "allow" if "extras_schema" in tight else "forbid"
    if tight.get("type") == "enum":  # Google's SDK invents members for what it does not know; its servers take small letters too
        values = [member.value for member in tight["members"]]
        expected = list(dict.fromkeys([*values, *map(str.lower, values)]))
        return {"type": "literal", "expected": expected} | ({"ref": tight["ref"]} if "ref" in tight else {})
    return tight


def _is_open(schema: Any) -> bool:
    config = schema.get("config") or {}
    return schema.get("extra_behavior") == "allow" or config.get("extra_fields_behavior") == "allow"


def check_base64(data: str, what: str, param: str | None = None, *, either: bool = False) -> bytes:
    """The bytes behind plain base64; with ``either`` the alphabet for URLs will do too, as in protocol buffers' JSON."""
    try:
        return base64.b64decode(data.translate(_PLAIN) if either else data, validate=True)
    except (binascii.Error, ValueError):
        raise Broken(f"{what} is not valid base64", param) from None


def check_json_object(text: str, what: str, param: str | None = None) -> None:
    """Arguments of a call have to be an object."""
    try:
        value = json.loads(text)
    except ValueError:
        raise Broken(f"{what} are not JSON", param) from None
    if type(value) is not dict:
        raise Broken(f"{what} are not an object", param)


def check_strict_schema(schema: Any, what: str, param: str | None = None, *, all_required: bool = True) -> None:
    """OpenAI's and Anthropic's structured outputs: every object closed, and with OpenAI every property required."""
    if type(schema) is list:
        for inner in schema:
            check_strict_schema(inner, what, param, all_required=all_required)
    if type(schema) is not dict:
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise Broken(f"{what}: 'additionalProperties' is required to be supplied and to be false", param)
        if all_required and set(schema.get("required", ())) != set(schema.get("properties", {})):
            raise Broken(f"{what}: 'required' has to list every property", param)
    for key, inner in schema.items():
        if key not in ("enum", "const", "default", "examples"):
            nested = list(inner.values()) if key in ("properties", "$defs", "definitions") and type(inner) is dict else inner
            check_strict_schema(nested, what, param, all_required=all_required)
