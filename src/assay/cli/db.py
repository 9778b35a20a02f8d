"""``assay db``: bring the schema up to date, copy the database while it is in use, put a copy back."""

from pathlib import Path

import click
import msgspec

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.store import Vault, open_database
from assay.store import backup as copy_database
from assay.store import migrate as bring_up_to_date
from assay.store.lock import DataLock
from assay.store.restore import restore as put_back
from assay.web import SCHEMAS


@click.group()
def db() -> None:
    """The database: migrate, back up, restore."""


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
    settings = configured.settings
    size = await copy_database(settings.database_url, target)
    emit({"target": target.absolute(), "bytes": size}, as_json, f"{target} ({size:,} bytes)")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put it in the place of the database that is there.")
@as_json
@configured()
async def restore(configured: Configured, file: Path, replace: bool, as_json: bool) -> None:
    """Put FILE, which `assay db backup` wrote, back as the database, whole or not at all. No server may be running on it.

    A SQLite database that is replaced is kept under another name; a PostgreSQL database is emptied first, so it must be Assay's alone.
    """
    settings = configured.settings
    with DataLock(settings.data):
        done = await put_back(settings.database_url, file, SCHEMAS, replace=replace)
    key = Vault.beside(settings.master_key, done.master_key) if done.master_key is not None else None
    document = msgspec.to_builtins(done) | {"key_file": str(key.source) if key is not None else None}
    emit(document, as_json, f"The database is as it was in {file}.")
    if done.kept_at is not None:
        say(f"The one that was there is kept as {done.kept_at}.")
    if done.master_key is not None and key is None:
        say(f"warning: it needs the master key {done.master_key}, which is not here. Put that file at {settings.master_key}.")
    elif key is not None:
        say(f"It needs the master key {done.master_key}, which is in {key.source}.")
