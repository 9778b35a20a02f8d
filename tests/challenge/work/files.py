"""Files of each kind that `read_work` knows, written for these tests after the public descriptions of their formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def jsonl(*records: Any) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def says(role: str, content: Any, **fields: Any) -> Json:
    return {"role": role, "content": content, **fields}


def calls(*made: tuple[str, str, str]) -> Json:
    """A chat message with calls of ``(id, name, arguments)``."""
    written = [{"id": id, "type": "function", "function": {"name": name, "arguments": given}} for id, name, given in made]
    return {"role": "assistant", "content": None, "tool_calls": written}


WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}}
TRANSCRIPT = {
    "messages": [
        says("system", "You are terse."),
        says("user", "Is it raining in Oslo?"),
        calls(("c1", "weather", '{"city":"Oslo"}')),
        says("tool", "rain", tool_call_id="c1"),
        says("assistant", "Yes."),
        says("user", "And in Rome?"),
        says("assistant", "I would have to look."),
    ],
    "tools": [WEATHER],
    "model": "old-model",
}

PROMPTS = [
    {"prompt": "What is six times seven?", "expected": 42, "category": "sums", "cluster": "tables"},
    {"messages": [says("user", "Hello"), says("assistant", "Hi"), says("user", "Write a haiku.")], "temperature": 0.2},
    {"request": {"model": "old-model", "messages": [says("user", "In JSON, please.")], "response_format": {"type": "json_object"}}},
    {
        "prompt": "Name a river.",
        "system": "Answer in one word.",
        "checks": [{"check": "length", "unit": "words", "most": 1}],
        "id": 4,
    },
]

BATCH_INPUT = [
    {
        "custom_id": "one",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "old-model",
            "messages": [says("user", "Translate: Guten Tag")],
            "max_tokens": 50,
            "metadata": {"job": "x"},
        },
    },
    {
        "custom_id": "two",
        "method": "POST",
        "url": "/v1/responses",
        "body": {
            "model": "old-model",
            "instructions": "Be brief.",
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "Why is the sky blue?"}]}],
            "max_output_tokens": 80,
            "reasoning": {"effort": "low"},
            "text": {"format": {"type": "json_schema", "name": "why", "schema": {"type": "object"}}},
        },
    },
    {"custom_id": "three", "method": "POST", "url": "/v1/embeddings", "body": {"model": "vectors", "input": "words"}},
]
BATCH_OUTPUT = [
    {
        "id": "batch_req_1",
        "custom_id": "one",
        "response": {
            "status_code": 200,
            "request_id": "r1",
            "body": {
                "model": "old-model-0925",
                "choices": [{"index": 0, "message": says("assistant", "Good day"), "finish_reason": "stop"}],
            },
        },
        "error": None,
    },
    {"id": "batch_req_2", "custom_id": "two", "response": None, "error": {"code": "batch_expired", "message": "late"}},
]
ANTHROPIC_BATCH = [
    {
        "custom_id": "a",
        "params": {
            "model": "other-model",
            "max_tokens": 64,
            "system": [{"type": "text", "text": "You are a guide."}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look at this."},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    ],
                },
            ],
            "tools": [{"name": "map", "description": "A map.", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
    }
]

SPEND_LOGS = [
    {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "spend": 0.01,
        "model": "azure/old-model",
        "request_tags": '["User-Agent: client/1", "support"]',
        "metadata": "{}",
        "messages": {},
        "proxy_server_request": {
            "model": "old-model",
            "messages": [says("user", "My parcel is late.")],
            "tools": [WEATHER],
            "user": "u1",
        },
        "response": {"model": "old-model", "choices": [{"message": says("assistant", "I am sorry.")}]},
    },
    {"request_id": "2", "call_type": "acompletion", "spend": 0, "messages": {}, "response": {}, "proxy_server_request": "{}"},
    {"request_id": "3", "call_type": "aembedding", "spend": 0, "proxy_server_request": {"model": "vectors", "input": ["words"]}},
    {
        "request_id": "4",
        "call_type": "acompletion",
        "spend": 0,
        "proxy_server_request": json.dumps({"messages": [says("user", "A long st... (litellm_truncated 900 chars) ...ory")]}),
    },
    {
        "request_id": "5",
        "call_type": "anthropic_messages",
        "spend": 0,
        "metadata": json.dumps(
            {"proxy_server_request": json.dumps({"system": "Be kind.", "messages": [says("user", "Hi")], "max_tokens": 9})}
        ),
    },
]


def claude_lines() -> Iterable[Json]:
    """A session: a question that takes two tools at once, a sub-agent, a rewound turn, and a compaction."""
    at: Json = {"sessionId": "s-1", "version": "2.1.0", "isSidechain": False, "userType": "external", "cwd": "/srv/app"}
    model = {"role": "assistant", "model": "old-model"}
    yield {"type": "summary", "summary": "Fixing tests", "leafUuid": "u9"}
    yield {**at, "type": "user", "uuid": "u1", "parentUuid": None, "message": says("user", "Why does the test fail?")}
    think = {"type": "thinking", "thinking": "hm", "signature": "x"}
    yield {**at, "type": "assistant", "uuid": "a1", "parentUuid": "u1", "message": {**model, "id": "m1", "content": [think]}}
    look = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "a.py"}}
    yield {**at, "type": "assistant", "uuid": "a2", "parentUuid": "a1", "message": {**model, "id": "m1", "content": [look]}}
    result: Json = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x = 1"}]}
    yield {**at, "type": "user", "uuid": "r1", "parentUuid": "a2", "message": says("user", [result])}
    run = {"type": "tool_use", "id": "t2", "name": "Bash", "input": {"command": "pytest", "timeout": 5}}
    yield {**at, "type": "assistant", "uuid": "a3", "parentUuid": "a2", "message": {**model, "id": "m1", "content": [run]}}
    result = {"type": "tool_result", "tool_use_id": "t2", "content": "1 failed", "is_error": True}
    yield {**at, "type": "user", "uuid": "r2", "parentUuid": "a3", "message": says("user", [result])}
    yield {**at, "type": "user", "uuid": "z1", "parentUuid": "u1", "isSidechain": True, "message": says("user", "Search for x")}
    text = {"type": "text", "text": "It expects 2."}
    yield {**at, "type": "assistant", "uuid": "a4", "parentUuid": "r2", "message": {**model, "id": "m2", "content": [text]}}
    yield {**at, "type": "user", "uuid": "u2", "parentUuid": "a4", "message": says("user", "Delete it.")}
    text = {"type": "text", "text": "Deleted."}
    yield {**at, "type": "assistant", "uuid": "a5", "parentUuid": "u2", "message": {**model, "id": "m3", "content": [text]}}
    yield {**at, "type": "user", "uuid": "u3", "parentUuid": "a4", "message": says("user", "Mend it.")}
    text = {"type": "text", "text": "API Error: 529"}
    error = {"role": "assistant", "model": "<synthetic>", "id": "e", "content": [text]}
    yield {**at, "type": "assistant", "uuid": "a6", "parentUuid": "u3", "isApiErrorMessage": True, "message": error}
    yield {**at, "type": "system", "subtype": "compact_boundary", "uuid": "b1", "parentUuid": None}
    summary = says("user", "This session goes on from another: the test was mended.")
    yield {**at, "type": "user", "uuid": "u4", "parentUuid": "b1", "isCompactSummary": True, "message": summary}
    yield {**at, "type": "user", "uuid": "u5", "parentUuid": "u4", "message": says("user", "<command-name>/model</command-name>")}
    yield {**at, "type": "user", "uuid": "u6", "parentUuid": "u5", "message": says("user", "Now commit.")}
    text = {"type": "text", "text": "Committed."}
    yield {**at, "type": "assistant", "uuid": "a7", "parentUuid": "u6", "message": {**model, "id": "m4", "content": [text]}}


def codex_lines() -> Iterable[Json]:
    """A session: a question with a shell call and a patch, then a compaction and another question."""

    def line(kind: str, payload: Json) -> Json:
        return {"timestamp": "2026-10-01T10:00:00.000Z", "type": kind, "payload": payload}

    def message(role: str, text: str) -> Json:
        part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        return line("response_item", {"type": "message", "role": role, "content": [part]})

    yield line(
        "session_meta",
        {"id": "s-2", "cwd": "/srv/app", "cli_version": "0.65.0", "base_instructions": {"text": "You are an agent."}},
    )
    yield message("user", "<environment_context>\n<cwd>/srv/app</cwd></environment_context>")
    yield line("turn_context", {"model": "old-codex", "effort": "high"})
    yield message("user", "Rename the function.")
    yield line("event_msg", {"type": "user_message", "message": "Rename the function."})
    yield line("response_item", {"type": "reasoning", "summary": [], "encrypted_content": "opaque"})
    call = {"type": "function_call", "name": "exec_command", "arguments": '{"cmd":"rg old"}', "call_id": "c1"}
    yield line("response_item", call)
    yield line("response_item", {"type": "function_call_output", "call_id": "c1", "output": "a.py:1"})
    patch = {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch", "call_id": "c2", "status": "completed"}
    yield line("response_item", patch)
    yield line("response_item", {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done"})
    yield message("assistant", "Renamed.")
    yield line("response_item", {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}})
    yield line("compacted", {"message": "So far: renamed a function."})
    yield message("user", "Now write a test.")


OLD_CODEX = [
    {"id": "s-3", "timestamp": "2025-06-01T10:00:00.000Z", "instructions": "Be careful."},
    {"record_type": "state"},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
    {"type": "local_shell_call", "call_id": "c1", "status": "completed", "action": {"type": "exec", "command": ["ls"]}},
    {"type": "function_call_output", "call_id": "c1", "output": '{"output":"a.py","metadata":{"exit_code":0}}'},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a.py"}]},
]

ALL = {
    "lines.txt": "How are you?\n\n  為什麼天是藍的?  \n".encode(),
    "prompts.jsonl": jsonl(*PROMPTS),
    "transcript.json": json.dumps(TRANSCRIPT, indent=1).encode(),
    "batch.jsonl": jsonl(*BATCH_INPUT, *BATCH_OUTPUT),
    "anthropic.jsonl": jsonl(*ANTHROPIC_BATCH),
    "spend.json": json.dumps({"data": SPEND_LOGS}, indent=1).encode(),
    "claude.jsonl": jsonl(*claude_lines()),
    "codex.jsonl": jsonl(*codex_lines()),
    "old_codex.jsonl": jsonl(*OLD_CODEX),
}
