"""Identifiers and clocks, in the one form that every table uses.

Ids are UUIDv7 (RFC 9562, section 5.7) as text, so that they sort by the time they were made. Times are microseconds since
1970 in UTC; durations are never differences of these but of the monotonic clock.
"""

import os
import time
from datetime import UTC, datetime

_BYTES = 10
_random: list[bytes] = []
"""Random bytes for the next ids: asking the system for each id's own would cost more than the id. `pop` is atomic, so no two
threads take the same; a forked child begins anew."""

os.register_at_fork(after_in_child=_random.clear)


_TAIL = (1 << 74) - 1
_last = (0, 0)
"""Milliseconds and tail of the newest id. Threads that make two at the very same moment may make them in either order."""


def new_id() -> str:
    """A fresh UUIDv7: 48 bits of milliseconds, then 74 random bits; later than the ids that this process made before, also within a
    millisecond, and when the clock is set back (RFC 9562, section 6.2, method 2).
    """
    global _last
    try:
        random = int.from_bytes(_random.pop())
    except IndexError:
        fresh = os.urandom(_BYTES * 256)
        _random.extend([fresh[at : at + _BYTES] for at in range(_BYTES, len(fresh), _BYTES)])
        random = int.from_bytes(fresh[:_BYTES])
    millis, tail = time.time_ns() // 1_000_000, random & _TAIL
    before, last = _last
    if millis <= before:
        # A random step, since a thread or a forked child may begin from the same place.
        millis, tail = before, last + 1 + (random & 0xFFFF_FFFF)
        if tail > _TAIL:
            millis, tail = before + 1, random & _TAIL
    _last = millis, tail
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | tail >> 62 << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now_us() -> int:
    """The wall clock, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def iso(at_us: int) -> str:
    """``at_us`` as people and machines both read it: ``2026-11-22T09:30:00.000000Z``."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
