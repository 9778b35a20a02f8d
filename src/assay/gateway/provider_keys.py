"""The keys that are known for a provider: in the vault, each under a name, and in the environment.

A provider's key is looked for in the vault, then in the environment. Further ones have names of their own: those that they were
given in the vault, and the numbers of ``NAME_API_KEY_2`` and on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from assay.core import InvalidInput, Provider
from assay.gateway.signing import ambient_key, check_google_key
from assay.gateway.upstream import DEFAULT_KEY
from assay.store.vault import Secret

KeySource: TypeAlias = Literal["vault", "environment", "none_needed", "missing"]

_MOST_NUMBERED = 20
"""Keys of one provider in the environment."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class KnownKey(msgspec.Struct, frozen=True):
    """Where a provider's key is from, and what may be shown of it."""

    source: KeySource
    hint: str | None = None
    secret: Secret | None = None
    name: str = DEFAULT_KEY


def find_key(row: Provider, sealed: Mapping[str, Secret], environ: Mapping[str, str]) -> KnownKey:
    """The one that has no name of its own."""
    secret = sealed.get(record_of(row.name))
    if secret is not None:
        return KnownKey("vault", secret.hint, secret)
    for name in row.key_env:
        value = environ.get(name, "").strip()
        if _is_usable(value):
            secret = Secret(value)
            return KnownKey("environment", secret.hint, secret)
    if (ambient := ambient_key(row.auth, environ)) is not None:
        secret = Secret(ambient)
        return KnownKey("environment", None, secret)
    return KnownKey("none_needed" if row.auth == "none" else "missing")


def find_more(row: Provider, sealed: Mapping[str, Secret], environ: Mapping[str, str]) -> tuple[KnownKey, ...]:
    """Further ones."""
    found: dict[str, KnownKey] = {}
    for variable in row.key_env:
        for number in range(2, _MOST_NUMBERED + 1):
            value = environ.get(f"{variable}_{number}", "").strip()
            if _is_usable(value):
                secret = Secret(value)
                found.setdefault(str(number), KnownKey("environment", secret.hint, secret, str(number)))
    prefix = record_of(row.name) + ":"
    for record, secret in sealed.items():
        if record.startswith(prefix):
            name = record.removeprefix(prefix)
            found[name] = KnownKey("vault", secret.hint, secret, name)
    return tuple(found.values())


def _is_usable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()


def record_of(provider: str, key: str = DEFAULT_KEY) -> str:
    """Under which name the vault keeps a key."""
    return f"provider:{provider}" if key == DEFAULT_KEY else f"provider:{provider}:{key}"


def check_key_name(name: str) -> None:
    """Refuse a name that no key can have.

    Raises:
        InvalidInput: ``provider.key_name``.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "provider.key_name",
            f"{name[:80]!r} is no name of a provider key.",
            hint="Use small letters, digits, hyphens and underscores, 64 at most.",
            param="name",
        )


def check_provider_key(key: str, auth: str = "bearer") -> str:
    """``key`` without the white space around it.

    Raises:
        InvalidInput: ``provider.key``: empty, or nothing that a header can carry.
    """
    key = key.strip()
    if auth == "google" and key.startswith("{"):
        return check_google_key(key)
    if not key or len(key) > 4096 or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            "provider.key",
            "A provider key is one word of printable ASCII characters.",
            hint="Paste the key alone.",
            param="key",
        )
    return key
