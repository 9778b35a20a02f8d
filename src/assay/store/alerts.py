"""Alerts, and what is still to be sent of them: an outbox that survives a restart."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from assay.core.alert import Alert
from assay.store.database import Database, Row
from assay.store.sql import Sql

INSERT_ALERT = Sql("""
    INSERT INTO alerts (id, kind, at, subject, text, detail) VALUES (:id, :kind, :at, :subject, :text, :detail)
    ON CONFLICT (id) DO NOTHING
""")
SELECT_ALERTS = Sql("""
    SELECT id, kind, at, subject, text, detail FROM alerts WHERE at >= :since ORDER BY at DESC, id DESC LIMIT :limit
""")
SELECT_UNSENT = Sql("""
    SELECT alerts.id, alerts.kind, alerts.at, alerts.subject, alerts.text, alerts.detail, COALESCE(sent.tries, 0) AS tries
    FROM alerts LEFT JOIN alert_deliveries AS sent ON sent.alert = alerts.id AND sent.webhook = :webhook
    WHERE alerts.at >= :since AND sent.delivered IS NULL AND COALESCE(sent.tries, 0) < :most AND COALESCE(sent.next_at, 0) <= :now
    ORDER BY alerts.at, alerts.id LIMIT :limit
""")
CLAIM_DELIVERY = Sql("""
    INSERT INTO alert_deliveries (alert, webhook, tries, next_at) VALUES (:alert, :webhook, :tries + 1, :next_at)
    ON CONFLICT (alert, webhook) DO UPDATE SET tries = excluded.tries, next_at = excluded.next_at
    WHERE alert_deliveries.tries = :tries AND alert_deliveries.delivered IS NULL
""")
NOTE_DELIVERY = Sql("UPDATE alert_deliveries SET delivered = :delivered, said = :said WHERE alert = :alert AND webhook = :webhook")

_detail = msgspec.json.Decoder(dict[str, str | int | float | None])


class Unsent(msgspec.Struct, frozen=True):
    """An alert that a webhook has not had; ``tries`` were made."""

    alert: Alert
    tries: int


async def save_alerts(db: Database, alerts: Sequence[Alert]) -> None:
    """Put alerts on record; one that is there already stays as it is."""
    rows = [{**msgspec.structs.asdict(alert), "detail": msgspec.json.encode(alert.detail).decode()} for alert in alerts]
    await db.write([(INSERT_ALERT, rows)])


async def list_alerts(db: Database, limit: int, since: int = 0) -> list[Alert]:
    """The newest first, not before ``since`` (microseconds UTC)."""
    return [_alert(row) for row in await db.read(SELECT_ALERTS, since=since, limit=limit)]


async def list_unsent(db: Database, webhook: str, *, since: int, now: int, most_tries: int, limit: int = 100) -> list[Unsent]:
    """What ``webhook`` should be sent now, the oldest first."""
    rows = await db.read(SELECT_UNSENT, webhook=webhook, since=since, now=now, most=most_tries, limit=limit)
    return [Unsent(_alert(row), row["tries"]) for row in rows]


async def claim_delivery(db: Database, alert: str, webhook: str, *, tries: int, next_at: int) -> bool:
    """Take it upon oneself to send an alert for which ``tries`` were made; False where another server has. ``next_at`` is when somebody
    tries again who hears nothing of it (microseconds UTC)."""
    async with db.transaction() as tx:
        row = {"alert": alert, "webhook": webhook, "tries": tries, "next_at": next_at}
        return await tx.write(CLAIM_DELIVERY, row) == 1


async def note_delivery(db: Database, alert: str, webhook: str, *, delivered: int | None, said: str | None) -> None:
    """How it went: ``delivered`` when it was taken (microseconds UTC), else what was said."""
    await db.write([(NOTE_DELIVERY, {"alert": alert, "webhook": webhook, "delivered": delivered, "said": said})])


def _alert(row: Row) -> Alert:
    return Alert(
        id=row["id"], kind=row["kind"], at=row["at"], subject=row["subject"], text=row["text"], detail=_detail.decode(row["detail"])
    )
