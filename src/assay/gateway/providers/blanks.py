"""The blanks in a provider's row, such as ``{region}`` in its address, and what fills them in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.core import InvalidInput, Provider

_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_NOT_OURS = frozenset(("model",))


def blanks_in(text: str) -> tuple[str, ...]:
    """The names of the blanks in ``text``; ``{model}`` is filled in by each request and is none."""
    return tuple(dict.fromkeys(name for name in _BLANK.findall(text) if name not in _NOT_OURS))


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with every blank filled in that ``values`` knows."""
    return _BLANK.sub(lambda blank: values.get(blank[1], blank[0]), text)


def known_values(provider: Provider) -> dict[str, str]:
    """The value of each parameter that has one: given, by default, or made of another."""
    values = {
        name: value
        for name, parameter in provider.parameters.items()
        if (value := provider.values.get(name) or parameter.default) is not None
    }
    for name, parameter in provider.parameters.items():
        if parameter.made_of is not None and name not in values and (of := values.get(parameter.made_of)) is not None:
            values[name] = fill(parameter.cases.get(of, parameter.like), values)
    return values


def missing_values(provider: Provider) -> tuple[str, ...]:
    """The parameters that must be given before the provider can be called."""
    values = known_values(provider)
    return tuple(
        name
        for name, parameter in provider.parameters.items()
        if parameter.required and parameter.made_of is None and name not in values
    )


def check_value(provider: Provider, name: str, value: str) -> str:
    """``value`` without the white space around it, if it can stand in an address.

    Raises:
        InvalidInput: ``provider.parameter``: the row has no such blank, or the value could lead to another address.
    """
    asked = [known for known, parameter in provider.parameters.items() if parameter.made_of is None]
    if name not in asked:
        hint = f"It has: {', '.join(asked)}." if asked else "It has none."
        raise InvalidInput("provider.parameter", f"{provider.name!r} has no parameter {name[:80]!r}.", hint=hint, param=name)
    value = value.strip()
    if not _VALUE.fullmatch(value):
        raise InvalidInput(
            "provider.parameter",
            f"{value[:80]!r} cannot be the {name!r} of {provider.name!r}.",
            hint="Use letters, digits, full stops, hyphens and underscores, 200 at most.",
            param=name,
        )
    return value
