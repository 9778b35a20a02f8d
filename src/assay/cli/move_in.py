"""``assay config import``: another gateway's configuration, as one of ours."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from assay.cli.configure import Configured, configure
from assay.cli.exits import OK, PARTLY
from assay.cli.options import as_json, configured
from assay.cli.output import emit, padded, say, width
from assay.cli.remote import any_server
from assay.cli.settle_in import Steps
from assay.core import Conflict, InvalidInput, Settings
from assay.gateway.moving import Note, Outcome, Plan, Product, read_plan, write_toml
from assay.gateway.providers import check_provider

_HEADINGS: dict[Outcome, str] = {"carried": "Carried", "approximated": "Nearly the same", "left_out": "Not carried"}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--from", "product", type=click.Choice(["litellm", "one-api", "new-api"]), help="Whose it is.  [default: told by looking]"
)
@click.option(
    "--write",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the configuration to this file, and seal the keys.",
)
@click.option("--dry-run", is_flag=True, help="Show what --write would do, and do nothing.")
@as_json
@configured()
async def import_(
    configured: Configured, file: Path, product: Product | None, target: Path | None, dry_run: bool, as_json: bool
) -> int:
    """Take over FILE: LiteLLM's config.yaml, or an export or the SQLite file of one-api or new-api.

    Without --write, the configuration is printed, and the report beside it. Provider keys that FILE has in clear are sealed in the
    vault, and clients' keys go on working; neither is ever printed or written to a file. What could not be carried is named.
    """
    today = datetime.now(UTC).date()
    plan = read_plan(file, product, os.environ, today)
    text = write_toml(
        plan, f"From {plan.source}'s {file.name}, {today}. Keys are not in here: they are in the vault or the environment."
    )
    report = _Report(plan, file)
    if target is None or dry_run:
        emit(report.document(text, None), as_json, text.rstrip())
        if not as_json:
            say("")
            say(f"{report.text()}\n\nNothing was written or sealed. Do it with --write assay.toml")
        return OK
    fresh = _write(target, text, configured.settings.data)
    steps = Steps(plan)
    settings = msgspec.structs.replace(configured.settings, providers=fresh.providers, aliases=fresh.aliases)
    if steps.wanted:
        async with any_server(settings) as server:
            await steps.take(server)
    emit(
        report.document(text, steps),
        as_json,
        f"{report.text()}\n\n{steps.text()}Written to {target}. Start with:  assay up --config {target}",
    )
    return PARTLY if steps.failed else OK


def _write(target: Path, text: str, data: Path) -> Settings:
    """Write the file, once it reads well beside the folder ``data``; what it says. One that is there already with the same text is left as it is."""
    if target.exists() and target.read_bytes() != text.encode():
        raise Conflict(
            "import.file_exists", f"{str(target)!r} is there already.", hint="Give another name, and move over what you want of it."
        )
    draft = target.with_name(f".{target.name}.{os.getpid()}.toml")
    try:
        draft.write_text(text, "utf-8")
        settings = configure({"data": data}, {}, draft).settings
        for provider in settings.providers:
            check_provider(provider)
        draft.replace(target)
    except InvalidInput as error:
        raise InvalidInput(
            error.code, error.message.replace(draft.name, target.name), hint=error.hint, param=error.param
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return settings


class _Report:
    """What became of every line."""

    def __init__(self, plan: Plan, file: Path):
        self._plan = plan
        self._file = file

    def document(self, text: str, steps: Steps | None) -> dict[str, Any]:
        """For machines; without any secret."""
        plan = self._plan
        return {
            "source": plan.source,
            "file": self._file,
            "toml": text,
            "aliases": len(plan.aliases),
            "notes": plan.notes,
            "keys": [{"provider": name, "from": "file"} for name in plan.keys_of]
            + [{"provider": name, "from": "environment", "variables": names} for name, names in plan.variables.items()],
            "client_keys": [key.name for key in plan.client_keys],
            "done": steps.done if steps is not None else [],
            "failed": steps.failed if steps is not None else [],
        }

    def text(self) -> str:
        """For people."""
        return "\n".join([self._summary(), *self._notes(), *self._keys()])

    def _summary(self) -> str:
        plan = self._plan
        used = plan.keys_of.keys() | plan.variables.keys() | plan.providers.keys()
        parts = [
            _count(len(plan.aliases), "alias", "aliases"),
            _count(len(used), "provider"),
        ]
        parts += [_count(len(plan.client_keys), "client key")] if plan.client_keys else []
        counts = ", ".join(f"{plan.count(outcome)} {heading.lower()}" for outcome, heading in _HEADINGS.items())
        return f"{plan.source}'s {self._file.name}: {', '.join(parts)}. Of its lines, {counts}."

    def _notes(self) -> Iterator[str]:
        for outcome, heading in _HEADINGS.items():
            notes = [note for note in self._plan.notes if note.outcome == outcome]
            if notes:
                yield f"\n{heading}"
                for note in notes:
                    yield from _lines(note)

    def _keys(self) -> Iterator[str]:
        plan = self._plan
        rows = [(name, f"in the file: sealed in the vault{_several(len(keys))}") for name, keys in plan.keys_of.items()]
        rows += [(name, _from_environment(names)) for name, names in plan.variables.items()]
        if plan.client_keys:
            yield f"\n{_count(len(plan.client_keys), 'key')} of clients\n  go on working as they are, with what is left of their money"
        if rows:
            yield "\nProvider keys"
            size = max(width(name) for name, _ in rows)
            yield from (f"  {padded(name, size)}  {said}" for name, said in sorted(rows))


def _lines(note: Note) -> Iterator[str]:
    where = f"line {note.line}: " if note.line is not None else ""
    # What was carried says itself where it went; what was not needs its own name.
    yield f"  {where}{note.said}" if "→" in note.said else f"  {where}{note.at}: {note.said}"
    if note.way_out is not None:
        yield f"      {note.way_out}"


def _from_environment(names: tuple[str, ...]) -> str:
    found = next((name for name in names if os.environ.get(name)), None)
    return f"{found} in the environment" if found else f"{' or '.join(names)} in the environment: not set here"


def _several(count: int) -> str:
    return f" ({count} of them)" if count > 1 else ""


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
