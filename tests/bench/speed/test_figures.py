"""From known times to numbers: each by hand, and intervals over repeats against the truth."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from assay.bench.speed.figures import paired, side_of
from assay.bench.speed.report import Side
from assay.bench.speed.spec import Slo
from assay.bench.speed.timing import Timed
from assay.core import Money
from assay.stats import Interval, mean
from tests.bench.speed.made import MS, timed

NO_SLO = Slo()


def values(side: Side) -> dict[str, Interval]:
    return {figure.name: figure.value for figure in side.figures}


def value(side: Side, name: str) -> float:
    found = values(side)[name].value
    assert found is not None
    return found


def side(repeats: Sequence[Sequence[Timed]], slo: Slo = NO_SLO) -> Side:
    return side_of("p/m", repeats, slo)


def test_each_number_is_what_it_is_by_hand() -> None:
    """Ten answers, one every 100 ms: first piece after 100, ten pauses of 10, 21 tokens, 33 characters, 55 bytes; 1.1 s in all."""
    found = side([[timed(100 * at) for at in range(10)]] * 3)
    assert value(found, "ttft_p50_ms") == 100
    assert value(found, "total_p50_ms") == 200
    assert value(found, "between_tokens_p50_ms") == 5
    assert value(found, "pause_p95_ms") == 10
    assert value(found, "tokens_per_s_each") == 200
    assert value(found, "characters_per_s_each") == 300
    assert value(found, "bytes_per_s_each") == 500
    assert value(found, "requests_per_s") == pytest.approx(10 / 1.1)
    assert value(found, "tokens_per_s") == pytest.approx(210 / 1.1)
    assert value(found, "characters_per_s") == pytest.approx(330 / 1.1)
    assert value(found, "bytes_per_s") == pytest.approx(550 / 1.1)
    assert (found.tokens, found.characters, found.bytes) == (630, 990, 1650)


def test_times_count_from_when_a_question_was_due_however_late_it_was_sent() -> None:
    found = side([[timed(ttft_ms=500, late_ms=400)] * 3] * 3)
    assert value(found, "ttft_p50_ms") == 500
    assert found.late_ms == 400


def test_the_interval_is_students_over_repeats() -> None:
    repeats = [[timed(ttft_ms=ttft + at) for at in range(5)] for ttft in (100, 110, 130)]
    found = values(side(repeats))["ttft_p50_ms"]
    assert found == mean([102.0, 112.0, 132.0])
    assert found.n == 3


def test_a_quantile_of_too_few_requests_has_no_interval() -> None:
    found = values(side([[timed(ttft_ms=at) for at in range(1, 51)]] * 3))
    assert (found["ttft_p95_ms"].value, found["ttft_p95_ms"].reason) == (48, "no_spread")
    assert (found["ttft_p99_ms"].value, found["ttft_p99_ms"].low, found["ttft_p99_ms"].reason) == (50, None, "few_requests")


def test_failures_are_counted_and_lend_no_times() -> None:
    failed = Timed(due_ns=0, asked_ns=0, error="upstream.refused", cost=Money(7))
    found = side([[timed(), failed, timed(100)]] * 3)
    assert (found.asked, found.answered, found.errors, found.cost) == (9, 6, {"upstream.refused": 3}, (Money(21),))
    assert value(found, "ttft_p50_ms") == 100
    assert side([[failed]] * 3).answered == 0
    assert values(side([[failed]] * 3))["ttft_p50_ms"].value is None


def test_goodput_counts_what_keeps_every_bound_and_failures_keep_none() -> None:
    quick, slow, failed = timed(), timed(ttft_ms=300), Timed(due_ns=0, asked_ns=0, error="upstream.timeout")
    slo = Slo(ttft_ms=200, between_ms=5, total_ms=250)
    found = side([[quick, quick, slow, failed]] * 3, slo)
    assert value(found, "within_slo") == 0.5
    assert value(found, "goodput_per_s") == pytest.approx(2 / 0.4)
    assert value(side([[quick]] * 3, Slo(between_ms=4.9)), "within_slo") == 0
    assert value(side([[timed(tokens=None)]] * 3, slo), "within_slo") == 0
    assert "within_slo" not in values(side([[quick]] * 3))


def test_what_the_provider_does_not_count_is_in_no_number_of_tokens() -> None:
    found = side([[timed(tokens=None)]] * 3)
    assert found.tokens_unknown == 3
    assert {name: one.reason for name, one in values(found).items() if "tokens" in name} == dict.fromkeys(
        ("between_tokens_p50_ms", "between_tokens_p95_ms", "between_tokens_p99_ms", "tokens_per_s_each", "tokens_per_s"),
        "not_counted",
    )
    assert value(found, "characters_per_s_each") == 300


def test_an_answer_in_one_piece_has_no_time_between_tokens() -> None:
    found = values(side([[timed(pieces=1)]] * 3))
    assert found["between_tokens_p50_ms"].reason == found["characters_per_s_each"].reason == "not_counted"
    assert found["tokens_per_s"].value == pytest.approx(210)


def test_two_sides_are_compared_repeat_by_repeat_and_a_bad_hour_cancels() -> None:
    """The server is slower from repeat to repeat, and B always 20 ms behind A."""
    rng = np.random.default_rng(1)

    def repeats(more_ms: float) -> list[list[Timed]]:
        return [[timed(ttft_ms=base + more_ms + rng.uniform(0, 1)) for _ in range(30)] for base in (100, 200, 400, 800, 1600)]

    a, b = repeats(0), repeats(20)
    found = {one.name: one for one in paired(a, b, NO_SLO)}
    assert found["ttft_p50_ms"].difference.value == pytest.approx(-20, abs=0.5)
    assert found["ttft_p50_ms"].verdict == "A faster"
    assert found["between_tokens_p50_ms"].verdict == "cannot tell"
    assert {one.name: one.verdict for one in paired(b, a, NO_SLO)}["ttft_p50_ms"] == "B faster"
    assert "ttft_p99_ms" not in found


def test_where_many_failed_only_goodput_is_compared() -> None:
    """Times of those that came say nothing of those that did not; goodput counts both."""
    failed = Timed(due_ns=0, asked_ns=0, error="upstream.timeout")

    def repeats(ttft_ms: float, failures: Sequence[int]) -> list[list[Timed]]:
        return [[*[timed(ttft_ms=ttft_ms * (1 + at / 100))] * 10, *[failed] * more] for at, more in enumerate(failures)]

    a, b = repeats(500, [0, 0, 0, 0, 0, 0]), repeats(100, [20, 21, 22, 20, 21, 22])
    slo = Slo(total_ms=1000)
    assert {one.name: one.verdict for one in paired(a, b, slo)}["ttft_p50_ms"] == "B faster"
    found = {one.name: one.verdict for one in paired(a, b, slo, complete=False)}
    assert found["ttft_p50_ms"] == found["tokens_per_s"] == "cannot tell"
    assert found["within_slo"] == "A faster"


def test_more_a_second_is_faster() -> None:
    def repeats(pause_ms: float) -> list[list[Timed]]:
        return [[timed(pause_ms=pause_ms * (1 + at / 1000)) for _ in range(5)] for at in range(6)]

    assert {one.name: one.verdict for one in paired(repeats(10), repeats(20), NO_SLO)}["characters_per_s_each"] == "A faster"


def test_intervals_over_repeats_cover_the_truth_and_intervals_over_requests_would_not() -> None:
    """Each repeat has its own weather. Student's interval over five repeats covers the median; one over requests misses it."""
    rng, over_repeats, over_requests = np.random.default_rng(2), 0, 0
    for _ in range(120):
        base = rng.normal(500, 20, 5)
        times = base[:, None] + rng.normal(0, 20, (5, 20))
        found = values(side([[timed(ttft_ms=float(one)) for one in repeat] for repeat in times]))["ttft_p50_ms"]
        assert found.low is not None
        assert found.high is not None
        over_repeats += found.low <= 500 <= found.high
        naive = mean(times.ravel())
        assert naive.low is not None
        assert naive.high is not None
        over_requests += naive.low <= 500 <= naive.high
    assert 0.90 <= over_repeats / 120 <= 0.99
    assert over_requests / 120 < 0.8


def test_between_two_that_are_alike_a_verdict_is_wrong_at_most_one_time_in_twenty() -> None:
    """Twenty numbers are compared at once; all verdicts hold together."""
    rng, wrong = np.random.default_rng(3), 0

    def repeats() -> list[list[Timed]]:
        return [[timed(ttft_ms=float(rng.normal(500, 20)), pause_ms=float(rng.normal(10, 1))) for _ in range(4)] for _ in range(4)]

    for _ in range(150):
        wrong += any(one.verdict != "cannot tell" for one in paired(repeats(), repeats(), NO_SLO))
    assert wrong <= 14


def test_thousandths_of_a_millisecond_are_kept() -> None:
    one = msgspec.structs.replace(timed(), first_ns=100 * MS + 1_500)
    assert value(side([[one]] * 3), "ttft_p50_ms") == pytest.approx(100.0015)
