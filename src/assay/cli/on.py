"""What ``--on`` and its like mean: a file, the gateway's traffic, a collection, a shipped example; moments in time, and spans of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.challenge.spec import Content, Example, Source, Traffic, Work
from assay.core import InvalidInput

_AGO = re.compile(r"(\d{1,6})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_source(
    on: str,
    *,
    key: str | None = None,
    alias: str | None = None,
    tag: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Source:
    """What ``on`` names. A file called ``traffic`` is written ``./traffic``.

    Raises:
        InvalidInput: ``challenge.no_such_work``, ``challenge.not_text``.
    """
    if on == "traffic":
        return Traffic(key=key, alias=alias, tag=tag, since=since, until=until)
    kind, colon, name = on.partition(":")
    if colon and kind == "work":
        return Work(name=name)
    if colon and kind == "example":
        return Example(name=name)
    path = Path(on)
    if not path.is_file():
        raise InvalidInput(
            "challenge.no_such_work",
            f"There is no file {on!r}.",
            hint="--on takes a FILE, `traffic`, `work:NAME` or `example:NAME`.",
            param="on",
        )
    try:
        return Content(name=path.name, text=path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput("challenge.not_text", f"The file {on!r} is not UTF-8 text: {error.reason}.", param="on") from error


def read_span(said: str) -> float | None:
    """Seconds of ``30m``, ``12h``, ``7d`` or ``2w``; None where it is none of these."""
    found = _AGO.fullmatch(said)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}).total_seconds() if found is not None else None


def read_moment(said: str) -> int:
    """Microseconds UTC of a date, a time, or so long ago (``30m``, ``12h``, ``7d``, ``2w``).

    Raises:
        InvalidInput: ``challenge.bad_time``.
    """
    if (ago_s := read_span(said)) is not None:
        moment = datetime.now(UTC) - timedelta(seconds=ago_s)
    else:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError as error:
            raise InvalidInput(
                "challenge.bad_time", f"{said!r} is no time.", hint="Write `7d`, `2026-11-01` or `2026-11-01T09:30+08:00`."
            ) from error
        if moment.tzinfo is None:
            moment = moment.astimezone()
    return round(moment.timestamp() * 1_000_000)
