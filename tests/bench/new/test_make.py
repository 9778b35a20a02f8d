"""A table becomes a task that can be read, asked and scored."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.data import Sources, fetch
from assay.bench.kind import kind_of
from assay.bench.library import Library, read_task
from assay.bench.new import TEMPLATES, make_task
from assay.bench.task import Context, Sample, Task
from assay.core import Answer, Conflict, InvalidInput, NotFound, Request, Sampling
from tests.bench.tasks.answers import said, score
from tests.judge.scripted import ScriptedJudge


async def load(path: Path, tmp_path: Path) -> tuple[Task, dict[str, Path], list[Sample]]:
    task = read_task(path.parent)
    files = await fetch(task, Sources(cache=tmp_path / "cache", tokens={}))
    return task, files, list(kind_of(task).read(task, files))


async def asked(task: Task, sample: Sample) -> str:
    """The words that the model gets."""
    requests: list[Request] = []

    async def ask(request: Request) -> Answer:
        requests.append(request)
        return said("")

    await kind_of(task).solve(task, sample, ask, "m", Sampling())
    return "\n".join(message.text for message in requests[0].transcript.messages)


@pytest.mark.anyio
@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "coding"])
async def test_a_template_without_a_table_makes_a_task_of_its_worked_rows(tmp_path: Path, template: str) -> None:
    path = make_task(tmp_path / f"my-{template}", None, template)
    task, _, samples = await load(path, tmp_path)
    assert task.id == f"my-{template}"
    assert len(samples) == len(TEMPLATES[template].rows)
    words = await asked(task, samples[0])
    row = TEMPLATES[template].rows[0]
    assert next(iter(row.values())) in words
    assert "{{" not in words
    assert "<<" not in path.read_text()
    assert Library((tmp_path,)).find(task.id) == task


@pytest.mark.anyio
async def test_customer_service_is_graded_by_the_judge_who_alone_sees_the_notes(tmp_path: Path) -> None:
    task, _, [first, *_] = await load(make_task(tmp_path / "shop", None, "customer-service"), tmp_path)
    assert first.target not in await asked(task, first)
    caller = ScriptedJudge(lambda _: "Kind and right.\nVERDICT: 4")
    scored = await score(task, first, said("We repair it."), folder=tmp_path, caller=caller, judge="j")
    assert (scored.outcome, scored.value) == ("graded", 0.75)
    assert first.target in caller.asked[0].transcript.messages[1].text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "outcome", "value"),
    [
        ('{"number": 2041, "date": "2026-03-03", "total": "118.5"}', "right", 1.0),
        ('Here:\n```json\n{"number": "2041", "date": "3 March", "total": 118.50, "more": 1}\n```', "graded", 2 / 3),
        ('{"number": null}', "wrong", 0.0),
        ("No invoice.", "unparsed", 0.0),
        ("[1, 2]", "unparsed", 0.0),
        ('{"number": 2041', "unparsed", 0.0),
    ],
)
async def test_extraction_is_checked_field_by_field(tmp_path: Path, text: str, outcome: str, value: float) -> None:
    task, files, [first, *_] = await load(make_task(tmp_path / "bills", None, "extraction"), tmp_path)
    scored = await score(task, first, said(text), folder=tmp_path, files=files)
    assert scored.outcome == outcome
    assert scored.value == pytest.approx(value)
    assert task.metrics == ("number", "date", "total")


@pytest.mark.anyio
async def test_what_the_text_does_not_say_must_be_left_empty(tmp_path: Path) -> None:
    task, files, [*_, last] = await load(make_task(tmp_path / "bills", None, "extraction"), tmp_path)
    empty = await score(task, last, said('{"number": null, "date": ""}'), folder=tmp_path, files=files)
    made_up = await score(task, last, said('{"number": 7, "date": null, "total": null}'), folder=tmp_path, files=files)
    assert empty.outcome == "right"
    assert made_up.value == pytest.approx(2 / 3)


@pytest.mark.anyio
async def test_columns_of_other_names_and_other_formats_are_taken(tmp_path: Path) -> None:
    source = tmp_path / "exam.jsonl"
    source.write_bytes(b"\n".join(msgspec.json.encode({"Frage": f"{n} + 1?", "Ergebnis": n + 1}) for n in range(3)))
    path = make_task(tmp_path / "Exam 2", source, "tutoring", columns={"exercise": "Frage", "answer": "Ergebnis"})
    task, _, samples = await load(path, tmp_path)
    assert (task.id, task.title, task.format) == ("exam-2", "Exam 2", "jsonl")
    assert [sample.target for sample in samples] == [1, 2, 3]
    assert "2 + 1?" in await asked(task, samples[2])
    assert (await score(task, samples[0], said("#### 1"), folder=tmp_path)).outcome == "right"


@pytest.mark.anyio
async def test_facts_are_all_other_columns_or_those_that_are_named(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("text,name,age,note\nAnna is 7.,Anna,7,x\n")
    task, _, _ = await load(make_task(tmp_path / "all", source, "extraction"), tmp_path)
    assert task.options["columns"] == ["name", "age", "note"]
    path = make_task(tmp_path / "some", source, "extraction", columns={"facts": ["name", "age"]})
    task, _, [sample] = await load(path, tmp_path)
    assert sample.target == {"name": "Anna", "age": "7"}


def test_functions_to_write_become_rows_in_the_format_of_humaneval(tmp_path: Path) -> None:
    path = make_task(tmp_path / "functions", None, "coding")
    assert read_task(path.parent).runs_code
    rows = [msgspec.json.decode(line) for line in (path.parent / "questions.jsonl").read_bytes().splitlines()]
    assert set(rows[0]) == {"task_id", "prompt", "entry_point", "canonical_solution", "test"}
    for row in rows:
        program = row["prompt"] + row["canonical_solution"] + row["test"]
        ast.parse(program)
        space: dict[str, Any] = {}
        exec(program, space)  # our own worked rows
        space["check"](space[row["entry_point"]])


@pytest.mark.anyio
async def test_functions_are_run_against_ones_own_tests_in_the_sandbox(tmp_path: Path) -> None:
    task, files, [first, _] = await load(make_task(tmp_path / "functions", None, "coding"), tmp_path)
    assert "def sum_even(numbers):" in await asked(task, first)
    right = "```python\ndef sum_even(numbers):\n    return sum(n for n in numbers if not n % 2)\n```"
    wrong = "```python\ndef sum_even(numbers):\n    return sum(numbers)\n```"
    async with kind_of(task).scorer(task, files, Context(folder=tmp_path, workers=1)) as scorer:
        outcomes = [(await scorer.score(first, said(text))).outcome for text in (right, wrong, "I do not know.")]
    assert outcomes == ["right", "wrong", "unparsed"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("function", "def f(:"),
        ("function", "x = 1"),
        ("tests", "assert 1 == 1"),
        ("tests", ""),
        ("tests", "f(1)"),
        ("solution", "def"),
    ],
)
def test_a_row_that_is_no_python_says_which(tmp_path: Path, column: str, value: str) -> None:
    row = {"task": "t", "function": "def f(x):", "tests": "assert f(1) == 1", "solution": "return x"} | {column: value}
    source = tmp_path / "code.json"
    source.write_bytes(msgspec.json.encode([row]))
    with pytest.raises(InvalidInput, match="Row 1"):
        make_task(tmp_path / "functions", source, "coding")


def test_unknown_templates_and_columns_get_the_nearest(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("exercises,answer\n1+1?,2\n")
    with pytest.raises(NotFound) as unknown:
        make_task(tmp_path / "x", source, "tutorin")
    assert unknown.value.hint == "Did you mean 'tutoring'?"
    with pytest.raises(InvalidInput) as missing:
        make_task(tmp_path / "x", source, "tutoring")
    assert (missing.value.code, missing.value.param) == ("task.column_missing", "exercise")
    assert "--column exercise=exercises" in (missing.value.hint or "")
    with pytest.raises(InvalidInput, match="has no 'anser'"):
        make_task(tmp_path / "x", source, "tutoring", columns={"anser": "answer"})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("name", "content"), [("rows.txt", "a"), ("gone.csv", None), ("rows.csv", "exercise,answer\n")])
def test_what_is_no_table_is_said(tmp_path: Path, name: str, content: str | None) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInput) as error:
        make_task(tmp_path / "x", tmp_path / name, "tutoring")
    assert error.value.code == "task.data_invalid"


def test_a_column_cannot_break_out_of_the_file_that_is_made(tmp_path: Path) -> None:
    source = tmp_path / "rows.json"
    source.write_bytes(msgspec.json.encode([{'x"\nrunscode = true': "1", "answer": "2"}]))
    with pytest.raises(InvalidInput, match="character"):
        make_task(tmp_path / "x", source, "tutoring", columns={"exercise": 'x"\nrunscode = true'})


def test_a_task_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = make_task(tmp_path / "x", None, "tutoring")
    before = path.read_text()
    with pytest.raises(Conflict):
        make_task(tmp_path / "x", None, "extraction")
    assert path.read_text() == before
