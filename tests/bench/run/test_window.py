"""As many calls at once as an endpoint takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from assay.bench.window import Window, Windows
from assay.core import CallFailed
from tests.bench.run.quiz import refusal

pytestmark = pytest.mark.anyio


class Endpoint:
    """Takes ``room`` calls at once, and refuses the rest with 429."""

    def __init__(self, room: int):
        self.room = room
        self.open = 0
        self.refused = 0
        self.most = 0

    async def call(self) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(0)
            if self.open > self.room:
                self.refused += 1
                raise refusal(429)
            await asyncio.sleep(0.001)
        finally:
            self.open -= 1


async def asked(window: Window, call: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with window.place():
            await call()
    except CallFailed:
        return False
    return True


async def test_it_begins_with_as_many_as_the_run_allows_and_never_has_more() -> None:
    window, endpoint = Window(), Endpoint(1000)
    with window.join(7):
        assert all(await asyncio.gather(*(asked(window, endpoint.call) for _ in range(100))))
    assert endpoint.most == 7


async def test_it_settles_around_what_the_endpoint_takes() -> None:
    window, endpoint = Window(), Endpoint(8)
    with window.join(64):
        for _ in range(40):
            await asyncio.gather(*(asked(window, endpoint.call) for _ in range(32)))
        endpoint.refused = 0
        limits = []
        for _ in range(20):
            await asyncio.gather(*(asked(window, endpoint.call) for _ in range(32)))
            limits.append(window.limit)
    assert min(limits) >= 3
    assert max(limits) <= 10
    assert endpoint.refused < 20 * 32 / 10


async def test_one_burst_of_refusals_halves_it_once() -> None:
    window = Window()
    refuse = asyncio.Event()

    async def call() -> None:
        await refuse.wait()
        raise refusal(429)

    with window.join(32):
        calls = [asyncio.create_task(asked(window, call)) for _ in range(32)]
        for _ in range(3):
            await asyncio.sleep(0)
        assert window.under_way == 32
        refuse.set()
        await asyncio.gather(*calls)
        assert window.limit == 16


async def test_nothing_is_begun_before_the_endpoint_wants_to_be_asked_again() -> None:
    window, loop = Window(), asyncio.get_running_loop()

    async def refuse() -> None:
        raise refusal(429, retry_after_s=0.2)

    async def fine() -> None:
        pass

    with window.join(4):
        await asked(window, refuse)
        began = loop.time()
        assert await asked(window, fine)
        assert loop.time() - began >= 0.19


async def test_runs_of_one_process_share_a_window() -> None:
    windows, endpoint = Windows(), Endpoint(1000)
    window = windows.of("stage/pupil")
    assert windows.of("stage/pupil") is window
    assert windows.of("stage/judge") is not window
    with window.join(3), window.join(5):
        await asyncio.gather(*(asked(window, endpoint.call) for _ in range(50)))
    assert endpoint.most == 5


async def test_whoever_goes_away_while_waiting_leaves_the_place_to_others() -> None:
    window, hold = Window(), asyncio.Event()

    async def wait() -> None:
        await hold.wait()

    with window.join(1):
        first = asyncio.create_task(asked(window, wait))
        second = asyncio.create_task(asked(window, wait))
        third = asyncio.create_task(asked(window, wait))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hold.set()
        second.cancel()
        assert await first
        assert await third
    assert window.under_way == 0
