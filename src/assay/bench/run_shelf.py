"""The tasks that a server or a command knows, with their data: a library, and where data may come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assay.bench.data import Progress, Sources, fetch, hash_files
from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.recipe import Recipe, recipe_of
from assay.bench.spec import Spec
from assay.bench.task import Kind, Task


class Shelf:
    """Implements `assay.bench.run_tasks.Tasks`. ``progress`` is told of files that are fetched."""

    def __init__(self, library: Library, sources: Sources, progress: Progress | None = None):
        self.library = library
        self._sources = sources
        self._progress = progress

    def find(self, name: str) -> Task:
        """The task of that id, or in that folder. Raises as `Library.find`."""
        return self.library.find(name)

    async def fetch(self, task: Task) -> Mapping[str, Path]:
        """Its files. Raises as `assay.bench.data.fetch`."""
        return await fetch(task, self._sources, progress=self._progress)

    def kind(self, task: Task) -> Kind:
        """How its questions are read, put and scored. Raises as `kind_of`."""
        return kind_of(task)

    async def recipe(self, task: Task, files: Mapping[str, Path], spec: Spec) -> Recipe:
        """What decides its number. Raises as `recipe_of`."""
        return recipe_of(task, await hash_files(files), spec)
