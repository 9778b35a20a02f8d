"""The response object around an answer: it repeats what was asked, with OpenAI's defaults for what was not."""

from __future__ import annotations

from assay.core import Request, StopReason, Usage
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.openai_responses.fields import NAME
from assay.wire.openai_responses.names import spellings
from assay.wire.openai_responses.output import write_output
from assay.wire.openai_responses.request import instructions_of
from assay.wire.openai_responses.tools import write_tool_choice, write_tools
from assay.wire.openai_responses.usage import write_usage

_ECHOED = (
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "conversation",
    "prompt",
)
_INCOMPLETE: dict[StopReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def response_of(request: Request, *, id: str, created: int) -> Json:
    """The response before anything was said, with status ``in_progress``."""
    extra = request.extra.get(NAME, {})
    sampling = request.sampling
    unheard = Losses()
    choice = request.tool_choice
    output = {"type": "text"} if request.output is None else write_output(request.output, unheard)
    return {
        "id": f"resp_{id}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": instructions_of(request),
        "max_output_tokens": sampling.max_tokens,
        **{key: extra.get(key) for key in _ECHOED},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": True if request.parallel_tool_calls is None else request.parallel_tool_calls,
        "reasoning": {"effort": sampling.effort, "summary": "auto" if sampling.show_thinking else None}
        | _nested(extra, "reasoning."),
        "service_tier": None,
        "store": extra.get("store") is not False,
        "temperature": 1.0 if sampling.temperature is None else sampling.temperature,
        "text": {"format": output, "verbosity": "medium"} | _nested(extra, "text."),
        "tool_choice": extra.get("tool_choice", "auto") if choice is None else write_tool_choice(choice, spellings(request.tools)),
        "tools": write_tools(request.tools, unheard),
        "top_logprobs": extra.get("top_logprobs") or 0,
        "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
        "truncation": extra.get("truncation") or "disabled",
        "usage": None,
        "user": request.user,
        "metadata": extra.get("metadata") or {},
    }


def _nested(extra: Json, prefix: str) -> Json:
    return {key[len(prefix) :]: value for key, value in extra.items() if key.startswith(prefix)}


def ended(about: Json, output: list[Json], usage: Usage | None, reason: StopReason, *, refused: bool) -> Json:
    """The whole response. A refusal in so many words is a complete answer; one without is an answer that was filtered."""
    why = None if reason == "refusal" and refused else _INCOMPLETE.get(reason)
    return {
        **about,
        "status": "completed" if why is None else "incomplete",
        "incomplete_details": None if why is None else {"reason": why},
        "output": output,
        "usage": None if usage is None else write_usage(usage),
    }
