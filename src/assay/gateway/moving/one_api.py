"""one-api and new-api: channels become providers and the pools of their models, tokens become gateway keys that go on working.

Read are the JSON of their API (``/api/channel/``, ``/api/token/``, ``/api/user/``; it leaves the channels' keys out) and their
SQLite file. Sources, as of 2026-11-22: ``model/channel.go``, ``model/token.go`` and ``model/user.go`` of
https://github.com/songquanpeng/one-api and https://github.com/QuantumNous/new-api.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import msgspec

from assay.core import Alias, InvalidInput, Provider, Target
from assay.gateway.moving.channel_types import NEW_API, ONE_API, ChannelType
from assay.gateway.moving.plan import Draft, Plan, Site, host_of, own_network, plain_number
from assay.gateway.moving.table import Table
from assay.gateway.moving.tokens import read_token
from assay.store.vault import Secret

TABLES = ("channels", "tokens", "users")
_ENABLED = 1
_MARKS = {"channels": ("models", "base_url"), "tokens": ("remain_quota",), "users": ("username",)}
_OF_NEW_API = frozenset(("channel_info", "auto_ban", "tag", "setting", "param_override", "model_limits_enabled"))
_OF_ONE_API = frozenset(("config", "system_prompt", "subnet"))
_CALLED = {"one-api": "one-api", "new-api": "new-api"}


class Link(msgspec.Struct, kw_only=True):
    """A channel as it stands for one model: how it is drawn among those of the highest ``priority``."""

    site: Site
    model: str
    weight: float
    priority: float


def tables_of(value: Any) -> dict[str, list[dict[str, Any]]] | None:
    """The rows in a JSON export: an answer of the API, its list alone, or several under their tables' names; None where it is none."""
    if isinstance(value, Mapping) and not value.keys().isdisjoint(TABLES):
        return {name: _rows(value[name]) for name in TABLES if name in value}
    rows = _rows(value)
    found = next((name for name, marks in _MARKS.items() if rows and all(mark in rows[0] for mark in marks)), None)
    return None if found is None else {found: rows}


def _rows(value: Any) -> list[dict[str, Any]]:
    """one-api answers ``{"data": [...]}``, new-api ``{"data": {"items": [...]}}``."""
    for name in ("data", "items"):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def read_one_api(
    tables: Mapping[str, list[dict[str, Any]]], product: str | None, shipped: Mapping[str, Provider], today: date
) -> Plan:
    """What channels and tokens come to.

    Raises:
        InvalidInput: ``import.unknown_format``: no such tables; ``import.which``: it could be either one's.
    """
    if not any(tables.values()):
        raise InvalidInput("import.unknown_format", "It has no channels, tokens or users.", hint="Is it the right file?")
    product = product or _product(tables)
    draft = Draft(_CALLED.get(product, product), shipped, {})
    types = NEW_API if product == "new-api" else ONE_API
    links: dict[str, list[Link]] = {}
    for row in tables.get("channels", []):
        for asked, link in _read_channel(draft, Table(row, _called("channel", row)), types):
            links.setdefault(asked, []).append(link)
    draft.name_sites()
    draft.aliases |= {name: alias for name, found in links.items() if (alias := _pool(found)) != Alias.to(name)}
    users = {str(user.get("id")): user for user in tables.get("users", [])}
    now_s = datetime.combine(today, time(), UTC).timestamp()
    for row in tables.get("tokens", []):
        read_token(draft, Table(row, _called("token", row)), users, now_s)
    _note_users(draft, tables.get("users", []), {str(row.get("user_id")) for row in tables.get("tokens", [])})
    return draft.finish()


def _product(tables: Mapping[str, list[dict[str, Any]]]) -> Literal["one-api", "new-api"]:
    names = {name for rows in tables.values() for row in rows[:1] for name in row}
    if names & _OF_NEW_API:
        return "new-api"
    if names & _OF_ONE_API:
        return "one-api"
    raise InvalidInput(
        "import.which",
        "It could be one-api's or new-api's, and their numbers of channel types differ.",
        hint="Say which with --from one-api or --from new-api.",
    )


def _called(what: str, row: Mapping[str, Any]) -> str:
    return f"{what} {row.get('id', '?')} {str(row.get('name') or row.get('username') or '')[:60]!r}"


def _read_channel(draft: Draft, channel: Table, types: Mapping[int, ChannelType]) -> list[tuple[str, Link]]:
    number, status = int(channel.number("type") or 0), channel.number("status")
    models = [name.strip() for name in (channel.text("models") or "").split(",") if name.strip()]
    known = types.get(number)
    if status is not None and status != _ENABLED:
        draft.note("left_out", channel.at, "disabled there.", "Enable it there and import again, if it is wanted.")
        return []
    if known is None:
        draft.note(
            "left_out",
            channel.at,
            f"its type {number} speaks a protocol that Assay does not.",
            "docs/reference/providers.md lists the providers.",
        )
        return []
    site = _site(draft, channel, known)
    if site is None:
        return []
    mapping = _json(channel.text("model_mapping"))
    weight, priority = channel.number("weight") or 0.0, channel.number("priority") or 0.0
    draft.note("carried", channel.at, f"{known.title}: {len(models)} model{'' if len(models) == 1 else 's'}")
    _note_rest(draft, channel)
    return [(name, Link(site=site, model=_upstream(name, mapping, known), weight=weight, priority=priority)) for name in models]


def _upstream(asked: str, mapping: Mapping[str, Any], known: ChannelType) -> str:
    """What the provider calls the model. Both leave full stops out of the names of Azure's deployments."""
    model = str(mapping.get(asked, asked))
    return model.replace(".", "") if known.like == "azure-deployments" else model


def _site(draft: Draft, channel: Table, known: ChannelType) -> Site | None:
    base = (channel.text("base_url") or "").rstrip("/")
    config = _json(channel.text("config"))
    other = channel.text("other") or ""
    keys = _keys(channel)
    row: dict[str, Any] = {}
    if known.like == "azure-deployments":
        host = host_of(base)
        if not host:
            draft.note("left_out", channel.at, "has no address.")
            return None
        version = config.get("api_version") or other or _json(channel.text("settings")).get("azure_responses_version")
        row["values"] = {"resource": host.split(".")[0]} | (
            {"api_version": version} if isinstance(version, str) and version else {}
        )
        if not host.endswith(".openai.azure.com"):
            row["base_url"] = f"{base}{known.path}"
    elif known.like == "bedrock":
        row, keys = _bedrock(config, keys)
    elif known.like == "vertex":
        row, keys = _vertex(config, other, keys)
    elif known.like is None or (base and base + known.path != draft.shipped[known.like].base_url):
        address = _address(base, known) if base else known.base_url
        if address is None:
            draft.note("left_out", channel.at, f"{known.title} has no address.")
            return None
        if known.like is None or address != draft.shipped[known.like].base_url:
            row = {"base_url": address} | own_network(address)
    if not keys:
        draft.note(
            "left_out",
            f"{channel.at}.key",
            "not in what was read.",
            "The SQLite file has it; or seal it with `assay provider add`.",
        )
    else:
        draft.note("carried", f"{channel.at}.key", "in clear there: sealed in the vault, and in no file.")
    like = None if known.like == "openai" and "base_url" in row else known.like
    return draft.site(Site(like, row, (), keys))


def _address(base: str, known: ChannelType) -> str:
    return base if not known.path or base.endswith(known.path) else base + known.path


def _keys(channel: Table) -> tuple[Secret, ...]:
    """One a line; new-api also keeps several service accounts as a JSON list."""
    text = (channel.text("key") or "").strip()
    if text.startswith("["):
        try:
            several = json.loads(text)
        except ValueError:
            several = None
        if isinstance(several, list):
            return tuple(Secret(one if isinstance(one, str) else json.dumps(one)) for one in several)
    if text.startswith("{"):
        return (Secret(text),)
    return tuple(dict.fromkeys(Secret(line.strip()) for line in text.splitlines() if line.strip()))


def _bedrock(config: Mapping[str, Any], keys: tuple[Secret, ...]) -> tuple[dict[str, Any], tuple[Secret, ...]]:
    """one-api keeps ``ak`` and ``sk`` in ``config``; new-api has the key ``AK|SK|REGION``."""
    if config.get("ak") and config.get("sk"):
        keys = (Secret(f"{config['ak']}:{config['sk']}"),)
    region = config.get("region")
    found = []
    for key in keys:
        parts = key.reveal().split("|")
        found.append(Secret(":".join(parts[:2])) if len(parts) == 3 else key)
        region = region or (parts[2] if len(parts) == 3 else None)
    return ({"values": {"region": region}} if isinstance(region, str) else {}), tuple(found)


def _vertex(config: Mapping[str, Any], other: str, keys: tuple[Secret, ...]) -> tuple[dict[str, Any], tuple[Secret, ...]]:
    """one-api keeps project, region and credentials in ``config``; new-api has the service account as key and the region in ``other``."""
    if credentials := config.get("vertex_ai_adc"):
        keys = (Secret(str(credentials)),)
    account = _json(keys[0].reveal()) if keys else {}
    region = config.get("region") or _json(other).get("default") or (other if other and not other.startswith("{") else None)
    values = {"project": config.get("vertex_ai_project_id") or account.get("project_id"), "location": region}
    values = {name: value for name, value in values.items() if isinstance(value, str) and value}
    return ({"values": values} if values else {}), keys


def _pool(links: list[Link]) -> Alias:
    """Channels of a higher priority go first there; here those of a lower number do."""
    order = sorted({link.priority for link in links}, reverse=True)
    weighted = any(link.weight for link in links)
    targets: dict[tuple[str, int], Target] = {}
    for link in links:
        deployment, priority = f"{link.site.name}/{link.model}", order.index(link.priority)
        weight = (link.weight if weighted else 1.0) + (known.weight if (known := targets.get((deployment, priority))) else 0.0)
        targets[deployment, priority] = Target(deployment=deployment, weight=plain_number(weight), priority=priority)
    return Alias(targets=tuple(targets.values()))


def _note_rest(draft: Draft, channel: Table) -> None:
    group = channel.text("group")
    if group and group != "default":
        draft.note(
            "approximated",
            f"{channel.at}.group",
            f"{group!r}; here every key may use it.",
            "Give keys the models that they may use.",
        )
    for name, said, way_out in _REST:
        if channel.take(name) not in (None, "", "{}", "[]", 0, {}):
            draft.note("left_out", f"{channel.at}.{name}", said, way_out)


_REST = (
    ("system_prompt", "Assay adds nothing to what clients say.", None),
    (
        "param_override",
        "Assay sends what the client asks for.",
        "Give the provider's row `fixed` fields: docs/guides/add-a-provider.md.",
    ),
    (
        "header_override",
        "may hold a secret, which no file should.",
        "Give the provider's row `headers`: docs/guides/add-a-provider.md.",
    ),
    ("status_code_mapping", "Assay passes on the provider's own answers.", None),
    ("openai_organization", "names an organization.", "Set OPENAI_ORG_ID, or fill it in on the Providers page."),
    ("setting", "holds settings of new-api's own, such as a proxy.", "Set HTTPS_PROXY, if it is one."),
)


def _note_users(draft: Draft, users: list[dict[str, Any]], owners: set[Any]) -> None:
    for user in users:
        whose = "; the keys that they own are named after them" if str(user.get("id")) in owners else ""
        draft.note(
            "left_out",
            _called("user", user),
            f"people sign in anew{whose}.",
            "Make accounts on the People page, or set up OIDC.",
        )


def _json(text: str | None) -> dict[str, Any]:
    """The object in a column that holds JSON as text; an empty one where it holds anything else."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
