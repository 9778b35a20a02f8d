"""Where models are: who trained them, who serves them, and the pair of both that can be called."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from assay.core.money import Price

Origin: TypeAlias = Literal["shipped", "database", "file", "environment", "flag"]
"""Where a row or a setting came from; a later one in this list wins."""
ProviderKind: TypeAlias = Literal["cloud", "local", "practice"]


class Provider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answers an API: a row of data, never code. ``base_url`` is what comes before the protocol's own path."""

    name: str
    title: str
    base_url: str
    protocol: str = "openai_chat"
    kind: ProviderKind = "cloud"
    auth: Literal["bearer", "none"] = "bearer"
    key_env: tuple[str, ...] = ()
    docs: str | None = None
    models_path: str | None = "/models"
    renames: dict[str, str] = {}
    drops: tuple[str, ...] = ()
    clamps: dict[str, tuple[float, float]] = {}
    headers: dict[str, str] = {}
    stream_usage: bool = True
    organization: str | None = None
    models: tuple[Model, ...] = ()
    facts: str | None = None
    origin: Origin = "shipped"


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Named weights or a version, as a provider lists it. Unknown facts are None."""

    name: str
    title: str | None = None
    organization: str | None = None
    context: int | None = None
    max_output: int | None = None
    licence: str | None = None
    modalities: tuple[str, ...] = ("text",)
    price: Price | None = None
    about: dict[str, str] = {}


class Deployment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model at a provider. ``id`` is ``provider/model``, and is itself an alias that clients may ask for."""

    id: str
    provider: str
    model: str
    upstream_model: str
    title: str | None = None
    price: Price | None = None
    settings: dict[str, Any] = {}
    organization: str | None = None
