"""Which providers there are, which keys and models are known for them, and where each fact came from.

The shipped rows come first; a row of the same name from the database replaces one, and a row from the configuration file
replaces both. Nothing here is on a request's way:
`Registry.load` makes the `Snapshot` that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from assay.core import Alias, Conflict, InvalidInput, Limits, NotFound, Provider
from assay.core.settings import Settings
from assay.gateway.aliases import check_alias
from assay.gateway.provider_keys import KnownKey, check_key_name, check_provider_key, find_key, find_more, record_of
from assay.gateway.providers import check_provider, shipped_providers
from assay.gateway.providers.blanks import check_value, missing_values
from assay.gateway.snapshot import Snapshot
from assay.gateway.upstream import DEFAULT_KEY, Upstream, mark_of
from assay.store.aliases import delete_alias, load_aliases, save_alias
from assay.store.database import Database
from assay.store.keys import PEPPER, load_askers
from assay.store.queries import (
    delete_provider,
    delete_secret,
    delete_setting,
    load_providers,
    load_secrets,
    load_settings,
    save_provider,
    save_secret,
    save_setting,
)
from assay.store.rotation import keep_up
from assay.store.vault import Vault

_MODELS = "gateway.models."
_ENABLED = "gateway.enabled."
_VALUES = "gateway.values."
_LIMITS = "gateway.limits."


class KnownAlias(msgspec.Struct, frozen=True):
    """An alias, and where it is written: in the ``database``, or in the ``file``, which wins."""

    alias: Alias
    origin: Literal["database", "file"]


class Entry(msgspec.Struct, frozen=True):
    """A provider with what is known of it here. ``models`` are the names it listed when last asked, ``more`` its further keys."""

    provider: Provider
    key: KnownKey
    enabled: bool
    models: tuple[str, ...]
    more: tuple[KnownKey, ...] = ()
    limits: Limits = Limits()

    @property
    def is_ready(self) -> bool:
        """Whether its models can be called."""
        return self.enabled and (bool(self.keys) or self.provider.auth == "none") and not self.missing

    @property
    def keys(self) -> tuple[KnownKey, ...]:
        """All that are known."""
        return tuple(key for key in (self.key, *self.more) if key.secret is not None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parameters that nobody has given yet, such as a region."""
        return missing_values(self.provider)

    @property
    def marks(self) -> dict[str, int]:
        """The marks of its keys by their names, as `Health` knows them; one without a key has one all the same."""
        if not self.keys:
            return {DEFAULT_KEY: mark_of(self.provider, DEFAULT_KEY, None)}
        return {key.name: mark_of(self.provider, key.name, key.secret.reveal()) for key in self.keys if key.secret is not None}

    def upstream(self) -> Upstream:
        """The way to it."""
        secrets = {key.name: key.secret.reveal() for key in self.keys if key.secret is not None}
        return Upstream(self.provider, secrets.pop(DEFAULT_KEY, None), secrets)


class Registry:
    """``environ`` is where provider keys are looked for after the vault."""

    def __init__(self, db: Database, vault: Vault, settings: Settings, environ: Mapping[str, str]):
        self._db = db
        self._vault = vault
        self.settings = settings
        self._environ = environ
        self._shipped = shipped_providers()
        self.entries: Mapping[str, Entry] = {}
        self.aliases: Mapping[str, KnownAlias] = {}

    async def load(self) -> Snapshot:
        """Read everything anew.

        Raises:
            Unavailable: the database cannot be read, or the vault's key is another one.
        """
        await keep_up(self._db, self._vault)
        sealed = {record: kept.secret for record, kept in (await load_secrets(self._db, self._vault)).items()}
        stored = await load_settings(self._db)
        rows = dict(self._shipped)
        for row in (*await load_providers(self._db), *self.settings.providers):
            rows[row.name] = row
        self.entries = {
            name: Entry(
                provider=self._placed(row, stored),
                key=find_key(row, sealed, self._environ),
                enabled=self._is_enabled(row, stored),
                models=tuple(stored.get(_MODELS + name, ())),
                more=find_more(row, sealed, self._environ),
                limits=msgspec.convert(stored.get(_LIMITS + name, {}), Limits),
            )
            for name, row in rows.items()
        }
        self.aliases = await self._load_aliases()
        enabled = [entry for entry in self.entries.values() if entry.enabled]
        return Snapshot(
            [entry.upstream() for entry in enabled],
            {entry.provider.name: entry.models for entry in enabled},
            keys=await load_askers(self._db, self._vault),
            pepper=self._vault.derive(PEPPER),
            aliases={name: known.alias for name, known in self.aliases.items()},
            disabled=frozenset(self.entries) - {entry.provider.name for entry in enabled},
        )

    def get(self, name: str) -> Entry:
        """The provider of that name.

        Raises:
            NotFound: ``provider.not_found``.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise NotFound(
                "provider.not_found", f"There is no provider {name!r}.", hint=f"There are: {', '.join(sorted(self.entries))}."
            )
        return entry

    async def set_key(self, name: str, key: str, key_name: str = DEFAULT_KEY) -> None:
        """Seal one of a provider's keys in the vault, in place of an older one of that name.

        Raises:
            InvalidInput: ``provider.key``: empty, or nothing that a header can carry; ``provider.key_name``. NotFound: no such
                provider.
        """
        entry = self.get(name)
        check_key_name(key_name)
        await save_secret(self._db, self._vault, record_of(name, key_name), check_provider_key(key, entry.provider.auth))

    async def forget_key(self, name: str, key_name: str = DEFAULT_KEY) -> None:
        """Remove one of a provider's keys from the vault; one in the environment stays.

        Raises:
            NotFound: ``provider.key_not_found``: it has no further key of that name. Conflict: ``provider.key_in_environment``.
        """
        known = {key.name: key for key in self.get(name).keys}
        if key_name != DEFAULT_KEY and key_name not in known:
            raise NotFound(
                "provider.key_not_found",
                f"The provider {name!r} has no key {key_name[:80]!r}.",
                hint=f"It has: {', '.join(known) or 'none'}.",
            )
        if key_name != DEFAULT_KEY and known[key_name].source == "environment":
            raise Conflict(
                "provider.key_in_environment",
                f"The key {key_name!r} of {name!r} is in the environment.",
                hint="Remove the variable, and start Assay again.",
            )
        await delete_secret(self._db, record_of(name, key_name))

    async def set_values(self, name: str, values: Mapping[str, str]) -> None:
        """Fill in parameters of a provider's row, such as its region; an empty value takes one away again.

        Raises:
            InvalidInput: ``provider.parameter``. NotFound: no such provider.
        """
        provider = self.get(name).provider
        checked = {known: check_value(provider, known, value) if value.strip() else "" for known, value in values.items()}
        stored = (await load_settings(self._db)).get(_VALUES + name, {})
        await save_setting(self._db, _VALUES + name, {known: value for known, value in {**stored, **checked}.items() if value})

    async def enable(self, name: str, enabled: bool) -> None:
        """Allow or stop calls to a local provider.

        Raises:
            Conflict: ``provider.not_local``: others are enabled by their key.
        """
        if self.get(name).provider.kind != "local":
            raise Conflict(
                "provider.not_local",
                f"{name!r} is not a local provider.",
                hint="It is enabled by its key, and disabled by removing it.",
            )
        await save_setting(self._db, _ENABLED + name, enabled)

    async def limit(self, name: str, limits: Limits) -> None:
        """Bound how much a provider is asked at a time, by all together.

        Raises:
            NotFound: no such provider.
        """
        self.get(name)
        await save_setting(self._db, _LIMITS + name, limits)

    async def set_alias(self, name: str, alias: Alias) -> None:
        """Store an alias, in place of an older one of its name.

        Raises:
            InvalidInput: ``alias.name``; ``alias.target``: a target is no deployment. Conflict: ``alias.in_file``.
        """
        check_alias(name, alias, self.entries.values())
        self._check_not_filed(name)
        await save_alias(self._db, name, alias)

    async def remove_alias(self, name: str) -> None:
        """Forget an alias.

        Raises:
            NotFound: ``alias.not_found``. Conflict: ``alias.in_file``.
        """
        self._check_not_filed(name)
        if name not in self.aliases:
            known = ", ".join(sorted(self.aliases)) or "none"
            raise NotFound("alias.not_found", f"There is no alias {name[:80]!r}.", hint=f"There are: {known}.")
        await delete_alias(self._db, name)

    def _check_not_filed(self, name: str) -> None:
        if name in self.settings.aliases:
            raise Conflict(
                "alias.in_file", f"The alias {name!r} stands in the configuration file.", hint="Change it there.", param="name"
            )

    async def add(self, provider: Provider) -> None:
        """Store a provider of the user's own.

        Raises:
            InvalidInput: the row is unusable. Conflict: ``provider.exists``.
        """
        check_provider(provider)
        if provider.base_url.startswith("http+unix:"):
            raise InvalidInput(
                "provider.base_url",
                "A provider behind a Unix socket is not added over the API.",
                hint="Write it into the configuration file.",
                param="base_url",
            )
        before = self.entries.get(provider.name)
        if before is not None and before.provider.origin != "database":
            raise Conflict(
                "provider.exists", f"There is already a provider {provider.name!r}.", hint="Choose another name.", param="name"
            )
        await save_provider(self._db, provider)

    async def remove(self, name: str) -> None:
        """Forget a provider of the user's own, with its key and models.

        Raises:
            Conflict: ``provider.shipped``: it is not the database's to forget.
        """
        if self.get(name).provider.origin != "database":
            raise Conflict("provider.shipped", f"{name!r} was not added here and cannot be removed.")
        entry = self.get(name)
        await delete_provider(self._db, name)
        for key in (DEFAULT_KEY, *(key.name for key in entry.more)):
            await delete_secret(self._db, record_of(name, key))
        for prefix in (_MODELS, _ENABLED, _VALUES, _LIMITS):
            await delete_setting(self._db, prefix + name)

    async def note_models(self, name: str, models: tuple[str, ...]) -> None:
        """Remember what a provider listed."""
        await save_setting(self._db, _MODELS + name, models)

    def _placed(self, row: Provider, stored: Mapping[str, Any]) -> Provider:
        """The row with its blanks filled in: from the row itself, else the database, else the environment. For a provider that is
        this process, the socket's path is filled in.
        """
        if row.parameters:
            return msgspec.structs.replace(
                row, values={**self._ambient_values(row), **stored.get(_VALUES + row.name, {}), **row.values}
            )
        if row.kind != "practice":
            return row
        return msgspec.structs.replace(row, base_url=f"http+unix://{quote(str(self.settings.practice_socket), safe='')}/v1")

    def _ambient_values(self, row: Provider) -> dict[str, str]:
        values = {}
        for name, parameter in row.parameters.items():
            for variable in parameter.env:
                value = self._environ.get(variable, "").strip()
                if value and _can_stand(row, name, value):
                    values[name] = value
                    break
        return values

    def _is_enabled(self, row: Provider, stored: Mapping[str, Any]) -> bool:
        if row.kind == "practice":
            return self.settings.demo
        if row.kind == "local":
            return bool(stored.get(_ENABLED + row.name, row.origin != "shipped"))
        return True

    async def _load_aliases(self) -> dict[str, KnownAlias]:
        """Those of the database, and those of the configuration file, which win."""
        stored = {name: KnownAlias(alias, "database") for name, alias in (await load_aliases(self._db)).items()}
        filed = {
            name: KnownAlias(Alias.to(known) if isinstance(known, str) else known, "file")
            for name, known in self.settings.aliases.items()
        }
        return stored | filed


def _can_stand(row: Provider, name: str, value: str) -> bool:
    try:
        check_value(row, name, value)
    except InvalidInput:
        return False
    return True
