"""``assay provider``: who answers. A key is read from standard input, never from the command line, which others can see."""

from collections.abc import Coroutine
from typing import Any
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.exits import FAILED, OK, exit_code, explain
from assay.cli.holders import limited, limits_of
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.provider_key import key
from assay.cli.remote import any_server, error_of
from assay.cli.secret import read_secret
from assay.core import InvalidInput


@click.group()
def provider() -> None:
    """Who answers: list, add a key, test, verify."""


provider.add_command(key)


@provider.command("list")
@as_json
@configured()
async def list_providers(configured: Configured, as_json: bool) -> None:
    """List the providers, and where the key of each comes from."""
    async with any_server(configured.settings) as server:
        providers = (await server.get("/api/v1/providers"))["providers"]
    rows = [row | {"key": _key_in_words(row["key"])} for row in providers]
    emit(
        providers,
        as_json,
        table(rows, {"name": "name", "title": "title", "kind": "kind", "enabled": "enabled", "key": "key", "base_url": "address"}),
    )


@provider.command()
@click.argument("name")
@click.option("--base-url", help="Address of a provider that Assay does not know yet.")
@click.option(
    "--protocol",
    type=click.Choice(["openai_chat", "openai_responses", "anthropic", "gemini"]),
    default="openai_chat",
    show_default=True,
    help="What such a provider speaks.",
)
@click.option("--title", help="What people call it.")
@click.option("--no-key", is_flag=True, help="It needs no key.")
@as_json
@configured()
def add(
    configured: Configured,
    name: str,
    base_url: str | None,
    protocol: str,
    title: str | None,
    no_key: bool,
    as_json: bool,
) -> Coroutine[Any, Any, None]:
    """Add the key of provider NAME, read from standard input, to the vault; with --base-url, a new provider."""
    # Read before the event loop runs, which would keep Ctrl-C from a prompt.
    secret = None if no_key else read_secret(f"Key of {name}: ")
    return _add(configured, name, base_url, protocol, title, secret, as_json)


async def _add(
    configured: Configured, name: str, base_url: str | None, protocol: str, title: str | None, secret: str | None, as_json: bool
) -> None:
    async with any_server(configured.settings) as server:
        if base_url is not None:
            new = {"name": name, "title": title or name, "base_url": base_url, "protocol": protocol, "key": secret}
            row = await server.post("/api/v1/providers", new)
        elif secret is None:
            row = await server.post(f"{_path(name)}/enabled", {"enabled": True})
        else:
            row = await server.put(f"{_path(name)}/key", {"key": secret})
    emit(row, as_json, f"{row['title']}: {_key_in_words(row['key'])}")
    say(f"`assay provider test {name}` asks whether it works.")


@provider.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="PARAMETER=VALUE...")
@as_json
@configured()
async def set_values(configured: Configured, name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Fill in what provider NAME must know beside its key, such as region=eu-west-1; an empty value takes one away."""
    if unclear := [pair for pair in values if "=" not in pair]:
        raise InvalidInput(
            "provider.parameter", f"{unclear[0]!r} has no '='.", hint="Write PARAMETER=VALUE, such as region=eu-west-1."
        )
    given = dict(pair.split("=", 1) for pair in values)
    async with any_server(configured.settings) as server:
        row = await server.put(f"{_path(name)}/values", {"values": given})
    filled = ", ".join(f"{one['name']}={one['value']}" for one in row["parameters"] if one["value"] is not None)
    emit(row, as_json, f"{row['title']}: {filled or 'nothing is filled in'}")


@provider.command()
@click.argument("name")
@limited
@click.option("--none", "unlimited", is_flag=True, help="No limits, but for those given here.")
@as_json
@configured()
async def limit(configured: Configured, name: str, unlimited: bool, as_json: bool, **given: Any) -> None:
    """Bound how much provider NAME is asked at a time, by everybody together."""
    async with any_server(configured.settings) as server:
        rows = (await server.get("/api/v1/providers"))["providers"]
        before: dict[str, Any] = next((row["limits"] for row in rows if row["name"] == name), {})
        limits = limits_of(given, {} if unlimited else before).get("limits", {} if unlimited else before)
        row = await server.put(f"{_path(name)}/limits", limits)
    set_ones = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row["limits"].items() if value is not None)
    emit(row, as_json, f"{row['title']}: {set_ones or 'no limits'}")


@provider.command()
@click.argument("name")
@as_json
@configured()
async def test(configured: Configured, name: str, as_json: bool) -> int:
    """Ask provider NAME for its models: is it there, and does it take the key?"""
    async with any_server(configured.settings) as server:
        result = await server.post(f"{_path(name)}/test")
    return _report(name, result, as_json)


@provider.command()
@click.argument("name")
@click.option("--model", help="The model to ask; the provider's first otherwise.")
@as_json
@configured()
async def verify(configured: Configured, name: str, model: str | None, as_json: bool) -> int:
    """Ask provider NAME for real answers, a few tokens long: turns what is wire-true into live, or names what differs.

    Every protocol that the provider speaks is asked about a dozen questions; with a small model that is a fraction of a cent.
    """
    async with any_server(configured.settings) as server:
        result = await server.post(f"{_path(name)}/verify", {"model": model})
    checks = [check | {"ok": "pass" if check["ok"] else "differs"} for check in result["checks"]]
    emit(result, as_json, table(checks, {"protocol": "protocol", "name": "question", "ok": "outcome", "detail": "what came"}))
    failed = sum(not check["ok"] for check in result["checks"])
    say(
        f"{result['deployment']} is live."
        if result["ok"]
        else f"{result['deployment']} differs in {failed} of {len(checks)} points."
    )
    return OK if result["ok"] else FAILED


def _report(name: str, result: dict[str, Any], as_json: bool) -> int:
    if not result["ok"]:
        emit(result, as_json, "")
        error = error_of(result["error"]["status"], result["error"])
        explain(error)
        return exit_code(error)
    emit(result, as_json, "\n".join(result["models"]))
    say(f"{name} answers in {result['latency_ms']:.0f} ms with {len(result['models'])} models.")
    return OK


def _path(name: str) -> str:
    return f"/api/v1/providers/{quote(name, safe='')}"


def _key_in_words(key: dict[str, Any]) -> str:
    match key["source"]:
        case "vault":
            return f"{key['hint'] or 'kept'} (vault)"
        case "environment":
            return f"{key['hint'] or 'kept'} (environment)"
        case "none_needed":
            return "none needed"
        case _:
            return "missing"
