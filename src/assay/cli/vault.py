"""``assay vault``: the master key."""

from pathlib import Path

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.remote import any_server


@click.group()
def vault() -> None:
    """The master key: rotate."""


@vault.command()
@click.option(
    "--new-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take the 32-byte key in this file, which other hosts have already.  [default: make a fresh one]",
)
@as_json
@configured()
async def rotate(configured: Configured, new_key: Path | None, as_json: bool) -> None:
    """Seal every secret under a new master key, while requests go on.

    Gateway keys stay what they are; whoever is signed in to the pages signs in again. The old key is kept beside the new one:
    backups from before need it.
    """
    body = {"new_key": str(new_key.absolute()) if new_key is not None else None}
    async with any_server(configured.settings) as server:
        done = await server.post("/api/v1/vault/rotate", body)
    count = done["secrets"]
    lines = [
        f"The master key is now {done['fingerprint']}, in {done['key_file']}. It locks {count} secret{'' if count == 1 else 's'}.",
        f"The one before, {done['former']}, is kept in {done['kept_at']}.",
    ]
    emit(done, as_json, "\n".join(lines))
    say(
        "Copy the new key file to where you keep your backups' keys. Delete the old one when no backup from before is wanted any more."
    )
