"""The protocol's name, and its fields in one spelling.

Google's servers read ``maxOutputTokens`` and ``max_output_tokens`` alike, and its clients send both, even in one body. Here
all become camel case, except inside what belongs to users: arguments, results, JSON Schemas and labels.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

from assay.core import Extra
from assay.wire.fields import Json, wrong

NAME = "gemini"

_OF_USERS = frozenset(
    (
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "_responseJsonSchema",
        "labels",
        "headers",
        "partMetadata",
        "customMetadata",
        "customConfigs",
    )
)
_HUMP = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def left_over(fields: Json) -> Extra:
    """``extra`` for the fields that nobody took."""
    return {NAME: fields} if fields else {}


@lru_cache(maxsize=1024)
def camel(key: str) -> str:
    """``max_output_tokens`` as ``maxOutputTokens``. Fields that begin with ``x_`` are nobody's, and stay."""
    return key if key.startswith("x_") else _HUMP.sub(lambda hump: hump[1].upper(), key)


def normalised(value: Any) -> Any:
    """``value`` with every field of the protocol in camel case."""
    if type(value) is list:
        return [normalised(inner) for inner in value]
    if type(value) is not dict:
        return value
    fields = {}
    for key, inner in value.items():
        if "_" in key:
            key = camel(key)
        if (type(inner) is dict or type(inner) is list) and key not in _OF_USERS and key[:2] != "x_":
            inner = normalised(inner)
        fields[key] = inner
    return fields


def take_list(fields: Json, key: str, at: str = "") -> list[Any]:
    """Take a list; one object alone counts as a list of one, as it does for Google's servers."""
    value = fields.pop(key, None)
    if value is None:
        return []
    if type(value) is list:
        return value
    if type(value) is dict:
        return [value]
    raise wrong(f"{at}.{key}" if at else key, "a list", value)


def take_object(fields: Json, key: str, at: str = "") -> Json | None:
    """Take an optional object."""
    value = fields.pop(key, None)
    if value is None or type(value) is dict:
        return value
    raise wrong(f"{at}.{key}" if at else key, "an object", value)


def standard_base64(data: str) -> str:
    """Base64 in the one alphabet that every other protocol takes; Google's SDK writes the one for URLs."""
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def decoded(data: str) -> bytes:
    """The bytes of base64 in either alphabet; empty where it is none."""
    try:
        return base64.b64decode(standard_base64(data))
    except (binascii.Error, ValueError):
        return b""
