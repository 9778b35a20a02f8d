"""Every rule of the strict server of Chat Completions refuses what breaks it, and lets pass what real clients send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.refusals import refusal, rules_of
from tests.upstream.rules import chat
from tests.upstream.scripts import THOUGHT

HI = {"role": "user", "content": "Hi"}
USE = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Paris"}'}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CLOSED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def ask(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages or [HI]), **fields}


def calls(*made: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(made), **more}


def hears(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **function}}


def form(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **more}}


TAKEN: dict[str, Any] = {
    "the least": ask(),
    "a turn with a tool": ask(HI, calls(USE), RESULT),
    "thoughts that come back": ask(HI, calls(USE, reasoning_content=THOUGHT), RESULT, model="think-tool"),
    "thoughts by their other name": ask(HI, calls(USE, reasoning=THOUGHT), RESULT, model="think-tool"),
    "a developer": ask({"role": "developer", "content": "Be brief."}, HI),
    "fields of tests": ask({**HI, "x_more": 1}, x_more=1),
    "a schema": ask(response_format=form(CLOSED, strict=True)),
    "settings": ask(temperature=2, top_p=1, stop=["a"], logprobs=True, top_logprobs=2, reasoning_effort="low", n=2),
}
QWEN_CODE = ask(
    {"role": "system", "content": [{"type": "text", "text": "You are Qwen Code."}]},
    hears({"type": "text", "text": "Hi"}),
    calls(USE),
    {**RESULT, "content": [{"type": "text", "text": "ok"}]},
    max_tokens=32000,
    stream=True,
    stream_options={"include_usage": True},
    tools=[TOOL, tool(description="no parameters at all")],
)
BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([], "not an object"),
    "an unknown field": (ask(top_k=5), "top_k: Extra"),
    "an unknown field inside": (ask({**HI, "cache_control": {}}), "cache_control"),
    "a number as text": (ask(temperature="1"), "temperature"),
    "no messages": (ask() | {"messages": []}, "empty"),
    "thoughts that are no text": (ask(HI, calls(USE, reasoning_content=["x"]), RESULT), "not a string"),
    "options of no stream": (ask(stream_options={"include_usage": True}), "only allowed with"),
    "both limits": (ask(max_tokens=5, max_completion_tokens=5), "cannot both be set"),
    "a limit of none": (ask(max_completion_tokens=0), "below 1"),
    "a hot temperature": (ask(temperature=3), "not between"),
    "five stops": (ask(stop=list("abcde")), "more than 4"),
    "alternatives without probabilities": (ask(top_logprobs=2), "needs 'logprobs'"),
    "a schema with a dot in its name": (ask(response_format=form(CLOSED, name="a.b")), "name has other"),
    "a strict schema that is open": (ask(response_format=form({"type": "object"}, strict=True)), "additionalProperties"),
    "a strict schema with an optional property": (
        ask(response_format=form({**CLOSED, "required": []}, strict=True)),
        "list every property",
    ),
    "a strict schema that is open inside": (
        ask(response_format=form({**CLOSED, "properties": {"n": {"type": "array", "items": {"type": "object"}}}}, strict=True)),
        "additionalProperties",
    ),
    "no tools in the list": (ask(tools=[]), "'tools' is empty"),
    "a tool with a dot in its name": (ask(tools=[tool(name="a.b")]), "name has other"),
    "a tool of no object": (ask(tools=[tool(parameters={"type": "array"})]), "not one of an object"),
    "a strict tool that is open": (ask(tools=[tool(parameters={"type": "object"}, strict=True)]), "additionalProperties"),
    "a choice without tools": (ask(tool_choice="auto"), "only allowed when"),
    "parallel calls without tools": (ask(parallel_tool_calls=False), "only allowed when"),
    "a choice that is not there": (ask(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "g"}}), "not among"),
    "a result without a call": (ask(HI, RESULT), "waits for this result"),
    "two results of one call": (ask(HI, calls(USE), RESULT, RESULT), "waits for this result"),
    "a call without a result": (ask(HI, calls(USE), HI), "have no result"),
    "a call at the end": (ask(HI, calls(USE)), "have no result"),
    "two calls of one id": (ask(HI, calls(USE, USE), RESULT), "share an id"),
    "a long id": (ask(HI, calls({**USE, "id": "x" * 41}), {**RESULT, "tool_call_id": "x" * 41}), "longer than 40"),
    "an assistant who says nothing": (ask(HI, {"role": "assistant", "content": None}), "needs calls or a refusal"),
    "a message of no parts": (ask(hears()), "empty list"),
    "a sound that is not base64": (ask(hears({"type": "input_audio", "input_audio": {"data": "?", "format": "mp3"}})), "the sound"),
    "a picture that is percent-encoded": (ask(hears(picture("data:image/svg+xml,x"))), "must be base64"),
    "a picture that is not base64": (ask(hears(picture("data:image/png;base64,?"))), "not valid base64"),
    "a picture on the disk": (ask(hears(picture("file:///etc/passwd"))), "http, https or data"),
    "a call without its thoughts": (ask(HI, calls(USE), RESULT, model="think-tool"), "Missing `reasoning_content`"),
    "thoughts of another call": (ask(HI, calls(USE, reasoning_content="x"), RESULT, model="think-tool"), "not the one"),
}


def test_what_is_in_order_is_taken() -> None:
    for body in TAKEN.values():
        chat.check_request(body)
    chat.check_request(QWEN_CODE)


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_rule_is_refused(name: str) -> None:
    body, said = BROKEN[name]
    assert said in refusal(chat, chat.check_request, body)[1]


def test_no_rule_is_without_a_request_that_breaks_it() -> None:
    broken = {refusal(chat, chat.check_request, body)[0] for body, _ in BROKEN.values()}
    assert {line: words for line, words in rules_of(chat).items() if line not in broken} == {}
