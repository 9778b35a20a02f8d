"""What Prometheus reads: calls, tokens, cost and times by provider and model, and what was refused at the door.

Counted when a call is recorded, never while it is answered. Each process counts for itself and leaves its counts in a file of
the data folder every few seconds; whoever is asked adds them up, those of processes that have ended too, since a counter must
never fall. The text is the exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats, 2026-11).
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from assay.core import Call
from assay.gateway.recorder import Settled
from assay.store.database import Write

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
"""Bounds of the histograms: a first token takes a tenth of a second, a long answer minutes."""

_MOST_SERIES = 20_000
"""Model names come from clients: beyond this many series, further ones are counted together as ``other``."""

SAVE_S = 2
_NANO = 1e9
_FAMILIES = {
    "assay_calls_total": ("counter", "Attempts at deployments, by how they ended.", ("provider", "model", "outcome", "error")),
    "assay_tokens_total": ("counter", "Tokens by kind; the kinds are disjoint.", ("provider", "model", "kind")),
    "assay_cost_total": ("counter", "Cost in units of the currency, estimates of broken-off answers included.", ("provider", "model", "currency")),
    "assay_refused_total": ("counter", "Requests that were refused before any provider was asked, by code.", ("code",)),
    "assay_call_duration_seconds": ("histogram", "From the request to the end of the answer.", ("provider", "model")),
    "assay_first_content_seconds": ("histogram", "From the request to the first content of a streamed answer.", ("provider", "model")),
}  # fmt: skip
_KINDS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "image_input", "output", "reasoning", "audio_output", "image_output")  # fmt: skip

_Key = tuple[str, ...]


class Histogram(msgspec.Struct, array_like=True):
    """How many values fell below each of `SECONDS` and above the one before, the last beyond all; and their sum."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds

    def join(self, other: Histogram) -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class Counts(msgspec.Struct):
    """Every series by its family and label values."""

    values: dict[str, dict[_Key, float]] = msgspec.field(default_factory=dict)
    times: dict[str, dict[_Key, Histogram]] = msgspec.field(default_factory=dict)

    def join(self, other: Counts) -> None:
        """Add what another process counted."""
        for family, series in other.values.items():
            mine = self.values.setdefault(family, {})
            for labels, value in series.items():
                mine[labels] = mine.get(labels, 0) + value
        for family, histograms in other.times.items():
            known = self.times.setdefault(family, {})
            for labels, histogram in histograms.items():
                known.setdefault(labels, Histogram()).join(histogram)


class _Stored(msgspec.Struct):
    """`Counts` as JSON can hold them."""

    values: dict[str, list[tuple[_Key, float]]]
    times: dict[str, list[tuple[_Key, Histogram]]]


class Metrics:
    """The counts of one process; a `Book` of its recorder."""

    def __init__(self) -> None:
        self.counts = Counts({family: {} for family in _FAMILIES}, {family: {} for family in _FAMILIES})
        self._series = 0
        self._unsaved = True

    def entries(self, settled: Sequence[Settled]) -> Sequence[Write]:
        """Nothing: counts are for a time, rows for good."""
        return ()

    def committed(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            self._count(one.call)
        self._unsaved = True

    def refuse(self, code: str) -> None:
        """Count a request that was refused with this code."""
        self._add("assay_refused_total", (code,), 1)
        self._unsaved = True

    async def keep_saving(self, folder: Path) -> None:
        """Leave the counts in ``folder`` again and again, for as long as this process lives."""
        while True:
            self.save(folder)
            await asyncio.sleep(SAVE_S)

    def save(self, folder: Path) -> None:
        """Leave the counts where another process finds them, if there are new ones."""
        if not self._unsaved:
            return
        path = folder / f"{os.getpid()}.json"
        self._unsaved = False
        stored = _Stored(
            {family: list(series.items()) for family, series in self.counts.values.items()},
            {family: list(series.items()) for family, series in self.counts.times.items()},
        )
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(stored))
        os.replace(draft, path)

    def _count(self, call: Call) -> None:
        provider, model = call.provider, call.model
        self._add("assay_calls_total", (provider, model, call.outcome, call.error or ""), 1)
        self._time("assay_call_duration_seconds", (provider, model), call.duration_us)
        if call.ttft_us is not None:
            self._time("assay_first_content_seconds", (provider, model), call.ttft_us)
        if call.usage is not None:
            for kind in _KINDS:
                if tokens := getattr(call.usage, kind):
                    self._add("assay_tokens_total", (provider, model, kind), tokens)
        if call.cost is not None:
            self._add("assay_cost_total", (provider, model, call.cost.currency), call.cost.nano / _NANO)

    def _add(self, family: str, labels: _Key, value: float) -> None:
        series = self.counts.values[family]
        labels = self._known(series, labels)
        series[labels] = series.get(labels, 0) + value

    def _time(self, family: str, labels: _Key, duration_us: int) -> None:
        series = self.counts.times[family]
        labels = self._known(series, labels)
        series.setdefault(labels, Histogram()).add(duration_us / 1e6)

    def _known(self, series: dict[_Key, float] | dict[_Key, Histogram], labels: _Key) -> _Key:
        if labels in series:
            return labels
        if self._series >= _MOST_SERIES:
            return ("other",) * len(labels)
        self._series += 1
        return labels


def load_counts(paths: Iterable[Path]) -> Counts:
    """The sum of what processes saved. A file that is not whole is one of a version that wrote otherwise, and is left out."""
    total = Counts()
    for path in paths:
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
        except (OSError, msgspec.MsgspecError):
            continue
        total.join(
            Counts(
                {family: dict(series) for family, series in stored.values.items()},
                {family: dict(series) for family, series in stored.times.items()},
            )
        )
    return total


class Gauge(msgspec.Struct, frozen=True):
    """Something that is so much at the moment; ``samples`` are label values and the value."""

    name: str
    about: str
    labels: tuple[str, ...]
    samples: Sequence[tuple[_Key, float]]
    kind: str = "gauge"


def write_text(counts: Counts, gauges: Iterable[Gauge] = ()) -> bytes:
    """The exposition text of counts and gauges."""
    lines: list[str] = []
    for family, (kind, about, names) in _FAMILIES.items():
        lines += (f"# HELP {family} {about}", f"# TYPE {family} {kind}")
        lines += [_sample(family, names, labels, value) for labels, value in sorted(counts.values.get(family, {}).items())]
        for labels, histogram in sorted(counts.times.get(family, {}).items()):
            lines += _histogram(family, names, labels, histogram)
    for gauge in gauges:
        lines += (f"# HELP {gauge.name} {gauge.about}", f"# TYPE {gauge.name} {gauge.kind}")
        lines += [_sample(gauge.name, gauge.labels, labels, value) for labels, value in gauge.samples]
    return "\n".join([*lines, ""]).encode("utf-8", "replace")


def _histogram(family: str, names: _Key, labels: _Key, histogram: Histogram) -> Iterable[str]:
    below = 0
    for bound, count in zip((*SECONDS, None), histogram.counts, strict=True):
        below += count
        yield _sample(f"{family}_bucket", (*names, "le"), (*labels, "+Inf" if bound is None else f"{bound:g}"), below)
    yield _sample(f"{family}_sum", names, labels, histogram.sum)
    yield _sample(f"{family}_count", names, labels, below)


def _sample(name: str, names: _Key, labels: _Key, value: float) -> str:
    written = ",".join(f'{label}="{_escape(text)}"' for label, text in zip(names, labels, strict=True))
    number = f"{value:.0f}" if value == int(value) else repr(value)
    return f"{name}{{{written}}} {number}" if written else f"{name} {number}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
