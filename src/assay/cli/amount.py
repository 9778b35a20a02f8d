"""An amount of money as people write it on a command line."""

from __future__ import annotations

from assay.core import InvalidInput, Money


def read_budget(said: str) -> Money:
    """``5``, ``0.50`` (US dollars) or ``20 CNY``.

    Raises:
        InvalidInput: ``amount.invalid``, it is none of these.
    """
    amount, _, currency = said.strip().partition(" ")
    try:
        return Money.of(amount, currency.strip().upper() or "USD")
    except ArithmeticError as error:
        raise InvalidInput(
            "amount.invalid", f"{said!r} is not an amount of money.", hint="Write `5`, `0.50` or `20 CNY`.", param="budget"
        ) from error
