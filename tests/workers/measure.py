"""What a process holds, as Linux counts it: memory, descriptors, threads; and whether a row of measurements rises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

MB = 1024 * 1024


class Held(msgspec.Struct, frozen=True):
    """One process at one moment. ``shared`` memory is divided among those who share it in ``proportional``."""

    resident: int
    proportional: int
    descriptors: int
    threads: int


def held_by(pid: int) -> Held:
    """What ``pid`` holds now; memory in bytes."""
    rollup = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Held(
        resident=1024 * int(rollup["Rss"].split()[0]),
        proportional=1024 * int(rollup["Pss"].split()[0]),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=int(status["Threads"]),
    )


class Trend(msgspec.Struct, frozen=True):
    """The slope of a straight line through values over time, by least squares, and its standard error."""

    slope: float
    error: float


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """How fast ``values`` rise."""
    n = len(times)
    at, mean = sum(times) / n, sum(values) / n
    spread = sum((time - at) ** 2 for time in times)
    slope = sum((time - at) * (value - mean) for time, value in zip(times, values, strict=True)) / spread
    left = sum((value - mean - slope * (time - at)) ** 2 for time, value in zip(times, values, strict=True))
    return Trend(slope, math.sqrt(left / max(1, n - 2) / spread))
