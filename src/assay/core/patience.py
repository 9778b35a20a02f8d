"""Asking again where an upstream is only busy: a few times, as late as it says, and never on a wrong request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from assay.core.call import Purpose
from assay.core.caller import Budget, Caller
from assay.core.errors import CallFailed, UpstreamBroken, UpstreamRefused
from assay.core.event import Event
from assay.core.request import Request

PAUSES_S = (1.0, 4.0)
"""How long to wait before each further attempt, where the upstream does not say."""
LONGEST_PAUSE_S = 60.0
"""An upstream that asks for more than this is taken to have failed."""


class Patient:
    """A `Caller` that makes up to ``len(pauses_s)`` further attempts. An answer is handed on once it is whole."""

    def __init__(self, caller: Caller, pauses_s: tuple[float, ...] = PAUSES_S):
        self._caller = caller
        self._pauses_s = pauses_s

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As the wrapped caller's; what is raised is the last attempt's failure."""
        for event in await self._ask(request, deployment, purpose, budget, request_id):
            yield event

    async def _ask(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None, request_id: str | None
    ) -> list[Event]:
        pauses = iter(self._pauses_s)
        while True:
            try:
                async with aclosing(self._caller.stream(request, deployment, purpose, budget, request_id=request_id)) as events:
                    return [event async for event in events]
            except CallFailed as failed:
                pause_s = next(pauses, None)
                if pause_s is None or not may_pass(failed):
                    raise
                await asyncio.sleep(max(pause_s, failed.retry_after_s or 0))


def may_pass(failed: CallFailed) -> bool:
    """Whether the same request may well be answered a little later."""
    if failed.retry_after_s is not None and failed.retry_after_s > LONGEST_PAUSE_S:
        return False
    if isinstance(failed, UpstreamRefused):
        return failed.upstream_status in (408, 429) or (failed.upstream_status or 0) >= 500
    return isinstance(failed, UpstreamBroken)
