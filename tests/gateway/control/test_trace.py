"""The trace of one call: what was asked and answered, its price, its losses, and what must not be shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from assay.core import Call, Money, Request, Transcript, Usage, complete, new_id, now_us, user
from assay.gateway.control.trace import ShownLoss, show_loss
from assay.store import Database
from assay.store.queries import record_calls
from tests.gateway.control.test_routes import NOBODY, plane
from tests.gateway.rig import MESSAGES, PRICE, answering, told

pytestmark = pytest.mark.anyio
KEY = {"UP_KEY": "sk-x"}


def call(**fields: object) -> Call:
    bare = Call(
        id=new_id(),
        request_id=new_id(),
        at=now_us(),
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment="up/m",
        provider="up",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
    )
    return msgspec.structs.replace(bare, **fields)


async def test_a_call_is_shown_with_what_was_said_and_what_its_price_rests_on(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url, environ=KEY) as api:
        answered = await api.served.chat(temperature=0.5)
        made = await api.served.call()
        reply = await api.ask("GET", f"/calls/{made.id}")
        trace = reply.json
        assert reply.status == 200
        assert trace["call"]["id"] == made.id
        assert [attempt["id"] for attempt in trace["attempts"]] == [made.id]
        assert trace["key"] == "tests"
        assert trace["request"]["sampling"] == {"temperature": 0.5}
        assert trace["request"]["transcript"]["messages"][0]["parts"][0]["text"] == MESSAGES[0]["content"]
        assert trace["reply"]["messages"][0]["parts"] == [{"type": "text", "text": "good day"}]
        assert (trace["request_state"], trace["reply_state"]) == ("kept", "kept")
        assert (trace["price"]["source"], trace["cost_source"]) == (PRICE.source, "price_list")
        assert b"sk-x" not in reply.body
        by_request = await api.ask("GET", f"/calls/{answered.headers['x-request-id']}")
        assert by_request.json == trace


async def test_a_stream_is_shown_with_its_timeline_and_a_list_without(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url, environ=KEY) as api:
        await api.served.chat(stream=True)
        made = await api.served.call()
        trace = (await api.ask("GET", f"/calls/{made.id}")).json
        assert trace["call"]["timeline"] == [list(point) for point in made.timeline]
        assert len(made.timeline) > 0
        (listed,) = (await api.ask("GET", "/calls")).json["calls"]
        assert listed["timeline"] == []


async def test_all_attempts_at_a_request_are_shown_in_order(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        first = call(outcome="error", status=503, error="upstream.failed", deployment="gone/m", provider="gone")
        second = call(request_id=first.request_id, id=max(new_id(), first.id[:-1] + "z"))
        await record_calls(db, [first, second, call()], [])
        trace = (await api.ask("GET", f"/calls/{first.id}")).json
        assert [attempt["id"] for attempt in trace["attempts"]] == [first.id, second.id]
        assert (trace["call"]["error"], trace["price"]) == ("upstream.failed", None)


async def test_bodies_that_are_not_there_say_why(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        only = call(request="ab" * 32)
        await record_calls(db, [only], [])
        trace = (await api.ask("GET", f"/calls/{only.id}")).json
        assert (trace["request"], trace["request_state"]) == (None, "gone")
        assert (trace["reply"], trace["reply_state"]) == (None, "none")


@pytest.mark.parametrize(
    ("usage", "cost", "source"),
    [
        (Usage(input=10, output=4, reported=Money(5)), Money(5), "provider"),
        (Usage(input=10, output=4), Money(18_000), "price_list"),
        (Usage(input=10, output=4), Money(17_000), "older_price_list"),
        (Usage(input=10, output=4, estimated=True), Money(18_000), "estimate"),
        (Usage(input=10, output=4), None, None),
        (None, None, None),
    ],
)
async def test_a_cost_says_where_it_is_from(
    db: Database, tmp_path: Path, usage: Usage | None, cost: Money | None, source: str | None
) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        priced = call(usage=usage, cost=cost)
        await record_calls(db, [priced], [])
        assert (await api.ask("GET", f"/calls/{priced.id}")).json["cost_source"] == source


async def test_a_call_of_an_open_battle_is_as_unknown_as_one_that_never_was(db: Database, tmp_path: Path) -> None:
    """By its own id or by its request's; whoever reveals the battle reveals the call."""
    open_battles: list[str] = []

    async def hidden() -> list[str]:
        return open_battles

    question = Request(model="", transcript=Transcript((user("hm"),)))
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url, environ=KEY, hidden=hidden) as api:
        await complete(api.served.gateway.caller, question, "up/m", "battle")
        made = await api.served.call()
        open_battles.append(made.request_id)
        for id in (made.id, made.request_id):
            reply = await api.ask("GET", f"/calls/{id}")
            assert (reply.status, reply.json["code"]) == (404, "call.not_found")
            never = await api.ask("GET", f"/calls/{new_id()}")
            assert reply.json.keys() == never.json.keys()
        open_battles.clear()
        assert (await api.ask("GET", f"/calls/{made.id}")).status == 200


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("dropped:top_k", ShownLoss("dropped", "top_k", None)),
        ("approximated:effort=high>16384 tokens", ShownLoss("approximated", "effort", "high>16384 tokens")),
        ("renamed:tools[].name", ShownLoss("renamed", "tools[].name", None)),
        ("temperature", ShownLoss("dropped", "temperature", None)),
        ("odd:thing", ShownLoss("dropped", "odd:thing", None)),
    ],
)
async def test_a_loss_is_taken_to_pieces(said: str, shown: ShownLoss) -> None:
    assert show_loss(said) == shown
