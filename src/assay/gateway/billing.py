"""What an attempt used and cost: as its provider says, else as it can be told from what was sent and what came.

- Refused, never sent, or given again: nothing.
- The provider's count came, and the answer with it to its end: that.
- Anything else, such as a client that went away, a stream that broke, an answer without a count: what the provider has told so far
  (Anthropic counts the input at the very start), and an estimate of the rest, called one. Beside it stand the bounds between
  which the true cost lies in 95 of 100 cases.

The bounds take in that an estimated input may have been read from the provider's cache, or written there, and that a provider
goes on for a moment with what nobody hears any longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from assay.core import Answer, Event, Money, PartGrew, PartOpened, Price, Request, Usage, UsageReported
from assay.gateway.attempt import Attempt
from assay.gateway.estimate import NOTHING, Estimate, Estimator, Weight, weigh, weigh_events, weigh_messages, weigh_request

_UNHEARD_S = 1.0
"""For how long a provider goes on once its client has left: connections are seen to be closed when something is written to them."""

_FASTEST_PER_S = 300
"""Tokens that a provider may make in a second where its answer does not tell; the fastest of 2026 make some more."""

_COMMON_LENGTH = 215
"""Tokens of an answer of which nothing is known: the mean of LMSYS-Chat-1M (arXiv 2309.11998, table 1)."""

_MOST_LENGTH = 32_768
"""Where neither the request nor the model has a limit."""

_CACHED_FROM = 1024
"""Providers keep no shorter prompts: OpenAI's guide to prompt caching and Anthropic's, 2026-11."""


class Bill(NamedTuple):
    """``between`` are the bounds of ``cost`` in nano-units, where it is an estimate."""

    usage: Usage | None
    cost: Money | None
    between: tuple[int, int] | None = None


FREE = Bill(None, None)


class Came(NamedTuple):
    """What came of an answer. ``events`` are None where it came whole, which is all that they would tell."""

    answer: Answer
    events: Sequence[Event] | None = None


def bill(attempt: Attempt, came: Came | None, request: Request | None, estimator: Estimator) -> Bill:
    """What ``attempt`` used. ``request`` is what it asked, where that could be read."""
    price = attempt.route.deployment.price
    if attempt.cached is not None:
        return Bill(None, Money(0, price.currency if price is not None else "USD"))
    usage = came.answer.usage if came is not None else None
    if attempt.operation != "generate" or is_counted(attempt, came):
        return Bill(usage, cost_of(price, usage))
    if not attempt.is_sent or _is_refused(attempt, came):
        return FREE
    into = _input(attempt, usage, request, estimator)
    out = _output(attempt, came, request, estimator)
    told = usage or Usage()
    point = _with(told, into.tokens, out.tokens)
    return _priced(
        price, point, _with(told, into.low, out.low), _with(told, into.high, out.high), is_input_told=told.total_input > 0
    )


def teach(estimator: Estimator, attempt: Attempt, came: Came, request: Request | None) -> None:
    """Let the estimator know what an answer that was counted really used."""
    if came.answer.usage is not None:
        said, thought = weigh_messages(came.answer.messages)
        asked = None if request is None else weigh_request(request)
        estimator.learn(attempt.route.deployment.model, asked, said, thought, came.answer.usage)


def is_counted(attempt: Attempt, came: Came | None) -> bool:
    """Whether the provider has counted all of the answer, whoever had left by then."""
    usage = came.answer.usage if came is not None else None
    if came is None or usage is None or not (usage.total_input or usage.total_output or usage.reported):
        return False
    if attempt.outcome == "ok" or came.events is None:
        return True
    since = came.events[_last_count(came.events) + 1 :]
    return came.answer.stop is not None and not any(isinstance(event, PartOpened | PartGrew) for event in since)


def cost_of(price: Price | None, usage: Usage | None) -> Money | None:
    """The provider's own bill where it sent one, else by the price list."""
    if usage is None:
        return None
    if usage.reported is not None:
        return usage.reported
    return price.cost(usage) if price is not None else None


def _is_refused(attempt: Attempt, came: Came | None) -> bool:
    """By its status, or by an error that came inside of a good one instead of any content."""
    if attempt.status is not None and attempt.status != 200:
        return True
    if attempt.error != "wire.stream_error":
        return False
    return came is None or (came.answer.usage is None and not any(message.parts for message in came.answer.messages))


def _last_count(events: Sequence[Event]) -> int:
    return max((number for number, event in enumerate(events) if isinstance(event, UsageReported)), default=-1)


def _input(attempt: Attempt, usage: Usage | None, request: Request | None, estimator: Estimator) -> Estimate:
    """What the provider has not told of it."""
    if usage is not None and usage.total_input:
        return NOTHING
    asked = weigh_request(request) if request is not None else Weight(weigh(attempt.body))
    counted = estimator.input(attempt.route.deployment.model, asked)
    if attempt.outcome == "cancelled" or attempt.status == 200:
        return counted
    # It never began to answer: whether it read anything, nobody knows.
    return counted._replace(low=0) if attempt.outcome == "timeout" else Estimate(0, 0, counted.high)


def _output(attempt: Attempt, came: Came | None, request: Request | None, estimator: Estimator) -> Estimate:
    """What came out after the last count."""
    most = _most_output(attempt, request)
    if came is None and not attempt.stream:
        return _unheard(attempt, estimator, most)
    said, thought = _uncounted(came) if came is not None else (Weight(0), Weight(0))
    shown = estimator.output(attempt.route.deployment.model, said, thought)
    high = shown.high + said.media.high + (0 if attempt.outcome == "ok" else _still_coming(attempt, shown))
    if request is not None and _thinks(request) and not thought.text and attempt.outcome != "ok":
        high += round(attempt.duration_ns / 1e9 * _FASTEST_PER_S)  # thinking that is never shown
    return Estimate(min(shown.tokens + said.media.tokens, most), min(shown.low, most), min(high, most))


def _uncounted(came: Came) -> tuple[Weight, Weight]:
    if came.events is None or (counted := _last_count(came.events)) < 0:
        return weigh_messages(came.answer.messages)
    return weigh_events(came.events[counted + 1 :])


def _unheard(attempt: Attempt, estimator: Estimator, most: int) -> Estimate:
    """Of an answer that was to come in one piece, and did not: it may be written to its end all the same."""
    usual = estimator.length(attempt.route.deployment.model) or Estimate(_COMMON_LENGTH, 0, most)
    if attempt.outcome == "error":
        return Estimate(0, 0, most)
    return Estimate(min(usual.tokens, most), 0, most)


def _most_output(attempt: Attempt, request: Request | None) -> int:
    asked = request.sampling.max_tokens if request is not None else None
    known = attempt.route.deployment.max_output
    return min([limit for limit in (asked, known) if limit is not None and limit > 0], default=_MOST_LENGTH)


def _still_coming(attempt: Attempt, shown: Estimate) -> int:
    """Tokens on their way when the answer broke off, by how fast it came."""
    taken_s = attempt.duration_ns / 1e9
    if not shown.tokens:
        return round(min(taken_s, _UNHEARD_S) * _FASTEST_PER_S)
    return round(shown.high * _UNHEARD_S / max(taken_s, _UNHEARD_S))


def _thinks(request: Request) -> bool:
    sampling = request.sampling
    return bool(sampling.thinking or sampling.thinking_budget) or sampling.effort not in (None, "none")


def _with(told: Usage, into: int, out: int) -> Usage:
    return msgspec.structs.replace(told, input=told.input + into, output=told.output + out, estimated=True)


def _priced(price: Price | None, point: Usage, low: Usage, high: Usage, *, is_input_told: bool) -> Bill:
    if price is None:
        return Bill(point, None)
    cost = price.cost(point)
    least, most = price.cost(low), price.cost(high)
    if not is_input_told and high.input >= _CACHED_FROM:
        least = min(least, price.cost(msgspec.structs.replace(low, input=0, cache_read=low.input)))
        most = max(most, price.cost(msgspec.structs.replace(high, input=0, cache_write_5m=high.input)))
    return Bill(point, cost, (min(least.nano, cost.nano), max(most.nano, cost.nano)))
