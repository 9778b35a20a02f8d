"""Which percentages so many questions can make, against trying every count and every rounding."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.errors import InvalidInput
from assay.stats import attainable

ROUNDINGS = {"nearest": (ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN), "down": (ROUND_FLOOR,), "up": (ROUND_CEILING,)}


def plain(claim: Decimal, trials: int) -> tuple[str | None, list[int]]:
    """The first family of roundings under which any count is written as the claim, and those counts: each one tried."""
    with localcontext(prec=60):
        for name, ways in ROUNDINGS.items():
            counts = [
                count
                for count in range(trials + 1)
                for way in ways
                if (Decimal(100 * count) / trials).quantize(claim, rounding=way) == claim
            ]
            if counts:
                return name, sorted(set(counts))
    return None, []


@given(st.integers(1, 120), st.integers(1, 3), st.integers(0, 2), st.data())
def test_it_finds_the_counts_that_trying_them_all_finds(n: int, samples: int, decimals: int, data: st.DataObject) -> None:
    claim = Decimal(data.draw(st.integers(0, 100 * 10**decimals))).scaleb(-decimals)
    rounding, counts = plain(claim, n * samples)
    found = attainable(f"{claim:.{decimals}f}", n, samples)
    assert found.rounding == rounding
    assert found.is_attainable == bool(counts)
    assert (found.first, found.last) == ((counts[0], counts[-1]) if counts else (None, None))
    assert found.below.percent <= float(claim) + 1e-9
    assert found.above.percent >= float(claim) - 1e-9
    assert found.above.count - found.below.count in (0, 1)


@pytest.mark.parametrize(
    ("percent", "n", "counts"),
    [
        ("85.2", 164, None),
        ("84.9", 164, None),
        ("91.9", 198, (182, 182)),
        ("37.5", 2500, (937, 938)),
        ("37.5", 2158, (809, 810)),
        ("100", 30, (30, 30)),
        ("0.0", 30, (0, 0)),
    ],
)
def test_known_claims(percent: str, n: int, counts: tuple[int, int] | None) -> None:
    found = attainable(percent, n)
    assert (found.first, found.last) == (counts or (None, None))


def test_an_impossible_claim_names_its_neighbours_and_how_many_samples_would_do() -> None:
    found = attainable("85.2", 164)
    assert (found.below.count, found.above.count, found.samples_needed) == (139, 140, 3)
    assert found.below.percent == pytest.approx(84.756, abs=1e-3)
    again = attainable("85.2", 164, samples=3)
    assert (again.first, again.trials, again.rounding) == (419, 492, "nearest")


def test_what_only_rounding_down_gives_says_so() -> None:
    assert (attainable("66.6", 3).rounding, attainable("33.4", 3).rounding) == ("down", "up")


def test_decimals_are_part_of_the_claim() -> None:
    assert attainable("85", 164).is_attainable
    assert attainable("85.4 %", 164).percent == "85.4"
    assert not attainable("85.40", 164).is_attainable
    assert attainable("85,4", 164).is_attainable


@pytest.mark.parametrize("nonsense", ["", "x", "-3", "100.1", "1e2", "85.2.1", "101"])
def test_what_is_no_percentage_is_refused(nonsense: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        attainable(nonsense, 10)
    assert refused.value.code == "stats.bad_percent"


def test_no_questions_are_refused() -> None:
    with pytest.raises(InvalidInput):
        attainable("50", 0)
