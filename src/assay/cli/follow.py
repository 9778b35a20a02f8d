"""A running challenge, followed in the terminal: one line that tells how far it is and what is known so far."""

from __future__ import annotations

import sys
import time

import click
import msgspec

from assay.challenge.report import Report
from assay.cli.output import printable, say
from assay.cli.remote import Server
from assay.wire.sse import SseSplitter

_EVERY_S = 5
"""How often a line is written where it cannot be rewritten: into a file or a pipe."""


class _Told(msgspec.Struct, frozen=True):
    report: Report


async def follow(server: Server, id: str, *, quiet: bool = False) -> None:
    """Tell of the challenge until it ends or rests; ``quiet`` only waits for that."""
    response = await server.open("GET", f"/api/v1/challenges/{id}/events")
    splitter, line = SseSplitter(), Line()
    while (piece := await response.read()) is not None:
        for event in splitter.feed(piece):
            report = msgspec.json.decode(event.data, type=_Told).report
            if not quiet:
                line.show(progress(report))
            if report.state != "running":
                line.end()
                return
    line.end()


def progress(report: Report) -> str:
    """How far a challenge is, in one line."""
    tally, rate = report.tally, report.win_rate
    parts = [f"{tally.judged} judged of {tally.planned}", f"won {tally.won} tied {tally.tied} lost {tally.lost}"]
    if rate.value is not None and rate.low is not None and rate.high is not None:
        parts.append(f"win rate {rate.value:.2f} ({rate.low:.2f} to {rate.high:.2f})")
    if tally.diverged or tally.failed:
        parts.append(f"diverged {tally.diverged} failed {tally.failed}")
    if report.waiting_for_people:
        parts.append(f"{report.waiting_for_people} pairs wait for a vote")
    if report.spent is not None:
        parts.append(f"spent {report.spent}")
    return " · ".join(parts)


class Line:
    """One line on standard error, rewritten where it can be."""

    def __init__(self) -> None:
        self._rewrites = sys.stderr.isatty()
        self._shown_at = 0.0
        self._is_open = False

    def show(self, text: str) -> None:
        if self._rewrites:
            click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)
            self._is_open = True
        elif time.monotonic() - self._shown_at >= _EVERY_S:
            say(text)
            self._shown_at = time.monotonic()

    def end(self) -> None:
        if self._is_open:
            click.echo(err=True)
            self._is_open = False
