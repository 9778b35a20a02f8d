"""The windows of budgets: hours, days, weeks and months of the calendar, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.core.holder import Per

FOREVER = 1 << 62
"""When a window ends that never does; more microseconds than any clock will show."""

_SECOND_US = 1_000_000
_HOUR_US = 3600 * _SECOND_US
_DAY_US = 24 * _HOUR_US
_WEEK_US = 7 * _DAY_US
_MONDAY_US = 4 * _DAY_US
"""1970-01-05; the first of January was a Thursday."""


def window_of(per: Per, at_us: int) -> tuple[int, int]:
    """The window that ``at_us`` lies in: its first microsecond, and the first one after it."""
    match per:
        case "hour":
            starts = at_us - at_us % _HOUR_US
            return starts, starts + _HOUR_US
        case "day":
            starts = at_us - at_us % _DAY_US
            return starts, starts + _DAY_US
        case "week":
            starts = at_us - (at_us - _MONDAY_US) % _WEEK_US
            return starts, starts + _WEEK_US
        case "month":
            first = datetime.fromtimestamp(at_us / _SECOND_US, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            following = (first + timedelta(days=32)).replace(day=1)
            return int(first.timestamp()) * _SECOND_US, int(following.timestamp()) * _SECOND_US
        case "total":
            return 0, FOREVER
