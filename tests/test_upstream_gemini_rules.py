"""Every rule of the strict server of Gemini refuses what breaks it, and lets pass what real clients send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.upstream.refusals import refusal, rules_of
from tests.upstream.rules import gemini
from tests.upstream.script import signature

HI = {"role": "user", "parts": [{"text": "Hi"}]}
CALL = {"functionCall": {"name": "f", "args": {"a_b": 1}}}
SIGNED = {**CALL, "thoughtSignature": signature(gemini.signature_of_call(CALL["functionCall"]))}
RESULT = {"functionResponse": {"name": "f", "response": {"result": "ok"}}}
OBJECT = {"type": "object", "properties": {"a_b": {"type": "string"}}}


def ask(*contents: Any, **fields: Any) -> dict[str, Any]:
    return {"contents": list(contents or [HI]), **fields}


def says(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def hears(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def tools(*declarations: Any, **config: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"tools": [{"functionDeclarations": list(declarations)}]} if declarations else {}
    return found | ({"toolConfig": {"functionCallingConfig": config}} if config else {})


def takes(schema: Any) -> dict[str, Any]:
    return {"name": "f", "parameters": schema}


def settings(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


TAKEN: dict[str, Any] = {
    "the least": ask({"parts": [{"text": "Hi"}]}),
    "a turn with a tool": ask(HI, says(SIGNED), hears(RESULT)),
    "the value that skips": ask(HI, says({**CALL, "thoughtSignature": gemini.SKIP}), hears(RESULT)),
    "the first of two calls is signed": ask(HI, says(SIGNED, CALL), hears(RESULT, RESULT)),
    "a turn of before without its signature": ask(HI, says(CALL), hears(RESULT), says({"text": "x"}), HI),
    "an empty text with a signature": ask(HI, says({"text": "", "thoughtSignature": signature("x")}), HI),
    "both cases": ask(generation_config={"max_output_tokens": 5, "topK": 3, "thinkingConfig": {"include_thoughts": True}}),
    "an alphabet for URLs": ask(hears({"inline_data": {"mime_type": "image/png", "data": "_-8="}})),
    "properties in snake case": ask(**tools({"name": "f", "parameters": {**OBJECT, "required": ["a_b"]}})),
    "JSON Schema": ask(**tools({"name": "f", "parametersJsonSchema": {**OBJECT, "$schema": "x", "additionalProperties": False}})),
    "a schema": ask(**settings(responseMimeType="application/json", responseJsonSchema={"$ref": "#/x"})),
    "fields of tests": ask(x_more=1),
    "a forced choice": ask(**tools({"name": "f"}, mode="ANY", allowedFunctionNames=["f"])),
    "settings for safety": ask(safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
}
GEMINI_CLI = ask(
    HI,
    says({"functionCall": {**CALL["functionCall"], "id": "f_1_0"}, "thoughtSignature": SIGNED["thoughtSignature"]}),
    hears({"functionResponse": {"id": "f_1_0", "name": "f", "response": {"output": "ok"}}}),
    systemInstruction={"role": "user", "parts": [{"text": "You are an agent."}]},
    **tools({"name": "f", "description": "d", "parametersJsonSchema": {**OBJECT, "$schema": "x"}}),
    **settings(temperature=1, topP=0.95, topK=64, thinkingConfig={"includeThoughts": True}),
)
BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([], "not an object"),
    "a field twice": (ask(systemInstruction=HI, system_instruction=HI), "twice"),
    "an unknown field": (ask(messages=[]), "messages: Extra"),
    "an unknown field inside": (ask(hears({"text": "x", "cache": 1})), "cache: Extra"),
    "an unknown word": (ask(**settings(thinkingConfig={"thinkingLevel": "NONE"})), "thinkingLevel"),
    "a number as text": (ask(**settings(maxOutputTokens="5")), "maxOutputTokens"),
    "no contents": (ask() | {"contents": []}, "contents is not specified"),
    "two schemas of a tool": (ask(**tools({**takes(OBJECT), "parametersJsonSchema": OBJECT})), "cannot both be set"),
    "two schemas of the answer": (ask(**settings(responseSchema=OBJECT, responseJsonSchema=OBJECT)), "cannot both be set"),
    "$schema": (ask(**tools(takes({**OBJECT, "$schema": "x"}))), '"$schema"'),
    "additionalProperties": (ask(**tools(takes({**OBJECT, "additionalProperties": False}))), '"additionalProperties"'),
    "exclusiveMinimum inside": (
        ask(**tools(takes({"type": "object", "properties": {"n": {"type": "integer", "exclusiveMinimum": 0}}}))),
        '"exclusiveMinimum"',
    ),
    "$ref": (ask(**tools(takes({"type": "object", "properties": {"n": {"$ref": "#/x"}}}))), '"$ref"'),
    "const": (ask(**tools(takes({"type": "object", "properties": {"n": {"anyOf": [{"const": 1}]}}}))), '"const"'),
    "a list of types": (ask(**tools(takes({"type": ["object", "null"]}))), "not repeating"),
    "an enum of numbers": (ask(**tools(takes({"type": "object", "properties": {"n": {"enum": [1]}}}))), "only strings"),
    "an array of nothing": (ask(**tools(takes({"type": "object", "properties": {"n": {"type": "array"}}}))), "items: missing"),
    "a required property that is not there": (ask(**tools(takes({**OBJECT, "required": ["c"]}))), "not defined"),
    "a hot temperature": (ask(**settings(temperature=3)), "range [0, 2]"),
    "a limit of none": (ask(**settings(maxOutputTokens=0)), "must be positive"),
    "six stops": (ask(**settings(stopSequences=list("abcdef"))), "maximum number is 5"),
    "an empty stop": (ask(**settings(stopSequences=[""])), "must not be empty"),
    "a schema for plain text": (ask(**settings(responseSchema=OBJECT)), "response_mime_type"),
    "a budget and a level": (ask(**settings(thinkingConfig={"thinkingBudget": 5, "thinkingLevel": "LOW"})), "only one of"),
    "a budget below none": (ask(**settings(thinkingConfig={"thinkingBudget": -2})), "budget is invalid"),
    "alternatives without probabilities": (ask(**settings(logprobs=2)), "needs response_logprobs"),
    "a tool with a space in its name": (ask(**tools({"name": "a b"})), "Invalid function name"),
    "a tool without a name": (ask(**tools({"description": "d"})), "Invalid function name"),
    "two tools of one name": (ask(**tools({"name": "f"}, {"name": "f"})), "Duplicate"),
    "a tool of no object": (ask(**tools({"name": "f", "parametersJsonSchema": {"type": "string"}})), "OBJECT"),
    "names without a forced choice": (ask(**tools({"name": "f"}, mode="AUTO", allowedFunctionNames=["f"])), "only when"),
    "a forced choice of nothing": (ask(**tools(mode="ANY")), "without function_declarations"),
    "a choice that is not there": (ask(**tools({"name": "f"}, mode="ANY", allowedFunctionNames=["g"])), "not declared"),
    "an instruction without words": (ask(systemInstruction={"parts": []}), "must not be empty"),
    "a picture as an instruction": (
        ask(systemInstruction=hears({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})),
        "only text",
    ),
    "a role that there is not": (ask({"role": "system", "parts": [{"text": "x"}]}), "valid role"),
    "no parts": (ask({"role": "user", "parts": []}), "must not be empty"),
    "an empty part": (ask(hears({})), "required oneof"),
    "a part of two kinds": (ask(HI, says({**SIGNED, "text": "x"}), hears(RESULT)), "required oneof"),
    "an empty text": (ask(hears({"text": ""})), "the text is empty"),
    "a picture of no kind": (ask(hears({"inlineData": {"data": "AAAA"}})), "mime_type is missing"),
    "a picture that is not base64": (ask(hears({"inlineData": {"mimeType": "image/png", "data": "AAA"}})), "base64"),
    "a call of the user": (ask(hears(CALL)), "role model"),
    "a result of the model": (ask(HI, says(RESULT)), "role user"),
    "fewer results than calls": (ask(HI, says(SIGNED, CALL), hears(RESULT)), "equal to the number"),
    "a result without a call": (ask(hears(RESULT)), "equal to the number"),
    "a result of another tool": (
        ask(HI, says(SIGNED), hears({"functionResponse": {"name": "g", "response": {}}})),
        "not those of the calls",
    ),
    "a result without a value": (ask(HI, says(SIGNED), hears({"functionResponse": {"name": "f"}})), "response is missing"),
    "a call behind the model": (ask(HI, says({"text": "x"}), says(SIGNED), hears(RESULT)), "immediately after a user"),
    "a call with a space in its name": (ask(HI, says({"functionCall": {"name": "a b"}}), hears(RESULT)), "Invalid function name"),
    "a call at the end": (ask(HI, says(SIGNED)), "immediately after a function call"),
    "a call without its signature": (ask(HI, says(CALL), hears(RESULT)), "missing a thought_signature"),
    "a second call is signed, the first is not": (
        ask(HI, says(CALL, SIGNED), hears(RESULT, RESULT)),
        "missing a thought_signature",
    ),
    "a signature that is not base64": (ask(HI, says({**CALL, "thoughtSignature": "AAA"}), hears(RESULT)), "base64"),
    "a signature that was changed": (ask(HI, says({**CALL, "thoughtSignature": "AAAA"}), hears(RESULT)), "not valid"),
    "a signature of another call": (
        ask(HI, says({**SIGNED, "functionCall": {"name": "f", "args": {}}}), hears(RESULT)),
        "another function call",
    ),
}


def test_what_is_in_order_is_taken() -> None:
    for body in TAKEN.values():
        gemini.check_request(body)
    gemini.check_request(GEMINI_CLI)
    gemini.check_request({"generateContentRequest": {"model": "models/m", **ask()}}, counting=True)


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_rule_is_refused(name: str) -> None:
    body, said = BROKEN[name]
    assert said in refusal(gemini, gemini.check_request, body)[1]


def test_a_thinking_model_wants_the_true_signature_of_every_turn() -> None:
    before = ask(HI, says(CALL), hears(RESULT), says({"text": "x"}), HI)
    skipped = ask(HI, says({**CALL, "thoughtSignature": gemini.SKIP}), hears(RESULT))
    for body in (before, skipped):
        gemini.check_request(body, model="other")
        assert "signature" in refusal(gemini, gemini.check_request, body, model="think-tool")[1]


def test_no_rule_is_without_a_request_that_breaks_it() -> None:
    broken = {refusal(gemini, gemini.check_request, body)[0] for body, _ in BROKEN.values()}
    assert {line: words for line, words in rules_of(gemini).items() if line not in broken} == {}
