"""Aliases, and what belongs to several keys of one provider: its further keys and its limits."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import Alias, Limits, Target
from assay.gateway.conditions import Conditions
from assay.gateway.control.routes import ControlPlane
from assay.gateway.control.shown import ShownProvider
from assay.gateway.gateway import Gateway
from assay.gateway.health import HealthState
from assay.gateway.registry import KnownAlias


class NewAlias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to stand behind a name; as in the table ``[aliases]`` of the configuration file."""

    targets: tuple[Target, ...]
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    cache_s: Annotated[int, msgspec.Meta(ge=0)] = 0


class ShownTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment behind an alias; ``state`` is ``unknown`` where it cannot be called."""

    deployment: str
    weight: float
    priority: int
    state: HealthState


class ShownAlias(msgspec.Struct, frozen=True, kw_only=True):
    """A name that clients may ask for. Those of the ``file`` can only be changed there."""

    name: str
    targets: list[ShownTarget]
    retries: int
    cache_s: int
    origin: Literal["database", "file"]


class AliasList(msgspec.Struct, frozen=True):
    """All of them."""

    aliases: list[ShownAlias]


class NewProviderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further key of a provider, under a name of its own."""

    name: str
    key: str


class NewLimits(Limits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a provider may be asked at a time; what is left out or null has no bound."""


class Routing:
    """The routes' handlers. ``plane`` shows providers."""

    def __init__(self, gateway: Gateway, plane: ControlPlane):
        self._gateway = gateway
        self._plane = plane

    async def list_aliases(self, request: Request) -> AliasList:
        """Names that clients may ask for, and how those are who answer to them."""
        return AliasList([self._show(name, known) for name, known in sorted(self._gateway.registry.aliases.items())])

    async def set_alias(self, request: Request, body: NewAlias) -> ShownAlias:
        """Let a name stand for one or several deployments, in place of what it stood for."""
        name = str(request.path_params["name"])
        alias = Alias(targets=body.targets, retries=body.retries, cache_s=body.cache_s)
        await self._gateway.registry.set_alias(name, alias)
        await self._gateway.changed()
        return self._show(name, KnownAlias(alias, "database"))

    async def remove_alias(self, request: Request) -> None:
        """Let a name stand for nothing."""
        await self._gateway.registry.remove_alias(str(request.path_params["name"]))
        await self._gateway.changed()

    async def add_key(self, request: Request, body: NewProviderKey) -> ShownProvider:
        """Seal a further key of a provider in the vault; it is used in turn with the others."""
        name = str(request.path_params["name"])
        await self._gateway.registry.set_key(name, body.key, body.name)
        await self._gateway.changed()
        return await self._plane.show(name)

    async def forget_key(self, request: Request) -> ShownProvider:
        """Remove one of a provider's keys from the vault."""
        name = str(request.path_params["name"])
        await self._gateway.registry.forget_key(name, str(request.path_params["key"]))
        await self._gateway.changed()
        return await self._plane.show(name)

    async def limit(self, request: Request, body: NewLimits) -> ShownProvider:
        """Bound how much a provider is asked at a time, by all askers together."""
        name = str(request.path_params["name"])
        await self._gateway.registry.limit(name, Limits(**msgspec.structs.asdict(body)))
        await self._gateway.changed()
        return await self._plane.show(name)

    def _show(self, name: str, known: KnownAlias) -> ShownAlias:
        alias, seen = known.alias, self._gateway.conditions()
        targets = [
            ShownTarget(
                deployment=target.deployment,
                weight=target.weight,
                priority=target.priority,
                state=self._state(target.deployment, seen),
            )
            for target in alias.targets
        ]
        return ShownAlias(name=name, targets=targets, retries=alias.retries, cache_s=alias.cache_s, origin=known.origin)

    def _state(self, deployment: str, seen: Conditions) -> HealthState:
        route = self._gateway.snapshot.route(deployment)
        if route is None or not route.upstream.is_ready:
            return "unknown"
        provider = route.deployment.provider
        if all(seen.of_key(provider, access.name) is not None for access in route.upstream.accesses):
            return "parked"
        known = seen.deployments.get(route.deployment.id)
        return "ok" if known is None else known.state


def routing_routes(gateway: Gateway) -> list[Endpoint]:
    """The routes."""
    routing = Routing(gateway, ControlPlane(gateway))
    return [
        Endpoint("GET", "/api/v1/aliases", routing.list_aliases),
        Endpoint("PUT", "/api/v1/aliases/{name}", routing.set_alias, role="admin", tells=("targets", "retries", "cache_s")),
        Endpoint("DELETE", "/api/v1/aliases/{name}", routing.remove_alias, role="admin"),
        Endpoint(
            "POST", "/api/v1/providers/{name}/keys", routing.add_key, status=HTTPStatus.CREATED, role="admin", tells=("name",)
        ),
        Endpoint("DELETE", "/api/v1/providers/{name}/keys/{key}", routing.forget_key, role="admin"),
        Endpoint(
            "PUT",
            "/api/v1/providers/{name}/limits",
            routing.limit,
            role="admin",
            tells=("requests_per_minute", "tokens_per_minute", "concurrent"),
        ),
    ]
