"""Requests that a client sends (Anthropic API reference, "Create a message", API versions 2023-06-01 and 2026-10-21).

Every request that is read here has ``anthropic`` in its ``extra``, empty where nothing was left over: so the writer knows
that the client itself spoke this protocol, and changes nothing that is allowed there.
"""

from __future__ import annotations

from assay.core import InvalidInput, Message, OutputFormat, Request, Sampling, Tool, TooLarge, ToolChoice, Transcript
from assay.core.transcript import Part
from assay.wire.anthropic.content import read_content
from assay.wire.anthropic.fields import MAX_BODY_BYTES, NAME, left_over, take_cache, take_list
from assay.wire.anthropic.message import read_message
from assay.wire.document import decode
from assay.wire.fields import Json, missing, take_bool, take_count, take_number, take_str, wrong


def read_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """The request that a client sent. Fields that Assay does not know stay in ``extra["anthropic"]``, at their level.

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
    named = take_str(fields, "model")
    asked = model if model is not None else named
    if not asked:
        raise missing("model")
    streamed = take_bool(fields, "stream")
    transcript = _read_transcript(fields)
    tools = tuple([_read_tool(tool, f"tools[{i}]") for i, tool in enumerate(take_list(fields, "tools"))])
    choice, parallel = _read_tool_choice(fields)
    output = _read_output(fields)
    return Request(
        model=asked,
        transcript=transcript,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=output,
        sampling=_read_sampling(fields),
        stream=(streamed or False) if stream is None else stream,
        user=_read_user(fields),
        extra={NAME: fields},
    )


def read_count_request(body: bytes, *, model: str | None = None) -> Request:
    """A question for how many tokens a request would have: the same fields, without those about the answer.

    Raises:
        InvalidInput, TooLarge: as `read_request` does.
    """
    return read_request(body, model=model, stream=False)


def _read_transcript(fields: Json) -> Transcript:
    """``system`` is the first message; instructions that lead ``messages`` belong to it, later ones keep their place."""
    messages = fields.pop("messages", None)
    if type(messages) is not list:
        raise missing("messages") if messages is None else wrong("messages", "a list", messages)
    system: tuple[Part, ...] = read_content(fields.pop("system", None), "system")
    read = [read_message(message, f"messages[{i}]") for i, message in enumerate(messages)]
    leading = 0
    while leading < len(read) and read[leading].role == "system" and not read[leading].extra:
        system += read[leading].parts
        leading += 1
    first = [Message(role="system", parts=system)] if system else []
    return Transcript((*first, *read[leading:]))


def _read_tool(value: object, at: str) -> Tool:
    """A tool of the client's own. One of Anthropic's (``web_search_20250305``, ``bash_20250124``) has no name here."""
    if type(value) is not dict:
        raise wrong(at, "an object", value)
    fields: Json = value
    kind = take_str(fields, "type", at)
    if kind is not None and kind != "custom":
        return Tool(name="", cache=take_cache(fields, at), extra={NAME: {"type": kind, **fields}})
    name = take_str(fields, "name", at)
    if not name:
        raise missing(f"{at}.name")
    schema = fields.pop("input_schema", None)
    if schema is not None and type(schema) is not dict:
        raise wrong(f"{at}.input_schema", "an object", schema)
    return Tool(
        name=name,
        description=take_str(fields, "description", at),
        parameters=schema,
        strict=take_bool(fields, "strict", at),
        cache=take_cache(fields, at),
        extra=left_over(fields),
    )


def _read_tool_choice(fields: Json) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several calls at once are allowed. A form other than the four of core stays in ``fields``."""
    choice = fields.pop("tool_choice", None)
    if choice is None:
        return None, None
    if type(choice) is not dict:
        raise wrong("tool_choice", "an object", choice)
    inner: Json = {**choice}
    alone = take_bool(inner, "disable_parallel_tool_use", "tool_choice")
    parallel = None if alone is None else not alone
    match inner:
        case {"type": "auto" | "any" | "none" as kind} if len(inner) == 1:
            modes: dict[str, ToolChoice] = {
                "auto": ToolChoice("auto"),
                "any": ToolChoice("required"),
                "none": ToolChoice("none"),
            }
            return modes[kind], parallel
        case {"type": "tool", "name": str(name)} if len(inner) == 2:
            return ToolChoice("named", name), parallel
    fields["tool_choice"] = choice
    return None, None


def _read_output(fields: Json) -> OutputFormat | None:
    """``output_config.format``, or ``output_format`` as it was called while it was a beta."""
    config = fields.get("output_config")
    if config is None:
        fields.pop("output_config", None)
    elif type(config) is not dict:
        raise wrong("output_config", "an object", config)
    holder, key, at = (fields, "output_format", "output_format")
    if config is not None and config.get("format") is not None:
        holder, key, at = config, "format", "output_config.format"
    given = holder.get(key)
    if given is None:
        return None
    if type(given) is not dict:
        raise wrong(at, "an object", given)
    schema = given.get("schema")
    if given.get("type") != "json_schema" or type(schema) is not dict:
        return None
    del holder[key], given["type"], given["schema"]
    return OutputFormat(kind="json_schema", schema=schema, extra=left_over(given))


def _read_sampling(fields: Json) -> Sampling:
    given: Json = {
        "max_tokens": take_count(fields, "max_tokens"),
        "temperature": take_number(fields, "temperature"),
        "top_p": take_number(fields, "top_p"),
        "top_k": take_count(fields, "top_k"),
    }
    stop = take_list(fields, "stop_sequences")
    if not all(type(word) is str for word in stop):
        raise wrong("stop_sequences", "a list of strings", stop)
    if stop:
        given["stop"] = tuple(stop)
    config = fields.get("output_config")
    if type(config) is dict:
        given["effort"] = take_str(config, "effort", "output_config")
        if not config:
            del fields["output_config"]
    return Sampling(**given, **_read_thinking(fields))


def _read_thinking(fields: Json) -> Json:
    """How much to think, and whether to show it. Words that core does not know stay in ``fields``, under their paths."""
    thinking = fields.pop("thinking", None)
    if thinking is None:
        return {}
    if type(thinking) is not dict:
        raise wrong("thinking", "an object", thinking)
    kind = take_str(thinking, "type", "thinking")
    if kind is None:
        raise missing("thinking.type")
    given: Json = {"thinking": kind != "disabled", "thinking_budget": take_count(thinking, "budget_tokens", "thinking")}
    if given["thinking_budget"] == 0 or (given["thinking_budget"] or 0) < 0:
        raise InvalidInput(
            "wire.wrong_type", "thinking.budget_tokens: expected a number of at least 1024.", param="thinking.budget_tokens"
        )
    display = take_str(thinking, "display", "thinking") if kind != "disabled" else None
    if display is not None:
        given["show_thinking"] = display != "omitted"
        if display not in ("summarized", "omitted"):
            fields["thinking.display"] = display
    elif kind == "enabled" and given["thinking_budget"] is not None:
        given["show_thinking"] = True  # what every model does that takes a budget; of others the default differs
    if kind not in ("enabled", "adaptive", "disabled") or (kind == "enabled") != (given["thinking_budget"] is not None):
        fields["thinking.type"] = kind
    for key, value in thinking.items():
        fields[f"thinking.{key}"] = value
    return given


def _read_user(fields: Json) -> str | None:
    metadata = fields.get("metadata")
    if metadata is None:
        fields.pop("metadata", None)
        return None
    if type(metadata) is not dict:
        raise wrong("metadata", "an object", metadata)
    user = take_str(metadata, "user_id", "metadata")
    if not metadata:
        del fields["metadata"]
    return user
