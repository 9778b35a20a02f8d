"""What the data plane knows: keys, routes and prices, frozen.

A request looks at one snapshot from beginning to end. Any change (a key made or revoked, a provider added) makes a new one
and swaps it in, so nothing on the request path takes a lock or asks the database.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from assay.core import Alias, Asker, Deployment, NotFound, Unauthorized, Unavailable, now_us
from assay.gateway.bounds import Bounds
from assay.gateway.upstream import Upstream
from assay.wire.codec import Codec, Listed

_LONGEST_NAME_GUESSED = 200

_log = logging.getLogger(__name__)


class Route(msgspec.Struct, frozen=True):
    """A deployment and the way to it."""

    deployment: Deployment
    upstream: Upstream


class Pool:
    """All that may answer to one name. ``groups`` are asked in order; in each, a route as often as its weight says.

    ``retries`` and ``cache_s`` are as in `Alias`. ``first`` is the route that stands for all: the first that can be called.
    ``has_choice``: there is more than one way to answer: another route, or another key.
    """

    __slots__ = ("cache_s", "first", "groups", "has_choice", "retries", "routes")

    def __init__(self, groups: Sequence[Sequence[tuple[Route, float]]], *, retries: int = 0, cache_s: int = 0):
        self.groups = groups
        self.retries = retries
        self.cache_s = cache_s
        self.routes = tuple(route for group in groups for route, _ in group)
        self.first = next((route for route in self.routes if route.upstream.is_ready), self.routes[0])
        self.has_choice = len(self.routes) > 1 or len(self.first.upstream.accesses) > 1

    @classmethod
    def of(cls, route: Route) -> Pool:
        """One route alone."""
        return cls((((route, 1.0),),))


class Snapshot:
    """Immutable. ``keys`` maps the keyed hash of each valid gateway key to its asker, ``aliases`` names to what stands behind them."""

    __slots__ = (
        "_aliases",
        "_bare",
        "_deployments",
        "_disabled",
        "_keys",
        "_listed",
        "_lists",
        "_pepper",
        "_pools",
        "_ready",
        "_targetless",
        "bounds",
        "routes",
        "upstreams",
    )

    def __init__(
        self,
        upstreams: Iterable[Upstream],
        models: Mapping[str, Iterable[str]],
        *,
        keys: Mapping[bytes, Asker],
        pepper: bytes,
        aliases: Mapping[str, Alias] = MappingProxyType({}),
        disabled: Collection[str] = (),
    ):
        self._keys = dict(keys)
        self.bounds: Mapping[str, Bounds] = {
            asker.key: bounds for asker in keys.values() if (bounds := Bounds.of(asker.scopes)) is not None
        }
        """By the keys' ids; a key that is good for everything has none."""

        self._pepper = pepper
        self._disabled = disabled
        self.upstreams: Mapping[str, Upstream] = MappingProxyType({upstream.provider.name: upstream for upstream in upstreams})
        self._deployments = dict(_routes(self.upstreams.values(), models))
        self._bare = _bare_names(self._deployments.values())
        self._aliases = frozenset(aliases)
        self._pools = {name: Pool.of(route) for name, route in (self._bare | self._deployments).items()}
        behind = {name: self._pool(name, alias) for name, alias in aliases.items()}
        self._targetless = frozenset(name for name, pool in behind.items() if pool is None)
        self._pools |= {name: pool for name, pool in behind.items() if pool is not None}
        self._ready = {name: pool for name, pool in self._pools.items() if pool.first.upstream.is_ready}
        self.routes: Mapping[str, Route] = MappingProxyType(
            self._deployments | {name: pool.first for name, pool in behind.items() if pool is not None}
        )
        self._listed = {name: _listed(name, route) for name, route in self.routes.items() if route.upstream.is_ready}
        self._lists: dict[str, bytes] = {}

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """What can be called now, each once."""
        return tuple({r.deployment.id: r.deployment for r in self.routes.values() if r.upstream.is_ready}.values())

    @property
    def marks(self) -> frozenset[int]:
        """Of every provider key that is known, as `Health` knows it."""
        return frozenset(access.mark for upstream in self.upstreams.values() for access in upstream.accesses)

    def check_key(self, key: bytes | None) -> Asker:
        """Whose gateway key this is. The time taken tells nothing about the keys that exist: only keyed hashes are compared.

        Raises:
            Unauthorized: ``key.missing``; ``key.invalid`` alike for unknown, mistyped, revoked and expired keys.
        """
        if key is None:
            raise Unauthorized(
                "key.missing",
                "No gateway key came with the request.",
                hint="Send it as 'Authorization: Bearer ask-...', or as x-api-key or x-goog-api-key.",
            )
        asker = self._keys.get(hmac.digest(self._pepper, key, "sha256"))
        if asker is None or (asker.expires is not None and asker.expires <= now_us()):
            raise Unauthorized(
                "key.invalid",
                "This gateway key is not valid here.",
                hint="Keys begin with 'ask-' and are made with 'assay key create' or on the Keys page.",
            )
        return asker

    def pool(self, name: str) -> Pool:
        """What answers to ``name``: an alias, a deployment id, any ``provider/model``, or a model name that only one provider lists.

        Raises:
            NotFound: ``model.not_found``, with the nearest names as a hint.
            Unavailable: ``provider.key_missing``; ``alias.no_target``: the alias names no deployment that is known.
        """
        pool = self._ready.get(name)
        if pool is not None:
            return pool
        pool = self._pools.get(name)
        if pool is None:
            if name in self._targetless:
                raise Unavailable(
                    "alias.no_target",
                    f"No target of the alias {name!r} is a deployment that can be asked.",
                    hint="Enable its provider, or give the alias other targets.",
                )
            route = self._direct(name)
            if route is None:
                raise NotFound(
                    "model.not_found", f"There is no model {name[:_LONGEST_NAME_GUESSED]!r} here.", hint=self._guess(name)
                )
            pool = Pool.of(route)
        pool.first.upstream.require_ready()
        return pool

    def pool_for(self, asker: Asker, name: str) -> Pool:
        """`pool`, for somebody whose key may not be good for every model.

        Raises:
            Forbidden: ``key.scope``; and as `pool`.
        """
        bounds = self.bounds.get(asker.key)
        if bounds is not None:
            # A pattern may name a deployment that is asked for by its model's name alone; what an alias stands for is its own.
            bare = None if name in self._aliases else self._bare.get(name)
            bounds.check_model(name, *(() if bare is None else (bare.deployment.id,)))
        return self.pool(name)

    def find(self, name: str) -> Route:
        """The route that stands for `pool`. Raises as it does."""
        return self.pool(name).first

    def deployment(self, id: str) -> Pool:
        """The very deployment of that id, even where an alias has the same name; else as `pool`."""
        route = self.route(id)
        if route is None:
            return self.pool(id)
        route.upstream.require_ready()
        return Pool.of(route)

    def route(self, id: str) -> Route | None:
        """The deployment that an alias means by ``id``, ready or not; None where no such provider is enabled."""
        return self._deployments.get(id) or self._direct(id)

    def list_models(self, codec: Codec, bounds: Bounds | None = None) -> bytes:
        """The list of models, in a client's protocol: those that a key within ``bounds`` is good for."""
        if bounds is not None:
            return codec.write_models([listed for name, listed in self._listed.items() if bounds.allows(name)])
        listed = self._lists.get(codec.NAME)
        if listed is None:
            listed = self._lists[codec.NAME] = codec.write_models(list(self._listed.values()))
        return listed

    def show_model(self, codec: Codec, name: str, asker: Asker) -> bytes:
        """One model, in a client's protocol. Raises as `pool_for` does."""
        route = self.pool_for(asker, name).first
        return codec.write_model(self._listed.get(name) or _listed(name, route))

    def _pool(self, name: str, alias: Alias) -> Pool | None:
        """None where no target can be asked. One without weight is asked never."""
        groups: dict[int, list[tuple[Route, float]]] = {}
        for target in alias.targets:
            route = self.route(target.deployment)
            if route is None:
                _log.debug("an alias names an unknown deployment alias=%s deployment=%s", name, target.deployment)
            elif target.weight > 0:
                groups.setdefault(target.priority, []).append((route, target.weight))
        if not groups:
            return None
        ordered = tuple(tuple(groups[priority]) for priority in sorted(groups))
        return Pool(ordered, retries=alias.retries, cache_s=alias.cache_s)

    def _direct(self, name: str) -> Route | None:
        provider, slash, model = name.partition("/")
        upstream = self.upstreams.get(provider)
        if not slash or not model or upstream is None:
            return None
        return Route(Deployment(id=name, provider=provider, model=model, upstream_model=model), upstream)

    def _guess(self, name: str) -> str:
        # Imported when needed: a wrong name is rare, and every worker would pay for it.
        import difflib

        provider = name.partition("/")[0]
        if provider in self._disabled:
            return f"The provider {provider!r} is not enabled; enable it on the Providers page."
        if len(name) > _LONGEST_NAME_GUESSED:
            return "GET /v1/models lists the models."
        known = {other.lower(): other for other in (*self._listed, *self._bare)}
        near = [known[match] for match in difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)]
        if near:
            return f"Did you mean {' or '.join(repr(match) for match in near)}?"
        return "GET /v1/models lists the models; 'provider/model' asks a provider for one that is not listed."


def _routes(upstreams: Iterable[Upstream], models: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, Route]]:
    for upstream in upstreams:
        provider = upstream.provider
        facts = {model.name: model for model in provider.models}
        for name in dict.fromkeys((*facts, *models.get(provider.name, ()))):
            fact = facts.get(name)
            deployment = Deployment(
                id=f"{provider.name}/{name}",
                provider=provider.name,
                model=name,
                upstream_model=name,
                title=fact.title if fact else None,
                price=fact.price if fact else None,
                max_output=fact.max_output if fact else None,
                organization=(fact.organization if fact else None) or provider.organization,
            )
            yield deployment.id, Route(deployment, upstream)


def _bare_names(routes: Iterable[Route]) -> dict[str, Route]:
    by_model: dict[str, list[Route]] = {}
    for route in routes:
        if route.upstream.is_ready:
            by_model.setdefault(route.deployment.model, []).append(route)
    return {model: found[0] for model, found in by_model.items() if len(found) == 1}


def _listed(name: str, route: Route) -> Listed:
    return name, 0, route.deployment.organization or route.deployment.provider, route.deployment.title
