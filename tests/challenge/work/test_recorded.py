"""Traffic that OpenAI's own SDK sent through the gateway comes back as items."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import openai
import pytest

from assay.challenge.spec import Traffic
from assay.challenge.work import sample_traffic
from assay.core import Model, OutputFormat, Sampling, ToolCall
from assay.store import Database
from tests.chat_scripts import CALLS, GREETING
from tests.gateway.rig import running
from tests.upstream import ScriptedUpstream

pytestmark = pytest.mark.anyio

WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}}
SHAPE: Any = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()


async def converse(client: openai.AsyncOpenAI) -> None:
    """What an application does: a question asked twice, a follow-up, one with tools, one with a picture, one under a schema."""
    ask = client.chat.completions.create
    greeting: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say hello."}]
    for _ in range(2):
        await ask(model="up/text", messages=greeting, temperature=0.3, metadata={"tags": "greeting"}, user="someone")
    follow_up = [*greeting, {"role": "assistant", "content": GREETING}, {"role": "user", "content": "Once more."}]
    async for _ in await ask(model="up/text", messages=follow_up, stream=True):
        pass
    looking: list[Any] = [{"role": "user", "content": "Weather in Paris and Oslo?"}]
    first = await ask(model="up/tools", messages=looking, tools=[WEATHER])
    looking.append(first.choices[0].message.model_dump(exclude_none=True))
    made = first.choices[0].message.tool_calls or ()
    looking += [{"role": "tool", "tool_call_id": call.id, "content": f"dry ({call.id})"} for call in made]
    await ask(model="up/tools", messages=looking, tools=[WEATHER])
    shown: list[Any] = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
    ]
    await ask(model="up/image", messages=[{"role": "user", "content": shown}])
    await ask(model="up/schema", messages=[{"role": "user", "content": "Count."}], response_format=SHAPE, max_completion_tokens=9)


async def test_the_sdks_traffic_becomes_items(database: Database, tmp_path: Path) -> None:
    names = ("text", "tools", "image", "schema")
    async with ScriptedUpstream() as upstream:
        row = {"models": tuple(Model(name=name) for name in names)}
        async with running(database, tmp_path, upstream.url, row=row) as gateway:
            async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
                await converse(client)
            await gateway.gateway.recorder.flush()
            sampled = await sample_traffic(database, Traffic(key="tests"), 100, seed=1)
    assert (sampled.calls, sampled.duplicates, sampled.steps, sampled.without_body) == (7, 1, 1, 0)
    assert [(stratum.alias, stratum.tag, stratum.found, stratum.taken) for stratum in sampled.strata] == [
        ("up/image", None, 1, 1),
        ("up/schema", None, 1, 1),
        ("up/text", None, 1, 1),
        ("up/text", "greeting", 1, 1),
        ("up/tools", None, 1, 1),
    ]
    greeting, follow_up, tools, picture, shaped = sampled.items

    assert (greeting.category, greeting.request.sampling) == ("greeting", Sampling(temperature=0.3))
    assert (greeting.request.model, greeting.request.user, greeting.request.extra) == ("", None, {})
    assert greeting.cluster == follow_up.cluster
    assert (follow_up.category, follow_up.authors) == ("multi-turn", ("up/text",))
    assert follow_up.recorded[0].said.text == GREETING

    asked, answered = tools.recorded
    assert [part.arguments for part in asked.said.parts if isinstance(part, ToolCall)] == list(CALLS.values())
    assert len(asked.results) == len(CALLS)
    assert answered.said.text.startswith("dry (call_")
    assert [message.text for message in tools.request.transcript.messages] == ["Weather in Paris and Oslo?"]
    assert [tool.name for tool in tools.request.tools] == ["weather"]
    assert (tools.category, tools.authors) == ("tools", ("up/tools",))

    (message,) = picture.request.transcript.messages
    assert (picture.category, getattr(message.parts[1], "data", None)) == ("images", PICTURE)
    assert shaped.request.output == OutputFormat(kind="json_schema", name="n", schema=SHAPE["json_schema"]["schema"])
    assert (shaped.category, shaped.request.sampling) == ("structured", Sampling(max_tokens=9))
