"""Who answers where several may: over all four protocols of clients, before a strict upstream that fails as it is told."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.core import Alias, Call, Limits, Patience, Provider, Target
from assay.gateway import exchange
from assay.store.queries import list_calls
from tests.gateway.certificates import certificate_for
from tests.tongues.raw import Heard, ask, body_of
from tests.tongues.rig import PROTOCOLS, Tongues, deployment, running_tongues
from tests.upstream import ScriptedUpstream
from tests.upstream.script import Asked, Status, refuse, says
from tests.upstream.scripts import GREETING

pytestmark = pytest.mark.anyio

BOTH = (False, True)
FAILING = (404, 408, 429, 500, 502, 503, 529)
FINAL = (400, 413, 422)


def row_of(name: str, address: str, **fields: Any) -> Provider:
    """A provider that needs no key."""
    return Provider(name=name, title=name, base_url=address, auth="none", origin="file", **fields)


def one_after_the_other(*deployments: str, **fields: Any) -> Alias:
    """Each has a priority of its own."""
    return Alias(targets=tuple(Target(deployment=one, priority=at) for at, one in enumerate(deployments)), **fields)


def other(protocol: str) -> str:
    """The next protocol of the list."""
    return PROTOCOLS[(PROTOCOLS.index(protocol) + 1) % len(PROTOCOLS)]


@asynccontextmanager
async def pooled(
    folder: Path, aliases: dict[str, Alias], *, scripts: dict[str, Any] | None = None, **chosen: Any
) -> AsyncIterator[Tongues]:
    async with (
        ScriptedUpstream(scripts=scripts) as upstream,
        running_tongues(folder, upstream, aliases=aliases, **chosen) as tongues,
    ):
        yield tongues
        assert upstream.complaints == []


async def calls_of(tongues: Tongues) -> list[Call]:
    """In the order in which they were made."""
    await tongues.gateway.recorder.flush()
    return sorted(await list_calls(tongues.db, 1000), key=lambda call: call.at)


async def by_everybody(tongues: Tongues, name: str) -> dict[tuple[str, bool], Heard]:
    """The same question in all protocols, whole and as a stream."""
    cases = [(client, stream) for client in PROTOCOLS for stream in BOTH]
    return dict(
        zip(
            cases,
            await asyncio.gather(*(ask(tongues, client, name.format(client), stream=stream) for client, stream in cases)),
            strict=True,
        )
    )


async def test_the_next_target_answers_for_one_that_fails_whatever_either_speaks(tmp_path: Path) -> None:
    aliases = {
        f"{client}-{status}": one_after_the_other(deployment(client, f"error-{status}"), deployment(other(client), "text"))
        for client in PROTOCOLS
        for status in FAILING
    }
    async with pooled(tmp_path, aliases) as tongues:
        for status in FAILING:
            for (client, stream), heard in (await by_everybody(tongues, f"{{}}-{status}")).items():
                assert (heard.status, heard.text, heard.ended_well) == (200, GREETING, True), (client, status, heard)
                assert heard.header("x-assay-deployment") == deployment(other(client), "text"), (client, stream)
                assert heard.header("x-assay-attempts") == "2" or status == 429, (client, stream, status)
        calls = await calls_of(tongues)
        by_request: dict[str, list[Call]] = {}
        for call in calls:
            by_request.setdefault(call.request_id, []).append(call)
        assert len(by_request) == len(FAILING) * len(PROTOCOLS) * 2
        for request_id, attempts in by_request.items():
            assert attempts[0].id == request_id, "the first attempt has the id that the client was told"
            assert [call.outcome for call in attempts] == ["error"] * (len(attempts) - 1) + ["ok"]


async def test_targets_are_asked_in_the_order_of_their_priorities(tmp_path: Path) -> None:
    """Refused, not trusted, not TLS at all, overloaded; the fifth answers."""
    context = certificate_for("127.0.0.1", tmp_path)
    async with _listening(context) as untrusted, _listening(None) as plain:
        providers = (
            row_of("refused", "http://127.0.0.1:1"),
            row_of("untrusted", f"https://127.0.0.1:{untrusted}"),
            row_of("plain", f"https://127.0.0.1:{plain}"),
        )
        order = ["refused/m", "untrusted/m", "plain/m", "anthropic/error-529", "gemini/text"]
        async with pooled(tmp_path, {"pool": one_after_the_other(*order)}, more=providers) as tongues:
            heard = await ask(tongues, "openai_chat", "pool", stream=True)
            assert (heard.text, heard.header("x-assay-attempts")) == (GREETING, "5"), heard
            assert [call.deployment for call in await calls_of(tongues)] == order
            assert {call.request_id for call in await calls_of(tongues)} == {heard.header("x-request-id")}


@asynccontextmanager
async def _listening(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_what_the_client_itself_did_wrong_is_asked_nobody_else(tmp_path: Path) -> None:
    aliases = {
        f"{client}-{status}": one_after_the_other(deployment(client, f"error-{status}"), deployment(other(client), "text"))
        for client in PROTOCOLS
        for status in FINAL
    }
    async with pooled(tmp_path, aliases) as tongues:
        for status in FINAL:
            for case, heard in (await by_everybody(tongues, f"{{}}-{status}")).items():
                assert (heard.status, heard.header("x-assay-attempts")) == (status, "1"), (case, heard)
                assert heard.error is not None, case
                assert f"scripted {status}" in heard.error["message"], case


async def test_a_client_hears_of_one_error_where_all_failed(tmp_path: Path) -> None:
    aliases = {
        f"pool-{client}": one_after_the_other(
            deployment(other(client), "error-503"), f"refused/{client}", deployment(client, "error-500")
        )
        for client in PROTOCOLS
    }
    async with pooled(tmp_path, aliases, more=(row_of("refused", "http://127.0.0.1:1"),)) as tongues:
        for case, heard in (await by_everybody(tongues, "pool-{}")).items():
            assert heard.error is not None, case
            assert (heard.status, heard.header("x-assay-attempts")) == (500, "3"), (case, heard)
            assert "All 3 attempts at" in heard.error["message"], (case, heard)
            assert "scripted 500" in heard.error["message"], (case, heard)


async def test_where_all_are_asked_too_much_the_client_may_come_back_when_the_first_of_them_may(tmp_path: Path) -> None:
    def limited(wait_s: int) -> Any:
        return lambda asked: refuse(429, "slow down", "rate_limit_exceeded", **{"retry-after": str(wait_s)})

    aliases = {
        client: one_after_the_other(deployment(client, "limited-40"), deployment(other(client), "limited-7"))
        for client in PROTOCOLS
    }
    async with pooled(tmp_path, aliases, scripts={"limited-40": limited(40), "limited-7": limited(7)}) as tongues:
        for client in PROTOCOLS:
            tongues.gateway.health.keep(())
            heard = await ask(tongues, client, client)
            assert (heard.status, heard.header("retry-after")) == (429, "7"), (client, heard)
            assert heard.error is not None
            assert "All 2 attempts" in heard.error["message"]


@pytest.mark.parametrize("model", ["cut", "mid-stream-error", "cut-utf8", "unfinished"])
async def test_once_anything_of_an_answer_was_told_nobody_else_is_asked(tmp_path: Path, model: str) -> None:
    aliases = {client: one_after_the_other(deployment(other(client), model), deployment(client, "text")) for client in PROTOCOLS}
    async with pooled(tmp_path, aliases) as tongues:
        for client in PROTOCOLS:
            heard = await ask(tongues, client, client, stream=True)
            assert not heard.ended_well, (client, heard)
            assert heard.error is not None, (client, heard)
        assert len(tongues.upstream.requests) == len(PROTOCOLS)
        assert {call.outcome for call in await calls_of(tongues)} == {"error"}


async def test_a_heartbeat_is_nothing_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "HEARTBEAT_S", 0.05)
    aliases = {client: one_after_the_other(deployment(client, "silent"), deployment(client, "text")) for client in PROTOCOLS}
    async with pooled(tmp_path, aliases) as tongues:
        # Its rules are made when a protocol is spoken first, which takes longer than an impatient gateway waits.
        await asyncio.gather(*(ask(tongues, client, deployment(client, "text")) for client in PROTOCOLS))
        tongues.gateway.timeouts.first_byte_s = 1.5
        answers = await asyncio.gather(*(ask(tongues, client, client, stream=True) for client in PROTOCOLS))
        for heard in answers:
            assert (heard.text, heard.ended_well) == (GREETING, True), heard
            if heard.protocol != "gemini":  # whose clients know no heartbeat
                assert heard.header("x-assay-deployment") is None, "the head was sent before it was known who would answer"


async def test_plain_deployments_are_asked_once(tmp_path: Path) -> None:
    async with pooled(tmp_path, {}) as tongues:
        for status in (401, 429, 500, 503):
            tongues.upstream.requests.clear()
            heard = await ask(tongues, "openai_chat", f"chat/error-{status}")
            assert (heard.status, len(tongues.upstream.requests)) == (status, 1)
            assert heard.header("x-assay-deployment") == f"chat/error-{status}"


async def test_a_target_is_asked_again_as_often_as_its_alias_says_when_it_may_be(tmp_path: Path) -> None:
    seen: list[str] = []

    def busy(wait_s: str) -> Any:
        def script(asked: Asked) -> Status:
            seen.append(asked.model)
            return refuse(503, "scripted busy", **({"retry-after": wait_s} if wait_s else {}))

        return script

    aliases = {
        "short": one_after_the_other("chat/short", "chat/text", retries=2),
        "long": one_after_the_other("chat/long", "chat/text", retries=2),
        "none": one_after_the_other("chat/short", "chat/text"),
    }
    scripts = {"short": busy("0"), "long": busy("60")}
    async with pooled(tmp_path, aliases, scripts=scripts, retry_wait_s=1) as tongues:
        for name, times in (("short", 3), ("long", 1), ("none", 1)):
            seen.clear()
            heard = await ask(tongues, "anthropic", name)
            assert (heard.text, seen) == (GREETING, [name if name != "none" else "short"] * times)


async def test_who_fails_again_and_again_is_asked_no_more_while_others_are_well(tmp_path: Path) -> None:
    aliases = {"pool": one_after_the_other("chat/error-503", "chat/text")}
    async with pooled(tmp_path, aliases) as tongues:
        heard = [await ask(tongues, "openai_responses", "pool") for _ in range(8)]
        assert {one.text for one in heard} == {GREETING}
        assert [one.header("x-assay-attempts") for one in heard] == ["2"] * 5 + ["1"] * 3
        assert tongues.gateway.health.of_deployment("chat/error-503").state == "open"


async def test_a_conversation_in_responses_goes_on_whoever_answered_before(tmp_path: Path) -> None:
    aliases = {"pool": Alias(targets=(Target(deployment="responses/text"), Target(deployment="anthropic/recite")))}
    async with pooled(tmp_path, aliases) as tongues:
        before = None
        for turn in range(6):
            body = body_of("openai_responses", "pool", words=f"Turn {turn}.") | {"store": True, "previous_response_id": before}
            heard = await ask(tongues, "openai_responses", "pool", body={name: v for name, v in body.items() if v is not None})
            assert heard.status == 200, heard
            before = heard.documents[0]["id"]
            if heard.header("x-assay-deployment") == "anthropic/recite":
                assert all(f"Turn {earlier}." in heard.text for earlier in range(turn + 1)), heard.text


async def test_an_error_inside_of_a_stream_that_says_nothing_yet_is_no_answer(tmp_path: Path) -> None:
    """As overloaded providers tell it: status 200, the beginning of a message, and an error in place of its words."""
    scripts = {"overloaded": lambda asked: says(GREETING, fault="error", fault_after=0)}
    # Gemini's streams begin with words, and what passes through untranslated is told as it comes.
    pairs = [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS if upstream not in (client, "gemini")]
    aliases = {f"{c}-{u}": one_after_the_other(deployment(u, "overloaded"), deployment(c, "text")) for c, u in pairs}
    async with pooled(tmp_path, aliases, scripts=scripts) as tongues:
        for client, upstream in pairs:
            heard = await ask(tongues, client, f"{client}-{upstream}", stream=True)
            assert (heard.text, heard.ended_well) == (GREETING, True), (client, upstream, heard)
            assert heard.header("x-assay-deployment") == deployment(client, "text")


async def test_a_provider_that_is_full_is_passed_over(tmp_path: Path) -> None:
    aliases = {"pool": one_after_the_other("chat/text", "gemini/text"), "full": one_after_the_other("chat/text")}
    async with pooled(tmp_path, aliases) as tongues:
        await tongues.gateway.registry.limit("chat", Limits(concurrent=0))
        await tongues.gateway.refresh()
        heard = await ask(tongues, "anthropic", "pool")
        assert (heard.text, heard.header("x-assay-deployment"), heard.header("x-assay-attempts")) == (GREETING, "gemini/text", "1")
        (call,) = await calls_of(tongues)
        assert (call.id, call.deployment) == (call.request_id, "gemini/text"), "who was not asked is not on record"
        refused = await ask(tongues, "anthropic", "full")
        assert refused.status == 503
        assert tongues.gateway.health.unwell() == {}


async def test_a_probe_lets_others_through_when_its_answer_begins(tmp_path: Path) -> None:
    aliases = {"pool": one_after_the_other("chat/stall", "chat/text")}
    async with pooled(tmp_path, aliases) as tongues:
        health = tongues.gateway.health
        for _ in range(5):
            health.fail("chat/stall", False, "down")
        health._clock_ns = lambda: time.monotonic_ns() + 10_000_000_000  # it has cooled down
        probing = asyncio.create_task(ask(tongues, "openai_chat", "pool", stream=True))
        async with asyncio.timeout(20):
            while health.of_deployment("chat/stall").state != "ok":  # noqa: ASYNC110  # there is no event to wait for
                await asyncio.sleep(0.01)
        assert not probing.done()
        probing.cancel()
        await asyncio.wait([probing])


async def test_a_provider_may_be_given_less_time_than_others(tmp_path: Path) -> None:
    aliases = {"pool": one_after_the_other("hasty/silent", "chat/text")}
    async with ScriptedUpstream() as upstream:
        hasty = Provider(
            name="hasty",
            title="Hasty",
            base_url=upstream.url,
            key_env=("UP_KEY",),
            origin="file",
            extensions=(),
            timeouts=Patience(first_byte_s=0.3),
        )
        async with running_tongues(tmp_path, upstream, aliases=aliases, more=(hasty,)) as tongues:
            await ask(tongues, "openai_chat", "chat/text")
            heard = await ask(tongues, "openai_chat", "pool")
            assert (heard.text, heard.header("x-assay-attempts")) == (GREETING, "2")
            assert [call.outcome for call in (await calls_of(tongues))[-2:]] == ["timeout", "ok"]
