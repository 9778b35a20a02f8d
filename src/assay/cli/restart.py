"""``assay restart``: the configuration is read again and the workers are replaced, while requests go on."""

import click
import msgspec

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.remote import running_server
from assay.web.operate import Restarted


@click.command()
@as_json
@configured()
async def restart(configured: Configured, as_json: bool) -> None:
    """Read the configuration again, and replace the workers one by one. No request is dropped; the pages go on, too."""
    async with running_server(configured.settings) as server:
        done = msgspec.convert(await server.post("/api/v1/restart"), Restarted)
    workers = f"; {done.workers} workers were replaced" if done.workers else ""
    emit(done, as_json, f"The configuration was read again{workers}.")
    if done.waiting:
        say(f"warning: these settings count after a stop and a start: {', '.join(done.waiting)}")
