"""``assay key``: what clients of the gateway sign in with."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.holders import find_key, given_of, limited, limits_of, owners_of, read_end
from assay.cli.on import read_span
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server
from assay.core import InvalidInput

_COLUMNS = {
    "id": "id", "name": "name", "hint": "key", "user_name": "user", "team_name": "team", "created": "created",
    "last_used": "last used", "expires": "expires", "revoked": "revoked",
}  # fmt: skip
_OPTIONS = (
    click.option("--user", metavar="USER", help="Whose it is: an e-mail address, a name or an id; empty for nobody's."),
    click.option("--team", metavar="TEAM", help="Which team's it is, by name or id; empty for none."),
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="PATTERN",
        help="Good for these models only, such as 'openai/*'; again for more.",
    ),
    click.option("--protocol", "protocols", multiple=True, help="Good for clients of these protocols only; again for more."),
    click.option(
        "--address",
        "addresses",
        multiple=True,
        metavar="NETWORK",
        help="Good from these networks only, such as 10.0.0.0/8; again for more.",
    ),
    click.option("--expires", metavar="WHEN", help="When it ends: 90d, 2027-01-31, or never."),
)


@click.group()
def key() -> None:
    """Gateway keys: create, list, change, rotate, revoke."""


def _described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say whose a key is and what it is good for."""
    command = limited(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@key.command()
@click.argument("name")
@_described
@as_json
@configured()
async def create(configured: Configured, name: str, as_json: bool, **given: Any) -> None:
    """Make a key called NAME. It is shown this once; only a keyed hash of it is stored."""
    async with any_server(configured.settings) as server:
        owners = await owners_of(server, given["user"], given["team"])
        made = await server.post("/api/v1/keys", {"name": name, **owners, **_bounds(given), **limits_of(given)})
    emit(made, as_json, made["key"])
    say("Keep it now: it cannot be shown again.")


@key.command("list")
@as_json
@configured()
async def list_keys(configured: Configured, as_json: bool) -> None:
    """List the keys, without their secrets."""
    async with any_server(configured.settings) as server:
        keys = (await server.get("/api/v1/keys"))["keys"]
    emit(keys, as_json, table(keys, _COLUMNS))


@key.command()
@click.argument("key_id", metavar="KEY")
@click.option("--name", help="What it is called from now on.")
@click.option("--any", "any_scope", is_flag=True, help="Good for all models, protocols and addresses, but for those given here.")
@_described
@as_json
@configured()
async def change(configured: Configured, key_id: str, name: str | None, any_scope: bool, as_json: bool, **given: Any) -> None:
    """Change the KEY of this id or name, at once."""
    async with any_server(configured.settings) as server:
        row = await find_key(server, key_id)
        owners = await owners_of(server, given["user"], given["team"])
        bounds = _bounds(given, {} if any_scope else row["scopes"])
        if any_scope:
            bounds.setdefault("scopes", None)
        changes = {**given_of(name=name), **owners, **bounds, **limits_of(given, row["limits"])}
        changed = await server.patch(f"/api/v1/keys/{row['id']}", changes)
    emit(changed, as_json, table([changed], _COLUMNS))


@key.command()
@click.argument("key_id", metavar="KEY")
@click.option(
    "--overlap", default="24h", show_default=True, metavar="SPAN", help="How long the old secret stays good: 30m, 24h, 7d."
)
@as_json
@configured()
async def rotate(configured: Configured, key_id: str, overlap: str, as_json: bool) -> None:
    """Give the KEY of this id or name a new secret; the old one stays good for a while."""
    overlap_s = 0.0 if overlap == "0" else read_span(overlap)
    if overlap_s is None:
        raise InvalidInput("key.bad_overlap", f"{overlap!r} is no span of time.", hint="Write 30m, 24h, 7d or 0.")
    async with any_server(configured.settings) as server:
        row = await find_key(server, key_id)
        made = await server.post(f"/api/v1/keys/{row['id']}/rotate", {"overlap_s": overlap_s})
    emit(made, as_json, made["key"])
    say(f"Keep it now: it cannot be shown again. The old one ends at {made['old_until'] or 'once'}.")


@key.command()
@click.argument("key_id", metavar="ID")
@as_json
@configured()
async def revoke(configured: Configured, key_id: str, as_json: bool) -> None:
    """Revoke the key with this ID at once."""
    async with any_server(configured.settings) as server:
        revoked = await server.delete(f"/api/v1/keys/{quote(key_id, safe='')}")
    emit(revoked, as_json, f"Revoked {revoked['name']} ({revoked['id']}).")


def _bounds(given: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The fields of a body that say what a key is good for, and until when; the scopes ``before`` stay where none are given."""
    scopes = {name: list(given[name]) for name in ("models", "protocols", "addresses") if given[name]}
    bounds: dict[str, Any] = {"scopes": {**(before or {}), **scopes}} if scopes else {}
    return bounds if given["expires"] is None else bounds | {"expires": read_end(given["expires"])}
