"""``assay bench new``, ``export`` and ``import``: tasks out of tables, and runs in and out of files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from assay.bench.new import TEMPLATES, make_task
from assay.cli.bench_run import newest
from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.remote import MAX_REPLY_BYTES, any_server
from assay.core import InvalidInput

_YAML = {".yaml", ".yml"}


@click.command()
@click.argument("name")
@click.option(
    "--from", "source", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="CSV, JSON Lines, JSON or Parquet."
)
@click.option(
    "--template", type=click.Choice(list(TEMPLATES)), default="customer-service", show_default=True, help="What it is like."
)
@click.option("--column", "columns", multiple=True, metavar="ROLE=COLUMN", help="Which column plays which role; repeatable.")
@as_json
@configured()
async def new(
    configured: Configured, name: str, source: Path | None, template: str, columns: tuple[str, ...], as_json: bool
) -> None:
    """Make a task called NAME out of a table of your own; without --from, out of the template's worked rows."""
    chosen: dict[str, list[str]] = {}
    for said in columns:
        role, equals, column = said.partition("=")
        if not (role and equals and column):
            raise InvalidInput("bench.bad_column", f"{said!r} is not ROLE=COLUMN.", hint="Such as: --column question=body.")
        chosen.setdefault(role, []).append(column)
    path = make_task(configured.settings.task_folders[0] / name, source, template, columns=chosen)
    emit(
        {"task": path.parent.name, "path": str(path)}, as_json, f"{path}\nRun it: assay bench run {path.parent.name} --model MODEL"
    )


@click.command()
@click.argument("id")
@click.option(
    "--format", "form", type=click.Choice(["humaneval", "lm-eval", "inspect", "parquet"]), required=True, help="For which program."
)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Where to; else to standard output.")
@configured()
async def export(configured: Configured, id: str, form: str, output: Path | None) -> None:
    """Write run ID for another program: HumanEval's samples, lm-eval's JSON, a log for `inspect view`, or Parquet."""
    async with any_server(configured.settings) as server:
        id = await newest(server) if id == "last" else id
        response = await server.open("GET", f"/api/v1/bench/runs/{id}/export?format={form}")
        written = await response.read_all(MAX_REPLY_BYTES)
    if output is None:
        sys.stdout.buffer.write(written)
        sys.stdout.flush()
    else:
        output.write_bytes(written)
        say(f"{output}: {len(written):,} bytes")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--model", help="Of which model it is, where the file does not say.")
@click.option("--task", help="Under which name it is kept, or which of several it is.")
@click.option("--metric", help="Which score counts, where samples have several.")
@as_json
@configured()
async def import_(
    configured: Configured, file: Path, model: str | None, task: str | None, metric: str | None, as_json: bool
) -> None:
    """Keep what evalplus, lm-eval or Inspect measured as a run, to look at and compare; or make lm-eval's YAML a task.

    FILE: *_eval_results.json, results_*.json (with samples_*.jsonl beside it), *.eval, or a task's *.yaml.
    """
    from assay.bench.exchange import read_sheet  # the readers are for this command alone

    if file.suffix.lower() in _YAML:
        from assay.bench.exchange.lm_eval_task import make_lm_eval_task

        path = make_lm_eval_task(file, configured.settings.task_folders[0] / (task or file.stem))
        emit(
            {"task": path.parent.name, "path": str(path)},
            as_json,
            f"{path}\nRun it: assay bench run {path.parent.name} --model MODEL",
        )
        return
    sheet = read_sheet(file, model=model, task=task, metric=metric)
    async with any_server(configured.settings) as server:
        kept = await server.post("/api/v1/bench/imports", sheet)
    emit(kept, as_json, f"run {kept['id']}: {len(sheet.results):,} samples of {sheet.task} by {sheet.model}, from {sheet.source}")
