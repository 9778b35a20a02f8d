"""The gateway: one address and one key for every provider, in four protocols, as a raw ASGI application."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from assay.core import LOCAL, AssayError, Deployment, Unavailable, new_id, now_us
from assay.core.alert import AlertKind
from assay.core.settings import Settings
from assay.gateway import conditions
from assay.gateway.address import Addresses
from assay.gateway.addresses import read_networks
from assay.gateway.alerts import Alerts
from assay.gateway.asgi import JSON, ClientLeft, Receive, Scope, Send, read_body, send_answer, send_error
from assay.gateway.cache import HEADER, Cache
from assay.gateway.call_log import CallLog
from assay.gateway.caller import GatewayCaller
from assay.gateway.changes import Changes
from assay.gateway.client import Client
from assay.gateway.conditions import Conditions
from assay.gateway.connection import Timeouts
from assay.gateway.counting import Counting
from assay.gateway.dialect import read_asked
from assay.gateway.door import Door
from assay.gateway.endpoints import Endpoints
from assay.gateway.faces import face_of, find_header, forwarded, read_address
from assay.gateway.generation import Generations, Question
from assay.gateway.health import Health
from assay.gateway.ledger import Ledger
from assay.gateway.memory import Memory
from assay.gateway.metrics import Gauge, Metrics
from assay.gateway.recorder import Book, Recorder
from assay.gateway.registry import Registry
from assay.gateway.router import Router
from assay.gateway.snapshot import Snapshot
from assay.gateway.spend import SpendBook
from assay.store.database import Database
from assay.store.vault import Vault
from assay.wire.said import said_of

if TYPE_CHECKING:
    from assay.gateway.spans import Spans

_log = logging.getLogger(__name__)


class Gateway:
    """Start it with `start`, mount it at ``/v1/``, `close` it at the end."""

    def __init__(self, db: Database, vault: Vault, settings: Settings, environ: Mapping[str, str], tls: ssl.SSLContext | None):
        self.db = db
        self.vault = vault
        self.settings = settings
        self._door = Door(settings.trusted_proxies)
        self.timeouts = Timeouts()
        self._set_timeouts()
        self.registry = Registry(db, vault, settings, environ)
        self.client = Client(environ=environ, tls=tls, networks=read_networks(settings.allowed_networks))
        self.alerts = Alerts(db)
        self.metrics = Metrics()
        self.ledger = Ledger.of(db, settings)
        self.ledger.near.append(self.alerts.say_budget)
        self.spans = _spans(settings)
        self.cache = Cache(db)
        self.recorder = Recorder(db, bodies=settings.bodies, days=settings.bodies_days, books=self._books())
        self.snapshot: Snapshot
        self.health = Health()
        self.health.follow = self._tell_health
        self.router = Router(self.health, retry_wait_s=settings.retry_wait_s)
        self.caller = GatewayCaller(self.client, self.recorder, self.ledger, self.router, self.timeouts, lambda: self.snapshot)
        self.memory = Memory(
            db,
            self.recorder,
            bodies=settings.bodies,
            days=settings.bodies_days,
            alone=not settings.workers and db.dialect == "sqlite",
        )
        self.cache.open(self.recorder, self.memory)
        self.cache.keep(settings.bodies, settings.bodies_days, settings.cache_bytes)
        self._generations = Generations(self.client, self.recorder, self.memory, self.ledger, self.router, self.timeouts)
        self._counting = Counting(self.client, self.timeouts, self.memory, self.recorder.estimator, self.router)
        self._endpoints = Endpoints(self.client, self.recorder, self.ledger, self.router, self.timeouts)
        self.followers: list[Callable[[], Awaitable[None]]] = []
        """Who else takes note of changes, wherever they were made."""

        self._refreshing = asyncio.Lock()
        self._changes = Changes(db, self.refresh)
        self.spread: Callable[[], Awaitable[None]] = _nobody
        """Tells the workers of this process, if it has any, to look for changes; returns when they have."""
        self.is_stopping = False
        """Whether new requests are refused, while those under way are finished."""

    @classmethod
    async def start(
        cls,
        db: Database,
        vault: Vault,
        settings: Settings,
        *,
        environ: Mapping[str, str] = os.environ,
        tls: ssl.SSLContext | None = None,
    ) -> Gateway:
        """Read keys and providers, and begin to record. ``tls`` replaces the system's certificates.

        Raises:
            Unavailable: the database cannot be read, or holds secrets of another master key.
        """
        gateway = cls(db, vault, settings, environ, tls)
        try:
            await gateway._changes.start()
        except BaseException:
            await gateway.close()
            raise
        return gateway

    async def refresh(self) -> None:
        """Take note of changed keys and providers. Requests under way go on with what they began with."""
        async with self._refreshing:
            self.snapshot = await self.registry.load()
            self.health.keep(self.snapshot.marks)
            entries = [entry for entry in self.registry.entries.values() if entry.enabled]
            await self.ledger.refresh([(entry.provider, entry.limits) for entry in entries])
            for follow in self.followers:
                await follow()

    async def changed(self) -> None:
        """Something that requests depend on was changed in the database: take note of it here, and in every other process.

        Raises:
            Unavailable: the database is away; the change is taken note of when it is back.
        """
        await self._changes.tell()
        await self.spread()

    async def look(self) -> None:
        """Look now whether another process has changed something, instead of within half a second.

        Raises:
            Unavailable: the database is away.
        """
        await self._changes.look()

    async def reconfigure(self, settings: Settings) -> None:
        """Go on with other settings, as far as they can change while it runs. Requests under way keep their routes.

        Raises:
            Unavailable: the database is away; providers and aliases follow when it is back.
        """
        self._door.addresses = Addresses(settings.trusted_proxies)
        self.settings = settings
        self._set_timeouts()
        self.client.networks = read_networks(settings.allowed_networks)
        self.registry.settings = settings
        self.router.retry_wait_s = settings.retry_wait_s
        self.ledger.take(settings)
        self.recorder.keep(settings.bodies, settings.bodies_days)
        self.memory.write_down(settings.bodies, settings.bodies_days)
        self.cache.keep(settings.bodies, settings.bodies_days, settings.cache_bytes)
        await self._changes.read()

    def _set_timeouts(self) -> None:
        self.timeouts.connect_s = self.settings.connect_timeout_s
        self.timeouts.first_byte_s = self.settings.first_byte_timeout_s
        self.timeouts.idle_s = self.settings.idle_timeout_s
        self.timeouts.total_s = self.settings.total_timeout_s

    def conditions(self) -> Conditions:
        """How keys and deployments are, as all processes of this machine know it."""
        return Conditions.of(self.health, self.snapshot.upstreams.values()).joined(conditions.load(self.settings.metrics_folder))

    async def keep_telling(self) -> None:
        """Tell the other processes of this machine who is unwell, for as long as this one lives."""
        while True:
            try:
                conditions.save(Conditions.of(self.health, self.snapshot.upstreams.values()), self.settings.metrics_folder)
            except OSError as error:
                _log.warning("others do not learn who is unwell reason=%s", error.strerror)
            await asyncio.sleep(conditions.SAVE_S)

    def deployments(self) -> tuple[Deployment, ...]:
        """What can be called now."""
        return self.snapshot.deployments

    def find(self, name: str) -> Deployment:
        """The deployment that answers to ``name``. Raises as `Snapshot.find` does."""
        return self.snapshot.find(name).deployment

    def gauges(self) -> list[Gauge]:
        """What is so much at the moment, for the metrics."""
        return [
            Gauge("assay_upstream_requests_running", "Requests to providers under way.", (), [((), self.client.in_flight)]),
            Gauge("assay_calls_waiting", "Calls that wait to be recorded.", (), [((), self.recorder.waiting)]),
            Gauge("assay_tasks_running", "Tasks of the event loop.", (), [((), len(asyncio.all_tasks()))]),
            Gauge(
                "assay_bodies_dropped", "Bodies that were not kept since too much waited.", (), [((), self.recorder.bodies_dropped)]
            ),
        ]

    def _tell_health(self, deployment: str, reason: str | None) -> None:
        """A deployment's breaker has opened, or closed again."""
        kind: AlertKind = "provider.up" if reason is None else "provider.down"
        said = "answers again" if reason is None else f"fails again and again, and is asked only now and then: {reason}"
        # Every process notices by itself: within ten minutes it is the same piece of news.
        self.alerts.say(kind, deployment, str(now_us() // 600_000_000), f"{deployment} {said}", reason=reason)

    def _books(self) -> list[Book]:
        books: list[Book] = [self.ledger, SpendBook(), self.cache, self.metrics]
        if self.settings.log_calls:
            books.append(CallLog())
        if self.spans is not None:
            books.append(self.spans)
        return books

    async def close(self) -> None:
        """Cut what runs, commit every call, and let go of all connections."""
        await self._changes.close()
        self._generations.close()
        await self.client.close()
        await self.memory.close()
        await self.recorder.close()
        await self.cache.close()
        await self.ledger.close()
        await self.alerts.close()
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway answers HTTP only, not {scope['type']}")
        request_id = new_id()
        try:
            await self._answer(scope, receive, send, request_id)
        except AssayError as error:
            _log.debug("refused request_id=%s code=%s", request_id, error.code)
            self.metrics.refuse(error.code)
            await send_error(send, face_of(scope["path"], scope["headers"]), error, request_id, said_of(error)[0])
        except ClientLeft:
            return

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        if self.is_stopping:
            raise Unavailable("gateway.stopping", "Assay is being stopped.", hint="Try again in a moment.", retry_after_s=2)
        snapshot = self.snapshot
        headers, query = scope["headers"], scope["query_string"]
        # The local door is a socket that only this user can open; what comes through it needs no key.
        asker = LOCAL if scope.get("assay.local") else self._door.admit(scope, snapshot)
        asking = read_address(scope["method"], scope["path"], query, headers)
        bounds = snapshot.bounds.get(asker.key)
        if bounds is not None:
            bounds.check_way(asking.protocol, self._door.addresses.of(scope))
        if asking.operation == "models":
            model = asking.model
            listed = (
                snapshot.list_models(asking.codec, bounds) if model is None else snapshot.show_model(asking.codec, model, asker)
            )
            await send_answer(send, 200, [JSON, (b"x-request-id", request_id.encode())], listed)
            return
        if self.recorder.is_full:
            raise Unavailable("gateway.busy", "Too many calls wait to be recorded.", hint="Try again in a second.", retry_after_s=1)
        body = await read_body(scope, receive, self.settings.max_body_bytes)
        if asking.operation == "generate":
            asked = read_asked(body, model=asking.model, stream=asking.stream)
            trace = None if self.spans is None else find_header(headers, b"traceparent")
            question = Question(asking, asked, body, asker, forwarded(asking.protocol, headers), request_id, trace)
            pool = snapshot.pool_for(asker, asked.model)
            if bounds is not None:
                bounds.check_others(asked.fields, {route.deployment.provider for route in pool.routes})
            wish = self.cache.wish(find_header(headers, HEADER), pool)
            to_answer = question if wish is None else await self.cache.look(question, pool, wish, send)
            if to_answer is not None:
                await self._generations.answer(to_answer, pool, receive, send)
        elif asking.operation == "count_tokens":
            shown = forwarded(asking.protocol, headers)
            await self._counting.answer(asking, body, snapshot, asker, shown, receive, send, request_id)
        else:
            content_type = find_header(headers, b"content-type") or JSON[1]
            await self._endpoints.answer(asking, body, content_type, snapshot, asker, receive, send, request_id)


async def _nobody() -> None:
    """There are no workers."""


def _spans(settings: Settings) -> Spans | None:
    if not settings.otel_endpoint:
        return None
    # Imported when needed: few installations send spans, and every worker would pay for it.
    from assay.gateway.spans import Spans

    return Spans.to(settings.otel_endpoint, content=settings.otel_content)
