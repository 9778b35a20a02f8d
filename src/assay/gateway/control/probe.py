"""Asking providers about themselves: is the key good, which models are there, is anyone at home on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import msgspec

from assay.core import AssayError, Problem, problem_of
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.registry import Entry
from assay.gateway.upstream import Upstream
from assay.wire.said import read_error

_PATIENCE = Timeouts(connect_s=10, first_byte_s=60, idle_s=30, total_s=120)
_GLANCE = Timeouts(connect_s=0.3, first_byte_s=0.7, idle_s=0.7, total_s=1)
_MAX_LIST_BYTES = 16 * 1024 * 1024


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said of itself: its models, or what went wrong; ``latency_ms`` is that of the one request."""

    ok: bool
    latency_ms: float | None
    models: tuple[str, ...]
    error: Problem | None


class _Listed(msgspec.Struct):
    id: str


class _Named(msgspec.Struct):
    name: str


class _Summary(msgspec.Struct):
    modelId: str  # noqa: N815  # Bedrock's own name


class _List(msgspec.Struct):
    """A list of models in the shapes of OpenAI and Anthropic, of Gemini, and of Bedrock."""

    data: list[_Listed] | None = None
    models: list[_Named] | None = None
    modelSummaries: list[_Summary] | None = None  # noqa: N815  # Bedrock's own name

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which the models are called, each once."""
        named = [model.name.removeprefix("models/") for model in self.models or ()]
        listed = [model.id for model in self.data or ()] + [model.modelId for model in self.modelSummaries or ()]
        return tuple(dict.fromkeys(named + listed))


_list = msgspec.json.Decoder(_List)


async def test_provider(client: Client, upstream: Upstream) -> Tested:
    """Ask for the list of models; where there is none, send an empty question, which a good key gets refused for its form."""
    began_ns = time.monotonic_ns()
    try:
        upstream.require_ready()
        models = await _list_models(client, upstream, _PATIENCE)
    except AssayError as error:
        return Tested(ok=False, latency_ms=None, models=(), error=problem_of(error))
    return Tested(ok=True, latency_ms=(time.monotonic_ns() - began_ns) / 1e6, models=models, error=None)


async def is_at_home(client: Client, upstream: Upstream) -> bool:
    """Whether a local server answers as its row says, within a second."""
    try:
        await _list_models(client, upstream, _GLANCE)
    except AssayError:
        return False
    return True


async def find_local(client: Client, entries: Iterable[Entry]) -> dict[str, bool]:
    """Which of the local providers are there. Only addresses on this machine are asked."""
    local = [entry for entry in entries if entry.provider.kind == "local"]
    found = await asyncio.gather(*(is_at_home(client, entry.upstream()) for entry in local))
    return {entry.provider.name: there for entry, there in zip(local, found, strict=True)}


async def _list_models(client: Client, upstream: Upstream, timeouts: Timeouts) -> tuple[str, ...]:
    way = upstream.way(upstream.provider.protocol)
    is_list = way.offers("models")
    title = upstream.provider.title
    body = b"" if is_list else b'{"model":"","messages":[]}'
    origin, head = await way.address("models" if is_list else "generate", "", stream=False, body=body)
    try:
        response = await client.send(origin, head, body, timeouts)
        await response.begin()
        body = await response.read_all(_MAX_LIST_BYTES)
    except Fault as fault:
        raise _Untestable(fault.code, f"{title}: {fault.message}") from None
    if response.status in (401, 403):
        said = read_error(response.status, upstream.redact(body)).message
        raise _Refused("upstream.unauthorized", f"{title} refused the key: {said}", hint="Replace the key.")
    if not is_list and 400 <= response.status < 500:
        return ()
    if response.status != 200:
        said = read_error(response.status, upstream.redact(body)).message
        raise _Untestable("upstream.failed", f"{title} answered HTTP {response.status}: {said}")
    try:
        return _list.decode(body).names
    except (msgspec.MsgspecError, RecursionError):
        raise _Untestable("upstream.garbled", f"{title} answered something that is no list of models.") from None


class _Untestable(AssayError):
    status = 502


class _Refused(AssayError):
    status = 401
