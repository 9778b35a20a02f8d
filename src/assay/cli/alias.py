"""``assay alias``: names that clients may ask for, and who answers to them."""

import re
from typing import Any
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.on import read_span
from assay.cli.options import as_json, configured
from assay.cli.output import emit, table
from assay.cli.remote import any_server
from assay.core import InvalidInput

_WEIGHED = re.compile(r"(.+)=([0-9]+(?:\.[0-9]+)?)")
_COLUMNS = {"name": "name", "targets": "asked in this order", "retries": "retries", "cache_s": "cache s", "origin": "origin"}


@click.group()
def alias() -> None:
    """Names that clients may ask for: list, set, remove."""


@alias.command("list")
@as_json
@configured()
async def list_aliases(configured: Configured, as_json: bool) -> None:
    """List the aliases, and how those are who answer to them."""
    async with any_server(configured.settings) as server:
        aliases = (await server.get("/api/v1/aliases"))["aliases"]
    emit(aliases, as_json, table([row | {"targets": _in_words(row["targets"])} for row in aliases], _COLUMNS))


@alias.command("set")
@click.argument("name")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--retries", type=click.IntRange(0, 10), default=0, show_default=True, help="How often a target is asked again.")
@click.option("--cache", metavar="SPAN", help="For how long an answer may be given again to the very same request: 10m, 24h.")
@as_json
@configured()
async def set_alias(
    configured: Configured, name: str, targets: tuple[str, ...], retries: int, cache: str | None, as_json: bool
) -> None:
    """Let NAME stand for the deployments TARGET..., the next for where the one before cannot answer.

    Several with commas between them share the requests, each by its weight: openai/gpt-5=3,azure/gpt-5=1.
    """
    wanted = [
        {"deployment": deployment, "weight": weight, "priority": priority}
        for priority, group in enumerate(targets)
        for deployment, weight in map(_read_target, group.split(","))
    ]
    body = {"targets": wanted, "retries": retries, "cache_s": 0 if cache is None else _read_cache(cache)}
    async with any_server(configured.settings) as server:
        row = await server.put(_path(name), body)
    emit(row, as_json, f"{name}: {_in_words(row['targets'])}")


@alias.command()
@click.argument("name")
@as_json
@configured()
async def remove(configured: Configured, name: str, as_json: bool) -> None:
    """Let NAME stand for nothing."""
    async with any_server(configured.settings) as server:
        await server.delete(_path(name))
    emit({"removed": name}, as_json, f"Removed {name}.")


def _read_target(said: str) -> tuple[str, float]:
    found = _WEIGHED.fullmatch(said.strip())
    return (found[1], float(found[2])) if found is not None else (said.strip(), 1.0)


def _read_cache(said: str) -> int:
    span = read_span(said)
    if span is None:
        raise InvalidInput("alias.cache", f"{said!r} is no span of time.", hint="Write 10m, 24h or 7d.")
    return round(span)


def _in_words(targets: list[dict[str, Any]]) -> str:
    """As `set_alias` takes them, with what is to be known of those that are not well."""
    groups: dict[int, list[str]] = {}
    for target in targets:
        weight = "" if target["weight"] == 1 else f"={target['weight']:g}"
        state = "" if target["state"] == "ok" else f" ({target['state'].replace('_', ' ')})"
        groups.setdefault(target["priority"], []).append(f"{target['deployment']}{weight}{state}")
    return " then ".join(",".join(groups[priority]) for priority in sorted(groups))


def _path(name: str) -> str:
    return f"/api/v1/aliases/{quote(name, safe='')}"
