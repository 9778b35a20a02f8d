"""Everything that can be set, with its default and its meaning.

A value is taken from a flag, else from ``ASSAY_<NAME>`` in the environment, else from ``assay.toml``, else from the
database, else from here; ``assay config show`` names where each came from.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from assay.core.alert import AlertKind
from assay.core.alias import Alias
from assay.core.deployment import Provider
from assay.core.holder import AccountRole
from assay.core.rates import Rate


def _says(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


Bodies: TypeAlias = Literal["full", "hashed", "off"]
"""What is kept of what is said to models and by them: all, hashes only, or nothing."""
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alerts are sent. ``secret_file`` holds the secret that signs them; ``on`` are the kinds that are wanted, all where empty."""

    url: str
    secret_file: Path | None = None
    on: tuple[AlertKind, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One immutable set of settings. Descriptions are the reference page's."""

    data: Annotated[Path, _says("Folder of the database, the lock and the local socket. Made with mode 0700.")]
    master_key: Annotated[Path, _says("File of the 32-byte master key. Made with mode 0600 on first run; never inside `data`.")]
    database: Annotated[str, _says("`sqlite:///PATH` or `postgresql://...`. Empty: `assay.db` in `data`.")] = ""
    host: Annotated[
        str,
        _says(
            "Address to listen on. Beyond loopback only where an admin can sign in: by `admin_password_file`, or with an account."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535), _says("Port to listen on; 0 takes a free one.")] = 8470
    public_url: Annotated[
        str, _says("The address people use when a proxy stands in front, such as `https://assay.example.org`.")
    ] = ""
    admin_password_file: Annotated[Path | None, _says("File with the password of an admin without an account.")] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        _says("Networks of proxies whose X-Forwarded-For says where clients are, such as `10.0.0.0/8`. Empty: none is believed."),
    ] = ()
    oidc_issuer: Annotated[
        str, _says("Where people sign in by OpenID Connect: the issuer's `https://` address. Empty: they do not.")
    ] = ""
    oidc_client_id: Annotated[str, _says("What the issuer calls this Assay.")] = ""
    oidc_client_secret_file: Annotated[
        Path | None, _says("File with the client's secret; none for a public client, which PKCE protects alone.")
    ] = None
    oidc_scopes: Annotated[tuple[str, ...], _says("What is asked of the issuer beside `openid`.")] = ("email", "profile")
    oidc_roles: Annotated[
        dict[str, AccountRole],
        _says('`[oidc_roles]`: `"groups=platform" = "admin"` gives that role to whose claim has that value; the greatest counts.'),
    ] = {}
    oidc_default_role: Annotated[
        AccountRole | Literal[""],
        _says("The role of people whom the issuer vouches for and no rule names. Empty: only those who have an account get in."),
    ] = ""
    oidc_domains: Annotated[
        tuple[str, ...], _says("Domains of e-mail addresses that may sign in by OpenID Connect. Empty: all that the issuer knows.")
    ] = ()
    demo: Annotated[bool, _says("Enable the practice contestants and make a first gateway key.")] = False
    bodies: Annotated[
        Bodies,
        _says("What is kept of requests and replies: all, their hashes only, or nothing. Replaying one's own work needs `full`."),
    ] = "full"
    bodies_days: Annotated[int, msgspec.Meta(ge=1), _says("How many days bodies are kept.")] = 30
    cache_bytes: Annotated[
        int,
        msgspec.Meta(ge=0),
        _says(
            "About how many bytes of answers are kept to be given again, where an alias (`cache_s`) or a request (`assay-cache`) asks "
            "for that; 0: none. Only with `bodies` `full`."
        ),
    ] = 256 * 1024 * 1024
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024), _says("Largest request body that is read; a larger one gets 413.")] = (
        32 * 1024 * 1024
    )
    connect_timeout_s: Annotated[Seconds, _says("Seconds to reach an upstream.")] = 10.0
    first_byte_timeout_s: Annotated[Seconds, _says("Seconds until an upstream begins to answer.")] = 300.0
    idle_timeout_s: Annotated[Seconds, _says("Seconds of silence in the middle of an answer.")] = 60.0
    total_timeout_s: Annotated[Seconds, _says("Seconds that one attempt may take in all.")] = 1800.0
    allowed_networks: Annotated[
        tuple[str, ...],
        _says(
            "Private networks, such as `10.20.0.0/16`, that names of providers and webhooks may lead to. Addresses written out in a "
            "base URL, and local providers, need no such permission."
        ),
    ] = ()
    retry_wait_s: Annotated[
        float,
        msgspec.Meta(ge=0),
        _says(
            "Longest pause before the same target of an alias with `retries` is asked again; where a provider says later, the next is taken."
        ),
    ] = 10.0
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], _says("How much is logged, to standard error.")] = "INFO"
    log_format: Annotated[Literal["text", "json"], _says("How log lines are written: for people, or one JSON object each.")] = (
        "text"
    )
    log_calls: Annotated[
        bool, _says("Log a line for every call: who asked which model, how it ended, tokens, cost; never content.")
    ] = False
    metrics_token_file: Annotated[Path | None, _says("File with the token that lets others than this machine read `/metrics`.")] = (
        None
    )
    otel_endpoint: Annotated[
        str,
        _says(
            "Where OpenTelemetry spans of calls are sent (OTLP over HTTP), such as `http://localhost:4318`. Needs `modelassay[otel]`."
        ),
    ] = ""
    otel_content: Annotated[bool, _says("Put what was said into the spans, too.")] = False
    webhooks: Annotated[
        tuple[Webhook, ...],
        _says("`[[webhooks]]`: where alerts are sent: `url`, `secret_file` and, if not all, `on` (a list of kinds)."),
    ] = ()
    data_dir: Annotated[Path | None, _says("Folder with public data sets (`votes/`, ...) to read instead of fetching them.")] = None
    bench_tasks: Annotated[
        tuple[Path, ...], _says("Further folders with benchmark tasks of your own, beside `tasks` in the data folder.")
    ] = ()
    providers: Annotated[tuple[Provider, ...], _says("`[providers.NAME]` tables: more providers, or changed ones.")] = ()
    aliases: Annotated[
        dict[str, str | Alias],
        _says("`[aliases]`: names that clients may ask for, each with its deployment, or a table with several `targets`."),
    ] = {}
    workers: Annotated[
        int,
        msgspec.Meta(ge=0, le=64),
        _says("Processes that answer clients beside the one with the pages; 0: one process for all."),
    ] = 0
    drain_s: Annotated[Seconds, _says("Seconds that answers under way are given to end, when Assay is told to stop.")] = 25.0

    reserve_output_tokens: Annotated[
        int,
        msgspec.Meta(ge=1),
        _says(
            "Tokens of output that are set aside of budgets and limits for a request that does not say its most; a model's own bound if less."
        ),
    ] = 4096
    unpriced: Annotated[
        Literal["refuse", "allow"],
        _says("Whether a model of a cloud provider without a known price may be asked where a budget of money bounds the asker."),
    ] = "refuse"
    rates: Annotated[
        dict[str, Rate],
        _says("`[rates.EUR]`: `in_usd`, `date` and `source` of a currency, for budgets in another currency than a price."),
    ] = {}

    def __post_init__(self) -> None:
        for network in self.allowed_networks:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"allowed_networks holds no network such as 10.0.0.0/8: {error}") from None

    @property
    def database_url(self) -> str:
        """Where the database is, with the default filled in."""
        return self.database or f"sqlite:///{self.data / 'assay.db'}"

    @property
    def socket(self) -> Path:
        """The local door: commands talk to a running server here."""
        return self.data / "assay.sock"

    @property
    def control_socket(self) -> Path:
        """Where workers pass on what is not theirs to answer."""
        return self.data / "control.sock"

    @property
    def bench_folder(self) -> Path:
        """What the bench may fetch or make again: data of tasks, expected values."""
        return self.data / "bench"

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """Where tasks of one's own are looked for; the first is where new ones are put."""
        return (self.data / "tasks", *self.bench_tasks)

    @property
    def metrics_folder(self) -> Path:
        """Where processes leave their counts for each other."""
        return self.data / "metrics"

    @property
    def practice_socket(self) -> Path:
        """Where the practice contestants answer."""
        return self.data / "practice.sock"
