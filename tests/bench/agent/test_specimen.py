"""Repositories drawn from a seed: always the same, broken in one place that hidden tests see, and never twice alike."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.bench.agent.families import FAMILIES
from assay.bench.agent.specimen import Specimen, make
from assay.core import content_hash

SEEDS = range(4)
COUNT = 25


def results(files: dict[str, str], specimen: Specimen, folder: Path) -> list[Any]:
    """What our own generated source makes of the hidden calls, here in this process."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        package = importlib.import_module(specimen.package)
        return [result(package, one.function, json.loads(json.dumps(one.args))) for one in specimen.hidden]
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == specimen.package]:
            del sys.modules[name]


def result(package: Any, function: str, args: list[Any]) -> Any:
    try:
        return getattr(package, function)(*args)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"raised {type(error).__name__}"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_repository_has_a_bug_that_its_hidden_tests_see_and_is_right_without(seed: int, tmp_path: Path) -> None:
    for number in range(COUNT):
        specimen = make(seed, number)
        right = results(specimen.correct, specimen, tmp_path / f"right-{number}")
        wrong = results(specimen.broken, specimen, tmp_path / f"wrong-{number}")
        assert not [value for value in right if isinstance(value, str) and value.startswith("raised")], specimen.id
        assert right != wrong, (specimen.id, specimen.issue)
        assert sum(one == other for one, other in zip(right, wrong, strict=True)) > 0
        assert len([path for path in specimen.correct if specimen.correct[path] != specimen.broken[path]]) == 1


def test_every_bug_comes_up_among_a_few_hundred() -> None:
    seen = {specimen.issue for specimen in (make(seed, number) for seed in range(12) for number in range(COUNT))}
    assert len(seen) == sum(len(family.bugs) for family in FAMILIES) >= 30


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    assert make(7, 3) == make(7, 3)
    assert make(7, 3).broken != make(8, 3).broken
    packages = {make(1, number).package for number in range(200)}
    assert len(packages) > 190


def test_the_issue_names_no_file_and_the_files_hold_no_marks() -> None:
    for number in range(60):
        specimen = make(5, number)
        assert "<<" not in "".join([*specimen.broken, *specimen.broken.values()])
        modules = {path.rpartition("/")[2].removesuffix(".py") for path in specimen.correct if path.startswith(specimen.package)}
        assert not [module for module in modules if module in specimen.issue]


def test_this_repository_never_changes() -> None:
    """A number of ``repair`` rests on it: whoever changes what a seed gives raises `VERSION`."""
    specimen = make(20261122, 0)
    assert (specimen.id, specimen.family, len(specimen.hidden)) == ("shop-0", "shop", 40)
    assert content_hash(specimen) == "c3ee435515524b898ada0f02226ef6da62823fa42d43679d5d96c692743284eb"
