"""The words with which a request is refused: whose bound it meets, how much of how much is used, when that ends, what to do."""

from __future__ import annotations

import math

from assay.core import AssayError, Deployment, Forbidden, Holder, Measure, Money, RateLimited, Spent, Unavailable
from assay.gateway.limits.wallet import Wallet

_WAYS = {
    "key": "Whoever made the key can raise it",
    "user": "An admin can raise it on the Users page",
    "team": "An admin can raise it on the Teams page",
    "provider": "An admin can raise it on the Providers page",
}
_SOON_S = 1


def spent(wallet: Wallet, need: int) -> AssayError:
    """A budget does not hold what a request may need; or a limit of places at a time is full."""
    budget = wallet.budget
    if budget is None:
        return full(wallet)
    free = max(0, wallet.amount - wallet.used)
    if free <= 0:
        left = "all of it is used"
    elif budget.measure == "requests":
        left = f"{wallet.used} are used, and the others run now"
    else:
        left = f"{_amount(wallet, wallet.used)} are used, and this request may need up to {_amount(wallet, need)}"
        if need <= free:
            left += ", of which requests that run now may use a part"
    per = "in all" if budget.per == "total" else f"per {budget.per}"
    ends = f"It begins anew at {wallet.resets}." if wallet.resets else "It does not begin anew."
    smaller = "" if budget.measure == "requests" or free <= 0 else " A smaller max_tokens needs less."
    return Spent(
        "budget.spent",
        f"The budget of {name_of(wallet.holder)} is {_amount(wallet, wallet.amount)} {per}: {left}.",
        hint=f"{ends} An admin can raise it on the Budgets page or with 'assay budget'.{smaller}",
    )


def full(wallet: Wallet) -> AssayError:
    """As many requests run as may."""
    message = f"{_begin(wallet.holder)} may have {wallet.amount} requests at a time, and so many run."
    hint = f"Try again when one has ended. {_WAYS[wallet.holder.kind]}."
    if wallet.holder.kind == "provider":
        return Unavailable("provider.busy", message, hint=hint, retry_after_s=_SOON_S)
    return RateLimited("limit.concurrent", message, hint=hint, retry_after_s=_SOON_S)


def too_fast(holder: Holder, measure: Measure, limit: int, need: int, wait_s: float | None) -> AssayError:
    """More requests or tokens in a minute than may be. ``wait_s`` is None where waiting does not help."""
    if wait_s is None:
        message = f"{_begin(holder)} may use {limit} {measure} per minute, and this request alone may need {need}."
        hint = f"Waiting does not help; {'a smaller max_tokens or a shorter prompt does. ' if measure == 'tokens' else ''}{_WAYS[holder.kind]}."
    else:
        message = f"{_begin(holder)} may use {limit} {measure} per minute, and has."
        hint = f"Try again in {max(1, math.ceil(wait_s))} s. {_WAYS[holder.kind]}."
    if holder.kind == "provider":
        return Unavailable("provider.busy", message, hint=hint, retry_after_s=wait_s)
    return RateLimited(f"limit.{measure}", message, hint=hint, retry_after_s=wait_s)


def unpriced(wallet: Wallet, deployment: Deployment) -> AssayError:
    """A budget of money cannot count what has no price."""
    return Forbidden(
        "budget.unpriced",
        f"No price is known of the model {deployment.id!r}, and {name_of(wallet.holder)} has a budget of money.",
        hint='Set its price in a [providers] table of assay.toml, ask another model, or set unpriced = "allow" to ask it uncounted.',
    )


def no_rate(wallet: Wallet, deployment: Deployment, currency: str) -> AssayError:
    """A budget of money in another currency than the price, and nothing to convert by."""
    budget = wallet.budget
    assert budget is not None, "places have no currency"
    return Forbidden(
        "budget.no_rate",
        f"The model {deployment.id!r} is paid in {currency}, and the budget of {name_of(wallet.holder)} is in {budget.currency}.",
        hint=f"Add [rates.{currency if currency != 'USD' else budget.currency}] with in_usd, date and source to assay.toml.",
    )


def no_answer() -> AssayError:
    """The database does not say how much there is."""
    return Unavailable(
        "store.unavailable",
        "The database does not answer, and what this process held of the budgets and limits is used up.",
        hint="It goes on by itself when the database is back.",
        retry_after_s=1,
    )


def name_of(holder: Holder) -> str:
    """A holder in a sentence."""
    return f"the {holder.kind} {holder.name or holder.id!r}"


def _begin(holder: Holder) -> str:
    name = name_of(holder)
    return name[0].upper() + name[1:]


def _amount(wallet: Wallet, amount: int) -> str:
    budget = wallet.budget
    if budget is None or budget.measure != "money":
        return f"{amount} {'requests' if budget is None else budget.measure}"
    return str(Money(amount, budget.currency))
