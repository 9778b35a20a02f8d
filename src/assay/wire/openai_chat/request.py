"""Requests: what a client sends, and what an upstream is sent (OpenAI API reference, "Create chat completion", 2026-11).

``max_tokens`` and its successor ``max_completion_tokens`` are one setting here; ``extra`` remembers which of them a client
used, and writing keeps to it, since servers differ in the one they take.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from assay.core import InvalidInput, OutputFormat, Request, Sampling, Tool, TooLarge, ToolChoice, Transcript
from assay.wire.document import decode, encode
from assay.wire.effort import effort_of
from assay.wire.fields import Json, missing, take_bool, take_count, take_number, take_str, wrong
from assay.wire.losses import Losses, Written
from assay.wire.openai_chat.fields import NAME, left_over
from assay.wire.openai_chat.message import MessageWriter, read_message
from assay.wire.sse import escape_separators
from assay.wire.strictness import fits_strict

COMMON = ("top_k", "video_url")
"""What OpenAI's own servers refuse and nearly all others take."""

_MOST_STOPS = 4
MAX_BODY_BYTES = 64 * 1024 * 1024

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_COUNTS = ("top_k", "seed", "thinking_budget")
_FORMATS: dict[str, Literal["text", "json"]] = {"text": "text", "json_object": "json"}
_FORMAT_NAMES: dict[str, str] = {kind: name for name, kind in _FORMATS.items()}


def read_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """The request that a client sent. Fields that Assay does not know stay in ``extra["openai_chat"]``, at their level.

    ``model`` and ``stream`` stand for those of the body, where they are given.

    Raises:
        InvalidInput: ``wire.not_json``, ``wire.not_utf8``, ``wire.too_deep``, ``wire.wrong_type`` or ``wire.missing_field``;
            ``param`` is the JSON path of the value at fault.
        TooLarge: ``wire.too_large``.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("wire.too_large", f"The body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read.")
    fields = decode(body)
    if type(fields) is not dict:
        raise wrong("body", "an object", fields)
    asked = _need_model(fields) if model is None else model
    messages = fields.pop("messages", None)
    if type(messages) is not list:
        raise missing("messages") if messages is None else wrong("messages", "a list", messages)
    transcript = Transcript(tuple([read_message(message, f"messages[{i}]") for i, message in enumerate(messages)]))
    tools = fields.pop("tools", None)
    if tools is not None and type(tools) is not list:
        raise wrong("tools", "a list", tools)
    return Request(
        model=asked,
        transcript=transcript,
        tools=tuple([_read_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools)]) if tools else (),
        tool_choice=_read_tool_choice(fields) if "tool_choice" in fields else None,
        parallel_tool_calls=take_bool(fields, "parallel_tool_calls"),
        output=_read_output(fields) if "response_format" in fields else None,
        sampling=_read_sampling(fields),
        stream=(take_bool(fields, "stream") or False) if stream is None else stream,
        stream_usage=_read_stream_usage(fields) if "stream_options" in fields else None,
        user=take_str(fields, "user"),
        extra=left_over(fields),
    )


def _need_model(fields: Json) -> str:
    model = fields.pop("model", None)
    if type(model) is str and model:
        return model
    raise wrong("model", "a string", model) if model is not None and type(model) is not str else missing("model")


def _read_tool(value: object, at: str) -> Tool:
    """A function; or a tool of another type, whose body sits under the type's name or under ``function`` all the same.

    One without a name is the provider's own affair, such as Zhipu's web search, and is kept whole.
    """
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = take_str(fields, "type", at) or "function"
    if kind != "function":
        fields["type"] = kind
    place = kind if type(fields.get(kind)) is dict else "function"
    body = fields.pop(place, None)
    if kind != "function" and not (type(body) is dict and body.get("name")):
        return Tool(name="", extra={NAME: fields if body is None else {**fields, place: body}})
    if type(body) is not dict:
        raise missing(f"{at}.{place}") if body is None else wrong(f"{at}.{place}", "an object", body)
    name = take_str(body, "name", f"{at}.{place}")
    if not name:
        raise missing(f"{at}.{place}.name")
    parameters = body.pop("parameters", None)
    if parameters is not None and type(parameters) is not dict:
        raise wrong(f"{at}.{place}.parameters", "an object", parameters)
    description = take_str(body, "description", f"{at}.{place}")
    strict = take_bool(body, "strict", f"{at}.{place}")
    if body or place != "function":
        fields[place] = body
    return Tool(name=name, description=description, parameters=parameters, strict=strict, extra=left_over(fields))


def _read_tool_choice(fields: Json) -> ToolChoice | None:
    """A form other than the four of core stays in ``fields``."""
    choice = fields["tool_choice"]
    if choice in ("auto", "none", "required"):
        del fields["tool_choice"]
        return ToolChoice(choice)
    if choice is None:
        del fields["tool_choice"]
        return None
    if type(choice) is str:
        raise InvalidInput("wire.wrong_type", f"tool_choice: {choice!r} is not auto, none or required.", param="tool_choice")
    match choice:
        case {"type": "function", "function": {"name": str(name), **inner}, **outer} if not inner and not outer:
            del fields["tool_choice"]
            return ToolChoice("named", name)
        case {}:
            return None
    raise wrong("tool_choice", "a string or an object", choice)


def _read_output(fields: Json) -> OutputFormat | None:
    """A form other than the three of core stays in ``fields``."""
    value = fields["response_format"]
    if value is None:
        del fields["response_format"]
        return None
    if type(value) is not dict:
        raise wrong("response_format", "an object", value)
    kind = take_str({**value}, "type", "response_format")
    if kind == "json_schema":
        del fields["response_format"], value["type"]
        return _read_schema(value, "response_format.json_schema")
    if kind not in _FORMATS:
        return None
    del fields["response_format"], value["type"]
    return OutputFormat(kind=_FORMATS[kind], extra=left_over(value))


def _read_schema(value: Json, at: str) -> OutputFormat:
    body = value.pop("json_schema", None)
    if type(body) is not dict:
        raise missing(at) if body is None else wrong(at, "an object", body)
    schema = body.pop("schema", None)
    if schema is not None and type(schema) is not dict:
        raise wrong(f"{at}.schema", "an object", schema)
    name = take_str(body, "name", at)
    description = take_str(body, "description", at)
    strict = take_bool(body, "strict", at)
    if body:
        value["json_schema"] = body
    return OutputFormat(
        kind="json_schema", name=name, description=description, schema=schema, strict=strict, extra=left_over(value)
    )


def _read_sampling(fields: Json) -> Sampling:
    given: Json = {}
    for key in _NUMBERS:
        if key in fields and (number := take_number(fields, key)) is not None:
            given[key] = number
    for key in _COUNTS:
        if key in fields and (count := take_count(fields, key)) is not None:
            given[key] = count
    if "max_completion_tokens" in fields and (limit := take_count(fields, "max_completion_tokens")) is not None:
        given["max_tokens"] = fields["max_completion_tokens"] = limit
    elif "max_tokens" in fields and (limit := take_count(fields, "max_tokens")) is not None:
        given["max_tokens"] = limit
    if "stop" in fields and (stop := _take_stop(fields)) is not None:
        given["stop"] = stop
    if "reasoning_effort" in fields:
        given["effort"] = take_str(fields, "reasoning_effort")
    return Sampling(**given)


def _read_stream_usage(fields: Json) -> bool | None:
    options = fields.pop("stream_options")
    if options is None:
        return None
    if type(options) is not dict:
        raise wrong("stream_options", "an object", options)
    usage = take_bool(options, "include_usage", "stream_options")
    if options:
        fields["stream_options"] = options
    return usage


def _take_stop(fields: Json) -> tuple[str, ...] | None:
    value = fields.pop("stop")
    if value is None:
        return None
    if type(value) is str:
        return (value,)
    if type(value) is list and all(type(word) is str for word in value):
        return tuple(value)
    raise wrong("stop", "a string or a list of strings", value)


def write_request(request: Request, *, extensions: Collection[str] = COMMON) -> Written:
    """The body for an upstream. Settings that were not given are not sent.

    ``extensions`` are the fields beyond OpenAI's own that this server takes: ``top_k``, ``thinking_budget``,
    ``cache_control`` on text, ``video_url`` parts, ``file_url`` (addresses as ``file_data``), ``stop`` (more than four).
    """
    losses = Losses()
    losses.foreign(request.extra, NAME)
    extra = request.extra.get(NAME, {})
    fields: dict[str, Any] = {"model": request.model}
    writer = MessageWriter(losses, extensions)
    fields["messages"] = writer.write_all(request.transcript.messages)
    _write_tools(fields, request, losses)
    if request.output is not None:
        losses.foreign(request.output.extra, NAME, "output")
        fields["response_format"] = _write_output(request.output)
    fields.update(extra)
    _write_sampling(fields, request.sampling, extensions, losses)
    if request.stream:
        fields["stream"] = True
    if request.stream_usage is not None:
        fields["stream_options"] = {**extra.get("stream_options", {}), "include_usage": request.stream_usage}
    if request.user is not None:
        fields["user"] = request.user
    return Written(escape_separators(encode(fields)), losses.listed)


def _write_sampling(fields: Json, sampling: Sampling, extensions: Collection[str], losses: Losses) -> None:
    for key in (*_NUMBERS, "seed"):
        if (value := getattr(sampling, key)) is not None:
            fields[key] = value
    if sampling.top_k is not None:
        if "top_k" in extensions:
            fields["top_k"] = sampling.top_k
        else:
            losses.drop("top_k")
    if sampling.max_tokens is not None:
        fields["max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"] = sampling.max_tokens
    if sampling.stop is not None:
        if len(sampling.stop) > _MOST_STOPS and "stop" not in extensions:
            losses.approximate("stop", f"the first {_MOST_STOPS}")
        fields["stop"] = sampling.stop[: None if "stop" in extensions else _MOST_STOPS]
    _write_thinking(fields, sampling, extensions, losses)


def _write_thinking(fields: Json, sampling: Sampling, extensions: Collection[str], losses: Losses) -> None:
    """How much to think is a word here. That thoughts are shown cannot be asked for; whoever shows them does so unasked."""
    if sampling.effort is not None:
        fields["reasoning_effort"] = sampling.effort
    elif sampling.thinking is False:
        fields["reasoning_effort"] = "none"
    if sampling.thinking_budget is not None:
        if "thinking_budget" in extensions:
            fields["thinking_budget"] = sampling.thinking_budget
        elif sampling.effort is None and sampling.thinking is not False:
            word = effort_of(sampling.thinking_budget)
            fields["reasoning_effort"] = word
            losses.approximate("thinking_budget", f"effort {word}")
        else:
            losses.drop("thinking_budget")
    elif sampling.thinking and sampling.effort is None:
        losses.drop("thinking")
    if sampling.show_thinking:
        losses.drop("show_thinking")


def _write_tools(fields: Json, request: Request, losses: Losses) -> None:
    """Tools and how they are to be called. OpenAI refuses a word about calls where there is no tool, so none is sent then."""
    tools = [written for tool in request.tools if (written := _write_tool(tool, losses)) is not None]
    choice = request.tool_choice
    if not tools:
        if choice is not None and choice.mode in ("required", "named"):
            losses.drop("tool_choice")
        return
    fields["tools"] = tools
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    if choice is not None:
        fields["tool_choice"] = _write_tool_choice(choice)


def _write_tool(tool: Tool, losses: Losses) -> Json | None:
    """None for a tool that only another protocol's provider has."""
    losses.tool(tool, NAME)
    extra = tool.extra.get(NAME, {})
    if not tool.name:
        return extra or None
    kind = extra.get("type", "function")
    place = kind if kind in extra else "function"
    body: Json = {"name": tool.name}
    if tool.description is not None:
        body["description"] = tool.description
    if tool.parameters is not None:
        body["parameters"] = tool.parameters
    if tool.strict and not fits_strict(tool.parameters):
        losses.drop("tools[].strict")
    elif tool.strict is not None:
        body["strict"] = tool.strict
    if tool.cache is not None:
        losses.drop("cache")
    return {"type": kind, **extra, place: {**body, **extra.get(place, {})}}


def _write_tool_choice(choice: ToolChoice) -> str | Json:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "named" else choice.mode


def _write_output(output: OutputFormat) -> Json:
    extra = output.extra.get(NAME, {})
    if output.kind != "json_schema":
        return {"type": _FORMAT_NAMES[output.kind], **extra}
    given = {"name": output.name or "answer", "description": output.description, "schema": output.schema, "strict": output.strict}
    body = {key: value for key, value in given.items() if value is not None}
    return {"type": "json_schema", **extra, "json_schema": {**body, **extra.get("json_schema", {})}}
