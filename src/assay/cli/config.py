"""``assay config``: what is set, and where each value came from."""

from pathlib import Path
from typing import Any

import click

from assay.cli.configure import NAMES, Configured, unknown_variables
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.up import check_exposure


@click.group()
def config() -> None:
    """Settings: show, check."""


@config.command()
@click.option("--origin", is_flag=True, help="Where each value came from, too.")
@as_json
@configured()
async def show(configured: Configured, origin: bool, as_json: bool) -> None:
    """Show every setting as it stands."""
    rows = [
        {"name": name, "value": _shown(name, getattr(configured.settings, name)), "origin": found.kind, "at": found.at}
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
    check_exposure(configured.settings)
    unknown = unknown_variables()
    emit(
        {"ok": not unknown, "file": configured.file, "unknown_variables": unknown},
        as_json,
        "" if unknown else "The configuration is sound.",
    )
    for name in unknown:
        say(f"error: the variable {name} is no setting of Assay's.")
    return 2 if unknown else 0


def _shown(name: str, value: Any) -> Any:
    if name == "database" and "@" in str(value):
        scheme, _, rest = str(value).partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    if name == "providers":
        return [provider.name for provider in value]
    return str(value) if isinstance(value, Path) else value
