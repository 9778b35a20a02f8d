"""Where an entry of LiteLLM's ``model_list`` is answered: its provider, its address and its key, as a row of ours.

Sources: the pages of https://docs.litellm.ai/docs/providers, as of 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from assay.gateway.moving.litellm_providers import BARE_NAMES, NOT_HERE, PROVIDERS, Known
from assay.gateway.moving.plan import Draft, Site, host_of, own_network
from assay.gateway.moving.table import Table
from assay.store.vault import Secret

_FROM_ENVIRONMENT = "os.environ/"
_AZURE_HOST = ".openai.azure.com"
_FOUNDRY_HOST = ".services.ai.azure.com"
_UNDATED = frozenset(("v1", "preview", "latest"))
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_REGION = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]+-[0-9]")
_WAYS = frozenset(("converse", "converse_like", "invoke", "responses", "chat", "o_series", "gpt5_series", "bedrock", "openai_like"))
"""What LiteLLM writes between a provider and its model to choose a way of its own."""

_Found = tuple[str | None, dict[str, Any], tuple[str, ...], tuple[Secret, ...], str]
"""The row that it is like, how it differs, variables and keys in clear, and the model's name there."""


class Environment:
    """What ``os.environ/NAME`` stands for. ``given`` is what the file itself sets; ``used`` what of it was asked for."""

    def __init__(self, environ: Mapping[str, str], given: Mapping[str, Secret]):
        self._environ = environ
        self._given = given
        self.used: set[str] = set()

    def name_in(self, value: str) -> str | None:
        """The variable that ``value`` names, if it names one."""
        return value.removeprefix(_FROM_ENVIRONMENT) if value.startswith(_FROM_ENVIRONMENT) else None

    def secret(self, name: str) -> Secret | None:
        """What the file sets that variable to."""
        if name in self._given:
            self.used.add(name)
        return self._given.get(name)

    def plain(self, value: str | None) -> str | None:
        """``value`` itself, or what the variable holds that it names; None where that is not set. For what is no secret."""
        if value is None or (name := self.name_in(value)) is None:
            return value
        given = self.secret(name)
        return given.reveal() if given is not None else self._environ.get(name)


class SiteReader:
    """Reads ``litellm_params``. ``credentials`` are the sets of them that entries may name."""

    def __init__(self, draft: Draft, environment: Environment, credentials: Mapping[str, Mapping[str, Any]]):
        self._draft = draft
        self.environment = environment
        self._credentials = credentials

    def read(self, params: Table) -> tuple[Site, str] | None:
        """The site and the model's name there; None, with a note, where there is no such thing here."""
        written = params.text("model")
        if written is None:
            self._draft.note("left_out", params.at, "has no `model`.")
            return None
        if (name := params.text("litellm_credential_name")) is not None:
            params = params.under(self._credentials.get(name, {}))
        prefix, model = _split(written, params.text("custom_llm_provider"))
        if not model:
            self._draft.note("left_out", params.place("model"), f"{written!r} names no model.")
            return None
        found = self._find(prefix, model, params)
        if found is None:
            return None
        like, row, variables, keys, model = found
        if headers := self._headers(params):
            row["headers"] = headers
        return self._draft.site(Site(like, row, variables, keys)), model

    def _find(self, prefix: str | None, model: str, params: Table) -> _Found | None:
        ways: dict[str, Callable[[str, Table], _Found | None]] = {
            "azure": self._azure,
            "azure_text": self._azure,
            "azure_ai": self._foundry,
            "bedrock": self._bedrock,
            "bedrock_converse": self._bedrock,
            "vertex_ai": self._vertex,
            "vertex_ai_beta": self._vertex,
        }
        if prefix in ways:
            return ways[prefix](model, params)
        return self._plain(prefix, model, params)

    def _plain(self, prefix: str | None, model: str, params: Table) -> _Found | None:
        base, at = self.environment.plain(params.text("api_base") or params.text("base_url")), params.place("model")
        known = PROVIDERS.get(prefix or "")
        if prefix in NOT_HERE:
            self._draft.note(
                "left_out", at, f"{prefix!r} speaks a protocol of its own.", "Reach its models through a provider that Assay knows."
            )
            return None
        if known is None and base is None:
            what = f"There is no provider {prefix!r} here" if prefix else f"LiteLLM alone knows whose model {model!r} is"
            self._draft.note("left_out", at, f"{what}, and no api_base is given.", "Add it: docs/guides/add-a-provider.md.")
            return None
        if known is None:
            known = Known(None)
            self._draft.note("approximated", at, f"{prefix!r} is taken to speak OpenAI's chat completions at its api_base.")
        variables, keys = self._key(params, known.variables)
        if known.like is None or (known.like == "openai" and base is not None and not _is_openai(base)):
            if base is None:
                self._draft.note(
                    "left_out", params.place("api_base"), "not known.", "Set the variable that it names, and import again."
                )
                return None
            return None, {"base_url": _trimmed(base)} | own_network(base) | _unkeyed(variables, keys), variables, keys, model
        row: dict[str, Any] = {}
        shipped = self._draft.shipped[known.like]
        if base is not None and (address := _with_path(base, known.path)) != shipped.base_url:
            row["base_url"] = address
        if shipped.auth == "none":
            if params.has("api_key"):
                row["auth"] = "bearer"
            else:
                variables, keys = (), ()
        if "organization" in shipped.parameters and (organization := self.environment.plain(params.text("organization"))):
            row["values"] = {"organization": organization}
        return known.like, row, variables, keys, model

    def _key(self, params: Table, usual: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Secret, ...]]:
        """The variables that hold the key, or the key itself where the file has it in clear."""
        written = params.text("api_key")
        if written is None:
            given = [secret for name in usual if (secret := self.environment.secret(name)) is not None]
            return (usual, ()) if not given else ((), (given[0],))
        name = self.environment.name_in(written)
        secret = Secret(written) if name is None else self.environment.secret(name)
        if secret is not None:
            self._draft.note("carried", params.place("api_key"), "a key in clear: sealed in the vault, and in no file.")
            return (), (secret,)
        return (name or "",), ()

    def _azure(self, model: str, params: Table) -> _Found | None:
        base = self.environment.plain(params.text("api_base") or params.text("base_url")) or self.environment.plain(
            f"{_FROM_ENVIRONMENT}AZURE_API_BASE"
        )
        version = self.environment.plain(params.text("api_version") or f"{_FROM_ENVIRONMENT}AZURE_API_VERSION")
        variables, keys = self._key(params, ("AZURE_API_KEY",))
        like = "azure" if version in _UNDATED else "azure-deployments"
        values = {} if version is None or like == "azure" else {"api_version": version}
        host = host_of(base or "")
        if not host:
            self._draft.note(
                "left_out", params.place("api_base"), "not known.", "Set the variable that it names, and import again."
            )
            return None
        row: dict[str, Any] = {"values": {"resource": host.split(".")[0], **values}}
        if not host.endswith(_AZURE_HOST):
            path = "/openai/v1" if like == "azure" else "/openai"
            row["base_url"] = f"https://{host}{path}"
        return like, row, variables, keys, model

    def _foundry(self, model: str, params: Table) -> _Found | None:
        base = self.environment.plain(params.text("api_base"))
        host = host_of(base or "")
        variables, keys = self._key(params, ("AZURE_AI_API_KEY",))
        if base is None or not host:
            self._draft.note(
                "left_out", params.place("api_base"), "not known.", "Set the variable that it names, and import again."
            )
            return None
        if model.startswith("claude") and host.endswith(_FOUNDRY_HOST):
            return "azure-anthropic", {"values": {"resource": host.removesuffix(_FOUNDRY_HOST)}}, variables, keys, model
        self._draft.note("approximated", params.place("model"), "taken to speak OpenAI's chat completions at its api_base.")
        return None, {"base_url": _trimmed(base), "auth": "api-key"}, variables, keys, model

    def _bedrock(self, model: str, params: Table) -> _Found | None:
        if (region_in_path := _REGION.match(model)) is not None and model[region_in_path.end() :].startswith("/"):
            region: str | None = region_in_path[0]
            model = model[region_in_path.end() + 1 :]
        else:
            region = self.environment.plain(params.text("aws_region_name") or f"{_FROM_ENVIRONMENT}AWS_REGION_NAME")
        row: dict[str, Any] = {"values": {"region": region}} if region else {}
        variables, keys = self._key(params, ()) if params.has("api_key") else ((), self._aws_key(params))
        return "bedrock", row, variables, keys, model

    def _aws_key(self, params: Table) -> tuple[Secret, ...]:
        parts = [params.text(f"aws_{name}") for name in ("access_key_id", "secret_access_key", "session_token")]
        if profile := params.text("aws_profile_name"):
            return (Secret(f"profile:{profile}"),)
        secrets = [self._part(part) for part in parts if part is not None]
        known = [secret.reveal() for secret in secrets if secret is not None]
        if len(known) >= 2 and len(known) == len(secrets):
            self._draft.note("carried", params.place("aws_access_key_id"), "in clear: sealed in the vault, and in no file.")
            return (Secret(":".join(known)),)
        if any(part is not None and part.removeprefix(f"{_FROM_ENVIRONMENT}AWS_") == part for part in parts):
            self._draft.note(
                "left_out",
                params.place("aws_access_key_id"),
                "names variables that Assay does not look in.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or seal them: assay provider add bedrock.",
            )
        return ()

    def _part(self, written: str) -> Secret | None:
        name = self.environment.name_in(written)
        return Secret(written) if name is None else self.environment.secret(name)

    def _vertex(self, model: str, params: Table) -> _Found | None:
        like = "vertex-anthropic" if model.startswith("claude") else "vertex-openai" if "/" in model else "vertex"
        project = self.environment.plain(params.text("vertex_project"))
        location = self.environment.plain(params.text("vertex_location"))
        values = {name: value for name, value in (("project", project), ("location", location)) if value}
        credentials = params.take("vertex_credentials", (str, Mapping))
        keys: tuple[Secret, ...] = ()
        if isinstance(credentials, Mapping):
            keys = (Secret(msgspec.json.encode(credentials).decode()),)
        elif credentials is not None and credentials.lstrip().startswith("{"):
            keys = (Secret(credentials.strip()),)
        elif credentials is not None:
            self._draft.note(
                "left_out",
                params.place("vertex_credentials"),
                "names a file with the credentials.",
                f"Point GOOGLE_APPLICATION_CREDENTIALS at it, or seal it: assay provider add {like} < FILE.",
            )
        if keys:
            self._draft.note("carried", params.place("vertex_credentials"), "in clear: sealed in the vault, and in no file.")
        return like, {"values": values} if values else {}, (), keys, model

    def _headers(self, params: Table) -> dict[str, str]:
        headers = params.table("extra_headers")
        found = {}
        for name, value in headers.left():
            if not isinstance(value, str) or _SECRET_HEADER.search(name) or value.startswith(_FROM_ENVIRONMENT):
                self._draft.note("left_out", headers.place(name), "may hold a secret, which no file should.")
            else:
                found[name] = value
        return found


def _split(written: str, provider: str | None) -> tuple[str | None, str]:
    """The provider and the model that ``provider/model`` names; ways of LiteLLM's own between them are left out."""
    prefix, slash, model = written.partition("/")
    if provider is not None:
        prefix, model = provider, model if slash and prefix == provider else written
    elif not slash or (prefix not in PROVIDERS and prefix not in NOT_HERE and "." in prefix):
        return next((name for start, name in BARE_NAMES if written.startswith(start)), None), written
    head, slash, rest = model.partition("/")
    return prefix, rest if slash and head in _WAYS else model


def _is_openai(base: str) -> bool:
    host = host_of(base)
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _with_path(base: str, path: str) -> str:
    """``base`` with the path that LiteLLM adds to it, if it has none."""
    base = _trimmed(base)
    return base if "/" in base.partition("://")[2] else base + path


def _trimmed(base: str) -> str:
    return base.strip().rstrip("/").removesuffix("/chat/completions")


def _unkeyed(variables: tuple[str, ...], keys: tuple[Secret, ...]) -> dict[str, str]:
    """Without a key of any kind none is sent."""
    return {} if variables or keys else {"auth": "none"}
