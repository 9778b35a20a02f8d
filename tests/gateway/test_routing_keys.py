"""Several keys of one provider, and aliases wherever a model can be named."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.core import Alias, Finished, Message, Request, Target, Text, Transcript, UpstreamRefused
from assay.store import Database
from tests.gateway.rig import ANSWER, Running, ToldUpstream, Wire, chunks, running, told

pytestmark = pytest.mark.anyio

KEYS = {"UP_KEY": "sk-one", "UP_KEY_2": "sk-two", "UP_KEY_3": "sk-three"}
EMBEDDED = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "model": "m", "usage": {"prompt_tokens": 1}}
ASKED = Request(model="m", transcript=Transcript((Message(role="user", parts=(Text(text="Hi"),)),)))


def key_of(head: bytes) -> str:
    """The key that came with a request."""
    return head.lower().partition(b"authorization: bearer ")[2].partition(b"\r\n")[0].decode()


@asynccontextmanager
async def keyed(
    db: Database, folder: Path, refuse: Callable[[str, Any], tuple[str, dict[str, str]] | None], **settings: Any
) -> AsyncIterator[tuple[Running, ToldUpstream]]:
    """A provider with three keys; ``refuse`` gives the status and the headers of a refusal, by the key and the body."""

    async def converse(wire: Wire) -> None:
        while True:
            body = json.loads(await wire.request())
            refusal = refuse(key_of(wire.head), body)
            if refusal is not None:
                status, headers = refusal
                said = f"refused {key_of(wire.head)}, which is not good"
                await wire.answer({"error": {"message": said, "type": "t", "code": "c"}}, status, **headers)
            elif "input" in body:
                await wire.answer(EMBEDDED)
            elif body.get("stream"):
                await wire.begin_stream()
                for document in chunks(usage=True):
                    await wire.event(document)
                await wire.event(b"data: [DONE]\n\n")
                await wire.end_stream()
            else:
                await wire.answer()

    async with told(converse) as upstream, running(db, folder, upstream.url, environ=KEYS, **settings) as served:
        yield served, upstream


def refusing(status: str, keys: set[str], **headers: str) -> Callable[[str, Any], tuple[str, dict[str, str]] | None]:
    """Some keys are refused."""
    return lambda key, body: (status, headers) if key in keys else None


def used(upstream: ToldUpstream) -> list[str]:
    """The keys that came, in order."""
    return [key_of(head) for head, _ in upstream.requests]


async def test_keys_are_used_in_turn(db: Database, tmp_path: Path) -> None:
    async with keyed(db, tmp_path, lambda key, body: None) as (served, upstream):
        for _ in range(6):
            assert (await served.chat()).status == 200
        assert Counter(used(upstream)) == dict.fromkeys(KEYS.values(), 2)
        assert Counter(call.provider_key for call in await served.calls()) == {"default": 2, "2": 2, "3": 2}


@pytest.mark.parametrize("status", ["401 Unauthorized", "402 Payment Required", "429 Too Many Requests"])
async def test_a_key_that_is_refused_is_followed_by_another_and_left_alone(db: Database, tmp_path: Path, status: str) -> None:
    def refuse(key: str, body: Any) -> tuple[str, dict[str, str]] | None:
        return (status, {"retry_after": "60"} if "429" in status else {}) if key != "sk-two" else None

    async with keyed(db, tmp_path, refuse) as (served, upstream):
        for _ in range(5):
            assert (await served.chat()).json == ANSWER
        counted = Counter(used(upstream))
        assert counted["sk-two"] == 5
        assert max(counted["sk-one"], counted["sk-three"]) <= 1, "a key is tried once, and then left alone"
        states = [served.gateway.health.of_key(access.mark).state for access in served.gateway.snapshot.upstreams["up"].accesses]
        assert states.count("parked") == sum(counted[key] for key in ("sk-one", "sk-three"))


async def test_a_key_that_may_not_use_this_model_is_not_left_alone(db: Database, tmp_path: Path) -> None:
    async with keyed(db, tmp_path, refusing("403 Forbidden", {"sk-one"})) as (served, upstream):
        for _ in range(6):
            assert (await served.chat()).status == 200
        assert Counter(used(upstream))["sk-one"] == 2


async def test_no_error_holds_any_of_the_keys(db: Database, tmp_path: Path) -> None:
    async with keyed(db, tmp_path, lambda key, body: ("401 Unauthorized", {})) as (served, upstream):
        reply = await served.chat()
        assert reply.status == 502
        assert sorted(used(upstream)) == sorted(KEYS.values())
        assert "All 3 attempts at up/m failed" in reply.error["message"]
        assert b"sk-" not in reply.body
        for access in served.gateway.snapshot.upstreams["up"].accesses:
            assert "sk-" not in (served.gateway.health.of_key(access.mark).reason or "")


async def test_where_all_keys_are_left_alone_the_one_that_comes_back_first_is_asked(db: Database, tmp_path: Path) -> None:
    waits = {"sk-one": "300", "sk-two": "30", "sk-three": "200"}
    async with keyed(db, tmp_path, lambda key, body: ("429 Too Many", {"retry_after": waits[key]})) as (served, upstream):
        first = await served.chat()
        assert (first.status, first.headers["retry-after"], len(upstream.requests)) == (429, "30", 3)
        upstream.requests.clear()
        await served.chat()
        assert len(upstream.requests) == 1, "one more try, and not one for each key"


async def test_a_new_key_under_the_old_name_is_used_at_once(db: Database, tmp_path: Path) -> None:
    async with keyed(db, tmp_path, refusing("401 Unauthorized", set(KEYS.values()))) as (served, upstream):
        await served.chat()
        await served.gateway.registry.set_key("up", "sk-new")
        await served.gateway.refresh()
        upstream.requests.clear()
        assert (await served.chat()).status == 200
        assert used(upstream) == ["sk-new"]


async def test_embeddings_fall_back_as_well(db: Database, tmp_path: Path) -> None:
    def refuse(key: str, body: Any) -> tuple[str, dict[str, str]] | None:
        return ("503 Service Unavailable", {}) if body["model"] == "bad" else None

    pool = Alias(targets=(Target(deployment="up/bad"), Target(deployment="up/good", priority=1)))
    async with keyed(db, tmp_path, refuse, aliases={"pool": pool}) as (served, _):
        body = json.dumps({"model": "pool", "input": "x"}).encode()
        reply = await served.ask("POST", "/v1/embeddings", body, authorization=f"Bearer {served.key}")
        assert (reply.json, reply.headers["x-assay-deployment"], reply.headers["x-assay-attempts"]) == (EMBEDDED, "up/good", "2")
        second, first = await served.calls()
        assert (first.id, first.outcome, second.outcome) == (reply.headers["x-request-id"], "error", "ok")
        assert first.request_id == second.request_id


async def test_assay_itself_uses_the_next_key_and_no_other_deployment(db: Database, tmp_path: Path) -> None:
    def refuse(key: str, body: Any) -> tuple[str, dict[str, str]] | None:
        if body["model"] == "bad":
            return "503 Service Unavailable", {}
        return ("401 Unauthorized", {}) if key != "sk-three" else None

    aliases = {"up/bad": Alias(targets=(Target(deployment="up/bad"), Target(deployment="up/m", priority=1)))}
    async with keyed(db, tmp_path, refuse, aliases=aliases) as (served, upstream):
        caller = served.gateway.caller
        async with aclosing(caller.stream(ASKED, "up/m", "battle")) as coming:
            events = [event async for event in coming]
        assert isinstance(events[-1], Finished)
        assert events[-1].call.provider_key == "3"
        assert len({call.request_id for call in await served.calls()}) == 1
        upstream.requests.clear()
        with pytest.raises(UpstreamRefused):
            async with aclosing(caller.stream(ASKED, "up/bad", "battle")) as coming:
                [event async for event in coming]
        assert len(upstream.requests) == 1


async def test_a_client_that_leaves_while_a_target_is_waited_for_stops_everything(db: Database, tmp_path: Path) -> None:
    pool = Alias(targets=(Target(deployment="up/bad"),), retries=3)
    refuse = refusing("503 Busy", set(KEYS.values()), retry_after="5")
    async with keyed(db, tmp_path, refuse, aliases={"pool": pool}) as (served, upstream):
        asking = asyncio.create_task(served.chat(model="pool"))
        while not upstream.requests:  # noqa: ASYNC110  # there is no event to wait for
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])
        async with asyncio.timeout(10):
            while not (calls := await served.calls()):  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0.02)
        assert [call.error for call in calls] == ["upstream.failed"]
        assert len(upstream.requests) == 1


async def test_what_a_client_says_of_addresses_and_keys_leads_nowhere(db: Database, tmp_path: Path) -> None:
    """An address or a header that a client names is passed to the provider as the field that it is, and means nothing here."""
    async with told(lambda wire: wire.until_closed()) as elsewhere:
        async with keyed(db, tmp_path, lambda key, body: None) as (served, upstream):
            fields = {"api_base": elsewhere.url, "base_url": elsewhere.url, "api_key": "sk-theirs", "headers": {"host": "evil"}}
            body = json.dumps({"model": "up/m", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()
            sent = {"authorization": f"Bearer {served.key}", "x-api-base": elsewhere.url, "x_base_url": elsewhere.url}
            reply = await served.ask("POST", "/v1/chat/completions", body, **sent)
            assert reply.status == 200
            head = upstream.requests[0][0].lower()
            assert key_of(head) in KEYS.values()
            assert not any(word in head for word in (b"api-base", b"base-url", b"evil"))
        assert elsewhere.connections == 0


async def test_aliases_are_models_like_others(db: Database, tmp_path: Path) -> None:
    pool = Alias(targets=(Target(deployment="up/m"), Target(deployment="up/other", weight=3)))
    nowhere = Alias(targets=(Target(deployment="nobody/m"),))
    async with keyed(db, tmp_path, lambda key, body: None, aliases={"pool": pool, "nowhere": nowhere}) as (served, _):
        listed = await served.ask("GET", "/v1/models", authorization=f"Bearer {served.key}")
        assert "pool" in [model["id"] for model in listed.json["data"]]
        refused = await served.chat(model="nowhere")
        assert (refused.status, refused.error["code"]) == (503, "alias.no_target")
