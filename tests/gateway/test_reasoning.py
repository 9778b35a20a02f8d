"""How much to think, in each provider's own words; and what is said where its words do not reach."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.core import Message, Offer, Reasoning, Request, Sampling, Text, Thinking, ToolCall, Transcript, user
from assay.gateway.dialect import Dialect, read_asked
from assay.gateway.providers import shipped_providers
from assay.gateway.reasoning import nearest_word

ROWS = shipped_providers()
ON, OFF = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}


def spelled(offer: Offer, **sampling: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields that a dialect adds to a request with these settings, and what it lost."""
    request = Request(model="m", transcript=Transcript((user("Hello"),)), sampling=Sampling(**sampling))
    prepared, losses = Dialect(offer).prepare(request)
    return prepared.extra.get("openai_chat", {}), losses


@pytest.mark.parametrize(
    ("provider", "sampling", "fields", "losses"),
    [
        ("deepseek", {"effort": "high"}, {**ON, "reasoning_effort": "high"}, ()),
        (
            "deepseek",
            {"thinking_budget": 9000},
            {**ON, "reasoning_effort": "medium"},
            ("approximated:thinking_budget=effort medium",),
        ),
        ("deepseek", {"thinking": False}, OFF, ()),
        ("deepseek", {"thinking": True}, ON, ()),
        ("deepseek", {"effort": "none"}, OFF, ()),
        ("deepseek", {}, {}, ()),
        ("moonshot", {"effort": "medium"}, {**ON, "reasoning_effort": "high"}, ("approximated:effort=high",)),
        ("zai", {"effort": "minimal"}, {**ON, "reasoning_effort": "low"}, ("approximated:effort=low",)),
        ("zai", {"effort": "xhigh"}, {**ON, "reasoning_effort": "max"}, ("approximated:effort=max",)),
        ("dashscope", {"effort": "low"}, {"enable_thinking": True, "thinking_budget": 2048}, ("approximated:effort=2048 tokens",)),
        ("dashscope", {"thinking_budget": 500}, {"enable_thinking": True, "thinking_budget": 500}, ()),
        (
            "dashscope",
            {"thinking_budget": 500, "effort": "low"},
            {"enable_thinking": True, "thinking_budget": 500},
            ("dropped:effort",),
        ),
        ("dashscope", {"thinking_budget": 0}, {"enable_thinking": False}, ()),
        ("openrouter", {"effort": "low"}, {"reasoning": {"enabled": True, "effort": "low"}}, ()),
        ("openrouter", {"thinking_budget": 2000}, {"reasoning": {"enabled": True, "max_tokens": 2000}}, ()),
        ("tencent", {"thinking_budget": 2000}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, ()),
        ("vllm", {"thinking": False}, {"chat_template_kwargs": {"enable_thinking": False}}, ()),
    ],
)
def test_thinking_is_said_in_the_providers_own_fields(
    provider: str, sampling: dict[str, Any], fields: dict[str, Any], losses: tuple[str, ...]
) -> None:
    assert spelled(ROWS[provider], **sampling) == (fields, losses)


@pytest.mark.parametrize(
    ("reasoning", "sampling", "losses"),
    [
        (Reasoning(on=ON), {"effort": "high"}, ("approximated:effort=on",)),
        (Reasoning(on=ON), {"thinking_budget": 2000}, ("approximated:thinking_budget=on",)),
        (Reasoning(on=ON), {"thinking": False}, ("dropped:thinking",)),
        (Reasoning(effort="e", words=("low", "high")), {"thinking": False}, ("approximated:thinking=effort low",)),
        (Reasoning(effort="e", words=("none", "high")), {"thinking": False}, ()),
        (Reasoning(effort="e"), {"thinking": True}, ("dropped:thinking",)),
        (Reasoning(off=OFF), {"effort": "high"}, ("dropped:effort",)),
        (Reasoning(off=OFF), {"thinking_budget": 2000}, ("dropped:thinking_budget",)),
    ],
)
def test_what_a_dialect_cannot_say_is_a_loss(reasoning: Reasoning, sampling: dict[str, Any], losses: tuple[str, ...]) -> None:
    assert spelled(Offer(reasoning=reasoning), **sampling)[1] == losses


def test_the_nearest_word_asks_for_more_rather_than_less() -> None:
    assert nearest_word("medium", ("low", "high")) == "high"
    assert nearest_word("ultra", ("low", "high")) == "ultra"
    assert nearest_word("minimal", ("none", "low")) == "low"


def test_an_effort_in_openais_own_field_is_spelled_anew_where_the_provider_does_not_know_it() -> None:
    asked = read_asked(b'{"model":"m","reasoning_effort":"low"}')
    written = Dialect(ROWS["dashscope"]).write(asked, "m")
    assert json.loads(written.body) == {"model": "m", "enable_thinking": True, "thinking_budget": 2048}
    assert written.losses == ("approximated:effort=2048 tokens",)
    plain = Dialect(Offer()).write(asked, "m")
    assert (plain.body, plain.losses) == (b'{"model":"m","reasoning_effort":"low"}', ())


def test_a_client_that_speaks_the_dialect_itself_is_left_alone() -> None:
    body = b'{"model":"m","enable_thinking":true,"thinking_budget":77}'
    assert Dialect(ROWS["dashscope"]).write(read_asked(body), "m").body == body


def test_calls_go_back_with_thoughts_where_the_provider_refuses_them_without() -> None:
    call = ToolCall(id="c", name="f")
    thoughtful = Message(role="assistant", parts=(Thinking(text="Hm."), call))
    foreign = Message(role="assistant", parts=(Thinking(text="Hm.", signature="s", provider="anthropic"), call))
    request = Request(model="m", transcript=Transcript((user("?"), thoughtful, foreign, Message(role="assistant", parts=(call,)))))
    prepared, losses = Dialect(ROWS["deepseek"]).prepare(request)
    blank = Thinking(text=" ")
    assert [message.parts[0] for message in prepared.transcript.messages[1:]] == [Thinking(text="Hm."), blank, blank]
    assert losses == ("approximated:thinking=blank",)


def test_thoughts_stay_at_home_where_the_provider_refuses_them() -> None:
    message = Message(role="assistant", parts=(Thinking(text="Hm."), Text(text="Yes.")))
    request = Request(model="m", transcript=Transcript((user("?"), message)))
    prepared, losses = Dialect(ROWS["groq"]).prepare(request)
    assert prepared.transcript.messages[1].parts == (Text(text="Yes."),)
    assert losses == ("dropped:messages[].thinking",)


def test_a_limit_that_must_be_given_is_the_models_own() -> None:
    request = Request(model="m", transcript=Transcript((user("?"),)))
    assert Dialect(Offer(), "anthropic").prepare(request, max_output=9)[0].sampling.max_tokens == 9
    assert Dialect(Offer(), "openai_chat").prepare(request, max_output=9)[0].sampling.max_tokens is None
