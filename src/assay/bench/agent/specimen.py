"""One repository to be repaired, drawn from a seed: the same seed and number give the same, on every machine.

Names of the package and of its modules and functions, the numbers in it, which bug it has, and the inputs of the hidden tests are all
drawn. The bug is seen by at least one of the hidden inputs, by the way it was made.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

import msgspec

from assay.bench.agent.families import FAMILIES
from assay.bench.agent.family import Bug, Family

VERSION = 1
_TRIES = 6
_SHOWS = 4
_SOUNDS = ("ba", "do", "fe", "gi", "ka", "lu", "mo", "na", "pe", "ri", "sa", "to", "vu", "wi", "za", "le", "mi", "ro")


class Try(msgspec.Struct, frozen=True):
    """A function of the package, by name, and what it is called with."""

    function: str
    args: list[Any]


class Specimen(msgspec.Struct, frozen=True, kw_only=True):
    """``broken`` is what the model gets, by path; ``correct`` what it was made from; ``issue`` what a user complains of; ``hidden`` the
    calls whose results decide."""

    id: str
    family: str
    package: str
    issue: str
    broken: dict[str, str]
    correct: dict[str, str]
    hidden: list[Try]


def make(seed: int, number: int) -> Specimen:
    """Specimen ``number`` of ``seed``."""
    random = Random(f"repair/{VERSION}:{seed}:{number}")  # noqa: S311  # to be the same for the same seed, not to be secret
    family = FAMILIES[number % len(FAMILIES)]
    bug = random.choice(family.bugs)
    numbers = {name: random.randint(*bounds) for name, bounds in family.numbers.items()}
    marks = {"pkg": _name(random), **{name: str(value) for name, value in numbers.items()}}
    renamed = _new_names(family, random)

    def written(text: str) -> str:
        return _renamed(_filled(text, marks), renamed)

    correct = {written(path): written(text).lstrip("\n") for path, text in family.files.items()}
    broken_file = written(bug.file)
    right, wrong = written(bug.right), written(bug.wrong)
    if correct[broken_file].count(right) != 1:
        raise ValueError(f"{family.name}: {right!r} is not once in {broken_file}")
    readme = f"# {marks['pkg']}\n\n{family.about}\n\nRun the tests with `python3 -m unittest`.\n"
    both = {"README.md": readme, "test_visible.py": _visible(marks["pkg"], renamed, family)}
    return Specimen(
        id=f"{family.name}-{number}",
        family=family.name,
        package=marks["pkg"],
        issue=_filled(bug.symptom, marks),
        broken={**correct, broken_file: correct[broken_file].replace(right, wrong), **both},
        correct={**correct, **both},
        hidden=_hidden(family, bug, random, numbers, renamed),
    )


def _hidden(family: Family, bug: Bug, random: Random, numbers: dict[str, int], renamed: dict[str, str]) -> list[Try]:
    shown = [Try(renamed[bug.function], bug.shows(random, numbers)) for _ in range(_SHOWS)]
    tried = [Try(renamed[name], make_args(random, numbers)) for name, make_args in family.tries.items() for _ in range(_TRIES)]
    both = [*shown, *tried]
    random.shuffle(both)
    return both


def _new_names(family: Family, random: Random) -> dict[str, str]:
    """New names for modules and public functions."""
    modules = [path.rpartition("/")[2].removesuffix(".py") for path in family.files if not path.endswith("__init__.py")]
    found: dict[str, str] = {}
    for old in (*family.tries, *(module for module in modules if module not in family.tries)):
        name = f"{old}_{_name(random)}"
        while name in found.values():
            name = f"{old}_{_name(random)}"
        found[old] = name
    return found


def _renamed(text: str, names: dict[str, str]) -> str:
    """Names of functions where they are called, defined or imported, and of modules in imports and paths; never words of prose."""
    for old, new in names.items():
        text = re.sub(rf"(?<=def ){old}(?=\()|(?<![\w.]){old}(?=\()|(?<=from \.){old}(?= import)|(?<=/){old}(?=\.py)", new, text)
        text = re.sub(r"(?<=import )(.*)|(?<=__all__ = \[)(.*)", lambda line: re.sub(rf"\b{old}\b", new, line[0]), text)  # noqa: B023
    return text


def _filled(text: str, marks: dict[str, str]) -> str:
    return re.sub(r"<<(\w+)>>", lambda mark: marks[mark[1]], text)


def _name(random: Random) -> str:
    return "".join(random.choice(_SOUNDS) for _ in range(3))


def _visible(package: str, names: dict[str, str], family: Family) -> str:
    """A test that passes before and after: it shows how tests are run and gives nothing away."""
    listed = ", ".join(f'"{names[name]}"' for name in family.tries)
    return (
        f"import unittest\n\nimport {package}\n\n\nclass Visible(unittest.TestCase):\n    def test_everything_is_there(self):\n"
        f"        for name in ({listed},):\n            self.assertTrue(callable(getattr({package}, name)))\n"
    )
