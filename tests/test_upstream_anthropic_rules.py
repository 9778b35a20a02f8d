"""Every rule of the strict server of Anthropic Messages refuses what breaks it, and lets pass what real clients send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.refusals import refusal, rules_of
from tests.upstream.rules import anthropic
from tests.upstream.script import signature

OLD, NEW = ({"anthropic-version": version} for version in anthropic.VERSIONS)
HI = {"role": "user", "content": "Hi"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
THOUGHT = {"type": "thinking", "thinking": "so", "signature": signature("so")}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
ON = {"type": "enabled", "budget_tokens": 1024}
PNG = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
MARK = {"cache_control": {"type": "ephemeral"}}


def ask(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 2000, "messages": list(messages or [HI]), **fields}


def says(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def hears(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def words(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def shape(**fields: Any) -> dict[str, Any]:
    return {"type": "object", **fields}


TAKEN: dict[str, Any] = {
    "the least": ask(),
    "a turn with a tool": ask(HI, says(USE), hears(RESULT)),
    "thoughts that come back": ask(HI, says(THOUGHT, USE), hears(RESULT), thinking=ON),
    "thoughts that were not shown": ask(HI, says({**THOUGHT, "thinking": ""}, USE), hears(RESULT), thinking=ON),
    "redacted thoughts": ask(HI, says({"type": "redacted_thinking", "data": signature("so")}, USE), hears(RESULT), thinking=ON),
    "a turn of before without its thoughts": ask(HI, says(USE), hears(RESULT), says(words("x")), HI, thinking=ON),
    "words of the system between": ask(HI, {"role": "system", "content": "It rains."}, says(words("x")), HI),
    "fields of tests": ask({**HI, "x_more": 1}, x_more=1),
    "sampling": ask(temperature=0.5, top_p=0.9, top_k=5),
    "four marks": ask(
        hears(words("x", **MARK)), system=[words("y", **MARK)], tools=[{**TOOL, **MARK}, {**TOOL, "name": "g", **MARK}]
    ),
    "a schema": ask(output_config={"format": {"type": "json_schema", "schema": shape(additionalProperties=False)}}),
    "a picture in a result": ask(HI, says(USE), hears({**RESULT, "content": [{"type": "image", "source": PNG}]})),
    "neighbours of one role": ask(HI, HI, says(words("a")), says(USE), hears(RESULT), hears(words("b"))),
}
CLAUDE_CODE = ask(
    HI,
    {"role": "system", "content": [words("Where you are.")]},
    says({**THOUGHT}, USE),
    hears({**RESULT, "is_error": False, **MARK}),
    max_tokens=32000,
    stream=True,
    system=[words("billing"), words("who you are", **MARK), words("what you do", **MARK)],
    metadata={"user_id": '{"device":"d"}'},
    thinking={"type": "enabled", "budget_tokens": 31999, "display": "updates"},
    context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    output_config={"effort": "high"},
    tools=[
        {
            **TOOL,
            "input_schema": shape(**{"$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": False}),
        },
        {"name": "g", "description": "later", "input_schema": shape(properties={}), "defer_loading": True},
    ],
)
BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([], "not an object"),
    "no max_tokens": ({"model": "m", "messages": [HI]}, "max_tokens: Field required"),
    "an unknown field": (ask(frequency_penalty=1), "frequency_penalty: Extra"),
    "an unknown field inside": (ask({**HI, "name": "x"}), "name"),
    "a number as text": (ask(max_tokens="5"), "max_tokens"),
    "sampling that is no number": (ask(temperature="hot"), "temperature: not a number"),
    "no messages": (ask() | {"messages": []}, "at least one message"),
    "negative max_tokens": (ask(max_tokens=-1), "max_tokens"),
    "a small budget": (ask(thinking={"type": "enabled", "budget_tokens": 1023}), "equal to 1024"),
    "a budget above max_tokens": (ask(thinking={"type": "enabled", "budget_tokens": 2000}), "must be greater than"),
    "a blank stop sequence": (ask(stop_sequences=[" "]), "non-whitespace"),
    "an open schema": (ask(output_config={"format": {"type": "json_schema", "schema": shape()}}), "additionalProperties"),
    "a hot temperature": (ask(temperature=1.5), "range: 0..1"),
    "a temperature with thinking": (ask(thinking=ON, temperature=0.5), "only be set to 1"),
    "top_k with thinking": (ask(thinking=ON, top_k=5), "must be unset"),
    "top_p with thinking": (ask(thinking=ON, top_p=0.5), "0.95"),
    "a choice without tools": (ask(tool_choice={"type": "auto"}), "while providing tools"),
    "two tools of one name": (ask(tools=[TOOL, TOOL]), "unique"),
    "a tool with a dot in its name": (ask(tools=[{**TOOL, "name": "a.b"}]), "should match pattern"),
    "a schema of no object": (ask(tools=[{**TOOL, "input_schema": {"type": "array"}}]), "should be 'object'"),
    "a schema of alternatives": (ask(tools=[{**TOOL, "input_schema": shape(anyOf=[])}]), "at the top level"),
    "a strict tool with an open schema": (ask(tools=[{**TOOL, "strict": True}]), "additionalProperties"),
    "a forced choice with thinking": (ask(tools=[TOOL], tool_choice={"type": "any"}, thinking=ON), "forces tool use"),
    "a choice that is not there": (ask(tools=[TOOL], tool_choice={"type": "tool", "name": "g"}), "not found"),
    "the assistant first": (ask(says(words("x")), HI), "first message"),
    "the system behind the assistant": (ask(HI, says(words("x")), {"role": "system", "content": "y"}), "must follow a user"),
    "a beginning with thinking": (ask(HI, says(words("So")), thinking=ON), "prefill"),
    "a beginning that ends in a space": (ask(HI, says(words("So "))), "trailing whitespace"),
    "a blank system": (ask(system=[words(" ")]), "system: text content"),
    "an empty message": (ask({"role": "user", "content": ""}), "non-empty content"),
    "a blank message": (ask({"role": "user", "content": "\n"}), "non-whitespace"),
    "a blank block": (ask(hears(words("x"), words(" "))), "non-whitespace"),
    "a blank block of a result": (ask(HI, says(USE), hears({**RESULT, "content": [words("")]})), "non-whitespace"),
    "an error without words": (ask(HI, says(USE), hears({**RESULT, "content": "", "is_error": True})), "is_error"),
    "a result of the assistant": (ask(HI, says(USE, RESULT), hears(RESULT)), "only be in `user`"),
    "an id with a dot": (ask(HI, says({**USE, "id": "a.b"}), hears({**RESULT, "tool_use_id": "a.b"})), "should match pattern"),
    "an id used again": (ask(HI, says(USE), hears(RESULT), says(USE), hears(RESULT)), "unique"),
    "a call at the end": (ask(HI, says(USE)), "immediately after"),
    "a call without a result": (ask(HI, says(USE), HI), "immediately after"),
    "a result too late": (ask(HI, says(USE), HI, says(words("x")), hears(RESULT)), "immediately after"),
    "a result without a call": (ask(hears(RESULT)), "unexpected `tool_use_id`"),
    "two results of one call": (ask(HI, says(USE), hears(RESULT, RESULT)), "single result"),
    "words before a result": (ask(HI, says(USE), hears(words("x"), RESULT)), "must come first"),
    "thoughts of the user": (ask(hears(THOUGHT)), "only be in `assistant`"),
    "thoughts that were changed": (ask(HI, says({**THOUGHT, "thinking": "no"}, USE), hears(RESULT)), "Invalid `signature`"),
    "a signature that was changed": (ask(HI, says({**THOUGHT, "signature": "AAAA"}, USE), hears(RESULT)), "Invalid `signature`"),
    "redacted thoughts that were changed": (ask(HI, says({"type": "redacted_thinking", "data": "x"})), "Invalid `data`"),
    "a turn under way without its thoughts": (ask(HI, says(USE), hears(RESULT), thinking=ON), "Expected `thinking`"),
    "five marks": (ask(hears(*[words(letter, **MARK) for letter in "abcde"])), "maximum of 4"),
    "an hour behind five minutes": (
        ask(hears(words("x", **MARK), words("y", cache_control={"type": "ephemeral", "ttl": "1h"}))),
        "must not come after",
    ),
    "a picture that is not base64": (ask(hears({"type": "image", "source": {**PNG, "data": "?"}})), "not valid base64"),
    "a document that is a picture": (
        ask(hears({"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}})),
        "only HTTP",
    ),
}
BROKEN_NEW: dict[str, tuple[Any, str]] = {
    "temperature": (ask(temperature=1.0), "temperature: Extra"),
    "top_p": (ask(top_p=0.9), "top_p: Extra"),
    "top_k": (ask(top_k=5), "top_k: Extra"),
    "a document of the assistant": (
        ask(HI, says({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}), HI),
        "`document` blocks",
    ),
    "citations of the user": (
        ask(
            hears(
                words(
                    "x",
                    citations=[
                        {
                            "type": "char_location",
                            "cited_text": "x",
                            "document_index": 0,
                            "document_title": None,
                            "start_char_index": 0,
                            "end_char_index": 1,
                        }
                    ],
                )
            )
        ),
        "`citations` can only be",
    ),
}
BROKEN_HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "no version": ({}, "header is required"),
    "an unknown version": ({"anthropic-version": "2024-01-01"}, "not a valid version"),
}


def test_what_is_in_order_is_taken() -> None:
    for body in TAKEN.values():
        anthropic.check_request(body, OLD)
    anthropic.check_request(CLAUDE_CODE, {**OLD, "anthropic-beta": "context-management-2025-06-27"})
    anthropic.check_request({"model": "m", "messages": [HI]}, OLD, counting=True)


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_rule_is_refused(name: str) -> None:
    body, said = BROKEN[name]
    assert said in refusal(anthropic, anthropic.check_request, body, OLD)[1]


@pytest.mark.parametrize("name", BROKEN_NEW)
def test_the_new_version_refuses_more(name: str) -> None:
    body, said = BROKEN_NEW[name]
    assert said in refusal(anthropic, anthropic.check_request, body, NEW)[1]
    anthropic.check_request(body, OLD)


@pytest.mark.parametrize("name", BROKEN_HEADERS)
def test_a_version_is_needed(name: str) -> None:
    headers, said = BROKEN_HEADERS[name]
    assert said in refusal(anthropic, anthropic.check_request, ask(), headers)[1]


def test_a_thinking_model_wants_the_thoughts_of_every_turn() -> None:
    before = ask(HI, says(USE), hears(RESULT), says(words("x")), HI, thinking=ON)
    anthropic.check_request(before, OLD)
    assert "Expected `thinking`" in refusal(anthropic, anthropic.check_request, {**before, "model": "think-tool"}, OLD)[1]


def test_no_rule_is_without_a_request_that_breaks_it() -> None:
    asked = [(body, OLD) for body, _ in BROKEN.values()] + [(body, NEW) for body, _ in BROKEN_NEW.values()]
    asked += [(ask(), headers) for headers, _ in BROKEN_HEADERS.values()]
    broken = {refusal(anthropic, anthropic.check_request, body, headers)[0] for body, headers in asked}
    left = {line: words for line, words in rules_of(anthropic).items() if line not in broken}
    assert left == {}
