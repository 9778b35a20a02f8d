"""What a call cost that did not go as it should: never nothing where something was used, never all where little came."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from assay.core import (
    Call,
    CallFailed,
    Deployment,
    Money,
    Outcome,
    Price,
    Provider,
    Request,
    Transcript,
    Usage,
    complete,
    new_id,
    user,
)
from assay.gateway.attempt import Attempt
from assay.gateway.estimate import Estimator
from assay.gateway.settle import settle
from assay.gateway.snapshot import Route
from assay.gateway.upstream import Upstream
from assay.store import Database
from tests.gateway.rig import ANSWER, MESSAGES, PRICE, Wire, chunk, chunks, request, running, told, until

pytestmark = pytest.mark.anyio
WORDS = "It rains in the mountains, and the river rises slowly. "
DEPLOYMENTS: dict[str, Any] = {"id": "up/m", "provider": "up", "model": "m", "upstream_model": "m", "price": PRICE}


def route(protocol: str = "openai_chat", **known: Any) -> Route:
    provider = Provider(name="up", title="Up", base_url="http://up/v1", protocol=protocol)
    return Route(Deployment(**DEPLOYMENTS | known), Upstream(provider, None))


def sse(*documents: Any) -> list[bytes]:
    return [b"data: " + json.dumps(one).encode() + b"\n\n" for one in documents]


def anthropic(*documents: dict[str, Any]) -> list[bytes]:
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in documents]


def settled(
    pieces: list[bytes],
    outcome: Outcome = "cancelled",
    *,
    of: Route | None = None,
    stream: bool = True,
    status: int | None = 200,
    seconds: float = 1.0,
    sent: bool = True,
    estimator: Estimator | None = None,
    **fields: Any,
) -> Call:
    """The record of an attempt to which ``pieces`` came."""
    of = of or route()
    body = json.dumps({"model": "up/m", "messages": MESSAGES, "max_tokens": 400, **fields}).encode()
    protocol = of.upstream.provider.protocol
    one = Attempt(of, asked="up/m", purpose="traffic", stream=stream, client_protocol=protocol, request_id=new_id(), body=body)
    one.is_sent, one.status = sent, status
    one.pieces = [(one.started_ns + 1000 * number, piece) for number, piece in enumerate(pieces)]
    one.size = sum(map(len, pieces))
    one.end(outcome, None if outcome == "ok" else "client.left")
    one.duration_ns = round(seconds * 1e9)
    return settle(one, "off", 0, [], estimator or Estimator())


def known(call: Call) -> tuple[Usage, Money, int, int]:
    """Of an estimate, what must be there."""
    assert call.usage is not None
    assert call.usage.estimated
    assert call.cost is not None
    assert call.cost_between is not None
    low, high = call.cost_between
    assert low <= call.cost.nano <= high
    return call.usage, call.cost, low, high


def test_a_stream_that_the_client_left_is_billed_for_what_came_within_bounds() -> None:
    """About 120 of 400 tokens came. new-api bills all that had been set aside for such a stream (5289), or nothing (7062)."""
    call = settled(sse(*[chunk({"content": WORDS}) for _ in range(10)]), seconds=4)
    usage, _, low, high = known(call)
    assert 70 < usage.output < 180
    assert PRICE.cost(Usage(input=8, output=115)).nano > low > 0
    assert PRICE.cost(Usage(input=8, output=115)).nano < high < PRICE.cost(Usage(input=20, output=400)).nano


def test_the_providers_count_holds_where_it_came_though_the_client_had_left() -> None:
    call = settled(sse(*chunks(usage=True)))
    assert (call.outcome, call.usage, call.cost_between) == ("cancelled", Usage(input=10, output=4), None)
    assert call.cost == PRICE.cost(Usage(input=10, output=4))


def test_what_the_provider_told_at_the_start_is_no_estimate() -> None:
    """Anthropic counts the input, cached or not, in message_start; only the output is estimated."""
    start: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    start["usage"] = {"input_tokens": 25, "cache_read_input_tokens": 4000, "cache_creation_input_tokens": 300, "output_tokens": 1}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": WORDS}}
    pieces = anthropic(
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *[delta for _ in range(10)],
    )
    usage, _, low, high = known(settled(pieces, of=route("anthropic"), seconds=4))
    assert (usage.input, usage.cache_read, usage.cache_write_5m) == (25, 4000, 300)
    assert 70 < usage.output < 180
    told = PRICE.cost(Usage(input=25, cache_read=4000, cache_write_5m=300)).nano
    assert low > told
    assert high < told + 400 * PRICE.output // 1_000_000


def test_running_counts_are_not_counted_again() -> None:
    """Some servers count in every chunk: what came after the last count is estimated, no more."""
    counted = chunk({"content": WORDS * 9}) | {"usage": {"prompt_tokens": 8, "completion_tokens": 104, "total_tokens": 112}}
    usage, _, _, _ = known(settled(sse(counted, chunk({"content": WORDS})), seconds=4))
    assert usage.input == 8
    assert 104 + 6 < usage.output < 104 + 25


@pytest.mark.parametrize("outcome", ["cancelled", "timeout"])
def test_a_plain_request_that_nobody_waited_for_costs_its_input_and_may_cost_all_it_asked_for(outcome: Outcome) -> None:
    """Providers may write an answer to its end that nobody hears (new-api 4344: it was not even recorded)."""
    usage, _, low, high = known(settled([], outcome, stream=False, status=None))
    assert usage.input > 0
    assert 0 < usage.output <= 400
    assert low == PRICE.cost(Usage(input=low * 1_000_000 // PRICE.input)).nano
    assert low <= PRICE.cost(Usage(input=usage.input)).nano
    assert high >= PRICE.cost(Usage(input=usage.input, output=400)).nano


def test_an_upstream_that_broke_before_it_said_anything_probably_billed_nothing() -> None:
    usage, cost, low, high = known(settled([], "error", status=None))
    assert (usage.total_input, usage.total_output, cost.nano, low) == (0, 0, 0, 0)
    assert high > 0


@pytest.mark.parametrize("status", [400, 401, 402, 404, 413, 429, 500, 503, 529])
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_costs_nothing(status: int, stream: bool) -> None:
    call = settled([], "error", status=status, stream=stream)
    assert (call.usage, call.cost, call.cost_between) == (None, None, None)


async def test_an_error_instead_of_any_content_is_a_refusal_too(db: Database, tmp_path: Path) -> None:
    """Inside of a good status, told to a client or to Assay itself; after content it is an answer that broke off."""
    words: list[str] = []

    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        for word in words:
            await wire.event(chunk({"content": word}))
        await wire.event({"error": {"message": "overloaded", "type": "overloaded_error"}})
        await wire.end_stream()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        for said in ([], [WORDS]):
            words[:] = said
            await served.chat(stream=True)
            with pytest.raises(CallFailed) as caught:
                await complete(served.gateway.caller, Request(model="m", transcript=Transcript((user("hm"),))), "up/m", "judge")
            assert caught.value.call.outcome == "error"
            for call in (await served.calls())[:2]:
                assert (call.usage is None) is (said == []), call


def test_what_was_never_sent_costs_nothing() -> None:
    call = settled([], "error", status=None, sent=False)
    assert (call.usage, call.cost, call.cost_between) == (None, None, None)


def test_an_answer_without_a_count_is_estimated() -> None:
    """Of a whole answer too, and also where the count says zero though something was said."""
    whole = {name: value for name, value in ANSWER.items() if name != "usage"}
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for document in (whole, whole | {"usage": nothing}):
        usage, _, low, _ = known(settled([json.dumps(document).encode()], "ok", stream=False))
        assert 1 <= usage.output <= 6
        assert low > 0


def test_what_has_no_price_has_an_estimate_of_its_tokens_only() -> None:
    call = settled(sse(chunk({"content": WORDS})), of=route(price=None))
    assert call.usage is not None
    assert call.usage.estimated
    assert (call.cost, call.cost_between) == (None, None)


def test_hidden_thinking_widens_the_bounds() -> None:
    """Of a model that was asked to think, and of which nothing is known: seconds passed in which tokens were made."""
    plain = known(settled(sse(chunk({"content": WORDS})), seconds=10, max_tokens=9000))
    thinking = known(settled(sse(chunk({"content": WORDS})), seconds=10, max_tokens=9000, reasoning_effort="high"))
    assert thinking[3] > plain[3] + PRICE.cost(Usage(output=2000)).nano
    assert thinking[1] == plain[1]


def test_a_long_prompt_may_have_been_read_from_a_cache_or_written_to_one() -> None:
    price = Price(input=1_000_000_000, output=2_000_000_000, cache_read=100_000_000, cache_write_5m=1_250_000_000)
    of = route(price=price)
    usage, _, low, high = known(settled([], of=of, messages=[{"role": "user", "content": WORDS * 500}], status=None))
    assert low <= usage.input * 100
    assert high >= usage.input * 1250


def test_own_calls_teach_what_a_broken_one_costs() -> None:
    """After fifty whole answers of a model with an odd tokenizer, the bounds of a broken one are around what it really costs."""
    estimator = Estimator()
    for number in range(50):
        usage = {"prompt_tokens": 30, "completion_tokens": 60 + number % 5, "total_tokens": 92}
        choice = {"index": 0, "message": {"role": "assistant", "content": WORDS * 2}, "finish_reason": "stop"}
        document = ANSWER | {"usage": usage, "choices": [choice]}
        assert settled([json.dumps(document).encode()], "ok", stream=False, estimator=estimator).cost_between is None
    usage_of_broken, _, low, high = known(
        settled(sse(*[chunk({"content": WORDS}) for _ in range(10)]), seconds=60, estimator=estimator)
    )
    assert usage_of_broken.input == 30
    assert 290 < usage_of_broken.output < 340
    assert low <= PRICE.cost(Usage(input=30, output=310)).nano <= high < 1.3 * low


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_is_billed_by_an_estimate(db: Database, tmp_path: Path, stream: bool) -> None:
    """Through a real server: the connection is cut in the middle, or before anything came."""

    async def converse(wire: Wire) -> None:
        await wire.request()
        if stream:
            await wire.begin_stream()
            await wire.event(chunk({"content": WORDS}))
        await wire.until_closed()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        body = json.dumps({"model": "up/m", "messages": MESSAGES, "stream": stream, "max_tokens": 50}).encode()
        writer.write(request("POST", "/v1/chat/completions", body, authorization=f"Bearer {served.key}"))
        if stream:
            await reader.readuntil(b"rises slowly")
        await until(lambda: len(upstream.requests) == 1)
        writer.close()
        await until(lambda: upstream.left == 1)
        async with asyncio.timeout(10):
            while not (calls := await served.calls()):  # noqa: ASYNC110  # what is waited for has no event to set
                await asyncio.sleep(0.01)
        (call,) = calls
        assert call.outcome == "cancelled"
        usage, _, low, high = known(call)
        assert usage.input > 0
        assert low > 0
        assert high <= PRICE.cost(Usage(input=60, output=50)).nano


async def test_an_estimate_is_on_record_with_its_bounds(db: Database, tmp_path: Path) -> None:
    async def converse(wire: Wire) -> None:
        await wire.request()
        await wire.begin_stream()
        await wire.event(chunk({"content": WORDS}))
        wire.reset()

    async with told(converse) as upstream, running(db, tmp_path, upstream.url) as served:
        await served.chat(stream=True)
        _, cost, low, high = known(await served.call())
        assert 0 < low < cost.nano < high
