"""``assay bench speed``: how fast a model answers, or which of two is faster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from assay.bench.speed.spec import Slo, SpeedSpec
from assay.cli.configure import Configured
from assay.cli.exits import OK, PARTLY, UPSTREAM
from assay.cli.follow import Line
from assay.cli.options import as_json, configured
from assay.cli.output import emit
from assay.cli.remote import Server, any_server
from assay.core import Unavailable
from assay.wire.sse import SseSplitter

if TYPE_CHECKING:
    from assay.bench.speed.report import SpeedReport


@click.command()
@click.argument("model")
@click.option("--against", metavar="MODEL", help="A second one, asked the same in turns.")
@click.option("--rate", type=click.FloatRange(0, 1000, min_open=True), help="Open schedule: so many questions a second, by chance.")
@click.option(
    "--concurrency", type=click.IntRange(1, 512), help="Closed schedule: so many askers, each waits for its answer. [default: 4]"
)
@click.option("--requests", type=click.IntRange(1), default=24, show_default=True, help="Questions in each repeat.")
@click.option("--repeats", type=click.IntRange(3, 100), default=5, show_default=True, help="Intervals are over repeats.")
@click.option(
    "--warmup", type=click.IntRange(0), default=1, show_default=True, help="Questions before each repeat that do not count."
)
@click.option("--max-tokens", type=click.IntRange(1), default=128, show_default=True, help="Longest answer.")
@click.option("--input-words", type=click.IntRange(1), default=100, show_default=True, help="Length of our own questions.")
@click.option(
    "--prompts", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Questions of your own, one in each line."
)
@click.option("--cached", "may_be_cached", is_flag=True, help="Ask as it is, so that a provider's cache of prompts may help.")
@click.option("--ttft", "ttft_ms", type=float, metavar="MS", help="Goodput: most until the first piece.")
@click.option("--between", "between_ms", type=float, metavar="MS", help="Goodput: most between tokens, on average.")
@click.option("--total", "total_ms", type=float, metavar="MS", help="Goodput: most in all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Repeats the questions and the times of another measurement.")
@click.option("--demo", is_flag=True, default=None, help="With the practice contestants.")
@as_json
@configured("demo")
async def speed(
    configured: Configured,
    model: str,
    rate: float | None,
    concurrency: int | None,
    prompts: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Measure how fast MODEL answers: to the first piece, between tokens, to the end, and how much a second.

    Exit codes: 0 measured, 3 nothing was answered, 5 some questions failed.
    """
    if rate is not None and concurrency is not None:
        raise click.UsageError("--rate is for the open schedule and --concurrency for the closed one: give one of them.")
    slo = Slo(**{name: value for name in ("ttft_ms", "between_ms", "total_ms") if (value := options.pop(name)) is not None})
    if rate is not None:
        options |= {"schedule": "open", "rate_per_s": rate}
    elif concurrency is not None:
        options["concurrency"] = concurrency
    lines = prompts.read_text("utf-8-sig").splitlines() if prompts is not None else []
    options.pop("demo", None)
    spec = SpeedSpec(model=model, slo=slo, prompts=tuple(line for line in lines if line.strip()), **options)
    from assay.bench.speed.text import as_text  # numpy, which no other command should wait for

    async with any_server(configured.settings) as server:
        report = await _measured(server, spec)
    emit(report, as_json, as_text(report))
    sides = [side for side in (report.a, report.b) if side is not None]
    if not all(side.answered for side in sides):
        return UPSTREAM
    return PARTLY if any(side.errors for side in sides) else OK


async def _measured(server: Server, spec: SpeedSpec) -> SpeedReport:
    """Follow the measurement in one line until it ends."""
    from assay.bench.speed.report import SpeedReport

    response = await server.open("POST", "/api/v1/bench/speed", spec)
    splitter, line = SseSplitter(), Line()
    while (piece := await response.read()) is not None:
        for event in splitter.feed(piece):
            said = msgspec.json.decode(event.data)
            if "report" in said:
                line.end()
                return msgspec.convert(said["report"], SpeedReport)
            failed = f", {said['failed']} failed" if said["failed"] else ""
            line.show(f"{said['done']} of {said['planned']} asked{failed}")
    raise Unavailable("bench.speed_broke_off", "The server stopped before the measurement had come to its end.", hint="Try again.")
