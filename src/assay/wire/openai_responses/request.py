"""Requests: what a client sends, and what an upstream is sent (OpenAI API reference, "Create a model response", 2026-11)."""

from __future__ import annotations

from typing import Any

from assay.core import Message, OutputFormat, Request, Sampling, Text, TooLarge, Transcript
from assay.wire.document import decode, encode
from assay.wire.effort import effort_of
from assay.wire.fields import Json, missing, take_bool, take_count, take_number, take_str, wrong
from assay.wire.losses import Losses, Written
from assay.wire.openai_responses.fields import NAME
from assay.wire.openai_responses.history import HistoryWriter
from assay.wire.openai_responses.items import ItemReader
from assay.wire.openai_responses.names import spellings
from assay.wire.openai_responses.output import read_output, write_output
from assay.wire.openai_responses.tools import read_tool_choice, read_tools, write_tool_choice, write_tools
from assay.wire.sse import escape_separators

MAX_BODY_BYTES = 64 * 1024 * 1024
ENCRYPTED = "reasoning.encrypted_content"
_LEAST_TOKENS = 16
_NESTED = ("reasoning.", "text.")
_UNHEARD = ("top_k", "stop", "seed", "frequency_penalty", "presence_penalty")


def read_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """The request that a client sent. Fields that Assay does not know stay in ``extra["openai_responses"]``, at their level.

    ``instructions`` are the system's message before all others. That entry of ``extra`` is there even when it is empty: it
    says that the request came in this protocol.

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
    streamed = take_bool(fields, "stream")
    if not (model or named):
        raise missing("model")
    tools = read_tools(fields.pop("tools", None))
    instructions = _take_instructions(fields)
    said = ItemReader(spellings(tools)).read(fields.pop("input", None))
    return Request(
        model=model or named or "",
        transcript=Transcript((*instructions, *said)),
        tools=tools,
        tool_choice=read_tool_choice(fields) if "tool_choice" in fields else None,
        parallel_tool_calls=take_bool(fields, "parallel_tool_calls"),
        output=_take_output(fields) if "text" in fields else None,
        sampling=_read_sampling(fields),
        stream=(streamed or False) if stream is None else stream,
        user=take_str(fields, "user"),
        extra={NAME: fields},
    )


def _take_instructions(fields: Json) -> tuple[Message, ...]:
    """Anything but a string is for the server that knows what it means."""
    if type(fields.get("instructions")) is not str:
        return ()
    text = fields.pop("instructions")
    return (Message(role="system", parts=(Text(text=text),)),) if text else ()


def _take_output(fields: Json) -> OutputFormat | None:
    text = fields.pop("text")
    if text is None:
        return None
    if type(text) is not dict:
        raise wrong("text", "an object", text)
    output = read_output(text) if "format" in text else None
    fields.update({f"text.{key}": value for key, value in text.items()})
    return output


def _read_sampling(fields: Json) -> Sampling:
    given: Json = {}
    for key in ("temperature", "top_p"):
        if key in fields and (number := take_number(fields, key)) is not None:
            given[key] = number
    if "max_output_tokens" in fields and (limit := take_count(fields, "max_output_tokens")) is not None:
        given["max_tokens"] = limit
    reasoning = fields.pop("reasoning", None)
    if reasoning is not None:
        if type(reasoning) is not dict:
            raise wrong("reasoning", "an object", reasoning)
        given.update(_read_reasoning(reasoning))
        fields.update({f"reasoning.{key}": value for key, value in reasoning.items() if value is not None})
    return Sampling(**given)


def _read_reasoning(reasoning: Json) -> Json:
    """A summary at any length asks to be shown the thoughts; ``extra`` keeps the length."""
    given: Json = {}
    effort = take_str(reasoning, "effort", "reasoning")
    if effort is not None:
        given["effort"] = effort
    shown = reasoning.get("summary") or reasoning.get("generate_summary")
    if shown is not None:
        given["show_thinking"] = True
        if reasoning.get("summary") == "auto":
            del reasoning["summary"]
    return given


def write_request(request: Request) -> Written:
    """The body for an upstream. Settings that were not given are not sent.

    A request from another protocol is not to be stored, since that protocol has no word for it; and if it asks for thoughts,
    they are asked for in a form that can be given back (others get them by default, and models without any refuse the wish).
    """
    losses = Losses()
    losses.foreign(request.extra, NAME)
    fields = _write_conversation(request, losses)
    sampling = request.sampling
    reasoning = _write_reasoning(sampling, losses)
    extra = _nest(request.extra.get(NAME, {}))
    if reasoning or "reasoning" in extra:
        fields["reasoning"] = {**reasoning, **extra.pop("reasoning", {})}
    text = extra.pop("text", {})
    if request.output is not None:
        text = {"format": write_output(request.output, losses), **text}
    if text:
        fields["text"] = text
    fields.update(extra)
    _write_sampling(fields, sampling, losses, native=NAME in request.extra)
    if request.stream:
        fields["stream"] = True
    if request.user is not None:
        fields["user"] = request.user
    if NAME not in request.extra:
        fields["store"] = False
        if reasoning and reasoning.get("effort") != "none":
            fields["include"] = [ENCRYPTED]
    return Written(escape_separators(encode(fields)), losses.listed)


def _write_conversation(request: Request, losses: Losses) -> dict[str, Any]:
    """What the model is told, and the tools it has."""
    names = spellings(request.tools)
    messages = request.transcript.messages
    fields: dict[str, Any] = {"model": request.model}
    instructions = instructions_of(request)
    if instructions is not None and (len(messages) > 1 or NAME in request.extra):  # an input there must be
        fields["instructions"] = instructions
        messages = messages[1:]
    fields["input"] = HistoryWriter(losses, names, native=NAME in request.extra).write(messages)
    tools = write_tools(request.tools, losses)
    if tools:
        fields["tools"] = tools
    choice = request.tool_choice
    if choice is not None:
        if tools or NAME in request.extra or choice.mode in ("auto", "none"):
            fields["tool_choice"] = write_tool_choice(choice, names)
        else:
            losses.drop("tool_choice")  # a server refuses to be told to use tools that it was not given
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def instructions_of(request: Request) -> str | None:
    """The system's first message, where it is one plain text."""
    first = request.transcript.messages[:1]
    if not first or first[0].role != "system" or first[0].extra or first[0].name is not None or len(first[0].parts) != 1:
        return None
    part = first[0].parts[0]
    return part.text or None if isinstance(part, Text) and part == Text(text=part.text) else None


def _nest(extra: Json) -> Json:
    """``extra`` with the fields of ``reasoning`` and ``text`` inside them again."""
    fields: Json = {}
    for key, value in extra.items():
        if key.startswith(_NESTED):
            outer, _, inner = key.partition(".")
            fields.setdefault(outer, {})[inner] = value
        else:
            fields[key] = value
    return fields


def _write_reasoning(sampling: Sampling, losses: Losses) -> Json:
    reasoning: Json = {}
    if sampling.effort is not None:
        reasoning["effort"] = sampling.effort
    elif sampling.thinking is False:
        reasoning["effort"] = "none"
    if sampling.thinking_budget is not None:
        if reasoning:
            losses.drop("thinking_budget")
        else:
            reasoning["effort"] = effort_of(sampling.thinking_budget)
            losses.approximate("thinking_budget", f"effort {reasoning['effort']}")
    elif sampling.thinking and sampling.effort is None:
        losses.drop("thinking")
    if sampling.show_thinking:
        reasoning["summary"] = "auto"
    return reasoning


def _write_sampling(fields: Json, sampling: Sampling, losses: Losses, *, native: bool) -> None:
    for key in _UNHEARD:
        if getattr(sampling, key) is not None:
            losses.drop(key)
    if sampling.temperature is not None:
        fields["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        fields["top_p"] = sampling.top_p
    if sampling.max_tokens is not None:
        limit = sampling.max_tokens
        if limit < _LEAST_TOKENS and not native:
            losses.approximate("max_tokens", f"{_LEAST_TOKENS}")
            limit = _LEAST_TOKENS
        fields["max_output_tokens"] = limit
