"""Who works on a run: this process (`local`), or processes on the nodes of a cluster (`ray`).

An executor only brings workers; what they do, they lease from the database. So it does not matter how many there are, which of them
are lost, and whether others that nobody here knows of work on the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from assay.bench.queries import Run


class Executor(Protocol):
    """Brings workers to a run."""

    def check(self) -> None:
        """Raises InvalidInput, ``bench.no_executor``, where it cannot be used."""
        ...

    async def work(self, run: Run, changed: Callable[[], None]) -> None:
        """Until all of it is scored. ``changed`` is called after each thing that came of it.

        Raises:
            Halt, BudgetSpent: no worker can go on, and one might later. AssayError: none can begin.
        """
        ...
