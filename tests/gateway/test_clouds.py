"""Clients of every protocol through the gateway to clouds: what arrives is signed, what comes back in frames is an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.gateway.providers import shipped_providers
from assay.store import Database
from tests.gateway.clouds import ACCESS, CONVERSE, INVOKED, SECRET, expected_signature, frame, token_service
from tests.gateway.rig import Converse, Running, Wire, running, told

pytestmark = pytest.mark.anyio
ROWS = shipped_providers()
REGION = "eu-west-1"
ANTHROPIC = {"model": "up/anthropic.claude-x-v1:0", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
CHAT = {"model": "up/anthropic.claude-x-v1:0", "messages": [{"role": "user", "content": "Hello"}]}


def fields_of(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, path and headers of a request."""
    first, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    return method, path, {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def check_signature(head: bytes, body: bytes) -> None:
    """As AWS would, which knows the secret."""
    method, path, headers = fields_of(head)
    signed = {name: headers[name] for name in ("content-type", "host", "x-amz-date")}
    assert f"Credential={ACCESS}/" in headers["authorization"]
    assert headers["authorization"].endswith(expected_signature(method, path, "", signed, body, REGION))


def framed(stream: bytes) -> Converse:
    async def answer(wire: Wire) -> None:
        body = await wire.request()
        check_signature(wire.head, body)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nconnection: close\r\n\r\n"
        # In the middle of a frame, and of a character.
        await wire.send(head, *(stream[at : at + 77] for at in range(0, len(stream), 77)))

    return answer


def cloud(name: str, **more: Any) -> dict[str, Any]:
    """The shipped row, at another address and under the rig's name."""
    row = msgspec.structs.asdict(ROWS[name])
    return {**row, "name": "up", "title": "Up", "values": {"region": REGION}, "models": (), "origin": "file", **more}


def environ() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}


async def ask(served: Running, path: str, document: dict[str, Any], **headers: str) -> Any:
    return await served.ask(
        "POST",
        path,
        json.dumps(document).encode(),
        authorization=f"Bearer {served.key}",
        content_type="application/json",
        **headers,
    )


@pytest.mark.parametrize(("path", "asked"), [("/v1/messages", ANTHROPIC), ("/v1/chat/completions", CHAT)])
async def test_bedrocks_own_protocol_is_translated_both_ways(
    db: Database, tmp_path: Path, path: str, asked: dict[str, Any]
) -> None:
    async with told(framed(CONVERSE)) as upstream:
        row = cloud("bedrock", base_url=upstream.url.removesuffix("/v1"))
        async with running(db, tmp_path, upstream.url, environ=environ(), row=row) as served:
            reply = await ask(served, path, {**asked, "stream": True})
            assert (reply.status, reply.complete) == (200, True)
            assert b"good\\u2028 day" in reply.body
            assert fields_of(upstream.requests[0][0])[1] == "/model/anthropic.claude-x-v1%3A0/converse-stream"
            call = await served.call()
            assert (call.outcome, call.protocol) == ("ok", "bedrock_converse")
            assert call.usage is not None
            assert (call.usage.input, call.usage.output) == (3, 2)


async def test_claude_on_bedrock_is_passed_through_in_anthropics_protocol(db: Database, tmp_path: Path) -> None:
    """The betas go into the body, the model into the address, and the events come out of their frames untouched."""
    async with told(framed(INVOKED)) as upstream:
        row = cloud("bedrock-anthropic", base_url=upstream.url.removesuffix("/v1"))
        async with running(db, tmp_path, upstream.url, environ=environ(), row=row) as served:
            asked = {**ANTHROPIC, "stream": True, "x_unknown": 1}
            reply = await ask(served, "/v1/messages", asked, anthropic_beta="context-1m-2025-08-07,effort-2025-11-24")
            assert reply.status == 200
            assert reply.headers["content-type"].startswith("text/event-stream")
            assert b"event: message_stop\n" in reply.body
            head, body = upstream.requests[0]
            assert fields_of(head)[1] == "/model/anthropic.claude-x-v1%3A0/invoke-with-response-stream"
            assert json.loads(body) == {
                "max_tokens": 50,
                "messages": ANTHROPIC["messages"],
                "x_unknown": 1,
                "anthropic_version": "bedrock-2023-05-31",
                "anthropic_beta": ["context-1m-2025-08-07", "effort-2025-11-24"],
            }
            call = await served.call()
            assert (call.outcome, call.protocol) == ("ok", "anthropic")
            assert call.usage is not None
            assert (call.usage.input, call.usage.output) == (3, 2)


@pytest.mark.parametrize("name", ["bedrock", "bedrock-anthropic"])
async def test_an_exception_in_a_stream_ends_it_with_an_error(db: Database, tmp_path: Path, name: str) -> None:
    whole = CONVERSE if name == "bedrock" else INVOKED
    first = whole[: int.from_bytes(whole[:4], "big")]
    exception = frame(
        {":exception-type": "throttlingException", ":content-type": "application/json", ":message-type": "exception"},
        b'{"message":"Too many tokens, please wait."}',
    )
    async with told(framed(first + exception)) as upstream:
        row = cloud(name, base_url=upstream.url.removesuffix("/v1"))
        async with running(db, tmp_path, upstream.url, environ=environ(), row=row) as served:
            reply = await ask(served, "/v1/messages", {**ANTHROPIC, "stream": True})
            assert b"Too many tokens, please wait." in reply.body
            assert b"message_stop" not in reply.body
            assert (await served.call()).outcome == "error"


async def test_gemini_on_vertex_is_asked_with_a_token_of_the_account(db: Database, tmp_path: Path) -> None:
    async def answer(wire: Wire) -> None:
        for _ in range(2):
            await wire.request()
            await wire.answer(
                {
                    "candidates": [{"content": {"role": "model", "parts": [{"text": "good day"}]}, "finishReason": "STOP"}],
                    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
                }
            )

    async with token_service() as (service, document), told(answer) as upstream:
        path = tmp_path / "account.json"
        path.write_text(document)
        base = f"{upstream.url}/projects/{{project}}/locations/{{location}}/publishers/google"
        row = cloud("vertex", base_url=base, values={"project": "p-1"})
        account = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
        async with running(db, tmp_path / "served", upstream.url, environ=account, row=row) as served:
            for _ in range(2):
                reply = await ask(served, "/v1/chat/completions", {**CHAT, "model": "up/gemini-x"})
                assert reply.json["choices"][0]["message"]["content"] == "good day"
            _, target, headers = fields_of(upstream.requests[0][0])
            assert target == "/v1/projects/p-1/locations/global/publishers/google/models/gemini-x:generateContent"
            assert headers["authorization"] == "Bearer ya29.1"
            assert len(service.asked) == 1
            assert "model" not in json.loads(upstream.requests[0][1])
