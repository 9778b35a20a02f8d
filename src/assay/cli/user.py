"""``assay user``: people's accounts. A password is read from standard input, never from the command line, which others can see."""

from collections.abc import Coroutine
from typing import Any

import click

from assay.cli.configure import Configured
from assay.cli.holders import find_team, find_user, given_of, limited, limits_of
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import Server, any_server
from assay.cli.secret import read_secret

_COLUMNS = {
    "id": "id", "name": "name", "email": "e-mail", "role": "role", "team_name": "team", "has_password": "password",
    "last_seen": "last seen", "disabled": "disabled",
}  # fmt: skip
_role = click.option("--role", type=click.Choice(["viewer", "member", "admin"]), help="What they may do.  [default: member]")
_team = click.option("--team", "team_name", metavar="TEAM", help="Their team, by name or id; empty for none.")


@click.group()
def user() -> None:
    """People's accounts: create, list, change, password, disable."""


@user.command()
@click.argument("name")
@click.option("--email", help="What they sign in with.")
@_role
@_team
@limited
@as_json
@configured()
async def create(
    configured: Configured, name: str, email: str | None, role: str | None, team_name: str | None, as_json: bool, **given: Any
) -> None:
    """Make an account for somebody called NAME."""
    async with any_server(configured.settings) as server:
        new = {"name": name, **given_of(email=email, role=role), **await _team_of(server, team_name), **limits_of(given)}
        made = await server.post("/api/v1/users", new)
    emit(made, as_json, f"Made {made['name']} ({made['id']}), a{'n' if made['role'] == 'admin' else ''} {made['role']}.")
    say(f"`assay user password {made['email'] or made['id']}` gives them a password to sign in with.")


@user.command("list")
@as_json
@configured()
async def list_users(configured: Configured, as_json: bool) -> None:
    """List the accounts."""
    async with any_server(configured.settings) as server:
        users = (await server.get("/api/v1/users"))["users"]
    emit(users, as_json, table(users, _COLUMNS))


@user.command()
@click.argument("who", metavar="USER")
@click.option("--name", help="What they are called from now on.")
@click.option("--email", help="What they sign in with from now on.")
@click.option("--enable", is_flag=True, help="Let somebody in again who was disabled.")
@_role
@_team
@limited
@as_json
@configured()
async def change(
    configured: Configured,
    who: str,
    name: str | None,
    email: str | None,
    enable: bool,
    role: str | None,
    team_name: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change the account of USER, an e-mail address, a name or an id."""
    async with any_server(configured.settings) as server:
        row = await find_user(server, who)
        changes = {
            **given_of(name=name, email=email, role=role),
            **await _team_of(server, team_name),
            **limits_of(given, row["limits"]),
            **({"disabled": False} if enable else {}),
        }
        changed = await server.patch(f"/api/v1/users/{row['id']}", changes)
    emit(changed, as_json, table([changed], _COLUMNS))


@user.command()
@click.argument("who", metavar="USER")
@as_json
@configured()
def password(configured: Configured, who: str, as_json: bool) -> Coroutine[Any, Any, None]:
    """Give USER a password, read from standard input; whoever is signed in with the account is signed out."""
    # Read before the event loop runs, which would keep Ctrl-C from a prompt.
    return _set_password(configured, who, read_secret(f"Password for {who}: "), as_json)


@user.command()
@click.argument("who", metavar="USER")
@as_json
@configured()
async def disable(configured: Configured, who: str, as_json: bool) -> None:
    """Disable the account of USER: signed out at once, and none of their keys is good."""
    async with any_server(configured.settings) as server:
        row = await find_user(server, who)
        disabled = await server.delete(f"/api/v1/users/{row['id']}")
    emit(disabled, as_json, f"Disabled {disabled['name']} ({disabled['id']}).")


async def _set_password(configured: Configured, who: str, given: str, as_json: bool) -> None:
    async with any_server(configured.settings) as server:
        row = await find_user(server, who)
        changed = await server.post(f"/api/v1/users/{row['id']}/password", {"password": given})
    emit(changed, as_json, f"{changed['name']} has a new password.")


async def _team_of(server: Server, said: str | None) -> dict[str, Any]:
    if said is None:
        return {}
    return {"team": (await find_team(server, said))["id"] if said else None}
