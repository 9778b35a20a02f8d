"""Whatever stands where something else was meant: a plan or a plain error comes of it, and the file that is written can be read."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.core import AssayError
from assay.gateway.moving import Plan, write_toml
from assay.gateway.moving.documents import Document
from assay.gateway.moving.litellm import read_litellm
from assay.gateway.moving.one_api import read_one_api
from assay.gateway.providers import shipped_providers

SHIPPED = shipped_providers()
TODAY = date(2026, 11, 22)

_WORDS = ["openai/gpt-4o", "azure/x", "bedrock/us-east-1/m", "vertex_ai/claude", "os.environ/KEY", "https://r.openai.azure.com", "http://h:1/v1", "http://[", "{", "a,b", "1|2|3", "", "30d", "*"]  # fmt: skip
_LITE = ["model_list", "model_name", "litellm_params", "model", "api_base", "api_key", "api_version", "rpm", "order", "weight", "model_info", "input_cost_per_token", "max_tokens", "mode", "id", "router_settings", "litellm_settings", "general_settings", "fallbacks", "model_group_alias", "num_retries", "timeout", "cache", "cache_params", "ttl", "type", "environment_variables", "credential_list", "extra_headers", "vertex_credentials", "aws_access_key_id", "aws_secret_access_key", "maximum_spend_logs_retention_period"]  # fmt: skip
_ONE = ["channels", "tokens", "users", "data", "items", "id", "type", "status", "models", "base_url", "key", "model_mapping", "config", "other", "weight", "priority", "remain_quota", "expired_time", "unlimited_quota", "user_id", "username", "subnet", "allow_ips", "model_limits", "group", "setting", "channel_info"]  # fmt: skip


def documents(names: list[str]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-5, 60) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(_WORDS) | st.text(max_size=8)  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(names), inner, max_size=6),
        max_leaves=25,
    )


def check(read: Callable[[], Plan]) -> None:
    try:
        plan = read()
    except AssayError:
        return
    tomllib.loads(write_toml(plan, "a title"))


@settings(max_examples=60)
@given(documents(_LITE), st.lists(st.dictionaries(st.sampled_from(_LITE), documents(_LITE), max_size=6), max_size=3))
def test_any_litellm_configuration_is_read_or_refused(document: Any, entries: list[Any]) -> None:
    whole = document if isinstance(document, dict) else {}
    check(lambda: read_litellm(Document({"model_list": entries} | whole), SHIPPED, {"KEY": "sk-from-the-environment"}, TODAY))


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from(_ONE), documents(_ONE), max_size=10), max_size=3),
    st.sampled_from(["one-api", "new-api"]),
)
def test_any_export_is_read_or_refused(rows: list[Any], product: str) -> None:
    check(lambda: read_one_api({"channels": rows, "tokens": rows, "users": rows}, product, SHIPPED, TODAY))
