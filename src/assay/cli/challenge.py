"""``assay challenge``: a new model against the current one, on one's own work, until the evidence is enough."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from assay.challenge.report import Report
from assay.challenge.spec import HUMAN, Goal, Spec
from assay.challenge.terminal import as_text
from assay.cli.amount import read_budget
from assay.cli.configure import Configured
from assay.cli.exits import FAILED, OK, PARTLY
from assay.cli.follow import follow
from assay.cli.judging import judge_in_terminal
from assay.cli.on import read_moment, read_source
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import MAX_REPLY_BYTES, Server, any_server, running_server
from assay.core import InvalidInput
from assay.judge import parse_check

_EXITS = {"switch": OK, "do_not_switch": FAILED, "cannot_tell": PARTLY, "budget_spent": PARTLY}


class _RunsByDefault(click.Group):
    """``assay challenge NEW --against CURRENT`` is ``assay challenge run NEW --against CURRENT``."""

    default = "run"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not {"-h", "--help"} & set(args[:1]):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_RunsByDefault)
def challenge() -> None:
    """A new model against the current one, on your own work: `assay challenge NEW --against CURRENT`."""


@challenge.command()
@click.argument("new", required=False)
@click.option("--against", metavar="CURRENT", help="The model in use now.")
@click.option("--on", metavar="WHAT", help="FILE, `traffic`, `work:NAME` or `example:NAME`.")
@click.option("--judge", default=HUMAN, show_default=True, help="`human`, `program`, or MODEL[,MODEL...].")
@click.option(
    "--goal",
    type=click.Choice(["better", "no-worse"]),
    default="better",
    show_default=True,
    help="Switch only to a better model, or to any that is not worse.",
)
@click.option("--margin", type=float, default=0.05, show_default=True, help="In win rate: what difference does not matter.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of either answer, however often you look.")
@click.option("--limit", type=int, default=500, show_default=True, help="Most items.")
@click.option("--budget", metavar="USD", help="Most that contestants and judges may cost; `5 CNY` for another currency.")
@click.option(
    "--check", "checks", multiple=True, metavar="RULE", help="A rule for every answer, such as `regex:^[A-Z]`; repeatable."
)
@click.option(
    "--rubric", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A rubric of your own for model judges."
)
@click.option("--rerun", multiple=True, metavar="TOOL=COMMAND", help="A tool that may be run again, and how; repeatable.")
@click.option("--key", help="With traffic: calls of this gateway key, by name or id.")
@click.option("--alias", help="With traffic: calls that asked for this model name.")
@click.option("--since", metavar="WHEN", help="With traffic: calls since then, such as `7d` or `2026-11-01`.")
@click.option("--until", metavar="WHEN", help="With traffic: calls until then.")
@click.option("--tag", help="With traffic: calls with this tag in their metadata, `NAME=VALUE` or `VALUE`.")
@click.option("--seed", type=int, help="Repeats the sample, the order and the sides of another run.")
@click.option("--concurrency", type=int, default=8, show_default=True, help="Items asked at once.")
@click.option("--dry-run", is_flag=True, help="Show the items and the cost to expect; ask nothing.")
@click.option(
    "--resume",
    "resumed",
    metavar="ID",
    help="Go on with an interrupted challenge, `last` for the newest; with a larger --budget, with one that spent its own.",
)
@click.option("--demo", is_flag=True, default=None, help="With the practice contestants.")
@as_json
@configured("demo")
async def run(
    configured: Configured,
    new: str | None,
    against: str | None,
    on: str | None,
    resumed: str | None,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask NEW and CURRENT the same work, judge the answers blind, and stop as soon as the evidence is enough.

    Exit codes: 0 switch, 1 do not switch, 5 cannot tell yet or budget spent.
    """
    if resumed is None and not (new and against and on):
        raise InvalidInput(
            "challenge.incomplete",
            "A challenge needs the new model, the current one, and work to try them on.",
            hint="Such as: assay challenge NEW --against CURRENT --on prompts.txt, or --resume ID.",
        )
    async with any_server(configured.settings) as server:
        if resumed is not None:
            id = await _resume(server, resumed, options["budget"])
        else:
            spec = _spec(str(new), str(against), str(on), options)
            if options["dry_run"]:
                return await _plan(server, spec, as_json)
            id = str((await server.post("/api/v1/challenges", spec))["id"])
        return await _see_through(server, id, as_json)


@challenge.command("list")
@as_json
@configured()
async def list_challenges(configured: Configured, as_json: bool) -> None:
    """List the challenges, newest first."""
    async with any_server(configured.settings) as server:
        said = await server.get("/api/v1/challenges")
    rows = [{**one, "decision": one["decision"]["word"] if one["decision"] else None} for one in said["challenges"]]
    columns = {"id": "id", "state": "state", "challenger": "challenger", "incumbent": "incumbent", "judged": "judged"}
    emit(said, as_json, table(rows, columns | {"decision": "decision"}) if rows else "No challenge yet: assay challenge --help")


@challenge.command()
@click.argument("id")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "md", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@configured()
async def report(configured: Configured, id: str, form: str) -> None:
    """Write the report of challenge ID to standard output."""
    async with any_server(configured.settings) as server:
        id = await _newest(server) if id == "last" else id
        if form == "text":
            emit(None, False, as_text(await _report(server, id)))
            return
        response = await server.open("GET", f"/api/v1/challenges/{id}/report?format={form}")
        sys.stdout.buffer.write(await response.read_all(MAX_REPLY_BYTES))
        sys.stdout.flush()


@challenge.command()
@click.argument("id")
@configured()
async def judge(configured: Configured, id: str) -> int:
    """Judge the answers of challenge ID blind, here in the terminal."""
    async with any_server(configured.settings) as server:
        await judge_in_terminal(server, await _newest(server) if id == "last" else id)
    return OK


@challenge.command()
@click.argument("id")
@click.argument("name")
@as_json
@configured()
async def invite(configured: Configured, id: str, name: str, as_json: bool) -> None:
    """Invite a colleague by NAME to judge challenge ID: prints a link that leads to the blind pairs and to nothing else."""
    async with running_server(configured.settings) as server:
        made = await server.post(f"/api/v1/challenges/{id}/people", {"name": name})
    emit(made, as_json, made["url"])


@challenge.command()
@click.argument("id")
@as_json
@configured()
async def stop(configured: Configured, id: str, as_json: bool) -> None:
    """Stop challenge ID. What was asked and judged is kept, and --resume goes on."""
    async with running_server(configured.settings) as server:
        said = await server.post(f"/api/v1/challenges/{id}/stop")
    emit(said, as_json, f"Stopped after {said['judged']} judged items.")


def _spec(new: str, against: str, on: str, options: dict[str, Any]) -> Spec:
    goal: Goal = "better" if options["goal"] == "better" else "no_worse"
    rubric: Path | None = options["rubric"]
    moments = {name: read_moment(options[name]) for name in ("since", "until") if options[name]}
    return Spec(
        challenger=new,
        incumbent=against,
        source=read_source(on, key=options["key"], alias=options["alias"], tag=options["tag"], **moments),
        judges=tuple(name.strip() for name in options["judge"].split(",") if name.strip()) or (HUMAN,),
        goal=goal,
        margin=options["margin"],
        confidence=options["confidence"],
        limit=options["limit"],
        budget=read_budget(options["budget"]) if options["budget"] else None,
        checks=tuple(parse_check(rule) for rule in options["checks"]),
        rubric=rubric.read_text("utf-8") if rubric else None,
        rerun=dict(_tool(said) for said in options["rerun"]),
        concurrency=options["concurrency"],
        seed=options["seed"],
    )


def _tool(said: str) -> tuple[str, tuple[str, ...]]:
    name, equals, command = said.partition("=")
    if not (name and equals and command):
        raise InvalidInput("challenge.bad_rerun", f"{said!r} is not TOOL=COMMAND.", hint="Such as: --rerun 'search=./search.sh'.")
    return name, tuple(shlex.split(command))


async def _plan(server: Server, spec: Spec, as_json: bool) -> int:
    plan = await server.post("/api/v1/challenges/plan", spec)
    lines = [f"{plan['items']} items in {plan['clusters']} clusters would be asked of both, in an order that is drawn."]
    lines += [f"  {category}: {count}" for category, count in plan["categories"].items()]
    lines += plan["notes"]
    lines += [f"line {bad['line']}: {bad['reason']}" for bad in plan["bad"]]
    emit(plan, as_json, "\n".join(lines))
    return PARTLY if plan["bad"] else OK


async def _resume(server: Server, said: str, budget: str | None) -> str:
    id = await _newest(server) if said == "last" else said
    await server.post(f"/api/v1/challenges/{id}/resume", {"budget": read_budget(budget)} if budget else None)
    return id


async def _newest(server: Server) -> str:
    found = (await server.get("/api/v1/challenges"))["challenges"]
    if not found:
        raise InvalidInput("challenge.none_yet", "There is no challenge yet.", hint="Start one: assay challenge --help.")
    return str(found[0]["id"])


async def _report(server: Server, id: str) -> Report:
    return msgspec.convert(await server.get(f"/api/v1/challenges/{id}"), Report)


async def _see_through(server: Server, id: str, as_json: bool) -> int:
    """Follow a challenge to its end; where people judge and one sits here, let them."""
    say(f"challenge {id}")
    first = await _report(server, id)
    if first.spec.judges == (HUMAN,) and sys.stdin.isatty() and not as_json:
        await _judge_until_the_end(server, id)
    else:
        await follow(server, id)
    last = await _report(server, id)
    emit(last, as_json, as_text(last))
    return _EXITS[last.decision.word] if last.decision is not None and last.state == "ended" else PARTLY


async def _judge_until_the_end(server: Server, id: str) -> None:
    """Let the person at the terminal judge, until the challenge ends (others may judge, too) or they have had enough."""
    following = asyncio.create_task(follow(server, id, quiet=True))
    judging = asyncio.create_task(judge_in_terminal(server, id))
    try:
        await asyncio.wait((following, judging), return_when=asyncio.FIRST_COMPLETED)
        if not following.done():
            judging.result()
            say(f"Left off judging. `assay challenge judge {id}` goes on, and so does the page.")
    finally:
        for task in (following, judging):
            task.cancel()
        await asyncio.wait((following, judging))
