"""A `Caller` that answers by script, for tests of the arena."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from assay.core import (
    Budget,
    Call,
    Deployment,
    Event,
    Finished,
    Money,
    PartClosed,
    PartGrew,
    PartOpened,
    Purpose,
    Request,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    UpstreamRefused,
    Usage,
    UsageReported,
    new_id,
    now_us,
)

Script = Callable[[str, Request], AsyncIterator[str]]
"""Given a deployment and what it is asked, the pieces of its answer."""

CONTESTANTS = tuple(
    Deployment(
        id=f"{provider}/{model}",
        provider=provider,
        model=model,
        upstream_model=f"{model}-0613",
        title=f"{model.title()} Grande",
        organization=organization,
    )
    for provider, model, organization in (
        ("hostwerk", "zebrafinch-7b", "Ornithon"),
        ("cloudlark", "quokka-max", "Marsupia"),
        ("hostwerk", "axolotl-2", "Amphibix"),
    )
)


async def say_words(deployment: str, request: Request) -> AsyncIterator[str]:
    """A short answer that says what was asked."""
    for word in ("You ", "asked: ", request.transcript.messages[-1].text):
        yield word


class ScriptedCaller:
    """Answers by ``script``; remembers what was asked and how many streams are open."""

    def __init__(self, script: Script = say_words):
        self.script = script
        self.asked: list[tuple[str, Request, str | None]] = []
        self.open = 0
        self.all_closed = asyncio.Event()

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The script's answer, wrapped in what a real upstream says around it, names and all."""
        self.asked.append((deployment, request, request_id))
        self.open += 1
        self.all_closed.clear()
        try:
            yield Started(id=f"chatcmpl-{deployment}", model=deployment)
            yield PartOpened(index=0, part=Thinking())
            yield PartGrew(index=0, text=f"I am {deployment}, but must not tell.")
            yield PartClosed(index=0)
            yield PartOpened(index=1, part=Text(text=""))
            async for piece in self.script(deployment, request):
                yield PartGrew(index=1, text=piece)
            yield PartOpened(index=2, part=ToolCall(id="call_1", name=f"tool_of_{deployment}"))
            yield UsageReported(usage=Usage(input=10, output=5))
            yield Stopped(reason="end")
            yield Finished(call=call_of(deployment, request_id))
        finally:
            self.open -= 1
            if not self.open:
                self.all_closed.set()


def call_of(deployment: str, request_id: str | None = None) -> Call:
    """The record of a call that took 10 + 5 tokens, 20 ms to the first and 120 ms in all."""
    provider, _, model = deployment.partition("/")
    return Call(
        id=new_id(),
        request_id=request_id or new_id(),
        at=now_us(),
        purpose="battle",
        outcome="ok",
        asked=deployment,
        deployment=deployment,
        provider=provider,
        model=model,
        protocol="openai_chat",
        stream=True,
        duration_us=120_000,
        ttft_us=20_000,
        usage=Usage(input=10, output=5),
        cost=Money(1_500),
    )


def refusal(deployment: str) -> UpstreamRefused:
    """The error of an upstream that names itself."""
    return UpstreamRefused(
        "upstream.refused", f"{deployment} answered 500", call=call_of(deployment), upstream_status=500, upstream_body=b"no"
    )
