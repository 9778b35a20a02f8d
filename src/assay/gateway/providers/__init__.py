"""The providers that Assay ships: one TOML file each, a row of facts and no code.

A row says where a provider answers, how it wants its key, and where its dialect differs from the protocol's own: fields
renamed, dropped or kept within bounds. Every row carries the date of its facts and a link to their source.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import resources

import msgspec

from assay.core import InvalidInput, Provider
from assay.gateway.origin import read_url, write_head

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def read_provider(text: str, *, origin: str = "shipped") -> Provider:
    """A provider row from TOML.

    Raises:
        InvalidInput: ``provider.row``: not TOML, an unknown or missing field, or a value of the wrong kind.
    """
    try:
        provider = msgspec.convert({**tomllib.loads(text), "origin": origin}, Provider, strict=True)
        unknown = set(tomllib.loads(text)) - set(Provider.__struct_fields__)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidInput("provider.row", f"This is no provider row: {error}.") from None
    if unknown:
        raise InvalidInput("provider.row", f"Unknown field {min(unknown)!r} in the row of {provider.name!r}.", param=min(unknown))
    check_provider(provider)
    return provider


def check_provider(provider: Provider) -> None:
    """Refuse a row that could not be called.

    Raises:
        InvalidInput: its name, base URL or headers are unusable.
    """
    if not _NAME.fullmatch(provider.name):
        raise InvalidInput(
            "provider.name",
            f"{provider.name[:80]!r} is no provider name.",
            hint="Use small letters, digits and hyphens, 64 at most.",
            param="name",
        )
    origin, path = read_url(provider.base_url)
    write_head("POST", origin, path + "/", provider.headers)


def shipped_providers() -> dict[str, Provider]:
    """Every row in this folder, by name."""
    return dict(_read_folder(resources.files(__name__).iterdir()))


def _read_folder(files: Iterable[resources.abc.Traversable]) -> Iterable[tuple[str, Provider]]:
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".toml"):
            provider = read_provider(file.read_text("utf-8"))
            yield provider.name, provider
