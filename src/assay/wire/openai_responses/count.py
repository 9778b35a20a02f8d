"""Counting tokens without an answer: ``POST /responses/input_tokens``."""

from __future__ import annotations

from typing import Any

import msgspec

from assay.core import InvalidInput, Request, Sampling
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.losses import Written
from assay.wire.openai_responses.request import read_request, write_request
from assay.wire.sse import escape_separators

_COUNTED = frozenset(
    (
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "personality",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    )
)


def read_count_request(body: bytes, *, model: str | None = None) -> Request:
    """What is to be counted. Raises as `read_request` does."""
    return read_request(body, model=model, stream=False)


def write_count_request(request: Request) -> Written:
    """The body for an upstream; settings that the count does not depend on are left out."""
    sampling = request.sampling
    counted = Sampling(effort=sampling.effort, thinking_budget=sampling.thinking_budget, thinking=sampling.thinking)
    written = write_request(msgspec.structs.replace(request, sampling=counted))
    fields: Json = msgspec.json.decode(written.body)
    return Written(escape_separators(encode({key: fields[key] for key in fields if key in _COUNTED})), written.losses)


def read_count(body: bytes) -> int:
    """The tokens that an upstream counted.

    Raises:
        StreamBroken: ``wire.bad_count``: the answer says no number.
    """
    try:
        fields: Any = decode(body)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    count = fields.get("input_tokens") if type(fields) is dict else None
    if type(count) is not int or count < 0:
        raise StreamBroken("wire.bad_count", "The upstream's answer says no number of tokens: input_tokens is missing.")
    return count


def write_count(count: int) -> bytes:
    """The answer for a client."""
    return encode({"object": "response.input_tokens", "input_tokens": count})
