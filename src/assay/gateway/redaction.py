"""Taking a provider's key out of what the provider says, should it repeat it."""

from __future__ import annotations

from collections.abc import Collection

INSTEAD = b"[key]"


def redact(data: bytes, secrets: Collection[bytes]) -> bytes:
    """``data`` without any of ``secrets``."""
    for secret in secrets:
        data = data.replace(secret, INSTEAD)
    return data


class Redactor:
    """The same for data that comes in pieces: what could be the beginning of a secret is held back until more has come."""

    __slots__ = ("_held", "_secrets")

    def __init__(self, secrets: Collection[bytes]):
        self._secrets = secrets
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What of the pieces up to this one is surely no part of a secret."""
        data = redact(self._held + data, self._secrets)
        held = max((_begun(secret, data) for secret in self._secrets), default=0)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        """What was held back: nothing follows that would make a secret of it."""
        held, self._held = self._held, b""
        return held


def _begun(secret: bytes, data: bytes) -> int:
    """How many bytes at the end of ``data`` are a beginning of ``secret``."""
    at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
    while at >= 0 and not secret.startswith(data[at:]):
        at = data.find(secret[:1], at + 1)
    return len(data) - at if at >= 0 else 0
