"""Rows become questions, questions requests, and a task.py goes before its kind."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.kind import kind_of, overlay
from assay.bench.recipe import as_asked, recipe_of
from assay.bench.rows import read_rows
from assay.bench.spec import Spec
from assay.bench.task import Sample
from assay.core import Answer, InvalidInput, Request, Sampling, Unavailable
from tests.bench.tasks.answers import said, score, task

ROWS: list[dict[str, Any]] = [
    {"key": "a", "question": "1 + 1?", "answer": 2, "level": "easy"},
    {"key": "b", "question": "2 + 2?", "answer": 4, "level": "hard"},
]


def write(folder: Path, form: str) -> Path:
    path = folder / f"rows.{form}"
    if form == "parquet":
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(ROWS), path)
    elif form == "csv":
        path.write_text("key,question,answer,level\n" + "".join(",".join(map(str, row.values())) + "\n" for row in ROWS))
    elif form == "json":
        path.write_bytes(msgspec.json.encode(ROWS))
    else:
        path.write_bytes(b"\n".join(map(msgspec.json.encode, ROWS)) + b"\n\n")
    return path


@pytest.mark.parametrize("form", ["jsonl", "json", "parquet"])
def test_rows_are_read_from_every_format(tmp_path: Path, form: str) -> None:
    assert list(read_rows(write(tmp_path, form), form)) == ROWS


def test_rows_of_csv_are_text(tmp_path: Path) -> None:
    assert next(iter(read_rows(write(tmp_path, "csv"), "csv"))) == {
        "key": "a",
        "question": "1 + 1?",
        "answer": "2",
        "level": "easy",
    }


def test_rows_may_be_compressed(tmp_path: Path) -> None:
    path = write(tmp_path, "jsonl")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_rows(path, "jsonl")) == ROWS


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("jsonl", b'{"a": 1}\n{"a"'),
        ("json", b"{}"),
        ("csv", b"a,b\n1\n"),
        ("csv", b"\xff"),
        ("parquet", b"no"),
        ("jsonl", b"\x1f\x8bno"),
        ("own", b""),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, form: str, content: bytes) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as error:
        list(read_rows(path, form))
    assert error.value.code == "task.data_invalid"


def read(tmp_path: Path, **more: Any) -> list[Sample]:
    of = task("numbers", fields={"id": "key", "target": "answer", "category": "level"}, **more)
    return list(kind_of(of).read(of, {"rows.jsonl": write(tmp_path, "jsonl")}))


def test_columns_take_their_roles_and_the_target_is_in_no_field(tmp_path: Path) -> None:
    first, _ = read(tmp_path)
    assert first == Sample(id="a", fields={"key": "a", "question": "1 + 1?", "level": "easy"}, target=2, category="easy")


def test_only_rows_with_the_wanted_values_are_taken(tmp_path: Path) -> None:
    assert [sample.id for sample in read(tmp_path, where={"level": "hard"}, rows=1)] == ["b"]


def test_another_number_of_rows_than_the_task_says_is_another_set(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="has 2 rows, not the 3"):
        read(tmp_path, rows=3)


def test_an_id_twice_is_an_error(tmp_path: Path) -> None:
    of = task("numbers", fields={"id": "same", "target": "x"})
    (tmp_path / "rows.jsonl").write_text('{"same": 1, "x": 1}\n{"same": 1, "x": 2}\n')
    with pytest.raises(InvalidInput, match="'1' twice"):
        kind_of(of).read(of, {"rows.jsonl": tmp_path / "rows.jsonl"})


@pytest.mark.anyio
async def test_a_question_is_asked_once_with_the_runs_sampling_over_the_tasks() -> None:
    of = task("numbers", system="Be brief.", prompt="{{question}}\nThink.", sampling=Sampling(temperature=0.0, max_tokens=10))
    asked: list[Request] = []

    async def ask(request: Request) -> Answer:
        asked.append(request)
        return said("2")

    await kind_of(of).solve(of, Sample(id="a", fields={"question": "1 + 1?"}), ask, "m", Sampling(max_tokens=99))
    [request] = asked
    assert [(message.role, message.text) for message in request.transcript.messages] == [
        ("system", "Be brief."),
        ("user", "1 + 1?\nThink."),
    ]
    assert request.sampling == Sampling(temperature=0.0, max_tokens=99)


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(InvalidInput) as error:
        kind_of(task("number"))
    assert (error.value.code, error.value.hint) == ("task.kind_unknown", "Did you mean 'numbers'?")


@pytest.mark.anyio
async def test_a_task_of_ones_own_may_score_with_one_function(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(
        "def score(target, text):\n    if 'pass' in text:\n        return None\n    return len(text) / 10 if 'half' in text else target in text\n"
    )
    of = task("own", folder=str(tmp_path))
    sample = Sample(id="a", fields={}, target="two")
    outcomes = [await score(of, sample, said(text), folder=tmp_path) for text in ("it is two", "three", "a half", "I pass")]
    assert [(one.outcome, one.value) for one in outcomes] == [
        ("right", 1.0),
        ("wrong", 0.0),
        ("graded", 0.6),
        ("unparsed", 0.0),
    ]


def test_a_task_without_a_scorer_says_so(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text("x = 1\n")
    with pytest.raises(InvalidInput, match="neither"):
        kind_of(task("own", folder=str(tmp_path)))


def test_the_recipe_changes_with_what_decides_the_number_and_with_nothing_else(tmp_path: Path) -> None:
    of, spec = task("numbers"), Spec(task="quiz", model="m")
    plain = recipe_of(of, {"rows": "1"}, spec).hash
    same = [Spec(task="quiz", model="other", limit=5, samples=3, seed=7, concurrency=1)]
    assert {recipe_of(of, {"rows": "1"}, one).hash for one in same} == {plain}
    assert recipe_of(msgspec.structs.replace(of, folder=str(tmp_path), title="x"), {"rows": "1"}, spec).hash == plain
    others = [
        recipe_of(of, {"rows": "2"}, spec),
        recipe_of(of, {"rows": "1"}, Spec(task="quiz", model="m", sampling=Sampling(temperature=1.0))),
        recipe_of(of, {"rows": "1"}, Spec(task="quiz", model="m", judge="j")),
        recipe_of(of, {"rows": "1"}, Spec(task="quiz", model="m", options={"tolerance": 0.1})),
        *(
            recipe_of(msgspec.structs.replace(of, **change), {"rows": "1"}, spec)
            for change in (
                {"prompt": "x"},
                {"system": "x"},
                {"version": 2},
                {"kind": "math"},
                {"where": {"a": 1}},
                {"fields": {"id": "a"}},
            )
        ),
    ]
    (tmp_path / "task.py").write_text("VERSIONS = {}\n")
    others.append(recipe_of(msgspec.structs.replace(of, folder=str(tmp_path)), {"rows": "1"}, spec))
    assert len({plain, *(other.hash for other in others)}) == len(others) + 1


def test_a_runs_options_go_over_the_tasks() -> None:
    of = task("numbers", options={"tolerance": 0.1, "after": "#"})
    assert as_asked(of, Spec(task="quiz", model="m", options={"tolerance": 0})).options == {"tolerance": 0, "after": "#"}
    assert as_asked(of, Spec(task="quiz", model="m")) is of


def test_what_is_set_goes_over_what_was() -> None:
    assert overlay(Sampling(seed=1, top_p=0.5), Sampling(seed=0)) == Sampling(seed=0, top_p=0.5)
