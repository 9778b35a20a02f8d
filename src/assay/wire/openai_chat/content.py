"""Messages and their parts, in both directions.

What Assay knows is taken out of the JSON object; what is left over goes into ``extra`` as it came, and is put back by writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

import msgspec

from assay.core import (
    Audio,
    Extra,
    File,
    Image,
    InvalidInput,
    Message,
    Page,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    Video,
)

NAME = "openai_chat"
Json: TypeAlias = dict[str, Any]

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {media_type: name for name, media_type in _AUDIO_TYPES.items()}


def wrong(at: str, expected: str, got: object) -> InvalidInput:
    """The error for a field of the wrong kind; ``at`` is its JSON path."""
    kind = _KINDS.get(type(got), type(got).__name__)
    return InvalidInput("wire.wrong_type", f"{at}: expected {expected}, got {kind}.", param=at)


def missing(at: str) -> InvalidInput:
    """The error for a field that must be there."""
    return InvalidInput("wire.missing_field", f"{at} is missing.", param=at)


_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def left_over(fields: Json) -> Extra:
    """``extra`` for the fields that nobody took."""
    return {NAME: fields} if fields else {}


def take_str(fields: Json, key: str, at: str) -> str | None:
    """Take an optional string; null counts as not given."""
    value = fields.pop(key, None)
    if value is None or type(value) is str:
        return value
    raise wrong(f"{at}.{key}", "a string", value)


def read_message(value: object, at: str) -> Message:
    """One element of ``messages``. A role we do not know (the old ``function``, a template's own) stays in ``extra``."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    role = fields.pop("role", None)
    if role not in _ROLES:
        if type(role) is not str:
            raise missing(f"{at}.role") if role is None else wrong(f"{at}.role", "a string", role)
        fields["role"] = role
        role = "tool" if role == "function" else "user"
    content = fields.pop("content", None)
    if type(content) is str:
        parts: tuple[Part, ...] = (Text(text=content),)
    else:
        parts = _read_parts(content, f"{at}.content")
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


def _read_parts(content: object, at: str) -> tuple[Part, ...]:
    if content is None:
        return ()
    if type(content) is str:
        return (Text(text=content),)
    if type(content) is not list:
        raise wrong(at, "a string or a list of parts", content)
    return tuple([_read_part(part, f"{at}[{i}]") for i, part in enumerate(content)])


def _read_part(value: object, at: str) -> Part:
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = fields.get("type")
    if type(kind) is not str:
        raise missing(f"{at}.type") if kind is None else wrong(f"{at}.type", "a string", kind)
    reader = _PART_READERS.get(kind)
    if reader is None:
        return Unknown(extra={NAME: fields})
    del fields["type"]
    return reader(fields, at)


def _read_text(fields: Json, at: str) -> Part:
    text = take_str(fields, "text", at)
    if text is None:
        raise missing(f"{at}.text")
    return Text(text=text, extra=left_over(fields))


def _read_refusal(fields: Json, at: str) -> Part:
    return Refusal(text=take_str(fields, "refusal", at) or "", extra=left_over(fields))


def _read_image(fields: Json, at: str) -> Part:
    body = _take_body(fields, "image_url", at)
    url, data, media_type = _split_data_url(_need_str(body, "url", f"{at}.image_url"))
    detail = take_str(body, "detail", f"{at}.image_url")
    return Image(url=url, data=data, media_type=media_type, detail=detail, extra=_with_body(fields, "image_url", body))


def _read_video(fields: Json, at: str) -> Part:
    body = _take_body(fields, "video_url", at)
    url, data, media_type = _split_data_url(_need_str(body, "url", f"{at}.video_url"))
    return Video(url=url, data=data, media_type=media_type, extra=_with_body(fields, "video_url", body))


def _read_audio(fields: Json, at: str) -> Part:
    body = _take_body(fields, "input_audio", at)
    data = _need_str(body, "data", f"{at}.input_audio")
    sound = take_str(body, "format", f"{at}.input_audio")
    media_type = None if sound is None else _AUDIO_TYPES.get(sound, f"audio/{sound}")
    extra = _with_body(fields, "input_audio", body)
    if data.startswith(("https://", "http://", "data:")):  # DashScope takes addresses here
        return Audio(url=data, media_type=media_type, extra=extra)
    return Audio(data=data, media_type=media_type, extra=extra)


def _read_file(fields: Json, at: str) -> Part:
    body = _take_body(fields, "file", at)
    where = f"{at}.file"
    given = take_str(body, "file_data", where)
    url = data = media_type = None
    if given is not None:
        url, data, media_type = _split_data_url(given)
        if url is not None and not url.startswith(("https://", "http://", "data:")):
            url, data = None, url
    return File(
        url=url,
        data=data,
        media_type=media_type,
        name=take_str(body, "filename", where),
        file_id=take_str(body, "file_id", where),
        extra=_with_body(fields, "file", body),
    )


_PART_READERS: dict[str, Callable[[Json, str], Part]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": _read_image,
    "video_url": _read_video,
    "input_audio": _read_audio,
    "file": _read_file,
}


def _take_body(fields: Json, key: str, at: str) -> Json:
    """The object under a part's own name. A bare string stands for its address, as some clients send images."""
    body = fields.pop(key, None)
    if type(body) is str:
        return {"url": body}
    if type(body) is not dict:
        raise missing(f"{at}.{key}") if body is None else wrong(f"{at}.{key}", "an object", body)
    return body


def _with_body(fields: Json, key: str, body: Json) -> Extra:
    """What is left of a part, and of its body under ``key``."""
    if body:
        fields[key] = body
    return left_over(fields)


def _need_str(fields: Json, key: str, at: str) -> str:
    value = take_str(fields, key, at)
    if value is None:
        raise missing(f"{at}.{key}")
    return value


def _split_data_url(url: str) -> tuple[str | None, str | None, str | None]:
    """(url, data, media type): a base64 ``data:`` URL comes apart, any other address stays whole."""
    if url.startswith("data:"):
        head, comma, data = url.partition(",")
        media_type = head[5:].removesuffix(";base64")
        if comma and data and head.endswith(";base64") and media_type and ";" not in media_type:
            return None, data, media_type
    return url, None, None


def write_message(message: Message) -> list[Json]:
    """The elements of ``messages`` that ``message`` becomes: results of tools are messages of their own here."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if not results:
        return [_write_message(message)]
    rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
    written = [_write_result(message, result) for result in results]
    if rest:
        written.append(_write_message(msgspec.structs.replace(message, parts=rest)))
    return written


def _write_result(message: Message, result: ToolResult) -> Json:
    fields: Json = {"role": "tool", "tool_call_id": result.id, "content": _write_content(result.parts)}
    if message.role == "tool":
        if message.name is not None:
            fields["name"] = message.name
        fields.update(message.extra.get(NAME, ()))
    return fields


def _write_message(message: Message) -> Json:
    fields: Json = {"role": message.role}
    if message.role == "assistant":
        _write_assistant(fields, message.parts)
    else:
        fields["content"] = _write_content(message.parts)
    if message.name is not None:
        fields["name"] = message.name
    fields.update(message.extra.get(NAME, ()))
    return fields


def _write_assistant(fields: Json, parts: tuple[Part, ...]) -> None:
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    said = [part for part in parts if not isinstance(part, Thinking | ToolCall)]
    refusal = None
    if said and isinstance(said[-1], Refusal) and not said[-1].extra and not any(isinstance(part, Refusal) for part in said[:-1]):
        refusal = cast(Refusal, said.pop()).text
    if said:
        fields["content"] = _write_content(said)
    else:
        fields["content"] = None if calls or refusal is not None else ""
    if refusal is not None:
        fields["refusal"] = refusal
    for thought in thoughts:
        write_thinking(fields, thought)
    tools = []
    for call in calls:
        written = write_tool_call(call)
        if written["type"] == "function_call":
            fields["function_call"] = written["function"]
        else:
            tools.append(written)
    if tools:
        fields["tool_calls"] = tools


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


def _write_content(parts: Iterable[Part]) -> str | list[Json]:
    """A plain string where that says it all: every server takes one, not all take a list."""
    parts = tuple(parts)
    if not parts:
        return ""
    if len(parts) == 1 and type(parts[0]) is Text and not parts[0].extra:
        return parts[0].text
    return [written for part in parts if (written := _write_part(part)) is not None]


def _write_part(part: Part) -> Json | None:
    """None for a part that only another protocol knows."""
    extra = part.extra.get(NAME, {})
    match part:
        case Text(text=text):
            return {"type": "text", "text": text, **extra}
        case Page(html=html):
            return {"type": "text", "text": html, **extra}
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text, **extra}
        case Image(detail=detail):
            body: Json = {"url": _address(part)} if detail is None else {"url": _address(part), "detail": detail}
            return _around("image_url", body, extra)
        case Video():
            return _around("video_url", {"url": _address(part)}, extra)
        case Audio(media_type=media_type):
            body = {"data": part.data if part.url is None else part.url}
            if media_type is not None:
                body["format"] = _AUDIO_FORMATS.get(media_type, media_type.removeprefix("audio/"))
            return _around("input_audio", body, extra)
        case File():
            return _around("file", _file_body(part), extra)
        case Unknown():
            return extra or None
        case _:
            return None


def _around(kind: str, body: Json, extra: Json) -> Json:
    return {"type": kind, **extra, kind: {**body, **extra.get(kind, {})}}


def _address(part: Image | Video | File) -> str:
    if part.url is not None:
        return part.url
    return f"data:{part.media_type or 'application/octet-stream'};base64,{part.data}"


def _file_body(part: File) -> Json:
    body: Json = {}
    if part.data is not None and part.media_type is None:
        body["file_data"] = part.data
    elif part.data is not None or part.url is not None:
        body["file_data"] = _address(part)
    if part.name is not None:
        body["filename"] = part.name
    if part.file_id is not None:
        body["file_id"] = part.file_id
    return body
