"""``assay doctor``: is this machine fit, and what is to be done where it is not."""

import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator

import click
import msgspec

from assay import __version__
from assay.cli.configure import Configured, unknown_variables
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import running_server
from assay.core import AssayError, Settings
from assay.store import open_database, pending
from assay.web.compose import SCHEMAS
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
    findings = [*_installation(), *_folders(settings), *_configuration(), await _server(settings), await _database(settings)]
    emit(findings, as_json, table([msgspec.to_builtins(f) | {"ok": "ok" if f.ok else "NOT OK"} for f in findings], _COLUMNS))
    for finding in findings:
        if finding.hint:
            say(f"hint: {finding.check}: {finding.hint}")
    return 0 if all(finding.ok for finding in findings) else 1


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
    place = next(folder for folder in (settings.data, *settings.data.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    enough = free >= _LEAST_FREE_BYTES
    yield Finding(
        "disk", enough, f"{free / 1024**3:.1f} GiB free at {place}", None if enough else "Free some space, or move `data`."
    )
    writable = os.access(place, os.W_OK)
    yield Finding("data", writable, str(settings.data), None if writable else "Choose a folder that you may write, with --data.")
    key = settings.master_key
    if not key.exists():
        yield Finding("master key", True, f"will be made at {key}")
    else:
        private = not stat.S_IMODE(key.stat().st_mode) & 0o077
        yield Finding("master key", private, str(key), None if private else f"Run `chmod 600 {key}`.")


def _configuration() -> Iterator[Finding]:
    unknown = unknown_variables()
    yield Finding(
        "environment",
        not unknown,
        ", ".join(unknown) or "no unknown ASSAY_ variables",
        "Remove or rename them." if unknown else None,
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
    """Reads only: a database that is not there yet is made by `assay up`."""
    url = settings.database_url
    if url.startswith("sqlite:") and not (settings.data / "assay.db").exists() and not settings.database:
        return Finding("database", True, "will be made")
    try:
        database = await open_database(url)
    except AssayError as error:
        return Finding("database", False, error.message, error.hint)
    try:
        waiting = await pending(database, *SCHEMAS)
    except AssayError as error:
        return Finding("database", False, error.message, error.hint)
    finally:
        await database.close()
    return Finding(
        "database",
        not waiting,
        f"{database.dialect}, {len(waiting)} migrations to apply",
        "Run `assay db migrate`." if waiting else None,
    )
