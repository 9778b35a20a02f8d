from __future__ import annotations

from pathlib import Path

import pytest

from assay.bench.kind import kind_of
from assay.bench.library import SHIPPED, Library, read_task
from assay.core import InvalidInput, NotFound

TASK = """
id = "{id}"
version = 1
title = "Capitals"
about = "Capitals of countries."
kind = "numbers"
licence = "Apache-2.0"
citation = "none"
link = "https://example.org"
[[data]]
name = "rows.jsonl"
path = "rows.jsonl"
"""


def write(folder: Path, name: str, more: str = "") -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "task.toml").write_text(TASK.format(id=name) + more)
    return folder / name


def test_every_shipped_task_can_be_read_lies_under_its_own_name_and_has_a_kind() -> None:
    survey = Library().survey()
    assert survey.broken == ()
    assert {Path(task.folder or "").name for task in survey.tasks} == {task.id for task in survey.tasks}
    assert {path.parent.name for path in SHIPPED.glob("*/task.toml")} == {task.id for task in survey.tasks}
    for task in survey.tasks:
        assert kind_of(task).versions, task.id


def test_every_shipped_file_is_pinned_by_a_hash_or_by_a_whole_revision() -> None:
    for task in Library().list():
        for file in task.data:
            pinned_by_revision = file.revision is not None and len(file.revision) == 40
            assert (file.sha256 is not None and len(file.sha256) == 64) or pinned_by_revision, (task.id, file.name)


def test_own_tasks_are_found_beside_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, "capitals")
    library = Library((tmp_path,))
    assert library.find("capitals").title == "Capitals"
    assert {"capitals", "gsm8k"} <= {task.id for task in library.list()}


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as error:
        Library().find("gsm8")
    assert (error.value.code, error.value.hint) == ("task.not_found", "Did you mean 'gsm8k'?")


def test_a_shipped_name_cannot_be_taken(tmp_path: Path) -> None:
    write(tmp_path, "gsm8k")
    survey = Library((tmp_path,)).survey()
    assert [error.code for error in survey.broken] == ["task.invalid"]
    assert next(task for task in survey.tasks if task.id == "gsm8k").title == "GSM8K"


def test_one_broken_task_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path, "capitals", "surprise = 1\n")
    write(tmp_path, "rivers")
    survey = Library((tmp_path,)).survey()
    assert "rivers" in {task.id for task in survey.tasks}
    assert "surprise" in survey.broken[0].message


def test_asking_for_a_broken_task_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    write(tmp_path, "capitals", "[sampling]\ntemprature = 1.0\n")
    with pytest.raises(InvalidInput, match="did you mean 'temperature'"):
        Library((tmp_path,)).find("capitals")


def test_a_path_is_followed_only_where_that_is_allowed(tmp_path: Path) -> None:
    folder = write(tmp_path, "capitals")
    assert Library(any_folder=True).find(str(folder)).id == "capitals"
    assert Library(any_folder=True).find(str(folder / "task.toml")).id == "capitals"
    with pytest.raises(NotFound):
        Library().find(str(folder))


@pytest.mark.parametrize("name", ["Capitals", "cap itals", "-x", ""])
def test_an_id_is_small_letters_digits_dots_and_dashes(tmp_path: Path, name: str) -> None:
    (tmp_path / "task.toml").write_text(TASK.format(id=name))
    with pytest.raises(InvalidInput):
        read_task(tmp_path)


def test_where_it_lies_cannot_be_written_into_a_task(tmp_path: Path) -> None:
    folder = write(tmp_path, "capitals")
    (folder / "task.toml").write_text('folder = "/etc"\n' + TASK.format(id="capitals"))
    with pytest.raises(InvalidInput, match="folder"):
        read_task(folder)


def test_reading_a_task_runs_nothing_and_its_kind_does(tmp_path: Path) -> None:
    folder = write(tmp_path, "capitals")
    (folder / "task.py").write_text("raise RuntimeError('ran')\n")
    task = Library((tmp_path,)).find("capitals")
    with pytest.raises(InvalidInput, match="RuntimeError: ran") as error:
        kind_of(task)
    assert error.value.code == "task.code_broken"
