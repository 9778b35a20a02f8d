"""What may stand behind a name that clients ask for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.core import Alias, InvalidInput

if TYPE_CHECKING:
    from assay.gateway.registry import Entry

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
MOST_TARGETS = 50


def check_alias(name: str, alias: Alias, entries: Iterable[Entry]) -> None:
    """Refuse an alias that could never be asked. Targets are deployments, never aliases, so that there are no loops.

    Raises:
        InvalidInput: ``alias.name``, ``alias.targets``; ``alias.target``: no provider is called so.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "alias.name",
            f"{name[:80]!r} is no name of an alias.",
            hint="Use letters, digits, and any of . _ : @ - after the first; a slash belongs to deployments.",
            param="name",
        )
    if not alias.targets or len(alias.targets) > MOST_TARGETS:
        raise InvalidInput("alias.targets", f"An alias has 1 to {MOST_TARGETS} targets.", param="targets")
    if not any(target.weight > 0 for target in alias.targets):
        raise InvalidInput(
            "alias.targets", "No target has a weight, so none would be asked.", hint="Give one a weight.", param="targets"
        )
    known = {entry.provider.name: entry for entry in entries}
    for target in alias.targets:
        provider, slash, model = target.deployment.partition("/")
        if not slash or not model or provider not in known:
            raise InvalidInput(
                "alias.target",
                f"{target.deployment[:200]!r} is no deployment.",
                hint=_suggest(target.deployment, known),
                param="targets",
            )


def _suggest(deployment: str, known: dict[str, Entry]) -> str:
    listed = [
        f"{name}/{model}"
        for name, entry in known.items()
        for model in (*(fact.name for fact in entry.provider.models), *entry.models)
    ]
    near = difflib.get_close_matches(deployment, listed, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(one) for one in near)}?"
    return "Write 'provider/model'; `assay model list` lists them."
