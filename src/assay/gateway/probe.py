"""Asking providers about themselves: is the key good, which models are there, is anyone at home on this machine, and does an
answer really come the way the protocol says.

`verify` is what turns *wire-true* into *live* for one user's own key: it asks a real model for a few tokens and publishes the
outcome as a fact.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable

import msgspec

from assay.core import (
    AssayError,
    InvalidInput,
    Measurement,
    Problem,
    Request,
    Sampling,
    Transcript,
    complete,
    fold,
    new_id,
    now_us,
    problem_of,
    user,
)
from assay.gateway.attempt import Attempt
from assay.gateway.caller import GatewayCaller
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.dialect import read_asked
from assay.gateway.recorder import Recorder
from assay.gateway.registry import Entry
from assay.gateway.snapshot import Snapshot
from assay.gateway.upstream import Upstream
from assay.store.database import Database
from assay.store.queries import publish_measurements
from assay.wire import openai_chat
from assay.wire.said import read_error

LIVE = "provider.live"
_QUESTION = Request(model="", transcript=Transcript((user("Answer with the one word: ready"),)), sampling=Sampling(max_tokens=256))
_PATIENCE = Timeouts(connect_s=10, first_byte_s=60, idle_s=30, total_s=120)
_GLANCE = Timeouts(connect_s=0.3, first_byte_s=0.7, idle_s=0.7, total_s=1)
_MAX_LIST_BYTES = 16 * 1024 * 1024


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said of itself: its models, or what went wrong; ``latency_ms`` is that of the one request."""

    ok: bool
    latency_ms: float | None
    models: tuple[str, ...]
    error: Problem | None


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


class Verified(msgspec.Struct, frozen=True):
    """A live check of one deployment."""

    deployment: str
    ok: bool
    checks: tuple[Check, ...]


class _Listed(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Listed] | None = None


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
        listed = _list.decode(body).data or []
    except (msgspec.MsgspecError, RecursionError):
        raise _Untestable("upstream.garbled", f"{title} answered something that is no list of models.") from None
    return tuple(dict.fromkeys(model.id for model in listed))


class _Untestable(AssayError):
    status = 502


class _Refused(AssayError):
    status = 401


async def verify_provider(
    db: Database, client: Client, recorder: Recorder, caller: GatewayCaller, snapshot: Snapshot, entry: Entry, model: str | None
) -> Verified:
    """Ask for a few tokens, streamed and whole, and publish what came as a `live` fact.

    Raises:
        InvalidInput: ``provider.no_model``: none is known and none was named.
    """
    name = model or next(iter((*(m.name for m in entry.provider.models), *entry.models)), None)
    if name is None:
        raise InvalidInput(
            "provider.no_model",
            f"No model of {entry.provider.name!r} is known.",
            hint="Name one, or test the provider first.",
            param="model",
        )
    deployment = f"{entry.provider.name}/{name}"
    checks = [
        *await _checked("whole", _ask_whole(client, recorder, snapshot, deployment)),
        *await _checked("stream", _ask_streamed(caller, deployment)),
    ]
    outcome = Verified(deployment, all(check.ok for check in checks), tuple(checks))
    fact = Measurement(
        kind="fact",
        subject=deployment,
        metric=LIVE,
        at=now_us(),
        method="a question of six words, asked once whole and once streamed",
        source="measured",
        value="live" if outcome.ok else None,
        reason=None if outcome.ok else "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok),
        conditions={check.name: check.ok for check in checks},
        rows="/api/v1/calls?purpose=test",
    )
    await publish_measurements(db, [fact], series=deployment)
    return outcome


async def _checked(name: str, asking: Awaitable[tuple[str, bool]]) -> list[Check]:
    try:
        words, has_usage = await asking
    except AssayError as error:
        return [Check(name, False, str(error)), Check(f"{name} usage", False, "there was no answer")]
    return [
        Check(name, True, f"answered {words[:60]!r}"),
        Check(f"{name} usage", has_usage, "tokens were reported" if has_usage else "no tokens were reported"),
    ]


async def _ask_streamed(caller: GatewayCaller, deployment: str) -> tuple[str, bool]:
    answer = await complete(caller, _QUESTION, deployment, "test")
    return answer.message.text, answer.usage is not None


async def _ask_whole(client: Client, recorder: Recorder, snapshot: Snapshot, deployment: str) -> tuple[str, bool]:
    route = snapshot.find(deployment)
    asked = read_asked(openai_chat.write_request(msgspec.structs.replace(_QUESTION, model=deployment)).body)
    attempt = Attempt(route, asked=deployment, purpose="test", stream=False, request_id=new_id(), request=_QUESTION)
    try:
        response = await attempt.send(client, route.upstream.dialect.write(asked, route.deployment.upstream_model).body, _PATIENCE)
        await response.begin()
        attempt.begun()
        if response.status != 200:
            raise (await attempt.refused(response)).error
        body = await response.read_all(_MAX_LIST_BYTES)
        attempt.keep(body)
        attempt.end("ok")
        answer = fold(openai_chat.read_events([body], stream=False))
    except Fault as fault:
        raise attempt.fail(fault) from None
    finally:
        attempt.end("cancelled", "gateway.stopped")
        recorder.record(attempt)
    return answer.message.text, answer.usage is not None
