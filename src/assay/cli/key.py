"""``assay key``: what clients of the gateway sign in with."""

from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server


@click.group()
def key() -> None:
    """Gateway keys: create, list, revoke."""


@key.command()
@click.argument("name")
@as_json
@configured()
async def create(configured: Configured, name: str, as_json: bool) -> None:
    """Make a key called NAME. It is shown this once; only a keyed hash of it is stored."""
    async with any_server(configured.settings) as server:
        made = await server.post("/api/v1/keys", {"name": name})
    emit(made, as_json, made["key"])
    say("Keep it now: it cannot be shown again.")


@key.command("list")
@as_json
@configured()
async def list_keys(configured: Configured, as_json: bool) -> None:
    """List the keys, without their secrets."""
    async with any_server(configured.settings) as server:
        keys = (await server.get("/api/v1/keys"))["keys"]
    columns = {"id": "id", "name": "name", "hint": "key", "created": "created", "last_used": "last used", "revoked": "revoked"}
    emit(keys, as_json, table(keys, columns))


@key.command()
@click.argument("key_id", metavar="ID")
@as_json
@configured()
async def revoke(configured: Configured, key_id: str, as_json: bool) -> None:
    """Revoke the key with this ID at once."""
    async with any_server(configured.settings) as server:
        revoked = await server.delete(f"/api/v1/keys/{quote(key_id, safe='')}")
    emit(revoked, as_json, f"Revoked {revoked['name']} ({revoked['id']}).")
