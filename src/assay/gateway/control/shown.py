"""What the page and the API are shown of models, providers and calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from assay.core import Call, Limits, Measurement, Model, Origin, PriceTag, Provider, ProviderKind, Scopes, iso
from assay.gateway.conditions import Conditions
from assay.gateway.health import HealthState
from assay.gateway.provider_keys import KeySource
from assay.gateway.providers.blanks import known_values
from assay.gateway.registry import Entry


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider. ``ready`` says whether it can be called, ``reason`` why not. Unknown facts are None."""

    id: str
    model: str
    title: str
    provider: str
    provider_title: str
    kind: ProviderKind
    organization: str | None
    context: int | None
    max_output: int | None
    licence: str | None
    modalities: tuple[str, ...]
    price: PriceTag | None
    about: dict[str, str]
    ready: bool
    reason: Literal["key_missing", "disabled", "parameter_missing"] | None


class ModelList(msgspec.Struct, frozen=True):
    """Every model at every provider."""

    models: list[ShownModel]


class ShownProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider's key is from, its last characters, and the environment variables that are looked at."""

    source: KeySource
    hint: str | None
    env: tuple[str, ...]


class ShownParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A blank in a provider's row, such as its region. ``value`` is what fills it in now, null where nothing does."""

    name: str
    about: str
    value: str | None
    required: bool
    env: tuple[str, ...]


class ShownLive(msgspec.Struct, frozen=True, kw_only=True):
    """The last live check of one deployment: whether all came as it should, and what did not."""

    deployment: str
    at: str
    ok: bool
    reason: str | None


class ShownAccess(msgspec.Struct, frozen=True, kw_only=True):
    """One of a provider's keys: the last characters of it, where it is from, and whether it is left alone, until when and why."""

    name: str
    hint: str | None
    source: KeySource
    state: HealthState
    parked_until: str | None
    reason: str | None


class ShownProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider. ``found`` says of a local one whether it answers; ``models`` is how many are known, ``priced`` how many of them
    have prices, the newest as of ``prices_date``.

    ``protocols`` are those that it speaks itself, the one that others are translated to first; ``endpoints`` what it offers
    beside answers, null where nobody knows. ``live`` are live checks, the newest first; without one the row is only as true
    as its tests against a stand-in, by facts of ``facts_date``. ``state`` is ``parked`` where all of its ``keys`` are, else the worst
    of its deployments'; ``unknown`` where it cannot be called.
    """

    name: str
    title: str
    kind: ProviderKind
    base_url: str
    protocol: str
    protocols: tuple[str, ...]
    counts_tokens: bool
    stores_responses: bool
    endpoints: tuple[str, ...] | None
    parameters: list[ShownParameter]
    live: list[ShownLive]
    docs: str | None
    enabled: bool
    found: bool | None
    key: ShownProviderKey
    keys: list[ShownAccess]
    state: HealthState
    limits: ShownLimits
    models: int
    priced: int
    prices_date: str | None
    origin: Origin
    facts_date: str | None


class ProviderList(msgspec.Struct, frozen=True):
    """Every provider that is known."""

    providers: list[ShownProvider]


class ModelNames(msgspec.Struct, frozen=True):
    """The names of one provider's models."""

    models: tuple[str, ...]


class ShownLimits(Limits, frozen=True, kw_only=True, omit_defaults=False):
    """How much at a time; null is no bound."""


class ShownScopes(Scopes, frozen=True, kw_only=True, omit_defaults=False):
    """What a key is good for; an empty list allows all."""


class ShownCall(Call, frozen=True, kw_only=True, omit_defaults=False):
    """A call as it is on record; ``at`` is ISO 8601, durations are microseconds."""

    at: str  # type: ignore[assignment]  # the one field that is told otherwise than it is kept


class CallPage(msgspec.Struct, frozen=True):
    """Some calls, newest first; ``next`` is the ``before`` of the page after this one."""

    calls: list[ShownCall]
    next: str | None


def model_names(entry: Entry, listed: tuple[str, ...]) -> tuple[str, ...]:
    """The models of the provider's row, then those that it ``listed`` itself."""
    return tuple(dict.fromkeys((*(model.name for model in entry.provider.models), *listed)))


def show_models(entry: Entry) -> list[ShownModel]:
    """Every known model of one provider."""
    facts = {model.name: model for model in entry.provider.models}
    return [_model(entry, facts.get(name) or Model(name=name)) for name in model_names(entry, entry.models)]


def show_provider(entry: Entry, found: bool | None, seen: Conditions, facts: Iterable[Measurement] = ()) -> ShownProvider:
    """One provider; ``found`` counts for a local one only, ``facts`` are live checks of any providers."""
    row = entry.provider
    offers = [offer for offer in row.offers.values() if offer.answers]
    dates = [model.price.date for model in row.models if model.price is not None]
    return ShownProvider(
        name=row.name,
        title=row.title,
        kind=row.kind,
        base_url=row.base_url,
        protocol=row.protocol,
        protocols=tuple(protocol for protocol, offer in row.offers.items() if offer.answers),
        counts_tokens=any(offer.counts_tokens for offer in offers),
        stores_responses=any(offer.stores_responses for offer in offers),
        endpoints=_endpoints(row),
        parameters=_parameters(row),
        live=_live(row.name, facts),
        docs=row.docs,
        enabled=entry.enabled,
        found=bool(found) if row.kind == "local" else None,
        key=ShownProviderKey(source=entry.key.source, hint=entry.key.hint, env=row.key_env),
        keys=_keys(entry, seen),
        state=seen.of_provider(row.name, entry.marks) if entry.is_ready else "unknown",
        limits=show_limits(entry.limits),
        models=len(model_names(entry, entry.models)),
        priced=len(dates),
        prices_date=max((date for date in dates if date is not None), default=None),
        origin=row.origin,
        facts_date=row.facts,
    )


def show_limits(limits: Limits) -> ShownLimits:
    """Limits, with those that are none."""
    return ShownLimits(**msgspec.structs.asdict(limits))


def show_call(call: Call, *, with_words: bool) -> ShownCall:
    """One call. Whoever may not read its words is not told how its provider named the answer either, with which a conversation is gone
    on with, nor the words' hashes, which would tell whether a guess is right."""
    withheld: dict[str, None] = {} if with_words else dict.fromkeys(("upstream_id", "request", "reply"))
    return ShownCall(**msgspec.structs.asdict(call) | {"at": iso(call.at)} | withheld)


def _model(entry: Entry, model: Model) -> ShownModel:
    provider = entry.provider
    return ShownModel(
        id=f"{provider.name}/{model.name}",
        model=model.name,
        title=model.title or model.name,
        provider=provider.name,
        provider_title=provider.title,
        kind=provider.kind,
        organization=model.organization or provider.organization,
        context=model.context,
        max_output=model.max_output,
        licence=model.licence,
        modalities=model.modalities,
        price=model.price.tag if model.price is not None else None,
        about=model.about,
        ready=entry.is_ready,
        reason=_reason(entry),
    )


def _reason(entry: Entry) -> Literal["key_missing", "disabled", "parameter_missing"] | None:
    if entry.is_ready:
        return None
    if not entry.enabled:
        return "disabled"
    return "key_missing" if entry.key.source == "missing" else "parameter_missing"


def _keys(entry: Entry, seen: Conditions) -> list[ShownAccess]:
    shown = []
    for key in entry.keys:
        known = seen.of_key(entry.provider.name, key.name)
        shown.append(
            ShownAccess(
                name=key.name,
                hint=key.hint,
                source=key.source,
                state="ok" if known is None else known.state,
                parked_until=None if known is None else iso(known.until),
                reason=None if known is None else known.reason,
            )
        )
    return shown


def _endpoints(row: Provider) -> tuple[str, ...] | None:
    known = [offer.endpoints for offer in row.offers.values() if offer.endpoints is not None]
    return tuple(dict.fromkeys(name for endpoints in known for name in endpoints)) if known else None


def _parameters(row: Provider) -> list[ShownParameter]:
    """Those that are asked for; what is made of others is not."""
    values = known_values(row)
    return [
        ShownParameter(name=name, about=blank.about, value=values.get(name), required=blank.required, env=blank.env)
        for name, blank in row.parameters.items()
        if blank.made_of is None
    ]


def _live(provider: str, facts: Iterable[Measurement]) -> list[ShownLive]:
    own = [fact for fact in facts if fact.subject.partition("/")[0] == provider]
    return [
        ShownLive(deployment=fact.subject, at=iso(fact.at), ok=fact.value == "live", reason=fact.reason)
        for fact in sorted(own, key=lambda fact: fact.at, reverse=True)
    ]
