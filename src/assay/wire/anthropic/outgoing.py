"""The request for an upstream: every rule of the server obeyed, everything that cannot be said named as a loss."""

from __future__ import annotations

from assay.core import InvalidInput, Request
from assay.wire.anthropic.blocks import write_content
from assay.wire.anthropic.draft import Draft
from assay.wire.anthropic.fields import NAME
from assay.wire.anthropic.history import write_messages, write_system
from assay.wire.anthropic.settings import write_settings
from assay.wire.anthropic.tools import write_tools
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.losses import Written
from assay.wire.sse import escape_separators

_COUNTED = frozenset(("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"))


def write_request(request: Request) -> Written:
    """The body for an upstream that knows the model as ``request.model``, for API version 2023-06-01.

    The version of 2026-10-21 differs in what it refuses: ``temperature``, ``top_p`` and ``top_k``.
    """
    draft = Draft(request)
    fields = _write_fields(request, draft)
    return Written(escape_separators(encode(fields)), draft.losses.listed)


def write_count_request(request: Request) -> Written:
    """The body that asks how many tokens the request has: what is about the answer is not part of it, and no loss."""
    draft = Draft(request)
    fields = {key: value for key, value in _write_fields(request, draft).items() if key in _COUNTED}
    return Written(escape_separators(encode(fields)), draft.losses.listed)


def read_count(body: bytes) -> int:
    """The number of tokens that an upstream counted. Raises `StreamBroken`."""
    try:
        value = decode(body)
    except InvalidInput as error:
        raise StreamBroken(error.code, f"The upstream sent what cannot be read. {error.message}") from None
    count = value.get("input_tokens") if type(value) is dict else None
    if type(count) is not int or count < 0:
        raise StreamBroken("wire.bad_chunk", "The upstream's count of tokens is not what the protocol says.")
    return count


def write_count(count: int) -> bytes:
    """The answer to a client that asked for a count."""
    return encode({"input_tokens": count})


def _write_fields(request: Request, draft: Draft) -> Json:
    """Tools come first: marks for the cache are counted in the order in which the server reads them."""
    fields: Json = {"model": request.model}
    write_tools(fields, request, draft)
    system, rest = write_system(request.transcript.messages, draft)
    if system:
        fields["system"] = write_content(system)
    fields["messages"] = write_messages(rest, draft)
    draft.limit_marks()
    write_settings(fields, request, draft)
    if request.stream:
        fields["stream"] = True
    _add_own(fields, request.extra.get(NAME, {}))
    if request.sampling.thinking and "thinking" not in fields:
        _clear_no_thoughts(fields, draft)
    draft.losses.foreign(request.extra, NAME)
    return fields


def _add_own(fields: Json, extra: Json) -> None:
    """What the client said in this protocol's own words; what belongs into an object that is there already goes into it."""
    for key, value in extra.items():
        outer, dot, inner = key.partition(".")
        if dot and outer == "thinking":
            if "thinking" in fields:
                fields["thinking"][inner] = value
        elif key in ("output_config", "metadata"):
            fields[key] = {**fields.get(key, {}), **value}
        else:
            fields[key] = value


def _clear_no_thoughts(fields: Json, draft: Draft) -> None:
    """The server refuses to clear thoughts (``clear_thinking_...``, which Claude Code always asks for) where it does not think."""
    managed = fields.get("context_management")
    edits = managed.get("edits") if type(managed) is dict else None
    if type(managed) is not dict or type(edits) is not list:
        return
    left = [edit for edit in edits if not (type(edit) is dict and str(edit.get("type")).startswith("clear_thinking"))]
    if len(left) < len(edits):
        draft.losses.drop("context_management.clear_thinking")
        fields["context_management"] = {**managed, "edits": left}
        if not left:
            del fields["context_management"]
