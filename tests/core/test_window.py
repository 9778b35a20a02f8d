"""Windows of the calendar follow one another without a gap, and a clock does not jump."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.clock import Clock
from assay.core.holder import Per
from assay.core.rates import Rate, Rates
from assay.core.window import FOREVER, window_of

_PERS: list[Per] = ["hour", "day", "week", "month"]


@given(st.sampled_from(_PERS), st.integers(0, 4_000_000_000_000_000))
def test_windows_tile_time(per: Per, at: int) -> None:
    starts, ends = window_of(per, at)
    assert starts <= at < ends
    assert window_of(per, starts) == window_of(per, ends - 1) == (starts, ends)
    assert window_of(per, ends)[0] == ends


def test_windows_are_those_of_the_calendar() -> None:
    at = int(datetime(2028, 2, 29, 13, 30, tzinfo=UTC).timestamp() * 1e6)
    begins = {per: datetime.fromtimestamp(window_of(per, at)[0] / 1e6, UTC) for per in _PERS}
    assert [f"{begins[per]:%a %Y-%m-%d %H:%M}" for per in _PERS] == [
        "Tue 2028-02-29 13:00", "Tue 2028-02-29 00:00", "Mon 2028-02-28 00:00", "Tue 2028-02-01 00:00",
    ]  # fmt: skip
    assert window_of("total", at) == (0, FOREVER)


def test_drift_is_not_noticed_and_what_lasts_is_believed() -> None:
    wall, steady = [1_000_000_000_000_000_000], [0]
    clock = Clock(lambda: wall[0], lambda: steady[0])

    def pass_s(seconds: int, ahead_ns: int = 0) -> int:
        for _ in range(seconds):
            wall[0] += 1_000_000_000
            steady[0] += 1_000_000_000
            clock.now_us()
        wall[0] += ahead_ns
        return clock.now_us() - 1_000_000_000_000_000

    assert pass_s(100, 100_000_000) == 100_000_000
    assert pass_s(100, 3_600_000_000_000) == 200_000_000
    assert pass_s(60) == 260_000_000
    assert pass_s(10) == 3_870_100_000


@pytest.mark.parametrize(("paid", "in_", "nano"), [("EUR", "USD", 1_250), ("USD", "EUR", 800), ("EUR", "CNY", 8_929)])
def test_money_is_converted_in_whole_numbers(paid: str, in_: str, nano: int) -> None:
    rates = Rates(
        {
            "EUR": Rate(in_usd=1.25, date="2026-11-20", source="https://example.org"),
            "CNY": Rate(in_usd=0.14, date="2026-11-20", source="https://example.org"),
        }
    )
    ratio = rates.ratio(paid, in_)
    assert ratio is not None
    assert ratio.convert(1_000) == nano
    assert rates.ratio("EUR", "XAU") is None
