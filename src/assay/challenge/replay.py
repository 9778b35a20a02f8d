"""One contestant and one item: it is asked the recorded prefix, and goes on as far as the recording can answer it.

A tool call that was recorded with the same name and the same arguments gets the recorded result. One that differs is run again
where the tool was declared to allow that; else the trial ends as diverged, since any result would be invented. Where the
recording ended at this point, and so has nothing to go on with or to differ from, the calls themselves are the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from assay.challenge.item import Exchange, Item
from assay.challenge.rerun import Commands, run_again
from assay.challenge.spec import Side
from assay.challenge.trial import Ending, Trial
from assay.core import (
    Answer,
    AssayError,
    Budget,
    Caller,
    CallFailed,
    Message,
    Money,
    Request,
    StopReason,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
    canonical,
    fold,
)

MOST_STEPS = 50
"""Answers in one trial. Only tools that are run again can go round in circles."""
ANSWER_TIMEOUT_S = 600.0


async def replay(caller: Caller, item: Item, deployment: str, side: Side, rerun: Commands, request_id: str) -> Trial:
    """How ``deployment`` fares on ``item``. All its calls are filed under ``request_id``.

    Raises:
        Halt: the run cannot go on; nothing is known of this trial then.
    """
    return await _Replay(caller, item, deployment, side, rerun, request_id).run()


def same_calls(one: Message, other: Message) -> bool:
    """Whether two messages call the same tools with the same arguments, in any order."""
    return Counter(map(_key, calls_of(one))) == Counter(map(_key, calls_of(other)))


def calls_of(message: Message) -> list[ToolCall]:
    """The tool calls of a message."""
    return [part for part in message.parts if isinstance(part, ToolCall)]


class _Diverged(Exception):
    """A call that nobody can answer."""


class _Replay:
    """The state of one trial while it runs."""

    def __init__(self, caller: Caller, item: Item, deployment: str, side: Side, rerun: Commands, request_id: str):
        self._caller = caller
        self._item = item
        self._deployment = deployment
        self._side = side
        self._rerun = rerun
        self._request_id = request_id
        self._turns: list[Message] = []
        self._answers: list[Answer] = []
        self._failed_calls: list[str] = []

    async def run(self) -> Trial:
        try:
            for step in range(MOST_STEPS):
                answer = await self._ask()
                results = await self._results(answer.message, step)
                if results is None:
                    return self._trial("answered")
                self._turns += results
        except _Diverged as diverged:
            return self._trial("diverged", detail=str(diverged))
        except AssayError as failed:
            if isinstance(failed, CallFailed):
                self._failed_calls.append(failed.call.id)
            return self._trial("failed", error=failed.code, detail=failed.message)
        return self._trial("failed", error="challenge.too_many_steps", detail=f"It still called tools after {MOST_STEPS} answers.")

    async def _ask(self) -> Answer:
        request = self._item.request
        messages = (*request.transcript.messages, *self._turns)
        asked: Request = msgspec.structs.replace(
            request, model=self._deployment, transcript=Transcript(messages), stream=True, stream_usage=True
        )
        budget = Budget(timeout_s=ANSWER_TIMEOUT_S)
        async with aclosing(
            self._caller.stream(asked, self._deployment, "challenge", budget, request_id=self._request_id)
        ) as events:
            answer = fold([event async for event in events])
        self._answers.append(answer)
        self._turns.append(answer.message)
        return answer

    async def _results(self, said: Message, step: int) -> list[Message] | None:
        """What the tools that were called give back; None where the answer stands as it is."""
        made = calls_of(said)
        if not made:
            return None
        if step >= len(self._item.recorded):
            return await self._run_all(made) if all(call.name in self._rerun for call in made) else None
        exchange = self._item.recorded[step]
        if same_calls(exchange.said, said):
            return _recorded_results(exchange, made)
        if not any(call.name in self._rerun for call in made):
            raise _Diverged(_tell(exchange, made))
        return await self._mix_results(exchange, made)

    async def _run_all(self, made: Sequence[ToolCall]) -> list[Message]:
        return [_message(await run_again(self._rerun, call)) for call in made]

    async def _mix_results(self, exchange: Exchange, made: Sequence[ToolCall]) -> list[Message]:
        """Tools that may be run again are; the others need a recorded result."""
        others = [call for call in made if call.name not in self._rerun]
        known = _match(exchange, others)
        if len(known) < len(others):
            raise _Diverged(_tell(exchange, made))
        ready = iter(known)
        return [_message(await run_again(self._rerun, call) if call.name in self._rerun else next(ready)) for call in made]

    def _trial(self, ending: Ending, *, error: str | None = None, detail: str | None = None) -> Trial:
        calls = [answer.call for answer in self._answers if answer.call is not None]
        stop: StopReason | None = self._answers[-1].stop if self._answers else None
        return Trial(
            side=self._side,
            ending=ending,
            turns=tuple(self._turns),
            stop=stop,
            calls=(*(call.id for call in calls), *self._failed_calls),
            requests=(self._request_id,),
            usage=_sum_usage([answer.usage or (answer.call.usage if answer.call else None) for answer in self._answers]),
            cost=_sum_cost([call.cost for call in calls]),
            ttft_us=calls[0].ttft_us if calls else None,
            duration_us=sum(call.duration_us for call in calls) if calls else None,
            error=error,
            detail=detail,
        )


def _recorded_results(exchange: Exchange, made: Sequence[ToolCall]) -> list[Message] | None:
    known = _match(exchange, made)
    return [_message(result) for result in known] if len(known) == len(made) else None


def _match(exchange: Exchange, made: Sequence[ToolCall]) -> list[ToolResult]:
    """The recorded results of those calls that were recorded, each under the id of the call made now."""
    given = {part.id: part for message in exchange.results for part in message.parts if isinstance(part, ToolResult)}
    results: dict[tuple[str, bytes], list[ToolResult]] = {}
    for call in calls_of(exchange.said):
        if call.id in given:
            results.setdefault(_key(call), []).append(given[call.id])
    return [msgspec.structs.replace(waiting.pop(0), id=call.id) for call in made if (waiting := results.get(_key(call)))]


def _message(result: ToolResult) -> Message:
    return Message(role="tool", parts=(result,))


def _key(call: ToolCall) -> tuple[str, bytes]:
    """What makes two calls the same: the tool, and its arguments as a JSON value. What is no JSON is compared as it was written."""
    try:
        return call.name, canonical(_plain(msgspec.json.decode(call.arguments.strip() or "{}")))
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return call.name, b"\0" + call.arguments.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """JSON has one kind of number: 1.0 is 1."""
    match value:
        case float() if math.isfinite(value) and value.is_integer():
            return int(value)
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value


def _tell(exchange: Exchange, made: Sequence[ToolCall]) -> str:
    recorded = calls_of(exchange.said)
    return f"Recorded: {_written(recorded) if recorded else 'an answer without tools'}. Made: {_written(made)}."


def _written(calls: Sequence[ToolCall], most: int = 400) -> str:
    text = ", ".join(f"{call.name}({call.arguments})" for call in calls)
    return text if len(text) <= most else f"{text[:most]}..."


def _sum_usage(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if not known or len(known) < len(usages):
        return None
    counts = {
        field: sum(getattr(usage, field) for usage in known)
        for field in Usage.__struct_fields__
        if field not in ("reported", "estimated")
    }
    return Usage(**counts, estimated=any(usage.estimated for usage in known))


def _sum_cost(costs: Sequence[Money | None]) -> Money | None:
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs) or len({cost.currency for cost in known}) > 1:
        return None
    return sum(known[1:], known[0])
