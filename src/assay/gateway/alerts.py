"""What somebody should hear of: noticed on the way of requests, put on record a moment later.

Whoever notices says it (`Alerts.say`) and goes on; every process may, since an alert's id is made of what it is about and the
first to record it wins. Sending is the business of `assay.gateway.control.webhooks`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

import msgspec

from assay.core import AssayError, Deployment, Price, iso, now_us
from assay.core.alert import Alert, AlertKind
from assay.gateway.ledger import Standing
from assay.store.alerts import save_alerts
from assay.store.database import Database
from assay.store.queries import load_settings, save_setting

_MOST_WAITING = 1000
_RETRY_S = 5
_PRICES = "gateway.prices"

_log = logging.getLogger(__name__)


class Alerts:
    """Takes alerts at any time, and writes them. `close` writes what is left."""

    def __init__(self, db: Database):
        self._db = db
        self._waiting: deque[Alert] = deque(maxlen=_MOST_WAITING)
        self._stirred = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="alerts")

    def say(self, kind: AlertKind, subject: str, once: str, text: str, **detail: str | int | float | None) -> None:
        """Put an alert on record, unless one of the same ``kind``, ``subject`` and ``once`` is there."""
        alert = Alert(id=f"{kind}:{subject}:{once}", kind=kind, at=now_us(), subject=subject, text=text, detail=detail)
        _log.warning("alert kind=%s subject=%s", kind, subject)
        self._waiting.append(alert)
        self._stirred.set()

    def say_budget(self, standing: Standing) -> None:
        """Say that a budget is near its end, or at it: once in each of its windows."""
        budget = standing.budget
        is_spent = standing.used >= budget.amount
        share = standing.used / budget.amount if budget.amount else 1.0
        whose = f"{budget.holder_kind} {budget.holder_name or budget.holder}"
        per = "in all" if budget.per == "total" else f"per {budget.per}"
        self.say(
            "budget.spent" if is_spent else "budget.near",
            budget.id,
            str(standing.starts),
            f"The {whose} has used {'all' if is_spent else f'{share:.0%}'} of its budget of {budget.measure} {per}.",
            holder_kind=budget.holder_kind,
            holder=budget.holder,
            measure=budget.measure,
            used=standing.used,
            amount=budget.amount,
            currency=budget.currency or None,
            resets=None if standing.resets is None else iso(standing.resets),
        )

    async def close(self) -> None:
        """Write what waits, and stop."""
        self._closing = True
        self._stirred.set()
        await self._task

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._stirred.wait()
            self._stirred.clear()
            batch = list(self._waiting)
            try:
                if batch:
                    await save_alerts(self._db, batch)
            except AssayError as error:
                _log.warning("alerts wait for the database code=%s alerts=%d", error.code, len(batch))
                if self._closing:
                    return
                await asyncio.sleep(_RETRY_S)
                self._stirred.set()
                continue
            for _ in batch:
                self._waiting.popleft()


async def notice_prices(db: Database, alerts: Alerts, deployments: Iterable[Deployment]) -> None:
    """Compare the prices of now with those that were known last, and say which have changed."""
    known: dict[str, dict[str, object]] = (await load_settings(db)).get(_PRICES, {})
    prices = {one.id: msgspec.to_builtins(one.price) for one in deployments if one.price is not None}
    for deployment, price in prices.items():
        before = known.get(deployment)
        if before is not None and _amounts(before) != _amounts(price):
            alerts.say(
                "price.changed",
                deployment,
                f"{price.get('date')}:{price['input']}:{price['output']}",
                f"The price of {deployment} is now {_words(price)}; it was {_words(before)}.",
                date=str(price.get("date") or ""),
                source=str(price.get("source") or ""),
            )
    if prices != {name: known.get(name) for name in prices}:
        await save_setting(db, _PRICES, {**known, **prices})


def _amounts(price: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in price.items() if name not in ("source", "date")}


def _words(price: dict[str, object]) -> str:
    stated = msgspec.convert(price, Price)
    return f"{stated.input / 1e9:g} {stated.currency} in, {stated.output / 1e9:g} out, per million tokens"
