"""Where settings come from: flag > ``ASSAY_*`` > ``assay.toml`` > shipped defaults. Each value remembers its origin.

An unknown key is an error with a suggestion, never ignored: a misspelt limit is no limit.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from platformdirs import user_config_path, user_data_path

from assay.cli.tables import unknown_keys
from assay.core import InvalidInput, NotFound, Provider, Settings

FILE = "assay.toml"
_LONGEST_SOCKET_PATH = 103
"""Bytes: of the systems that Assay runs on, macOS allows the least."""
TABLES = frozenset({"providers", "aliases", "oidc_roles", "rates", "webhooks"})
"""Settings that only the file can hold."""
_KINDS = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != "providers"}
"""What each setting may hold; rows of providers are completed first."""
LISTS = frozenset(
    name for name, kind in _KINDS.items() if get_origin(get_args(kind)[0] if get_origin(kind) is Annotated else kind) is tuple
)
"""Settings of several words; a variable has them with commas between."""
NAMES = tuple(field.name for field in msgspec.structs.fields(Settings))
NOT_SETTINGS = frozenset(
    {
        *("ASSAY_CONFIG", "ASSAY_CHROMIUM", "ASSAY_TEST_DATABASE_URL", "ASSAY_SKIP_WEB", "ASSAY_SKIP_APT", "ASSAY_URL"),
        *("ASSAY_EVALPLUS_PYTHON", "ASSAY_INSPECT_PYTHON"),
    }
)
"""Variables that begin like a setting and are none: they are for the build, the tests and `make dev`."""


class Origin(msgspec.Struct, frozen=True):
    """Where one value came from: ``kind`` is ``flag``, ``environment``, ``file`` or ``shipped``; ``at`` is the variable or the path."""

    kind: str
    at: str = ""


class Configured(msgspec.Struct, frozen=True):
    """The settings, the origin of each by name, the file that was read, and the flags that were given."""

    settings: Settings
    origins: dict[str, Origin]
    file: Path | None
    flags: Mapping[str, Any]


def configure(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ, file: Path | None = None) -> Configured:
    """Settle every setting. ``flags`` holds only what was given.

    Raises:
        InvalidInput: a key is unknown or a value is not of its type; the message names both.
        NotFound: a configuration file was named and is not there.
    """
    values: dict[str, Any] = {"data": user_data_path("assay"), "master_key": user_config_path("assay") / "master.key"}
    origins = dict.fromkeys(NAMES, Origin("shipped"))
    found = _find_file(file, environ)
    if found is not None:
        table = read_file(found)
        values |= table
        origins |= dict.fromkeys(table, Origin("file", str(found)))
    for name in NAMES:
        variable = f"ASSAY_{name.upper()}"
        if name not in TABLES and environ.get(variable):
            values[name] = _split(environ[variable]) if name in LISTS else environ[variable]
            origins[name] = Origin("environment", variable)
    values |= flags
    origins |= dict.fromkeys(flags, Origin("flag"))
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise _named(error, values, origins) from error
    return Configured(_resolved(settings), origins, found, flags)


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def shown(name: str, value: Any) -> Any:
    """The value of the setting ``name`` as it may be shown: no password, no key of a provider's header, no address that is a key."""
    if name == "database":
        return _without_password(value)
    if name == "providers":
        return [provider.name for provider in value]
    if name == "webhooks":
        return [urlsplit(webhook.url).netloc for webhook in value]
    return msgspec.to_builtins(value, enc_hook=str)


def _without_password(url: str) -> str:
    """A database URL keeps its password before the ``@``, or among its parameters."""
    scheme, separator, rest = url.partition("://")
    return scheme + separator + re.sub(r"password=[^&]*", "password=***", re.sub(r"^[^/?]*@", "***@", rest))


def unknown_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """``ASSAY_*`` variables that mean nothing, most often a misspelt setting, each with a suggestion."""
    settings = [f"ASSAY_{name.upper()}" for name in NAMES if name not in TABLES]
    known = {*settings, *NOT_SETTINGS}
    return {name: suggest(name, settings) for name in sorted(environ) if name.startswith("ASSAY_") and name not in known}


def read_file(path: Path) -> dict[str, Any]:
    """The settings in the TOML file at ``path``, its keys checked; ``providers`` becomes a list of rows."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound("settings.no_file", f"There is no configuration file at {str(path)!r}.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("settings.unreadable_file", f"The configuration file {str(path)!r} cannot be read: {error}.") from error
    for key in table:
        if key not in NAMES:
            raise InvalidInput("settings.unknown_key", f"{str(path)!r} has an unknown key {key!r}.", hint=suggest(key), param=key)
    for name in table.keys() & _KINDS.keys():
        _check_keys(path, table[name], _KINDS[name], name)
    if "providers" in table:
        if not isinstance(table["providers"], dict) or not all(isinstance(row, dict) for row in table["providers"].values()):
            raise InvalidInput("settings.bad_value", f"{str(path)!r} has a provider that is no table [providers.NAME].")
        table["providers"] = [_provider_row(path, name, row) for name, row in table["providers"].items()]
    return table


def _provider_row(path: Path, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """The table ``[providers.NAME]``, with what it leaves out.

    One that is ``like`` a shipped row begins as that row, one without an address as the shipped row of its own name. Models are added
    to those of the shipped row, in the place of one of the same name.
    """
    # Imported when needed: few files have such a table, and the gateway is much to import.
    from assay.gateway.providers import complete_row, shipped_providers

    try:
        row = complete_row(row)
    except (ArithmeticError, AttributeError, TypeError):
        raise InvalidInput(
            "settings.bad_value", f"{str(path)!r} has a model or a price in [providers.{name}] that is none."
        ) from None
    like = row.pop("like", None if "base_url" in row else name)
    _check_keys(path, row, Provider, f"providers.{name}")
    own_key = {"key_env": [f"{name.upper().replace('-', '_')}_API_KEY"]}
    shipped = shipped_providers()
    if like not in shipped:
        if "base_url" in row and like is None:
            return {"title": name} | own_key | row | {"name": name, "origin": "file"}
        raise InvalidInput(
            "settings.unknown_provider",
            f"[providers.{name}] in {str(path)!r} has no base_url, and {like!r} is no provider that Assay ships.",
            hint=_nearest(str(like), shipped) or "`assay provider list` shows them all; another one needs its base_url.",
            param=f"providers.{name}",
        )
    begun = msgspec.structs.asdict(shipped[like])
    if like != name:
        begun |= {"title": f"{shipped[like].title} ({name})"} | own_key
    models = {model.get("name"): model for model in (*map(msgspec.to_builtins, shipped[like].models), *row.get("models", ()))}
    return begun | row | {"name": name, "origin": "file", "models": list(models.values())}


def _check_keys(path: Path, value: Any, kind: Any, at: str) -> None:
    for place, known in unknown_keys(value, kind, at):
        table, _, key = place.rpartition(".")
        raise InvalidInput(
            "settings.unknown_key",
            f"{str(path)!r} has an unknown key {key!r} in [{table}].",
            hint=_nearest(key, known) or f"There are: {', '.join(known)}.",
            param=place,
        )


def suggest(word: str, known: Iterable[str] = NAMES) -> str:
    """A sentence that names the nearest setting, or where to find them all."""
    return _nearest(word, known) or "`assay config show` lists every setting."


def _nearest(word: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f"Did you mean {near[0]!r}?" if near else None


def _read_path(kind: type, value: Any) -> Path:
    """The only type in `Settings` that msgspec does not know."""
    if kind is not Path or not isinstance(value, str | Path):
        raise ValueError(f"expected a path, got {type(value).__name__}")
    return Path(value)


def _find_file(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file
    if environ.get("ASSAY_CONFIG"):
        return Path(environ["ASSAY_CONFIG"])
    for candidate in (Path(FILE), user_config_path("assay") / FILE):
        if candidate.is_file():
            return candidate
    return None


def _resolved(settings: Settings) -> Settings:
    data = settings.data.expanduser().absolute()
    master_key = settings.master_key.expanduser().absolute()
    if master_key.is_relative_to(data):
        raise InvalidInput(
            "settings.master_key_inside_data",
            f"The master key {str(master_key)!r} lies inside the data folder {str(data)!r}, so one copy would give away both.",
            hint="Set `master_key` to a path outside it.",
            param="master_key",
        )
    settings = msgspec.structs.replace(settings, data=data, master_key=master_key)
    if len(longest := os.fsencode(settings.practice_socket)) > _LONGEST_SOCKET_PATH:
        raise InvalidInput(
            "settings.data_path_too_long",
            f"The data folder's path {str(data)!r} is {len(longest) - _LONGEST_SOCKET_PATH} bytes too long for the sockets in it.",
            hint="Choose a shorter one with --data.",
            param="data",
        )
    return settings


def _named(error: msgspec.ValidationError, values: dict[str, Any], origins: dict[str, Origin]) -> InvalidInput:
    """The error again, with the setting, its value and its origin."""
    reason, _, path = str(error).partition(" - at `$.")
    name = path.rstrip("`").split(".")[0].split("[")[0]
    if name not in values:
        return InvalidInput("settings.bad_value", f"A setting is wrong: {error}.")
    origin = origins[name]
    where = f" (from {origin.at})" if origin.at else ""
    shown = repr(values[name]) if name not in TABLES and name != "database" else "what was given"
    return InvalidInput("settings.bad_value", f"The setting {name!r} cannot be {shown}{where}: {reason}.", param=name)
