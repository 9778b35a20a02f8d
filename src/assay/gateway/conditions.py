"""How keys and deployments are, as all processes of this machine know it together: for those who look at it, not for requests.

A worker that knows of somebody unwell leaves that in a file of its own, again every two seconds; a file that was not written for
longer is one of a worker that is gone.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from assay.core import now_us
from assay.gateway.health import Condition, Health, HealthState
from assay.gateway.upstream import Upstream

SAVE_S = 2
_FRESH_S = 3 * SAVE_S
_SUFFIX = ".health"
_WORST: tuple[HealthState, ...] = ("open", "half_open", "parked")

_log = logging.getLogger(__name__)


class Unwell(msgspec.Struct, frozen=True):
    """Somebody who is left alone: why, and until when (microseconds UTC)."""

    state: HealthState
    reason: str
    until: int


class Conditions(msgspec.Struct, frozen=True):
    """Who is unwell: keys by provider and name with a slash between, deployments by their ids."""

    keys: dict[str, Unwell] = {}
    deployments: dict[str, Unwell] = {}

    @classmethod
    def of(cls, health: Health, upstreams: Iterable[Upstream]) -> Conditions:
        """As this process knows it."""
        now = now_us()
        keys = {
            f"{upstream.provider.name}/{access.name}": _unwell(known, now)
            for upstream in upstreams
            for access in upstream.accesses
            if (known := health.of_key(access.mark)).state != "ok"
        }
        return cls(keys, {id: _unwell(known, now) for id, known in health.unwell().items()})

    def of_key(self, provider: str, name: str) -> Unwell | None:
        """None: it is well."""
        return self.keys.get(f"{provider}/{name}")

    def of_provider(self, provider: str, keys: Iterable[str]) -> HealthState:
        """``parked`` where all its keys are, else the worst of its deployments' states."""
        if all(self.of_key(provider, name) is not None for name in keys):
            return "parked"
        states = {known.state for id, known in self.deployments.items() if id.startswith(f"{provider}/")}
        return next((state for state in _WORST if state in states), "ok")

    def joined(self, others: Iterable[Conditions]) -> Conditions:
        """With what others know: the worst counts."""
        keys, deployments = dict(self.keys), dict(self.deployments)
        for other in others:
            for mine, theirs in ((keys, other.keys), (deployments, other.deployments)):
                for name, known in theirs.items():
                    if name not in mine or _rank(known) > _rank(mine[name]):
                        mine[name] = known
        return Conditions(keys, deployments)


def save(conditions: Conditions, folder: Path) -> None:
    """Leave what this process knows where others find it."""
    path = folder / f"{os.getpid()}{_SUFFIX}"
    if not conditions.keys and not conditions.deployments:
        path.unlink(missing_ok=True)
        return
    draft = path.with_suffix(".draft-health")
    draft.write_bytes(msgspec.json.encode(conditions))
    os.replace(draft, path)


def load(folder: Path) -> list[Conditions]:
    """What other processes know."""
    found = []
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            if path.stem != str(os.getpid()) and time.time() - path.stat().st_mtime < _FRESH_S:
                found.append(msgspec.json.decode(path.read_bytes(), type=Conditions))
        except (OSError, msgspec.MsgspecError) as error:
            _log.debug("what a process knew is unreadable path=%s error=%s", path, error)
    return found


def _unwell(known: Condition, now: int) -> Unwell:
    return Unwell(known.state, known.reason or "", now + round((known.for_s or 0) * 1e6))


def _rank(known: Unwell) -> tuple[int, int]:
    return -_WORST.index(known.state) if known.state in _WORST else -len(_WORST), known.until
