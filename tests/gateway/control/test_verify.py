"""A live check, asked of a strict stand-in: what an able model passes, and that whatever differs is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.core import InvalidInput, Offer, Reasoning, Unavailable
from assay.gateway.control.verify import LIVE, Check, Verified, verify_provider
from assay.store import Database
from assay.store.queries import latest_measurements
from tests.gateway.rig import Running, running
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Answer, Asked, Calls, Script, Status, says
from tests.upstream.scripts import able

pytestmark = pytest.mark.anyio
ALL = ["whole", "whole usage", "stream", "stream usage", "system", "structure", "length", "tools", "tool result"]
PROTOCOLS = ("openai_chat", "openai_responses", "anthropic", "gemini")


@asynccontextmanager
async def serving(
    db: Database, folder: Path, upstream: ScriptedUpstream, protocol: str = "openai_chat", *, key: str = "sk-upstream", **more: Any
) -> AsyncIterator[Running]:
    bases = {"gemini": f"{upstream.root}/v1beta"}
    auths = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}
    row = {"protocol": protocol, "auth": auths.get(protocol, "bearer"), "models": (), **more}
    url = bases.get(protocol, upstream.url)
    async with running(db, folder, url, environ={"UP_KEY": key}, row=row) as served:
        yield served


async def verify(served: Running, model: str | None = "able") -> Verified:
    gateway = served.gateway
    entry = gateway.registry.get("up")
    return await verify_provider(served.db, gateway.client, gateway.recorder, gateway.snapshot, entry, model)


def by_name(outcome: Verified) -> dict[str, Check]:
    return {check.name: check for check in outcome.checks}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_able_model_is_live_in_every_protocol(db: Database, tmp_path: Path, protocol: str) -> None:
    """No rule of the strict stand-in is broken by any question, and the fact is published with every check."""
    counts = protocol != "openai_chat"
    async with ScriptedUpstream() as upstream, serving(db, tmp_path, upstream, protocol, counts_tokens=counts) as served:
        outcome = await verify(served)
        assert {check.name: check.detail for check in outcome.checks if not check.ok} == {}
        assert [check.name for check in outcome.checks] == [*ALL, *(["count"] if counts else []), "error"]
        assert {check.protocol for check in outcome.checks} == {protocol}
        assert upstream.complaints == []
        (fact,) = await latest_measurements(db, LIVE)
        assert (fact.subject, fact.value, fact.source, fact.n) == ("up/able", "live", "measured", len(outcome.checks))
        assert fact.conditions[f"{protocol} tool result"] is True
        assert {call.purpose for call in await served.calls()} == {"test"}


async def test_every_protocol_that_a_row_claims_is_asked(db: Database, tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream:
        also = {"anthropic": Offer(auth="x-api-key"), "openai_responses": Offer()}
        async with serving(db, tmp_path, upstream, also=also) as served:
            outcome = await verify(served)
            assert outcome.ok, outcome
            assert {check.protocol for check in outcome.checks} == {"openai_chat", "anthropic", "openai_responses"}
            assert {request.protocol for request in upstream.requests} == {"openai_chat", "anthropic", "openai_responses"}


async def test_thinking_is_asked_for_where_the_row_says_how(db: Database, tmp_path: Path) -> None:
    reasoning = Reasoning(on={"x_thinking": True}, effort="reasoning_effort")
    async with ScriptedUpstream() as upstream, serving(db, tmp_path, upstream, reasoning=reasoning) as served:
        check = by_name(await verify(served))["thinking"]
        assert check.ok
        assert "may have none" in check.detail
        assert any(b'"x_thinking":true' in request.body for request in upstream.requests)


def unable(name: str) -> Script:
    """A model that fails one question: the one that ``name`` stands for."""

    def answer(asked: Asked) -> Answer | Status:
        usual = able(asked)
        spoiled: dict[str, tuple[bool, Callable[[], Answer | Status]]] = {
            "system": ("heron" in asked.text, lambda: says("Paris")),
            "structure": (asked.schema is not None, lambda: says("The answer is 42.")),
            "structure form": (asked.schema is not None, lambda: says('{"result": "42"}')),
            "length": (usual.finish == "length", lambda: says("one two")),
            "tools": (bool(asked.tools) and not asked.results, lambda: says("It is cool.")),
            "tools form": (
                bool(asked.tools) and not asked.results,
                lambda: Answer([Calls(asked.tools[0], ['{"place": 1}'], "x")], finish="tools"),
            ),
            "tool result": (bool(asked.results), lambda: says("I cannot tell.")),
            "stream": (asked.stream and not asked.tools, lambda: Answer([])),
            "whole": (not asked.stream and usual.text == "ready", lambda: Status(500, "scripted 500")),
        }
        applies, how = spoiled[name]
        return how() if applies else usual

    return answer


@pytest.mark.parametrize(
    ("spoiled", "name", "said"),
    [
        ("system", "system", "was not followed: answered 'Paris'"),
        ("structure", "structure", "not the JSON object that was asked for"),
        ("structure form", "structure", "does not have the form"),
        ("length", "length", "instead of 'length'"),
        ("tools", "tools", "the tool was not called: answered 'It is cool.'"),
        ("tools form", "tools", "does not fit the tool"),
        ("tool result", "tool result", "not in the answer"),
        ("stream", "stream", "no words"),
        ("whole", "whole", "scripted 500"),
    ],
)
async def test_what_differs_is_named_and_the_rest_is_asked_all_the_same(
    db: Database, tmp_path: Path, spoiled: str, name: str, said: str
) -> None:
    upstream = ScriptedUpstream(scripts={"unable": unable(spoiled)})
    async with upstream, serving(db, tmp_path, upstream) as served:
        outcome = await verify(served, "unable")
        failed = {check.name: check.detail for check in outcome.checks if not check.ok and not check.name.endswith("usage")}
        assert set(failed) == {name}
        assert said in failed[name]
        assert not outcome.ok
        (fact,) = await latest_measurements(db, LIVE)
        assert fact.value is None
        assert said in (fact.reason or "")


async def test_a_refused_key_is_asked_once_and_not_again(db: Database, tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream, serving(db, tmp_path, upstream, key="sk-wrong") as served:
        outcome = await verify(served)
        assert [(check.name, check.ok) for check in outcome.checks] == [("whole", False)]
        assert len(upstream.requests) == 1


async def test_a_provider_that_cannot_be_asked_says_why(db: Database, tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream, serving(db, tmp_path, upstream, key="") as served:
        with pytest.raises(Unavailable):
            await verify(served)
        with pytest.raises(InvalidInput) as raised:
            await verify(served, None)
        assert raised.value.code == "provider.no_model"


async def test_what_a_dialect_cannot_say_is_beside_its_check(db: Database, tmp_path: Path) -> None:
    swaps = {"tool_choice": {"function": "auto"}}
    async with ScriptedUpstream() as upstream, serving(db, tmp_path, upstream, swaps=swaps) as served:
        assert by_name(await verify(served))["tools"].lost == ("approximated:tool_choice=auto",)
