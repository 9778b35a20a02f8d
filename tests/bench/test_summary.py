"""A run's numbers: the score and its interval, and that nothing which is no answer hides in it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from assay.bench.result import Result
from assay.bench.summary import MOST_ERRORS, summarise
from assay.core import Money, Usage
from assay.stats import mean, pass_at_k, share
from tests.bench.marked import answered, marks, result


def test_one_sample_a_question_has_wilsons_interval() -> None:
    found = summarise(marks([1] * 140 + [0] * 24))
    assert found.score == share(140, 164)
    assert found.score.low == pytest.approx(0.791, abs=5e-4)
    assert found.score.high == pytest.approx(0.900, abs=5e-4)
    assert (found.interval, found.questions, found.samples, found.pass_at_k) == ("wilson", 164, 1, ())


def test_several_samples_are_clustered_by_question() -> None:
    results = [*marks([1, 1, 0, 0, 1], 0), *marks([1, 0, 0, 0, 1], 1)]
    found = summarise(results)
    assert found.interval == "wilson_clustered"
    assert found.score == share([1, 1, 0, 0, 1, 1, 0, 0, 0, 1], 10, [0, 1, 2, 3, 4] * 2)
    assert (found.questions, found.clusters, found.samples) == (5, 5, 2)


def test_questions_of_one_cluster_go_together() -> None:
    found = summarise([result(f"q{at}", "right" if at % 3 else "wrong", cluster=f"text {at // 5}") for at in range(40)])
    assert (found.questions, found.clusters, found.interval) == (40, 8, "wilson_clustered")


def test_graded_answers_have_an_interval_within_0_and_1() -> None:
    found = summarise([result(f"q{at}", "graded", value=at % 5 / 4) for at in range(200)])
    assert found.interval == "bootstrap"
    expected = mean([at % 5 / 4 for at in range(200)])
    assert found.score.value == expected.value == 0.5
    assert found.score.low == pytest.approx(expected.low, abs=5e-3)
    assert found.pass_at_k == ()


def test_every_way_not_to_be_right_is_counted_apart() -> None:
    ways = ["right", "wrong", "wrong", "graded", "unparsed", "refused", "truncated", "timeout"]
    found = summarise([result(f"q{at}", outcome, value=0.5) for at, outcome in enumerate(ways)])  # type: ignore[arg-type]  # literals
    assert found.outcomes == {
        "right": 1,
        "wrong": 2,
        "graded": 1,
        "unparsed": 1,
        "refused": 1,
        "truncated": 1,
        "timeout": 1,
        "error": 0,
    }
    assert found.score.value == pytest.approx(1.5 / 8)


def test_few_errors_are_left_out_and_shown() -> None:
    found = summarise([*marks([1] * 80 + [0] * 120), result("lost", "error")])
    assert found.score == share(80, 200)
    assert (found.coverage.errors, found.coverage.answers, found.coverage.share) == (1, 200, 200 / 201)


def test_from_one_per_cent_on_errors_leave_only_bounds() -> None:
    """Were the lost ones all wrong, or all right: nothing better is known."""
    errors = [result(f"lost {at}", "error") for at in range(10)]
    found = summarise([*marks([1] * 80 + [0] * 110), *errors])
    assert found.score.value is None
    assert (found.score.reason, found.interval, found.score.n) == ("errors", "bounds", 190)
    assert found.score.low == share(80, 200).low
    assert found.score.high == share(90, 200).high
    assert MOST_ERRORS == 0.01


def test_what_is_still_to_come_counts_for_nothing() -> None:
    waiting = [Result(sample="w1", epoch=0, state="waiting"), Result(sample="w2", epoch=0, state="answered")]
    found = summarise([*marks([1, 0, 1]), *waiting])
    assert found.score == share(2, 3)
    assert (found.coverage.results, found.coverage.waiting, found.coverage.share) == (5, 2, 1.0)


def test_a_run_without_an_answer_has_no_score() -> None:
    assert summarise([]).score.reason == "no_data"
    lost = summarise([result("a", "error"), result("b", "error")])
    assert (lost.score.value, lost.score.reason, lost.coverage.share) == (None, "errors", 0.0)


def test_pass_at_k_is_by_question_for_powers_of_two() -> None:
    rows = [[1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0]]
    found = summarise([one for epoch in range(6) for one in marks([row[epoch] for row in rows], epoch)])
    assert [one.k for one in found.pass_at_k] == [1, 2, 4, 6]
    assert [one.value for one in found.pass_at_k] == [pass_at_k([3, 0, 6, 1], [6] * 4, k) for k in (1, 2, 4, 6)]
    assert found.pass_at_k[0].value.value == pytest.approx(found.score.value)
    assert found.spread.samples == 24
    assert found.spread.between is not None


def test_parts_are_means_over_the_answers_that_have_them() -> None:
    """``safe`` is asked of half the questions; ``plus`` of all, so where no answer was found it is 0."""
    results = [
        result("a", "right", parts={"plus": 1.0, "safe": 1.0}),
        result("b", "wrong", parts={"plus": 0.0}),
        result("c", "truncated"),
        result("d", "error"),
    ]
    found = summarise(results)
    assert found.metrics["safe"].value == 1
    assert found.metrics["safe"].n == 1
    assert found.metrics["plus"] == share(1, 3)


def test_categories_have_scores_of_their_own_and_the_macro_mean_counts_each_once() -> None:
    rng = np.random.default_rng(1)
    results = [result(f"e{at}", "right" if rng.random() < 0.9 else "wrong", category="easy") for at in range(300)]
    results += [result(f"h{at}", "right" if rng.random() < 0.3 else "wrong", category="hard") for at in range(60)]
    found = summarise(results)
    assert list(found.by_category) == ["easy", "hard"]
    easy, hard = found.by_category["easy"].value or 0, found.by_category["hard"].value or 0
    assert found.macro.value == pytest.approx((easy + hard) / 2)
    error = ((easy * (1 - easy) / 299 + hard * (1 - hard) / 59) ** 0.5) / 2
    assert found.macro.low == pytest.approx((easy + hard) / 2 - 1.97 * error, abs=2e-3)
    assert summarise(marks([1, 0])).macro.reason == "no_categories"


def test_the_score_of_a_balanced_task_counts_each_category_once() -> None:
    results = [result(f"s{at}", "right", category="safe") for at in range(300)]
    results += [result(f"u{at}", "right" if at % 4 == 0 else "wrong", category="unsafe") for at in range(100)]
    found = summarise(results, balanced=True)
    assert (found.score, found.interval) == (found.macro, "categories")
    assert found.score.value == pytest.approx(0.625)
    lost = [result(f"lost {at}", "error", category="unsafe") for at in range(100)]
    unknown = summarise([*results, *lost], balanced=True).score
    assert (unknown.value, unknown.reason) == (None, "errors")
    assert unknown.low is not None
    assert unknown.low < (1 + 25 / 200) / 2
    assert unknown.high is not None
    assert unknown.high > (1 + 125 / 200) / 2
    one_kind = summarise(results[:300], balanced=True)
    assert (one_kind.score, one_kind.interval) == (share(300, 300), "wilson")


def test_a_balanced_score_has_an_interval_where_all_answers_of_each_category_are_alike() -> None:
    results = [result(f"s{at}", "right", category="safe") for at in range(50)]
    results += [result(f"u{at}", "wrong", category="unsafe") for at in range(20)]
    score, safe, unsafe = summarise(results, balanced=True).score, share(50, 50), share(0, 20)
    assert score.value == 0.5
    assert score.low == pytest.approx(0.5 - (1 - (safe.low or 0)) / 2)
    assert score.high == pytest.approx(0.5 + (unsafe.high or 0) / 2)


def test_tokens_cost_and_times_are_of_what_was_asked() -> None:
    usage = Usage(input=90, cache_read=10, output=5, reasoning=20)
    results = [result(f"q{at}", usage=usage, cost=Money(1000), latency_us=1000 * at) for at in range(100)]
    results += [
        result("cached", cached=True, latency_us=0),
        result("free", latency_us=50_000),
        result("yuan", cost=Money(7, "CNY")),
    ]
    found = summarise(results)
    assert (found.tokens.input, found.tokens.output, found.tokens.reasoning, found.tokens.unknown) == (10_000, 2_500, 2_000, 3)
    assert found.cost == (Money(100_000), Money(7, "CNY"))
    assert found.unpriced == 1
    assert found.latency.p50.value == 50_000
    assert found.latency.p95.n == 101


def test_a_hundred_thousand_results_are_summed_up_at_once() -> None:
    """Measured at 0.4 s on a busy machine; here only that it is no matter of minutes."""
    results = answered(np.random.default_rng(2).random(10_000), np.random.default_rng(3), samples=10)
    begin = time.perf_counter()
    assert summarise(results).questions == 10_000
    assert time.perf_counter() - begin < 20


def test_no_answer_is_a_share_of_endlessly_many_things() -> None:
    """A run from elsewhere may say so; the weight of one answer ends somewhere, and memory stays what it was."""
    found = summarise(
        [result("q0", "right", parts={"p": 1.0, "p:of": 1e15}), result("q1", "wrong", parts={"p": 0.0, "p:of": 100.0})]
    )
    assert (found.metrics["p"].value, found.metrics["p"].n) == (0.5, 200)
