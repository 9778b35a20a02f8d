"""Which two models meet, and on which side each stands.

The rule is a mixture, so that no pair is ever impossible: with probability `UNIFORM` any pair of models alike, otherwise a
pair with weight 1 / (1 + its votes), which brings forward the pairs that have been judged least. Each model is then
represented by one of its deployments, all alike. The probability of what was drawn, the propensity, goes into the verdict:
a rating can weigh by it exactly instead of guessing. A fair coin decides the sides and is not part of the propensity.

Every choice comes from the operating system's random source, so that nobody can foretell a battle.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

import msgspec

from assay.core import Deployment, Unavailable

RULE = "uniform30-undervoted70/1"
UNIFORM = 0.3

Pair = tuple[str, str]
Votes = Mapping[Pair, int]
"""Votes so far on each pair of models, the names in alphabetical order."""

_random = secrets.SystemRandom()


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """Two deployments of different models, in no order, and how likely ``rule`` was to bring just these two together."""

    pair: tuple[Deployment, Deployment]
    propensity: float
    rule: str = RULE


def draw_pair(deployments: Iterable[Deployment], votes: Votes, uniform: Callable[[], float] = _random.random) -> Draw:
    """Draw two deployments of different models. ``uniform`` gives numbers in [0, 1).

    Raises:
        Unavailable: ``arena.too_few_models``, when fewer than two models can be called.
    """
    models = _by_model(deployments)
    chances = pair_chances(models, votes)
    first, second = _pick(list(chances.items()), uniform())
    left = models[first][int(uniform() * len(models[first]))]
    right = models[second][int(uniform() * len(models[second]))]
    return Draw(pair=(left, right), propensity=chances[first, second] / (len(models[first]) * len(models[second])))


def pair_chances(models: Iterable[str], votes: Votes) -> dict[Pair, float]:
    """The probability of each pair of ``models``; they sum to one."""
    pairs = list(combinations(sorted(set(models)), 2))
    if not pairs:
        raise Unavailable(
            "arena.too_few_models",
            "A battle needs two different models that can be called, and there are fewer.",
            hint="Add a provider key on the Providers page, or start with `--demo` for the practice contestants.",
        )
    weights = [1 / (1 + votes.get(pair, 0)) for pair in pairs]
    total = sum(weights)
    return {pair: UNIFORM / len(pairs) + (1 - UNIFORM) * weight / total for pair, weight in zip(pairs, weights, strict=True)}


def draw_sides(pair: tuple[Deployment, Deployment]) -> tuple[Deployment, Deployment]:
    """The same two as side a and side b, by a fair coin."""
    return pair if _random.getrandbits(1) else (pair[1], pair[0])


def _by_model(deployments: Iterable[Deployment]) -> dict[str, list[Deployment]]:
    models: dict[str, list[Deployment]] = {}
    for deployment in sorted(deployments, key=lambda one: one.id):
        models.setdefault(deployment.model, []).append(deployment)
    return models


def _pick(chances: Sequence[tuple[Pair, float]], point: float) -> Pair:
    for pair, chance in chances:
        point -= chance
        if point < 0:
            return pair
    return chances[-1][0]
