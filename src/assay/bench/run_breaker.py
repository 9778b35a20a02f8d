"""A circuit breaker: where a model fails again and again, one call at a time finds out whether it is back, and nothing else is asked."""

from __future__ import annotations

import asyncio
import time

from assay.bench.run_halt import EndpointDown
from assay.core import AssayError, UpstreamRefused

DOWN_AFTER = 10
"""Failures in a row after which only single calls are made."""
PROBES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""How long to wait before each of those; when the last one fails, too, the run is interrupted."""
LONGEST_PAUSE_S = 300.0
"""An upstream that asks to be left alone for longer than this is down."""
_LASTING = frozenset({401, 402, 403, 404})
"""A wrong key, an empty account, a model that is not there: nothing that waiting mends."""


class Breaker:
    """Closed, everything passes. ``failures`` counts those in a row."""

    def __init__(self, deployment: str, probes_s: tuple[float, ...] = PROBES_S):
        self.failures = 0
        self._deployment = deployment
        self._probes_s = probes_s
        self._probes = 0
        self._probe_at: float | None = None
        """When the next single call may be made; None while closed."""
        self._is_probing = False
        self._stirred = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether only single calls pass."""
        return self._probe_at is not None

    async def enter(self) -> bool:
        """Wait until a call may be made; whether it is a single one."""
        while self._probe_at is not None:
            if self._is_probing:
                await self._stirred.wait()
                continue
            self._is_probing = True
            try:
                await asyncio.sleep(max(0.0, self._probe_at - time.monotonic()))
            except asyncio.CancelledError:
                self.leave(is_probe=True)
                raise
            if self._probe_at is not None:
                return True
            self._is_probing = False
        return False

    def leave(self, *, is_probe: bool) -> None:
        """The call came to no end that tells anything."""
        if is_probe:
            self._is_probing = False
            self._stir()

    def succeeded(self, *, is_probe: bool) -> None:
        """An answer came."""
        self.failures = self._probes = 0
        self._probe_at = None
        self.leave(is_probe=is_probe or self._is_probing)

    def failed(self, error: AssayError, *, is_probe: bool) -> None:
        """No answer came.

        Raises:
            EndpointDown: there is no use in going on.
        """
        self.failures += 1
        self._probes += is_probe
        rest_s = error.retry_after_s or 0.0
        is_lasting = self.failures >= DOWN_AFTER and _lasts(error)
        if is_lasting or self._probes >= len(self._probes_s) or rest_s > LONGEST_PAUSE_S:
            raise EndpointDown(self._deployment, self.failures, error)
        if is_probe or (self._probe_at is None and self.failures >= DOWN_AFTER):
            self._probe_at = time.monotonic() + max(self._probes_s[self._probes], rest_s)
        self.leave(is_probe=is_probe)

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = asyncio.Event()


def _lasts(error: AssayError) -> bool:
    return isinstance(error, UpstreamRefused) and error.upstream_status in _LASTING
