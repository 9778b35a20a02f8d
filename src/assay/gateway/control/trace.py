"""All that is known of one call, put together: what was asked and answered, its attempts, its losses, and what its price rests on."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

import msgspec

from assay.core import Call, NotFound, Price, Request, Transcript
from assay.gateway.control.shown import ShownCall, show_call
from assay.gateway.registry import Entry
from assay.store import keys
from assay.store.database import Database
from assay.store.queries import find_request, get_bodies, get_call, list_attempts

LossKind: TypeAlias = Literal["dropped", "approximated", "renamed"]
BodyState: TypeAlias = Literal["kept", "none", "gone", "private"]
"""``none``: nothing came, or it could not be read, or bodies are not kept. ``gone``: only its hash is on record. ``private``: it is not
for whoever asks."""
CostSource: TypeAlias = Literal["provider", "price_list", "older_price_list", "estimate", "cache"]
"""``provider``: its own bill. ``older_price_list``: the prices known now give another amount. ``estimate``: the provider did not count all;
the call's ``cost_between`` bounds it. ``cache``: the answer of another call was given again."""

_request = msgspec.json.Decoder(Request)
_transcript = msgspec.json.Decoder(Transcript)


class ShownLoss(msgspec.Struct, frozen=True):
    """Something that the translation could not carry: which field, and as what it was sent instead."""

    kind: LossKind
    what: str
    detail: str | None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its bodies. ``attempts`` are all calls at the same request, this one too, the oldest first.

    ``key`` names the gateway key that asked. ``request`` and ``reply`` are null where `request_state` and `reply_state` are
    not "kept"; ``reply`` has one message per alternative. ``price`` is what the deployment costs by today's price list.
    """

    call: ShownCall
    attempts: list[ShownCall]
    key: str | None
    losses: list[ShownLoss]
    request: Request | None
    request_state: BodyState
    reply: Transcript | None
    reply_state: BodyState
    price: Price | None
    cost_source: CostSource | None


async def find_call(db: Database, id: str) -> Call:
    """The call of this id, or the last attempt at the request of this id.

    Raises:
        NotFound: ``call.not_found``.
    """
    found = await get_call(db, id) or await find_request(db, id)
    if found is None:
        raise unknown_call(id)
    return found


def unknown_call(id: str) -> NotFound:
    """The error that says so; also said of a call that must not be shown yet."""
    return NotFound(
        "call.not_found",
        f"There is no call {id[:80]!r}.",
        hint="A call is on record a moment after its end; the page Traffic lists the latest.",
    )


async def show_trace(db: Database, call: Call, entry: Entry | None, *, with_bodies: bool = True) -> Trace:
    """Everything about ``call``; ``entry`` is its provider, where that is still known."""
    hashes = {hash for hash in (call.request, call.reply) if hash and with_bodies}
    bodies = await get_bodies(db, hashes, [call.id]) if hashes else {}
    request, reply = await asyncio.to_thread(_read_bodies, bodies.get(call.request or ""), bodies.get(call.reply or ""))
    price = _price_now(call, entry)
    return Trace(
        call=show_call(call, with_words=with_bodies),
        attempts=[show_call(attempt, with_words=with_bodies) for attempt in await list_attempts(db, call)],
        key=await _key_name(db, call.key),
        losses=[show_loss(loss) for loss in call.losses],
        request=request,
        request_state=_state(call.request, request, with_bodies=with_bodies),
        reply=reply,
        reply_state=_state(call.reply, reply, with_bodies=with_bodies),
        price=price,
        cost_source=_cost_source(call, price),
    )


def show_loss(loss: str) -> ShownLoss:
    """A loss of the report in its pieces; what says nothing of its kind was dropped."""
    kind, colon, rest = loss.partition(":")
    what, _, detail = rest.partition("=")
    match kind:
        case "approximated" | "renamed" | "dropped" if colon:
            return ShownLoss(kind, what, detail or None)
    return ShownLoss("dropped", loss, None)


def _read_bodies(request: bytes | None, reply: bytes | None) -> tuple[Request | None, Transcript | None]:
    """In a thread: a request may be as long as a book."""
    return (
        _request.decode(request) if request is not None else None,
        _transcript.decode(reply) if reply is not None else None,
    )


def _state(hash: str | None, body: Request | Transcript | None, *, with_bodies: bool) -> BodyState:
    if body is not None:
        return "kept"
    if hash is None:
        return "none"
    return "gone" if with_bodies else "private"


async def _key_name(db: Database, id: str | None) -> str | None:
    return next((row.name for row in await keys.list_keys(db) if row.id == id), None) if id is not None else None


def _price_now(call: Call, entry: Entry | None) -> Price | None:
    models = entry.provider.models if entry is not None else ()
    return next((model.price for model in models if model.name == call.model), None)


def _cost_source(call: Call, price: Price | None) -> CostSource | None:
    if call.cached is not None:
        return "cache"
    if call.cost is None or call.usage is None:
        return None
    if call.usage.estimated:
        return "estimate"
    if call.usage.reported == call.cost:
        return "provider"
    return "price_list" if price is not None and price.cost(call.usage) == call.cost else "older_price_list"
