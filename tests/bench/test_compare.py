"""Two runs side by side: who is better, how sure that is, and on which questions."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from assay.bench.compare import compare, differing, hold_together
from assay.bench.recipe import Recipe
from assay.bench.result import Result
from assay.bench.summary import summarise
from assay.core import Money, Unprocessable, content_hash
from assay.stats import detectable, mcnemar, paired_share, sign_flip
from tests.bench.marked import answered, marks, result


def recipe(**parts: object) -> Recipe:
    return Recipe(hash=content_hash(parts), parts=parts)


def test_one_sample_each_is_mcnemars_test_with_newcombes_interval() -> None:
    a = [1] * 100 + [1] * 30 + [0] * 10 + [0] * 24
    b = [1] * 100 + [0] * 30 + [1] * 10 + [0] * 24
    found = compare(marks(a), marks(b))
    assert found.score.difference == paired_share(a, b)
    assert (found.score.test, found.score.p) == ("mcnemar", mcnemar(30, 10))
    assert (found.score.a, found.score.b) == (130 / 164, 110 / 164)
    assert found.score.detectable == detectable(np.subtract(a, b))
    assert (found.verdict, found.is_worse) == ("A better", True)
    back = compare(marks(b), marks(a))
    assert (back.verdict, back.is_worse) == ("B better", False)


def test_a_difference_that_chance_makes_cannot_be_told() -> None:
    found = compare(marks([1] * 12 + [0] * 8), marks([0] * 3 + [1] * 10 + [0] * 7))
    assert (found.verdict, found.is_worse) == ("cannot tell", False)
    assert found.score.p is not None
    assert found.score.p > 0.05


def test_no_difference_smaller_than_six_questions_is_called_detectable() -> None:
    found = compare(marks([1, *[0] * 29]), marks([0] * 30))
    assert found.score.detectable == 6 / 30


def test_the_same_run_twice_is_no_difference() -> None:
    found = compare(marks([1, 0, 1]), marks([1, 0, 1]))
    assert (found.score.difference.value, found.score.p, found.score.detectable) == (0.0, 1.0, None)
    assert (found.verdict, found.better_a, found.better_b) == ("cannot tell", (), ())


def test_several_samples_are_averaged_by_question_and_flipped_by_cluster() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(60)
    a, b = answered(np.clip(hard + 0.2, 0, 1), rng, 4), answered(hard, rng, 8)
    found = compare(a, b)
    x, y = (
        np.array([np.mean([one.scored.value for one in run if one.scored and one.sample == f"q{at}"]) for at in range(60)])
        for run in (a, b)
    )
    assert found.score.test == "sign_flip"
    assert found.score.p == sign_flip(x - y)
    assert found.score.difference.value == pytest.approx(float((x - y).mean()))
    assert found.verdict == "A better"


def test_questions_that_go_together_flip_together() -> None:
    def run(good: int) -> list[object]:
        return [result(f"q{at}", "right" if at // 10 < good else "wrong", cluster=f"text {at // 10}") for at in range(60)]

    found = compare(run(5), run(1))  # type: ignore[arg-type]  # results
    assert found.score.test == "sign_flip"
    assert found.score.p == 0.125
    assert found.verdict == "cannot tell"


def test_the_questions_that_flipped_are_named_the_largest_difference_first() -> None:
    a = [result("x", "graded", value=0.9), result("y", "right"), result("z", "refused"), result("same")]
    b = [result("x", "graded", value=0.7), result("y", "unparsed"), result("z", "right"), result("same")]
    found = compare(a, b)
    assert [(flip.sample, flip.outcome_a, flip.outcome_b) for flip in found.better_a] == [
        ("y", "right", "unparsed"),
        ("x", "graded", "graded"),
    ]
    assert [(flip.sample, flip.a, flip.b) for flip in found.better_b] == [("z", 0.0, 1.0)]
    assert found.outcomes["unparsed"] == (0, 1)


def test_only_questions_of_both_are_compared() -> None:
    a, b = marks([1] * 20), [*marks([0] * 15), result("other"), result("another")]
    found = compare(a, b)
    assert (found.questions, found.only_a, found.only_b) == (15, 5, 2)
    with pytest.raises(Unprocessable) as refused:
        compare(marks([1]), [result("other")])
    assert refused.value.code == "bench.nothing_shared"


def test_few_lost_questions_are_left_out() -> None:
    a, b = marks([1] * 150 + [0] * 51), marks([1] * 100 + [0] * 101)
    lost = [*b[:-1], result("q200", "error")]
    found = compare(a, lost)
    assert (found.lost, found.questions, found.verdict) == (1, 200, "A better")
    assert found.score.difference.value is not None


def test_many_lost_questions_leave_what_is_certain_at_worst() -> None:
    """20 of 200 are lost. A led by 60: certain all the same. By 25: B may have had all twenty, so nobody can tell."""
    for lead, verdict in ((60, "A better"), (25, "cannot tell")):
        b = [result(f"q{at}", "error") if at >= 180 else one for at, one in enumerate(marks([0] * lead + [1] * (200 - lead)))]
        found = compare(marks([1] * 180 + [0] * 20), b)
        assert (found.lost, found.score.difference.value, found.score.difference.reason) == (20, None, "errors")
        assert found.verdict == verdict
    both = [result(f"q{at}", "error") if at < 20 else one for at, one in enumerate(marks([1] * 200))]
    assert compare(both, both).score.difference.reason == "errors"


def test_a_run_that_only_failed_leaves_everything_open_and_says_why() -> None:
    found = compare(marks([1, 0, 1]), [result(f"q{at}", "error") for at in range(3)])
    assert (found.verdict, found.questions, found.lost) == ("cannot tell", 0, 3)
    assert (found.score.difference.value, found.score.difference.reason) == (None, "errors")


def test_what_is_still_to_come_is_not_lost() -> None:
    waiting = [msgspec.structs.replace(one, state="waiting", scored=None) for one in marks([0] * 40)[20:]]
    found = compare(marks([1] * 40), [*marks([1] * 20), *waiting])
    assert (found.questions, found.lost, found.only_a) == (20, 0, 20)


def test_different_recipes_are_refused_and_named() -> None:
    one, other = (recipe(task="gsm8k", sampling={"temperature": heat, "top_p": 1}) for heat in (0, 1))
    with pytest.raises(Unprocessable) as refused:
        compare(marks([1]), marks([0]), recipes=(one, other))
    assert refused.value.code == "bench.different_recipes"
    assert "sampling.temperature" in refused.value.message
    found = compare(marks([1]), marks([0]), recipes=(one, other), allow_different=True)
    assert found.different == ("sampling.temperature",)
    assert compare(marks([1]), marks([0]), recipes=(one, one)).different == ()
    assert list(differing({"a": {"x": 1}, "b": 2}, {"a": 3, "c": 4})) == ["a", "b", "c"]


def test_parts_and_categories_are_held_together_and_the_score_by_itself() -> None:
    """With p = 0.039 each of three numbers alone would differ; looked at together none does, but the score was the question."""
    a = [
        result(f"q{at}", "right" if at < 10 or at > 11 else "wrong", parts={"p": float(at < 10), "r": float(at < 10)})
        for at in range(40)
    ]
    b = [
        result(f"q{at}", "wrong" if at < 10 else "right", parts={"p": float(10 <= at < 12), "r": float(10 <= at < 12)})
        for at in range(40)
    ]
    found = compare(a, b)
    assert found.score.p == pytest.approx(mcnemar(10, 2))
    assert found.verdict == "A better"
    assert [row.name for row in found.parts] == ["p", "r"]
    assert [row.p_together for row in found.parts] == [pytest.approx(2 * mcnemar(10, 2))] * 2
    assert [row.verdict for row in found.parts] == ["cannot tell"] * 2


def test_categories_are_compared_where_there_are_several() -> None:
    def run(good: int) -> list[object]:
        return [
            result(f"q{at}", "right" if at % 2 or at < good else "wrong", category="even" if at % 2 == 0 else "odd")
            for at in range(60)
        ]

    found = compare(run(60), run(0))  # type: ignore[arg-type]  # results
    assert {row.name: (row.questions, row.verdict) for row in found.categories} == {
        "even": (30, "A better"),
        "odd": (30, "cannot tell"),
    }
    assert compare(marks([1]), marks([1])).categories == ()


def test_several_tasks_are_held_together() -> None:
    sure, unsure = (
        compare(marks([1] * 10 + [0] * 30), marks([0] * 40)),
        compare(marks([1] * 10 + [0] * 2), marks([0] * 10 + [1] * 2)),
    )
    assert (sure.verdict, unsure.verdict) == ("A better", "A better")
    together = hold_together({"one": sure, "two": unsure, "three": unsure})
    assert {task: found.verdict for task, found in together.items()} == {
        "one": "A better",
        "two": "cannot tell",
        "three": "cannot tell",
    }
    assert together["two"].score.p == unsure.score.p


def test_cost_and_time_are_paired_too() -> None:
    a = [result(f"q{at}", cost=Money(2000 + at), latency_us=3000 + 10 * at) for at in range(50)]
    b = [result(f"q{at}", cost=Money(1000 + at % 7), latency_us=1000 + 10 * at) for at in range(50)]
    found = compare(a, b)
    assert found.cost is not None
    assert found.cost.value == pytest.approx(1000 + 24.5 - np.mean([at % 7 for at in range(50)]))
    assert found.latency.value == 2000
    assert compare(marks([1]), marks([1])).cost is None
    assert compare([result("x", cost=Money(1))], [result("x", cost=Money(1, "CNY"))]).cost is None


def test_between_equal_models_a_verdict_is_wrong_at_most_one_time_in_twenty() -> None:
    assert called(0.0, 300) <= 0.07


def test_a_difference_that_is_detectable_is_found_four_times_in_five() -> None:
    """164 questions, two models of 0.6 and 0.6 more or less: those that differ on 3 in 10 questions."""
    assert called(2.8016 * (0.3 / 164) ** 0.5, 200) >= 0.65


@pytest.mark.prove
def test_between_equal_models_a_verdict_is_wrong_at_most_one_time_in_twenty_of_3000() -> None:
    assert called(0.0, 3000) <= 0.055


def called(gap: float, runs: int) -> float:
    """How often a verdict falls for models that differ on 3 of 10 questions, one of which is ahead by ``gap``."""
    rng, decided = np.random.default_rng(12), 0
    for _ in range(runs):
        draw, rest = rng.random(164), rng.random(164) < 0.6
        ahead, behind = draw < (0.3 + gap) / 2, (draw >= (0.3 + gap) / 2) & (draw < 0.3)
        a, b = np.where(ahead, 1, np.where(behind, 0, rest)), np.where(ahead, 0, np.where(behind, 1, rest))
        decided += compare(marks(a.tolist()), marks(b.tolist())).verdict != "cannot tell"
    return decided / runs


def test_two_runs_of_a_balanced_task_are_compared_by_the_mean_over_categories() -> None:
    def run(safe: int, unsafe: int) -> list[Result]:
        rights = [("safe", at, at < safe) for at in range(300)] + [("unsafe", at, at < unsafe) for at in range(60)]
        return [result(f"{name}{at}", "right" if right else "wrong", category=name) for name, at, right in rights]

    a, b = run(200, 50), run(220, 20)  # 250 right and 240, but 0.75 and 0.53 of the two halves
    recipes = recipe(task="xs", balanced=True), recipe(task="xs", balanced=True)
    by_question, found = compare(a, b), compare(a, b, recipes=recipes)
    assert by_question.score.a == pytest.approx(250 / 360)
    assert (found.score.a, found.score.b) == (summarise(a, balanced=True).score.value, summarise(b, balanced=True).score.value)
    assert found.score.difference.value == pytest.approx((200 / 300 + 50 / 60 - 220 / 300 - 20 / 60) / 2)
    error = ((20 / 300 * 280 / 300 / 299) + (0.5 * 0.5 / 59)) ** 0.5 / 2
    assert found.score.difference.low == pytest.approx((found.score.difference.value or 0) - 1.97 * error, abs=2e-3)
    assert (found.verdict, found.score.test) == ("A better", "sign_flip")
    assert compare(b, a, recipes=recipes).verdict == "B better"
    assert compare(a, a, recipes=recipes).verdict == "cannot tell"
    lost = [msgspec.structs.replace(one, scored=result("", "error").scored) if at % 20 == 0 else one for at, one in enumerate(b)]
    assert compare(a, lost, recipes=recipes).score.difference.reason == "errors"
