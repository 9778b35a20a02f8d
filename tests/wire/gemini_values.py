"""Hypothesis strategies: requests and event streams as the Gemini API can carry them."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from assay.core import (
    Audio,
    Citation,
    Event,
    File,
    Image,
    Message,
    OutputFormat,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
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
from assay.wire.document import encode
from assay.wire.gemini import NAME
from tests.wire.chat_values import json_values, names, some_words, words

unknown_fields = st.dictionaries(names.map(lambda name: f"x_{name}"), json_values.filter(lambda v: v is not None), max_size=2)
extras = unknown_fields.map(lambda fields: {NAME: fields} if fields else {})
base64s = st.binary(min_size=1, max_size=9).map(lambda data: base64.b64encode(data).decode())
urls = names.map(lambda path: f"https://example.org/{path}")
functions = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
arguments = st.dictionaries(words, json_values, max_size=3).map(lambda args: encode(args).decode())
signatures = st.none() | base64s.map(lambda text: f"CiQB{text}")

texts = st.builds(Text, text=some_words, extra=extras)
images = st.builds(Image, data=base64s, media_type=st.sampled_from(["image/png", "image/webp"]), extra=extras) | st.builds(
    Image, url=urls, media_type=st.just("image/png")
)
sounds = st.builds(Audio, data=base64s, media_type=st.just("audio/wav"), extra=extras)
films = st.builds(Video, url=urls, media_type=st.just("video/mp4"), extra=extras)
files = st.builds(File, data=base64s, media_type=st.just("application/pdf"), name=st.none() | some_words) | st.builds(
    File, url=urls
)
unknowns = st.builds(lambda code: Unknown(extra={NAME: {"executableCode": {"code": code, "language": "PYTHON"}}}), words)
asked: st.SearchStrategy[tuple[Part, ...]] = st.lists(texts | images | sounds | films | files, min_size=1, max_size=3).map(tuple)

plain_thoughts = st.builds(Thinking, text=some_words)
signed_thoughts = st.builds(Thinking, text=words, signature=base64s, provider=st.just(NAME))
shown: st.SearchStrategy[tuple[Part, ...]] = st.tuples() | st.tuples(images)


@st.composite
def calls(draw: st.DrawFn) -> ToolCall:
    signature = draw(signatures)
    provider = NAME if signature is not None else None
    return ToolCall(
        id="", name=draw(functions), arguments=draw(arguments), signature=signature, provider=provider, extra=draw(extras)
    )


@st.composite
def results(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    """What a function gave: words, words of an error, or an object of its own."""
    given = draw(arguments | words)
    is_error = not given.startswith("{") and draw(st.booleans())
    return ToolResult(id=call.id, parts=(Text(text=given), *draw(shown)), is_error=is_error, extra=draw(extras))


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Conversations in the order that the protocol demands."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(role="system", parts=(draw(texts),)))
    messages.append(Message(role="user", parts=draw(asked), extra=draw(extras)))
    count = 0
    for _ in range(draw(st.integers(0, 3))):
        said: list[Part] = draw(st.lists(plain_thoughts | signed_thoughts | texts | unknowns, max_size=3))
        called = [draw(calls()) for _ in range(draw(st.integers(0, 2)))]
        numbered = [_numbered(call, f"id_{count + i}") for i, call in enumerate(called)]
        count += len(numbered)
        parts = (*_apart(said), *numbered) or (Text(text="ok"),)
        messages.append(Message(role="assistant", parts=parts, extra=draw(extras)))
        answers: list[Part] = [draw(results(call)) for call in numbered]
        is_all = bool(answers) and draw(st.booleans())
        more = () if is_all else draw(asked)
        messages.append(Message(role="user", parts=(*answers, *more)))
    return Transcript(tuple(messages))


def _apart(parts: list[Part]) -> list[Part]:
    """No two pieces of one text, which would be read as one."""
    return [part for i, part in enumerate(parts) if not i or type(part) is not type(parts[i - 1])]


def _numbered(call: ToolCall, call_id: str) -> ToolCall:
    return ToolCall(
        id=call_id, name=call.name, arguments=call.arguments, signature=call.signature, provider=call.provider, extra=call.extra
    )


schemas = st.dictionaries(words, json_values, max_size=3).map(lambda schema: {**schema, "type": "object"})
tools = st.builds(Tool, name=functions, description=st.none() | words, parameters=st.none() | schemas, extra=extras)
hosted = st.just(Tool(name="", extra={NAME: {"googleSearch": {}}}))
numbers = st.none() | st.floats(0, 1)
counts = st.none() | st.integers(1, 2**30)


@st.composite
def samplings(draw: st.DrawFn) -> Sampling:
    how = draw(st.sampled_from(["nothing", "off", "dynamic", "budget", "effort"]))
    return Sampling(
        max_tokens=draw(counts),
        temperature=draw(numbers),
        top_p=draw(numbers),
        top_k=draw(counts),
        seed=draw(counts),
        stop=draw(st.none() | st.lists(some_words, min_size=1, max_size=3).map(tuple)),
        frequency_penalty=draw(numbers),
        presence_penalty=draw(numbers),
        show_thinking=draw(st.none() | st.booleans()),
        thinking={"off": False, "dynamic": True}.get(how),
        thinking_budget=draw(st.integers(1, 2**20)) if how == "budget" else None,
        effort=draw(st.sampled_from(["minimal", "low", "medium", "high", "xhigh"])) if how == "effort" else None,
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    declared = draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
    choices: list[ToolChoice | None] = [None, ToolChoice("auto"), ToolChoice("none")]
    if declared:
        choices += [ToolChoice("required"), ToolChoice("named", declared[0].name)]
    fields: dict[str, Any] = draw(unknown_fields)
    if draw(st.booleans()):
        fields |= {
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
            "labels": {"a_b": "c_d"},
        }
    if draw(st.booleans()):
        fields |= {"generationConfig.candidateCount": 2, "toolConfig.retrievalConfig": {"languageCode": "en"}}
    return Request(
        model="m",
        transcript=draw(transcripts()),
        tools=(*declared, *draw(st.lists(hosted, max_size=1))),
        tool_choice=draw(st.sampled_from(choices)),
        output=draw(
            st.none()
            | st.sampled_from([OutputFormat(kind="text"), OutputFormat(kind="json")])
            | st.builds(OutputFormat, kind=st.just("json_schema"), schema=schemas)
        ),
        sampling=draw(samplings()),
        stream=draw(st.booleans()),
        extra={NAME: fields} if fields else {},
    )


tokens = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    input=tokens,
    cache_read=tokens,
    audio_input=tokens,
    image_input=tokens,
    output=tokens,
    reasoning=tokens,
    audio_output=tokens,
    image_output=tokens,
)
_ENDINGS: dict[str, StopReason] = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "content_filter", "LANGUAGE": "other"}


@st.composite
def choice_events(draw: st.DrawFn, choice: int, *, whole: bool) -> list[Event]:
    """The events of one candidate: thoughts, words, calls, as Gemini's own models say them."""
    events: list[Event] = []
    index = 0
    if draw(st.booleans()):
        events.append(PartOpened(index=index, part=Thinking(provider=NAME), choice=choice))
        pieces = draw(st.lists(some_words, min_size=1, max_size=1 if whole else 3))
        events += [PartGrew(index=index, text=piece, choice=choice) for piece in pieces]
        events.append(PartClosed(index=index, choice=choice, signature=draw(signatures)))
        index += 1
    called = draw(st.lists(calls(), max_size=2))
    if draw(st.booleans()) or not (events or called):
        pieces = draw(st.lists(some_words, min_size=1, max_size=1 if whole else 3))
        events.append(PartOpened(index=index, part=Text(text=""), choice=choice))
        events += [PartGrew(index=index, text=piece, choice=choice) for piece in pieces]
        said = sum(map(len, pieces))
        citations = [Citation(url="https://a.example/", title="A", start=0, end=said)] if not called and draw(st.booleans()) else []
        events.append(PartClosed(index=index, choice=choice, citations=tuple(citations)))
        index += 1
    for i, call in enumerate(called):
        opened = ToolCall(
            id=f"id_{choice}_{i}", name=call.name, signature=call.signature, provider=call.provider, extra=draw(extras)
        )
        events.append(PartOpened(index=index, part=opened, choice=choice))
        events.append(PartGrew(index=index, text=call.arguments, choice=choice))
        events.append(PartClosed(index=index, choice=choice))
        index += 1
    raw = draw(st.sampled_from(sorted(_ENDINGS)))
    reason: StopReason = "tool_calls" if called and raw == "STOP" else _ENDINGS[raw]
    return [*events, Stopped(reason=reason, raw=raw, choice=choice, extra=draw(extras))]


@st.composite
def answer_events(draw: st.DrawFn, *, whole: bool = False) -> list[Event]:
    """The events of an answer of one or two candidates, in the order in which reading gives them."""
    events: list[Event] = [Started(id="abc", model="m")]
    stops: list[Event] = []
    for choice in range(draw(st.integers(1, 2))):
        *said, stop = draw(choice_events(choice, whole=whole))
        events += said
        stops.append(stop)
    return [*events, UsageReported(usage=draw(usages)), *stops]
