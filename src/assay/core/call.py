"""One attempt at one deployment, on record whether it went well or not."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.core.money import Money, Usage

Purpose: TypeAlias = Literal["traffic", "battle", "judge", "bench", "challenge", "test"]
Outcome: TypeAlias = Literal["ok", "error", "timeout", "cancelled"]
"""``ok``: the answer came whole. ``cancelled``: the asker went away. The other two are the upstream's doing."""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asked which deployment what, what came back, what it cost and how long it took.

    Several attempts at one question share ``request_id``. ``request`` and ``reply`` are content hashes of transcripts, None
    where bodies are not kept or nothing came. Times: ``at`` in microseconds UTC, durations in microseconds of the monotonic
    clock; ``ttft_us`` runs to the first byte of content. ``cost`` is None where no price is known, never zero.
    """

    id: str
    request_id: str
    at: int
    purpose: Purpose
    outcome: Outcome
    asked: str
    deployment: str
    provider: str
    model: str
    protocol: str
    """What the upstream speaks; ``client_protocol`` is what the asker spoke, None where that was Assay itself."""

    stream: bool
    duration_us: int
    ttft_us: int | None = None
    key: str | None = None
    user: str | None = None
    team: str | None = None
    """Whose the key was at the time."""

    provider_key: str | None = None
    """Which of the provider's keys was used, where it has several: a name, never the key."""

    status: int | None = None
    error: str | None = None
    stop: str | None = None
    usage: Usage | None = None
    cost: Money | None = None
    cost_between: tuple[int, int] | None = None
    """Where ``cost`` and ``usage`` are an estimate, since the answer broke off before the provider said: nano-units that the true
    cost lies between in 95 of 100 cases."""

    cached: str | None = None
    """The call whose answer was given again; then nothing was asked and nothing cost."""

    request: str | None = None
    reply: str | None = None
    upstream_id: str | None = None
    client_protocol: str | None = None
    operation: str | None = None
    """What was asked for where it was no answer in a conversation: ``embeddings``, ``images``, ``speech`` and the like."""

    losses: tuple[str, ...] = ()
    timeline: tuple[tuple[int, int], ...] = ()
    """Of a streamed answer: microseconds from the start, and how many bytes had come by then; thinned to 200 points at most."""
