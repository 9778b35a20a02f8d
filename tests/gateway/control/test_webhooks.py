"""An alert is put on record once, whoever noticed, and reaches every webhook that wants it, signed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from assay.core import Deployment, InvalidInput, Price, now_us
from assay.core.settings import Webhook
from assay.gateway.alerts import Alerts, notice_prices
from assay.gateway.client import Client
from assay.gateway.control.webhooks import Webhooks
from assay.gateway.ledger import Standing
from assay.store import Database
from assay.store.alerts import list_alerts
from assay.store.budgets import BudgetRow
from tests.gateway.rig import Wire, told, until

pytestmark = pytest.mark.anyio


class Inbox:
    """Takes what is sent, after refusing ``refusals`` times."""

    def __init__(self, refusals: int = 0):
        self.refusals = refusals
        self.taken: list[tuple[bytes, bytes]] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            await wire.request()
            if self.refusals:
                self.refusals -= 1
                await wire.answer({"error": "busy"}, status="503 Busy")
            else:
                self.taken.append(wire.upstream.requests[-1])
                await wire.answer({})


async def noted(db: Database, *kinds: str) -> None:
    alerts = Alerts(db)
    for kind in kinds:
        alerts.say(kind, "up", "1", f"It is {kind}.", share=0.8)  # type: ignore[arg-type]  # a test names them in a row
    await alerts.close()


async def test_the_same_alert_is_on_record_once_whoever_noticed(db: Database) -> None:
    await noted(db, "provider.down")
    await noted(db, "provider.down", "provider.up")
    assert sorted(alert.kind for alert in await list_alerts(db, 10)) == ["provider.down", "provider.up"]


async def test_a_webhook_gets_what_it_wants_signed_and_once(db: Database, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    await noted(db, "budget.near", "provider.down")
    inbox = Inbox()
    async with told(inbox) as there:
        hook = Webhook(url=f"{there.url}/hook?token=t", secret_file=secret, on=("budget.near",))
        client = Client(environ={})
        for _ in range(2):
            hooks = Webhooks(db, client, [hook])
            for known in hooks.hooks:
                await hooks.send_waiting(known)
            await hooks.close()
        await client.close()
    ((head, body),) = inbox.taken
    assert head.startswith(b"POST /v1/hook?token=t HTTP/1.1")
    said = json.loads(body)
    assert (said["kind"], said["text"], said["content"], said["detail"]) == (
        "budget.near",
        "It is budget.near.",
        "It is budget.near.",
        {"share": 0.8},
    )
    (signature,) = [
        line.partition(b": ")[2].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"assay-signature")
    ]
    at, _, given = signature.removeprefix("t=").partition(",v1=")
    assert given == hmac.new(b"0123456789abcdef", f"{at}.".encode() + body, hashlib.sha256).hexdigest()


async def test_what_was_not_taken_is_sent_again_later_and_not_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await noted(db, "provider.down")
    inbox = Inbox(refusals=1)
    async with told(inbox) as there:
        client = Client(environ={})
        hooks = Webhooks(db, client, [Webhook(url=there.url)])
        (hook,) = hooks.hooks
        await hooks.send_waiting(hook)
        await hooks.send_waiting(hook)
        assert inbox.taken == []
        later = 60_000_000
        monkeypatch.setattr("assay.gateway.control.webhooks.now_us", lambda: later + now_us())
        await hooks.send_waiting(hook)
        assert len(inbox.taken) == 1
        await hooks.close()
        await client.close()


async def test_two_servers_send_an_alert_once(database: Database) -> None:
    await noted(database, "provider.down", "price.changed")
    inbox = Inbox()
    async with told(inbox) as there:
        client = Client(environ={})
        servers = [Webhooks(database, client, [Webhook(url=there.url)]) for _ in range(4)]
        await asyncio.gather(*(server.send_waiting(server.hooks[0]) for server in servers))
        await client.close()
    assert len(inbox.taken) == 2


async def test_alerts_are_sent_without_being_asked(db: Database) -> None:
    inbox = Inbox()
    async with told(inbox) as there:
        client = Client(environ={})
        hooks = Webhooks(db, client, [Webhook(url=there.url)])
        hooks.start()
        await noted(db, "provider.down")
        await until(lambda: bool(inbox.taken), 30)
        await hooks.close()
        await client.close()


async def test_a_changed_price_is_said_and_a_first_one_is_not(db: Database) -> None:
    def priced(output: int) -> list[Deployment]:
        price = Price(input=1_000_000_000, output=output, date="2026-11-01", source="https://example.com")
        return [Deployment(id="up/m", provider="up", model="m", upstream_model="m", price=price)]

    for output in (2_000_000_000, 2_000_000_000, 3_000_000_000):
        alerts = Alerts(db)
        await notice_prices(db, alerts, priced(output))
        await alerts.close()
    (alert,) = await list_alerts(db, 10)
    assert alert.text == "The price of up/m is now 1 USD in, 3 out, per million tokens; it was 1 USD in, 2 out, per million tokens."


async def test_a_webhook_with_a_short_secret_is_refused(db: Database, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short")
    with pytest.raises(InvalidInput, match="fewer than 16") as refused:
        Webhooks(db, Client(environ={}), [Webhook(url="https://example.com", secret_file=secret)])
    assert refused.value.code == "settings.webhook_secret"


@pytest.mark.parametrize(("used", "kind", "share"), [(80, "budget.near", "80%"), (103, "budget.spent", "all")])
async def test_a_budget_that_nears_its_end_is_said_with_how_much(db: Database, used: int, kind: str, share: str) -> None:
    budget = BudgetRow(
        id="b1", holder_kind="team", holder="t1", holder_name="blue", measure="tokens", amount=100, per="day", created=1
    )
    alerts = Alerts(db)
    for _ in range(2):
        alerts.say_budget(Standing(budget=budget, used=used, reserved=0, left=0, starts=5, resets=1_000_000))
    await alerts.close()
    (alert,) = await list_alerts(db, 10)
    assert (alert.kind, alert.subject) == (kind, "b1")
    assert alert.text == f"The team blue has used {share} of its budget of tokens per day."
    assert alert.detail["resets"] == "1970-01-01T00:00:01.000000Z"
