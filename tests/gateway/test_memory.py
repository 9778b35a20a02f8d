"""What is remembered for a client's next turn: within bounds, by key, and on disk only where bodies are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from assay.core import Message, NotFound, Request, Thinking, ToolCall, Transcript, now_us
from assay.core.settings import Bodies
from assay.gateway.kept import drop_expired, load_kept, save_kept
from assay.gateway.memory import Answered, Memory, Young
from assay.gateway.recorder import Recorder
from assay.store import Database, migrate
from assay.wire.carry import seal

pytestmark = pytest.mark.anyio
DAY_US = 86_400_000_000
SEAL = seal(Thinking(text="what nobody may read", signature="s", provider="anthropic"))


def asking(*ids: str) -> Request:
    calls = tuple(ToolCall(id=id, name="f", arguments="{}") for id in ids)
    return Request(model="m", transcript=Transcript((Message(role="assistant", parts=calls),)))


@pytest.fixture
async def recorder(anyio_backend: str, database: Database) -> AsyncIterator[Recorder]:
    await migrate(database, "assay.gateway")
    recorder = Recorder(database)
    yield recorder
    await recorder.close()


def test_the_oldest_values_make_room_by_number_and_by_size() -> None:
    young: Young[int, str] = Young(3, 100)
    for number in range(4):
        young.put(number, "x", 10)
    assert (len(young), young.bytes, young.get(0), young.get(1)) == (3, 30, None, "x")
    young.put(4, "y", 80)
    assert [young.get(number) for number in range(5)] == [None, "x", None, "x", "y"]
    assert young.bytes == 100
    young.put(4, "z", 20)
    assert (young.get(4), young.bytes, len(young)) == ("z", 40, 3)
    young.put(5, "too large", 101)
    assert (len(young), young.bytes) == (0, 0)


@pytest.mark.parametrize("policy", ["off", "hashed"])
async def test_thoughts_reach_no_disk_where_bodies_are_not_kept(database: Database, recorder: Recorder, policy: Bodies) -> None:
    memory = Memory(database, recorder, bodies=policy)
    memory.keep("key", [("asy_1", SEAL)])
    memory.remember("key", "resp_1", "request", None)
    restored = await memory.restore("key", asking("asy_1"))
    assert any(isinstance(part, Thinking) for part in restored.transcript.messages[0].parts)
    await memory.close()
    assert await load_kept(database, "key", ["asy_1", "resp_1"]) == {}


async def test_what_is_written_down_ends_with_the_bodies(database: Database, recorder: Recorder) -> None:
    memory = Memory(database, recorder, days=2)
    memory.keep("key", [("asy_1", SEAL)])
    await memory.close()
    assert await load_kept(database, "key", ["asy_1"]) == {"asy_1": SEAL}
    await drop_expired(database, now_us() + 2 * DAY_US)
    assert await load_kept(database, "key", ["asy_1"]) == {}


async def test_what_is_kept_belongs_to_one_key(database: Database, recorder: Recorder) -> None:
    await save_kept(database, [("asy_1", "mine", SEAL)], kept_until=now_us() + DAY_US)
    await save_kept(database, [("asy_1", "theirs", "assay.other")], kept_until=now_us() + DAY_US)
    memory = Memory(database, recorder)
    assert len((await memory.restore("mine", asking("asy_1"))).transcript.messages[0].parts) == 2
    for other in ("theirs", None):
        assert await memory.restore(other, asking("asy_1")) == asking("asy_1")
        with pytest.raises(NotFound):
            await memory.recall(other, "asy_1")


async def test_one_answer_is_continued_twice_at_the_same_time(database: Database, recorder: Recorder) -> None:
    memory = Memory(database, recorder)
    answered = Answered(asking("c"), Message(role="assistant", parts=()))
    memory.remember("key", "resp_1", "request", answered, 100)
    first, second = await asyncio.gather(memory.recall("key", "resp_1"), memory.recall("key", "resp_1"))
    assert first == second == answered
    await memory.close()
