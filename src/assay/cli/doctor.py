"""``assay doctor``: is this machine fit, and what is to be done where it is not."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Iterator

import click
import msgspec

from assay import __version__
from assay.cli.configure import Configured, unknown_variables
from assay.cli.exits import FAILED, OK
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import running_server
from assay.cli.stored import stored
from assay.core import AssayError, NotFound, Settings
from assay.sandbox import probe
from assay.store import Vault
from assay.store.rotation import needed_key
from assay.web.pages import FOLDER

_LEAST_FREE_BYTES = 1024**3


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing looked at: ``ok``, what was found, and the way out where it is not well."""

    check: str
    ok: bool
    found: str
    hint: str | None = None


@click.command()
@as_json
@configured()
async def doctor(configured: Configured, as_json: bool) -> int:
    """Check this machine and this installation; says what to do about what it finds. Changes nothing."""
    settings = configured.settings
    findings = [
        *_installation(),
        *_folders(settings),
        await _master_key(settings),
        *_configuration(),
        await _sandbox(),
        await _server(settings),
        await _database(settings),
    ]
    emit(findings, as_json, table([msgspec.to_builtins(f) | {"ok": "ok" if f.ok else "NOT OK"} for f in findings], _COLUMNS))
    for finding in findings:
        if finding.hint:
            say(f"hint: {finding.check}: {finding.hint}")
    return OK if all(finding.ok for finding in findings) else FAILED


async def _sandbox() -> Finding:
    """Each layer is tried in a child that is thrown away."""
    layers = await asyncio.to_thread(probe)
    hint = (
        None
        if layers.is_enough
        else "Benchmarks that run code are refused until then; docs/concepts/sandbox.md says what is needed."
    )
    missing = [f"without {row.name}: {row.why}" for row in layers.rows if not row.stands]
    return Finding("sandbox", layers.is_enough, "; ".join([", ".join(layers.active), *missing]), hint)


_COLUMNS = {"check": "check", "ok": "state", "found": "found"}


def _installation() -> Iterator[Finding]:
    yield Finding("assay", True, __version__)
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "python", sys.version_info >= (3, 11), version, None if sys.version_info >= (3, 11) else "Install Python 3.11 or later."
    )
    built = (FOLDER / "index.html").is_file()
    yield Finding("page", built, "built" if built else "not built", None if built else "Run `make up`, or install the wheel.")


def _folders(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.data, *settings.data.parents) if os.path.exists(folder))
    free = shutil.disk_usage(place).free
    enough = free >= _LEAST_FREE_BYTES
    yield Finding(
        "disk", enough, f"{free / 1024**3:.1f} GiB free at {place}", None if enough else "Free some space, or move `data`."
    )
    usable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield Finding("data", usable, str(settings.data), None if usable else "Choose a folder that you may write, with --data.")


async def _master_key(settings: Settings) -> Finding:
    """Whether the key that the database needs is here, in the first file or in one beside it."""
    try:
        async with stored(settings) as database:
            needed = await needed_key(database)
    except AssayError:
        needed = None  # what is wrong with the database is a finding of its own
    found = None
    if os.path.exists(settings.master_key):
        try:
            found = Vault.open(settings.master_key, data_dir=settings.data)
        except AssayError as error:
            return Finding("master key", False, error.message, error.hint)
    if needed is not None and (found is None or found.fingerprint != needed):
        found = Vault.beside(settings.master_key, needed)
        if found is None:
            hint = f"Put that key file at {settings.master_key}."
            return Finding("master key", False, f"the database needs {needed}, which is not here", hint)
    return Finding("master key", True, str(found.source) if found is not None else f"will be made at {settings.master_key}")


def _configuration() -> Iterator[Finding]:
    unknown = unknown_variables()
    yield Finding(
        "environment",
        not unknown,
        ", ".join(unknown) or "no unknown ASSAY_ variables",
        " ".join(unknown.values()) or None,
    )


async def _server(settings: Settings) -> Finding:
    try:
        async with running_server(settings) as server:
            health = await server.get("/healthz")
    except AssayError as error:
        return _port(settings, error)
    return Finding("server", True, f"running, version {health['version']}")


def _port(settings: Settings, error: AssayError) -> Finding:
    if error.code != "local.no_server":
        return Finding("server", False, error.message, error.hint)
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            return Finding("server", False, f"not running; port {settings.port}: {fault.strerror}", "Choose another `--port`.")
    return Finding("server", True, f"not running; port {settings.port} is free")


async def _database(settings: Settings) -> Finding:
    try:
        async with stored(settings) as database:
            return Finding("database", True, f"{database.dialect}, up to date")
    except NotFound:
        return Finding("database", True, "will be made")
    except AssayError as error:
        return Finding("database", False, error.message, error.hint)
