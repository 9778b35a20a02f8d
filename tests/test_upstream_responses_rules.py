"""Every rule of the strict server of OpenAI Responses refuses what breaks it, and lets pass what real clients send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.refusals import refusal, rules_of
from tests.upstream.rules import responses
from tests.upstream.script import signature
from tests.upstream.scripts import THOUGHT

HI = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"city":"Paris"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": signature(THOUGHT)}
WORDS = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
CLOSED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def ask(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "input": list(items or [HI]), **fields}


def hears(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def says(*parts: Any) -> dict[str, Any]:
    return {**WORDS, "content": list(parts)}


def output(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def form(schema: Any, **more: Any) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "name": "n", "schema": schema, **more}}


TAKEN: dict[str, Any] = {
    "the least": {"model": "m", "input": "Hi"},
    "a turn with a tool": ask(HI, CALL, RESULT),
    "thoughts that come back": ask(HI, REASONING, CALL, RESULT),
    "thoughts that the server keeps": ask(HI, {key: REASONING[key] for key in ("type", "id", "summary")}, CALL, RESULT),
    "thoughts without an id": ask(HI, {key: REASONING[key] for key in REASONING if key != "id"}, CALL, RESULT),
    "words that come back": ask(HI, says(output("x")), HI),
    "words without an id": ask(HI, {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}, HI),
    "fields of tests": ask(x_more=1),
    "a schema": ask(text=form(CLOSED, strict=True)),
    "a picture in a result": ask(
        HI, CALL, {**RESULT, "output": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}
    ),
}
CODEX = ask(
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
    REASONING,
    {**CALL, "namespace": "shell", "status": "completed"},
    {**RESULT, "id": "fco_1"},
    tools=[
        TOOL,
        {"type": "namespace", "name": "shell", "description": "d", "tools": [{**TOOL, "name": "g"}]},
        {"type": "web_search", "external_web_access": False},
    ],
    tool_choice="auto",
    parallel_tool_calls=True,
    reasoning={"summary": "auto"},
    store=False,
    include=["reasoning.encrypted_content"],
    prompt_cache_key="k",
    client_metadata={"a": "b"},
    stream=True,
)
BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([], "not an object"),
    "no model": ({"input": "Hi"}, "'model'"),
    "no input": ({"model": "m"}, "'input'"),
    "an empty input": (ask() | {"input": []}, "empty"),
    "an unknown field": (ask(messages=[]), "messages: Extra"),
    "a number as text": (ask(temperature="1"), "temperature"),
    "too few tokens": (ask(max_output_tokens=15), ">= 16"),
    "a hot temperature": (ask(temperature=3), "'temperature' is not between"),
    "options of no stream": (ask(stream_options={"include_obfuscation": False}), "only allowed with"),
    "a schema with a dot in its name": (ask(text=form(CLOSED, name="a.b")), "name has other"),
    "a strict schema that is open": (ask(text=form({"type": "object"}, strict=True)), "additionalProperties"),
    "a strict schema with an optional property": (ask(text=form({**CLOSED, "required": []}, strict=True)), "list every property"),
    "a tool with a dot in its name": (ask(tools=[{**TOOL, "name": "a.b"}]), "name has other"),
    "a tool in a namespace with a dot in its name": (
        ask(tools=[{"type": "namespace", "name": "n", "description": "d", "tools": [{**TOOL, "name": "a.b"}]}]),
        "name has other",
    ),
    "a tool of no object": (ask(tools=[{**TOOL, "parameters": {"type": "array"}}]), "not one of an object"),
    "a strict tool that is open": (ask(tools=[{**TOOL, "strict": True}]), "additionalProperties"),
    "a choice without tools": (ask(tool_choice="required"), "needs 'tools'"),
    "a choice that is not there": (ask(tools=[TOOL], tool_choice={"type": "function", "name": "g"}), "not found in 'tools'"),
    "a long id": (ask(HI, {**CALL, "id": "fc_" + "x" * 64}, RESULT), "too long"),
    "the id of a call that is none": (ask(HI, {**CALL, "id": "call_1"}, RESULT), "begins with 'fc'"),
    "the id of thoughts that is none": (ask(HI, {**REASONING, "id": "x"}, CALL, RESULT), "begins with 'rs'"),
    "the id of words that is none": (ask(HI, {**says(output("x")), "id": "x"}), "begins with 'msg'"),
    "a long call_id": (ask(HI, {**CALL, "call_id": "x" * 65}, {**RESULT, "call_id": "x" * 65}), "1 to 64"),
    "an empty call_id": (ask(HI, {**CALL, "call_id": ""}, {**RESULT, "call_id": ""}), "1 to 64"),
    "a call with a dot in its name": (ask(HI, {**CALL, "name": "a.b"}, RESULT), "name has other"),
    "arguments that are not JSON": (ask(HI, {**CALL, "arguments": "{"}, RESULT), "not JSON"),
    "arguments that are no object": (ask(HI, {**CALL, "arguments": "[]"}, RESULT), "not an object"),
    "an empty message": (ask(hears()), "'content' is empty"),
    "output of the user": (ask(hears(output("x"))), "Extra inputs"),
    "input of the assistant": (ask(HI, says({"type": "input_text", "text": "x"})), "input"),
    "a picture without a place": (ask(hears({"type": "input_image", "detail": "auto"})), "needs a URL"),
    "a file without a place": (ask(hears({"type": "input_file", "filename": "x"})), "needs data"),
    "a picture that is percent-encoded": (
        ask(hears({"type": "input_image", "detail": "auto", "image_url": "data:image/svg+xml,x"})),
        "must be base64",
    ),
    "a picture that is not base64": (
        ask(hears({"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,?"})),
        "not valid base64",
    ),
    "a picture on the disk": (
        ask(hears({"type": "input_image", "detail": "auto", "image_url": "file:///etc/passwd"})),
        "valid URL",
    ),
    "two calls of one id": (ask(HI, CALL, CALL, RESULT), "Duplicate call_id"),
    "a result without a call": (ask(HI, RESULT), "No tool call found"),
    "two results of one call": (ask(HI, CALL, RESULT, RESULT), "Duplicate output"),
    "a call without a result": (ask(HI, CALL), "No tool output found"),
    "thoughts at the end": (ask(HI, REASONING), "required following item"),
    "thoughts before the user": (ask(REASONING, HI), "required following item"),
    "a call without its thoughts": (ask(HI, CALL, RESULT, model="think-tool"), "required 'reasoning' item"),
    "thoughts of another call": (
        ask(HI, {**REASONING, "encrypted_content": signature("x")}, CALL, RESULT, model="think-tool"),
        "another item",
    ),
    "thoughts that nobody kept": (
        ask(HI, {key: REASONING[key] for key in ("type", "id", "summary")}, CALL, RESULT, store=False),
        "not persisted",
    ),
    "thoughts that were changed": (ask(HI, {**REASONING, "encrypted_content": "AAAA"}, CALL, RESULT), "could not be verified"),
    "a summary that was changed": (
        ask(HI, {**REASONING, "summary": [{"type": "summary_text", "text": "no"}]}, CALL, RESULT),
        "not the one",
    ),
}


def test_what_is_in_order_is_taken() -> None:
    for body in TAKEN.values():
        responses.check_request(body)
    responses.check_request(CODEX)
    responses.check_request({"model": "m", "input": "Hi"}, counting=True)
    responses.check_request({"model": "m"}, kept=[HI])


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_rule_is_refused(name: str) -> None:
    body, said = BROKEN[name]
    assert said in refusal(responses, responses.check_request, body)[1]


def test_no_rule_is_without_a_request_that_breaks_it() -> None:
    broken = {refusal(responses, responses.check_request, body)[0] for body, _ in BROKEN.values()}
    assert {line: words for line, words in rules_of(responses).items() if line not in broken} == {}
