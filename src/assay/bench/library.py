"""The tasks there are: those shipped, those in folders of one's own, and, where allowed, one by the path to its folder.

Reading a ``task.toml`` runs nothing. A ``task.py`` beside it is the code of whoever put it there, and runs, with all rights of this
process, only when its task does; so a task is found by path only where whoever asks might as well run a program here
(``any_folder``: the command line, never a page).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.task import Task
from assay.core import AssayError, InvalidInput, NotFound, Sampling

SHIPPED = Path(__file__).parent / "tasks"
_FILE = "task.toml"
_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


class Survey(msgspec.Struct, frozen=True):
    """All tasks by id, and what is wrong with those that cannot be read."""

    tasks: tuple[Task, ...]
    broken: tuple[AssayError, ...]


class Library:
    """``folders`` hold tasks of one's own, each in a folder with a ``task.toml``. A name that is shipped cannot be taken."""

    def __init__(self, folders: Sequence[Path] = (), *, any_folder: bool = False):
        self._folders = tuple(folders)
        self._any_folder = any_folder

    def survey(self) -> Survey:
        """Every task, and every ``task.toml`` that is none."""
        tasks: dict[str, Task] = {}
        broken: list[AssayError] = []
        for folder in self._places():
            try:
                task = read_task(folder)
                if task.id in tasks:
                    raise _invalid(folder, f"the name {task.id!r} is taken by {tasks[task.id].folder}")
                tasks[task.id] = task
            except InvalidInput as error:
                broken.append(error)
        return Survey(tuple(tasks[name] for name in sorted(tasks)), tuple(broken))

    def list(self) -> tuple[Task, ...]:
        """Every task that can be read, by id."""
        return self.survey().tasks

    def find(self, name: str) -> Task:
        """The task of that id, or in that folder.

        Raises:
            NotFound: ``task.not_found``, with the nearest name.
            InvalidInput: ``task.invalid``: its ``task.toml`` says something that it may not.
        """
        if "/" in name or "\\" in name or name.startswith("."):
            return self._in_folder(name)
        survey = self.survey()
        for task in survey.tasks:
            if task.id == name:
                return task
        for folder in self._places():
            if folder.name == name:
                return read_task(folder)
        names = [task.id for task in survey.tasks]
        close = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else "`assay bench list` shows all."
        raise NotFound("task.not_found", f"There is no task {name!r}.", hint=hint)

    def _in_folder(self, name: str) -> Task:
        folder = Path(name).expanduser().absolute()
        if not self._any_folder:
            known = " or ".join(map(str, self._folders)) or "the folder that `bench_tasks` names"
            raise NotFound("task.not_found", f"There is no task {name!r}.", hint=f"Put its folder into {known}, and use its id.")
        folder = folder.parent if folder.name == _FILE else folder
        if not (folder / _FILE).is_file():
            raise NotFound("task.not_found", f"{folder} holds no {_FILE}.", hint="`assay bench new` makes one.")
        return read_task(folder)

    def _places(self) -> Sequence[Path]:
        return [file.parent for place in (SHIPPED, *self._folders) for file in sorted(place.glob(f"*/{_FILE}"))]


def read_task(folder: Path) -> Task:
    """What the ``task.toml`` in ``folder`` says.

    Raises:
        InvalidInput: ``task.invalid``.
    """
    try:
        raw = msgspec.toml.decode((folder / _FILE).read_bytes())
        task = msgspec.convert(raw, Task)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise _invalid(folder, str(error)) from error
    if "folder" in raw:
        raise _invalid(folder, "`folder` is not to be written; it is where the file lies")
    if not _ID.fullmatch(task.id):
        raise _invalid(folder, f"the id {task.id!r} is not made of small letters, digits, dots and dashes")
    _check_sampling(folder, raw.get("sampling", {}))
    return msgspec.structs.replace(task, folder=str(folder))


def _check_sampling(folder: Path, given: dict[str, Any]) -> None:
    known = Sampling.__struct_fields__
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            raise _invalid(folder, f"`sampling` knows no {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))


def _invalid(folder: Path, why: str) -> InvalidInput:
    return InvalidInput("task.invalid", f"{folder / _FILE}: {why}.", hint="docs/guides/own-task.md shows what a task may say.")
