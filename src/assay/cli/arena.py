"""``assay arena``: votes in, ratings out."""

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import click

from assay.arena.imports import BadRow, read_votes
from assay.arena.rating import rate_tally, tally_file, tally_verdicts
from assay.cli.configure import Configured
from assay.cli.exits import FAILED, OK, PARTLY
from assay.cli.leaderboard import as_table
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.remote import MAX_REPLY_BYTES, any_server
from assay.cli.stored import stored
from assay.core import InvalidInput
from assay.stats import Tally, Ties
from assay.store.chain import list_sources, read_verdicts, verify_chain

_MOST_NAMED = 20


@click.group()
def arena() -> None:
    """Votes: import, rate, export, verify."""


@arena.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", help="Name of the collection.  [default: from the file's name]")
@as_json
@configured()
async def import_file(configured: Configured, file: Path, source: str | None, as_json: bool) -> int:
    """Import the votes in FILE: CSV or JSON, its format told by its columns. Bad rows are named; then the exit code is 5."""
    query = urlencode({"name": file.name, "source": source or re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")})
    async with any_server(configured.settings) as server:
        done = await server.post(f"/api/v1/votes?{query}", file.read_bytes())
    emit(done, as_json, f"{done['imported']} votes are now in the collection {done['source']!r} (format: {done['format']}).")
    return _name_bad_rows([BadRow(**row) for row in done["bad"]])


@arena.command()
@click.option("--votes", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Rate the votes in this file instead.")
@click.option("--source", help="The collection to rate: `here`, or an import's name.  [default: your own votes, else the largest]")
@click.option("--ties", type=click.Choice(["half", "davidson"]), default="half", show_default=True, help="How a tie counts.")
@click.option(
    "--cluster", type=click.Choice(["none", "voter"]), default="none", show_default=True, help="What intervals are clustered by."
)
@as_json
@configured()
async def rate(configured: Configured, votes: Path | None, source: str | None, ties: Ties, cluster: str, as_json: bool) -> int:
    """Rate models by votes: ratings in Elo units with mean 1000, intervals, and rank ranges."""
    tally, bad = await _tally_file(votes) if votes is not None else (await _tally_source(configured, source), [])
    board = await asyncio.to_thread(rate_tally, tally, ties=ties, by_voter=cluster == "voter")
    emit(board, as_json, as_table(board))
    return _name_bad_rows(bad)


@arena.command()
@click.option("--source", help="Only this collection.")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True, help="How votes are written."
)
@as_json
@configured()
async def export(configured: Configured, source: str | None, form: str, as_json: bool) -> None:
    """Write all votes to standard output, voters as keyed hashes, prompts as hashes; with --json as one list."""
    query = urlencode({"format": "jsonl" if as_json else form} | ({"source": source} if source else {}))
    out = sys.stdout.buffer
    async with any_server(configured.settings) as server:
        response = await server.open("GET", f"/api/v1/votes?{query}")
        if as_json:
            votes = (await response.read_all(MAX_REPLY_BYTES)).splitlines()
            out.write(b"[" + b",\n".join(votes) + b"]\n")
        else:
            while (piece := await response.read()) is not None:
                out.write(piece)
    out.flush()


@arena.command()
@as_json
@configured()
async def verify(configured: Configured, as_json: bool) -> int:
    """Check the hash chain of the vote log, from the first vote to the last."""
    async with stored(configured.settings) as database:
        report = await verify_chain(database)
    emit(
        report,
        as_json,
        f"{report.length} votes, head {report.head}"
        if report.ok
        else f"The chain is broken at vote {report.first_bad}: {report.reason}",
    )
    return OK if report.ok else FAILED


async def _tally_file(path: Path) -> tuple[Tally, Sequence[BadRow]]:
    file = await asyncio.to_thread(read_votes, path)
    return tally_file(file), file.bad


async def _tally_source(configured: Configured, source: str | None) -> Tally:
    async with stored(configured.settings) as database:
        known = {found["source"]: found["votes"] for found in await list_sources(database)}
        if source is not None and source not in known:
            raise InvalidInput(
                "votes.unknown_source", f"There is no collection {source!r}.", hint=f"There are: {', '.join(known) or 'none yet'}."
            )
        chosen = source or ("here" if "here" in known else max(known, key=lambda name: known[name], default="here"))
        return tally_verdicts(await read_verdicts(database, source=chosen))


def _name_bad_rows(bad: Sequence[BadRow]) -> int:
    for row in bad[:_MOST_NAMED]:
        say(f"line {row.line}: {row.reason}")
    if len(bad) > _MOST_NAMED:
        say(f"... and {len(bad) - _MOST_NAMED} more bad rows; --json names them all")
    return PARTLY if bad else OK
