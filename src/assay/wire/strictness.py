"""What OpenAI asks of a schema that is to be kept to strictly (OpenAI guide "Structured model outputs", 2026-11).

Other protocols ask less: Anthropic's strict tools may have arguments that can be left out, which OpenAI refuses as invalid.
"""

from __future__ import annotations

from typing import Any

_VALUES = frozenset(("enum", "const", "default", "examples"))
_NAMED = frozenset(("properties", "$defs", "definitions"))


def fits_strict(schema: Any) -> bool:
    """Whether every object in ``schema`` is closed to other properties and requires all of its own."""
    if type(schema) is list:
        return all(map(fits_strict, schema))
    if type(schema) is not dict:
        return True
    if schema.get("type") == "object" and not _is_closed(schema):
        return False
    for key, inner in schema.items():
        nested = list(inner.values()) if key in _NAMED and type(inner) is dict else inner
        if key not in _VALUES and not fits_strict(nested):
            return False
    return True


def _is_closed(schema: dict[str, Any]) -> bool:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if schema.get("additionalProperties") is not False or type(properties) is not dict or type(required) is not list:
        return False
    return all(name in required for name in properties)
