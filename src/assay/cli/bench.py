"""``assay bench``: what can be measured, measuring it, and what came of it."""

from __future__ import annotations

import click

from assay.bench.data import Sources, places
from assay.bench.library import Library
from assay.bench.task import Task
from assay.cli.bench_files import export, import_, new
from assay.cli.bench_inspect import inspect
from assay.cli.bench_rank import rank
from assay.cli.bench_report import as_text, compared, percent
from assay.cli.bench_run import newest, run
from assay.cli.bench_score import score
from assay.cli.bench_speed import speed
from assay.cli.configure import Configured
from assay.cli.exits import FAILED, OK, PARTLY
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import any_server, running_server
from assay.core import NotFound, Settings


@click.group()
def bench() -> None:
    """Benchmarks: run one on a model, score samples, compare two runs, measure speed."""


for command in (run, score, rank, speed, new, export, import_, inspect):
    bench.add_command(command)


@bench.command("list")
@as_json
@configured()
async def list_tasks(configured: Configured, as_json: bool) -> None:
    """List the tasks: those that Assay ships, and your own."""
    survey = Library(configured.settings.task_folders).survey()
    for error in survey.broken:
        say(f"error: {error}")
    rows = [_line(task, configured.settings) for task in survey.tasks]
    columns = {"id": "task", "title": "title", "questions": "questions", "scored": "scored", "data": "data", "licence": "licence"}
    emit({"tasks": rows}, as_json, table(rows, columns))


@bench.command()
@click.argument("name")
@as_json
@configured()
async def show(configured: Configured, name: str, as_json: bool) -> None:
    """Show the task, or the run, called NAME; `last` is the newest run."""
    library = Library(configured.settings.task_folders)
    try:
        task = library.find(name)
    except NotFound:
        async with any_server(configured.settings) as server:
            said = await server.get(f"/api/v1/bench/runs/{await newest(server) if name == 'last' else name}")
        emit(said, as_json, as_text(said))
        return
    emit(task, as_json, _description(task, configured.settings))


@bench.command()
@as_json
@configured()
async def runs(configured: Configured, as_json: bool) -> None:
    """List the runs, newest first."""
    async with any_server(configured.settings) as server:
        said = await server.get("/api/v1/bench/runs")
    rows = [{**one, "score": percent(one["score"]["value"]), "done": f"{one['done']}/{one['planned']}"} for one in said["runs"]]
    columns = {"id": "run", "task": "task", "model": "model", "state": "state", "done": "done", "score": "score", "at": "at"}
    emit(said, as_json, table(rows, columns) if rows else "No run yet: assay bench run --help")


@bench.command()
@click.argument("id")
@as_json
@configured()
async def stop(configured: Configured, id: str, as_json: bool) -> None:
    """Stop run ID. What was answered is kept, and `run --resume` goes on."""
    async with running_server(configured.settings) as server:
        said = await server.post(f"/api/v1/bench/runs/{await newest(server) if id == 'last' else id}/stop")
    emit(said, as_json, "Stopped.")


@bench.command()
@click.argument("a")
@click.argument("b")
@click.option("--gate", is_flag=True, help="Exit 1 when B is worse than A.")
@click.option("--across-recipes", is_flag=True, help="Compare them though they were not measured alike.")
@as_json
@configured()
async def compare(configured: Configured, a: str, b: str, gate: bool, across_recipes: bool, as_json: bool) -> int:
    """Compare the runs A and B on the questions that both were asked.

    Exit codes with --gate: 0 B is not shown to be worse than A, 1 it is, 5 too many errors to tell.
    """
    async with any_server(configured.settings) as server:
        said = await server.get(f"/api/v1/bench/compare?a={a}&b={b}")
    found = said["found"]
    if found["different"] and not across_recipes:
        from assay.bench.compare import refusal  # numpy, which no other command should wait for

        raise refusal(found["different"])
    emit(said, as_json, compared(said))
    if gate and found["verdict"] == "A better":
        return FAILED
    return PARTLY if gate and found["verdict"] == "cannot tell" and found["score"]["difference"]["reason"] == "errors" else OK


def _line(task: Task, settings: Settings) -> dict[str, object]:
    """A task in one line of the list."""
    scored = "judge" if task.needs_judge else "sandbox" if task.runs_code else "rule"
    data = "here" if all(any(path.is_file() for path in places(task, file, _sources(settings))) for file in task.data) else "fetch"
    return {
        "id": task.id,
        "title": task.title,
        "questions": task.rows,
        "samples": task.samples,
        "scored": scored,
        "data": "own token" if data == "fetch" and any(file.token for file in task.data) else data,
        "gated": task.gated,
        "licence": task.licence,
        "link": task.link,
    }


def _description(task: Task, settings: Settings) -> str:
    """A task for reading: what it is, how it is asked, where its data are from."""
    lines = [f"{task.title}  ({task.id}, version {task.version})", task.about, ""]
    facts = {
        "questions": f"{task.rows:,}" if task.rows else "not known before its data are here",
        "asked": f"{task.samples} times each" if task.samples > 1 else "once each",
        "scored by": task.kind,
        "code": "runs in the sandbox" if task.runs_code else None,
        "judge": "needs a model: --judge MODEL" if task.needs_judge else None,
        "gated": "its questions are not shown" if task.gated else None,
        "licence": task.licence,
        "cite": task.citation,
        "see": task.link,
    }
    lines += [f"{name:<10} {value}" for name, value in facts.items() if value]
    for file in task.data:
        found = next((path for path in places(task, file, _sources(settings)) if path.is_file()), None)
        lines.append(f"{'data':<10} {found or file.url or file.path}")
    return "\n".join([*lines, "", task.prompt])


def _sources(settings: Settings) -> Sources:
    return Sources(cache=settings.bench_folder / "data", data_dir=settings.data_dir)
