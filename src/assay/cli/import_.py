"""``assay import``: one's own work, brought in to be asked again."""

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

import click

from assay.challenge.work import LARGEST_FILE
from assay.cli.configure import Configured
from assay.cli.exits import OK, PARTLY
from assay.cli.options import as_json, configured
from assay.cli.output import emit, say, table
from assay.cli.remote import Server, any_server
from assay.core import AssayError, TooLarge

_MOST_NAMED = 20
_WORK = "/api/v1/work"
_COLUMNS = {"name": "name", "items": "items", "format": "format", "origin": "from", "at": "at"}


@click.command("import")
@click.argument("files", metavar="[FILE...]", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", help="Name of the collection; several files become one.  [default: each file's own name]")
@click.option("--add", "mode", flag_value="add", help="Add to a collection that is there already.")
@click.option("--replace", "mode", flag_value="replace", help="Put this in the place of a collection that is there already.")
@click.option("--forget", metavar="NAME", help="Forget the collection NAME instead.")
@as_json
@configured()
async def import_(
    configured: Configured,
    files: tuple[Path, ...],
    name: str | None,
    mode: Literal["add", "replace"] | None,
    forget: str | None,
    as_json: bool,
) -> int:
    """Bring in your own work: prompts, chat transcripts, OpenAI batch files, LiteLLM spend logs, Claude Code and Codex sessions.

    What each FILE is, is told by looking. Lines that cannot be read are named; then the exit code is 5. Without a FILE, the
    collections that were brought in are listed.
    """
    async with any_server(configured.settings) as server:
        if not files or forget is not None:
            kept = await (server.get(_WORK) if forget is None else server.delete(f"{_WORK}/{quote(forget, safe='')}"))
            emit(kept["work"], as_json, table(kept["work"], _COLUMNS))
            return OK
        return await _bring_all(server, files, name, mode, as_json)


async def _bring_all(
    server: Server, files: tuple[Path, ...], name: str | None, mode: Literal["add", "replace"] | None, as_json: bool
) -> int:
    """Each file in turn; one that cannot be read does not keep the others out."""
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for file in files:
        again = name is not None and done
        try:
            done.append(await _bring_in(server, file, name or _name_of(file), "add" if again else mode or "new"))
        except AssayError as error:
            if len(files) == 1:
                raise
            failed.append({"file": file.name, "code": error.code, "message": error.message})
    emit({"imported": done, "failed": failed}, as_json, "\n".join(_line(one) for one in done))
    for one in done:
        _explain(one)
    for trouble in failed:
        say(f"error: {trouble['file']}: {trouble['message']} ({trouble['code']})")
    return PARTLY if failed or any(one["bad"] for one in done) else OK


async def _bring_in(server: Server, file: Path, name: str, mode: str) -> dict[str, Any]:
    if file.stat().st_size > LARGEST_FILE:
        raise TooLarge("work.file_too_large", f"{file.name!r} is larger than {LARGEST_FILE >> 20} MiB.", hint="Bring it in parts.")
    query = urlencode({"name": name, "file": file.name, "mode": mode})
    imported: dict[str, Any] = await server.post(f"{_WORK}?{query}", file.read_bytes())
    return {"file": file.name, **imported}


def _name_of(file: Path) -> str:
    return re.sub(r"[^\w.-]+", "-", file.stem).strip("-._")[:64] or "work"


def _line(one: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {category}" for category, count in one["categories"].items())
    known = "" if one["added"] == one["items"] else f", {one['added']} of them new"
    holds = f"{one['name']!r} holds {one['items']} item{'' if one['items'] == 1 else 's'}"
    return f"{one['file']}, read as {one['format']}: {holds}{known} ({kinds})."


def _explain(one: dict[str, Any]) -> None:
    for note in one["notes"]:
        say(f"{one['file']}: {note}")
    for bad in one["bad"][:_MOST_NAMED]:
        say(f"{one['file']}: line {bad['line']}: {bad['reason']}")
    if len(one["bad"]) > _MOST_NAMED:
        say(f"{one['file']}: ... and {len(one['bad']) - _MOST_NAMED} more bad lines; --json names them all")
