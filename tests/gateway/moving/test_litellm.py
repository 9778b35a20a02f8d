"""What a LiteLLM configuration comes to: pools, keys, settings, and a word on every line."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec
import pytest

from assay.core import Alias, Target
from assay.gateway.moving import Note, Plan, read_plan, write_toml

TODAY = date(2026, 11, 22)
ENVIRON = {"VLLM_BASE": "http://gpu-1:8000"}
LITE = Path(__file__).with_name("lite.yaml")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(LITE, None, ENVIRON, TODAY)


def of(folder: Path, text: str) -> Plan:
    path = folder / "config.yaml"
    path.write_text(text)
    return read_plan(path, None, ENVIRON, TODAY)


def notes(plan: Plan, at: str) -> list[Note]:
    return [note for note in plan.notes if note.at == at]


def test_entries_of_one_name_are_a_pool_drawn_by_their_rates_with_their_order_and_their_fallback_behind(plan: Plan) -> None:
    assert plan.aliases["fast"] == Alias(
        targets=(
            Target(deployment="azure-deployments/gpt-4o-eu", weight=6, priority=1),
            Target(deployment="openai/gpt-4o", weight=12, priority=1),
            Target(deployment="openai-2/gpt-4o", weight=2, priority=0),
            Target(deployment="anthropic/claude-sonnet-4-5", weight=1, priority=2),
        ),
        retries=2,
        cache_s=300,
    )
    assert plan.aliases["gpt-4"] == plan.aliases["fast"]


def test_each_key_and_address_is_a_provider_and_a_shipped_row_stays_as_it_is_where_it_fits(plan: Plan) -> None:
    assert plan.providers["azure-deployments"] == {
        "values": {"resource": "europe", "api_version": "2024-10-21"},
        "key_env": ["AZURE_KEY_EU"],
    }
    assert plan.providers["openai-2"] == {"like": "openai", "key_env": ["SECOND_OPENAI_KEY"]}
    assert plan.providers["vertex"] == {"values": {"project": "mine", "location": "europe-west4"}}
    assert plan.providers["bedrock"] == {"values": {"region": "us-west-2"}}
    assert "openai" not in plan.providers
    assert "anthropic" not in plan.providers
    assert plan.aliases["nova"].targets[0].deployment == "bedrock/amazon.nova-pro-v1:0"


def test_prices_and_sizes_go_into_the_row_of_the_model_with_their_source(plan: Plan) -> None:
    price = {"input": "0.2", "output": "0.6", "source": "LiteLLM's configuration", "date": "2026-11-22"}
    assert plan.providers["vllm"] == {
        "base_url": "http://gpu-1:8000/v1",
        "models": [{"name": "qwen3", "context": 32768, "price": price}],
    }


def test_keys_in_clear_are_for_the_vault_and_nowhere_else(plan: Plan) -> None:
    assert {name: [key.reveal() for key in keys] for name, keys in plan.keys_of.items()} == {
        "anthropic": ["sk-ant-canary-0123456789"],
        "bedrock": ["AKIACANARY0123456789:canary/secret/0123456789"],
    }
    told = write_toml(plan, "a file") + repr(plan) + msgspec.json.encode(plan.notes).decode()
    assert "canary" not in told.lower()
    assert plan.variables["openai"] == ("OPENAI_API_KEY",)


def test_every_line_is_named_with_its_number_and_what_was_left_out_has_a_reason(plan: Plan) -> None:
    outcomes = {note.at: (note.outcome, note.line) for note in plan.notes}
    assert outcomes["router_settings.routing_strategy"] == ("approximated", 57)
    assert outcomes["model_list[3].litellm_params.temperature"][0] == "left_out"
    assert outcomes["model_list[7].litellm_params.model"][0] == "left_out"
    assert outcomes["model_list[8]"][0] == "carried"
    assert outcomes["litellm_settings.context_window_fallbacks"][0] == "left_out"
    assert outcomes["litellm_settings.drop_params"][0] == "carried"
    assert outcomes["general_settings.brand_new_setting"][0] == "left_out"
    assert outcomes["general_settings.database_url"][0] == "left_out"
    assert outcomes["environment_variables.LANGFUSE_SECRET_KEY"][0] == "left_out"
    assert [note.outcome for note in notes(plan, "litellm_settings.fallbacks")] == ["carried", "left_out"]
    assert plan.settings == {"total_timeout_s": 600, "max_body_bytes": 8 * 1024 * 1024}


def test_the_file_that_is_written_is_toml_and_says_the_same(plan: Plan) -> None:
    read = tomllib.loads(write_toml(plan, "From LiteLLM."))
    assert read["aliases"].keys() == plan.aliases.keys()
    assert msgspec.convert(read["aliases"]["fast"], Alias) == plan.aliases["fast"]
    assert read["providers"] == plan.providers


@pytest.mark.parametrize(
    ("params", "row", "deployment"),
    [
        ("model: gpt-4o", None, "openai/gpt-4o"),
        ("model: claude-opus-4-5", None, "anthropic/claude-opus-4-5"),
        ("model: azure/responses/gpt-5\n      api_base: https://a.openai.azure.com\n      api_version: preview", {"values": {"resource": "a"}, "key_env": ["AZURE_API_KEY"]}, "azure/gpt-5"),
        ("model: together_ai/meta-llama/Llama-3", {"key_env": ["TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"]}, "together/meta-llama/Llama-3"),
        ("model: openai/mine\n      api_base: https://llm.example.org/v1\n      api_key: none", {"base_url": "https://llm.example.org/v1"}, "llm-example/mine"),
        ("model: ollama/llama3\n      api_base: http://10.0.0.5:11434", {"base_url": "http://10.0.0.5:11434/v1"}, "ollama/llama3"),
        ("model: vertex_ai/claude-opus-4\n      vertex_project: p", {"values": {"project": "p"}}, "vertex-anthropic/claude-opus-4"),
        ("model: bedrock/converse/us.amazon.nova-lite-v1:0\n      aws_region_name: eu-west-1", {"values": {"region": "eu-west-1"}}, "bedrock/us.amazon.nova-lite-v1:0"),
        ("model: strange/thing\n      api_base: http://strange:9/v1\n      api_key: os.environ/S", {"base_url": "http://strange:9/v1", "kind": "local", "key_env": ["S"]}, "strange/thing"),
    ],
)  # fmt: skip
def test_providers_are_found_by_their_prefix_or_their_address(tmp_path: Path, params: str, row: object, deployment: str) -> None:
    plan = of(tmp_path, f"model_list:\n  - model_name: asked\n    litellm_params:\n      {params}\n")
    (target,) = plan.aliases["asked"].targets
    assert target.deployment == deployment
    assert plan.providers.get(deployment.partition("/")[0]) == row


def test_files_that_are_included_count(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("model_list:\n  - {model_name: b, litellm_params: {model: openai/b}}\n")
    plan = of(tmp_path, "include: [more.yaml]\nmodel_list:\n  - {model_name: a, litellm_params: {model: openai/a}}\n")
    assert sorted(plan.aliases) == ["a", "b"]


def test_named_credentials_and_variables_that_the_file_sets_are_used(tmp_path: Path) -> None:
    plan = of(
        tmp_path,
        """
        environment_variables: {MY_KEY: sk-in-the-file-0123}
        credential_list: [{credential_name: c, credential_values: {api_key: os.environ/MY_KEY, api_base: "https://x.example/v1"}}]
        model_list: [{model_name: a, litellm_params: {model: openai/a, litellm_credential_name: c}}]
        """,
    )
    assert plan.keys_of["x"][0].reveal() == "sk-in-the-file-0123"
    assert plan.providers["x"] == {"base_url": "https://x.example/v1"}


def test_what_an_address_holds_beside_the_place_is_in_no_file(tmp_path: Path) -> None:
    addresses = (
        "https://ana:hidden@one.example.org/v1",
        "https://two.example.org/v1?key=hidden",
        "https://three.example.org/v1#hidden",
    )
    models = (f"{{model_name: m{n}, litellm_params: {{model: openai/x, api_base: '{at}'}}}}" for n, at in enumerate(addresses))
    plan = of(tmp_path, f"model_list: [{', '.join(models)}]")
    places = [f"https://{name}.example.org/v1" for name in ("one", "two", "three")]
    assert [row["base_url"] for row in plan.providers.values()] == places
    assert [note.outcome for name in ("one", "two", "three") for note in notes(plan, f"{name}.example.org")] == ["left_out"] * 3
    assert "hidden" not in write_toml(plan, "x") + str(plan.notes)
