"""A kind of programs that are generated: correct source with marks for names and numbers, the ways in which each is broken, and the
inputs that its functions are tried on.

A mark is ``<<name>>``. Each bug replaces one piece of a file, says what a user would notice, and gives a call that shows it. Functions
take and return plain values, so that results can be compared where none of this runs.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

Args = list[Any]


class Bug(msgspec.Struct, frozen=True):
    """In ``file``, ``right`` becomes ``wrong``. ``symptom`` is what the model is told; ``function`` with what ``shows`` makes goes
    wrong."""

    file: str
    right: str
    wrong: str
    symptom: str
    function: str
    shows: Callable[[Random, dict[str, int]], Args]


class Family(msgspec.Struct, frozen=True):
    """``numbers`` are marks with their least and greatest value. ``tries`` makes one random input for each public function."""

    name: str
    about: str
    files: dict[str, str]
    numbers: dict[str, tuple[int, int]]
    bugs: tuple[Bug, ...]
    tries: dict[str, Callable[[Random, dict[str, int]], Args]]
