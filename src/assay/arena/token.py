"""The battle token: proof that this server showed this battle, at this turn, to this voter.

A token is ``payload.signature``, both base64url. The payload names the battle and the turn, when the token ends, the voter
(as a keyed tag) and the sides (as a keyed commitment: it proves later that they were drawn before the vote, and tells nothing
without the key). The signature is HMAC-SHA-256 by a key derived from the master key, so that tokens survive a restart.

A token is spent when its turn is over: by a vote, which closes the battle, or by the next turn, which has a token of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from assay.core import Forbidden

PURPOSE = "arena.battle_token"
MAX_CHARS = 1024


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    battle: str
    turn: int
    expires: int
    voter: str
    sides: str


class Signer:
    """Signs and checks battle tokens under one key."""

    def __init__(self, key: bytes):
        self._key = key

    def sign(self, *, battle: str, turn: int, expires: int, session: str, sides: tuple[str, str]) -> str:
        """A token for ``session`` to go on with ``battle`` after ``turn``; ``expires`` in microseconds UTC, ``sides`` the deployments."""
        payload = msgspec.json.encode(
            _Payload(battle=battle, turn=turn, expires=expires, voter=self._voter(session), sides=self._sides(battle, sides))
        )
        return f"{_text(payload)}.{_text(self._mac(b'token', payload))}"

    def check(self, token: str, *, battle: str, session: str, sides: tuple[str, str], now: int) -> int:
        """The turn that ``token`` stands for.

        Raises:
            Forbidden: ``vote.forged_token``, ``vote.not_yours``, ``vote.other_battle`` or ``vote.expired_token``.
        """
        payload = self._open(token)
        if not hmac.compare_digest(payload.voter, self._voter(session)):
            raise Forbidden(
                "vote.not_yours", "This battle was shown to another voter.", hint="Start a battle of your own.", param="token"
            )
        if payload.battle != battle or not hmac.compare_digest(payload.sides, self._sides(battle, sides)):
            raise Forbidden(
                "vote.other_battle",
                "This token belongs to another battle.",
                hint="Send the token that came with this one.",
                param="token",
            )
        if payload.expires <= now:
            raise Forbidden(
                "vote.expired_token", "This battle is too old to be voted on.", hint="Start another battle.", param="token"
            )
        return payload.turn

    def _open(self, token: str) -> _Payload:
        forged = Forbidden(
            "vote.forged_token", "This token was not given by this server.", hint="Send the token unchanged.", param="token"
        )
        try:
            body, _, signature = token.encode("ascii").partition(b".")
            payload = base64.b64decode(_padded(body), altchars=b"-_", validate=True)
            given = base64.b64decode(_padded(signature), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise forged from error
        if len(token) > MAX_CHARS or not hmac.compare_digest(given, self._mac(b"token", payload)):
            raise forged
        return msgspec.json.decode(payload, type=_Payload)

    def _voter(self, session: str) -> str:
        return _text(self._mac(b"voter", session.encode())[:12])

    def _sides(self, battle: str, sides: tuple[str, str]) -> str:
        return _text(self._mac(b"sides", "\n".join((battle, *sides)).encode())[:16])

    def _mac(self, what: bytes, message: bytes) -> bytes:
        return hmac.digest(self._key, what + b"\0" + message, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _padded(data: bytes) -> bytes:
    return data + b"=" * (-len(data) % 4)
