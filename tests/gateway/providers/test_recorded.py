"""Every shipped provider is sent exactly what is written down for it, and its answer is read as it should be."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from assay.core import Provider, Thinking, fold
from assay.gateway.providers import shipped_providers
from assay.wire.codecs import UPSTREAM_CODECS
from tests.gateway.providers.recording import HERE, load, record

ROWS = [provider for provider in shipped_providers().values() if provider.kind != "practice"]
ANSWERS = [(provider, protocol) for provider in ROWS for protocol, offer in provider.offers.items() if offer.answers]


@pytest.mark.anyio
@pytest.mark.parametrize("provider", ROWS, ids=lambda provider: provider.name)
async def test_what_is_sent_is_what_was_written_down(provider: Provider) -> None:
    """Method, address, headers and body, in every protocol that the provider speaks. Wrong? See `recording`."""
    assert await record(provider) == load(provider.name)["sent"]


@pytest.mark.parametrize(("provider", "protocol"), ANSWERS, ids=lambda one: one if isinstance(one, str) else one.name)
def test_an_answer_in_the_providers_own_shape_is_read(provider: Provider, protocol: str) -> None:
    recorded = load(provider.name).get("answer", {}).get(protocol) or load(f"answers/{protocol}")
    stream = b"".join(_event(protocol, event) for event in recorded["stream"])
    codec = UPSTREAM_CODECS[protocol]
    reader = codec.EventReader(stream=True, seed="ab" * 16)
    answer = fold([*reader.feed(stream), *reader.close()])
    thoughts = "".join(part.text for part in answer.message.parts if isinstance(part, Thinking))
    read = {"text": answer.message.text, "stop": answer.stop, "usage": msgspec.to_builtins(answer.usage)}
    assert read | ({"thoughts": thoughts} if thoughts else {}) == recorded["read"]


def test_nothing_is_written_down_for_a_provider_that_is_not_there() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == {provider.name for provider in ROWS}


def _event(protocol: str, event: Any) -> bytes:
    """One server-sent event, as servers of the protocol write it."""
    if isinstance(event, str):
        return event.encode() + b"\n\n" if event.startswith(":") else b"data: %b\n\n" % event.encode()
    ends = b"\r\n\r\n" if protocol == "gemini" else b"\n\n"
    name = event.get("type") if protocol in ("anthropic", "openai_responses") else event.get("event")
    fields = {key: value for key, value in event.items() if protocol != "bedrock_converse" or key != "event"}
    data = b"data: %b%b" % (json.dumps(fields, ensure_ascii=False).encode(), ends)
    return b"event: %b\n%b" % (name.encode(), data) if name else data
