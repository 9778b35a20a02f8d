"""``assay bench score``: programs that were made elsewhere, judged as those of a run."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from assay.bench.code.score_file import FileSummary, Row, score_file
from assay.bench.data import Sources, fetch
from assay.bench.library import Library
from assay.cli.bench_report import percent
from assay.cli.configure import Configured
from assay.cli.exits import OK
from assay.cli.options import as_json, configured
from assay.cli.output import emit, printable, say


@click.command()
@click.argument("task")
@click.argument("samples", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that judge.")
@click.option("--i-accept-unsafe", "accept_unsafe", is_flag=True, help="Run code though the sandbox is not complete here.")
@as_json
@configured()
async def score(configured: Configured, task: str, samples: Path, workers: int, *, accept_unsafe: bool, as_json: bool) -> int:
    """Score SAMPLES, JSON Lines of `task_id` and `completion` or `solution`, by the tests of TASK.

    Prints one line for each sample and the summary last; with --json, each is a JSON object.
    """
    settings = configured.settings
    found = Library(settings.task_folders).find(task)
    sources = Sources(cache=settings.bench_folder / "data", data_dir=settings.data_dir)
    files = await fetch(found, sources, progress=_tell)
    async for row in score_file(found, files, samples, folder=settings.bench_folder, workers=workers, accept_unsafe=accept_unsafe):
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
            sys.stdout.buffer.flush()
        else:
            emit(row, False, _row(row) if isinstance(row, Row) else _summary(row))
    return OK


def _row(row: Row) -> str:
    return f"{row.task_id}\t{row.index}\t{row.outcome}" + (f"\t{row.detail}" if row.detail else "")


def _summary(found: FileSummary) -> str:
    parts = "".join(f"  {name} {percent(share)}" for name, share in found.parts.items())
    outcomes = "  ".join(f"{name} {count:,}" for name, count in found.outcomes.items() if count)
    return (
        f"\n{found.right:,} of {found.samples:,} right on {found.problems:,} of {found.of:,} problems{parts}\n{outcomes}\n"
        f"sandbox: {', '.join(found.layers)}"
    )


def _tell(name: str, have: int, total: int | None) -> None:
    if total is not None and have >= total:
        say(printable(f"fetched {name}, {have:,} bytes"))
