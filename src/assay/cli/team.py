"""``assay team``: people who share budgets and limits."""

from typing import Any

import click

from assay.cli.configure import Configured
from assay.cli.holders import find_team, given_of, limited, limits_of
from assay.cli.options import as_json, configured
from assay.cli.output import emit, table
from assay.cli.remote import any_server

_COLUMNS = {"id": "id", "name": "name", "members": "members", "keys": "keys", "created": "created", "archived": "archived"}


@click.group()
def team() -> None:
    """Teams: create, list, change, archive."""


@team.command()
@click.argument("name")
@limited
@as_json
@configured()
async def create(configured: Configured, name: str, as_json: bool, **given: Any) -> None:
    """Make a team called NAME."""
    async with any_server(configured.settings) as server:
        made = await server.post("/api/v1/teams", {"name": name, **limits_of(given)})
    emit(made, as_json, f"Made {made['name']} ({made['id']}).")


@team.command("list")
@as_json
@configured()
async def list_teams(configured: Configured, as_json: bool) -> None:
    """List the teams."""
    async with any_server(configured.settings) as server:
        teams = (await server.get("/api/v1/teams"))["teams"]
    emit(teams, as_json, table(teams, _COLUMNS))


@team.command()
@click.argument("team_name", metavar="TEAM")
@click.option("--name", help="What it is called from now on.")
@click.option("--restore", is_flag=True, help="Bring it back from the archive; its keys are good again.")
@limited
@as_json
@configured()
async def change(configured: Configured, team_name: str, name: str | None, restore: bool, as_json: bool, **given: Any) -> None:
    """Change the TEAM of this name or id."""
    async with any_server(configured.settings) as server:
        row = await find_team(server, team_name)
        changes = {**given_of(name=name), **limits_of(given, row["limits"]), **({"archived": False} if restore else {})}
        changed = await server.patch(f"/api/v1/teams/{row['id']}", changes)
    emit(changed, as_json, table([changed], _COLUMNS))


@team.command()
@click.argument("team_name", metavar="TEAM")
@as_json
@configured()
async def archive(configured: Configured, team_name: str, as_json: bool) -> None:
    """Archive the TEAM of this name or id: none of its keys is good any more."""
    async with any_server(configured.settings) as server:
        row = await find_team(server, team_name)
        archived = await server.delete(f"/api/v1/teams/{row['id']}")
    emit(archived, as_json, f"Archived {archived['name']} ({archived['id']}); {archived['keys']} keys are refused now.")
