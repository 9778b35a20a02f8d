"""Hypothesis strategies: requests as clients of Responses write them, requests from elsewhere, and event streams."""

from __future__ import annotations

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
from assay.wire.openai_responses import NAME

words = st.text(max_size=20) | st.sampled_from(["a\u2028b", "\u2029", "\u0085", "data: x\n\ndata: y", "😀", "\x00", '"\\'])
some_words = words.filter(bool)
names = st.text("abcdefghij_0123", min_size=1, max_size=10)
ids = st.text("abcdef0123456789", min_size=4, max_size=8)
base64s = st.sampled_from(["QUJD", "AAAA", "/+8="])
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(names.map(lambda name: f"x_{name}"), json_values.filter(lambda value: value is not None), max_size=2)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have each of ``fields`` or not, and fields that nobody knows."""
    return st.tuples(st.fixed_dictionaries({}, optional=fields), unknown).map(lambda pair: {**pair[1], **pair[0]})


def thing(kind: str, needed: dict[str, st.SearchStrategy[Any]], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of the type ``kind``."""
    return st.tuples(some(**fields), st.fixed_dictionaries(needed)).map(lambda pair: {"type": kind, **pair[0], **pair[1]})


urls = some_words.map(lambda path: f"https://example.org/{path}")
marks = st.sampled_from([{"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"}, {"mode": "explicit", "ttl": "12h"}])
inputs = st.one_of(
    thing("input_text", {"text": words}, prompt_cache_breakpoint=marks),
    thing("input_image", {"image_url": urls}, detail=st.sampled_from(["low", "high", "auto"]), prompt_cache_breakpoint=marks),
    thing("input_image", {"image_url": base64s.map(lambda data: f"data:image/png;base64,{data}")}),
    thing("input_image", {"file_id": some_words}, detail=st.just("low")),
    thing("input_file", {"file_data": base64s.map(lambda data: f"data:application/pdf;base64,{data}")}, filename=some_words),
    thing("input_file", {"file_data": base64s}, filename=st.just("a.pdf")),
    thing("input_file", {"file_url": urls}),
    thing("input_file", {"file_id": some_words}),
    thing("input_audio", {"input_audio": st.fixed_dictionaries({"data": base64s, "format": st.sampled_from(["wav", "mp3"])})}),
    thing("x_hologram", {}, depth=json_values),
)
sources: st.SearchStrategy[Any] = st.lists(
    thing("url_citation", {"url": urls, "title": words, "start_index": st.integers(0, 9), "end_index": st.integers(0, 9)})
    | thing("file_citation", {"file_id": some_words, "filename": some_words, "index": st.integers(0, 9)}),
    max_size=2,
)
outputs = thing("output_text", {"text": words, "annotations": sources}) | thing("refusal", {"refusal": words})
item_ids = st.builds(lambda kind, rest: f"{kind}_{rest}", st.sampled_from(["msg", "fc", "rs", "fco"]), ids)
states: st.SearchStrategy[Any] = st.sampled_from(["completed", "in_progress", "incomplete"])
handles: dict[str, Any] = {"id": item_ids, "status": states}
summaries: st.SearchStrategy[Any] = st.lists(words.map(lambda text: {"type": "summary_text", "text": text}), max_size=3)
thoughts_in_full: st.SearchStrategy[Any] = st.lists(words.map(lambda text: {"type": "reasoning_text", "text": text}), max_size=2)
call_ids = ids.map(lambda rest: f"call_{rest}")
results = words | st.lists(inputs, max_size=2)
_input_content = words | st.lists(inputs, max_size=2)
items = st.one_of(
    some(type=st.just("message"), **handles).flatmap(
        lambda fields: st.builds(
            lambda role, content: {**fields, "role": role, "content": content},
            st.sampled_from(["user", "system", "developer"]),
            _input_content,
        )
    ),
    words.map(lambda text: {"role": "assistant", "content": text}),
    thing("message", {"role": st.just("assistant"), "content": st.lists(outputs, max_size=2)}, phase=some_words, **handles),
    thing("reasoning", {"summary": summaries}, content=thoughts_in_full, encrypted_content=some_words, **handles),
    thing("function_call", {"call_id": call_ids, "name": names, "arguments": words}, namespace=names, **handles),
    thing("custom_tool_call", {"call_id": call_ids, "name": names, "input": words}, namespace=names, id=item_ids),
    thing("function_call_output", {"call_id": call_ids, "output": results}, **handles),
    thing("custom_tool_call_output", {"call_id": call_ids, "output": results}, id=item_ids),
    thing("web_search_call", {"status": states}, action=json_values, id=item_ids),
    thing("item_reference", {"id": item_ids}),
    thing("x_new_output", {}, id=item_ids),
)
schemas = st.dictionaries(words, json_values, max_size=3)
closed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
functions = thing(
    "function", {"name": names}, description=words, parameters=st.none() | schemas, strict=st.none() | st.just(False)
) | thing("function", {"name": names}, parameters=st.just(closed), strict=st.just(True))
customs = thing("custom", {"name": names}, description=words, format=st.just({"type": "text"}))
tools = st.one_of(
    functions,
    customs,
    thing("namespace", {"name": names, "description": words, "tools": st.lists(functions | customs, max_size=2)}),
    thing("web_search", {}, external_web_access=st.booleans()),
)
choices = st.sampled_from(["auto", "none", "required", {"type": "function", "name": "f"}, {"type": "web_search"}]) | st.just(
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
)
formats = st.one_of(
    st.just({"type": "text"}),
    st.just({"type": "json_object"}),
    thing("json_schema", {"name": names, "schema": schemas}, description=words, strict=st.none() | st.booleans()),
    thing("x_grammar", {}),
)
numbers = st.floats(-10, 10)
bodies = st.tuples(
    some(
        instructions=words,
        input=words | st.lists(items, max_size=5),
        tools=st.lists(tools, max_size=3),
        tool_choice=choices,
        parallel_tool_calls=st.booleans(),
        text=some(format=formats, verbosity=st.sampled_from(["low", "high"])),
        reasoning=some(
            effort=st.none() | st.sampled_from(["none", "low", "xhigh", "ultra"]),
            summary=st.sampled_from(["auto", "concise", "detailed"]),
            context=st.just("all_turns"),
        ),
        max_output_tokens=st.integers(0, 10**6),
        temperature=numbers,
        top_p=numbers,
        stream=st.booleans(),
        user=words,
        store=st.booleans(),
        include=st.lists(some_words, max_size=2),
        previous_response_id=some_words,
        metadata=st.dictionaries(words, words, max_size=2),
    ),
    some_words,
).map(lambda pair: {**pair[0], "model": pair[1]})

foreign_said: st.SearchStrategy[tuple[Part, ...]] = st.lists(
    st.one_of(
        st.builds(Text, text=some_words, cache=st.none() | st.sampled_from(["5m", "1h"])),
        st.builds(Image, url=urls, detail=st.none() | st.just("low")),
        st.builds(Image, data=base64s, media_type=st.just("image/png")),
        st.builds(Image, url=st.just("gs://bucket/a.png")),
        st.builds(File, data=base64s, media_type=st.just("application/pdf"), name=st.none() | some_words),
        st.builds(File, url=urls),
        st.builds(Audio, data=base64s, media_type=st.just("audio/wav")),
        st.builds(Video, url=urls),
        st.just(Unknown(extra={"anthropic": {"type": "search_result"}})),
    ),
    max_size=3,
).map(tuple)
foreign_thoughts = st.one_of(
    st.builds(Thinking, text=words),
    st.builds(Thinking, text=words, signature=some_words, provider=st.just("anthropic")),
    st.builds(Thinking, redacted=some_words, provider=st.just("anthropic")),
)
foreign_calls = st.builds(
    ToolCall,
    id=st.sampled_from(["", "a", "b", "x" * 90]),
    name=names,
    arguments=words | st.just('{"a":1}'),
    signature=st.none() | words,
    provider=st.just("gemini"),
)


@st.composite
def foreign_turns(draw: st.DrawFn) -> list[Message]:
    """What a model said, and the results of every tool that it called."""
    calls = draw(st.lists(foreign_calls, max_size=3, unique_by=lambda call: call.id))
    parts: list[Part] = draw(st.lists(foreign_thoughts, max_size=2))
    parts += draw(st.lists(st.builds(Text, text=words) | st.builds(Refusal, text=some_words), max_size=2))
    parts += draw(st.lists(st.builds(Image, data=base64s, media_type=st.just("image/png")), max_size=1))
    answers = tuple(
        ToolResult(id=call.id, parts=draw(foreign_said), is_error=draw(st.booleans())) for call in draw(st.permutations(calls))
    )
    said = draw(foreign_said)
    turn = Message(role="assistant", parts=(*parts, *calls))
    if not answers:
        return [turn]
    if draw(st.booleans()):
        return [turn, Message(role="user", parts=(*answers, *said))]
    return [turn, *(Message(role="tool", parts=(answer,)) for answer in answers)]


foreign_messages = st.builds(
    lambda role, parts, name: [Message(role=role, parts=(Text(text="x"), *parts), name=name)],
    st.sampled_from(["system", "developer", "user"]),
    foreign_said,
    st.none() | names,
)
foreign_tools = st.builds(
    Tool,
    name=names,
    description=st.none() | words,
    parameters=st.sampled_from([None, {"type": "object", "properties": {}}]),
    strict=st.none() | st.just(False),
    cache=st.none() | st.just("5m"),
)


@st.composite
def foreign_requests(draw: st.DrawFn) -> Request:
    """Requests as they may come from any other protocol."""
    many = draw(st.lists(foreign_messages | foreign_turns(), min_size=1, max_size=4))
    declared = draw(st.lists(foreign_tools, max_size=2, unique_by=lambda tool: tool.name))
    choices = [None, ToolChoice("auto"), ToolChoice("none")]
    if declared:
        choices += [ToolChoice("required"), ToolChoice("named", declared[0].name)]
    schema = OutputFormat(kind="json_schema", name=draw(st.none() | words), schema=draw(st.none() | st.just({"type": "object"})))
    return Request(
        model="m",
        transcript=Transcript((*(message for one in many for message in one), Message(role="user", parts=(Text(text="go"),)))),
        tools=tuple(declared),
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        output=draw(st.none() | st.sampled_from([OutputFormat(kind="json"), schema])),
        sampling=Sampling(
            max_tokens=draw(st.none() | st.integers(1, 100)),
            temperature=draw(st.none() | st.floats(0, 2)),
            top_p=draw(st.none() | st.floats(0, 1)),
            top_k=draw(st.none() | st.integers(1, 9)),
            stop=draw(st.none() | st.just(("END",))),
            effort=draw(st.none() | st.sampled_from(["low", "high"])),
            thinking_budget=draw(st.none() | st.integers(0, 9999)),
            thinking=draw(st.none() | st.booleans()),
            show_thinking=draw(st.none() | st.booleans()),
        ),
        stream=draw(st.booleans()),
        user=draw(st.none() | words),
    )


tokens = st.integers(0, 10**6)
usages = st.builds(
    Usage, input=tokens, cache_read=tokens, cache_write_5m=tokens, output=tokens.map(lambda count: count + 1), reasoning=tokens
)
citations = st.lists(st.builds(Citation, url=urls, title=words, start=st.integers(0, 9), end=st.integers(0, 9)), max_size=2).map(
    tuple
)


@st.composite
def answers(draw: st.DrawFn, *, whole: bool = False) -> list[Event]:
    """The events of an answer as this protocol has them; ``whole``: each part in one piece, as from a document."""
    known = draw(st.booleans())
    opened: list[Part] = []
    for place, kind in enumerate(draw(st.lists(st.sampled_from(["think", "say", "refuse", "call", "search"]), max_size=5))):
        match kind:
            case "think":
                opened.append(Thinking(provider=NAME, extra={NAME: {"item.id": f"rs_{place}"}} if known else {}))
            case "say":
                opened.append(Text(text=""))
            case "refuse":
                opened.append(Refusal(text=""))
            case "call":
                opened.append(ToolCall(id=f"call_{place}", name=draw(names)))
            case "search":
                action = {"type": "search", "query": "x"}
                search = {"type": "web_search_call", "id": f"ws_{place}", "status": "completed", "action": action}
                opened.append(Unknown(extra={NAME: {"item.web_search_call": search}}))
    events: list[Event] = [Started(id="resp_ab12", model="m", created=5)]
    for index, part in enumerate(opened):
        events.append(PartOpened(index=index, part=part))
        if not isinstance(part, Unknown):
            least = 0 if isinstance(part, ToolCall) else 1
            pieces = draw(st.lists(some_words, min_size=least, max_size=1 if whole else 3))
            events += [PartGrew(index=index, text=piece) for piece in pieces]
        signature = draw(st.none() | st.just("gAAAAB")) if isinstance(part, Thinking) else None
        cited = draw(citations) if isinstance(part, Text) else ()
        events.append(PartClosed(index=index, signature=signature, citations=cited))
    reason: StopReason = "end"
    if any(isinstance(part, ToolCall) for part in opened):
        reason = "tool_calls"
    elif any(isinstance(part, Refusal) for part in opened):
        reason = "refusal"
    raw = "completed"
    if draw(st.booleans()):
        raw = draw(st.sampled_from(["max_output_tokens", "content_filter"]))
        reason = "length" if raw == "max_output_tokens" else "content_filter"
    events.append(UsageReported(usage=draw(usages)))
    return [*events, Stopped(reason=reason, raw=raw)]
