"""Identifiers and clocks, in the one form that every table uses.

Ids are UUIDv7 (RFC 9562, section 5.7) as text, so that they sort by the time they were made. Times are microseconds since
1970 in UTC; durations are never differences of these but of the monotonic clock.
"""

import os
import time
from datetime import UTC, datetime


def new_id() -> str:
    """A fresh UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now_us() -> int:
    """The wall clock, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def iso(at_us: int) -> str:
    """``at_us`` as people and machines both read it: ``2026-11-22T09:30:00.000000Z``."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
