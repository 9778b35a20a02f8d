"""The control plane's part of the API: models and providers.

Thin: each route asks the registry or the store, and shows what it got. Imported by the web layer only.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import Literal

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import Provider
from assay.core.deployment import Auth
from assay.gateway.control.probe import Tested, find_local, test_provider
from assay.gateway.control.shown import (
    ModelList,
    ModelNames,
    ProviderList,
    ShownProvider,
    model_names,
    show_models,
    show_provider,
)
from assay.gateway.control.verify import LIVE, Verified, verify_provider
from assay.gateway.gateway import Gateway
from assay.gateway.provider_keys import check_provider_key
from assay.store.queries import latest_measurements

LOOK_AGAIN_S = 10
"""How long a look at the local ports is good for."""

_AUTH: dict[str, Auth] = {
    "openai_chat": "bearer",
    "openai_responses": "bearer",
    "anthropic": "x-api-key",
    "gemini": "x-goog-api-key",
}
"""Where each protocol's own clients put the key."""


class ProviderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's key, to be sealed."""

    key: str


class Enabled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a local provider may be called."""

    enabled: bool


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What fills in the blanks of a provider's row, by name; an empty value takes one away."""

    values: dict[str, str]


class NewProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider of the user's own, and the protocol that it speaks."""

    name: str
    base_url: str
    title: str | None = None
    key: str | None = None
    protocol: Literal["openai_chat", "openai_responses", "anthropic", "gemini"] = "openai_chat"


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model to ask; None takes the first that is known."""

    model: str | None = None


class ControlPlane:
    """The routes' handlers."""

    def __init__(self, gateway: Gateway):
        self._gateway = gateway
        self._found: dict[str, bool] = {}
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def list_models(self, request: Request) -> ModelList:
        """Every model at every provider, and whether it can be called."""
        return ModelList([model for entry in self._gateway.registry.entries.values() for model in show_models(entry)])

    async def list_providers(self, request: Request) -> ProviderList:
        """Every provider, where its key comes from, and whether a local one was found."""
        found = await self._find_local()
        facts = await latest_measurements(self._gateway.db, LIVE)
        seen = self._gateway.conditions()
        return ProviderList(
            [show_provider(entry, found.get(name), seen, facts) for name, entry in self._gateway.registry.entries.items()]
        )

    async def add_provider(self, request: Request, body: NewProvider) -> ShownProvider:
        """Add a provider that speaks one of the four protocols."""
        provider = Provider(
            name=body.name,
            title=body.title or body.name,
            base_url=body.base_url,
            protocol=body.protocol,
            auth=_AUTH[body.protocol] if body.key else "none",
            origin="database",
        )
        if body.key:
            check_provider_key(body.key)
        await self._gateway.registry.add(provider)
        await self._gateway.changed()
        if body.key:
            await self._gateway.registry.set_key(body.name, body.key)
            await self._gateway.changed()
        return await self.show(body.name)

    async def remove_provider(self, request: Request) -> None:
        """Remove a provider that was added."""
        await self._gateway.registry.remove(_name(request))
        await self._gateway.changed()

    async def set_key(self, request: Request, body: ProviderKey) -> ShownProvider:
        """Seal a provider's key in the vault."""
        await self._gateway.registry.set_key(_name(request), body.key)
        await self._gateway.changed()
        return await self.show(_name(request))

    async def set_values(self, request: Request, body: Values) -> ShownProvider:
        """Fill in the blanks of a provider's row, such as its region."""
        await self._gateway.registry.set_values(_name(request), body.values)
        await self._gateway.changed()
        return await self.show(_name(request))

    async def forget_key(self, request: Request) -> ShownProvider:
        """Remove a provider's key from the vault."""
        await self._gateway.registry.forget_key(_name(request))
        await self._gateway.changed()
        return await self.show(_name(request))

    async def enable(self, request: Request, body: Enabled) -> ShownProvider:
        """Allow or stop calls to a local provider."""
        await self._gateway.registry.enable(_name(request), body.enabled)
        await self._gateway.changed()
        return await self.show(_name(request))

    async def test(self, request: Request) -> Tested:
        """Ask a provider for its models: is it there, and does it take the key?"""
        entry = self._gateway.registry.get(_name(request))
        tested = await test_provider(self._gateway.client, entry.upstream())
        if tested.ok and tested.models:
            await self._gateway.registry.note_models(entry.provider.name, tested.models)
            await self._gateway.changed()
        return msgspec.structs.replace(tested, models=model_names(entry, tested.models))

    async def verify(self, request: Request, body: Verification) -> Verified:
        """Ask a provider for real answers, a few tokens each, and put on record whether they came as they should."""
        gateway = self._gateway
        entry = gateway.registry.get(_name(request))
        return await verify_provider(gateway.db, gateway.client, gateway.recorder, gateway.snapshot, entry, body.model)

    async def provider_models(self, request: Request) -> ModelNames:
        """The names of a provider's models."""
        entry = self._gateway.registry.get(_name(request))
        return ModelNames(model_names(entry, entry.models))

    async def show(self, name: str) -> ShownProvider:
        """One provider."""
        facts = await latest_measurements(self._gateway.db, LIVE)
        seen = self._gateway.conditions()
        return show_provider(self._gateway.registry.get(name), self._found.get(name), seen, facts)

    async def _find_local(self) -> dict[str, bool]:
        async with self._looking:
            if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
                self._found = await find_local(self._gateway.client, self._gateway.registry.entries.values())
                self._looked_at = time.monotonic()
        return self._found


def routes(gateway: Gateway) -> list[Endpoint]:
    """The routes."""
    plane = ControlPlane(gateway)
    return [
        Endpoint("GET", "/api/v1/models", plane.list_models),
        Endpoint("GET", "/api/v1/providers", plane.list_providers),
        Endpoint(
            "POST",
            "/api/v1/providers",
            plane.add_provider,
            status=HTTPStatus.CREATED,
            role="admin",
            tells=("name", "title", "protocol"),
        ),
        Endpoint("DELETE", "/api/v1/providers/{name}", plane.remove_provider, role="admin"),
        Endpoint("PUT", "/api/v1/providers/{name}/key", plane.set_key, role="admin"),
        Endpoint("DELETE", "/api/v1/providers/{name}/key", plane.forget_key, role="admin"),
        Endpoint("PUT", "/api/v1/providers/{name}/values", plane.set_values, role="admin"),
        Endpoint("POST", "/api/v1/providers/{name}/enabled", plane.enable, role="admin", tells=("enabled",)),
        Endpoint("POST", "/api/v1/providers/{name}/test", plane.test, role="admin"),
        Endpoint("POST", "/api/v1/providers/{name}/verify", plane.verify, role="admin"),
        Endpoint("GET", "/api/v1/providers/{name}/models", plane.provider_models),
    ]


def _name(request: Request) -> str:
    return str(request.path_params["name"])
