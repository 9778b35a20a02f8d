"""``assay provider key``: several keys of one provider, which are used in turn."""

from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server
from assay.cli.secret import read_secret
from assay.core import InvalidInput

_COLUMNS = {"name": "name", "hint": "key", "source": "from", "state": "state", "parked_until": "until", "reason": "reason"}


@click.group()
def key() -> None:
    """Several keys of one provider: add, list, remove."""


@key.command()
@click.argument("provider")
@click.argument("name")
@as_json
@configured()
def add(configured: Configured, provider: str, name: str, as_json: bool) -> Coroutine[Any, Any, None]:
    """Add a key of PROVIDER under a NAME of its own, read from standard input, to the vault."""
    # Read before the event loop runs, which would keep Ctrl-C from a prompt.
    return _add(configured, provider, name, read_secret(f"Key {name} of {provider}: "), as_json)


async def _add(configured: Configured, provider: str, name: str, secret: str, as_json: bool) -> None:
    async with any_server(configured.settings) as server:
        row = await server.post(f"{_path(provider)}/keys", {"name": name, "key": secret})
    emit(row, as_json, table(row["keys"], _COLUMNS))
    say(f"`assay provider test {provider}` asks whether it works.")


@key.command("list")
@click.argument("provider")
@as_json
@configured()
async def list_keys(configured: Configured, provider: str, as_json: bool) -> None:
    """List the keys of PROVIDER, and how they are."""
    async with any_server(configured.settings) as server:
        rows = (await server.get("/api/v1/providers"))["providers"]
    found = next((row for row in rows if row["name"] == provider), None)
    if found is None:
        raise InvalidInput("provider.not_found", f"There is no provider {provider!r}.", hint="`assay provider list` lists them.")
    emit(found["keys"], as_json, table(found["keys"], _COLUMNS))


@key.command()
@click.argument("provider")
@click.argument("name")
@as_json
@configured()
async def remove(configured: Configured, provider: str, name: str, as_json: bool) -> None:
    """Remove the key NAME of PROVIDER from the vault."""
    async with any_server(configured.settings) as server:
        row = await server.delete(f"{_path(provider)}/keys/{quote(name, safe='')}")
    emit(row, as_json, table(row["keys"], _COLUMNS))


def _path(name: str) -> str:
    return f"/api/v1/providers/{quote(name, safe='')}"
