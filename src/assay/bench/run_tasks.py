"""What a run needs to know of tasks: which there are, their data, how they are read, put and scored, and what decides their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from assay.bench.recipe import Recipe
from assay.bench.spec import Spec
from assay.bench.task import Kind, Task


class Tasks(Protocol):
    """Where a run gets its task from."""

    def find(self, name: str) -> Task:
        """The task of that id, or at that path. Raises `NotFound`."""
        ...

    async def fetch(self, task: Task) -> Mapping[str, Path]:
        """Its files, by name, their checksums right. Raises `AssayError` where one cannot be had."""
        ...

    def kind(self, task: Task) -> Kind:
        """How its questions are read, put and scored."""
        ...

    async def recipe(self, task: Task, files: Mapping[str, Path], spec: Spec) -> Recipe:
        """What decides the number that a run as ``spec`` says will have."""
        ...
