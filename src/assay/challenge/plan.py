"""What is fixed when a challenge begins: which items, in which order, between whom, and what it may come to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import msgspec

from assay import __version__
from assay.challenge.item import Item
from assay.challenge.spec import HUMAN, PROGRAM, Spec
from assay.challenge.work import BadLine
from assay.core import Deployment, Money, Usage, canonical, content_hash
from assay.judge import DEFAULT_RUBRIC, Rubric

BYTES_PER_TOKEN = 4
"""Of English text and JSON, roughly; used for estimates only, never for the budget."""
ANSWER_TOKENS = 400
JUDGMENT_TOKENS = 150
_SEED_BITS = 32


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Items as they came from their source; what could not be read of it; and what else is to be said of it."""

    items: tuple[Item, ...]
    bad: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that was decided before the first question.

    ``judges`` are models; there are none where people or programs judge. ``estimate`` is a rough guess at what asking and
    judging all items costs, None where a price is not known. Hashes are SHA-256 in hex.
    """

    seed: int
    version: str
    challenger: Deployment
    incumbent: Deployment
    judges: tuple[Deployment, ...]
    items: int
    clusters: int
    categories: dict[str, int]
    notes: tuple[str, ...]
    bad: tuple[BadLine, ...]
    estimate: Money | None
    items_hash: str
    rubric_hash: str | None


def draw_seed() -> int:
    """A seed for who names none."""
    return random.SystemRandom().getrandbits(_SEED_BITS)


def make_plan(
    spec: Spec, gathered: Gathered, challenger: Deployment, incumbent: Deployment, judges: Sequence[Deployment]
) -> tuple[Plan, list[Item]]:
    """The plan, and its items in the order in which they count."""
    seed = draw_seed() if spec.seed is None else spec.seed
    single, repeated = _without_repeats(gathered.items)
    items = draw_order(single, seed, spec.limit)
    notes = [*gathered.notes]
    if repeated:
        notes.append(f"{repeated} items ask the same as another and are asked once.")
    if len(items) < len(single):
        notes.append(f"{len(items)} of {len(single)} items are drawn.")
    plan = Plan(
        seed=seed,
        version=__version__,
        challenger=challenger,
        incumbent=incumbent,
        judges=tuple(judges),
        items=len(items),
        clusters=len(set(clusters_of(items))),
        categories=dict(Counter(item.category for item in items)),
        notes=tuple(notes),
        bad=gathered.bad,
        estimate=_estimate(items, challenger, incumbent, judges),
        items_hash=content_hash(tuple(item.id for item in items)),
        rubric_hash=None if spec.judges[0] in (HUMAN, PROGRAM) else rubric_of(spec).hash,
    )
    return plan, items


def draw_order(items: Sequence[Item], seed: int, limit: int) -> list[Item]:
    """Clusters in random order, the items of each together and as they came; the first ``limit`` items of that."""
    clusters: dict[str, list[Item]] = {}
    for key, item in zip(clusters_of(items), items, strict=True):
        clusters.setdefault(key, []).append(item)
    keys = list(clusters)
    random.Random(seed).shuffle(keys)  # noqa: S311 - an order that can be repeated, no secret
    return [item for key in keys for item in clusters[key]][:limit]


def clusters_of(items: Sequence[Item]) -> list[str]:
    """The cluster of each item; one that names none is its own."""
    return [f"c {item.cluster}" if item.cluster else f"i {index}" for index, item in enumerate(items)]


def rubric_of(spec: Spec) -> Rubric:
    """What judges that are models are told to weigh."""
    return DEFAULT_RUBRIC if spec.rubric is None else Rubric(spec.rubric)


def _without_repeats(items: Sequence[Item]) -> tuple[list[Item], int]:
    """An item that is asked twice would count as two observations, and is one."""
    single = {item.id: item for item in reversed(items)}
    return list(reversed(single.values())), len(items) - len(single)


def _estimate(items: Sequence[Item], challenger: Deployment, incumbent: Deployment, judges: Sequence[Deployment]) -> Money | None:
    asked = sum(len(canonical(item.request)) // BYTES_PER_TOKEN * (1 + len(item.recorded)) for item in items)
    answered = sum(ANSWER_TOKENS * (1 + len(item.recorded)) for item in items)
    contestant = Usage(input=asked, output=answered)
    judge = Usage(input=2 * (asked + 2 * answered), output=2 * JUDGMENT_TOKENS * len(items))
    parts = [(challenger, contestant), (incumbent, contestant), *((one, judge) for one in judges)]
    costs = [one.price.cost(usage) for one, usage in parts if one.price is not None]
    if len(costs) < len(parts) or len({cost.currency for cost in costs}) != 1:
        return None
    return sum(costs[1:], costs[0])
