"""The pictures of a report as inline SVG: the win rate with its bounds at every look, how strong the evidence was, and whiskers.

Colours come from the report's style sheet, so one picture serves light, dark and paper. Each chart is drawn for a width, wide or
narrow, with its letters at the same size. Nothing in it is text of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import msgspec

from assay.challenge.figures import bound, percent
from assay.challenge.report import Estimate, Report, Step

WIDTHS = (("wide", 1000), ("narrow", 356))
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 86, 14, 36
_MOST_POINTS = 400
_MOST_DOTS = 60


class _Plot(msgspec.Struct, frozen=True):
    """Where values lie: observations from 0 to ``most`` from left to right, ``low`` to ``high`` from the bottom up."""

    width: int
    height: int
    most: int
    low: float
    high: float

    @property
    def right(self) -> int:
        return self.width - _RIGHT

    @property
    def bottom(self) -> int:
        return self.height - _BOTTOM

    def x(self, n: float) -> str:
        return f"{_LEFT + (self.right - _LEFT) * n / self.most:.1f}"

    def y(self, value: float) -> str:
        inside = min(self.high, max(self.low, value))
        return f"{self.bottom - (self.bottom - _TOP) * (inside - self.low) / (self.high - self.low):.1f}"

    def line(self, steps: Sequence[Step], values: Sequence[float]) -> str:
        return " ".join(f"{self.x(step.n)},{self.y(value)}" for step, value in zip(steps, values, strict=True))


def evidence_chart(report: Report, width: int) -> str:
    """The win rate and its bounds at every look, over the zone in which either answer is right."""
    steps = _thinned(report.evidence)
    plot = _Plot(width, 300, max(1, steps[-1].n), 0, 1)
    low, high = report.spec.zone
    last = steps[-1]
    least, most = (f"{bound(one, report.spec.margin)} %" for one in (last.low, last.high))
    lower, upper = [step.low for step in steps], [step.high for step in steps]
    start_high, start_low = f"{plot.x(0)},{plot.y(1)}", f"{plot.x(0)},{plot.y(0)}"  # before the first look anything may be
    above, below = f"{start_high} {plot.line(steps, upper)}", f"{start_low} {plot.line(steps, lower)}"
    band = f"{above} {' '.join(reversed(below.split()))}"
    zone = f'<rect class="zone" x="{_LEFT}" y="{plot.y(high)}" width="{plot.right - _LEFT}" height="{float(plot.y(low)) - float(plot.y(high)):.1f}"/>'
    parts = [
        *(_level(plot, share, f"{share * 100:.0f} %", "half" if share == 0.5 else "grid") for share in (0, 0.25, 0.5, 0.75, 1)),
        f'<polygon class="band" points="{band}"/>',
        zone,
        *(f'<polyline class="bound" points="{bound}"/>' for bound in (below, above)),
        f'<polyline class="line" points="{plot.line(steps, [step.win_rate for step in steps])}"/>',
        *(_looks(plot, steps)),
        *_labels(
            plot,
            [
                (last.high, most, ""),
                (last.win_rate, percent(last.win_rate), "label"),
                (last.low, least, ""),
            ],
        ),
        *_ticks(plot, "observations, in the order drawn"),
    ]
    said = f"Win rate after each of {last.n} observations, at the end {percent(last.win_rate)} between {least} and {most}."
    return _svg(plot, said, parts)


def strength_chart(report: Report, width: int) -> str:
    """How strong the evidence for either answer was at every look, in powers of ten, and how much is enough."""
    steps = _thinned(report.evidence)
    enough = -log10(1 - report.spec.confidence)
    top = max(enough * 1.25, *(max(step.switch, step.stay) for step in steps))
    plot = _Plot(width, 190, max(1, steps[-1].n), min(-0.5, -enough / 2), top)
    last = steps[-1]
    parts = [
        _level(plot, 0, "1", "grid"),
        _level(plot, enough, f"{10**enough:,.4g}", "half"),
        f'<polyline class="line" points="{plot.line(steps, [step.switch for step in steps])}"/>',
        f'<polyline class="other" points="{plot.line(steps, [step.stay for step in steps])}"/>',
        *_labels(plot, [(last.switch, "switch", "label"), (last.stay, "do not switch", "")]),
        *_ticks(plot, "observations, in the order drawn"),
    ]
    return _svg(plot, f"Evidence for switch and for do not switch as e-values; {10**enough:,.4g} is enough.", parts)


def whisker(estimate: Estimate, zone: tuple[float, float] | None = None) -> str:
    """An interval of a win rate on a scale from 0 to 1. It stretches, so it holds no letters."""
    value, low, high = estimate.value, estimate.low, estimate.high
    parts = ['<line class="axis" x1="0" x2="100%" y1="15.5" y2="15.5"/>', '<line class="half" x1="50%" x2="50%" y1="0" y2="16"/>']
    if zone is not None:
        parts.insert(0, f'<rect class="zone" x="{zone[0]:.2%}" width="{zone[1] - zone[0]:.2%}" y="0" height="16"/>')
    if low is not None and high is not None:
        parts.append(f'<line class="whisker" x1="{low:.2%}" x2="{high:.2%}" y1="8" y2="8"/>')
        parts += [f'<line class="whisker" x1="{bound:.2%}" x2="{bound:.2%}" y1="4" y2="12"/>' for bound in (low, high)]
    if value is not None:
        parts.append(f'<circle class="dot" cx="{value:.2%}" cy="8" r="3.5"/>')
    return f'<svg class="chart" width="100%" height="16" overflow="visible" aria-hidden="true">{"".join(parts)}</svg>'


def _svg(plot: _Plot, said: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {plot.width} {plot.height}" width="{plot.width}" height="{plot.height}" role="img" '
        f'aria-label="{said}">{"".join(parts)}</svg>'
    )


def _level(plot: _Plot, value: float, text: str, line: str) -> str:
    y = plot.y(value)
    return (
        f'<line class="{line}" x1="{_LEFT}" x2="{plot.right}" y1="{y}" y2="{y}"/>'
        f'<text x="{_LEFT - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _labels(plot: _Plot, wanted: Sequence[tuple[float, str, str]]) -> list[str]:
    """Words at the ends of lines, moved apart where they would overlap."""
    placed, last = [], -100.0
    for value, text, kind in sorted(wanted, reverse=True):
        last = max(float(plot.y(value)) + 4, last + 14)
        placed.append(f'<text class="{kind}" x="{plot.right + 8}" y="{last:.1f}">{text}</text>')
    return placed


def _looks(plot: _Plot, steps: Sequence[Step]) -> list[str]:
    """A dot at each look, where they can be told apart; the last one always."""
    shown = steps if len(steps) <= _MOST_DOTS else steps[-1:]
    return [f'<circle class="dot" cx="{plot.x(step.n)}" cy="{plot.y(step.win_rate)}" r="2.5"/>' for step in shown]


def _ticks(plot: _Plot, title: str) -> list[str]:
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{plot.right}" y1="{plot.bottom}" y2="{plot.bottom}"/>']
    numbers = _round_numbers(plot.most, max(2, (plot.right - _LEFT) // 90))
    parts += [f'<text x="{plot.x(n)}" y="{plot.bottom + 16}" text-anchor="middle">{n:,}</text>' for n in numbers]
    return [*parts, f'<text x="{_LEFT}" y="{plot.height - 4}">{title}</text>']


def _round_numbers(most: int, count: int) -> list[int]:
    """At most about ``count`` round numbers from 0 to ``most``."""
    step = max(1, most / count)
    power = 10 ** floor(log10(step))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)
    return list(range(0, most + 1, int(step)))


def _thinned(steps: Sequence[Step]) -> list[Step]:
    every = -(-len(steps) // _MOST_POINTS) or 1
    return [step for at, step in enumerate(steps, 1) if at % every == 0 or at == len(steps)]
