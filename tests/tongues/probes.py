"""What a request can hold, one thing at a time: how each client says it, and how to see whether an upstream was told.

A probe is put into a small request of each protocol that can say it. An upstream was told where the probe's mark (a word or
number that nothing else holds) is in what it received, or where its own field for it holds the right value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Put: TypeAlias = Callable[[Json], object]
Seen: TypeAlias = Callable[[Json], object]

CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai_chat", "openai_responses", "anthropic", "gemini"
MARK = "PROBE-7f3a"
SKIP = "skip_thought_signature_validator"
"""What Gemini takes in place of a signature (Gemini API, "Thought signatures", 2026-11)."""

_PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + MARK.encode()).decode()
_PDF = base64.b64encode(b"%PDF-1.4 " + MARK.encode() + b" %%EOF").decode()
_WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt " + MARK.encode()).decode()
_SCHEMA: Json = {"type": "object", "properties": {MARK: {"type": "string"}}, "required": [MARK], "additionalProperties": False}
_PLAIN_SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@dataclass
class Probe:
    """``name`` is the row of the table; ``losses`` are the names under which it may be listed as lost."""

    name: str
    losses: tuple[str, ...]
    put: dict[str, Put]
    mark: str = MARK
    seen: dict[str, Seen] = field(default_factory=dict)

    def is_in(self, upstream: str, body: Json) -> bool:
        """Whether ``upstream`` was told."""
        if upstream in self.seen:
            return bool(self.seen[upstream](body))
        return self.mark in json.dumps(body, ensure_ascii=False)


def base(client: str) -> Json:
    """The smallest request."""
    match client:
        case "openai_chat":
            return {"messages": [{"role": "user", "content": "Weigh this."}]}
        case "openai_responses":
            return {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Weigh this."}]}]}
        case "anthropic":
            return {"max_tokens": 5000, "messages": [{"role": "user", "content": [{"type": "text", "text": "Weigh this."}]}]}
        case _:
            return {"contents": [{"role": "user", "parts": [{"text": "Weigh this."}]}]}


def _set(**fields: Any) -> Put:
    return lambda body: body.update(fields)


def _config(**fields: Any) -> Put:
    return lambda body: body.setdefault("generationConfig", {}).update(fields)


def _part(part: Json) -> Put:
    """One more part of the user's message, wherever the protocol has it."""

    def put(body: Json) -> None:
        if "contents" in body:
            body["contents"][0]["parts"].append(part)
            return
        message = (body.get("messages") or body["input"])[0]
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        message["content"].append(part)

    return put


def _turns(*messages: Json) -> Put:
    """More of the conversation."""
    return lambda body: next(body[key] for key in ("messages", "input", "contents") if key in body).extend(messages)


def _all(*puts: Put) -> Put:
    def put(body: Json) -> None:
        for one in puts:
            one(body)

    return put


def _tools(client: str, **more: Any) -> Put:
    """A declared function."""
    function: Json = {"name": "weigh", "description": "Weighs."} | more
    schema = function.pop("schema", _PLAIN_SCHEMA)
    strict = function.pop("strict", None)
    told = {} if strict is None else {"strict": strict}
    match client:
        case "openai_chat":
            return _set(tools=[{"type": "function", "function": {**function, "parameters": schema, **told}}])
        case "openai_responses":
            return _set(tools=[{"type": "function", **function, "parameters": schema, "strict": strict or False}])
        case "anthropic":
            return _set(tools=[{**function, "input_schema": schema, **told}])
        case _:
            return _set(tools=[{"functionDeclarations": [{**function, "parametersJsonSchema": schema}]}])


def _called(client: str, result: Any, **more: Any) -> Put:
    """A call of a tool and its result."""
    arguments = {"a": "b"}
    match client:
        case "openai_chat":
            call = {"id": "call_1", "type": "function", "function": {"name": "weigh", "arguments": json.dumps(arguments)}}
            turns = _turns(
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": result},
            )
        case "openai_responses":
            turns = _turns(
                {"type": "function_call", "call_id": "call_1", "name": "weigh", "arguments": json.dumps(arguments)},
                {"type": "function_call_output", "call_id": "call_1", "output": result},
            )
        case "anthropic":
            use = {"type": "tool_use", "id": "call_1", "name": "weigh", "input": arguments}
            answer = {"type": "tool_result", "tool_use_id": "call_1", "content": result, **more}
            turns = _turns({"role": "assistant", "content": [use]}, {"role": "user", "content": [answer]})
        case _:
            call = {"functionCall": {"id": "call_1", "name": "weigh", "args": arguments}, "thoughtSignature": SKIP}
            answer = {"functionResponse": {"id": "call_1", "name": "weigh", "response": result}}
            turns = _turns({"role": "model", "parts": [call]}, {"role": "user", "parts": [answer]})
    return _all(_tools(client), turns)


def _each(make: Callable[[str], Put]) -> dict[str, Put]:
    return {client: make(client) for client in (CHAT, RESPONSES, ANTHROPIC, GEMINI)}


def _number(name: str, value: float, words: dict[str, str], losses: tuple[str, ...] = ()) -> Probe:
    """A setting that is a number: ``words`` are the protocols' own fields."""
    put: dict[str, Put] = {client: (_config if client == GEMINI else _set)(**{word: value}) for client, word in words.items()}
    seen: dict[str, Seen] = {}
    for protocol in (CHAT, RESPONSES, ANTHROPIC, GEMINI):
        seen[protocol] = lambda body: str(value) in json.dumps(body)
    return Probe(name, losses, put, seen=seen)


def _choice(chat: Any, responses: Any, anthropic: Any, gemini: Any) -> dict[str, Put]:
    return {
        CHAT: _all(_tools(CHAT), _set(tool_choice=chat)),
        RESPONSES: _all(_tools(RESPONSES), _set(tool_choice=responses)),
        ANTHROPIC: _all(_tools(ANTHROPIC), _set(tool_choice=anthropic)),
        GEMINI: _all(_tools(GEMINI), _set(toolConfig={"functionCallingConfig": gemini})),
    }


def _chosen(chat: Any, responses: Any, anthropic: str, gemini: str) -> dict[str, Seen]:
    return {
        CHAT: lambda body: body.get("tool_choice") == chat,
        RESPONSES: lambda body: body.get("tool_choice") == responses,
        ANTHROPIC: lambda body: body.get("tool_choice", {}).get("type") == anthropic,
        GEMINI: lambda body: body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode") == gemini,
    }


_NAMED_CHAT: Json = {"type": "function", "function": {"name": "weigh"}}
_NAMED: Json = {"type": "function", "name": "weigh"}

PROBES: tuple[Probe, ...] = (
    Probe(
        "system text",
        (),
        {
            CHAT: lambda body: body["messages"].insert(0, {"role": "system", "content": MARK}),
            RESPONSES: _set(instructions=MARK),
            ANTHROPIC: _set(system=[{"type": "text", "text": MARK}]),
            GEMINI: _set(systemInstruction={"parts": [{"text": MARK}]}),
        },
    ),
    Probe(
        "developer message",
        (),
        {
            CHAT: lambda body: body["messages"].insert(0, {"role": "developer", "content": MARK}),
            RESPONSES: lambda body: body["input"].insert(0, {"role": "developer", "content": MARK}),
        },
    ),
    Probe(
        "system text in the middle",
        ("messages[].role",),
        {
            CHAT: _turns({"role": "system", "content": MARK}, {"role": "user", "content": "And now?"}),
            RESPONSES: _turns({"role": "system", "content": MARK}, {"role": "user", "content": "And now?"}),
            ANTHROPIC: _turns({"role": "system", "content": MARK}, {"role": "user", "content": "And now?"}),
        },
    ),
    Probe(
        "earlier turns",
        (),
        {
            CHAT: _turns({"role": "assistant", "content": MARK}, {"role": "user", "content": "And now?"}),
            RESPONSES: _turns({"role": "assistant", "content": MARK}, {"role": "user", "content": "And now?"}),
            ANTHROPIC: _turns({"role": "assistant", "content": MARK}, {"role": "user", "content": "And now?"}),
            GEMINI: _turns({"role": "model", "parts": [{"text": MARK}]}, {"role": "user", "parts": [{"text": "And now?"}]}),
        },
    ),
    Probe("a participant's name", ("messages[].name",), {CHAT: lambda body: body["messages"][0].update(name=MARK)}),
    Probe(
        "picture by value",
        ("image",),
        {
            CHAT: _part({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}"}}),
            RESPONSES: _part({"type": "input_image", "image_url": f"data:image/png;base64,{_PNG}", "detail": "auto"}),
            ANTHROPIC: _part({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}}),
            GEMINI: _part({"inlineData": {"mimeType": "image/png", "data": _PNG}}),
        },
        mark=_PNG,
    ),
    Probe(
        "picture by address",
        ("image",),
        {
            CHAT: _part({"type": "image_url", "image_url": {"url": f"https://example.org/{MARK}.png"}}),
            RESPONSES: _part({"type": "input_image", "image_url": f"https://example.org/{MARK}.png", "detail": "auto"}),
            ANTHROPIC: _part({"type": "image", "source": {"type": "url", "url": f"https://example.org/{MARK}.png"}}),
            GEMINI: _part({"fileData": {"mimeType": "image/png", "fileUri": f"https://example.org/{MARK}.png"}}),
        },
    ),
    Probe(
        "resolution of a picture",
        ("image.detail",),
        {
            CHAT: _part({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}", "detail": "low"}}),
            RESPONSES: _part({"type": "input_image", "image_url": f"data:image/png;base64,{_PNG}", "detail": "low"}),
        },
        seen={
            CHAT: lambda body: '"detail": "low"' in json.dumps(body),
            RESPONSES: lambda body: '"detail": "low"' in json.dumps(body),
            ANTHROPIC: lambda body: False,
            GEMINI: lambda body: "RESOLUTION_LOW" in json.dumps(body),
        },
    ),
    Probe(
        "PDF by value",
        ("file",),
        {
            CHAT: _part({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{_PDF}"}}),
            RESPONSES: _part({"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{_PDF}"}),
            ANTHROPIC: _part({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": _PDF}}),
            GEMINI: _part({"inlineData": {"mimeType": "application/pdf", "data": _PDF}}),
        },
        mark=_PDF,
    ),
    Probe(
        "file by address",
        ("file",),
        {
            RESPONSES: _part({"type": "input_file", "file_url": f"https://example.org/{MARK}.pdf"}),
            ANTHROPIC: _part({"type": "document", "source": {"type": "url", "url": f"https://example.org/{MARK}.pdf"}}),
            GEMINI: _part({"fileData": {"mimeType": "application/pdf", "fileUri": f"https://example.org/{MARK}.pdf"}}),
        },
    ),
    Probe(
        "document of plain text",
        ("file",),
        {ANTHROPIC: _part({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": MARK}})},
        seen={
            RESPONSES: lambda body: MARK in json.dumps(body) or base64.b64encode(MARK.encode()).decode() in json.dumps(body),
            GEMINI: lambda body: MARK in json.dumps(body) or base64.b64encode(MARK.encode()).decode() in json.dumps(body),
        },
    ),
    Probe(
        "sound",
        ("audio",),
        {
            CHAT: _part({"type": "input_audio", "input_audio": {"data": _WAV, "format": "wav"}}),
            GEMINI: _part({"inlineData": {"mimeType": "audio/wav", "data": _WAV}}),
        },
        mark=_WAV,
    ),
    Probe("film by address", ("video",), {GEMINI: _part({"fileData": {"mimeType": "video/mp4", "fileUri": f"https://example.org/{MARK}"}})}),
    Probe("tools", (), _each(lambda client: _tools(client, description=MARK))),
    Probe("schema of a tool", (), _each(lambda client: _tools(client, schema=_SCHEMA))),
    Probe(
        "strict tools",
        ("tools[].strict",),
        {client: _tools(client, strict=True) for client in (CHAT, RESPONSES, ANTHROPIC)},
        seen={
            CHAT: lambda body: '"strict": true' in json.dumps(body),
            RESPONSES: lambda body: '"strict": true' in json.dumps(body),
            ANTHROPIC: lambda body: '"strict": true' in json.dumps(body),
            GEMINI: lambda body: False,
        },
    ),
    Probe(
        "a tool must be used",
        ("tool_choice",),
        _choice("required", "required", {"type": "any"}, {"mode": "ANY"}),
        seen=_chosen("required", "required", "any", "ANY"),
    ),
    Probe(
        "no tool may be used",
        ("tool_choice",),
        _choice("none", "none", {"type": "none"}, {"mode": "NONE"}),
        seen=_chosen("none", "none", "none", "NONE"),
    ),
    Probe(
        "one tool is forced",
        ("tool_choice",),
        _choice(_NAMED_CHAT, _NAMED, {"type": "tool", "name": "weigh"}, {"mode": "ANY", "allowedFunctionNames": ["weigh"]}),
        seen=_chosen(_NAMED_CHAT, _NAMED, "tool", "ANY"),
    ),
    Probe(
        "one tool at a time",
        ("parallel_tool_calls",),
        {
            CHAT: _all(_tools(CHAT), _set(parallel_tool_calls=False)),
            RESPONSES: _all(_tools(RESPONSES), _set(parallel_tool_calls=False)),
            ANTHROPIC: _all(_tools(ANTHROPIC), _set(tool_choice={"type": "auto", "disable_parallel_tool_use": True})),
        },
        seen={
            CHAT: lambda body: body.get("parallel_tool_calls") is False,
            RESPONSES: lambda body: body.get("parallel_tool_calls") is False,
            ANTHROPIC: lambda body: body.get("tool_choice", {}).get("disable_parallel_tool_use") is True,
            GEMINI: lambda body: False,
        },
    ),
    Probe(
        "result of a tool",
        ("tool_call.signature",),
        {
            CHAT: _called(CHAT, MARK),
            RESPONSES: _called(RESPONSES, MARK),
            ANTHROPIC: _called(ANTHROPIC, MARK),
            GEMINI: _called(GEMINI, {"output": MARK}),
        },
    ),
    Probe(
        "a tool that failed",
        ("tool_result.is_error",),
        {ANTHROPIC: _called(ANTHROPIC, "no", is_error=True), GEMINI: _called(GEMINI, {"error": "no"})},
        seen={
            CHAT: lambda body: False,
            RESPONSES: lambda body: False,
            ANTHROPIC: lambda body: '"is_error": true' in json.dumps(body),
            GEMINI: lambda body: '"error": ' in json.dumps(body),
        },
    ),
    Probe(
        "a tool that shows a picture",
        ("tool_result.image",),
        {
            RESPONSES: _called(
                RESPONSES, [{"type": "input_image", "image_url": f"data:image/png;base64,{_PNG}", "detail": "auto"}]
            ),
            ANTHROPIC: _called(
                ANTHROPIC, [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}}]
            ),
        },
        mark=_PNG,
    ),
    Probe(
        "most tokens",
        (),
        {
            CHAT: _set(max_tokens=3137),
            RESPONSES: _set(max_output_tokens=3137),
            ANTHROPIC: _set(max_tokens=3137),
            GEMINI: _config(maxOutputTokens=3137),
        },
        mark="3137",
    ),
    _number("temperature", 0.625, dict.fromkeys((CHAT, RESPONSES, ANTHROPIC, GEMINI), "temperature"), ("temperature",)),
    _number("top_p", 0.375, {CHAT: "top_p", RESPONSES: "top_p", ANTHROPIC: "top_p", GEMINI: "topP"}, ("top_p",)),
    _number("top_k", 37, {ANTHROPIC: "top_k", GEMINI: "topK"}, ("top_k",)),
    _number("seed", 424242, {CHAT: "seed", GEMINI: "seed"}, ("seed",)),
    _number("frequency penalty", 0.4375, {CHAT: "frequency_penalty", GEMINI: "frequencyPenalty"}, ("frequency_penalty",)),
    _number("presence penalty", 0.1875, {CHAT: "presence_penalty", GEMINI: "presencePenalty"}, ("presence_penalty",)),
    Probe(
        "stop sequences",
        ("stop",),
        {CHAT: _set(stop=[MARK]), ANTHROPIC: _set(stop_sequences=[MARK]), GEMINI: _config(stopSequences=[MARK])},
    ),
    Probe(
        "effort of thinking",
        ("effort",),
        {
            CHAT: _set(reasoning_effort="low"),
            RESPONSES: _set(reasoning={"effort": "low"}),
            ANTHROPIC: _set(output_config={"effort": "low"}),
            GEMINI: _config(thinkingConfig={"thinkingLevel": "LOW"}),
        },
        seen={
            CHAT: lambda body: body.get("reasoning_effort") == "low",
            RESPONSES: lambda body: body.get("reasoning", {}).get("effort") == "low",
            ANTHROPIC: lambda body: body.get("output_config", {}).get("effort") == "low",
            GEMINI: lambda body: "thinkingLevel" in json.dumps(body),
        },
    ),
    Probe(
        "budget of thinking",
        ("thinking_budget",),
        {
            ANTHROPIC: _set(thinking={"type": "enabled", "budget_tokens": 2222}),
            GEMINI: _config(thinkingConfig={"thinkingBudget": 2222}),
        },
        mark="2222",
    ),
    Probe(
        "no thinking",
        ("thinking", "effort", "thinking_budget"),
        {
            CHAT: _set(reasoning_effort="none"),
            RESPONSES: _set(reasoning={"effort": "none"}),
            ANTHROPIC: _set(thinking={"type": "disabled"}),
            GEMINI: _config(thinkingConfig={"thinkingBudget": 0}),
        },
        seen={
            CHAT: lambda body: body.get("reasoning_effort") == "none",
            RESPONSES: lambda body: body.get("reasoning", {}).get("effort") == "none",
            ANTHROPIC: lambda body: body.get("thinking", {}).get("type") == "disabled",
            GEMINI: lambda body: body.get("generationConfig", {}).get("thinkingConfig", {}).get("thinkingBudget") == 0,
        },
    ),
    Probe(
        "thoughts are to be shown",
        ("show_thinking",),
        {RESPONSES: _set(reasoning={"summary": "auto"}), GEMINI: _config(thinkingConfig={"includeThoughts": True})},
        seen={
            CHAT: lambda body: False,
            RESPONSES: lambda body: body.get("reasoning", {}).get("summary") is not None,
            ANTHROPIC: lambda body: body.get("thinking", {}).get("type") in ("enabled", "adaptive"),
            GEMINI: lambda body: '"includeThoughts": true' in json.dumps(body),
        },
    ),
    Probe(
        "answer under a schema",
        ("output",),
        {
            CHAT: _set(response_format={"type": "json_schema", "json_schema": {"name": "shape", "schema": _SCHEMA}}),
            RESPONSES: _set(text={"format": {"type": "json_schema", "name": "shape", "schema": _SCHEMA}}),
            ANTHROPIC: _set(output_config={"format": {"type": "json_schema", "schema": _SCHEMA}}),
            GEMINI: _config(responseMimeType="application/json", responseJsonSchema=_SCHEMA),
        },
    ),
    Probe(
        "name of that schema",
        ("output.name",),
        {
            CHAT: _set(response_format={"type": "json_schema", "json_schema": {"name": MARK, "schema": _PLAIN_SCHEMA}}),
            RESPONSES: _set(text={"format": {"type": "json_schema", "name": MARK, "schema": _PLAIN_SCHEMA}}),
        },
    ),
    Probe(
        "strictness of that schema",
        ("output.strict",),
        {
            CHAT: _set(response_format={"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": _PLAIN_SCHEMA}}),
            RESPONSES: _set(text={"format": {"type": "json_schema", "name": "s", "strict": True, "schema": _PLAIN_SCHEMA}}),
        },
        seen=dict.fromkeys((CHAT, RESPONSES), lambda body: '"strict": true' in json.dumps(body))
        | dict.fromkeys((ANTHROPIC, GEMINI), lambda body: '"schema"' in json.dumps(body) or "responseJsonSchema" in json.dumps(body)),
    ),
    Probe(
        "answer as any JSON",
        ("output",),
        {
            CHAT: _set(response_format={"type": "json_object"}, messages=[{"role": "user", "content": "Say it as JSON."}]),
            RESPONSES: _set(text={"format": {"type": "json_object"}}, input="Say it as JSON."),
            GEMINI: _config(responseMimeType="application/json"),
        },
        seen={
            CHAT: lambda body: body.get("response_format", {}).get("type") == "json_object",
            RESPONSES: lambda body: body.get("text", {}).get("format", {}).get("type") == "json_object",
            ANTHROPIC: lambda body: False,
            GEMINI: lambda body: body.get("generationConfig", {}).get("responseMimeType") == "application/json",
        },
    ),
    Probe("end user", ("user",), {CHAT: _set(user=MARK), RESPONSES: _set(user=MARK), ANTHROPIC: _set(metadata={"user_id": MARK})}),
    Probe("labels", ("metadata", "labels"), {CHAT: _set(metadata={"k": MARK}), RESPONSES: _set(metadata={"k": MARK})}),
    Probe(
        "end of what is to be cached",
        ("cache",),
        {
            ANTHROPIC: _set(system=[{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]),
        },
        seen=dict.fromkeys((CHAT, RESPONSES, ANTHROPIC, GEMINI), lambda body: "cache_control" in json.dumps(body)),
    ),
    Probe(
        "citations are wanted",
        ("citations", "messages[].citations", "messages[].content[].citations"),
        {
            ANTHROPIC: _part(
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Facts."},
                    "citations": {"enabled": True},
                }
            )
        },
        seen={
            ANTHROPIC: lambda body: '"enabled": true' in json.dumps(body),
            **dict.fromkeys((CHAT, RESPONSES, GEMINI), lambda body: False),
        },
    ),
    Probe(
        "a refusal of before",
        ("refusal", "messages[].refusal"),
        {
            CHAT: _turns({"role": "assistant", "content": None, "refusal": MARK}, {"role": "user", "content": "Why?"}),
            RESPONSES: _turns(
                {
                    "type": "message",
                    "id": "msg_1",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "refusal", "refusal": MARK}],
                },
                {"role": "user", "content": "Why?"},
            ),
        },
    ),
    Probe("several answers", ("n", "generationConfig.candidateCount"), {CHAT: _set(n=2), GEMINI: _config(candidateCount=2)}, seen={
        CHAT: lambda body: body.get("n") == 2, GEMINI: lambda body: body.get("generationConfig", {}).get("candidateCount") == 2,
        **dict.fromkeys((RESPONSES, ANTHROPIC), lambda body: False),
    }),
    Probe(
        "log-probabilities",
        ("logprobs", "generationConfig.responseLogprobs"),
        {CHAT: _set(logprobs=True), GEMINI: _config(responseLogprobs=True)},
        seen={
            CHAT: lambda body: body.get("logprobs") is True,
            GEMINI: lambda body: body.get("generationConfig", {}).get("responseLogprobs") is True,
            **dict.fromkeys((RESPONSES, ANTHROPIC), lambda body: False),
        },
    ),
    Probe(
        "a tool that the provider runs",
        ("tools.web_search", "tools.web_search_20250305", "tools.googleSearch"),
        {
            RESPONSES: _set(tools=[{"type": "web_search"}]),
            ANTHROPIC: _set(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
            GEMINI: _set(tools=[{"googleSearch": {}}]),
        },
        seen=dict.fromkeys(
            (CHAT, RESPONSES, ANTHROPIC, GEMINI),
            lambda body: "web_search" in json.dumps(body) or "googleSearch" in json.dumps(body),
        ),
    ),
    Probe(
        "a field that nobody knows",
        ("x_unknown",),
        {client: _set(x_unknown=MARK) for client in (CHAT, RESPONSES, ANTHROPIC, GEMINI)},
    ),
)  # fmt: skip
