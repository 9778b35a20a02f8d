"""What a process that shares a database knows of the others, and what is asked for together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.gateway.limits.meter import Meter

DEAD_S = 10.0
"""Whose beat stands still for so long is dead."""


class Answer(NamedTuple):
    """What the database had left of a meter after a round, what others hold of it, and when that was."""

    left: int
    others: int
    at_s: float


class Lease(NamedTuple):
    """What a process has leased of a meter."""

    process: str
    meter: str
    starts: int
    amount: int


class State(NamedTuple):
    """What is leased, whose beats there are, and what time it is by the clock of all who lease (microseconds)."""

    leases: list[Lease]
    beats: dict[str, int]
    clock_us: int


class Round:
    """What is asked for together: of each meter so much for each who waits, and for whom of them there is enough."""

    def __init__(self) -> None:
        self.needs: dict[Any, list[int]] = {}
        self.admitted: dict[Any, list[bool]] = {}
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Whoever waited may have left when it fails.
        self.done.add_done_callback(lambda done: done.exception())

    def ask(self, meter: Meter, need: int) -> int:
        """Wait for so much of a meter; whose turn it is."""
        needs = self.needs.setdefault(meter, [])
        needs.append(need)
        return len(needs) - 1

    def admit(self, meter: Meter, room: int) -> int:
        """Let in who fits into ``room``, in their order; how much they need."""
        wanted, admitted = 0, []
        for need in self.needs[meter]:
            admitted.append(wanted + need <= room)
            wanted += need if admitted[-1] else 0
        self.admitted[meter] = admitted
        return wanted


class Beats:
    """The beats of processes, and when each was last seen to change."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def note(self, beats: Mapping[str, int], now_s: float) -> list[str]:
        """Those that have stood still for too long."""
        self._seen = {
            process: known if (known := self._seen.get(process)) is not None and known[0] == beat else (beat, now_s)
            for process, beat in beats.items()
        }
        return [process for process, (_, since_s) in self._seen.items() if now_s - since_s > DEAD_S]


def is_denied(meter: Any, need: int, answer: Answer) -> bool:
    """Whether there is no more, whatever others give back. Of a rate, what others hold is not waited for."""
    return need > answer.left + answer.others
