"""LiteLLM's ``config.yaml``: each entry of ``model_list`` is a deployment, entries of one ``model_name`` a weighted pool.

Sources, as of 2026-11-22: https://docs.litellm.ai/docs/proxy/configs, https://docs.litellm.ai/docs/proxy/config_settings,
https://docs.litellm.ai/docs/router/api_reference/configuration. `litellm_site` finds the provider of an entry, `litellm_settings`
reads everything beside the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from assay.core import Alias, Provider, Target
from assay.gateway.moving.documents import Document
from assay.gateway.moving.litellm_settings import Reliability, explain_left, read_settings
from assay.gateway.moving.litellm_site import Environment, SiteReader
from assay.gateway.moving.plan import Draft, Plan, Site, plain_number
from assay.gateway.moving.table import Table
from assay.store.vault import Secret

_MOST_RETRIES = 10
_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
}
_OF_NO_MATTER = ("id", "mode", "description", "litellm_provider", "db_model", "health_check_model")
_NO_CHAT = frozenset(("rerank", "completion", "moderation", "realtime", "ocr", "vector_store"))


class Entry(msgspec.Struct, kw_only=True):
    """One entry of ``model_list``: the name that clients ask for, and where it leads."""

    at: str
    group: str
    site: Site
    model: str
    id: str | None
    weights: dict[str, float]
    order: float | None

    @property
    def deployment(self) -> str:
        return f"{self.site.name}/{self.model}"


def read_litellm(document: Document, shipped: Mapping[str, Provider], environ: Mapping[str, str], today: date) -> Plan:
    """What the configuration comes to. ``environ`` is asked for what it takes from the environment and is no secret."""
    draft = Draft("LiteLLM", shipped, document.lines)
    root = Table(document.value, "")
    for place in document.twice:
        draft.note("approximated", place, "stands twice; LiteLLM takes the last one, and so does this.")
    given = _variables(root.table("environment_variables"))
    reader = SiteReader(draft, Environment(environ, given), _credentials(root))
    entries = [entry for found in _entries(root, draft, reader, today) if (entry := found) is not None]
    draft.name_sites()
    _note_variables(draft, given, reader)
    reliability = read_settings(draft, root, reader.environment)
    _note_entries(draft, entries)
    draft.aliases |= _aliases(draft, entries, reliability)
    explain_left(draft, root)
    return draft.finish()


def _variables(table: Table) -> dict[str, Secret]:
    return {name: Secret(str(value)) for name, value in table.left()}


def _credentials(root: Table) -> dict[str, Mapping[str, Any]]:
    found = {}
    for credential in root.list("credential_list"):
        table = Table(credential, "")
        if (name := table.text("credential_name")) is not None:
            found[name] = table.take("credential_values", Mapping) or {}
    return found


def _entries(root: Table, draft: Draft, reader: SiteReader, today: date) -> Iterable[Entry | None]:
    return [
        _entry(Table(value, f"model_list[{number}]"), draft, reader, today) for number, value in enumerate(root.list("model_list"))
    ]


def _entry(table: Table, draft: Draft, reader: SiteReader, today: date) -> Entry | None:
    group, params, info = table.text("model_name"), table.table("litellm_params"), table.table("model_info")
    if group is None or not params:
        draft.note("left_out", table.at, "has no model_name or no litellm_params.")
        return None
    weights = {name: number for name in ("weight", "rpm", "tpm") if (number := _first(name, params, table)) is not None}
    order = params.number("order")
    prices = _prices(params, info)
    found = reader.read(params)
    if found is None:
        return None
    site, model = found
    known = _known_model(model, prices, info, today)
    if len(known) > 1:
        site.models[model] = known
    if (mode := info.text("mode")) in _NO_CHAT:
        draft.note("approximated", info.place("mode"), f"{mode!r} is an operation that Assay does not pass on; chat with it works.")
    id_ = info.take("id")
    entry = Entry(at=table.at, group=group, site=site, model=model, id=str(id_) if id_ else None, weights=weights, order=order)
    for name in _OF_NO_MATTER:
        info.take(name)
    for part in (params, info, table):
        explain_left(draft, part)
    return entry


def _first(name: str, *tables: Table) -> float | None:
    """The number of that name in the first table that has it; older files have it beside ``litellm_params``."""
    numbers = [table.number(name) for table in tables]
    return next((number for number in numbers if number is not None and number >= 0), None)


def _prices(*tables: Table) -> dict[str, str]:
    """Prices for a million tokens, as text. LiteLLM writes them for one token."""
    found: dict[str, str] = {}
    for theirs, ours in _PRICES.items():
        for table in tables:
            if (number := table.number(theirs)) is not None:
                found.setdefault(ours, f"{Decimal(repr(number)) * 1_000_000:f}".rstrip("0").rstrip(".") or "0")
    return found


def _known_model(model: str, prices: dict[str, str], info: Table, today: date) -> dict[str, Any]:
    known: dict[str, Any] = {"name": model}
    for theirs, ours in (("max_input_tokens", "context"), ("max_output_tokens", "max_output"), ("max_tokens", "max_output")):
        if (number := info.number(theirs)) is not None:
            known.setdefault(ours, int(number))
    if {"input", "output"} <= prices.keys():
        known["price"] = prices | {"source": "LiteLLM's configuration", "date": today.isoformat()}
    elif prices:  # LiteLLM takes the other one from its own list; here it is free
        known["price"] = {"input": "0", "output": "0"} | prices | {"source": "LiteLLM's configuration", "date": today.isoformat()}
    return known


def _note_variables(draft: Draft, given: Mapping[str, Secret], reader: SiteReader) -> None:
    for name in given:
        place = f"environment_variables.{name}"
        if name in reader.environment.used:
            draft.note("carried", place, "used where the file names it.")
        else:
            draft.note(
                "left_out", place, "set for LiteLLM's own process.", f"Set {name} in Assay's environment, if it is needed there."
            )


def _note_entries(draft: Draft, entries: list[Entry]) -> None:
    for entry in entries:
        if "*" in entry.group:
            _note_wildcard(draft, entry)
        else:
            draft.note("carried", entry.at, f"{entry.group} → {entry.deployment}")


def _aliases(draft: Draft, entries: list[Entry], reliability: Reliability) -> dict[str, Alias]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if "*" not in entry.group:
            groups.setdefault(entry.group, []).append(entry)
    pools = {group: _pool(found) for group, found in groups.items()}
    by_id = {
        entry.id: (Target(deployment=entry.deployment),) for entry in entries if entry.id is not None and "*" not in entry.group
    }
    aliases = {}
    for group, targets in pools.items():
        wanted = reliability.fallbacks.get(group, [] if group in reliability.default_fallbacks else reliability.default_fallbacks)
        for fallback in wanted:
            found = pools.get(fallback) or by_id.get(fallback)
            if found is not None and fallback != group:
                targets = _then(targets, found)
        aliases[group] = Alias(targets=targets, retries=min(reliability.retries, _MOST_RETRIES), cache_s=reliability.cache_s)
    for name, group in reliability.other_names.items():
        if group in aliases:
            aliases[name] = aliases[group]
            draft.note("carried", f"{reliability.at['model_group_alias']}.{name}", f"{name} → the same as {group}")
    _note_fallbacks(draft, reliability, pools.keys() | by_id.keys())
    return {name: alias for name, alias in aliases.items() if alias != Alias.to(name)}


def _pool(entries: list[Entry]) -> tuple[Target, ...]:
    """LiteLLM draws by ``weight`` where any has one, else by ``rpm``, else by ``tpm``; a lower ``order`` goes first."""
    by = next((name for name in ("weight", "rpm", "tpm") if any(name in entry.weights for entry in entries)), None)
    orders = sorted({entry.order for entry in entries if entry.order is not None})
    targets: dict[str, Target] = {}
    for entry in entries:
        weight = entry.weights.get(by, 0.0) if by is not None and len(entries) > 1 else 1.0
        priority = orders.index(entry.order) if entry.order is not None else len(orders)
        if (same := targets.get(entry.deployment)) is not None:
            weight += same.weight
        targets[entry.deployment] = Target(deployment=entry.deployment, weight=plain_number(weight), priority=priority)
    return tuple(targets.values())


def _then(targets: tuple[Target, ...], others: tuple[Target, ...]) -> tuple[Target, ...]:
    """``others`` after all of ``targets``."""
    known = {target.deployment for target in targets}
    after = max(target.priority for target in targets) + 1
    added = (msgspec.structs.replace(other, priority=after + other.priority) for other in others if other.deployment not in known)
    return (*targets, *added)


def _note_wildcard(draft: Draft, entry: Entry) -> None:
    asked = f"'{entry.site.name}/MODEL'"
    if entry.group == entry.deployment:
        draft.note("carried", entry.at, f"{entry.group} → any model of {entry.site.name}, asked for as {asked}")
    else:
        draft.note(
            "left_out", entry.at, f"{entry.group!r} stands for many models, and an alias for one.", f"Clients ask for {asked}."
        )


def _note_fallbacks(draft: Draft, reliability: Reliability, known: Iterable[str]) -> None:
    known = set(known)
    for group, fallbacks in reliability.fallbacks.items():
        missing = [name for name in (group, *fallbacks) if name not in known]
        place = reliability.at.get("fallbacks", "fallbacks")
        if missing:
            draft.note("left_out", place, f"{group!r} → {missing[0]!r}: no entry of model_list has that name.")
        else:
            draft.note("carried", place, f"{group} → {', '.join(fallbacks)}, before the first word of an answer")
    if reliability.default_fallbacks:
        draft.note(
            "carried",
            reliability.at["default_fallbacks"],
            f"every alias without its own → {', '.join(reliability.default_fallbacks)}",
        )
