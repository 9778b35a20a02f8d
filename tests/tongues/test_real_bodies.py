"""What agents really send, and what a conversation looks like after rough handling, over every upstream protocol.

The bodies have the shapes that were recorded of Claude Code 2.1 and Codex 0.169 (reference, "Real clients and their wire facts").
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tongues.raw import Heard, ask
from tests.tongues.rig import PROTOCOLS, Tongues, deployment

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("upstream", PROTOCOLS)]

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"command": {"type": "string", "exclusiveMinimum": 0}},
    "required": ["command"],
    "additionalProperties": False,
}
MARK = {"cache_control": {"type": "ephemeral"}}
LONG = "mcp__a_server_with_a_very_long_name__a_tool_with_a_very_long_name_that_goes_on_and_on"


def claude_code(**changed: Any) -> dict[str, Any]:
    """Claude Code's second request for a model that it does not know: a shell command failed."""
    return {
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330"},
            {"type": "text", "text": "You are Claude Code.", **MARK},
            {"type": "text", "text": "Long prompt.", **MARK},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
            {"role": "system", "content": "Environment: linux."},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": "ls"}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": "exit 1", "is_error": True, **MARK}],
            },
        ],
        "tools": [
            {"name": "Bash", "description": "Run.", "input_schema": SCHEMA},
            {"name": "Later", "description": "", "defer_loading": True, "input_schema": {"type": "object", "properties": {}}},
        ],
        "metadata": {"user_id": json.dumps({"device_id": "d", "session_id": "s"})},
        "max_tokens": 32000,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        **changed,
    }


def codex(**changed: Any) -> dict[str, Any]:
    """Codex's second request: a tool of a namespace and one of free text were called at once."""
    return {
        "input": [
            {"type": "message", "role": "developer", "id": "msg_1", "content": [{"type": "input_text", "text": "Prompt."}]},
            {"type": "message", "role": "user", "id": "msg_2", "content": [{"type": "input_text", "text": "List the files."}]},
            {
                "type": "function_call",
                "id": "fc_1",
                "status": "completed",
                "call_id": "call_1",
                "name": "find",
                "namespace": "crm",
                "arguments": "{}",
            },
            {
                "type": "custom_tool_call",
                "id": "ctc_1",
                "call_id": "call_2",
                "name": "patch",
                "input": "*** x",
            },
            {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "none"},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": "done"},
        ],
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Run.", "parameters": SCHEMA, "strict": False},
            {
                "type": "namespace",
                "name": "crm",
                "description": "Customers.",
                "tools": [
                    {"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}, "strict": False}
                ],
            },
            {"type": "custom", "name": "patch", "description": "Patch.", "format": {"type": "text"}},
            {"type": "web_search", "external_web_access": True},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "client_metadata": {"x": "y"},
        **changed,
    }


async def _asked(tongues: Tongues, client: str, upstream: str, body: dict[str, Any], *, model: str, stream: bool) -> Heard:
    tongues.upstream.complaints.clear()
    named = deployment(upstream, model)
    own = {} if client == "gemini" else {"model": named, "stream": stream}
    heard = await ask(tongues, client, named, stream=stream, body={**body, **own})
    assert tongues.upstream.complaints == []
    assert heard.status == 200, heard.body
    assert heard.ended_well
    return heard


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_claude_code_is_understood(tongues: Tongues, upstream: str, stream: bool) -> None:
    body = claude_code()
    if upstream == "anthropic":
        del body["context_management"]  # a beta, which its header would have to name
    heard = await _asked(tongues, "anthropic", upstream, body, model="recite", stream=stream)
    for words in ("You are Claude Code.", "Environment: linux.", "List the files.", "exit 1"):
        assert words in heard.text
    known = {"type": "enabled", "budget_tokens": 31999, "display": "updates"}
    if upstream != "anthropic":
        await _asked(tongues, "anthropic", upstream, claude_code(thinking=known), model="recite", stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_codex_is_understood(tongues: Tongues, upstream: str, stream: bool) -> None:
    body = codex()
    if upstream == "openai_responses":
        del body["client_metadata"]  # which OpenAI's public types do not have
    heard = await _asked(tongues, "openai_responses", upstream, body, model="recite", stream=stream)
    for words in ("Prompt.", "List the files.", "none", "done"):
        assert words in heard.text


ROUGH: dict[str, tuple[str, dict[str, Any]]] = {
    "unanswered call": (
        "openai_responses",
        {
            "input": [
                {"role": "user", "content": "Go."},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"role": "user", "content": "Never mind."},
            ]
        },
    ),
    "late result": (
        "openai_responses",
        {
            "input": [
                {"role": "user", "content": "Go."},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"role": "developer", "content": "The user waits."},
                {"type": "function_call_output", "call_id": "c1", "output": "found"},
            ]
        },
    ),
    "result without a call": (
        "openai_chat",
        {"messages": [{"role": "tool", "tool_call_id": "gone", "content": "rain"}, {"role": "user", "content": "Go."}]},
    ),
    "spoilt arguments, no ids of their own, a long name": (
        "openai_chat",
        {
            "messages": [
                {"role": "user", "content": "Go."},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {"id": "x" * 90, "type": "function", "function": {"name": LONG, "arguments": '{"a": '}},
                        {"id": "a.b:c", "type": "function", "function": {"name": "files.read", "arguments": "[1]"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "x" * 90, "content": ""},
                {"role": "tool", "tool_call_id": "a.b:c", "content": [{"type": "text", "text": " "}]},
                {"role": "system", "content": "In the middle."},
            ],
            "tools": [{"type": "function", "function": {"name": LONG}}, {"type": "function", "function": {"name": "files.read"}}],
        },
    ),
    "ids that repeat": (
        "anthropic",
        {
            "max_tokens": 100,
            "messages": [
                message
                for turn in ("one", "two")
                for message in (
                    {"role": "user", "content": turn},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "same", "name": "look", "input": {}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "same", "content": turn}]},
                    {"role": "assistant", "content": f"It is {turn}."},
                )
            ]
            + [{"role": "user", "content": "So?"}],
        },
    ),
    "silent messages": (
        "openai_chat",
        {
            "messages": [
                {"role": "system", "content": ""},
                {"role": "user", "content": "Go."},
                {"role": "assistant", "content": ""},
                {"role": "user", "content": [{"type": "text", "text": "  "}]},
                {"role": "assistant", "content": None, "tool_calls": []},
                {"role": "developer", "content": "End well. "},
                {"role": "user", "content": "Go on."},
            ]
        },
    ),
    "only instructions": ("openai_chat", {"messages": [{"role": "system", "content": "Say hello."}]}),
    "Gemini's calls without ids": (
        "gemini",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Go."}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "look"}}, {"functionCall": {"name": "look", "args": {"a": 1}}}],
                },
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"name": "look", "response": {"result": 1}}},
                        {"functionResponse": {"id": "look_1", "name": "look", "response": {"error": "no"}}},
                    ],
                },
            ]
        },
    ),
}


@pytest.mark.parametrize("rough", list(ROUGH))
async def test_a_rough_conversation_is_made_good(tongues: Tongues, upstream: str, rough: str) -> None:
    """A strict server refuses a whole conversation for one message; from a client of its own protocol it goes through as it is."""
    client, body = ROUGH[rough]
    if client != upstream:
        await _asked(tongues, client, upstream, body, model="text", stream=False)
