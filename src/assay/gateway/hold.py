"""That something was set aside for a request."""

from __future__ import annotations

from typing import Protocol


class Hold(Protocol):
    """What was set aside of budgets and limits for one request. `Ledger.reserve` makes it."""

    def over(self) -> None:
        """Nothing runs for the request any longer. What it used is told when its last call is settled."""
        ...
