"""``assay model``: what can be called."""

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server


@click.group()
def model() -> None:
    """What can be called."""


@model.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are not ready too, with the reason.")
@as_json
@configured()
async def list_models(configured: Configured, everything: bool, as_json: bool) -> None:
    """List the models that are ready to be called."""
    async with any_server(configured.settings) as server:
        models = (await server.get("/api/v1/models"))["models"]
    shown = [model for model in models if everything or model["ready"]]
    columns = {"id": "id", "provider_title": "provider", "context": "context", "ready": "ready"} | (
        {"reason": "reason"} if everything else {}
    )
    emit(shown, as_json, table(shown, columns) if shown else "")
    if not shown:
        say("No model is ready. Add a provider's key with `assay provider add NAME`, or start with `assay up --demo`.")
