"""``assay db``: bring the schema up to date, copy the database while it is in use."""

from pathlib import Path

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit
from assay.store import backup as copy_database
from assay.store import migrate as bring_up_to_date
from assay.store import open_database
from assay.store.lock import DataLock
from assay.web import SCHEMAS


@click.group()
def db() -> None:
    """The database: migrate, back up."""


@db.command()
@as_json
@configured()
async def migrate(configured: Configured, as_json: bool) -> None:
    """Bring the database's schema up to date. `assay up` does it too; run this to do it beforehand."""
    settings = configured.settings
    with DataLock(settings.data):
        database = await open_database(settings.database_url)
        try:
            applied = await bring_up_to_date(database, *SCHEMAS)
        finally:
            await database.close()
    emit({"applied": applied}, as_json, "\n".join(applied) or "The schema is up to date.")


@db.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@configured()
async def backup(configured: Configured, target: Path, as_json: bool) -> None:
    """Copy the database to TARGET, whole and consistent, while a server may be running.

    The master key is not in it: keep a copy of that file elsewhere, or the provider keys in the copy cannot be read.
    """
    size = await copy_database(configured.settings.database_url, target)
    emit({"target": target.absolute(), "bytes": size}, as_json, f"{target} ({size:,} bytes)")
