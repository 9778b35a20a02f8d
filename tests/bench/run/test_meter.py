"""How fast a run goes, and how long the rest will take."""

from __future__ import annotations

import pytest

from assay.bench.run_meter import WINDOW_S, Meter


def test_nothing_is_told_before_anything_is_scored() -> None:
    meter = Meter(clock=iter(range(10)).__next__)
    meter.see(0)
    meter.see(0)
    assert meter.rate_per_s is None
    assert meter.left_s(100) is None


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    now = [0.0]
    meter = Meter(clock=lambda: now[0])
    scored = 0
    for per_s in (100, 2):  # the first is long past when the second is told
        for _ in range(2 * int(WINDOW_S)):
            meter.see(scored)
            now[0] += 1
            scored += per_s
    meter.see(scored)
    assert meter.rate_per_s == pytest.approx(2)
    assert meter.left_s(60) == pytest.approx(30)
