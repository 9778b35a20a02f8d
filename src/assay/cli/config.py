"""``assay config``: what is set, and where each value came from."""

from typing import Any

import click

from assay.cli.configure import NAMES, Configured, shown, unknown_variables
from assay.cli.exits import OK, USAGE
from assay.cli.move_in import import_
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.stored import stored
from assay.cli.tables import values_in
from assay.core import AssayError
from assay.gateway.providers import check_provider
from assay.store.aliases import load_aliases
from assay.store.queries import load_providers
from assay.web.access import read_password


@click.group()
def config() -> None:
    """Settings: show, check, import."""


config.add_command(import_)


@config.command()
@click.option(
    "--origin", is_flag=True, help="Where each value came from, too, also inside tables, and what is set in the database."
)
@as_json
@configured()
async def show(configured: Configured, origin: bool, as_json: bool) -> None:
    """Show every setting as it stands."""
    rows = [
        {"name": name, "value": shown(name, getattr(configured.settings, name)), "origin": found.kind, "at": found.at}
        for name in NAMES
        for found in (configured.origins[name],)
    ]
    if origin:
        rows += [*_in_file(configured), *await _in_database(configured)]
    columns = {"name": "setting", "value": "value"} | ({"origin": "from", "at": "where"} if origin else {})
    emit(rows, as_json, table(rows, columns))


def _in_file(configured: Configured) -> list[dict[str, Any]]:
    """What the file says inside its tables."""
    if configured.file is None:
        return []
    at = str(configured.file)
    return [{"name": name, "value": value, "origin": "file", "at": at} for name, value in values_in(configured.file)]


async def _in_database(configured: Configured) -> list[dict[str, Any]]:
    """What was set on the pages or by a command; what the file says too counts before it."""
    try:
        async with stored(configured.settings) as database:
            providers, aliases = await load_providers(database), await load_aliases(database)
    except AssayError as error:
        if error.code not in {"store.no_database", "store.older_schema"}:
            say(f"What is in the database cannot be shown: {error}")
        return []
    of_file = {provider.name for provider in configured.settings.providers}
    rows = [(f"providers.{provider.name}", provider.base_url, provider.name in of_file) for provider in providers]
    rows += [
        (f"aliases.{name}", ", ".join(target.deployment for target in alias.targets), name in configured.settings.aliases)
        for name, alias in aliases.items()
    ]
    return [
        {"name": name, "value": value, "origin": "database", "at": "not used: the file comes first" if beaten else ""}
        for name, value, beaten in rows
    ]


@config.command()
@as_json
@configured()
async def check(configured: Configured, as_json: bool) -> int:
    """Check the configuration as `assay up` would read it."""
    settings = configured.settings
    read_password(settings.admin_password_file)
    for provider in settings.providers:
        check_provider(provider)
    unknown = unknown_variables()
    emit(
        {"ok": not unknown, "file": configured.file, "unknown_variables": sorted(unknown)},
        as_json,
        "" if unknown else "The configuration is sound.",
    )
    for name, suggestion in unknown.items():
        say(f"error: the variable {name} is no setting. {suggestion}")
    return USAGE if unknown else OK
