"""How a request's settings are said to an upstream: thinking, sampling, tools and the shape of the answer.

What the server refuses together (Anthropic documentation, "Extended thinking", 2026-11): thinking with a forced choice of tools,
with ``temperature`` other than 1, with ``top_k``, with ``top_p`` under 0.95; a budget under 1024 tokens or not under
``max_tokens``; a turn that goes on after calls of tools without its thoughts before them; an answer that is begun already.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

from assay.core import Request, Sampling
from assay.wire.anthropic.draft import Draft
from assay.wire.anthropic.fields import THOUGHTS
from assay.wire.anthropic.tools import write_output
from assay.wire.fields import Json

MAX_TOKENS = 32_000
"""Required by the server, and sent where the client set none: what Claude Code asks of a model it does not know."""

_LEAST_BUDGET = 1024
_EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))


def write_settings(fields: Json, request: Request, draft: Draft) -> None:
    """Everything but the model, the words, the tools and what the client added; ``fields`` has the messages already."""
    sampling = request.sampling
    thinking = _write_thinking(request, fields["messages"], draft)
    fields["max_tokens"] = _max_tokens(sampling, thinking, draft)
    if thinking is not None:
        fields["thinking"] = thinking
    _write_sampling(fields, sampling, thinks=thinking is not None and thinking["type"] != "disabled", draft=draft)
    config: Json = {}
    effort = _effort(sampling, draft)
    if effort is not None:
        config["effort"] = effort
    if request.output is not None and (shape := write_output(request.output, draft)) is not None:
        config["format"] = shape
    if config:
        fields["output_config"] = config
    if request.user is not None:
        fields["metadata"] = {"user_id": request.user}


def _write_thinking(request: Request, messages: list[Json], draft: Draft) -> Json | None:
    sampling, losses = request.sampling, draft.losses
    kind = _kind(sampling, own=draft.own)
    if kind in ("enabled", "adaptive") and _forbids_thinking(request, messages, manual=kind == "enabled"):
        losses.drop("thinking")
        _forget_thoughts(messages, draft)
        return None
    if kind is None or kind == "disabled":
        if sampling.show_thinking and kind is None:
            losses.drop("show_thinking")
        if kind is None:
            return None
        _forget_thoughts(messages, draft)
        return {"type": "disabled"}
    thinking: Json = {"type": kind}
    if kind == "enabled":
        budget = _budget(sampling, draft)
        if budget is None:
            return None
        thinking["budget_tokens"] = budget
    if sampling.show_thinking is False or (sampling.show_thinking and kind != "enabled"):
        thinking["display"] = "summarized" if sampling.show_thinking else "omitted"
    return thinking


def _kind(sampling: Sampling, *, own: bool) -> str | None:
    """Who asks another protocol for effort or for thoughts asks a model to think, which here is a setting of its own."""
    budget = sampling.thinking_budget
    if sampling.thinking is False or sampling.effort == "none" or budget == 0:
        return "disabled"
    if budget is not None and budget > 0:
        return "enabled"
    if sampling.thinking or budget is not None:
        return "adaptive"
    return "adaptive" if not own and (sampling.effort is not None or sampling.show_thinking) else None


def _forbids_thinking(request: Request, messages: list[Json], *, manual: bool) -> bool:
    """Only where the budget is set by hand must the turn have begun with thoughts (documentation, "Adaptive thinking", 2026-11)."""
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named") and request.tools:
        return True
    return messages[-1]["role"] == "assistant" or (manual and _goes_on_without_thoughts(messages))


def _goes_on_without_thoughts(messages: list[Json]) -> bool:
    """Whether the turn that now goes on has calls of tools, but does not begin with thoughts."""
    blocks = [block for message in _under_way(messages) for block in _blocks(message)]
    return any(block["type"] == "tool_use" for block in blocks) and blocks[0]["type"] not in THOUGHTS


def _under_way(messages: list[Json]) -> list[Json]:
    """What the assistant has said in the turn that now goes on. Neighbours of one role are one message to the server."""
    turn: list[Json] = []
    said = [message for message in messages if message["role"] != "system"]
    for role, neighbours in groupby(reversed(said), key=itemgetter("role")):
        group = list(neighbours)
        if role == "assistant":
            turn = group[::-1] + turn
        elif all(block["type"] != "tool_result" for message in group for block in _blocks(message)):
            break
    return turn


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return content if type(content) is list else [{"type": "text"}]


def _forget_thoughts(messages: list[Json], draft: Draft) -> None:
    """A server that is not to think takes no thoughts in the turn that goes on."""
    for message in _under_way(messages):
        rest = [block for block in _blocks(message) if block["type"] not in THOUGHTS]
        if rest and len(rest) < len(_blocks(message)):
            message["content"] = rest
            draft.losses.drop("messages[].thinking")


def _budget(sampling: Sampling, draft: Draft) -> int | None:
    budget = wanted = sampling.thinking_budget or 0
    if draft.own:
        return budget
    budget = max(budget, _LEAST_BUDGET)
    if sampling.max_tokens is not None:
        budget = min(budget, sampling.max_tokens - 1)
    if budget < _LEAST_BUDGET:
        draft.losses.drop("thinking_budget")
        return None
    if budget != wanted:
        draft.losses.approximate("thinking_budget", f"{wanted}>{budget} tokens")
    return budget


def _max_tokens(sampling: Sampling, thinking: Json | None, draft: Draft) -> int:
    """What is thought counts towards it, so a budget is added to what we choose ourselves."""
    if sampling.max_tokens is not None:
        if sampling.max_tokens > 0 or draft.own:
            return sampling.max_tokens
        draft.losses.drop("max_tokens")
    return MAX_TOKENS + int((thinking or {}).get("budget_tokens", 0))


def _effort(sampling: Sampling, draft: Draft) -> str | None:
    word = sampling.effort
    if word is None or word == "none" or word in _EFFORTS or draft.own:
        return None if word == "none" else word
    nearest = "low" if word == "minimal" else "medium"
    draft.losses.approximate("effort", f"{word}>{nearest}")
    return nearest


def _write_sampling(fields: Json, sampling: Sampling, *, thinks: bool, draft: Draft) -> None:
    losses = draft.losses
    temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
    if not draft.own:
        if temperature is not None and temperature > 1:
            losses.approximate("temperature", f"{temperature:g}>1")
            temperature = 1.0
        if thinks:
            temperature = _unless(temperature is not None and temperature != 1, temperature, "temperature", draft)
            top_k = _unless(top_k is not None, top_k, "top_k", draft)
            top_p = _unless(top_p is not None and top_p < 0.95, top_p, "top_p", draft)
        if temperature is not None and top_p is not None:
            # Models since Claude 4.1 refuse both at once; a temperature of 1 is what they do without it.
            if temperature == 1:
                temperature = None
            else:
                top_p = _unless(True, top_p, "top_p", draft)
    for key, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
        if value is not None:
            fields[key] = value
    if sampling.stop is not None:
        stop = [word for word in sampling.stop if word.strip() or draft.own]
        if len(stop) < len(sampling.stop):
            losses.drop("stop")
        if stop:
            fields["stop_sequences"] = stop
    for key in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(sampling, key) is not None:
            losses.drop(key)


def _unless(refused: bool, value: Any, name: str, draft: Draft) -> Any:
    if refused:
        draft.losses.drop(name)
        return None
    return value
