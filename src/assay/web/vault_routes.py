"""A new master key, asked for on the server's own machine."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import Forbidden
from assay.store import Database, Vault
from assay.store.rotation import Rotated, rotate


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a key that was prepared, on the server's machine; None makes a fresh one."""

    new_key: str | None = None


def vault_routes(
    database: Database,
    vault: Vault,
    keep: Callable[[], Awaitable[Iterable[tuple[str, int]]]],
    changed: Callable[[], Awaitable[None]],
) -> list[Endpoint]:
    """The route. ``keep`` names the derived keys that stay what they are, ``changed`` tells every process of the new key."""

    async def rotate_master_key(request: Request, body: Rotation) -> Rotated:
        """Seal every secret under a new master key, while requests go on; through the local socket only. Everybody signs in anew."""
        if request.state.session != "local":
            raise Forbidden(
                "vault.local_only",
                "The master key is changed on the server's own machine.",
                hint="Run `assay vault rotate` there.",
            )
        done = await rotate(database, vault, await keep(), None if body.new_key is None else Path(body.new_key))
        await changed()
        return done

    return [Endpoint("POST", "/api/v1/vault/rotate", rotate_master_key, role="admin")]
