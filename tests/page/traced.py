"""Traces with everything in them, as the API would give them: what no practice contestant brings about."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from assay.core import (
    Call,
    Image,
    Message,
    Money,
    OutputFormat,
    Price,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Transcript,
    Usage,
)
from assay.gateway.control.shown import show_call
from assay.gateway.control.trace import ShownLoss, Trace

AT = 1_795_341_600_000_000
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
_PROMPT = "You are a coding agent. Work step by step, look before you edit, and say what you did. " * 40
_FAILED = Call(
    id="019aa9d5-1111-7000-8000-000000000001",
    request_id="019aa9d5-1111-7000-8000-0000000000aa",
    at=AT,
    purpose="traffic",
    outcome="error",
    asked="fast",
    deployment="crucible/electrum-70b",
    provider="crucible",
    model="electrum-70b",
    protocol="openai_chat",
    client_protocol="anthropic",
    stream=True,
    duration_us=1_240_000,
    key="k1",
    status=429,
    error="upstream.rate_limited",
)
_ANSWERED = msgspec.structs.replace(
    _FAILED,
    id="019aa9d5-1111-7000-8000-000000000002",
    at=AT + 1_260_000,
    outcome="ok",
    deployment="foundry/cupel-pro-2026-11-preview",
    provider="foundry",
    model="cupel-pro-2026-11-preview",
    protocol="gemini",
    duration_us=6_480_000,
    ttft_us=910_000,
    status=200,
    error=None,
    stop="tool_calls",
    usage=Usage(input=1_204, cache_read=11_980, cache_write_5m=512, output=318, reasoning=644),
    cost=Money(9_876_500),
    upstream_id="resp-6a1f0c",
    losses=(
        "dropped:context_management",
        "dropped:tools[].defer_loading",
        "approximated:effort=high>16384 tokens",
        "approximated:messages[].role",
        "dropped:tools.web_search",
        "renamed:tools[].name",
    ),
    timeline=tuple((910_000 + step * 56_000 + (step * step % 7) * 9_000, 90 * step + 40 * (step % 5)) for step in range(1, 99)),
)
_REQUEST = Request(
    model="fast",
    transcript=Transcript(
        (
            Message(role="system", parts=(Text(text=_PROMPT, cache="5m"),)),
            Message(
                role="user",
                parts=(Text(text="Why does the build fail? Here is what I see."), Image(data=PIXEL, media_type="image/png")),
            ),
            Message(
                role="assistant",
                parts=(
                    Thinking(
                        text="The error names a missing module. I should look at the lock file first.",
                        signature="c2ln" * 60,
                        provider="gemini",
                    ),
                    ToolCall(
                        id="call_0",
                        name="shell",
                        arguments='{"command": "npm ci", "timeout_ms": 60000}',
                        signature="c2ln" * 40,
                        provider="gemini",
                    ),
                ),
            ),
            Message(
                role="tool",
                parts=(
                    ToolResult(
                        id="call_0",
                        is_error=True,
                        parts=(Text(text="npm error code EUSAGE\nnpm error The lock file is out of date."),),
                    ),
                ),
            ),
        )
    ),
    tools=(
        Tool(
            name="shell",
            description="Runs a command.",
            parameters={"type": "object", "properties": {"command": {"type": "string"}}},
        ),
        Tool(name="", extra={"anthropic": {"type": "web_search_20260209"}}),
    ),
    tool_choice=ToolChoice("auto"),
    parallel_tool_calls=True,
    output=OutputFormat(kind="json_schema", schema={"type": "object", "properties": {"summary": {"type": "string"}}}),
    sampling=Sampling(max_tokens=32_000, effort="high", thinking=True, temperature=0.2),
    stream=True,
)
_REPLY = Transcript(
    (
        Message(
            role="assistant",
            parts=(
                Thinking(signature="c2ln" * 80, provider="gemini"),
                Text(
                    text="The lock file does not match `package.json`. I will write it anew and run the build again.\n\n1. `npm install --package-lock-only`\n2. `npm ci`"
                ),
                ToolCall(id="call_1", name="shell", arguments='{"command":"npm install --package-lock-only && npm ci"}'),
            ),
        ),
    )
)
FULL = Trace(
    call=show_call(_ANSWERED, with_words=True),
    attempts=[show_call(_FAILED, with_words=True), show_call(_ANSWERED, with_words=True)],
    key="laptop",
    losses=[
        ShownLoss("dropped", "context_management", None),
        ShownLoss("dropped", "tools[].defer_loading", None),
        ShownLoss("approximated", "effort", "high>16384 tokens"),
        ShownLoss("approximated", "messages[].role", None),
        ShownLoss("dropped", "tools.web_search", None),
        ShownLoss("renamed", "tools[].name", None),
    ],
    request=_REQUEST,
    request_state="kept",
    reply=_REPLY,
    reply_state="kept",
    price=Price(
        input=2_000_000_000, output=9_000_000_000, cache_read=200_000_000, source="https://example.org/prices", date="2026-11-02"
    ),
    cost_source="price_list",
)
"""An agent's turn: a first attempt that failed, a translation with losses, tools, thoughts, a picture, prices."""

FAILED = Trace(
    call=show_call(_FAILED, with_words=True),
    attempts=[show_call(_FAILED, with_words=True)],
    key=None,
    losses=[],
    request=None,
    request_state="gone",
    reply=None,
    reply_state="none",
    price=None,
    cost_source=None,
)
"""Nothing came, and what was asked is no longer kept."""


def as_json(trace: Trace) -> Any:
    """As the page gets it."""
    return json.loads(msgspec.json.encode(trace))
