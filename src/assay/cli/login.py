"""``assay login``: a fresh one-time link from the running server."""

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit
from assay.cli.remote import running_server


@click.command()
@as_json
@configured()
async def login(configured: Configured, as_json: bool) -> None:
    """Print a fresh one-time link to sign in to the running server."""
    async with running_server(configured.settings) as server:
        link = await server.post("/api/v1/login-links")
    emit(link, as_json, link["url"])
