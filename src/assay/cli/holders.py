"""What commands about keys, users, teams and budgets have in common: how people name each of them, and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from assay.cli.on import read_span
from assay.cli.remote import Server
from assay.core import InvalidInput, NotFound

_C = TypeVar("_C", bound=Callable[..., Any])

_LIMITS = {
    "requests_per_minute": click.option("--requests-per-minute", type=click.IntRange(min=0), help="Requests in any 60 seconds."),
    "tokens_per_minute": click.option("--tokens-per-minute", type=click.IntRange(min=0), help="Tokens in any 60 seconds."),
    "concurrent": click.option("--concurrent", type=click.IntRange(min=0), help="Requests at once."),
}


def limited(command: _C) -> _C:
    """Give a command the options of limits, which `limits_of` reads."""
    for option in reversed(_LIMITS.values()):
        command = option(command)
    return command


def limits_of(given: Mapping[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The field ``limits`` of a body: the limits ``before`` with those that were ``given``; no field where none was."""
    said = {name: given[name] for name in _LIMITS if given[name] is not None}
    return {"limits": {name: value for name, value in ((before or {}) | said).items() if value is not None}} if said else {}


def given_of(**values: Any) -> dict[str, Any]:
    """The fields of a body that were given."""
    return {name: value for name, value in values.items() if value is not None}


async def find_user(server: Server, said: str) -> dict[str, Any]:
    """The account with that id, e-mail address or name.

    Raises:
        NotFound: ``user.not_found``. InvalidInput: ``holder.several``.
    """
    return _one("user", said, (await server.get("/api/v1/users"))["users"], ("id", "email", "name"))


async def find_team(server: Server, said: str) -> dict[str, Any]:
    """The team with that id or name.

    Raises:
        NotFound: ``team.not_found``.
    """
    return _one("team", said, (await server.get("/api/v1/teams"))["teams"], ("id", "name"))


async def find_key(server: Server, said: str) -> dict[str, Any]:
    """The gateway key with that id or name.

    Raises:
        NotFound: ``key.not_found``. InvalidInput: ``holder.several``.
    """
    return _one("key", said, (await server.get("/api/v1/keys"))["keys"], ("id", "name"))


async def owners_of(server: Server, user: str | None, team: str | None) -> dict[str, Any]:
    """The fields ``user`` and ``team`` of a body; an empty word takes one away."""
    owners: dict[str, Any] = {}
    if user is not None:
        owners["user"] = (await find_user(server, user))["id"] if user else None
    if team is not None:
        owners["team"] = (await find_team(server, team))["id"] if team else None
    return owners


def read_end(said: str) -> str | None:
    """When something ends, as the API takes it: a moment, or so long from now (``12h``, ``90d``); None for ``never``.

    Raises:
        InvalidInput: ``key.bad_expiry``.
    """
    if said == "never":
        return None
    span = read_span(said)
    try:
        moment = datetime.fromisoformat(said) if span is None else datetime.now(UTC) + timedelta(seconds=span)
    except ValueError as error:
        raise InvalidInput(
            "key.bad_expiry", f"{said!r} is no time.", hint="Write `90d`, `2027-01-31`, `2027-01-31T09:30+08:00` or `never`."
        ) from error
    return (moment if moment.tzinfo is not None else moment.astimezone()).isoformat()


def _one(kind: str, said: str, rows: list[dict[str, Any]], fields: tuple[str, ...]) -> dict[str, Any]:
    for field in fields:
        found = [row for row in rows if (row[field] or "").casefold() == said.casefold()]
        in_use = [row for row in found if not (row.get("revoked") or row.get("disabled") or row.get("archived"))] or found
        if len(in_use) == 1:
            return in_use[0]
        if in_use:
            ids = ", ".join(row["id"] for row in in_use[:5])
            raise InvalidInput("holder.several", f"{len(in_use)} go by {said!r}.", hint=f"Say which by its id: {ids}.")
    raise NotFound(f"{kind}.not_found", f"There is no {kind} {said!r}.", hint=f"`assay {kind} list` shows them all.")
