"""Tokens of one-api and new-api, as gateway keys: clients need not change theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.core import Limits, Scopes
from assay.gateway.moving.plan import ClientKey, Draft
from assay.gateway.moving.table import Table
from assay.store.vault import Secret

_NANO_PER_UNIT = 2_000
"""Both count 500,000 units of quota to a US dollar (``QuotaPerUnit``), unless somebody changed that."""
_ENABLED = 1
_NEVER = -1


def read_token(draft: Draft, token: Table, users: Mapping[Any, Mapping[str, Any]], now_s: float) -> None:
    """Put the key that ``token`` is into the draft, with what is left of its money, its end, and what it is good for."""
    status, expired = token.number("status"), token.number("expired_time")
    if (status is not None and status != _ENABLED) or (expired is not None and _NEVER != expired < now_s):
        draft.note("left_out", token.at, "disabled, expired or used up there.", "Make a new key with `assay key create`.")
        return
    secret = _secret(token.text("key"))
    user = users.get(str(token.take("user_id")), {})
    name = token.text("name") or "token"
    owner = str(user.get("username") or user.get("display_name") or "") or None
    key = ClientKey(
        name=name,
        secret=secret,
        owner=owner,
        budget_nano=None if token.take("unlimited_quota") else round(token.number("remain_quota") or 0) * _NANO_PER_UNIT,
        expires=None if expired is None or expired == _NEVER else int(expired) * 1_000_000,
        limits=Limits(),
        scopes=Scopes(models=_models(token), addresses=_addresses(token)),
    )
    draft.client_keys.append(key)
    if secret is None:
        draft.note("left_out", f"{token.at}.key", "masked in what was read.", "Read the SQLite file, or make a new key.")
    else:
        draft.note("carried", token.at, _said(key))
    if group := token.text("group"):
        draft.note("approximated", f"{token.at}.group", f"{group!r}; here a key has models, no group.")


def _secret(text: str | None) -> Secret | None:
    """Clients send it with ``sk-`` before it, which is not stored. An API that masks keys writes asterisks."""
    if text is None or "*" in text:
        return None
    return Secret(text if text.startswith("sk-") else f"sk-{text}")


def _models(token: Table) -> tuple[str, ...]:
    limited = token.take("model_limits_enabled")
    text = token.text("model_limits") if limited else token.text("models")
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _addresses(token: Table) -> tuple[str, ...]:
    text = (token.text("subnet") or token.text("allow_ips") or "").replace("\n", ",")
    return tuple(place.strip() for place in text.split(",") if place.strip())


def _said(key: ClientKey) -> str:
    parts = ["goes on working here"]
    if key.budget_nano is not None:
        parts.append(f"{key.budget_nano / 1e9:g} USD left")
    if key.scopes.models:
        parts.append(f"{len(key.scopes.models)} models")
    if key.scopes.addresses:
        parts.append(f"{len(key.scopes.addresses)} networks")
    return ", ".join(parts)
