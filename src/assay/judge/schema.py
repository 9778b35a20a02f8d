"""Is an answer the JSON that was asked for?

Schemas are JSON Schema (drafts 4 to 2020-12, by their ``$schema``; 2020-12 where there is none). References lead nowhere but
into the schema itself: nothing is fetched. A pattern that has to go back too often does not match. ``format`` is not checked, as the drafts
leave it open.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from assay.core import Message, Refusal, Request, Text, ToolCall, canonical

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)^[ \t]*\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)


_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


class NotJson(ValueError):
    """The text is no JSON; the message says why."""


def read_json(text: str) -> Any:
    """The one JSON value that ``text`` is.

    Raises:
        NotJson: it is none, or one nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise NotJson(str(error)) from None


def read_fenced_json(text: str) -> Any:
    """As `read_json`, and where ``text`` is none, the JSON in its only code block, words around it or not.

    Raises:
        NotJson: neither is.
    """
    try:
        return read_json(text)
    except NotJson:
        blocks = _FENCE.findall(text)
        if len(blocks) != 1:
            raise
        return read_json(blocks[0][1])


def compile_schema(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """What tells whether a value is valid under ``schema``.

    Raises:
        ValueError: it is no schema, or refers to something outside itself.
    """
    return _compile(canonical(schema))


@lru_cache(maxsize=256)
def _compile(schema: bytes) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(
            msgspec.json.decode(schema), offline=True, validate_formats=False, pattern_options=_PATTERNS, mask="the value"
        )
    except jsonschema_rs.ValidationError as error:
        raise ValueError(error.message) from None


def schema_valid(request: Request, answer: Message) -> bool | None:
    """Whether ``answer`` is the JSON that ``request`` asked for, to the letter: a code fence around it is not JSON.

    None where no JSON was asked for, where the answer is a call of tools instead, or where the schema itself is none.
    """
    output = request.output
    if output is None or output.kind == "text":
        return None
    said = any(isinstance(part, Text | Refusal) for part in answer.parts)
    if not said and any(isinstance(part, ToolCall) for part in answer.parts):
        return None
    try:
        validator = compile_schema(output.schema) if output.kind == "json_schema" and output.schema is not None else None
    except ValueError:
        return None
    try:
        value = read_json(answer.text)
    except NotJson:
        return False
    return validator.is_valid(value) if validator else isinstance(value, dict)
