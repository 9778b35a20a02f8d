"""What the page and the API are shown of models, providers, keys and calls."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from assay.core import Call, Model, Origin, PriceTag, ProviderKind, iso
from assay.gateway.registry import Entry, KeySource
from assay.store.keys import KeyRow


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
    reason: Literal["key_missing", "disabled"] | None


class ModelList(msgspec.Struct, frozen=True):
    """Every model at every provider."""

    models: list[ShownModel]


class ShownProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider's key is from, its last characters, and the environment variables that are looked at."""

    source: KeySource
    hint: str | None
    env: tuple[str, ...]


class ShownProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider. ``found`` says of a local one whether it answers; ``models`` is how many are known."""

    name: str
    title: str
    kind: ProviderKind
    base_url: str
    protocol: str
    docs: str | None
    enabled: bool
    found: bool | None
    key: ShownProviderKey
    models: int
    origin: Origin
    facts_date: str | None


class ProviderList(msgspec.Struct, frozen=True):
    """Every provider that is known."""

    providers: list[ShownProvider]


class ModelNames(msgspec.Struct, frozen=True):
    """The names of one provider's models."""

    models: tuple[str, ...]


class ShownKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a gateway key without knowing the key; ``hint`` is its last four characters."""

    id: str
    name: str
    hint: str
    created: str
    last_used: str | None
    revoked: str | None


class MadeKey(ShownKey, frozen=True, kw_only=True):
    """A new gateway key, with the key itself: here and never again."""

    key: str


class KeyList(msgspec.Struct, frozen=True):
    """All gateway keys, the revoked ones too."""

    keys: list[ShownKey]


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


def show_provider(entry: Entry, found: bool | None) -> ShownProvider:
    """One provider; ``found`` counts for a local one only."""
    row = entry.provider
    return ShownProvider(
        name=row.name,
        title=row.title,
        kind=row.kind,
        base_url=row.base_url,
        protocol=row.protocol,
        docs=row.docs,
        enabled=entry.enabled,
        found=bool(found) if row.kind == "local" else None,
        key=ShownProviderKey(source=entry.key.source, hint=entry.key.hint, env=row.key_env),
        models=len(model_names(entry, entry.models)),
        origin=row.origin,
        facts_date=row.facts,
    )


def show_key(row: KeyRow) -> ShownKey:
    """One gateway key."""
    return ShownKey(**_told(row))


def show_made_key(row: KeyRow, key: str) -> MadeKey:
    """A gateway key that was just made."""
    return MadeKey(**_told(row), key=key)


def show_call(call: Call) -> ShownCall:
    """One call."""
    return ShownCall(**msgspec.structs.asdict(call) | {"at": iso(call.at)})


def _told(row: KeyRow) -> dict[str, Any]:
    times = {"created": row.created, "last_used": row.last_used, "revoked": row.revoked}
    return {"id": row.id, "name": row.name, "hint": row.hint} | {
        name: iso(at) if at is not None else None for name, at in times.items()
    }


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
        reason=None if entry.is_ready else "key_missing" if entry.enabled else "disabled",
    )
