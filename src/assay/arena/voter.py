"""Who voted, without saying who: a keyed hash that can be given a new key.

The hash of a session under key version n is ``vn:`` and 32 hex digits of HMAC-SHA-256. Without the master key nobody can try
sessions against it. `rotate_voter_key` starts a new version: from then on the same voter has a new name, and the old names
stay what they were, since the vote log is append-only. Versions and their dates are in ``arena_voter_keys``.
"""

from __future__ import annotations

import hashlib
import hmac

from assay.arena import queries
from assay.core import now_us
from assay.store import Database, Vault

PURPOSE = "arena.voter"


class VoterHash:
    """Names voters under the newest key, and knows them again under every older one."""

    def __init__(self, vault: Vault, version: int):
        self._vault = vault
        self.version = version

    def name(self, session: str, version: int | None = None) -> str:
        """The voter's name under key ``version``, the newest by default."""
        version = version or self.version
        key = self._vault.derive(PURPOSE, version=version)
        return f"v{version}:{hmac.new(key, session.encode(), hashlib.sha256).hexdigest()[:32]}"

    def names(self, session: str) -> tuple[str, ...]:
        """All names this voter ever had, the newest first."""
        return tuple(self.name(session, version) for version in range(self.version, 0, -1))

    def is_voter(self, session: str, name: str) -> bool:
        """Whether ``name`` is one of this voter's."""
        return any(hmac.compare_digest(name, own) for own in self.names(session))


async def load_voter_hash(db: Database, vault: Vault) -> VoterHash:
    """The hash under the newest key version on record (the first, if none is)."""
    return VoterHash(vault, await queries.newest_voter_key(db))


async def rotate_voter_key(db: Database) -> int:
    """Start a new key version, and return it. A running arena uses it from its next start, or `Arena.rotate_voter_key`."""
    async with db.transaction() as tx:
        return await queries.next_voter_key(tx, now_us())
