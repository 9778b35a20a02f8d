"""How often one network address may guess at the admin's password."""

import ipaddress
import time
from collections import deque

from assay.core import RateLimited

PER_MINUTE = 10
_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000


class Guesses:
    """Wrong guesses of the last minute, by address (an IPv6 network of 64 bits counts as one: its owner has them all)."""

    def __init__(self) -> None:
        self._at: dict[str, deque[float]] = {}

    def check(self, client: str) -> None:
        """Refuse a client that guessed wrong too often.

        Raises:
            RateLimited: ``login.too_many_tries``, with the seconds until the next try is free.
        """
        now = time.monotonic()
        times = self._at.get(_network(client))
        while times and times[0] <= now - _WINDOW_S:
            times.popleft()
        if times and len(times) >= PER_MINUTE:
            wait_s = times[0] + _WINDOW_S - now
            raise RateLimited(
                "login.too_many_tries",
                f"There were {PER_MINUTE} wrong passwords from your address within a minute.",
                hint=f"Wait {wait_s:.0f} s, or run `assay login` on the server's machine: a link always works.",
                retry_after_s=wait_s,
            )

    def count(self, client: str) -> None:
        """Note a wrong guess."""
        network = _network(client)
        times = self._at.pop(network, deque())
        times.append(time.monotonic())
        self._at[network] = times
        if len(self._at) > _MOST_ADDRESSES:
            del self._at[next(iter(self._at))]


def _network(client: str) -> str:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
