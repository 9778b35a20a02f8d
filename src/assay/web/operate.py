"""Operating a running Assay: what is set and where it came from, configuration read again, workers replaced, readiness told."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import Problem, Unavailable


class ShownSetting(msgspec.Struct, frozen=True):
    """A setting as it stands: never a password. ``origin`` is ``flag``, ``environment``, ``file`` or ``shipped``, ``at`` says where.

    ``reloads``: another value counts without a restart.
    """

    name: str
    value: Any
    origin: str
    at: str
    reloads: bool


class Configuration(msgspec.Struct, frozen=True):
    """All settings; the ``file`` they are read from; ``problem``, why it could not be read last time, so that the settings before
    it go on; and ``waiting``: those that have another value there which counts after a restart only.
    """

    settings: Sequence[ShownSetting]
    file: str | None
    problem: Problem | None
    waiting: Sequence[str]


class Restarted(msgspec.Struct, frozen=True):
    """The configuration was read again, and so many workers were replaced."""

    workers: int
    waiting: Sequence[str]


class Ready(msgspec.Struct, frozen=True):
    """New requests are answered here."""

    status: str


class Operation(Protocol):
    """What whoever started Assay can do with it."""

    def show(self) -> Configuration:
        """What is set."""
        ...

    async def restart(self) -> Restarted:
        """Read the configuration again and replace the workers.

        Raises:
            AssayError: the configuration cannot be used, or a worker does not start; what was before goes on.
        """
        ...


def operation_routes(operation: Callable[[], Operation | None], is_stopping: Callable[[], bool]) -> list[Endpoint]:
    """The routes. ``operation`` gives None where Assay lives only as long as a command."""

    def known() -> Operation:
        found = operation()
        if found is None:
            raise Unavailable(
                "operate.command", "This server belongs to a command and ends with it.", hint="Start one with `assay up`."
            )
        return found

    async def show_config(request: Request) -> Configuration:
        """Every setting, where it came from, and what is wrong with the configuration file, if anything."""
        return known().show()

    async def restart(request: Request) -> Restarted:
        """Read the configuration again, and put a new worker in each one's place without dropping a request."""
        return await known().restart()

    async def ready(request: Request) -> Ready:
        """Whether new requests are answered; 503 once Assay has been told to stop. No session needed."""
        if is_stopping():
            raise Unavailable("gateway.stopping", "Assay is being stopped.", retry_after_s=2)
        return Ready("ready")

    return [
        Endpoint("GET", "/api/v1/config", show_config, role="admin"),
        Endpoint("POST", "/api/v1/restart", restart, role="admin"),
        Endpoint("GET", "/readyz", ready, role="anyone"),
    ]
