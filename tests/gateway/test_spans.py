"""A call becomes a span by the conventions for generative AI; what was said is in it only where somebody asked for that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from assay.core import Deployment, Provider
from assay.gateway.attempt import Attempt
from assay.gateway.estimate import Estimator
from assay.gateway.recorder import Settled
from assay.gateway.settle import settle
from assay.gateway.snapshot import Route
from assay.gateway.spans import Spans
from assay.gateway.upstream import Upstream
from tests.gateway.rig import ANSWER, MESSAGES, PRICE

ROUTE = Route(
    Deployment(id="xai/m", provider="xai", model="m", upstream_model="m", price=PRICE),
    Upstream(Provider(name="xai", title="xAI", base_url="http://up.example:8080/v1"), None),
)
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans_of(attempt: Attempt, *, content: bool = False) -> Sequence[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = Spans(provider, content=content)
    spans.committed([Settled(attempt, settle(attempt, "off", 0, [], Estimator()))])
    spans.close()
    return exporter.get_finished_spans()


def said_in(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def ended(outcome: str = "ok") -> Attempt:
    body = json.dumps({"model": "xai/m", "messages": MESSAGES}).encode()
    attempt = Attempt(ROUTE, asked="best", purpose="traffic", stream=False, request_id="r", body=body)
    attempt.status = 200
    attempt.pieces = [(attempt.started_ns + 5_000_000, json.dumps(ANSWER).encode())]
    attempt.end("ok" if outcome == "ok" else "error", None if outcome == "ok" else "upstream.failed")
    return attempt


def test_a_span_says_who_was_asked_for_what_and_what_it_cost() -> None:
    attempt = ended()
    attempt.trace = PARENT
    (span,) = spans_of(attempt)
    assert (span.name, span.kind) == ("chat m", SpanKind.CLIENT)
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    said = said_in(span)
    assert said["gen_ai.provider.name"] == "x_ai"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (10, 4)
    assert (said["server.address"], said["server.port"], said["assay.asked"]) == ("up.example", 8080, "best")
    assert "gen_ai.input.messages" not in said
    assert "good day" not in json.dumps(said, default=str)


def test_content_is_there_where_it_was_asked_for() -> None:
    (span,) = spans_of(ended(), content=True)
    said = said_in(span)
    assert json.loads(said["gen_ai.input.messages"]) == [{"role": "user", "parts": [{"type": "text", "content": "Say something."}]}]
    assert json.loads(said["gen_ai.output.messages"])[0]["parts"] == [{"type": "text", "content": "good day"}]


def test_a_failed_call_is_an_error_with_its_code() -> None:
    (span,) = spans_of(ended("error"))
    assert span.status.status_code is StatusCode.ERROR
    assert said_in(span)["error.type"] == "upstream.failed"


@pytest.mark.parametrize("trace", [b"", b"00-zz", b"\xff\xfe", b"x" * 10_000])
def test_a_broken_parent_makes_a_root(trace: bytes) -> None:
    attempt = ended()
    attempt.trace = trace
    (span,) = spans_of(attempt)
    assert span.parent is None
