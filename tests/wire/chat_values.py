"""Hypothesis strategies: requests and event streams as Chat Completions can carry them, and JSON that clients invent."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from assay.core import (
    Audio,
    Event,
    File,
    Image,
    Message,
    Money,
    OutputFormat,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Sampling,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Unknown,
    Usage,
    UsageReported,
    Video,
)
from assay.wire.openai_chat import NAME
from assay.wire.strictness import fits_strict

words = st.text(max_size=20) | st.sampled_from(["a\u2028b", "\u2029", "\u0085", "data: x\n\ndata: y", "😀", "\x00", '"\\'])
some_words = words.filter(bool)
names = st.text("abcdefghij_0123", min_size=1, max_size=10)
base64s = st.text("ABCDabcd0123+/", min_size=1, max_size=12)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
unknown_fields = st.dictionaries(names.map(lambda name: f"x_{name}"), json_values.filter(lambda v: v is not None), max_size=2)
extras = unknown_fields.map(lambda fields: {NAME: fields} if fields else {})

urls = some_words.map(lambda path: f"https://example.org/{path}")
texts = st.builds(Text, text=words, extra=extras)
images = st.builds(Image, url=urls, detail=st.none() | st.sampled_from(["low", "high"]), extra=extras) | st.builds(
    Image, data=base64s, media_type=st.sampled_from(["image/png", "image/webp"]), extra=extras
)
sounds = st.builds(Audio, data=base64s, media_type=st.sampled_from(["audio/wav", "audio/mpeg"]), extra=extras)
films = st.builds(Video, url=urls, extra=extras)
files = (
    st.builds(File, data=base64s, media_type=st.just("application/pdf"), name=st.none() | words, extra=extras)
    | st.builds(File, data=base64s, extra=extras)
    | st.builds(File, file_id=some_words, extra=extras)
)
unknowns = st.builds(
    lambda kind, fields: Unknown(extra={NAME: {"type": f"x_{kind}", **fields}}),
    names,
    unknown_fields,
)
said: st.SearchStrategy[tuple[Part, ...]] = (
    st.lists(texts | images | sounds | films | files | unknowns, max_size=3).map(lambda parts: parts or [Text(text="")]).map(tuple)
)

thoughts = st.builds(Thinking, text=some_words) | st.builds(
    lambda text, details: Thinking(text=text, extra={NAME: {"reasoning": "", "reasoning_details": details}}),
    some_words,
    st.lists(json_values, min_size=1, max_size=2),
)
calls = st.builds(ToolCall, id=some_words, name=some_words, arguments=words, extra=extras)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Part, ...]:
    """Parts of an assistant's message, in the order in which the protocol has them."""
    parts: list[Part] = [draw(thoughts)] if draw(st.booleans()) else []
    parts += draw(st.lists(texts, max_size=2))
    if draw(st.booleans()):
        parts.append(Refusal(text=draw(words)))
    parts += draw(st.lists(calls, max_size=2))
    if not any(isinstance(part, Text | Refusal | ToolCall) for part in parts):
        parts.append(Text(text=""))
    return tuple(parts)


maybe_name = st.none() | words
messages = (
    st.builds(Message, role=st.sampled_from(["system", "developer", "user"]), parts=said, name=maybe_name, extra=extras)
    | st.builds(Message, role=st.just("assistant"), parts=answers(), name=maybe_name, extra=extras)
    | st.builds(
        lambda call_id, parts, extra: Message(role="tool", parts=(ToolResult(id=call_id, parts=parts),), extra=extra),
        some_words,
        st.lists(texts, min_size=1, max_size=3).map(tuple),
        extras,
    )
)
schemas = st.dictionaries(words, json_values, max_size=3)
tools = st.builds(
    Tool,
    name=some_words,
    description=st.none() | words,
    parameters=st.none() | schemas,
    strict=st.none() | st.booleans(),
    extra=extras,
)
tool_choices = st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("named", "f")])
formats = st.builds(OutputFormat, kind=st.sampled_from(["text", "json"]), extra=extras) | st.builds(
    OutputFormat,
    kind=st.just("json_schema"),
    name=some_words,
    description=st.none() | words,
    schema=st.none() | schemas,
    strict=st.none() | st.booleans(),
    extra=extras,
)
numbers = st.none() | st.floats(-10, 10)
counts = st.none() | st.integers(0, 2**40)
samplings = st.builds(
    Sampling,
    max_tokens=counts,
    temperature=numbers,
    top_p=numbers,
    top_k=counts,
    stop=st.none() | st.lists(words, max_size=2).map(tuple),
    seed=counts,
    frequency_penalty=numbers,
    presence_penalty=numbers,
    effort=st.none() | st.sampled_from(["low", "ultra"]),
    thinking_budget=counts,
)


def _fitting(request: Request) -> Request:
    """Without what OpenAI refuses, and thus is not written: a word about calls where no tool is, strictness that cannot be kept."""
    tools = tuple(
        msgspec.structs.replace(tool, strict=None) if tool.strict and not fits_strict(tool.parameters) else tool
        for tool in request.tools
    )
    if tools:
        return msgspec.structs.replace(request, tools=tools)
    return msgspec.structs.replace(request, tool_choice=None, parallel_tool_calls=None)


requests = st.builds(
    Request,
    model=some_words,
    transcript=st.lists(messages, max_size=4).map(lambda many: Transcript(tuple(many))),
    tools=st.lists(tools, max_size=2).map(tuple),
    tool_choice=st.none() | tool_choices,
    parallel_tool_calls=st.none() | st.booleans(),
    output=st.none() | formats,
    sampling=samplings,
    stream=st.booleans(),
    stream_usage=st.none() | st.booleans(),
    user=st.none() | words,
    extra=extras,
).map(_fitting)

tokens = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    input=tokens,
    cache_read=tokens,
    cache_write_5m=tokens,
    audio_input=tokens,
    image_input=tokens,
    output=tokens,
    reasoning=tokens,
    audio_output=tokens,
    image_output=tokens,
    reported=st.none() | st.builds(Money, st.integers(0, 10**12)),
)
_ENDINGS: dict[str, StopReason] = {"stop": "end", "length": "length", "content_filter": "content_filter"}


@st.composite
def choice_events(draw: st.DrawFn, choice: int, *, whole: bool) -> list[Event]:
    """The events of one choice. ``whole``: each part comes in one piece, as from an answer that was not streamed."""
    opened: list[Part] = []
    if draw(st.booleans()):
        field = draw(st.sampled_from(["reasoning", "reasoning_content"]))
        opened.append(Thinking(extra={NAME: {"reasoning": ""}} if field == "reasoning" else {}))
    if draw(st.booleans()):
        opened.append(Text(text=""))
    refused = draw(st.booleans())
    if refused:
        opened.append(Refusal(text=""))
    called = draw(st.lists(st.builds(ToolCall, id=some_words, name=some_words, extra=extras), max_size=2, unique_by=lambda c: c.id))
    events: list[Event] = []
    for index, part in enumerate([*opened, *called]):
        events.append(PartOpened(index=index, part=part, choice=choice))
        pieces = draw(st.lists(some_words, min_size=0 if part in called else 1, max_size=1 if whole else 3))
        events += [PartGrew(index=index, text=piece, choice=choice) for piece in pieces]
        if part not in called:
            events.append(PartClosed(index=index, choice=choice))
    events += [PartClosed(index=len(opened) + i, choice=choice) for i in range(len(called))]
    extra = draw(extras)
    if called:
        return [*events, Stopped(reason="tool_calls", raw="tool_calls", choice=choice, extra=extra)]
    raw = draw(st.sampled_from(sorted(_ENDINGS)))
    reason: StopReason = "refusal" if refused and raw == "stop" else _ENDINGS[raw]
    return [*events, Stopped(reason=reason, raw=raw, choice=choice, extra=extra)]


@st.composite
def answer_events(draw: st.DrawFn, *, whole: bool = False) -> list[Event]:
    """The events of an answer of one to three choices."""
    events: list[Event] = [Started(id="chatcmpl-1", model="m", created=draw(st.integers(0, 2**40)), extra=draw(extras))]
    for choice in range(draw(st.integers(1, 3))):
        events += draw(choice_events(choice, whole=whole))
    return [*events, UsageReported(usage=draw(usages))]
