"""The shared tables give back what they were given."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from assay.core import Call, Measurement, Money, Price, Provider, Unavailable, Usage, new_id
from assay.store import Database, Sql, Vault, queries
from assay.store.queries import Body

pytestmark = pytest.mark.anyio

VAULT = Vault(bytes(range(32)), Path("/nowhere"))
FULL = Call(
    id="1",
    request_id="r1",
    at=1_700_000_000_000_000,
    purpose="battle",
    outcome="error",
    asked="字",
    deployment="p/m",
    provider="p",
    model="m",
    protocol="openai_chat",
    stream=True,
    duration_us=5,
    ttft_us=3,
    key="k",
    status=500,
    error="wire.broken",
    stop="end",
    usage=Usage(input=1, cache_read=2, output=4, reasoning=8, reported=Money(9, "CNY")),
    cost=Money(123, "EUR"),
    request="a" * 64,
    reply="b" * 64,
    upstream_id="up",
    client_protocol="gemini",
    operation="speech",
    losses=("temperature", "seed"),
    timeline=((3, 10), (5, 20)),
    user="u1",
    team="t1",
    provider_key="second",
    cost_between=(1, 4),
    cached="0",
)


def call(**fields: object) -> Call:
    bare = Call(
        id=new_id(),
        request_id="r",
        at=1,
        purpose="traffic",
        outcome="ok",
        asked="m",
        deployment="p/m",
        provider="p",
        model="m",
        protocol="openai_chat",
        stream=False,
        duration_us=1,
    )
    return msgspec.structs.replace(bare, **fields)


def body(content: bytes, kept_until: int | None = None) -> Body:
    return Body(hashlib.sha256(content).hexdigest(), "reply", content, kept_until)


async def test_calls_come_back_equal_the_newest_first(database: Database) -> None:
    bare = call(id="2")
    await queries.record_calls(database, [FULL, bare], [])
    assert await queries.list_calls(database, 10) == [bare, FULL]


async def test_every_field_of_a_call_is_set_in_the_round_trip() -> None:
    """So that a field added to Call and forgotten here is noticed."""
    assert all(
        value != field.default for field, value in zip(msgspec.structs.fields(Call), msgspec.structs.astuple(FULL), strict=True)
    )


async def test_recording_twice_changes_nothing(database: Database) -> None:
    for _ in range(2):
        await queries.record_calls(database, [FULL, FULL], [body(b"x", 5), body(b"x", 5)])
    assert await queries.list_calls(database, 10) == [FULL]


async def test_what_an_upstream_wrote_never_costs_a_row(database: Database) -> None:
    hostile = call(id="1", asked="a\0b", error="\ud800", upstream_id="up\0", usage=Usage(input=1 << 70), cost=Money(-(1 << 70)))
    await queries.record_calls(database, [hostile, call(id="2")], [body(b"\0\xff")])
    kept = await queries.list_calls(database, 10)
    assert [(one.id, one.asked, one.error) for one in kept] == [("2", "m", None), ("1", "a␀b", "?")]
    assert kept[1].usage == Usage(input=1 << 70)
    assert await queries.get_body(database, body(b"\0\xff").hash) == b"\0\xff"


async def test_a_body_is_kept_until_the_latest_end_that_was_asked_for(database: Database) -> None:
    for until in (10, 30, 20):
        await queries.record_calls(database, [], [body(b"x", until)])
    assert await queries.drop_expired_bodies(database, 29) == 0
    await queries.record_calls(database, [], [body(b"x", None)])
    await queries.record_calls(database, [], [body(b"x", 40)])
    assert await queries.drop_expired_bodies(database, 1 << 60) == 0
    assert await queries.get_body(database, body(b"x").hash) == b"x"


async def test_expired_bodies_go_in_steps_until_none_is_left(database: Database) -> None:
    await queries.record_calls(database, [], [body(b"%d" % number, number) for number in range(1, 11)])
    assert await queries.drop_expired_bodies(database, 7, step=3) == 7
    assert await queries.get_body(database, body(b"7").hash) is None
    assert await queries.get_body(database, body(b"8").hash) == b"8"
    assert await queries.get_body(database, "not a hash") is None


async def test_recorders_with_the_same_bodies_do_not_wait_for_each_other_forever(database: Database) -> None:
    bodies = [body(b"%d" % number, number) for number in range(50)]
    orders = [bodies, bodies[::-1], bodies[25:] + bodies[:25]] * 3
    await asyncio.gather(*(queries.record_calls(database, [call()], order) for order in orders))
    assert len(await queries.list_calls(database, 100)) == 9


async def test_speeds_are_those_of_good_streamed_answers(database: Database) -> None:
    good = call(stream=True, ttft_us=10, duration_us=50, at=5, usage=Usage(output=7))
    others = [call(ttft_us=1, at=5), call(stream=True, ttft_us=1, at=5, outcome="error"), call(stream=True, ttft_us=1, at=1)]
    await queries.record_calls(database, [good, *others], [])
    assert await queries.list_speeds(database, "m", since=2) == [queries.Speed("p/m", "m", 10, 50, 7)]


async def test_secrets_are_stored_sealed_and_loaded_open(database: Database) -> None:
    await queries.save_secret(database, VAULT, "provider/openai", "sk-old")
    await queries.save_secret(database, VAULT, "provider/openai", "sk-new-1234567890")
    stored = (await queries.load_secrets(database, VAULT))["provider/openai"]
    assert (stored.secret.reveal(), stored.hint) == ("sk-new-1234567890", "…7890")
    raw = (await database.read(Sql("SELECT sealed FROM secrets")))[0]["sealed"]
    assert b"sk-new" not in bytes(raw)
    await queries.delete_secret(database, "provider/openai")
    assert await queries.load_secrets(database, VAULT) == {}


async def test_a_secret_copied_over_another_row_does_not_open(database: Database) -> None:
    await queries.save_secret(database, VAULT, "provider/a", "sk-of-a")
    await queries.save_secret(database, VAULT, "provider/b", "sk-of-b")
    swap = Sql("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE record = 'provider/a') WHERE record = 'provider/b'")
    await database.write([(swap, {})])
    with pytest.raises(Unavailable, match="'provider/b'"):
        await queries.load_secrets(database, VAULT)


async def test_provider_rows_and_settings_are_kept_as_they_are(database: Database) -> None:
    provider = Provider(name="mine", title="Mine", base_url="http://127.0.0.1:9", clamps={"top_p": (0.0, 1.0)})
    await queries.save_provider(database, provider)
    assert await queries.load_providers(database) == [msgspec.structs.replace(provider, origin="database")]
    await queries.delete_provider(database, "mine")
    assert await queries.load_providers(database) == []
    await queries.save_setting(database, "bodies", "off")
    await queries.save_setting(database, "bodies", {"days": 3, "price": msgspec.to_builtins(Price(input=1, output=2))})
    assert (await queries.load_settings(database))["bodies"]["days"] == 3
    await queries.delete_setting(database, "bodies")
    assert await queries.load_settings(database) == {}


async def test_the_latest_publication_replaces_the_one_before_it_in_its_series(database: Database) -> None:
    def rating(subject: str, value: float) -> Measurement:
        return Measurement(
            kind="estimate", subject=subject, metric="arena.rating", at=1, method="bt", source="measured", value=value
        )

    await queries.publish_measurements(database, [rating("x", 1.0), rating("y", 2.0)], series="half")
    await queries.publish_measurements(database, [rating("z", 9.0)], series="davidson")
    await queries.publish_measurements(database, [rating("y", 3.0)], series="half")
    assert await queries.latest_measurements(database, "arena.rating", series="half") == [rating("y", 3.0)]
    assert {m.subject for m in await queries.latest_measurements(database, "arena.rating")} == {"y", "z"}
    assert await queries.latest_measurements(database, "other") == []


async def test_several_bodies_come_back_at_once_by_their_hashes(database: Database) -> None:
    bodies = [body(f"text {number}".encode()) for number in range(150)]
    await queries.record_calls(database, [], bodies)
    found = await queries.get_bodies(database, {kept.hash for kept in bodies} | {"0" * 64})
    assert found == {kept.hash: kept.content for kept in bodies}
    assert await queries.get_bodies(database, ()) == {}


async def test_what_a_call_said_is_kept_with_the_call(database: Database) -> None:
    """Under the same hash for every call that said it, and as long as the longest of its two ends."""
    asked, answered, other = body(b"asked", 10), body(b"answered", 20), body(b"other", 30)
    calls = [
        call(id="1", request=asked.hash, reply=answered.hash),
        call(id="2", request=asked.hash, reply=None),
        call(id="3", request="f" * 64, reply=other.hash),
        call(id="4"),
    ]
    await queries.record_calls(database, calls, [asked, answered, other])
    hashes = {asked.hash, answered.hash, other.hash}
    everything = {asked.hash: b"asked", answered.hash: b"answered", other.hash: b"other"}
    assert await queries.get_bodies(database, hashes, ["1", "2", "3", "4", "nobody"]) == everything
    assert await queries.get_bodies(database, [asked.hash], ["1"]) == {asked.hash: b"asked"}
    assert await queries.get_bodies(database, hashes, ["2"]) == {asked.hash: b"asked"}
    assert await queries.get_bodies(database, hashes) == {}
    assert await queries.drop_expired_bodies(database, 15, step=1) == 1
    assert await queries.get_bodies(database, hashes, ["1", "2", "3"]) == everything
    assert await queries.drop_expired_bodies(database, 20) == 1
    assert await queries.get_bodies(database, hashes, ["1", "2", "3"]) == {other.hash: b"other"}


async def test_bodies_of_calls_recorded_by_an_older_version_are_found_by_their_hashes(database: Database) -> None:
    asked, answered = body(b"asked"), body(b"answered")
    async with database.transaction() as tx:
        await queries.save_bodies(tx, [asked])
    await queries.record_calls(database, [call(id="1", request=asked.hash, reply=answered.hash)], [answered])
    found = await queries.get_bodies(database, [asked.hash, answered.hash], ["1"])
    assert found == {asked.hash: b"asked", answered.hash: b"answered"}


async def test_answered_calls_of_clients_are_found_by_key_name_and_time(database: Database) -> None:
    mine, other = call(id="2", key="k", asked="fast", at=10), call(id="3", at=20)
    hidden = [call(id="4", purpose="battle"), call(id="5", outcome="error")]
    await queries.record_calls(database, [mine, other, *hidden], [])
    assert await queries.list_answered(database, 10) == [other, mine]
    assert await queries.list_answered(database, 1, before="3") == [mine]
    assert await queries.list_answered(database, 10, keys={"k"}) == [mine]
    assert await queries.list_answered(database, 10, keys=()) == []
    assert await queries.list_answered(database, 10, asked="fast") == [mine]
    assert await queries.list_answered(database, 10, since=11) == [other]
    assert await queries.list_answered(database, 10, until=20) == [mine]
