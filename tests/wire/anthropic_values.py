"""Hypothesis strategies: bodies of requests as clients of Anthropic Messages write them, and event streams of answers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from assay.core import (
    Citation,
    Event,
    PartClosed,
    PartGrew,
    PartOpened,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    Usage,
    UsageReported,
)
from assay.wire.anthropic import NAME
from tests.wire.chat_values import base64s, json_values, names, unknown_fields

Json = dict[str, Any]

words = st.text(max_size=20).filter(str.strip) | st.sampled_from(
    ["a\u2028b", "x\u2029", "\u0085y", "data: x\n\ndata: y", "😀", '"\\']
)
objects = st.dictionaries(names, json_values, max_size=3)
marks = st.sampled_from([{}, {}, {}, {"cache_control": {"type": "ephemeral"}}])


def blocks(kind: str, *, marked: bool = True, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """A content block of ``kind`` with ``fields``, a mark for the cache or none, and fields of nobody."""
    return st.builds(
        lambda given, mark, extra: {"type": kind, **given, **mark, **extra},
        st.fixed_dictionaries(fields),
        marks if marked else st.just({}),
        unknown_fields,
    )


citations = st.fixed_dictionaries(
    {
        "type": st.just("char_location"),
        "cited_text": words,
        "document_index": st.integers(0, 3),
        "document_title": st.none() | words,
        "start_char_index": st.integers(0, 9),
        "end_char_index": st.integers(10, 20),
    }
) | st.fixed_dictionaries(
    {
        "type": st.just("web_search_result_location"),
        "cited_text": words,
        "encrypted_index": words,
        "title": st.none() | words,
        "url": names.map(lambda path: f"https://example.org/{path}"),
    }
)
texts = blocks("text", text=words)
cited_texts = blocks("text", text=words, citations=st.lists(citations, min_size=1, max_size=2))
pictures = blocks(
    "image",
    source=st.fixed_dictionaries(
        {"type": st.just("base64"), "media_type": st.sampled_from(["image/png", "image/webp"]), "data": base64s}
    )
    | names.map(lambda path: {"type": "url", "url": f"https://example.org/{path}"})
    | names.map(lambda id: {"type": "file", "file_id": id}),
)
documents = blocks(
    "document",
    source=st.fixed_dictionaries({"type": st.just("base64"), "media_type": st.just("application/pdf"), "data": base64s})
    | words.map(lambda text: {"type": "text", "media_type": "text/plain", "data": text})
    | names.map(lambda path: {"type": "url", "url": f"https://example.org/{path}"})
    | names.map(lambda id: {"type": "file", "file_id": id})
    | words.map(lambda text: {"type": "content", "content": text}),
)
searches = blocks(
    "search_result",
    source=names,
    title=words,
    content=st.lists(words.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=1),
)
said = st.lists(texts | pictures | documents | searches, min_size=1, max_size=3)
result_contents = words | said
thoughts = blocks("thinking", marked=False, thinking=st.text(max_size=9), signature=names) | blocks(
    "redacted_thinking", marked=False, data=names
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Messages that the server takes: turns alternate, calls have ids of their own and are answered at once."""
    messages: list[Json] = []
    calls = 0
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(words | said)})
        if draw(st.booleans()):
            messages.append({"role": "system", "content": draw(words)})
        for _ in range(draw(st.integers(0, 2))):
            ids = [f"toolu_{calls + n}" for n in range(draw(st.integers(1, 2)))]
            calls += len(ids)
            uses = [draw(blocks("tool_use", id=st.just(id), name=names, input=objects)) for id in ids]
            messages.append({"role": "assistant", "content": [*draw(st.lists(thoughts, max_size=1)), *uses]})
            results = [
                draw(blocks("tool_result", tool_use_id=st.just(id), content=result_contents, is_error=st.booleans())) for id in ids
            ]
            messages.append({"role": "user", "content": [*results, *draw(st.lists(texts, max_size=1))]})
        messages.append(
            {
                "role": "assistant",
                "content": [*draw(st.lists(thoughts, max_size=1)), *draw(st.lists(cited_texts, min_size=1, max_size=2))],
            }
        )
    return [*messages, {"role": "user", "content": draw(words)}]


thinking_settings = (
    st.just({"type": "disabled"})
    | st.builds(
        lambda display: {"type": "adaptive", **display}, st.sampled_from([{}, {"display": "omitted"}, {"display": "updates"}])
    )
    | st.builds(lambda budget: {"type": "enabled", "budget_tokens": budget}, st.integers(1024, 30000))
    | st.just({"type": "between_tools"})
)
tools = st.builds(
    lambda name, schema, given, mark, extra: {"name": name, "input_schema": {"type": "object", **schema}, **given, **mark, **extra},
    names,
    objects,
    st.sampled_from([{}, {"description": "d"}, {"strict": True}, {"defer_loading": True}]),
    marks,
    unknown_fields,
) | st.sampled_from(
    [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}, {"type": "bash_20250124", "name": "bash"}]
)
choices = st.builds(
    lambda choice, alone: {**choice, **alone},
    st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "f"}]),
    st.sampled_from([{}, {"disable_parallel_tool_use": True}, {"disable_parallel_tool_use": False}]),
) | st.just({"type": "none"})


@st.composite
def bodies(draw: st.DrawFn) -> Json:
    """A whole request, of a client that keeps to the rules."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "system": words | st.lists(texts, min_size=1, max_size=3),
        "tools": st.lists(tools, min_size=1, max_size=2),
        "output_config": st.sampled_from(
            [{"effort": "high"}, {"format": {"type": "json_schema", "schema": {"type": "object"}}}, {"effort": "low", "x_a": 1}]
        ),
        "stop_sequences": st.lists(words, min_size=1, max_size=2),
        "metadata": st.sampled_from([{"user_id": '{"device":1}'}, {"x_b": 2}]),
        "stream": st.booleans(),
        "temperature": st.floats(0, 1),
        "context_management": st.just({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        "service_tier": st.just("auto"),
    }
    body: Json = {"model": draw(names), "max_tokens": 32000, "messages": draw(conversations())}
    body.update(draw(st.fixed_dictionaries({}, optional=optional)))
    assume(json.dumps(body).count("cache_control") <= 4)
    if "tools" in body and draw(st.booleans()):
        body["tool_choice"] = draw(choices)
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    unthought = any(message["role"] == "assistant" and message["content"][0]["type"] == "tool_use" for message in body["messages"])
    if not forced and not unthought and draw(st.booleans()):
        body["thinking"] = draw(thinking_settings)
    return body


tokens = st.integers(0, 10**6)
usages = st.builds(
    Usage, input=tokens, cache_read=tokens, cache_write_5m=tokens, cache_write_1h=tokens, output=tokens, reasoning=tokens
)
_ENDINGS: dict[str, StopReason] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "refusal": "refusal",
    "pause_turn": "other",
    "model_context_window_exceeded": "length",
}
source = Citation(
    url="https://example.org/a",
    title="A",
    quote="q",
    extra={NAME: {"type": "web_search_result_location", "encrypted_index": "e"}},
)


@st.composite
def answer_events(draw: st.DrawFn, *, whole: bool = False) -> list[Event]:
    """The events of an answer. ``whole``: as of one that was not streamed, each part at once."""
    opened: list[tuple[Any, list[str], PartClosed | None]] = []
    index = 0
    for _ in range(draw(st.integers(0, 2))):
        opened.append((Thinking(provider=NAME), draw(pieces), PartClosed(index=index, signature=draw(names))))
        index += 1
        if draw(st.booleans()):
            opened.append((Thinking(provider=NAME, redacted=draw(names)), [], None))
            index += 1
        text = draw(st.lists(words, min_size=1, max_size=3))
        spans = draw(st.sampled_from([(), (source,)]))
        cited = tuple(_spanning(one, sum(map(len, text))) for one in spans)
        opened.append((Text(text=""), text, PartClosed(index=index, citations=cited)))
        index += 1
    calls = draw(st.integers(0, 2))
    for number in range(calls):
        opened.append((ToolCall(id=f"toolu_{number}", name=draw(names)), ['{"a"', ":1}"], None))
        index += 1
    events: list[Event] = [Started(id="msg_1", model="m")]
    for index, (part, grown, closed) in enumerate(opened):
        events += _whole(part, grown, closed, index) if whole else _streamed(part, grown, closed, index)
    usage = draw(usages)
    events += [UsageReported(usage=usage)] if usage != Usage() else []
    raw = "tool_use" if calls else draw(st.sampled_from(sorted(_ENDINGS)))
    return [*events, Stopped(reason="tool_calls" if calls else _ENDINGS[raw], raw=raw)]


pieces = st.lists(words, min_size=1, max_size=3)


def _spanning(citation: Citation, length: int) -> Citation:
    return Citation(url=citation.url, title=citation.title, quote=citation.quote, start=0, end=length, extra=citation.extra)


def _streamed(part: Any, grown: list[str], closed: PartClosed | None, index: int) -> list[Event]:
    return [
        PartOpened(index=index, part=part),
        *[PartGrew(index=index, text=piece) for piece in grown],
        closed or PartClosed(index=index),
    ]


def _whole(part: Any, grown: list[str], closed: PartClosed | None, index: int) -> list[Event]:
    return _streamed(part, ["".join(grown)] if grown else [], closed, index)
