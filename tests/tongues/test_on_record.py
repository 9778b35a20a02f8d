"""What is on record of a call: both protocols, tokens, times, and what was lost, which the answer's header lists as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.genai import types

from assay.core import Call
from tests.tongues.conftest import Talks
from tests.tongues.rig import PAIRS, Tongues, deployment
from tests.tongues.sdks import googles, ours, theirs
from tests.upstream.scripts import BUCKETS

pairs = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=[f"{client}>{upstream}" for client, upstream in PAIRS])


@pairs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_is_on_record_with_both_protocols(tongues: Tongues, talks: Talks, client: str, upstream: str, stream: bool) -> None:
    talks(client, upstream, "usage", stream=stream, system="Be brief.").ask("Go on.")
    call = tongues.call()
    assert (call.client_protocol, call.protocol, call.stream, call.outcome) == (client, upstream, stream, "ok")
    assert (call.asked, call.deployment) == (deployment(upstream, "usage"), deployment(upstream, "usage"))
    assert (call.status, call.error, call.stop) == (200, None, "end")
    assert call.request is not None
    assert call.reply is not None
    _is_counted(call, upstream)
    if stream:
        assert call.ttft_us is not None
        assert 0 < call.ttft_us <= call.duration_us
        times = [at for at, _ in call.timeline]
        sizes = [size for _, size in call.timeline]
        assert times == sorted(times)
        assert sizes == sorted(sizes)
        assert sizes[-1] > 0
    else:
        assert call.timeline == ()


def _is_counted(call: Call, upstream: str) -> None:
    """Disjoint buckets, as far as the upstream tells them apart."""
    used = call.usage
    assert used is not None
    written = used.cache_write_5m + used.cache_write_1h
    assert used.input + used.cache_read + written == BUCKETS.input
    assert used.output + used.reasoning == BUCKETS.output
    assert used.cache_read == BUCKETS.cache_read
    if upstream == "anthropic":
        assert (used.cache_write_5m, used.cache_write_1h) == (BUCKETS.cache_write_5m, BUCKETS.cache_write_1h)


@pairs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_losses_are_named_on_the_answer_and_on_the_call(tongues: Tongues, client: str, upstream: str, stream: bool) -> None:
    """``top_k`` and a field that nobody knows: what the upstream cannot be told is listed, of a stream too."""
    header = _LOSING[client](tongues, deployment(upstream, "text"), stream)
    call = tongues.call()
    listed = [loss for loss in (header or "").split(", ") if loss]
    assert listed == list(call.losses)
    if client == upstream:
        assert listed == []
    else:
        assert any(loss.startswith("dropped:") for loss in listed)


def _losing_chat(tongues: Tongues, model: str, stream: bool) -> str | None:
    with ours(tongues) as client:
        asked: Any = {"model": model, "messages": [{"role": "user", "content": "Go on."}], "logit_bias": {"50256": -100}}
        raw = client.chat.completions.with_raw_response.create(**asked, stream=stream)
        list(raw.parse()) if stream else raw.parse()
        return raw.headers.get("x-assay-losses")


def _losing_responses(tongues: Tongues, model: str, stream: bool) -> str | None:
    with ours(tongues) as client:
        raw = client.responses.with_raw_response.create(model=model, input="Go on.", truncation="auto", stream=stream)
        answer: Any = raw.parse()
        list(answer) if stream else answer
        return raw.headers.get("x-assay-losses")


def _losing_anthropic(tongues: Tongues, model: str, stream: bool) -> str | None:
    with theirs(tongues) as client:
        asked: Any = {"model": model, "max_tokens": 500, "messages": [{"role": "user", "content": "Go on."}], "inference_geo": "eu"}
        raw = client.messages.with_raw_response.create(**asked, stream=stream)
        answer: Any = raw.parse()
        list(answer) if stream else answer
        return raw.headers.get("x-assay-losses")


def _losing_gemini(tongues: Tongues, model: str, stream: bool) -> str | None:
    with googles(tongues) as client:
        harm = types.SafetySetting(
            category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH
        )
        config = types.GenerateContentConfig(safety_settings=[harm])
        if stream:
            answers = list(client.models.generate_content_stream(model=model, contents="Go on.", config=config))
        else:
            answers = [client.models.generate_content(model=model, contents="Go on.", config=config)]
        told = answers[0].sdk_http_response
        return (told.headers or {}).get("x-assay-losses") if told else None


_LOSING: dict[str, Callable[[Tongues, str, bool], str | None]] = {
    "openai_chat": _losing_chat,
    "openai_responses": _losing_responses,
    "anthropic": _losing_anthropic,
    "gemini": _losing_gemini,
}
