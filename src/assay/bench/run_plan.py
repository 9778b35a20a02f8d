"""What a run will ask, fixed before it begins: which questions how often, of which deployment, sampled how, at which prices."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from assay.bench.spec import Spec
from assay.bench.task import Sample, Task
from assay.core import Deployment, InvalidInput, Price

Find = Callable[[str], Deployment]
"""The deployment under a name or an alias. Raises `NotFound`, or `Unavailable` where its provider has no key."""

SHARD = 16
"""Samples that are leased together."""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part. ``judge`` and ``baseline`` are None where the task needs none."""

    model: Deployment
    judge: Deployment | None = None
    baseline: Deployment | None = None

    @property
    def all(self) -> tuple[Deployment, ...]:
        """Everyone who may have to be paid."""
        return tuple(one for one in (self.model, self.judge, self.baseline) if one is not None)


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``questions`` are asked ``epochs`` times each: the samples, numbered from 0, the first time of all questions first.

    ``model``, ``judge`` and ``baseline`` are deployments' ids, ``prices`` those that are known. ``recipe`` is what decides the
    number, its hash in `Run`. ``layers`` are those of the sandbox that were active where the task runs code, ``missing`` the others.
    """

    task: str
    version: int
    title: str
    gated: bool
    model: str
    questions: int
    epochs: int
    shard: int
    prices: dict[str, Price]
    recipe: dict[str, Any]
    judge: str | None = None
    baseline: str | None = None
    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        """How many there are in all."""
        return self.questions * self.epochs


def cast_of(spec: Spec, task: Task, find: Find) -> Cast:
    """Who takes part in a run.

    Raises:
        NotFound, Unavailable: someone cannot be called.
        InvalidInput: ``bench.no_judge``, ``bench.no_price``, ``bench.currency``.
    """
    if task.needs_judge and spec.judge is None:
        raise InvalidInput(
            "bench.no_judge", f"Answers of {task.id} are scored by a model.", hint="Name one with --judge.", param="judge"
        )
    judge = find(spec.judge) if spec.judge is not None and task.needs_judge else None
    baseline = find(spec.baseline) if spec.baseline is not None and task.needs_judge else None
    cast = Cast(model=find(spec.model), judge=judge, baseline=baseline)
    check_budget(spec, cast)
    return cast


def check_budget(spec: Spec, cast: Cast) -> None:
    """A budget is a promise: it can only be kept where every price is known, in its currency.

    Raises:
        InvalidInput: ``bench.no_price``, ``bench.currency``.
    """
    if spec.budget is None:
        return
    for one in cast.all:
        if one.price is None:
            raise InvalidInput(
                "bench.no_price",
                f"No price is known for {one.id}, so a budget of {spec.budget} could not be kept.",
                hint="Add the price to the provider's row, or leave the budget out and bound the run by its limit.",
                param="budget",
            )
        if one.price.currency != spec.budget.currency:
            raise InvalidInput(
                "bench.currency",
                f"The budget is in {spec.budget.currency}, and {one.id} is billed in {one.price.currency}.",
                hint=f"State the budget in {one.price.currency}.",
                param="budget",
            )


def draw(samples: Sequence[Sample], limit: int | None, seed: int) -> list[Sample]:
    """``limit`` of the questions by lot, the same for the same ``seed``, in the order of the data."""
    if limit is None or limit >= len(samples):
        return list(samples)
    drawn = random.Random(seed).sample(range(len(samples)), limit)  # noqa: S311 - can be repeated, and is no secret
    return [samples[at] for at in sorted(drawn)]
