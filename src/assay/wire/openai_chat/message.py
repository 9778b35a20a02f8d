"""Messages, thoughts and tool calls, in both directions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import cast

import msgspec

from assay.core import Message, Part, Refusal, Role, Text, Thinking, ToolCall, ToolResult
from assay.wire.fields import Json, missing, take_str, wrong
from assay.wire.losses import Losses
from assay.wire.openai_chat.fields import NAME, left_over
from assay.wire.openai_chat.parts import ContentWriter, read_parts

_LONGEST_ID = 40
_APART = Thinking | ToolCall
"""Of an answer, what is not its content."""

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))


def read_message(value: object, at: str) -> Message:
    """One element of ``messages``. A role we do not know (the old ``function``, a template's own) stays in ``extra``."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    role = fields.pop("role", None)
    if type(role) is not str:
        raise missing(f"{at}.role") if role is None else wrong(f"{at}.role", "a string", role)
    if role not in _ROLES:
        fields["role"] = role
        role = "tool" if role == "function" else "user"
    content = fields.pop("content", None)
    if type(content) is str:
        parts: tuple[Part, ...] = (Text(text=content),)
    else:
        parts = read_parts(content, f"{at}.content")
    name = take_str(fields, "name", at) if "name" in fields else None
    if role == "assistant":
        parts = _read_assistant(fields, parts, at)
    elif role == "tool" and "tool_call_id" in fields:
        parts = (ToolResult(id=take_str(fields, "tool_call_id", at) or "", parts=parts),)
    return Message(role=cast(Role, role), parts=parts, name=name, extra=left_over(fields))


def _read_assistant(fields: Json, parts: tuple[Part, ...], at: str) -> tuple[Part, ...]:
    thinking = read_thinking(fields)
    refusal = take_str(fields, "refusal", at)
    if refusal is not None:
        parts = (*parts, Refusal(text=refusal))
    calls = fields.pop("tool_calls", None)
    if calls is not None:
        if type(calls) is not list:
            raise wrong(f"{at}.tool_calls", "a list", calls)
        parts = (*parts, *(read_tool_call(call, f"{at}.tool_calls[{i}]") for i, call in enumerate(calls)))
    legacy = fields.pop("function_call", None)
    if legacy is not None:
        parts = (*parts, read_function_call(legacy, f"{at}.function_call"))
    return (thinking, *parts) if thinking is not None else parts


def read_thinking(fields: Json) -> Thinking | None:
    """Take the thoughts of a message or delta, in whichever field a provider puts them.

    ``reasoning_content`` (DeepSeek, Qwen, Kimi, GLM) is the plain form and leaves no trace. Of others, ``extra`` keeps the
    names, empty where the text is the part's own: ``reasoning`` (OpenRouter, newer vLLM), and ``reasoning_details``
    (OpenRouter, MiniMax) as it came, since it must be sent back unchanged.
    """
    plain = fields.pop("reasoning_content", None)
    named = fields.pop("reasoning", None)
    details = fields.pop("reasoning_details", None)
    if plain is None and named is None and details is None:
        return None
    extra: Json = {}
    if named is not None:
        extra["reasoning"] = "" if type(named) is str else named
    if details is not None:
        extra["reasoning_details"] = details
    if extra and plain is not None:
        extra["reasoning_content"] = ""
    text = next((words for words in (plain, named, details_text(details)) if type(words) is str and words), "")
    if not text and not details and type(named) is not dict:
        return None
    return Thinking(text=text, extra=left_over(extra))


def details_text(details: object) -> str:
    """The readable text among OpenRouter's ``reasoning_details``."""
    if type(details) is not list:
        return ""
    words = (item.get("text") or item.get("summary") for item in details if type(item) is dict)
    return "".join(word for word in words if type(word) is str)


def read_tool_call(value: object, at: str) -> ToolCall:
    """One element of ``tool_calls``: a function call, or another type whose body sits under the type's own name."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = fields.pop("type", None) or "function"
    call_id = take_str(fields, "id", at) or ""
    body = fields.get(kind) if type(kind) is str else None
    if type(body) is not dict:
        raise wrong(f"{at}.{kind}", "an object", body)
    name = take_str(body, "name", f"{at}.{kind}") or ""
    words = "arguments" if kind == "function" else "input"
    arguments = body.pop(words, None)
    if type(arguments) is not str:
        arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
    if not body:
        del fields[kind]
    if kind != "function":
        fields["type"] = kind
    return ToolCall(id=call_id, name=name, arguments=arguments, extra=left_over(fields))


def read_function_call(value: object, at: str) -> ToolCall:
    """The form before ``tool_calls``: one call, without an id."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    call = read_tool_call({"function": value}, at)
    fields = {"type": "function_call", **call.extra.get(NAME, {})}
    return ToolCall(id="", name=call.name, arguments=call.arguments, extra={NAME: fields})


class MessageWriter:
    """Writes messages for a server; ``losses`` gathers what this protocol has no place for."""

    def __init__(self, losses: Losses, extensions: Collection[str]):
        self._losses = losses
        self._content = ContentWriter(losses, extensions)

    def write_all(self, messages: Iterable[Message]) -> list[Json]:
        """The ``messages`` of a request. Nothing may stand between the results of calls that were made at once."""
        written: list[Json] = []
        after: list[Json] = []
        for message in messages:
            answers = any(isinstance(part, ToolResult) for part in message.parts)
            if not answers:
                written += after
                after = []
            for fields in self.write(message):
                (after if answers and fields["role"] != "tool" else written).append(fields)
        return written + after

    def write(self, message: Message) -> list[Json]:
        """The elements of ``messages`` that ``message`` becomes: results of tools are messages of their own here.

        A result holds text only; pictures and files in one follow it as the user's.
        """
        self._losses.foreign(message.extra, NAME, "messages[]")
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        if not results:
            written = self._write_message(message)
            return [] if _says_nothing(message, written) else [written]
        rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        answers = [self._write_result(message, result) for result in results]
        shown = tuple(part for result in results for part in result.parts if not isinstance(part, Text))
        if shown:
            self._losses.approximate("tool_result.image", "a user message")
        if rest or shown:
            role: Role = "user" if message.role == "tool" else message.role
            said = Message(role=role, parts=(*shown, *rest), name=message.name)
            answers.append(self._write_message(said))
        return answers

    def _write_result(self, message: Message, result: ToolResult) -> Json:
        self._losses.foreign(result.extra, NAME, "messages[]")
        if result.is_error:
            self._losses.drop("tool_result.is_error")
        if result.cache is not None:
            self._losses.drop("cache")
        words = tuple(part for part in result.parts if isinstance(part, Text))
        fields: Json = {"role": "tool", "tool_call_id": short_id(result.id), "content": self._content.write(words)}
        if message.role == "tool":
            if message.name is not None:
                fields["name"] = message.name
            fields.update(message.extra.get(NAME, ()))
        return fields

    def _write_message(self, message: Message) -> Json:
        fields: Json = {"role": message.role}
        if message.role == "assistant":
            self._write_assistant(fields, message.parts)
        else:
            fields["content"] = self._content.write(message.parts)
        if message.name is not None:
            fields["name"] = message.name
        fields.update(message.extra.get(NAME, ()))
        return fields

    def _write_assistant(self, fields: Json, parts: tuple[Part, ...]) -> None:
        thoughts = [part for part in parts if isinstance(part, Thinking)]
        calls = [part for part in parts if isinstance(part, ToolCall)]
        said = [part for part in parts if not isinstance(part, _APART)]
        refusal = None
        if (
            said
            and isinstance(said[-1], Refusal)
            and not said[-1].extra
            and not any(isinstance(part, Refusal) for part in said[:-1])
        ):
            refusal = cast(Refusal, said.pop()).text
        content = self._content.write(said) if said else ""
        fields["content"] = None if not said and (calls or refusal is not None) else content
        if refusal is not None:
            fields["refusal"] = refusal
        for thought in thoughts:
            if thought.provider is None:
                write_thinking(fields, thought)
            else:
                self._losses.drop("messages[].thinking")
        tools = []
        for call in calls:
            if call.signature is not None:
                self._losses.drop("tool_call.signature")
            written = write_tool_call(call)
            if written["type"] == "function_call":
                fields["function_call"] = written["function"]
            else:
                tools.append({**written, "id": short_id(call.id)})
        if tools:
            fields["tool_calls"] = tools


def _says_nothing(message: Message, written: Json) -> bool:
    """Whether all that an assistant's message had were thoughts that only another protocol's model can read."""
    if written["content"] or len(written) > len(("role", "content")):
        return False
    return bool(message.parts) and all(isinstance(part, Thinking) and part.provider is not None for part in message.parts)


def short_id(call_id: str) -> str:
    """An id that OpenAI takes: one of more than 40 characters is cut, and stays unique by a piece of its hash."""
    if len(call_id) <= _LONGEST_ID:
        return call_id
    return call_id[: _LONGEST_ID - 13] + "_" + hashlib.sha256(call_id.encode()).hexdigest()[:12]


def write_thinking(fields: Json, thought: Thinking) -> None:
    """Add ``thought`` to a message or delta, in the field that it came in."""
    extra = thought.extra.get(NAME) or {"reasoning_content": ""}
    for key, value in extra.items():
        fields[key] = fields.get(key, "") + thought.text if value == "" else value


def write_tool_call(call: ToolCall) -> Json:
    """An element of ``tool_calls``, or with type ``function_call`` the older form."""
    extra = call.extra.get(NAME, {})
    kind = extra.get("type", "function")
    body_name = "function" if kind == "function_call" else kind
    words = "arguments" if body_name == "function" else "input"
    body = {"name": call.name, words: call.arguments, **extra.get(body_name, {})}
    return {"id": call.id, "type": kind, **extra, body_name: body}
