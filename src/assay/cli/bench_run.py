"""``assay bench run``: a run begun or gone on with, and followed to its end."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from assay.bench.spec import Spec
from assay.cli.amount import read_budget
from assay.cli.bench_report import as_text, progress
from assay.cli.configure import Configured
from assay.cli.exits import OK, PARTLY
from assay.cli.follow import Line
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say
from assay.cli.remote import Server, any_server
from assay.core import InvalidInput, Sampling
from assay.wire.sse import SseSplitter


@click.command()
@click.argument("task")
@click.option("--model", required=True, help="What is measured: PROVIDER/MODEL, or an alias.")
@click.option("--limit", type=int, metavar="N", help="Only so many questions, drawn by --seed.")
@click.option("--samples", type=int, metavar="K", help="How often each question is asked.")
@click.option("--concurrency", type=int, default=32, show_default=True, help="Questions asked at once, at most.")
@click.option("--budget", metavar="USD", help="Most that all calls may cost; `5 CNY` for another currency.")
@click.option("--judge", help="The model that grades, for tasks that need one.")
@click.option("--baseline", help="The model that answers are compared with, for tasks that need one.")
@click.option("--temperature", type=float, help="In place of the task's own.")
@click.option("--max-tokens", type=int, help="In place of the task's own.")
@click.option("--effort", help="How much the model is to think: a word that it knows, such as `high`.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the questions of --limit.")
@click.option(
    "--option",
    "own",
    multiple=True,
    metavar="NAME=VALUE",
    help="One of the task's own options, in place of what it says; repeatable.",
)
@click.option(
    "--cache/--no-cache", "use_cache", default=False, help="Take answers that were given to the very same request before."
)
@click.option("--resume", is_flag=True, help="Go on with the newest run of the same that did not come to its end, if there is one.")
@click.option("--executor", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where it is worked on.")
@click.option("--workers", type=int, default=2, show_default=True, help="Processes that run code, or nodes of the executor.")
@click.option("--unlock", "unlocked", is_flag=True, help="Show the questions of a gated task on pages and in exports of this run.")
@click.option("--i-accept-unsafe", "accept_unsafe", is_flag=True, help="Run code though the sandbox is not complete here.")
@click.option("--demo", is_flag=True, default=None, help="With the practice contestants.")
@as_json
@configured("demo")
async def run(configured: Configured, *, as_json: bool, resume: bool, **options: Any) -> int:
    """Run TASK on a model, and print its score with an interval and what became of every sample.

    Exit codes: 0 it came to its end, 5 it did not (interrupted, stopped, or the budget is spent); --resume goes on.
    """
    spec = _spec(options)
    async with any_server(configured.settings) as server:
        id = await _unfinished(server, spec) if resume else None
        if id is None:
            id = str((await server.post("/api/v1/bench/runs", spec))["id"])
        else:
            await server.post(f"/api/v1/bench/runs/{id}/resume", {"budget": spec.budget} if spec.budget else None)
        say(f"run {id}")
        await follow(server, id)
        said = await server.get(f"/api/v1/bench/runs/{id}")
        emit(said, as_json, as_text(said))
    return OK if said["state"] == "ended" else PARTLY


async def follow(server: Server, id: str) -> None:
    """Tell of run ``id`` in one line until it ends or rests."""
    response = await server.open("GET", f"/api/v1/bench/runs/{id}/events")
    splitter, line = SseSplitter(), Line()
    while (piece := await response.read()) is not None:
        for event in splitter.feed(piece):
            said = msgspec.json.decode(event.data)["run"]
            line.show(progress(said))
            if said["state"] != "running":
                line.end()
                return
    line.end()


async def newest(server: Server) -> str:
    """The run that was begun last."""
    found = (await server.get("/api/v1/bench/runs"))["runs"]
    if not found:
        raise InvalidInput("bench.none_yet", "There is no run yet.", hint="Start one: assay bench run --help.")
    return str(found[0]["id"])


async def _unfinished(server: Server, spec: Spec) -> str | None:
    """The newest run with the same settings, budget aside, that did not come to its end."""
    wanted = msgspec.to_builtins(msgspec.structs.replace(spec, budget=None))
    for one in (await server.get("/api/v1/bench/runs"))["runs"]:
        if one["task"] == spec.task and one["state"] in {"interrupted", "stopped"}:
            said = await server.get(f"/api/v1/bench/runs/{one['id']}")
            if {name: value for name, value in said["spec"].items() if name != "budget"} == wanted:
                return str(one["id"])
    say("Nothing to go on with: there is no unfinished run with these settings. This is a new one.")
    return None


def _spec(options: dict[str, Any]) -> Spec:
    given = {name: value for name in ("temperature", "max_tokens", "effort") if (value := options.pop(name)) is not None}
    options.pop("demo", None)
    budget, own = options.pop("budget"), dict(_option(said) for said in options.pop("own"))
    return Spec(options=own, sampling=Sampling(**given), budget=read_budget(budget) if budget else None, **options)


def _option(said: str) -> tuple[str, Any]:
    """A value is read as JSON where it is any, and is words otherwise."""
    name, equals, value = said.partition("=")
    if not (name and equals):
        raise InvalidInput("bench.bad_option", f"{said!r} is not NAME=VALUE.", hint="Such as: --option seed=7.")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value
