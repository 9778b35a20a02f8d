"""The control plane's part of the API: models, providers, gateway keys and the record of calls.

Thin: each route decodes, asks the registry or the store, and encodes. Imported by the web layer only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Any, TypeVar, cast, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.core import AssayError, Call, InvalidInput, Model, Price, Provider, Purpose, TooLarge, iso
from assay.gateway.gateway import Gateway
from assay.gateway.probe import find_local, test_provider, verify_provider
from assay.gateway.registry import Entry
from assay.store import keys
from assay.store.queries import list_calls

MAX_BODY_BYTES = 64 * 1024
MAX_CALLS = 500
LOOK_AGAIN_S = 10
"""How long a look at the local ports is good for."""

HiddenRequests = Callable[[], Awaitable[Collection[str]]]
_T = TypeVar("_T")


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who or what will use the key."""

    name: str


class ProviderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's key, to be sealed."""

    key: str


class Enabled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a local provider may be called."""

    enabled: bool


class NewProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider of the user's own, that speaks OpenAI chat completions."""

    name: str
    base_url: str
    title: str | None = None
    key: str | None = None


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model to ask; None takes the first that is known."""

    model: str | None = None


class ControlPlane:
    """The routes' handlers. ``hidden`` names the requests of open battles; without it no battle's call is listed at all."""

    def __init__(self, gateway: Gateway, hidden: HiddenRequests | None):
        self._gateway = gateway
        self._hidden = hidden
        self._found: dict[str, bool] = {}
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    # Models and providers

    async def list_models(self, request: Request) -> Response:
        models = [row for entry in self._gateway.registry.entries.values() for row in _models(entry)]
        return _json({"models": models})

    async def list_providers(self, request: Request) -> Response:
        found = await self._find_local()
        rows = [_provider(entry, found.get(name)) for name, entry in self._gateway.registry.entries.items()]
        return _json({"providers": rows})

    async def add_provider(self, request: Request) -> Response:
        new = await _read(request, NewProvider)
        provider = Provider(
            name=new.name,
            title=new.title or new.name,
            base_url=new.base_url,
            auth="bearer" if new.key else "none",
            origin="database",
        )
        await self._gateway.registry.add(provider)
        await self._gateway.refresh()
        if new.key:
            await self._gateway.registry.set_key(new.name, new.key)
            await self._gateway.refresh()
        return self._show(new.name, HTTPStatus.CREATED)

    async def remove_provider(self, request: Request) -> Response:
        await self._gateway.registry.remove(request.path_params["name"])
        await self._gateway.refresh()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def set_key(self, request: Request) -> Response:
        await self._gateway.registry.set_key(request.path_params["name"], (await _read(request, ProviderKey)).key)
        await self._gateway.refresh()
        return self._show(request.path_params["name"])

    async def forget_key(self, request: Request) -> Response:
        await self._gateway.registry.forget_key(request.path_params["name"])
        await self._gateway.refresh()
        return self._show(request.path_params["name"])

    async def enable(self, request: Request) -> Response:
        await self._gateway.registry.enable(request.path_params["name"], (await _read(request, Enabled)).enabled)
        await self._gateway.refresh()
        return self._show(request.path_params["name"])

    async def test(self, request: Request) -> Response:
        entry = self._gateway.registry.get(request.path_params["name"])
        tested = await test_provider(self._gateway.client, entry.upstream())
        if tested.ok and tested.models:
            await self._gateway.registry.note_models(entry.provider.name, tested.models)
            await self._gateway.refresh()
        return _json(
            {
                "ok": tested.ok,
                "latency_ms": tested.latency_ms,
                "models": list(self._names(entry, tested.models)),
                "error": _problem(tested.error) if tested.error is not None else None,
            }
        )

    async def verify(self, request: Request) -> Response:
        gateway = self._gateway
        entry = gateway.registry.get(request.path_params["name"])
        asked = await _read(request, Verification, empty=Verification())
        return _json(
            await verify_provider(
                gateway.db, gateway.client, gateway.recorder, gateway.caller, gateway.snapshot, entry, asked.model
            )
        )

    async def provider_models(self, request: Request) -> Response:
        entry = self._gateway.registry.get(request.path_params["name"])
        return _json({"models": list(self._names(entry, entry.models))})

    def _show(self, name: str, status: int = HTTPStatus.OK) -> Response:
        return _json(_provider(self._gateway.registry.get(name), self._found.get(name)), status)

    @staticmethod
    def _names(entry: Entry, listed: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(model.name for model in entry.provider.models), *listed)))

    async def _find_local(self) -> dict[str, bool]:
        async with self._looking:
            if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
                self._found = await find_local(self._gateway.client, self._gateway.registry.entries.values())
                self._looked_at = time.monotonic()
        return self._found

    # Gateway keys

    async def list_keys(self, request: Request) -> Response:
        return _json({"keys": [_key(row) for row in await keys.list_keys(self._gateway.db)]})

    async def create_key(self, request: Request) -> Response:
        row, key = await keys.create_key(self._gateway.db, self._gateway.vault, (await _read(request, NewKey)).name)
        await self._gateway.refresh()
        return _json({**_key(row), "key": key}, HTTPStatus.CREATED)

    async def revoke_key(self, request: Request) -> Response:
        row = await keys.revoke_key(self._gateway.db, request.path_params["id"])
        await self._gateway.refresh()
        return _json(_key(row))

    # Calls

    async def list_calls(self, request: Request) -> Response:
        query = request.query_params
        limit = query.get("limit", "50")
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_CALLS:
            raise InvalidInput("calls.bad_limit", f"limit={limit!r} is not a number from 1 to {MAX_CALLS}.", param="limit")
        purpose = _purpose(query.get("purpose"))
        hidden = await self._hidden() if self._hidden is not None else ()
        calls = await list_calls(self._gateway.db, int(limit), query.get("before"), purpose, hidden)
        shown = calls if self._hidden is not None else [call for call in calls if call.purpose != "battle"]
        return _json({"calls": [_call(call) for call in shown], "next": calls[-1].id if len(calls) == int(limit) else None})


def routes(gateway: Gateway, hidden: HiddenRequests | None = None) -> list[Route]:
    """The routes; ``hidden`` gives the request ids of open battles, whose calls are not shown."""
    plane = ControlPlane(gateway, hidden)
    table = [
        ("GET", "/models", plane.list_models),
        ("GET", "/providers", plane.list_providers),
        ("POST", "/providers", plane.add_provider),
        ("DELETE", "/providers/{name}", plane.remove_provider),
        ("PUT", "/providers/{name}/key", plane.set_key),
        ("DELETE", "/providers/{name}/key", plane.forget_key),
        ("POST", "/providers/{name}/enabled", plane.enable),
        ("POST", "/providers/{name}/test", plane.test),
        ("POST", "/providers/{name}/verify", plane.verify),
        ("GET", "/providers/{name}/models", plane.provider_models),
        ("GET", "/keys", plane.list_keys),
        ("POST", "/keys", plane.create_key),
        ("DELETE", "/keys/{id}", plane.revoke_key),
        ("GET", "/calls", plane.list_calls),
    ]
    return [Route(f"/api/v1{path}", handler, methods=[method]) for method, path, handler in table]


async def _read(request: Request, kind: type[_T], *, empty: _T | None = None) -> _T:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge("api.too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.")
    if not body.strip() and empty is not None:
        return empty
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("api.bad_body", f"The body is not what this needs: {error}.") from None


def _purpose(asked: str | None) -> Purpose | None:
    if asked is None:
        return None
    for purpose in get_args(Purpose):
        if purpose == asked:
            return cast(Purpose, purpose)
    raise InvalidInput("calls.bad_purpose", f"purpose={asked!r} is not one of {', '.join(get_args(Purpose))}.", param="purpose")


def _json(value: object, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, {"cache-control": "no-store"}, media_type="application/json")


def _problem(error: AssayError) -> dict[str, Any]:
    return {
        "type": f"/docs/errors#{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
    }


def _provider(entry: Entry, found: bool | None) -> dict[str, Any]:
    row = entry.provider
    return {
        "name": row.name,
        "title": row.title,
        "kind": row.kind,
        "base_url": row.base_url,
        "protocol": row.protocol,
        "docs": row.docs,
        "enabled": entry.enabled,
        "found": bool(found) if row.kind == "local" else None,
        "key": {"source": entry.key.source, "hint": entry.key.hint, "env": list(row.key_env)},
        "models": len(ControlPlane._names(entry, entry.models)),
        "origin": row.origin,
        "facts_date": row.facts,
    }


def _models(entry: Entry) -> list[dict[str, Any]]:
    facts = {model.name: model for model in entry.provider.models}
    return [_model(entry, facts.get(name) or Model(name=name)) for name in ControlPlane._names(entry, entry.models)]


def _model(entry: Entry, model: Model) -> dict[str, Any]:
    provider = entry.provider
    return {
        "id": f"{provider.name}/{model.name}",
        "model": model.name,
        "title": model.title or model.name,
        "provider": provider.name,
        "provider_title": provider.title,
        "kind": provider.kind,
        "organization": model.organization or provider.organization,
        "context": model.context,
        "max_output": model.max_output,
        "licence": model.licence,
        "modalities": list(model.modalities),
        "price": _price(model.price),
        "about": model.about,
        "ready": entry.is_ready,
        "reason": None if entry.is_ready else "key_missing" if entry.enabled else "disabled",
    }


def _price(price: Price | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {name: getattr(price, name) for name in ("input", "output", "currency", "date", "source")}


def _key(row: keys.KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "created": iso(row.created),
        "last_used": iso(row.last_used) if row.last_used is not None else None,
        "revoked": iso(row.revoked) if row.revoked is not None else None,
    }


def _call(call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(call)
    return dict.fromkeys(Call.__struct_fields__) | shown | {"at": iso(call.at), "losses": list(call.losses)}
