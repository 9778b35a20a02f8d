"""Content blocks as parts: text, pictures, documents, thoughts, calls of tools and their results.

What core has no part for (search results, server tools and their results, container uploads) is kept whole as `Unknown`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import cast

from assay.core import File, Image, Part, Text, Thinking, ToolCall, ToolResult, Unknown
from assay.wire.anthropic.citation import read_citation
from assay.wire.anthropic.fields import NAME, left_over, take_cache, take_list
from assay.wire.document import encode
from assay.wire.fields import Json, missing, take_bool, take_str, wrong


def read_content(content: object, at: str) -> tuple[Part, ...]:
    """The ``content`` of a message, of a tool's result, or ``system``. Null and an empty string are no parts."""
    if content is None or content == "":
        return ()
    if type(content) is str:
        return (Text(text=content),)
    if type(content) is not list:
        raise wrong(at, "a string or a list of blocks", content)
    return tuple([read_block(block, f"{at}[{i}]") for i, block in enumerate(content)])


def read_block(value: object, at: str) -> Part:
    """One content block, of a request or of an answer."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = fields.get("type")
    if type(kind) is not str:
        raise missing(f"{at}.type") if kind is None else wrong(f"{at}.type", "a string", kind)
    reader = _READERS.get(kind)
    if reader is None:
        return Unknown(cache=take_cache(fields, at), extra={NAME: fields})
    del fields["type"]
    return reader(fields, at)


def _read_text(fields: Json, at: str) -> Part:
    text = _need_str(fields, "text", at)
    cache = take_cache(fields, at)
    cited = take_list(fields, "citations", at)
    citations = tuple([read_citation(one, f"{at}.citations[{i}]", len(text)) for i, one in enumerate(cited)])
    return Text(text=text, citations=citations, cache=cache, extra=left_over(fields))


def _read_thinking(fields: Json, at: str) -> Part:
    return Thinking(
        text=take_str(fields, "thinking", at) or "",
        signature=take_str(fields, "signature", at),
        provider=NAME,
        cache=take_cache(fields, at),
        extra=left_over(fields),
    )


def _read_redacted(fields: Json, at: str) -> Part:
    return Thinking(redacted=_need_str(fields, "data", at), provider=NAME, cache=take_cache(fields, at), extra=left_over(fields))


def _read_tool_use(fields: Json, at: str) -> Part:
    given = fields.pop("input", None)
    if given is not None and type(given) is not dict:
        raise wrong(f"{at}.input", "an object", given)
    return ToolCall(
        id=take_str(fields, "id", at) or "",
        name=_need_str(fields, "name", at),
        arguments=encode(given or {}).decode(),
        cache=take_cache(fields, at),
        extra=left_over(fields),
    )


def _read_tool_result(fields: Json, at: str) -> Part:
    return ToolResult(
        id=_need_str(fields, "tool_use_id", at),
        parts=read_content(fields.pop("content", None), f"{at}.content"),
        is_error=take_bool(fields, "is_error", at) or False,
        cache=take_cache(fields, at),
        extra=left_over(fields),
    )


def _read_image(fields: Json, at: str) -> Part:
    source = _source(fields, at)
    cache = take_cache(fields, at)
    match source:
        case {"type": "base64", "data": str(data), "media_type": str(media_type)} if len(source) == 3:
            del fields["source"]
            return Image(data=data, media_type=media_type, cache=cache, extra=left_over(fields))
        case {"type": "url", "url": str(url)} if len(source) == 2:
            del fields["source"]
            return Image(url=url, cache=cache, extra=left_over(fields))
    return Unknown(cache=cache, extra={NAME: {"type": "image", **fields}})


def _read_document(fields: Json, at: str) -> Part:
    """A document whose source is a list of blocks is kept whole: core has no file that is made of parts."""
    source = _source(fields, at)
    cache = take_cache(fields, at)
    where: Json
    match source:
        case {"type": "base64", "data": str(data), "media_type": str(media_type)} if len(source) == 3:
            where = {"data": data, "media_type": media_type}
        case {"type": "text", "data": str(words), "media_type": "text/plain"} if len(source) == 3:
            where = {"data": base64.b64encode(words.encode()).decode(), "media_type": "text/plain"}
        case {"type": "url", "url": str(url)} if len(source) == 2:
            where = {"url": url}
        case {"type": "file", "file_id": str(file_id)} if len(source) == 2:
            where = {"file_id": file_id}
        case _:
            return Unknown(cache=cache, extra={NAME: {"type": "document", **fields}})
    del fields["source"]
    return File(**where, name=take_str(fields, "title", at), cache=cache, extra=left_over(fields))


def _source(fields: Json, at: str) -> Json:
    source = fields.get("source")
    if type(source) is not dict:
        raise missing(f"{at}.source") if source is None else wrong(f"{at}.source", "an object", source)
    return cast(Json, source)


def _need_str(fields: Json, key: str, at: str) -> str:
    value = take_str(fields, key, at)
    if value is None:
        raise missing(f"{at}.{key}")
    return value


_READERS: dict[str, Callable[[Json, str], Part]] = {
    "text": _read_text,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "image": _read_image,
    "document": _read_document,
}
