"""The whole product, assembled: the store is opened, the subsystems are joined, one ASGI callable answers.

`/v1/*` and `/v1beta/*` go straight to the gateway; everything else is the API or the page, both behind the `Guard`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from assay import __version__
from assay.api import Endpoint, document
from assay.arena import Arena, vote_routes
from assay.arena import routes as arena_routes
from assay.arena.imports import import_file
from assay.bench import routes as bench_routes
from assay.bench.data import Sources
from assay.bench.exchange.routes import exchange_routes
from assay.bench.executors.ray import RayExecutor
from assay.bench.library import Library
from assay.bench.ranking_routes import ranking_routes
from assay.bench.run_shelf import Shelf
from assay.bench.runs import Runs
from assay.bench.speed.routes import speed_routes
from assay.board import routes as board_routes
from assay.challenge import routes as challenge_routes
from assay.challenge.challenges import Challenges
from assay.challenge.people import People
from assay.challenge.work_routes import work_routes
from assay.core import AssayError, Settings, now_us
from assay.gateway import Gateway, practice
from assay.gateway.alerts import notice_prices
from assay.gateway.cached import drop_cached
from assay.gateway.control import routes as gateway_routes
from assay.gateway.control.routes_alerts import alert_routes
from assay.gateway.control.routes_budgets import budget_routes
from assay.gateway.control.routes_calls import call_routes
from assay.gateway.control.routes_keys import key_routes
from assay.gateway.control.routes_routing import routing_routes
from assay.gateway.control.routes_spend import spend_routes
from assay.gateway.control.routes_teams import team_routes
from assay.gateway.control.webhooks import Webhooks
from assay.gateway.faces import PREFIXES
from assay.gateway.kept import drop_expired
from assay.store import Database, Vault, keys, migrate, open_database
from assay.store.lock import DataLock
from assay.store.queries import drop_expired_bodies
from assay.store.rotation import open_vault
from assay.web import SCHEMAS, node, problems
from assay.web.access import Doorkeeper
from assay.web.accounts import Accounts
from assay.web.audit import AuditLog
from assay.web.audit_routes import audit_routes
from assay.web.guard import Guard, is_invitation
from assay.web.metrics import MetricsPage
from assay.web.oidc import oidc_routes
from assay.web.oidc_issuer import Issuer, check_settings
from assay.web.operate import Operation, operation_routes
from assay.web.pages import page
from assay.web.routes import Entrance, routes
from assay.web.user_routes import user_routes
from assay.web.vault_routes import vault_routes

log = logging.getLogger(__name__)


class Assay:
    """The running product, an ASGI callable. ``url`` is where it listens, once it does; ``endpoints`` are all of the API."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        vault: Vault,
        gateway: Gateway,
        arena: Arena,
        shelf: Shelf,
        runs: Runs,
        challenges: Challenges,
        doorkeeper: Doorkeeper,
    ):
        self.settings = settings
        self.database = database
        self.vault = vault
        self.gateway = gateway
        self.arena = arena
        self.shelf = shelf
        self.runs = runs
        self.challenges = challenges
        self.doorkeeper = doorkeeper
        self.audit = AuditLog(database)
        self.url = ""
        self.operation: Operation | None = None
        """What whoever started this can do with it."""
        endpoints = self._endpoints()
        self.endpoints = (*endpoints, document(endpoints, __version__))
        self._api = Starlette(routes=self.endpoints, exception_handlers=_HANDLERS)
        self._page = Starlette(routes=[Mount("/", page())], exception_handlers=_HANDLERS)
        self._metrics = MetricsPage(settings, gateway)
        self._guarded = Guard(self._api_or_page, settings, doorkeeper, self.audit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if f"{scope['path']}/".startswith(PREFIXES):
                await self.gateway(scope, receive, send)
            elif scope["path"] == "/metrics":
                await self._metrics(scope, receive, send)
            else:
                await self._guarded(scope, receive, send)
        except asyncio.CancelledError:
            # Only a server that stops and can wait no longer cancels a request: its task ends here, and that is no defect.
            log.warning("cut off an answer to stop method=%s", scope["method"])

    async def _api_or_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_api = path.startswith(("/api/", "/login/")) or path in {"/login", "/healthz", "/readyz"} or is_invitation(scope)
        await (self._api if is_api else self._page)(scope, receive, send)

    async def reconfigure(self, settings: Settings) -> None:
        """Go on with other settings, as far as they can change while it runs.

        Raises:
            Unavailable: the database is away; providers and aliases follow when it is back.
        """
        self.settings = settings
        self.arena.keep_bodies(settings.bodies)
        await self.gateway.reconfigure(settings)

    async def first_key(self) -> str | None:
        """A first gateway key in clear, where there is none yet."""
        if await keys.list_keys(self.database):
            return None
        _, key = await keys.create_key(self.database, self.vault, "first key")
        await self.gateway.changed()
        return key

    def _issuer(self) -> Issuer | None:
        return Issuer(self.settings, self.gateway.client) if self.settings.oidc_issuer else None

    async def _hidden_requests(self) -> list[str]:
        """The requests whose calls would tell somebody who judges blind what they must not know."""
        return [*await self.arena.hidden_requests(), *await self.challenges.hidden_requests()]

    def _endpoints(self) -> list[Endpoint]:
        people = People(self.database, self.challenges.hear, self.challenges.pass_over)
        return [
            *routes(
                Entrance(
                    self.settings,
                    self.doorkeeper,
                    url=lambda: self.url,
                    first_run=lambda: not self.gateway.deployments(),
                    people=people,
                    audit=self.audit,
                )
            ),
            *user_routes(self.doorkeeper.accounts),
            *oidc_routes(self.settings, self.doorkeeper, self.audit, self._issuer()),
            *audit_routes(self.database),
            *operation_routes(lambda: self.operation, lambda: self.gateway.is_stopping),
            *vault_routes(self.database, self.vault, self.arena.derived_keys, self.gateway.changed),
            *gateway_routes.routes(self.gateway),
            *call_routes(self.gateway, self._hidden_requests),
            *spend_routes(self.gateway, self._hidden_requests),
            *key_routes(self.gateway),
            *team_routes(self.gateway),
            *budget_routes(self.gateway),
            *alert_routes(self.gateway),
            *routing_routes(self.gateway),
            *arena_routes.routes(self.arena),
            *vote_routes.routes(self.database, self.vault),
            *board_routes.routes(
                self.database,
                providers=lambda: [entry.provider for entry in self.gateway.registry.entries.values()],
                hidden=self._hidden_requests,
                import_file=partial(import_file, self.database, self.vault),
                data_dir=self.settings.data_dir,
            ),
            *bench_routes.routes(self.database, self.runs, self.shelf.library),
            *ranking_routes(self.database, self.runs),
            *exchange_routes(self.database, self.runs, self.shelf),
            *speed_routes(self.database, self.gateway.caller, self.gateway.find),
            *work_routes(self.database),
            *challenge_routes.routes(self.database, self.challenges, people, url=lambda: self.url),
        ]


@asynccontextmanager
async def assemble(settings: Settings) -> AsyncGenerator[Assay, None]:
    """Open everything in order; close it in reverse, so that what was accepted is written.

    Raises:
        Unavailable: another process holds the data folder, or the database cannot be reached.
        InvalidInput: the issuer that people are to sign in at cannot be one.
    """
    check_settings(settings)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context(DataLock(settings.data))
        database = await open_database(settings.database_url)
        stack.push_async_callback(database.close)
        await migrate(database, *SCHEMAS)
        vault = await open_vault(database, settings.master_key, data_dir=settings.data)
        if settings.demo:
            await stack.enter_async_context(practice.serve(settings.practice_socket))
        gateway = await Gateway.start(database, vault, settings)
        stack.push_async_callback(gateway.close)
        await notice_prices(database, gateway.alerts, gateway.deployments())
        webhooks = Webhooks(database, gateway.client, settings.webhooks)
        webhooks.start()
        stack.push_async_callback(webhooks.close)
        await stack.enter_async_context(_dropping_expired_bodies(database))
        arena = await Arena.start(database, vault, gateway.caller, gateway.deployments, bodies=settings.bodies)
        stack.push_async_callback(arena.close)
        shelf = Shelf(Library(settings.task_folders), Sources(cache=settings.bench_folder / "data", data_dir=settings.data_dir))
        runs = await Runs.start(
            database,
            gateway.caller,
            gateway.find,
            shelf,
            folder=settings.bench_folder,
            owner=lock.name,
            executors={"ray": RayExecutor(database, node.ENTRY, {"settings": settings})},
        )
        stack.push_async_callback(runs.close)
        challenges = await Challenges.start(database, gateway.caller, gateway.find, owner=lock.name)
        stack.push_async_callback(challenges.close)
        accounts = await Accounts.open(database, gateway.changed)
        stack.callback(accounts.close)
        doorkeeper = await Doorkeeper.open(settings, vault, accounts)
        gateway.followers.append(doorkeeper.refresh)
        yield Assay(settings, database, vault, gateway, arena, shelf, runs, challenges, doorkeeper)


@asynccontextmanager
async def _dropping_expired_bodies(database: Database) -> AsyncGenerator[None, None]:
    """Now and every hour, delete the bodies, and what clients would have needed again, that were to be kept until now."""

    async def drop() -> None:
        while True:
            try:
                await drop_expired(database, now_us())
                await drop_cached(database, now_us())
                if dropped := await drop_expired_bodies(database, now_us()):
                    log.info("expired bodies dropped bodies=%d", dropped)
            except AssayError as error:
                log.warning("expired bodies are still there code=%s", error.code)
            await asyncio.sleep(3600)

    task = asyncio.create_task(drop(), name="expired bodies")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


_HANDLERS = {AssayError: problems.on_assay_error, HTTPException: problems.on_http_error, Exception: problems.on_bug}
