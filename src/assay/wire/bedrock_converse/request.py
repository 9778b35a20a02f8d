"""The request for an upstream: every rule of the server obeyed, everything that cannot be said named as a loss.

The model's name and whether the answer comes in pieces are in the address, not in the body.
"""

from __future__ import annotations

from assay.core import InvalidInput, Message, Part, Request, ToolResult
from assay.wire.bedrock_converse.blocks import write_blocks
from assay.wire.bedrock_converse.fields import NAME, NOTHING, Draft
from assay.wire.bedrock_converse.settings import write_settings
from assay.wire.bedrock_converse.tools import write_tools
from assay.wire.document import decode, encode
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.losses import Written
from assay.wire.sse import escape_separators

_COUNTED = ("system", "messages", "toolConfig", "additionalModelRequestFields")


def write_request(request: Request) -> Written:
    """The body for an upstream. Settings that were not given are not sent."""
    draft = Draft()
    return Written(escape_separators(encode(_write_fields(request, draft))), draft.losses.listed)


def write_count_request(request: Request) -> Written:
    """The body that asks how many tokens the request has: what is about the answer is not part of it, and no loss."""
    draft = Draft()
    fields = _write_fields(request, draft)
    counted = {name: fields[name] for name in _COUNTED if name in fields}
    return Written(escape_separators(encode({"input": {"converse": counted}})), draft.losses.listed)


def read_count(body: bytes) -> int:
    """The number of tokens that an upstream counted. Raises `StreamBroken`."""
    try:
        value = decode(body)
    except InvalidInput:
        value = None
    count = value.get("inputTokens") if type(value) is dict else None
    if type(count) is not int or count < 0:
        raise StreamBroken("wire.bad_chunk", "The upstream's count of tokens is not what the protocol says.")
    return count


def _write_fields(request: Request, draft: Draft) -> Json:
    """Tools come first: cache points are counted in the order in which the server reads them."""
    fields: Json = {}
    write_tools(fields, request, draft)
    system, rest = _write_system(request.transcript.messages, draft)
    if system:
        fields["system"] = system
    fields["messages"] = _write_messages(rest, draft)
    write_settings(fields, request, draft)
    for name, value in request.extra.get(NAME, {}).items():
        before = fields.get(name)
        fields[name] = {**before, **value} if type(before) is dict and type(value) is dict else value
    draft.losses.foreign(request.extra, NAME)
    return fields


def _write_system(messages: tuple[Message, ...], draft: Draft) -> tuple[list[Json], tuple[Message, ...]]:
    """The blocks of ``system``, and the messages that are left: at least one, since the server demands it."""
    leading = 0
    while leading < len(messages) - 1 and messages[leading].role in ("system", "developer"):
        leading += 1
    blocks: list[Json] = []
    for message in messages[:leading]:
        _report(message, draft)
        for block in write_blocks(message.parts, draft, role="system"):
            if "text" in block or "cachePoint" in block:
                blocks.append(block)
            else:
                draft.losses.drop("file" if "document" in block else next(iter(block)))
    return blocks, messages[leading:]


def _write_messages(messages: tuple[Message, ...], draft: Draft) -> list[Json]:
    """User and assistant by turns, the user first; the results of tools stand first in their message."""
    written: list[Json] = []
    for message in messages:
        _report(message, draft)
        role = _role(message, draft)
        blocks = write_blocks(_with_result(message), draft, role=role)
        if not blocks:
            continue
        if written and written[-1]["role"] == role:
            written[-1]["content"] += blocks
        else:
            written.append({"role": role, "content": blocks})
    if not written or written[0]["role"] == "assistant":
        written.insert(0, {"role": "user", "content": [{"text": NOTHING}]})
    for fields in written:
        fields["content"] = _ordered(fields["content"])
    last = written[-1]["content"][-1]
    if written[-1]["role"] == "assistant" and "text" in last:
        last["text"] = last["text"].rstrip()  # the server refuses a beginning that ends in blanks
    return written


def _ordered(blocks: list[Json]) -> list[Json]:
    """Results first, with their cache points behind them; a document never without words beside it."""
    results = [block for block in blocks if "toolResult" in block]
    if results:
        rest = [block for block in blocks if "toolResult" not in block]
        blocks = results + (rest if any("cachePoint" not in block for block in rest) else rest[:1])
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        blocks = [*blocks, {"text": NOTHING}]
    return blocks


def _report(message: Message, draft: Draft) -> None:
    if message.name is not None and message.role != "tool":
        draft.losses.drop("messages[].name")
    draft.losses.foreign(message.extra, NAME, at="messages[]")


def _role(message: Message, draft: Draft) -> str:
    if message.role == "assistant":
        return "assistant"
    if message.role in ("system", "developer"):
        draft.losses.approximate("messages[].role", "user")
    return "user"


def _with_result(message: Message) -> tuple[Part, ...]:
    """The parts; a tool's answer without an id (the form before ``tool_calls``) answers the call that waits without one."""
    if message.role == "tool" and not any(isinstance(part, ToolResult) for part in message.parts):
        return (ToolResult(id="", parts=message.parts),)
    return message.parts
