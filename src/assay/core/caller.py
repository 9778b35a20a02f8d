"""The port by which everything else asks a model.

The gateway implements it in-process; tests pass a scripted one. So every call anywhere is logged, priced and limited alike.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from assay.core.call import Purpose
from assay.core.event import Answer, Event, fold
from assay.core.request import Request


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What one call may use. None means no limit of its own. Without ``keep_bodies`` the call is on record, and what was asked and said
    is not, whatever the setting `bodies` keeps of others."""

    timeout_s: float | None = None
    keep_bodies: bool = True


class Caller(Protocol):
    """Asks one deployment one thing."""

    def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The answer's events; the last is `Finished`. Closing the generator cancels the upstream.

        Raises:
            NotFound: no such deployment.
            CallFailed: the attempt failed; the error carries its `Call`.
        """
        ...


async def complete(caller: Caller, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None) -> Answer:
    """Ask and wait for the whole answer."""
    async with aclosing(caller.stream(request, deployment, purpose, budget)) as answer:
        return fold([event async for event in answer])
