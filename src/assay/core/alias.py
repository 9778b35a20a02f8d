"""A name that clients ask for, and the deployments that may answer to it."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One deployment behind an alias.

    Targets of the lowest ``priority`` are asked first, each as often as its ``weight`` says; those of a higher one only where
    none of them could answer.
    """

    deployment: str
    weight: Annotated[float, msgspec.Meta(ge=0)] = 1
    priority: Annotated[int, msgspec.Meta(ge=0)] = 0


class Alias(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What stands behind one name.

    ``retries`` is how often a target is asked again that failed in a way that passes, before the next one is taken; clients try
    again by themselves, so it is 0 unless said. ``cache_s``: for how long an answer may be given again to the very same request;
    0 never.
    """

    targets: tuple[Target, ...]
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    cache_s: Annotated[int, msgspec.Meta(ge=0)] = 0

    @classmethod
    def to(cls, deployment: str) -> Alias:
        """The plain kind: another name for one deployment."""
        return cls(targets=(Target(deployment=deployment),))
