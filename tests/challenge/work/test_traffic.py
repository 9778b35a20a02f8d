"""A sample of recorded calls: each question once, its tools recorded, every kind of work in proportion."""

from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from assay.challenge.spec import Traffic
from assay.challenge.work import Sampled, Stratum, sample_traffic
from assay.core import (
    Call,
    InvalidInput,
    Message,
    Request,
    Sampling,
    Text,
    Tool,
    TooLarge,
    ToolCall,
    ToolResult,
    Transcript,
    assistant,
    canonical,
    user,
)
from assay.store import Database, Vault
from assay.store.keys import create_key
from assay.store.queries import Body, record_calls

pytestmark = pytest.mark.anyio

VAULT = Vault(bytes(range(32)), Path("/nowhere"))
ALL = Traffic()
NUMBER = count()


async def record(
    db: Database, *messages: Message, reply: Message | None = None, tags: Any = None, kept: bool = True, **fields: Any
) -> Call:
    """One answered call of a client's, whose bodies are ``kept``."""
    about = {name: fields.pop(name) for name in ("tools", "sampling", "extra") if name in fields}
    if tags is not None:
        about["extra"] = {"openai_chat": {"metadata": tags}}
    request = Request(model="chat", transcript=Transcript(messages), stream=True, stream_usage=True, **about)
    asked, answered = body("request", request), body("reply", Transcript((reply or assistant("Done."),)))
    call = msgspec.structs.replace(BARE, **{"id": f"{next(NUMBER):08}", "request": asked.hash, "reply": answered.hash} | fields)
    await record_calls(db, [call], [asked, answered] if kept else [])
    return call


def body(kind: Literal["request", "reply"], value: Any) -> Body:
    content = canonical(value)
    return Body(hashlib.sha256(content).hexdigest(), kind, content)


BARE = Call(
    id="",
    request_id="r",
    at=1_000_000,
    purpose="traffic",
    outcome="ok",
    asked="chat",
    deployment="up/m",
    provider="up",
    model="m",
    protocol="openai_chat",
    stream=False,
    duration_us=1,
)


def called(id: str, name: str, arguments: str) -> Message:
    return Message(role="assistant", parts=(ToolCall(id=id, name=name, arguments=arguments),))


def gave(id: str, text: str) -> Message:
    return Message(role="tool", parts=(ToolResult(id=id, parts=(Text(text=text),)),))


def asked(sampled: Sampled) -> list[str]:
    return [item.request.transcript.messages[-1].text for item in sampled.items]


async def test_a_call_becomes_a_question_to_anybody_with_what_was_answered(database: Database) -> None:
    call = await record(database, user("Hello?"), reply=assistant("Hi."), sampling=Sampling(temperature=0.5))
    (item,) = (await sample_traffic(database, ALL, 10, 1)).items
    assert item.request == Request(model="", transcript=Transcript((user("Hello?"),)), sampling=Sampling(temperature=0.5))
    assert [step.said.text for step in item.recorded] == ["Hi."]
    assert (item.category, item.authors, item.origin) == ("chat", (), f"call {call.id}")


async def test_only_answered_calls_of_clients_are_sampled(database: Database) -> None:
    await record(database, user("mine"))
    for number, purpose in enumerate(("battle", "judge", "bench", "challenge", "test")):
        await record(database, user(f"hidden {number}"), purpose=purpose)
    for number, outcome in enumerate(("error", "timeout", "cancelled")):
        await record(database, user(f"broken {number}"), outcome=outcome)
    sampled = await sample_traffic(database, ALL, 10, 1)
    assert (asked(sampled), sampled.calls) == (["mine"], 1)


async def test_a_call_whose_words_are_not_kept_is_counted(database: Database) -> None:
    await record(database, user("gone"), kept=False)
    await record(database, user("never"), request=None)
    sampled = await sample_traffic(database, ALL, 10, 1)
    assert (sampled.items, sampled.calls, sampled.without_body) == ((), 2, 2)
    assert "2 calls were left out: what they said is not kept." in sampled.notes


async def test_a_call_that_this_version_cannot_read_is_counted(database: Database) -> None:
    strange = body("request", {"model": 3})
    await record_calls(database, [msgspec.structs.replace(BARE, id="1", request=strange.hash)], [strange])
    assert (await sample_traffic(database, ALL, 10, 1)).unreadable == 1


async def test_questions_that_differ_in_case_and_space_only_are_one(database: Database) -> None:
    await record(database, user("What  is\nthis?"))
    await record(database, user("what is THIS?"), reply=assistant("newest"))
    await record(database, user("what is this?"), tools=(Tool(name="look"),))
    await record(database, Message(role="system", parts=(Text(text="Be brief."),)), user("what is this?"))
    sampled = await sample_traffic(database, ALL, 10, 1)
    assert (len(sampled.items), sampled.duplicates) == (3, 1)
    assert sampled.items[0].recorded[0].said.text == "newest"


async def test_the_steps_of_a_tool_conversation_are_one_item_with_its_exchanges(database: Database) -> None:
    first, second = called("1", "find", '{"q":"a"}'), called("2", "open", '{"n":1}')
    told = [user("Look it up."), first, gave("1", "found"), second, gave("2", "opened")]
    await record(database, *told[:1], reply=first)
    await record(database, *told[:3], reply=second)
    await record(database, *told, reply=assistant("It is this."))
    sampled = await sample_traffic(database, ALL, 10, 1)
    (item,) = sampled.items
    assert item.request.transcript.messages == (told[0],)
    assert [(step.said, step.results) for step in item.recorded] == [
        (first, (told[2],)),
        (second, (told[4],)),
        (assistant("It is this."), ()),
    ]
    assert (item.category, item.authors) == ("tools", ("up/m",))
    assert (sampled.calls, sampled.steps, sampled.duplicates) == (3, 2, 0)


async def test_a_whole_recording_is_preferred_to_a_newer_one_that_breaks_off(database: Database) -> None:
    call = called("1", "find", "{}")
    await record(database, user("Go."), reply=call)
    await record(database, user("Go."), call, gave("1", "x"), reply=assistant("There."))
    await record(database, user("Go."), reply=called("2", "other", "{}"))
    (item,) = (await sample_traffic(database, ALL, 10, 1)).items
    assert [step.said.text for step in item.recorded] == ["", "There."]


async def test_turns_of_one_conversation_share_a_cluster_and_name_their_author(database: Database) -> None:
    await record(database, user("One."), reply=assistant("First."))
    await record(database, user("One."), assistant("First."), user("Two."), deployment="up/other")
    await record(database, user("Elsewhere."))
    one, two, other = (await sample_traffic(database, ALL, 10, 1)).items
    assert one.cluster == two.cluster != other.cluster
    assert (one.authors, two.authors) == ((), ("up/m",))
    assert two.category == "multi-turn"


async def test_key_alias_time_and_tag_choose_calls(database: Database) -> None:
    key, _ = await create_key(database, VAULT, "team a")
    await record(database, user("by key"), key=key.id)
    await record(database, user("by alias"), asked="fast")
    await record(database, user("early"), at=5)
    await record(database, user("bare tag"), tags={"tags": ["urgent", "x"]})
    await record(database, user("named tag"), tags={"team": "blue"})
    chosen = {
        "by key": [Traffic(key=key.id), Traffic(key="team a")],
        "by alias": [Traffic(alias="fast")],
        "early": [Traffic(until=6)],
        "bare tag": [Traffic(tag="urgent")],
        "named tag": [Traffic(tag="team=blue")],
    }
    for text, filters in chosen.items():
        for traffic in filters:
            assert asked(await sample_traffic(database, traffic, 10, 1)) == [text]
    assert len((await sample_traffic(database, Traffic(since=6), 10, 1)).items) == 4


async def test_an_unknown_key_is_named(database: Database) -> None:
    with pytest.raises(InvalidInput, match="no gateway key 'nobody'") as failed:
        await sample_traffic(database, Traffic(key="nobody"), 10, 1)
    assert failed.value.code == "work.unknown_key"


async def test_strata_are_drawn_in_proportion_by_a_seed(database: Database) -> None:
    for number in range(12):
        await record(database, user(f"summarise {number}"), tags={"task": "summary", "trace": f"t{number}"})
    for number in range(6):
        await record(database, user(f"translate {number}"), tags={"task": "translation", "trace": f"u{number}"})
    sampled = await sample_traffic(database, ALL, 6, seed=7)
    assert sampled.strata == (
        Stratum(alias="chat", key=None, tag="task=summary", found=12, taken=4),
        Stratum(alias="chat", key=None, tag="task=translation", found=6, taken=2),
    )
    assert {item.category for item in sampled.items} == {"task=summary", "task=translation"}
    assert asked(await sample_traffic(database, ALL, 6, seed=7)) == asked(sampled)
    assert asked(await sample_traffic(database, ALL, 6, seed=8)) != asked(sampled)


async def test_only_the_newest_calls_are_looked_at(database: Database) -> None:
    for number in range(70):
        await record(database, user(f"question {number}"))
    sampled = await sample_traffic(database, ALL, 100, 1, most=67)
    assert (sampled.calls, asked(sampled)[0]) == (67, "question 3")
    assert "Only the newest 67 calls were looked at." in sampled.notes


async def test_more_than_memory_should_hold_is_refused(database: Database) -> None:
    for number in range(5):
        await record(database, user(f"Question {number}? {'x' * 1000}"))
    assert len((await sample_traffic(database, ALL, 2, 7, largest=5000)).items) == 2
    with pytest.raises(TooLarge) as refused:
        await sample_traffic(database, ALL, 5, 7, largest=5000)
    assert refused.value.code == "work.too_much"
