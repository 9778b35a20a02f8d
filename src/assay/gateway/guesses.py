"""How often one network address may guess wrong at something secret: the admin's password, an account's, a gateway key."""

from __future__ import annotations

import ipaddress
import time
from collections import deque

PER_MINUTE = 10
WINDOW_S = 60.0
MOST_ADDRESSES = 10_000


class Guesses:
    """Wrong guesses of the last minute, by address (an IPv6 network of 64 bits counts as one: its owner has them all)."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self.per_minute = per_minute
        self._at: dict[str, deque[float]] = {}

    def wait_s(self, client: str) -> float:
        """Seconds until this client may guess again; 0 where it may now."""
        now = time.monotonic()
        times = self._at.get(_network(client))
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        return times[0] + WINDOW_S - now if times and len(times) >= self.per_minute else 0.0

    def count(self, client: str) -> None:
        """Note a wrong guess."""
        network = _network(client)
        times = self._at.pop(network, None) or deque(maxlen=self.per_minute)
        times.append(time.monotonic())
        self._at[network] = times
        if len(self._at) > MOST_ADDRESSES:
            del self._at[next(iter(self._at))]

    def forgive(self, client: str) -> None:
        """What was noted last was right after all."""
        times = self._at.get(_network(client))
        if times:
            times.pop()


def _network(client: str) -> str:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
