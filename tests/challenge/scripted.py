"""Contestants and a judge that follow a script in-process, and everything that a challenge between them needs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from assay.challenge.spec import Content, Source, Spec
from assay.core import (
    Budget,
    Call,
    CallFailed,
    Deployment,
    Event,
    Finished,
    Message,
    NotFound,
    PartOpened,
    Price,
    Purpose,
    Request,
    Started,
    Stopped,
    UpstreamRefused,
    Usage,
    UsageReported,
    assistant,
    new_id,
    now_us,
)

PRICE = Price(input=1_000_000_000, output=4_000_000_000)
"""A dollar for a million tokens in, four for a million out: a token in is 1,000 nano, one out 4,000."""
USAGE = Usage(input=20, output=90)
COST = PRICE.cost(USAGE)

NEW, OLD, JUDGE, SECOND = (
    Deployment(id=f"stage/{name}", provider="stage", model=name, upstream_model=name, price=PRICE)
    for name in ("new", "old", "judge", "second")
)
DEPLOYMENTS = {one.id: one for one in (NEW, OLD, JUDGE, SECOND)}

Script: TypeAlias = Callable[[str, Request], Message | CallFailed | None]
"""Given a deployment and what it is asked: what it says, how it fails, or None for a silence without end."""

_SECTION = re.compile(r"answer ([AB]) begins =====\n\[\w+: assistant\]\n(.*?)\n=====", re.DOTALL)


class ScriptedCaller:
    """Answers by ``script``. Remembers what was asked under which request id, and how many answers are under way."""

    def __init__(self, script: Script):
        self.script = script
        self.asked: list[tuple[str, Request, str | None]] = []
        self.open = 0
        self.most_open = 0
        self.paid = 0
        self.stirred = asyncio.Condition()

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The script's answer as events."""
        self.asked.append((deployment, request, request_id))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await self._stir()
        try:
            await asyncio.sleep(0)
            said = self.script(deployment, request)
            if said is None:
                await asyncio.Event().wait()
            if isinstance(said, CallFailed):
                raise said
            assert said is not None
            self.paid += COST.nano
            yield Started(id="scripted", model=deployment)
            for index, part in enumerate(said.parts):
                yield PartOpened(index=index, part=part)
            yield UsageReported(usage=USAGE)
            yield Stopped(reason="end")
            yield Finished(call=call_of(deployment, request_id))
        finally:
            self.open -= 1

    async def until(self, asked: int) -> None:
        """Wait until so many questions were asked."""
        async with asyncio.timeout(20), self.stirred:
            await self.stirred.wait_for(lambda: len(self.asked) >= asked)

    def count(self, deployment: Deployment) -> int:
        """How many times a deployment was asked."""
        return sum(1 for asked, _, _ in self.asked if asked == deployment.id)

    async def _stir(self) -> None:
        async with self.stirred:
            self.stirred.notify_all()


def find(name: str) -> Deployment:
    """The deployments of this stage, by id or by model."""
    for one in DEPLOYMENTS.values():
        if name in (one.id, one.model):
            return one
    raise NotFound("model.not_found", f"There is no model {name!r} here.")


def call_of(deployment: str, request_id: str | None = None, *, outcome: str = "ok") -> Call:
    """The record of a call of 20 + 90 tokens, 20 ms to the first and 120 ms in all."""
    provider, _, model = deployment.partition("/")
    return Call(
        id=new_id(),
        request_id=request_id or new_id(),
        at=now_us(),
        purpose="challenge",
        outcome="ok" if outcome == "ok" else "error",
        asked=deployment,
        deployment=deployment,
        provider=provider,
        model=model,
        protocol="openai_chat",
        stream=True,
        duration_us=120_000,
        ttft_us=20_000,
        usage=USAGE if outcome == "ok" else None,
        cost=COST if outcome == "ok" else None,
    )


def refusal(deployment: str, status: int = 500, *, retry_after_s: float | None = None) -> UpstreamRefused:
    """The error of an upstream that answers with ``status``."""
    return UpstreamRefused(
        "upstream.rate_limited" if status == 429 else "upstream.failed",
        f"Stage answered HTTP {status}.",
        call=call_of(deployment, outcome="error"),
        upstream_status=status,
        retry_after_s=retry_after_s,
    )


def number_asked(request: Request) -> int:
    """Which question this is: they are written ``Question 12?``."""
    found = re.search(r"Question (\d+)\?", request.transcript.messages[-1].text)
    assert found is not None, request
    return int(found[1])


def contest(score: Callable[[int], float], judge: Callable[[str, str], str] | None = None) -> Script:
    """New says how good it is at each question (``score`` in [0, 1]), old is always 0.5; the judge prefers the higher."""
    prefer = judge or by_score

    def script(deployment: str, request: Request) -> Message:
        if deployment == OLD.id:
            return assistant("Worth 0.5.")
        if deployment == NEW.id:
            return assistant(f"Worth {score(number_asked(request))}.")
        a, b = read_pair(request)
        return assistant(f"As I see it.\n\nVERDICT: {prefer(a, b)}")

    return script


def read_pair(request: Request) -> tuple[str, str]:
    """Both answers that a judge is shown, in the order shown."""
    sections = dict(_SECTION.findall(request.transcript.messages[-1].text))
    return sections["A"], sections["B"]


def by_score(a: str, b: str) -> str:
    """The verdict of a judge without any leaning."""
    first, second = worth(a), worth(b)
    return "TIE" if first == second else "A" if first > second else "B"


def worth(answer: str) -> float:
    """What an answer says of itself."""
    found = re.search(r"Worth ([\d.]+)\.", answer)
    assert found is not None, answer
    return float(found[1])


def questions(count: int) -> Content:
    """``count`` questions in a file."""
    return Content(name="questions.txt", text="".join(f"Question {number}?\n" for number in range(1, count + 1)))


def items_file(items: Iterable[Mapping[str, object]]) -> Content:
    """Items as JSON Lines."""
    return Content(name="items.jsonl", text="".join(msgspec.json.encode(item).decode() + "\n" for item in items))


def spec_of(source: Source, judges: Sequence[str] = (JUDGE.id,), **more: Any) -> Spec:
    """New against old on ``source``, with seed 7; ``more`` as in a spec's JSON."""
    fields = {"challenger": NEW.id, "incumbent": OLD.id, "source": msgspec.to_builtins(source), "judges": judges, "seed": 7, **more}
    return msgspec.convert(fields, Spec)
