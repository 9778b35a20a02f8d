"""``assay bench rank``: several runs of one task in order."""

from __future__ import annotations

from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@as_json
@configured()
async def rank(configured: Configured, runs: tuple[str, ...], as_json: bool) -> None:
    """Rank runs of one task, each with the range of ranks that its questions allow (95 %)."""
    async with any_server(configured.settings) as server:
        said = await server.get(f"/api/v1/bench/rank?runs={quote(','.join(runs))}")
    if not said["same_recipe"]:
        say("These runs were not all measured alike: `assay bench compare` says what differs.")
    rows = [
        {
            **one["ranked"],
            "model": one["model"],
            "range": f"{one['ranked']['low']} to {one['ranked']['high']}",
            "value": f"{one['ranked']['value'] * 100:.1f} %",
        }
        for one in said["runs"]
    ]
    columns = {"rank": "rank", "range": "range", "model": "model", "value": "score", "questions": "questions", "name": "run"}
    emit(said, as_json, table(rows, columns))
