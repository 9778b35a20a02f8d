"""What the data plane knows: keys, routes and prices, frozen.

A request looks at one snapshot from beginning to end. Any change (a key made or revoked, a provider added) makes a new one
and swaps it in, so nothing on the request path takes a lock or asks the database.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

import msgspec

from assay.core import Alias, Asker, Deployment, NotFound, Unauthorized, now_us
from assay.gateway.upstream import Upstream
from assay.wire.codec import Codec, Listed

_LONGEST_NAME_GUESSED = 200


class Route(msgspec.Struct, frozen=True):
    """A deployment and the way to it."""

    deployment: Deployment
    upstream: Upstream


class Snapshot:
    """Immutable. ``keys`` maps the keyed hash of each valid gateway key to its asker, ``aliases`` names to deployment ids."""

    __slots__ = ("_bare", "_disabled", "_keys", "_listed", "_lists", "_pepper", "routes", "upstreams")

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
        self._pepper = pepper
        self._disabled = disabled
        self.upstreams: Mapping[str, Upstream] = MappingProxyType({upstream.provider.name: upstream for upstream in upstreams})
        routes = dict(_routes(self.upstreams.values(), models))
        self._bare = _bare_names(routes.values())
        for name, alias in aliases.items():
            target = alias.targets[0].deployment
            if (route := routes.get(target) or self._direct(target)) is not None:
                routes[name] = route
        self.routes: Mapping[str, Route] = MappingProxyType(routes)
        self._listed = {name: _listed(name, route) for name, route in routes.items() if route.upstream.is_ready}
        self._lists: dict[str, bytes] = {}

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """What can be called now, each once."""
        return tuple({r.deployment.id: r.deployment for r in self.routes.values() if r.upstream.is_ready}.values())

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

    def find(self, name: str) -> Route:
        """The route for an alias, a deployment id, any ``provider/model``, or a model name that only one provider lists.

        Raises:
            NotFound: ``model.not_found``, with the nearest names as a hint.
            Unavailable: ``provider.key_missing``.
        """
        route = self.routes.get(name) or self._bare.get(name) or self._direct(name)
        if route is None:
            raise NotFound("model.not_found", f"There is no model {name[:_LONGEST_NAME_GUESSED]!r} here.", hint=self._guess(name))
        route.upstream.require_ready()
        return route

    def list_models(self, codec: Codec) -> bytes:
        """The list of models, in a client's protocol."""
        listed = self._lists.get(codec.NAME)
        if listed is None:
            listed = self._lists[codec.NAME] = codec.write_models(list(self._listed.values()))
        return listed

    def show_model(self, codec: Codec, name: str) -> bytes:
        """One model, in a client's protocol. Raises as `find` does."""
        route = self.find(name)
        return codec.write_model(self._listed.get(name) or _listed(name, route))

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
