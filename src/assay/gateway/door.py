"""Who comes in with a gateway key, and who guesses at one.

Each wrong key counts against the address that it came from; an address with too many hears 429 for further wrong ones. A right key
is looked at first, and never turned away for what others at its address did.
"""

from __future__ import annotations

from collections.abc import Iterable

from assay.core import Asker, RateLimited, Unauthorized
from assay.gateway.address import Addresses
from assay.gateway.asgi import Scope
from assay.gateway.faces import find_key
from assay.gateway.guesses import Guesses
from assay.gateway.snapshot import Snapshot

WRONG_KEYS_PER_MINUTE = 30


class Door:
    """``trusted`` are the networks of proxies that say where clients are."""

    def __init__(self, trusted: Iterable[str]):
        self.addresses = Addresses(trusted)
        self._guesses = Guesses(WRONG_KEYS_PER_MINUTE)

    def admit(self, scope: Scope, snapshot: Snapshot) -> Asker:
        """Whose key came with a request.

        Raises:
            Unauthorized: as `Snapshot.check_key`. RateLimited: ``key.too_many_guesses``.
        """
        try:
            return snapshot.check_key(find_key(scope["headers"], scope["query_string"]))
        except Unauthorized as error:
            if error.code == "key.invalid":
                self._count(self.addresses.name_of(scope))
            raise

    def _count(self, client: str) -> None:
        if (wait_s := self._guesses.wait_s(client)) > 0:
            raise RateLimited(
                "key.too_many_guesses",
                f"More than {WRONG_KEYS_PER_MINUTE} wrong gateway keys came from your address within a minute.",
                hint="A right key is always answered.",
                retry_after_s=wait_s,
            )
        self._guesses.count(client)
