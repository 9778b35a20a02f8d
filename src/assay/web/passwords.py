"""Passwords of accounts: kept as scrypt hashes (RFC 7914) with a salt and the parameters of each.

The parameters are one of OWASP's equal choices (N = 2^14, r = 8, p = 5: 16 MiB and a tenth of a second; cheatsheetseries.owasp.org,
"Password Storage", read 2026-11). Two are computed at a time, and few may wait, so that nobody can use up processor or memory by
signing in; the rest is told to come again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor

from assay.core import InvalidInput, Unavailable

SHORTEST = 12
LONGEST = 1024
AT_ONCE = 2
MOST_WAITING = 10
_N, _R, _P = 2**14, 8, 5
_MOST_MEMORY = 64 * 1024 * 1024


class Passwords:
    """Makes and checks hashes, beside the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "assay-password")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is kept of a new password.

        Raises:
            InvalidInput: ``password.bad``: too short or too long. Unavailable: ``login.busy``.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(
                "password.bad",
                f"A password has {SHORTEST} to {LONGEST} characters.",
                hint="Several words make a good one.",
                param="password",
            )
        salt = secrets.token_bytes(16)
        return "$".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(await self._derive(password, salt, _N, _R, _P))))

    async def check(self, password: str, kept: str | None) -> bool:
        """Whether it is the password. Where none is kept it takes as long to say no.

        Raises:
            Unavailable: ``login.busy``.
        """
        if len(password) > LONGEST:
            return False
        _, n, r, p, salt, expected = (kept or _NOBODYS).split("$")
        derived = await self._derive(password, b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(derived, b64decode(expected)) and kept is not None

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _derive(self, password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
        if self._waiting >= MOST_WAITING:
            raise Unavailable("login.busy", "Too many people sign in at once.", hint="Try again in a few seconds.", retry_after_s=3)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _scrypt, password, salt, n, r, p)
        finally:
            self._waiting -= 1


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    said = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(said, salt=salt, n=n, r=r, p=p, maxmem=_MOST_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


_NOBODYS = "$".join(("scrypt", str(_N), str(_R), str(_P), _text(bytes(16)), _text(bytes(32))))
