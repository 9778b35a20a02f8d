"""What an item comes to, and how items become evidence in the order drawn at the start."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.challenge.evidence import Evidence, Settled, settle
from assay.challenge.spec import HUMAN, PROGRAM, Side, Spec
from assay.challenge.trial import Ending, Trial
from assay.core import Choice, Message, Subject, ToolCall, Verdict, assistant
from assay.stats.anytime import Betting
from tests.challenge.scripted import JUDGE, NEW, OLD, SECOND, questions, spec_of

ONE, JURY = spec_of(questions(1)), spec_of(questions(1), (JUDGE.id, SECOND.id))
PEOPLE, PROGRAMS = spec_of(questions(1), (HUMAN,)), spec_of(questions(1), (PROGRAM,))
SWITCH, STAY = Settled("judged", 1.0), Settled("judged", 0.0)


def both(new: Ending | Message = "answered", old: Ending | Message = "answered") -> dict[Side, Trial]:
    """How both fared: how it ended, or the message that it ended with."""

    def trial(side: Side, given: Ending | Message) -> Trial:
        if isinstance(given, Message):
            return Trial(side=side, ending="answered", turns=(given,))
        return Trial(side=side, ending=given, turns=(assistant("So."),))

    return {"challenger": trial("challenger", new), "incumbent": trial("incumbent", old)}


def verdict(choice: Choice | None, by: str = JUDGE.id, *, new_first: bool = True, kind: str = "judgment") -> Verdict:
    """A verdict with the challenger shown first or second."""
    subjects = (Subject(model="new", deployment=NEW.id), Subject(model="old", deployment=OLD.id))
    return Verdict(
        id=f"x.1.{by}.{0 if new_first else 1}",
        kind="vote" if kind == "vote" else "score" if kind == "score" else "judgment",
        subjects=subjects if new_first else subjects[::-1],
        by=by,
        at=0,
        choice=choice,
        outcome="ok" if choice else "unparsed",
    )


def orders(first: Choice | None, second: Choice | None, by: str = JUDGE.id) -> list[Verdict]:
    """A judge's verdicts in both orders: the challenger first, then second."""
    return [verdict(first, by), verdict(second, by, new_first=False)]


@pytest.mark.parametrize(
    ("verdicts", "score"),
    [
        (orders("a", "b"), 1.0),
        (orders("b", "a"), 0.0),
        (orders("a", "a"), 0.5),
        (orders("b", "b"), 0.5),
        (orders("tie", "b"), 0.75),
        (orders("both_bad", "a"), 0.25),
        (orders("tie", "both_bad"), 0.5),
    ],
)
def test_a_judge_counts_with_the_mean_of_both_orders(verdicts: list[Verdict], score: float) -> None:
    """So one that only sees who stands first says nothing."""
    assert settle(ONE, NEW.id, both(), verdicts) == Settled("judged", score)


def test_a_jury_counts_with_the_mean_of_its_judges() -> None:
    assert settle(JURY, NEW.id, both(), orders("a", "b") + orders("a", "a", SECOND.id)) == Settled("judged", 0.75)


def test_a_judge_with_one_usable_order_does_not_count() -> None:
    assert settle(ONE, NEW.id, both(), orders("a", None)) == Settled("unjudged")
    assert settle(JURY, NEW.id, both(), orders("a", None) + orders("b", "a", SECOND.id)) == Settled("judged", 0.0)


def test_an_item_waits_for_all_its_judgments() -> None:
    assert settle(ONE, NEW.id, both(), orders("a", "b")[:1]) is None
    assert settle(JURY, NEW.id, both(), orders("a", "b")) is None
    assert settle(ONE, NEW.id, {"challenger": both()["challenger"]}, ()) is None


@pytest.mark.parametrize(("first", "score"), [(True, 1.0), (False, 0.0)])
def test_a_vote_counts_for_whoever_stood_where_it_points(first: bool, score: float) -> None:
    assert settle(PEOPLE, NEW.id, both(), [verdict("a", "p1", new_first=first, kind="vote")]) == Settled("judged", score)


def test_a_program_needs_one_verdict() -> None:
    assert settle(PROGRAMS, NEW.id, both(), [verdict("a", PROGRAM, kind="score")]) == Settled("judged", 1.0)


def test_judges_who_only_check_do_not_decide() -> None:
    vote = verdict("b", "p1", kind="vote")
    assert settle(ONE, NEW.id, both(), [vote, *orders("a", "b")]) == Settled("judged", 1.0)
    assert settle(ONE, NEW.id, both(), [vote, vote]) is None
    assert settle(PEOPLE, NEW.id, both(), orders("a", "b")) is None


def test_a_skipped_pair_stays_unjudged_unless_somebody_voted() -> None:
    assert settle(PEOPLE, NEW.id, both(), (), skipped=True) == Settled("unjudged")
    assert settle(PEOPLE, NEW.id, both(), [verdict("a", "p1", kind="vote")], skipped=True) == Settled("judged", 1.0)


@pytest.mark.parametrize(
    ("new", "old", "outcome"),
    [
        ("diverged", "answered", "diverged"),
        ("answered", "diverged", "diverged"),
        ("failed", "answered", "failed"),
        ("failed", "diverged", "failed"),
    ],
)
def test_what_did_not_answer_scores_nothing(new: Ending, old: Ending, outcome: str) -> None:
    settled = settle(ONE, NEW.id, both(new, old), ())
    assert settled is not None
    assert (settled.outcome, settled.score) == (outcome, None)


def test_tool_calls_are_never_judged_by_taste() -> None:
    def call(arguments: str) -> Message:
        return Message(role="assistant", parts=(ToolCall(id="x", name="look_up", arguments=arguments),))

    assert settle(ONE, NEW.id, both(call('{"a": 1, "b": 2}'), call('{"b": 2, "a": 1.0}')), ()) == Settled("judged", 0.5)
    assert settle(ONE, NEW.id, both(call('{"a": 1}'), call('{"a": 2}')), ()) == Settled("diverged")
    assert settle(ONE, NEW.id, both(call("{}"), assistant("No need to look.")), ()) == Settled("diverged")


def weigh(settled: Sequence[Settled], clusters: Sequence[str], order: Sequence[int], spec: Spec = ONE) -> Evidence:
    """The evidence of items that are settled in ``order``."""
    evidence = Evidence(spec, clusters)
    for index in order:
        evidence.add(index + 1, settled[index])
    return evidence


_SETTLED = st.lists(
    st.sampled_from([SWITCH, STAY, Settled("judged", 0.5), Settled("judged", 0.75), Settled("failed"), Settled("diverged")]),
    max_size=60,
)


@given(settled=_SETTLED, seed=st.integers(0, 1000))
def test_the_order_in_which_answers_come_changes_nothing(settled: list[Settled], seed: int) -> None:
    chance = random.Random(seed)
    clusters = [str(index // chance.randint(1, 4)) for index in range(len(settled))]
    clusters.sort()
    in_order = weigh(settled, clusters, range(len(settled)))
    shuffled = weigh(settled, clusters, chance.sample(range(len(settled)), len(settled)))
    assert shuffled.steps == in_order.steps
    assert shuffled.decision == in_order.decision
    assert shuffled.counted == in_order.counted


def test_an_item_waits_for_all_before_it() -> None:
    evidence = Evidence(ONE, ["1", "2", "3"])
    evidence.add(3, SWITCH)
    evidence.add(2, STAY)
    assert (evidence.counted, evidence.settled, evidence.decision) == (0, 2, None)
    evidence.add(1, SWITCH)
    assert (evidence.counted, [step.n for step in evidence.steps]) == (3, [1, 2, 3])


def test_a_cluster_is_one_observation_the_mean_of_its_judged_items() -> None:
    settled = [SWITCH, STAY, Settled("failed"), SWITCH, SWITCH, Settled("diverged"), STAY]
    evidence = weigh(settled, ["a", "a", "a", "b", "b", "c", "d"], range(7))
    plain = Betting(*ONE.zone, alpha=1 - ONE.confidence)
    rates = []
    for score in (0.5, 1.0, 0.0):
        plain.add(score)
        rates.append(plain.mean)
    assert [step.win_rate for step in evidence.steps] == rates
    assert evidence.steps[-1].switch == plain.log_switch / math.log(10)
    assert (evidence.steps[-1].low, evidence.steps[-1].high) == plain.bounds()


def test_a_cluster_waits_for_its_last_item() -> None:
    evidence = weigh([SWITCH, SWITCH], ["a", "a", "a"], range(2))
    assert evidence.decision is None
    evidence.add(3, STAY)
    assert [step.win_rate for step in evidence.steps] == [2 / 3]


def test_the_answer_stands_once_it_is_there() -> None:
    """Answers that were under way when it fell come too late to change it."""
    evidence = weigh([SWITCH] * 40, [str(n) for n in range(400)], range(40))
    assert evidence.word == "switch"
    steps = len(evidence.steps)
    assert steps < 20
    for number in range(41, 401):
        evidence.add(number, STAY)
    assert evidence.decision is not None
    assert (evidence.decision.word, evidence.decision.more_items, len(evidence.steps)) == ("switch", None, steps)


def test_items_still_needed_count_those_that_will_not_be_judged() -> None:
    """Half of the items fail, so twice as many are needed."""
    scores = [SWITCH, SWITCH, STAY, SWITCH]
    whole = weigh(scores, [str(n) for n in range(8)], range(4))
    halved = weigh([one for score in scores for one in (score, Settled("failed"))], [str(n) for n in range(8)], range(8))
    assert whole.decision is not None
    assert halved.decision is not None
    assert whole.decision.more_items is not None
    assert halved.decision.more_items == 2 * whole.decision.more_items
