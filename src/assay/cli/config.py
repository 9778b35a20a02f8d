"""``assay config``: what is set, and where each value came from."""

import click

from assay.cli.configure import NAMES, Configured, shown, unknown_variables
from assay.cli.exits import OK, USAGE
from assay.cli.move_in import import_
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.gateway.providers import check_provider
from assay.web.access import read_password


@click.group()
def config() -> None:
    """Settings: show, check, import."""


config.add_command(import_)


@config.command()
@click.option("--origin", is_flag=True, help="Where each value came from, too.")
@as_json
@configured()
async def show(configured: Configured, origin: bool, as_json: bool) -> None:
    """Show every setting as it stands."""
    rows = [
        {"name": name, "value": shown(name, getattr(configured.settings, name)), "origin": found.kind, "at": found.at}
        for name in NAMES
        for found in (configured.origins[name],)
    ]
    columns = {"name": "setting", "value": "value"} | ({"origin": "from", "at": "where"} if origin else {})
    emit(rows, as_json, table(rows, columns))


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
