"""Alerts are sent to webhooks: signed, one at a time, again after a while where nobody took them.

The body is JSON, ``{"id", "kind", "at", "subject", "text", "detail", "content"}``; ``text`` and ``content`` say the same, since chat
services look for one or the other. With a secret, ``assay-signature: t=<seconds>,v1=<hex>`` is the HMAC-SHA-256 of
``<seconds>.<body>``. Whoever gets an alert twice knows it by its ``id``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from assay.core import AssayError, InvalidInput, iso, now_us
from assay.core.alert import Alert
from assay.core.settings import Webhook
from assay.gateway.client import Client
from assay.gateway.connection import Fault, Timeouts
from assay.gateway.origin import Origin, read_url, write_head
from assay.store.alerts import claim_delivery, list_unsent, note_delivery
from assay.store.database import Database

LOOK_S = 2
MOST_TRIES = 8
"""With `_WAITS_S` over some ten hours."""

_WAITS_S = (5, 30, 120, 600, 1800, 7200, 21600)
_AGE_US = 2 * 86_400_000_000
_PATIENCE = Timeouts(connect_s=5, first_byte_s=10, idle_s=10, total_s=15)
_MOST_SAID = 4096

_log = logging.getLogger(__name__)


class Webhooks:
    """Sends what waits, from `start` until it is closed. Each server of an installation may: an alert is claimed before it is sent."""

    def __init__(self, db: Database, client: Client, hooks: Sequence[Webhook]):
        self._db = db
        self._client = client
        self.hooks = [_Hook(hook) for hook in hooks]
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look for what waits every `LOOK_S` seconds."""
        if self.hooks:
            self._task = asyncio.create_task(self._run(), name="webhooks")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            for hook in self.hooks:
                try:
                    await self.send_waiting(hook)
                except AssayError as error:
                    _log.warning("alerts wait for the database code=%s", error.code)
            await asyncio.sleep(LOOK_S)

    async def send_waiting(self, hook: _Hook) -> None:
        """Send what one webhook has not had; the first that is not taken ends it for now."""
        now = now_us()
        for unsent in await list_unsent(self._db, hook.name, since=now - _AGE_US, now=now, most_tries=MOST_TRIES):
            id, wait_s = unsent.alert.id, _WAITS_S[min(unsent.tries, len(_WAITS_S) - 1)]
            if not await claim_delivery(self._db, id, hook.name, tries=unsent.tries, next_at=now_us() + wait_s * 1_000_000):
                continue
            said = await self._send(hook, unsent.alert) if hook.wants(unsent.alert) else None
            await note_delivery(self._db, id, hook.name, delivered=now_us() if said is None else None, said=said)
            if said is not None:
                _log.warning("an alert was not taken webhook=%s tries=%d", hook.host, unsent.tries + 1)
                return

    async def _send(self, hook: _Hook, alert: Alert) -> str | None:
        """Send one alert; None where it was taken, else what went wrong."""
        body = write_alert(alert)
        try:
            response = await self._client.send(hook.origin, hook.head(body), body, _PATIENCE)
            await response.begin()
            said = await response.read_all(_MOST_SAID)
        except Fault as fault:
            return fault.message
        return None if 200 <= response.status < 300 else f"HTTP {response.status}: {said[:200].decode('utf-8', 'replace')}"


class _Hook:
    """One webhook, with its address read and its secret at hand."""

    def __init__(self, hook: Webhook):
        parts = urlsplit(hook.url)
        self.origin: Origin
        self.origin, path = read_url(parts._replace(query="", fragment="").geturl())
        self._target = (path or "/") + (f"?{parts.query}" if parts.query else "")
        self._kinds = frozenset(hook.on)
        self._secret = _read_secret(hook)
        self.host = self.origin.host
        # The address of a webhook is often its only secret: what is stored of it is a hash.
        self.name = hashlib.sha256(hook.url.encode()).hexdigest()[:16]

    def wants(self, alert: Alert) -> bool:
        return not self._kinds or alert.kind in self._kinds

    def head(self, body: bytes) -> bytes:
        headers = {"content-type": "application/json", "user-agent": "assay", "accept-encoding": "identity"}
        if self._secret is not None:
            headers["assay-signature"] = sign(self._secret, int(time.time()), body)
        return write_head("POST", self.origin, self._target, headers)


def write_alert(alert: Alert) -> bytes:
    """The body that a webhook gets."""
    return msgspec.json.encode(
        {
            "id": alert.id,
            "kind": alert.kind,
            "at": iso(alert.at),
            "subject": alert.subject,
            "text": alert.text,
            "content": alert.text,
            "detail": alert.detail,
        }
    )


def sign(secret: bytes, at_s: int, body: bytes) -> str:
    """The signature header of a body that is sent at ``at_s`` (seconds since 1970)."""
    return f"t={at_s},v1={hmac.new(secret, b'%d.' % at_s + body, hashlib.sha256).hexdigest()}"


def _read_secret(hook: Webhook) -> bytes | None:
    if hook.secret_file is None:
        return None
    try:
        secret = hook.secret_file.read_bytes().strip()
    except OSError as error:
        raise InvalidInput(
            "settings.webhook_secret",
            f"The secret file {str(hook.secret_file)!r} cannot be read: {error.strerror}.",
            param="webhooks",
        ) from error
    if len(secret) < 16:
        raise InvalidInput(
            "settings.webhook_secret",
            f"The secret in {str(hook.secret_file)!r} has fewer than 16 bytes.",
            hint="Make one with `openssl rand -hex 24`.",
            param="webhooks",
        )
    return secret
