"""Channels become providers and pools, tokens become keys that go on working; the two products' numbers are told apart."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assay.core import Alias, InvalidInput, Scopes, Target
from assay.gateway.moving import Plan, Product, read_plan

TODAY = date(2026, 11, 22)
CHANNEL: dict[str, Any] = {"id": 1, "name": "main", "status": 1, "group": "default", "base_url": "", "model_mapping": "", "key": ""}
TOKEN: dict[str, Any] = {
    "id": 1,
    "user_id": 7,
    "name": "ci",
    "status": 1,
    "expired_time": -1,
    "unlimited_quota": 0,
    "remain_quota": 0,
}


def channel(type_: int, models: str, **fields: Any) -> dict[str, Any]:
    return CHANNEL | {"type": type_, "models": models} | fields


def of(folder: Path, value: Any, product: Product | None = None) -> Plan:
    path = folder / "export.json"
    path.write_text(json.dumps(value))
    return read_plan(path, product, {}, TODAY)


def database(folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    path = folder / "one-api.db"
    with sqlite3.connect(path) as connection:
        for name, rows in tables.items():
            columns = sorted({column for row in rows for column in row})
            quoted = ", ".join(f'"{column}"' for column in columns)
            connection.execute(f"CREATE TABLE {name} ({quoted})")
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {name} VALUES ({marks})", [[row.get(column) for column in columns] for row in rows]
            )
    connection.close()
    return path


def test_a_sqlite_file_gives_providers_pools_keys_and_clients(tmp_path: Path) -> None:
    path = database(
        tmp_path,
        {
            "channels": [
                channel(1, "gpt-4o,gpt-4o-mini", key="sk-one-0123456789ab", priority=10, config=""),
                channel(
                    3,
                    "gpt-4o",
                    id=2,
                    key="azure-key-0123456789",
                    base_url="https://r.openai.azure.com",
                    other="2024-10-21",
                    config="",
                ),
                channel(14, "claude", id=3, key="sk-ant-0123456789ab", model_mapping='{"claude": "claude-sonnet-4-5"}', config=""),
                channel(1, "gpt-4o", id=4, key="sk-off", status=2, config=""),
            ],
            "tokens": [TOKEN | {"key": "k" * 48, "remain_quota": 1_250_000, "models": "gpt-4o,claude", "subnet": "10.0.0.0/8"}],
            "users": [{"id": 7, "username": "lin", "role": 1}],
        },
    )
    plan = read_plan(path, None, {}, TODAY)
    assert plan.source == "one-api"
    assert plan.aliases["gpt-4o"] == Alias(
        targets=(
            Target(deployment="openai/gpt-4o", weight=1, priority=0),
            Target(deployment="azure-deployments/gpt-4o", weight=1, priority=1),
        )
    )
    assert plan.aliases["claude"] == Alias.to("anthropic/claude-sonnet-4-5")
    assert plan.providers == {"azure-deployments": {"values": {"resource": "r", "api_version": "2024-10-21"}}}
    assert plan.keys_of["openai"][0].reveal() == "sk-one-0123456789ab"
    (key,) = plan.client_keys
    assert key.secret is not None
    assert (key.secret.reveal(), key.owner, key.budget_nano, key.expires) == ("sk-" + "k" * 48, "lin", 2_500_000_000, None)
    assert key.scopes == Scopes(models=("gpt-4o", "claude"), addresses=("10.0.0.0/8",))
    assert [note.at for note in plan.notes if "disabled" in note.said] == ["channel 4 'main'"]


def test_the_numbers_of_channel_types_are_the_products_own(tmp_path: Path) -> None:
    one = of(tmp_path, {"data": [channel(36, "deepseek-chat", config="")]})
    new = of(tmp_path, {"data": {"items": [channel(43, "deepseek-chat", channel_info={}, auto_ban=1)]}})
    assert (one.source, new.source) == ("one-api", "new-api")
    assert one.aliases == new.aliases == {"deepseek-chat": Alias.to("deepseek/deepseek-chat")}
    with pytest.raises(InvalidInput, match="--from") as refused:
        of(tmp_path, [channel(36, "deepseek-chat")])
    assert refused.value.code == "import.which"
    assert of(tmp_path, [channel(43, "x")], "new-api").aliases == {"x": Alias.to("deepseek/x")}


def test_several_keys_of_a_channel_weights_and_a_masked_token_of_new_api(tmp_path: Path) -> None:
    plan = of(
        tmp_path,
        {
            "channels": [
                channel(8, "m", key="one-0123456789\ntwo-0123456789", base_url="https://api.relay.example", weight=3, auto_ban=1),
                channel(25, "m", id=2, key="sk-moon-0123456789", weight=1, group="vip"),
            ],
            "tokens": [
                TOKEN | {"key": "ab**********cd", "model_limits_enabled": True, "model_limits": "m", "allow_ips": "1.2.3.4\n"}
            ],
        },
    )
    assert [key.reveal() for key in plan.keys_of["relay"]] == ["one-0123456789", "two-0123456789"]
    assert plan.providers["relay"] == {"base_url": "https://api.relay.example/v1"}
    assert plan.aliases["m"].targets == (
        Target(deployment="relay/m", weight=3),
        Target(deployment="moonshot-cn/m", weight=1),
    )
    (key,) = plan.client_keys
    assert (key.secret, key.budget_nano, key.scopes) == (None, 0, Scopes(models=("m",), addresses=("1.2.3.4",)))
    left = {note.at for note in plan.notes if note.outcome != "carried"}
    assert left == {"channel 2 'main'.group", "token 1 'ci'.key"}


def test_clouds_are_signed_for_with_what_the_channel_holds(tmp_path: Path) -> None:
    account = json.dumps({"type": "service_account", "project_id": "mine", "private_key": "k"})
    plan = of(
        tmp_path,
        [
            channel(33, "claude", key="AKIA0123456789ABCDEF|secret/0123456789abcdef|us-east-1", auto_ban=1),
            channel(41, "gemini-2.5-pro", id=2, key=account, other='{"default": "europe-west4"}'),
        ],
    )
    assert plan.keys_of["bedrock"][0].reveal() == "AKIA0123456789ABCDEF:secret/0123456789abcdef"
    assert plan.providers["bedrock"] == {"values": {"region": "us-east-1"}}
    assert plan.providers["vertex"] == {"values": {"project": "mine", "location": "europe-west4"}}
    assert plan.keys_of["vertex"][0].reveal() == account
