"""One sample put to the model: every call it takes goes through the breaker, the window and the wallet, and is on record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from assay.bench.cache import find_answer, keep_answer, name_of
from assay.bench.queries_results import Body, Figures
from assay.bench.run_breaker import Breaker
from assay.bench.window import Window, Windows
from assay.core import (
    Answer,
    AssayError,
    Budget,
    Caller,
    CallFailed,
    Event,
    Message,
    Money,
    Purpose,
    Request,
    Usage,
    fold,
)
from assay.store import Database


class Door:
    """What every call to one deployment passes: ``breaker``, then ``window``, then ``caller``, which pays.

    A refusal because the upstream is busy or away counts for the breaker; one because of what was asked does not stay long: the next
    answer closes it.
    """

    def __init__(self, deployment: str, caller: Caller, window: Window, breaker: Breaker):
        self.deployment = deployment
        self.window = window
        self.breaker = breaker
        self._caller = caller

    async def ask(self, request: Request, request_id: str) -> Answer:
        """The whole answer.

        Raises:
            CallFailed, NotFound, Unavailable: as the caller's.
            BudgetSpent: nothing was asked.
            EndpointDown: this failed, as all before did, and there is no use in going on.
        """
        is_probe = await self.breaker.enter()
        try:
            async with self.window.place():
                events = self._caller.stream(request, self.deployment, "bench", request_id=request_id)
                async with aclosing(events):
                    answer = fold([event async for event in events])
        except AssayError as error:
            self.breaker.failed(error, is_probe=is_probe)
            raise
        except BaseException:
            self.breaker.leave(is_probe=is_probe)
            raise
        self.breaker.succeeded(is_probe=is_probe)
        return answer


class Windowed:
    """A `Caller` whose calls wait for a place at their deployment: for judges, who are asked by scorers."""

    def __init__(self, caller: Caller, windows: Windows):
        self._caller = caller
        self._windows = windows

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As the wrapped caller's."""
        async with (
            self._windows.of(deployment).place(),
            aclosing(self._caller.stream(request, deployment, purpose, budget, request_id=request_id)) as events,
        ):
            async for event in events:
                yield event


class Discreet:
    """A `Caller` whose calls are on record without their words: for questions that may not be shown."""

    def __init__(self, caller: Caller):
        self._caller = caller

    async def stream(
        self, request: Request, deployment: str, purpose: Purpose, budget: Budget | None = None, *, request_id: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As the wrapped caller's."""
        budget = msgspec.structs.replace(budget or Budget(), keep_bodies=False)
        async with aclosing(self._caller.stream(request, deployment, purpose, budget, request_id=request_id)) as events:
            async for event in events:
                yield event


class Asking:
    """The calls of one sample: `ask` is handed to the task, `figures` and `body` say what came of it.

    ``cache`` is where answers may be taken from, None where they may not.
    """

    def __init__(self, door: Door, request_id: str, epoch: int, cache: Database | None):
        self._door = door
        self._request_id = request_id
        self._epoch = epoch
        self._cache = cache
        self._requests: list[Request] = []
        self._answers: list[Answer] = []
        self._calls: list[str] = []
        self._repeated = 0

    async def ask(self, request: Request) -> Answer:
        """`assay.bench.task.Ask`."""
        self._requests.append(request)
        name = name_of(request, self._door.deployment, self._epoch) if self._cache is not None else ""
        if self._cache is not None and (known := await find_answer(self._cache, name)) is not None:
            self._repeated += 1
            self._answers.append(msgspec.structs.replace(known, call=None))
            return known
        try:
            answer = await self._door.ask(request, self._request_id)
        except CallFailed as failed:
            self._calls.append(failed.call.id)
            raise
        if answer.call is not None:
            self._calls.append(answer.call.id)
        self._answers.append(answer)
        if self._cache is not None:
            await keep_answer(self._cache, name, answer)
        return answer

    def body(self, last: Answer) -> Body:
        """The last question, and the answer that is scored."""
        return Body(transcript=self._requests[-1].transcript, message=last.message)

    def figures(self, last: Answer | None) -> Figures:
        """What is known beside the words. ``last`` is the answer that is scored."""
        calls = [answer.call for answer in self._answers if answer.call is not None]
        return Figures(
            stop=None if last is None else last.stop,
            calls=tuple(self._calls),
            usage=_sum_usage([answer.usage for answer in self._answers]),
            cost=_sum_cost([call.cost for call in calls]),
            latency_us=sum(call.duration_us for call in calls) if calls else None,
            ttft_us=calls[0].ttft_us if calls else None,
            cached=bool(self._repeated) and self._repeated == len(self._answers),
        )


def answer_of(message: Message, figures: Figures) -> Answer:
    """An answer as it was kept, to be scored."""
    return Answer(messages=(message,), stop=figures.stop, usage=figures.usage, started=None)


def _sum_usage(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if len(known) == 1 == len(usages):
        return known[0]
    if not known or len(known) < len(usages):
        return None
    counts = {name: sum(getattr(usage, name) for usage in known) for name in _COUNTS}
    return Usage(**counts, estimated=any(usage.estimated for usage in known))


def _sum_cost(costs: Sequence[Money | None]) -> Money | None:
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs) or len({cost.currency for cost in known}) > 1:
        return None
    return sum(known[1:], known[0])


_COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("reported", "estimated"))
