"""One worker in this process."""

from __future__ import annotations

from collections.abc import Callable

from assay.bench.queries import Run
from assay.bench.worker import Means, Worker, gather


class LocalExecutor:
    """``owner`` is the server or command that this process is."""

    def __init__(self, means: Means, owner: str):
        self._means = means
        self._owner = owner

    def check(self) -> None:
        """Nothing is needed."""

    async def work(self, run: Run, changed: Callable[[], None]) -> None:
        """As `Executor.work`."""
        material = await gather(run, self._means.tasks)
        await Worker(self._means, run, material, self._owner, changed).work()
