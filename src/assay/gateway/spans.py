"""Calls as OpenTelemetry spans, by the conventions for generative AI (opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans,
semantic conventions 1.41, 2026-11).

A span is made of a call that is over, with its own times, so nothing is done for it while an answer runs. It hangs below the
span of the client that sent ``traceparent`` (W3C Trace Context). What was said is put into it only where the operator asks for
that. Needs ``modelassay[otel]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from assay import __version__
from assay.core import Call, InvalidInput, Message, Text, Thinking, ToolCall, ToolResult
from assay.gateway.attempt import Attempt
from assay.gateway.recorder import Settled
from assay.gateway.settle import read_said
from assay.store.database import Write

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""The conventions' own names where they differ from ours; any other name goes as it is."""

_OPERATIONS = {None: "chat", "embeddings": "embeddings"}
_LONGEST_CONTENT = 256 * 1024


class Spans:
    """A `Book` that makes a span of each call. ``content``: put what was said into it."""

    def __init__(self, provider: TracerProvider, *, content: bool):
        self._provider = provider
        self._tracer = provider.get_tracer("assay", __version__)
        self._content = content

    @classmethod
    def to(cls, endpoint: str, *, content: bool) -> Spans:
        """Send spans to ``endpoint``, an OTLP collector's address without ``/v1/traces``.

        Raises:
            InvalidInput: ``settings.otel_missing``: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            raise InvalidInput(
                "settings.otel_missing",
                "Spans cannot be sent: OpenTelemetry is not installed.",
                hint="Install `modelassay[otel]`, or leave `otel_endpoint` empty.",
                param="otel_endpoint",
            ) from error
        return cls(_provider(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")), content=content)

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        return ()

    def committed(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            self._span(one.attempt, one.call)

    def close(self) -> None:
        """Send what waits; it takes as long as the collector does."""
        self._provider.shutdown()

    def _span(self, attempt: Attempt, call: Call) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        operation = _OPERATIONS.get(call.operation, call.operation or "chat")
        span = self._tracer.start_span(
            f"{operation} {call.model}",
            context=_parent(attempt.trace),
            kind=SpanKind.CLIENT,
            attributes=_attributes(attempt, call, operation),
            start_time=call.at * 1000,
        )
        if self._content and attempt.keeps_bodies:
            span.set_attributes(_content(attempt))
        if call.outcome != "ok":
            span.set_status(Status(StatusCode.ERROR, call.error or call.outcome))
        span.end((call.at + call.duration_us) * 1000)


def _provider(exporter: SpanExporter) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "assay", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _parent(trace: bytes | None) -> Any:
    """The client's span, or None: then the call's is a root."""
    if trace is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": trace.decode("latin-1")})


def _attributes(attempt: Attempt, call: Call, operation: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(call.provider, call.provider),
        "gen_ai.request.model": call.model,
        "gen_ai.request.stream": call.stream,
        "server.address": attempt.way.origin.host,
        "server.port": attempt.way.origin.port,
        "assay.call": call.id,
        "assay.request": call.request_id,
        "assay.asked": call.asked,
        "assay.purpose": call.purpose,
        "gen_ai.response.id": call.upstream_id,
        "error.type": None if call.outcome == "ok" else call.error or call.outcome,
        "http.response.status_code": call.status,
        "assay.key": call.key,
        "assay.losses": call.losses or None,
    }
    if call.stop is not None:
        found["gen_ai.response.finish_reasons"] = (call.stop,)
    if call.ttft_us is not None:
        found["gen_ai.response.time_to_first_chunk"] = call.ttft_us / 1e6
    if (usage := call.usage) is not None:
        found["gen_ai.usage.input_tokens"] = usage.total_input
        found["gen_ai.usage.output_tokens"] = usage.total_output
        found["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read or None
        found["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_5m + usage.cache_write_1h or None
        found["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning or None
    if call.cost is not None:
        found["assay.cost"] = str(call.cost)
    return {name: value for name, value in found.items() if value is not None}


def _content(attempt: Attempt) -> Mapping[str, str]:
    """What was said, in the conventions' shape, as JSON; left out where it is very large."""
    request, answer = read_said(attempt)
    found = {
        "gen_ai.input.messages": request.transcript.messages if request is not None else (),
        "gen_ai.output.messages": answer.messages if answer is not None else (),
    }
    written = {name: msgspec.json.encode([_message(message) for message in said]).decode() for name, said in found.items() if said}
    return {name: text for name, text in written.items() if len(text) <= _LONGEST_CONTENT}


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [_part(part) for part in message.parts]}


def _part(part: Any) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "content": part.text}
        case Thinking():
            return {"type": "reasoning", "content": part.text}
        case ToolCall():
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": part.arguments}
        case ToolResult():
            return {"type": "tool_call_response", "id": part.id, "result": [_part(piece) for piece in part.parts]}
        case _:
            return {"type": type(part).__name__.lower()}
