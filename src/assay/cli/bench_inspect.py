"""``assay bench inspect``: a task of Inspect, run by Inspect, with a model of this gateway, and kept as a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit
from assay.cli.remote import Server, running_server


@click.command()
@click.argument("target")
@click.option("--model", required=True, help="What is measured: PROVIDER/MODEL, or an alias.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many samples.")
@click.option("--epochs", type=click.IntRange(1), help="How often each sample is asked.")
@click.option(
    "--inspect",
    "program",
    type=click.Path(path_type=Path),
    help="The program `inspect`, or the Python of an environment that has it.",
)
@as_json
@configured()
async def inspect(
    configured: Configured, target: str, model: str, limit: int | None, epochs: int | None, program: Path | None, as_json: bool
) -> None:
    """Run TARGET (`file.py@task`, or a task of an installed package) through Inspect, and keep what came of it as a run.

    Needs a running `assay up`. Inspect gets a key of its own, which ends with it.
    """
    from assay.bench.exchange import read_sheet  # for this command alone
    from assay.bench.exchange.inspect_run import run_inspect

    async with running_server(configured.settings) as server:
        with tempfile.TemporaryDirectory() as folder:
            made = await server.post("/api/v1/keys", {"name": "assay bench inspect"})
            try:
                log = await run_inspect(
                    target,
                    model=model,
                    gateway_url=await _url(server),
                    key=made["key"],
                    log_dir=Path(folder),
                    inspect=program,
                    limit=limit,
                    epochs=epochs,
                )
            finally:
                await server.delete(f"/api/v1/keys/{made['id']}")
            sheet = read_sheet(log, model=model)
        kept = await server.post("/api/v1/bench/imports", sheet)
    emit(kept, as_json, f"run {kept['id']}: {len(sheet.results):,} samples of {sheet.task} by {sheet.model}")


async def _url(server: Server) -> str:
    """Where the running server answers clients."""
    at = urlsplit((await server.post("/api/v1/login-links"))["url"])
    return f"{at.scheme}://{at.netloc}"
