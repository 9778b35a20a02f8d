"""A transcript as ``system`` and ``messages``, obeying what the server demands of their order.

The rules (Anthropic documentation and error texts, 2026-11): instructions in the middle of ``messages`` are taken by few models
and few servers, so those of a client that speaks another protocol become the user's words; the results of tools stand first in
the very next message after their calls; a user speaks first; no message is empty.
"""

from __future__ import annotations

from assay.core import Audio, File, Image, Message, Part, ToolResult, Unknown, Video
from assay.wire.anthropic.blocks import write_blocks, write_content
from assay.wire.anthropic.draft import Draft
from assay.wire.anthropic.fields import NAME, NOTHING, THOUGHTS
from assay.wire.fields import Json

_MEDIA = (Audio, File, Image, Unknown, Video)
_OTHERS = {"document": "file"}


def write_system(messages: tuple[Message, ...], draft: Draft) -> tuple[list[Json], tuple[Message, ...]]:
    """The blocks of ``system``, and the messages that are left. Several leading instructions become one."""
    leading = 0
    most = 1 if draft.own else len(messages)
    while leading < len(messages) and leading < most and messages[leading].role in ("system", "developer"):
        leading += 1
    if leading and leading == len(messages):
        leading -= 1  # at least one message is required, so the last instruction becomes the user's words
    blocks: list[Json] = []
    for message in messages[:leading]:
        _report(message, draft)
        if message.extra.get(NAME):
            draft.losses.drop("messages[].extra")
        blocks += [block for block in write_blocks(message.parts, draft, role="system") if _is_text(block, draft)]
    return blocks, messages[leading:]


def _is_text(block: Json, draft: Draft) -> bool:
    if block["type"] != "text":
        draft.losses.drop(_OTHERS.get(block["type"]) or str(block["type"]))
    return bool(block["type"] == "text")


def write_messages(messages: tuple[Message, ...], draft: Draft) -> list[Json]:
    """The elements of ``messages``. Those of a client of this protocol stay apart as they were."""
    written: list[Json] = []
    for message in messages:
        _report(message, draft)
        role = _role(message, draft)
        blocks = write_blocks(_with_result(message), draft, role=role)
        extra = message.extra.get(NAME, {})
        if not blocks and not extra:
            if draft.own or role == "assistant" or not any(isinstance(part, _MEDIA) for part in message.parts):
                continue
            blocks = [{"type": "text", "text": NOTHING}]
        if not draft.own and written and written[-1]["role"] == role:
            written[-1]["content"] += blocks
        else:
            written.append({"role": role, "content": blocks, **extra})
    if not written:
        written.append({"role": "user", "content": [{"type": "text", "text": NOTHING}]})
    if written[0]["role"] == "assistant" and not draft.own:
        written.insert(0, {"role": "user", "content": [{"type": "text", "text": NOTHING}]})
    last = written[-1]["content"]
    if written[-1]["role"] == "assistant" and last[-1:] and last[-1]["type"] == "text":
        last[-1]["text"] = last[-1]["text"].rstrip()  # the server refuses a beginning that ends in blanks
    for fields in written:
        if fields["role"] == "assistant" and not draft.own:
            _end_in_words(fields["content"], draft)
        fields["content"] = write_content(_results_first(fields["content"]) if fields["role"] == "user" else fields["content"])
    return written


def _end_in_words(blocks: list[Json], draft: Draft) -> None:
    """The server refuses a message that ends in thoughts: they led to nothing."""
    while blocks and blocks[-1]["type"] in THOUGHTS:
        blocks.pop()
        draft.losses.drop("messages[].thinking")
    if not blocks:
        blocks.append({"type": "text", "text": NOTHING})


def _report(message: Message, draft: Draft) -> None:
    if message.name is not None and message.role != "tool":
        draft.losses.drop("messages[].name")
    draft.losses.foreign(message.extra, NAME, at="messages[]")


def _role(message: Message, draft: Draft) -> str:
    if message.role == "assistant":
        return "assistant"
    if message.role in ("system", "developer"):
        if draft.own:
            return "system"
        draft.losses.approximate("messages[].role", "user")
    return "user"


def _with_result(message: Message) -> tuple[Part, ...]:
    """The parts; a tool's answer without an id (the form before ``tool_calls``) answers the call that waits without one."""
    if message.role == "tool" and not any(isinstance(part, ToolResult) for part in message.parts):
        return (ToolResult(id="", parts=message.parts),)
    return message.parts


def _results_first(blocks: list[Json]) -> list[Json]:
    results = [block for block in blocks if block["type"] == "tool_result"]
    return results + [block for block in blocks if block["type"] != "tool_result"] if results else blocks
