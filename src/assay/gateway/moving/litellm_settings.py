"""Everything in LiteLLM's ``config.yaml`` beside the list of models, and why what is left of it is left.

Source: https://docs.litellm.ai/docs/proxy/config_settings, as of 2026-11-22. LiteLLM takes a setting of ``router_settings`` before
the same one of ``litellm_settings``, and so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from assay.gateway.moving.litellm_site import Environment
from assay.gateway.moving.plan import Draft, Outcome
from assay.gateway.moving.table import Table

_MIB = 1024 * 1024
_DAY_S = 86_400
_DEFAULT_CACHE_S = 60
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": _DAY_S, "w": 7 * _DAY_S}


class Reliability(msgspec.Struct, kw_only=True):
    """What every alias gets. ``at`` says where each was found."""

    retries: int = 0
    cache_s: int = 0
    fallbacks: dict[str, list[str]] = {}
    default_fallbacks: list[str] = []
    other_names: dict[str, str] = {}
    at: dict[str, str] = {}


class _Both:
    """``router_settings``, then ``litellm_settings``."""

    def __init__(self, root: Table):
        self.tables = (root.table("router_settings"), root.table("litellm_settings"))

    def first(self, name: str) -> Table | None:
        """The table that decides; in the other one the setting is of no effect, in LiteLLM as here."""
        having = [table for table in self.tables if table.has(name)]
        for table in having[1:]:
            table.take(name)
        return having[0] if having else None

    def number(self, name: str) -> tuple[float, str] | None:
        """The number of that name, and where it stands."""
        table = self.first(name)
        number = table.number(name) if table is not None else None
        return None if table is None or number is None else (number, table.place(name))


def read_settings(draft: Draft, root: Table, environment: Environment) -> Reliability:
    """Take what there is here too into the draft's settings; what aliases need of it is the answer."""
    both = _Both(root)
    found = Reliability()
    _read_retries(draft, both, found)
    _read_timeouts(draft, both)
    _read_fallbacks(both, found)
    _read_cache(draft, both.tables[1], found)
    _read_general(draft, root.table("general_settings"))
    for table in both.tables:
        explain_left(draft, table)
    return found


def _read_retries(draft: Draft, both: _Both, found: Reliability) -> None:
    if (said := both.number("num_retries")) is not None:
        found.retries = max(0, int(said[0]))
        draft.note("carried", said[1], f"every alias has retries = {min(found.retries, 10)}")
    table = both.first("routing_strategy")
    strategy = table.text("routing_strategy") if table is not None else None
    if table is None or strategy is None:
        return
    if strategy in ("simple-shuffle", "weighted-pick"):
        draft.note("carried", table.place("routing_strategy"), "targets are drawn by their weights")
    else:
        draft.note(
            "approximated",
            table.place("routing_strategy"),
            f"{strategy!r}: targets are drawn by their weights; those that fail are left alone for a while.",
        )


def _read_timeouts(draft: Draft, both: _Both) -> None:
    for theirs, ours in (
        ("timeout", "total_timeout_s"),
        ("request_timeout", "total_timeout_s"),
        ("stream_timeout", "idle_timeout_s"),
    ):
        said = both.number(theirs)
        if said is None or said[0] <= 0:
            continue
        if ours in draft.settings:
            draft.note("left_out", said[1], f"`timeout` is said too, and is {ours} here.")
            continue
        draft.settings[ours] = said[0]
        draft.note("carried" if ours == "total_timeout_s" else "approximated", said[1], f"{ours} = {said[0]:g}")


def _read_fallbacks(both: _Both, found: Reliability) -> None:
    if (table := both.first("fallbacks")) is not None:
        found.at["fallbacks"] = table.place("fallbacks")
        for one in table.list("fallbacks"):
            if isinstance(one, Mapping):
                found.fallbacks |= {str(group): _names(names) for group, names in one.items()}
    if (table := both.first("default_fallbacks")) is not None:
        found.at["default_fallbacks"] = table.place("default_fallbacks")
        found.default_fallbacks = _names(table.list("default_fallbacks"))
    if (table := both.first("model_group_alias")) is not None:
        found.at["model_group_alias"] = table.place("model_group_alias")
        for name, group in (table.take("model_group_alias", Mapping) or {}).items():
            target = group.get("model") if isinstance(group, Mapping) else group
            if isinstance(target, str):
                found.other_names[str(name)] = target


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _read_cache(draft: Draft, settings: Table, found: Reliability) -> None:
    wanted, params = settings.take("cache", bool), settings.table("cache_params")
    if not wanted:
        if params:
            draft.note("left_out", params.at, "`cache` is not on.")
        return
    kind, ttl, mode = params.text("type") or "local", params.number("ttl"), params.text("mode")
    if "semantic" in kind:
        draft.note("left_out", settings.place("cache"), f"{kind!r}: Assay gives an answer again to the very same request only.")
        return
    if mode == "default_off":
        draft.note(
            "left_out", settings.place("cache"), "off until a request asks for it.", "Set `cache_s` on the aliases to cache."
        )
        return
    found.cache_s = int(ttl) if ttl else _DEFAULT_CACHE_S
    draft.note(
        "approximated",
        settings.place("cache"),
        f"every alias has cache_s = {found.cache_s}; answers are kept in Assay, not in {kind!r}, and each key has its own.",
    )


def _read_general(draft: Draft, general: Table) -> None:
    if (megabytes := general.number("max_request_size_mb")) is not None and megabytes > 0:
        draft.settings["max_body_bytes"] = int(megabytes * _MIB)
        draft.note("carried", general.place("max_request_size_mb"), f"max_body_bytes = {draft.settings['max_body_bytes']}")
    if (keeps := general.take("store_prompts_in_spend_logs", bool)) is not None:
        draft.settings["bodies"] = "full" if keeps else "hashed"
        draft.note("carried", general.place("store_prompts_in_spend_logs"), f'bodies = "{draft.settings["bodies"]}"')
    if (days := _seconds(general.text("maximum_spend_logs_retention_period"))) is not None:
        draft.settings["bodies_days"] = max(1, round(days / _DAY_S))
        draft.note(
            "approximated",
            general.place("maximum_spend_logs_retention_period"),
            f"bodies_days = {draft.settings['bodies_days']}; the calls themselves are kept for good.",
        )
    explain_left(draft, general)


def _seconds(text: str | None) -> float | None:
    """A time such as ``30d``."""
    if text is None or text[-1:] not in _UNITS_S or not text[:-1].isdigit():
        return None
    return float(text[:-1]) * _UNITS_S[text[-1]]


def explain_left(draft: Draft, table: Table) -> None:
    """Name what nobody took, with the reason and the way out where there are such."""
    for name, _ in table.left():
        outcome, said, way_out = _LEFT.get(name, ("left_out", "Assay has no such setting.", None))
        draft.note(outcome, table.place(name), said, way_out)


_NOT_NEEDED = "not needed: "
_BY_CLIENT = "Assay sends what the client asks for."
_DEFAULTS = "Have clients send it, or give the provider's row `defaults`: docs/guides/add-a-provider.md."
_KEYS_ANEW = "LiteLLM's database holds only hashes of its keys: make new ones with `assay key create`, or on the Keys page."
_WATCH = "Point OpenTelemetry or Prometheus at Assay: docs/guides/operate.md."
_SIGN_IN = "Set up sign-in with OIDC: docs/guides/operate.md."
_PER_PROVIDER = "Give the provider limits or a budget on the Providers page."

_LEFT: dict[str, tuple[Outcome, str, str | None]] = {
    # litellm_params
    **dict.fromkeys(
        ("temperature", "top_p", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "seed", "stop", "n",
         "reasoning_effort", "thinking", "response_format", "extra_body", "user", "top_k", "modalities"),
        ("left_out", _BY_CLIENT, _DEFAULTS),
    ),
    **dict.fromkeys(("timeout", "stream_timeout", "max_retries"), ("left_out", "holds for one entry; here timeouts are for all.", "Set `total_timeout_s` or `idle_timeout_s`.")),
    **dict.fromkeys(("max_parallel_requests", "default_max_parallel_requests", "max_budget", "budget_duration", "itpm", "otpm"), ("left_out", "no part of the file here.", _PER_PROVIDER)),
    **dict.fromkeys(("drop_params", "additional_drop_params", "modify_params", "allowed_openai_params"), ("carried", _NOT_NEEDED + "what a provider cannot take is left out, and named in the answer's header.", None)),
    **dict.fromkeys(("mock_response", "mock_timeout", "mock_tool_calls"), ("left_out", "for LiteLLM's tests.", "`assay up --demo` has practice contestants.")),
    **dict.fromkeys(("tags", "enable_tag_filtering", "tag_filtering_match_any", "tag_routing_prefix"), ("left_out", "Assay does not choose by tags.", "Make an alias for each tag, and keys that may use it.")),
    **dict.fromkeys(("tenant_id", "client_id", "client_secret", "azure_ad_token", "azure_username", "azure_password", "azure_scope"), ("left_out", "signs in with Microsoft Entra.", 'Use an API key, or a row of your own with auth = "bearer".')),
    **dict.fromkeys(("aws_role_name", "aws_session_name", "aws_web_identity_token", "aws_sts_endpoint", "aws_external_id"), ("left_out", "takes on a role.", "Put the role into a profile of AWS's own configuration, and seal profile:NAME as the key.")),
    "input_cost_per_second": ("left_out", "Assay has prices of tokens only.", None),
    "output_cost_per_second": ("left_out", "Assay has prices of tokens only.", None),
    "base_model": ("left_out", "says whose price it has.", "Give the model a price in the provider's row."),
    "configurable_clientside_auth_params": ("left_out", "would let clients choose where requests go.", None),
    "use_in_pass_through": ("left_out", "Assay passes a client's own protocol on by itself.", None),
    **dict.fromkeys(("supports_vision", "supports_function_calling", "supports_reasoning", "supports_pdf_input", "supports_response_schema", "supports_prompt_caching", "supports_audio_input", "supports_web_search"), ("carried", _NOT_NEEDED + "Assay asks the provider, and passes on what it says.", None)),
    **dict.fromkeys(("access_groups", "team_id", "team_public_model_name"), ("left_out", "says who may use it.", "Give keys or teams the models that they may use, on the Keys page.")),
    # router_settings and litellm_settings
    **dict.fromkeys(("redis_host", "redis_port", "redis_password", "redis_url", "redis_db", "redis_startup_nodes", "cache_kwargs", "client_ttl", "polling_interval"), ("carried", _NOT_NEEDED + "limits and budgets are right across workers and hosts through the database.", None)),
    **dict.fromkeys(("allowed_fails", "cooldown_time", "allowed_fails_policy", "disable_cooldowns"), ("approximated", "a provider that fails is left alone by a circuit breaker, which asks again by and by.", None)),
    **dict.fromkeys(("retry_policy", "model_group_retry_policy", "retry_after"), ("approximated", "what passes is tried again, after the time the provider names; what does not pass is not.", None)),
    **dict.fromkeys(("context_window_fallbacks", "content_policy_fallbacks"), ("left_out", "a request that is too long or refused is the client's to mend, and goes nowhere else.", "Have clients ask for an alias of a larger model.")),
    "enable_pre_call_checks": ("left_out", "the provider says itself when a request is too long.", None),
    "enable_pre_call_check": ("left_out", "the provider says itself when a request is too long.", None),
    "max_fallbacks": ("left_out", "every target of an alias is asked once, and its retries.", None),
    "routing_strategy_args": ("left_out", "belongs to a strategy that Assay does not have.", None),
    "default_litellm_params": ("left_out", _BY_CLIENT, _DEFAULTS),
    "optional_pre_call_checks": ("left_out", "Assay has no such checks.", None),
    **dict.fromkeys(("success_callback", "failure_callback", "callbacks", "service_callbacks", "callback_settings", "langfuse_default_tags"), ("left_out", "Assay sends no records to other services by itself.", _WATCH)),
    **dict.fromkeys(("set_verbose", "json_logs", "debug_level", "detailed_debug", "suppress_debug_info"), ("left_out", "for LiteLLM's own log.", "Set `log_level`.")),
    **dict.fromkeys(("turn_off_message_logging", "redact_user_api_key_info", "redact_messages_in_exceptions"), ("carried", _NOT_NEEDED + "no prompt, reply or key is ever logged.", None)),
    **dict.fromkeys(("max_internal_user_budget", "internal_user_budget_duration", "default_internal_user_params", "default_team_settings", "default_team_params", "max_end_user_budget", "upperbound_key_generate_params", "default_key_generate_params"), ("left_out", "holds for people, teams and keys that are yet to be made.", "Make a team with a budget on the Teams page, and put people in it.")),
    "telemetry": ("carried", _NOT_NEEDED + "Assay tells nobody anything.", None),
    "force_ipv4": ("left_out", "Assay takes whichever address answers.", None),
    "ssl_verify": ("left_out", "certificates are always checked.", "Add your own authority to the system's certificates."),
    "mcp_aliases": ("left_out", "Assay is no MCP gateway.", None),
    # general_settings
    "master_key": ("left_out", "LiteLLM's admin; here the page has accounts, and commands the local door.", "Make gateway keys with `assay key create`."),
    "salt_key": ("left_out", "Assay has a master key of its own.", None),
    "database_url": ("left_out", "the database of LiteLLM's own.", _KEYS_ANEW),
    "database_connection_pool_limit": ("carried", _NOT_NEEDED + "Assay holds few connections.", None),
    "database_connection_timeout": ("carried", _NOT_NEEDED + "Assay's waits are bounded.", None),
    "allow_requests_on_db_unavailable": ("carried", _NOT_NEEDED + "known keys go on working while the database is away.", None),
    "store_model_in_db": ("left_out", "models that were added on LiteLLM's page are not in this file.", "Export them with GET /model/info, or add them on the Providers page."),
    **dict.fromkeys(("alerting", "alerting_threshold", "alert_types", "alerting_args", "alert_to_webhook_url", "slack_webhook_url"), ("left_out", "says whom LiteLLM alerts.", "Set up a webhook for alerts: docs/guides/operate.md.")),
    **dict.fromkeys(("custom_auth", "enable_jwt_auth", "litellm_jwtauth", "custom_sso", "enable_oauth2_auth", "enable_oauth2_proxy_auth", "oauth2_config_mappings", "ui_access_mode"), ("left_out", "says how people sign in to LiteLLM.", _SIGN_IN)),
    **dict.fromkeys(("key_management_system", "key_management_settings", "use_azure_key_vault", "use_google_kms"), ("left_out", "says where LiteLLM's secrets are.", "Put them into Assay's environment, or seal them: `assay provider add NAME`.")),
    **dict.fromkeys(("max_parallel_requests", "global_max_parallel_requests"), ("left_out", "bounds are set for keys, users, teams and providers.", _PER_PROVIDER)),
    **dict.fromkeys(("background_health_checks", "health_check_interval", "health_check_details", "health_check_model"), ("carried", _NOT_NEEDED + "a provider's health is told by the calls themselves.", None)),
    **dict.fromkeys(("disable_spend_logs", "disable_spend_updates", "proxy_batch_write_at", "proxy_budget_rescheduler_min_time", "proxy_budget_rescheduler_max_time", "disable_error_logs", "disable_reset_budget"), ("carried", _NOT_NEEDED + "what was spent is always written, in the commit of the call.", None)),
    "pass_through_endpoints": ("left_out", "Assay passes on the protocols that it speaks, and no other address.", None),
    "allowed_ips": ("left_out", "Assay has networks for each key.", "Give the keys `addresses`."),
    "forward_client_headers_to_llm_api": ("left_out", "Assay passes on the headers that the protocol knows.", None),
    "infer_model_from_keys": ("left_out", "Assay lists what is configured.", None),
    "maximum_spend_logs_retention_interval": ("carried", _NOT_NEEDED + "what is too old is deleted every hour.", None),
    # the whole file
    **dict.fromkeys(("guardrails", "prompts", "policies"), ("left_out", "Assay has no guardrails.", None)),
    **dict.fromkeys(("mcp_servers", "mcp_tools", "agent_list", "vector_store_registry", "search_tools", "assistant_settings"), ("left_out", "Assay is a gateway of models only.", None)),
    **dict.fromkeys(("files_settings", "finetune_settings", "batch_settings"), ("left_out", "Assay passes on no files, batches and fine-tunings.", None)),
}  # fmt: skip
