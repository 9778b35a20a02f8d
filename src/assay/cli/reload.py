"""The configuration read again while Assay runs: when its file changes, on SIGHUP, and on `assay restart`.

What can change while it runs does, here and in every worker; what cannot is named. A file that cannot be used changes nothing: the
settings before it go on, and the problem is logged and shown until the file is mended.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from assay.cli.configure import NAMES, Configured, configure, shown
from assay.core import AssayError, Problem, problem_of
from assay.core.logs import start_logging
from assay.gateway.providers import check_provider
from assay.web.compose import Assay
from assay.web.operate import Configuration, Restarted, ShownSetting
from assay.web.supervise import Workers

LOOK_S = 1.0

RELOADED = frozenset(
    {
        "aliases",
        "allowed_networks",
        "bodies",
        "bodies_days",
        "cache_bytes",
        "connect_timeout_s",
        "drain_s",
        "first_byte_timeout_s",
        "idle_timeout_s",
        "log_format",
        "log_level",
        "max_body_bytes",
        "providers",
        "rates",
        "reserve_output_tokens",
        "retry_wait_s",
        "total_timeout_s",
        "unpriced",
    }
)
"""What counts at once. Everything else was used to open something that stays open."""

_log = logging.getLogger(__name__)


class Reloader:
    """The settings of a running Assay, by their names what each of them is and may become."""

    def __init__(self, configured: Configured, assay: Assay):
        assay.operation = self
        self.settings = configured.settings
        self.asked = asyncio.Event()
        """Set it to have everything read again and the workers replaced."""
        self.workers: Workers | None = None
        self._configured = configured
        self._assay = assay
        self._waiting: list[str] = []
        self._problem: Problem | None = None
        self._stamp = _stamp(configured.file)

    async def follow(self) -> None:
        """Look at the file every second, and listen for whoever asks, as long as Assay runs."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self.asked.wait()
            try:
                if self.asked.is_set():
                    self.asked.clear()
                    await self.restart()
                elif _stamp(self._configured.file) != self._stamp:
                    await self._read_again()
            except AssayError as error:
                _log.error("what was before goes on code=%s: %s", error.code, error)

    async def restart(self) -> Restarted:
        """Read the configuration again and replace the workers; raises as `Operation.restart` says."""
        await self._read_again()
        if self.workers is not None:
            await self.workers.replace()
        return Restarted(len(self.workers.pids) if self.workers is not None else 0, self._waiting)

    def show(self) -> Configuration:
        """What is set, where it came from, and what is wrong with the file."""
        return Configuration(
            settings=[
                ShownSetting(name, shown(name, getattr(self.settings, name)), origin.kind, origin.at, name in RELOADED)
                for name in NAMES
                for origin in (self._configured.origins[name],)
            ],
            file=str(self._configured.file) if self._configured.file is not None else None,
            problem=self._problem,
            waiting=self._waiting,
        )

    async def _read_again(self) -> None:
        self._stamp = _stamp(self._configured.file)
        try:
            fresh = configure(self._configured.flags, file=self._configured.file)
            for provider in fresh.settings.providers:
                check_provider(provider)
            await self._take(fresh)
        except AssayError as error:
            self._problem = problem_of(error)
            raise
        self._problem = None

    async def _take(self, fresh: Configured) -> None:
        changed = [name for name in NAMES if getattr(fresh.settings, name) != getattr(self.settings, name)]
        self._waiting = [name for name in changed if name not in RELOADED]
        if self._waiting:
            _log.warning("these settings count after a restart of Assay settings=%s", ",".join(self._waiting))
        taken = {name: getattr(fresh.settings, name) for name in changed if name in RELOADED}
        if not taken:
            return
        self.settings = msgspec.structs.replace(self.settings, **taken)
        origins = {name: fresh.origins[name] if name in taken else origin for name, origin in self._configured.origins.items()}
        self._configured = msgspec.structs.replace(self._configured, origins=origins)
        start_logging(self.settings.log_level, self.settings.log_format)
        _log.info("the configuration was read again settings=%s", ",".join(sorted(taken)))
        if self.workers is not None:
            self.workers.take(self.settings)
        await self._assay.reconfigure(self.settings)


def _stamp(file: Path | None) -> tuple[int, ...]:
    """What differs when the file was written or replaced."""
    if file is None:
        return ()
    try:
        status = os.stat(file)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ino, status.st_size
