"""A task of one's own from a table: a folder with the questions and a commented ``task.toml``, ready to run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.library import read_task
from assay.bench.new.coding import humaneval_row
from assay.bench.new.templates import TEMPLATES, Template
from assay.bench.rows import read_rows
from assay.core import Conflict, InvalidInput, NotFound

_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".json": "json", ".parquet": "parquet"}
_MARK = re.compile(r"<<(\w+)>>")


def make_task(
    folder: Path, source: Path | None, template: str, *, columns: Mapping[str, str | Sequence[str]] | None = None
) -> Path:
    """Make a task in ``folder``, whose name becomes the task's id, from the table ``source`` (CSV, JSON Lines, JSON or Parquet), or
    from the template's own worked rows where it is None. ``columns`` says which column plays which role of the template, where its
    name is another. The path of the ``task.toml`` is returned.

    Raises:
        NotFound: ``task.template_unknown``, with the nearest name.
        InvalidInput: ``task.column_missing``, with the nearest column; ``task.data_invalid``: no such table, or none of its rows.
        Conflict: ``task.exists``: the folder holds a task already.
    """
    kind = _find(template)
    if (folder / "task.toml").exists():
        raise Conflict("task.exists", f"{folder} holds a task already.", hint="Take another folder, or change the task.toml there.")
    rows = _rows(source) if source else [dict(row) for row in kind.rows]
    chosen = _columns(kind, rows, columns or {})
    folder.mkdir(parents=True, exist_ok=True)
    file = _write_rows(folder, source, rows, chosen, is_code=template == "coding")
    words = _words(folder, source, template, kind, rows, chosen) | {"file": file, "format": _FORMATS[Path(file).suffix]}
    path = folder / "task.toml"
    path.write_text(_MARK.sub(lambda mark: words[mark[1]], kind.text), "utf-8")
    try:
        read_task(folder)
    except InvalidInput:
        path.unlink()
        raise
    return path


def _find(template: str) -> Template:
    if template not in TEMPLATES:
        close = get_close_matches(template, TEMPLATES, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(TEMPLATES)}."
        raise NotFound("task.template_unknown", f"There is no template {template!r}.", hint=hint)
    return TEMPLATES[template]


def _rows(source: Path) -> list[dict[str, Any]]:
    form = _FORMATS.get(source.suffix.lower())
    if form is None or not source.is_file():
        raise InvalidInput("task.data_invalid", f"{source} is no table.", hint=f"A file that ends on {', '.join(_FORMATS)}.")
    rows = list(read_rows(source, form))
    if not rows:
        raise InvalidInput("task.data_invalid", f"{source} has no rows.")
    return rows


def _columns(kind: Template, rows: Sequence[Mapping[str, Any]], given: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """The column or columns of each role. The role of several takes all that no other has, where nothing is said."""
    there = list(rows[0])
    for role in given:
        if role not in kind.roles:
            raise InvalidInput("task.column_missing", f"The template has no {role!r}.", hint=f"It has: {', '.join(kind.roles)}.")
    chosen: dict[str, list[str]] = {}
    for role, holds in kind.roles.items():
        names = given.get(role, [] if role == kind.several else role)
        chosen[role] = [names] if isinstance(names, str) else list(names)
        for name in chosen[role]:
            if name not in there:
                raise _missing(role, holds, name, there)
    if kind.several and not chosen[kind.several]:
        taken = {name for names in chosen.values() for name in names}
        chosen[kind.several] = [name for name in there if name not in taken]
    return chosen


def _missing(role: str, holds: str, name: str, there: Sequence[str]) -> InvalidInput:
    close = get_close_matches(name, there, n=1) or list(there[:1])
    hint = f"Its columns are {', '.join(there)}; say for example `--column {role}={close[0]}`."
    return InvalidInput("task.column_missing", f"The table has no column {name!r} ({holds}).", hint=hint, param=role)


def _write_rows(
    folder: Path, source: Path | None, rows: Sequence[Mapping[str, Any]], chosen: Mapping[str, Sequence[str]], *, is_code: bool
) -> str:
    if is_code:
        name = "questions.jsonl"
        made = [
            humaneval_row(number, {role: str(row[names[0]]) for role, names in chosen.items()})
            for number, row in enumerate(rows, 1)
        ]
        (folder / name).write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in made))
        return name
    name = f"questions{source.suffix.lower() if source else '.csv'}"
    (folder / name).write_bytes(source.read_bytes() if source else _csv(rows))
    return name


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _words(
    folder: Path,
    source: Path | None,
    template: str,
    kind: Template,
    rows: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """What the marks of a template stand for. What comes from the table is written so that it can end no string of TOML."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._") or "task"
    words = {role: _harmless(names[0]) if names else "" for role, names in chosen.items()}
    if kind.several:
        words[kind.several] = ", ".join(map(_harmless, chosen[kind.several]))
        words[f"{kind.several}_quoted"] = ", ".join(f'"{_harmless(column)}"' for column in chosen[kind.several])
    return words | {
        "id": name,
        "title": name.replace("-", " ").capitalize(),
        "about": kind.about,
        "template": template,
        "count": f"{len(rows):,}",
        "source": _harmless(source.name) if source else "the template's own worked rows",
        "judge": "--judge MODEL " if "needs_judge" in kind.text else "",
    }


def _harmless(text: str) -> str:
    if re.search(r'["\\\x00-\x1f\x7f{}]', text):
        raise InvalidInput("task.data_invalid", f"{text!r} has a character that a column or path may not have here.")
    return text
