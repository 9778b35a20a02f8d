"""What of an import belongs in the database: provider keys are sealed, clients' keys taken over, with their budgets."""

import asyncio
import time
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from assay.cli.remote import Server
from assay.core import AssayError, NotFound, iso
from assay.gateway.moving import ClientKey, Plan
from assay.store.vault import Secret

_RELOAD_S = 4
_NANO = 1_000_000_000


class Steps:
    """Done through the API, by a server that runs or by one that lives as long as the command. Done again, they change nothing."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self.done: list[str] = []
        self.failed: list[dict[str, str]] = []

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._plan.keys_of or self._plan.client_keys)

    async def take(self, server: Server) -> None:
        """Do all of it; what fails does not keep the rest from being done."""
        providers = await self._providers(server)
        for name, secrets in self._plan.keys_of.items():
            await self._try(f"the key of {name}", self._seal(server, providers, name, secrets))
        for key in self._plan.client_keys:
            if key.secret is not None:
                await self._try(f"the client key {key.name!r}", self._bring(server, key, key.secret))

    def text(self) -> str:
        """What was done, a line each."""
        lines = [*self.done, *(f"error: {trouble['what']}: {trouble['message']} ({trouble['code']})" for trouble in self.failed)]
        return "".join(f"{line}\n" for line in lines)

    async def _try(self, what: str, step: Coroutine[Any, Any, str]) -> None:
        try:
            self.done.append(await step)
        except AssayError as error:
            self.failed.append({"what": what, "code": error.code, "message": str(error)})

    async def _providers(self, server: Server) -> dict[str, Any]:
        """The server's providers; one that runs may take a moment to see a changed file."""
        deadline = time.monotonic() + _RELOAD_S
        while True:
            known = {provider["name"]: provider for provider in (await server.get("/api/v1/providers"))["providers"]}
            if self._plan.keys_of.keys() <= known.keys() or time.monotonic() > deadline:
                return known
            await asyncio.sleep(0.2)

    async def _seal(self, server: Server, providers: dict[str, Any], name: str, secrets: tuple[Secret, ...]) -> str:
        if name not in providers:
            raise NotFound(
                "import.not_configured",
                "The server that runs does not use the new file.",
                hint="Start it with --config, and import again.",
            )
        if providers[name]["key"]["source"] == "vault":
            return f"Kept the key of {name}, which was sealed before."
        at = f"/api/v1/providers/{quote(name, safe='')}"
        await server.put(f"{at}/key", {"key": secrets[0].reveal()})
        for number, secret in enumerate(secrets[1:], 2):
            await server.post(f"{at}/keys", {"name": f"key-{number}", "key": secret.reveal()})
        return f"Sealed the key of {name}." if len(secrets) == 1 else f"Sealed {len(secrets)} keys of {name}."

    async def _bring(self, server: Server, key: ClientKey, secret: Secret) -> str:
        name = f"{key.owner}: {key.name}" if key.owner else key.name
        body = {
            "name": name,
            "key": secret.reveal(),
            "scopes": msgspec.to_builtins(key.scopes),
            "limits": msgspec.to_builtins(key.limits),
            "expires": None if key.expires is None else iso(key.expires),
        }
        try:
            made = await server.post("/api/v1/keys", body)
        except AssayError as error:
            if error.code != "key.exists":
                raise
            return f"Kept the client key {name!r}, which was taken over before."
        if key.budget_nano is not None:
            amount = f"{Decimal(key.budget_nano) / _NANO:f}"
            budget = {"holder_kind": "key", "holder": made["id"], "measure": "money", "amount": amount, "per": "total"}
            await server.post("/api/v1/budgets", budget)
        return f"Took over the client key {name!r}" + (f" with {amount} USD." if key.budget_nano is not None else ".")
