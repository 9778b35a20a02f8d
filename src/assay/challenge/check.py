"""Whether a challenge can be run as it was asked for, found out before anything is paid for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

import msgspec

from assay.challenge.item import Item
from assay.challenge.spec import HUMAN, PROGRAM, Spec
from assay.core import Deployment, Forbidden, InvalidInput

Find = Callable[[str], Deployment]
"""The deployment under a name or an alias. Raises `NotFound`, or `Unavailable` where its provider has no key."""

LOCAL = "local"
"""The session of commands on this machine."""
_NAMED = 5


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part. ``judges`` are models."""

    challenger: Deployment
    incumbent: Deployment
    judges: tuple[Deployment, ...]


def check_spec(spec: Spec, session: str, find: Find) -> Cast:
    """Who takes part.

    Raises:
        NotFound, Unavailable: a contestant or a judge cannot be called.
        InvalidInput: ``challenge.same_model``, ``challenge.bad_judges``, ``challenge.no_price``, ``challenge.currency``.
        Forbidden: ``challenge.rerun_local_only``.
    """
    challenger, incumbent = find(spec.challenger), find(spec.incumbent)
    if challenger.id == incumbent.id:
        raise InvalidInput(
            "challenge.same_model",
            f"{spec.challenger!r} and {spec.incumbent!r} are both {challenger.id!r}.",
            hint="Name two different models.",
            param="incumbent",
        )
    judges = tuple(find(name) for name in _models(spec))
    if len({judge.id for judge in judges}) < len(judges):
        raise _bad_judges(spec, "names a model twice")
    check_budget(spec, (challenger, incumbent, *judges))
    _check_rerun(spec, session)
    return Cast(challenger=challenger, incumbent=incumbent, judges=judges)


def check_items(spec: Spec, items: Sequence[Item]) -> None:
    """Whether there is something to ask, and something to judge it by.

    Raises:
        InvalidInput: ``challenge.no_items``, ``challenge.no_checks``.
    """
    if not items:
        raise InvalidInput(
            "challenge.no_items", "There is nothing to ask.", hint="Bring other work, or ask for less of it.", param="source"
        )
    if spec.judges[0] != PROGRAM or spec.checks:
        return
    bare = [item.origin or f"item {number}" for number, item in enumerate(items, 1) if not item.checks]
    if bare:
        more = f" and {len(bare) - _NAMED} more" if len(bare) > _NAMED else ""
        raise InvalidInput(
            "challenge.no_checks",
            f"A program judges by checks, and these items have none: {', '.join(bare[:_NAMED])}{more}.",
            hint="Give each item its checks, or add checks for all of them.",
            param="checks",
        )


def _models(spec: Spec) -> tuple[str, ...]:
    special = [name for name in spec.judges if name in (HUMAN, PROGRAM)]
    if special and len(spec.judges) > 1:
        raise _bad_judges(spec, f"mixes {special[0]!r} with others")
    return () if special else spec.judges


def _bad_judges(spec: Spec, fault: str) -> InvalidInput:
    return InvalidInput(
        "challenge.bad_judges",
        f"The list of judges {', '.join(spec.judges)!r} {fault}.",
        hint="Name `human`, or `program`, or one or more different models.",
        param="judges",
    )


def check_budget(spec: Spec, callable_: Sequence[Deployment]) -> None:
    """A budget is a promise: it can only be kept where every price is known, in its currency.

    Raises:
        InvalidInput: ``challenge.no_price``, ``challenge.currency``.
    """
    if spec.budget is None:
        return
    if unpriced := [one.id for one in callable_ if one.price is None]:
        raise InvalidInput(
            "challenge.no_price",
            f"No price is known for {', '.join(unpriced)}, so a budget of {spec.budget} could not be kept.",
            hint="Add the price to the provider's row, or leave the budget out and bound the run by its limit.",
            param="budget",
        )
    for one in callable_:
        if one.price is not None and one.price.currency != spec.budget.currency:
            raise InvalidInput(
                "challenge.currency",
                f"The budget is in {spec.budget.currency}, and {one.id} is billed in {one.price.currency}.",
                hint=f"State the budget in {one.price.currency}.",
                param="budget",
            )


def _check_rerun(spec: Spec, session: str) -> None:
    """Commands run with the rights of this server: only who sits at it may name them."""
    if not spec.rerun:
        return
    if session != LOCAL:
        raise Forbidden(
            "challenge.rerun_local_only",
            "Tools can be run again only where the challenge was begun on the server's own machine.",
            hint="Begin it there with `assay challenge`, or leave `rerun` out: such items then end as diverged.",
        )
    for tool, command in spec.rerun.items():
        if not command or shutil.which(command[0]) is None:
            raise InvalidInput(
                "challenge.no_command",
                f"The command for the tool {tool!r}, {' '.join(command) or 'empty'!r}, cannot be run here.",
                hint="Name a program that is there and executable.",
                param="rerun",
            )
