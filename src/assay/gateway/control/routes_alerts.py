"""The alerts of the last weeks, for the page."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request

from assay.api import Endpoint
from assay.core import iso
from assay.core.alert import AlertKind
from assay.gateway.gateway import Gateway
from assay.store.alerts import list_alerts


class Alerts(msgspec.Struct, frozen=True):
    """How many at most."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class ShownAlert(msgspec.Struct, frozen=True, kw_only=True):
    """What was said; ``subject`` is the budget, provider or deployment that it is about."""

    id: str
    kind: AlertKind
    at: str
    subject: str
    text: str


class AlertList(msgspec.Struct, frozen=True):
    """The newest first; ``webhooks`` is how many addresses they are sent to."""

    alerts: list[ShownAlert]
    webhooks: int


def alert_routes(gateway: Gateway) -> list[Endpoint]:
    """The one route."""

    async def list_them(request: Request, query: Alerts) -> AlertList:
        """Alerts: budgets near their end, providers that are down, prices that changed."""
        found = await list_alerts(gateway.db, query.limit)
        shown = [ShownAlert(id=one.id, kind=one.kind, at=iso(one.at), subject=one.subject, text=one.text) for one in found]
        return AlertList(shown, len(gateway.settings.webhooks))

    return [Endpoint("GET", "/api/v1/alerts", list_them)]
