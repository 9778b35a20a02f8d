"""``assay audit``: who changed what."""

from typing import Any
from urllib.parse import urlencode

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, table
from assay.cli.remote import any_server


@click.command()
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many, the newest first.")
@click.option("--before", metavar="ID", help="Those before this entry.")
@click.option("--actor", metavar="ID", help="Of one user, by id; `admin`, or `local` for the command line.")
@click.option("--action", help="Of one kind, such as 'POST /keys'.")
@as_json
@configured()
async def audit(
    configured: Configured, limit: int, before: str | None, actor: str | None, action: str | None, as_json: bool
) -> None:
    """Who changed what, the newest first."""
    asked = {"limit": limit, "before": before, "actor": actor, "action": action}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    async with any_server(configured.settings) as server:
        page = await server.get(f"/api/v1/audit?{query}")
    rows = [row | {"who": row["actor_name"] or row["actor"] or "-", "what": _in_words(row["detail"])} for row in page["entries"]]
    columns = {"at": "at", "who": "who", "address": "from", "action": "action", "target": "target", "what": "what"}
    emit(page["entries"], as_json, table(rows, columns))


def _in_words(detail: dict[str, Any]) -> str:
    return ", ".join(name if value is None else f"{name}={value}" for name, value in detail.items()) or "-"
