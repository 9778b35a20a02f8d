"""A `Caller` that plays a judge by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from assay.core import (
    Budget,
    Call,
    Event,
    Finished,
    Money,
    PartClosed,
    PartGrew,
    PartOpened,
    Purpose,
    Refusal,
    Request,
    Started,
    Stopped,
    StopReason,
    Text,
    Thinking,
    UpstreamRefused,
    new_id,
    now_us,
)


class Says(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the judge: its words, what it thought before, and why it stopped."""

    text: str
    thinking: str = "Both are long.\nVERDICT: B"
    stop: StopReason | None = "end"
    refuses: bool = False


class ScriptedJudge:
    """Asked for a judgment, it says what ``script`` makes of the request, or raises what that raises."""

    def __init__(self, script: Callable[[Request], Says | str]):
        self.script = script
        self.asked: list[Request] = []
        self.purposes: list[Purpose] = []
        self.budgets: list[Budget | None] = []
        self.request_ids: list[str | None] = []
        self.open = 0

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """What a provider streams: the thought, the words, the reason of the stop."""
        self.asked.append(request)
        self.purposes.append(purpose)
        self.budgets.append(budget)
        self.request_ids.append(request_id)
        self.open += 1
        try:
            await asyncio.sleep(0)
            said = self.script(request)
            says = Says(text=said) if isinstance(said, str) else said
            yield Started(id="1", model="judge-1")
            yield PartOpened(index=0, part=Thinking())
            yield PartGrew(index=0, text=says.thinking)
            yield PartClosed(index=0)
            yield PartOpened(index=1, part=Refusal(text="") if says.refuses else Text(text=""))
            for start in range(0, len(says.text), 7):
                yield PartGrew(index=1, text=says.text[start : start + 7])
            if says.stop:
                yield Stopped(reason=says.stop)
            yield Finished(call=call_of(deployment))
        finally:
            self.open -= 1


def call_of(deployment: str) -> Call:
    """The record of a judge's call, that cost 1,500 nano-dollars."""
    return Call(
        id=new_id(),
        request_id=new_id(),
        at=now_us(),
        purpose="judge",
        outcome="ok",
        asked=deployment,
        deployment=deployment,
        provider="bench",
        model="judge-1",
        protocol="openai_chat",
        stream=True,
        duration_us=1_000,
        cost=Money(1_500),
    )


def refused(deployment: str) -> UpstreamRefused:
    """A failed call, that cost something all the same."""
    return UpstreamRefused("upstream.rate_limited", "bench answered 429", call=call_of(deployment), upstream_status=429)


def shown_text(request: Request) -> str:
    """Everything that the judge can read of the pair."""
    return "\n".join(part.text for part in request.transcript.messages[-1].parts if isinstance(part, Text))


def section(request: Request, title: str) -> str:
    """What stands between the fences of ``title``, as told by the mark that the judge was told."""
    text = shown_text(request)
    mark = text.split()[1].rstrip(":")
    assert f"one random mark, {mark}," in request.transcript.messages[0].text
    [_, rest] = text.split(f"===== {mark}: {title} begins =====\n")
    [inside, _] = rest.split(f"\n===== {mark}: {title} ends =====")
    return inside
