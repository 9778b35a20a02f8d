"""The providers that Assay ships: one TOML file each, a row of facts and no code.

A row says where a provider answers, in which protocols, how it wants its key, and where its dialect differs from the
protocol's own. Every row carries the date of its facts and a link to their source; so does every price.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec

from assay.core import InvalidInput, Model, Money, Offer, Parameter, Patience, Price, Provider, Reasoning
from assay.gateway.origin import read_url, write_lines
from assay.gateway.providers.blanks import blanks_in, fill
from assay.gateway.providers.protocols import PATHS

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_BUCKETS = frozenset(Price.__struct_fields__) - {"currency", "source", "date", "over_tokens", "over"}


def read_provider(text: str, *, origin: str = "shipped") -> Provider:
    """A provider row from TOML.

    Raises:
        InvalidInput: ``provider.row``: not TOML, an unknown or missing field, or a value of the wrong kind.
    """
    try:
        table = complete_row(tomllib.loads(text))
        provider = msgspec.convert({**table, "origin": origin}, Provider, strict=True)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ArithmeticError) as error:
        raise InvalidInput("provider.row", f"This is no provider row: {error}.") from None
    if (unknown := next(unknown_fields(table), None)) is not None:
        raise InvalidInput("provider.row", f"Unknown field {unknown!r} in the row of {provider.name!r}.", param=unknown)
    check_provider(provider)
    return provider


def complete_row(table: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people write it, with prices as numbers of nano-units.

    Prices are written in units of their currency for a million tokens (``input = "0.15"``). What all of them have in common,
    such as ``source`` and ``date``, may stand once in the table ``prices``.
    """
    row = dict(table)
    shared = row.pop("prices", {})
    if "models" in row:
        row["models"] = [_with_price(model, shared) for model in row["models"]]
    return row


def _with_price(model: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    return {**model, "price": _price(model["price"], shared)} if "price" in model else model


def _price(price: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: Money.of(value).nano if name in _BUCKETS and isinstance(value, str) else value for name, value in price.items()
    }
    if "over" in told:
        told["over"] = _price(told["over"], shared)
    return {**shared, **told}


def unknown_fields(table: Mapping[str, Any]) -> Iterator[str]:
    """The fields of a row that mean nothing, most often misspelt ones."""
    yield from _unknown(table, Provider, "")
    for name, offer in table.get("also", {}).items():
        yield from _unknown(offer, Offer, f"also.{name}.")
        yield from _unknown(offer.get("reasoning", {}), Reasoning, f"also.{name}.reasoning.")
    yield from _unknown(table.get("reasoning", {}), Reasoning, "reasoning.")
    yield from _unknown(table.get("timeouts", {}), Patience, "timeouts.")
    for name, parameter in table.get("parameters", {}).items():
        yield from _unknown(parameter, Parameter, f"parameters.{name}.")
    for model in table.get("models", ()):
        yield from _unknown(model, Model, "models.")
        yield from _unknown(model.get("price", {}), Price, "models.price.")


def _unknown(table: Mapping[str, Any], kind: type[msgspec.Struct], at: str) -> Iterator[str]:
    return (f"{at}{name}" for name in table if name not in kind.__struct_fields__)


def check_provider(provider: Provider) -> None:
    """Refuse a row that could not be called.

    Raises:
        InvalidInput: its name, a protocol, an address or a header is unusable.
    """
    if not _NAME.fullmatch(provider.name):
        raise InvalidInput(
            "provider.name",
            f"{provider.name[:80]!r} is no provider name.",
            hint="Use small letters, digits and hyphens, 64 at most.",
            param="name",
        )
    for protocol, offer in provider.offers.items():
        if protocol not in PATHS:
            raise InvalidInput(
                "provider.protocol",
                f"{protocol[:80]!r} is no protocol that Assay speaks.",
                hint=f"There are: {', '.join(PATHS)}.",
                param="protocol",
            )
        _check_offer(provider, protocol, offer)


def _check_offer(provider: Provider, protocol: str, offer: Offer) -> None:
    """Every address and header, with something in place of its blanks."""
    somewhere = dict.fromkeys(provider.parameters, "x") | {
        name: fill(parameter.like, dict.fromkeys(provider.parameters, "x"))
        for name, parameter in provider.parameters.items()
        if parameter.made_of is not None
    }
    texts = [offer.base_url or "", *offer.paths.values(), *offer.headers.values()]
    if unknown := [blank for text in texts for blank in blanks_in(text) if blank not in provider.parameters]:
        raise InvalidInput(
            "provider.row",
            f"The row of {provider.name!r} has the blank {{{unknown[0]}}}, which is none of its parameters.",
            hint=f"Add [parameters.{unknown[0]}] to the row.",
            param=unknown[0],
        )
    read_url(fill(offer.base_url or "", somewhere))
    write_lines({name: fill(value, somewhere) for name, value in offer.headers.items()})
    for operation, path in offer.paths.items():
        if operation not in {*PATHS[protocol], "stream"}:
            raise InvalidInput("provider.row", f"{operation[:80]!r} has no path in {protocol!r}.", param="paths")
        if not path.startswith(("/", "https://")):
            raise InvalidInput("provider.path", f"{path[:200]!r} is no path.", hint="Begin it with a slash.", param="paths")


def shipped_providers() -> dict[str, Provider]:
    """Every row in this folder, by name."""
    return dict(_read_folder(resources.files(__name__).iterdir()))


def _read_folder(files: Iterable[resources.abc.Traversable]) -> Iterable[tuple[str, Provider]]:
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".toml"):
            provider = read_provider(file.read_text("utf-8"))
            yield provider.name, provider
