"""What is asked of a model: a transcript, tools, sampling and an output format.

Every setting that a client did not give is None, and is not sent: a default belongs to the provider.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from assay.core.transcript import CacheTime, Extra, Transcript


class Tool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A function that the model may ask for. ``parameters`` is its JSON Schema, verbatim."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    cache: CacheTime | None = None
    extra: Extra = {}


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether tools are used: freely, not at all, at least one, or the one named ``name``."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shape an answer must have: plain text, any JSON object, or JSON under ``schema``."""

    kind: Literal["text", "json", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    extra: Extra = {}


class Sampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the next token is drawn and when to stop.

    ``thinking`` turns thinking on or off; ``effort`` says how much in a word (``minimal`` to ``max``, or a model's own),
    ``thinking_budget`` in tokens; ``show_thinking`` asks for the thoughts, or a summary of them, in the answer.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    effort: str | None = None
    thinking_budget: int | None = None
    thinking: bool | None = None
    show_thinking: bool | None = None


NO_SAMPLING = Sampling()


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question to a model, in no protocol's words. ``model`` is the alias asked for; ``user`` the client's own end-user tag."""

    model: str
    transcript: Transcript
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    sampling: Sampling = NO_SAMPLING
    stream: bool = False
    stream_usage: bool | None = None
    user: str | None = None
    extra: Extra = {}

    def __post_init__(self) -> None:
        # A default is left out of the canonical JSON only where it is the very object: equal requests must hash alike.
        if self.sampling is not NO_SAMPLING and self.sampling == NO_SAMPLING:
            msgspec.structs.force_setattr(self, "sampling", NO_SAMPLING)
