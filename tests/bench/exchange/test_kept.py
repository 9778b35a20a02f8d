"""Runs of other programs beside our own: kept, reported, compared; and ours given out, without what may not be shown."""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.compare import compare
from assay.bench.exchange import FORMATS, Sheet, read_sheet
from assay.bench.exchange.bring_in import bring_in
from assay.bench.exchange.routes import exchange_routes
from assay.bench.exchange.take_out import take_out
from assay.bench.queries_results import load_results
from assay.core import InvalidInput, NotFound
from assay.store import Database
from tests.asgi import Session
from tests.bench.exchange.files import evalplus_document, lm_eval_row, write_inspect, write_lm_eval
from tests.bench.run.quiz import QUIZ, QuizTasks, School, knows_even

pytestmark = pytest.mark.anyio

parquet: Any = importlib.import_module("pyarrow.parquet")  # it ships no types

IMPORTS = "/api/v1/bench/imports"


@pytest.fixture
async def school(database: Database, tmp_path: Path) -> AsyncIterator[School]:
    school = School(database, tmp_path)
    await school.open(knows_even)
    yield school
    await school.close()


def sums(folder: Path, *right: int) -> Sheet:
    """A run of lm-eval over 40 sums, of which it knows those."""
    folder.mkdir()
    return read_sheet(write_lm_eval(folder, rows=[lm_eval_row(n, "It is 1", float(n in right)) for n in range(40)]))


async def test_two_runs_made_elsewhere_are_reported_and_compared(school: School, tmp_path: Path) -> None:
    a = await bring_in(school.db, sums(tmp_path / "a", *range(40)), "anna")
    b = await bring_in(school.db, sums(tmp_path / "b", *range(12)), "anna")
    report = await school.runs.report(a)
    again = await school.runs.report(b)
    assert report.summary is not None
    assert again.summary is not None
    assert (report.task, report.model, report.state, report.summary.score.value) == ("sums", "stage/pupil", "ended", 1.0)
    assert again.summary.score.value == pytest.approx(0.3)
    assert report.recipe == again.recipe
    assert {one.id for one in await school.runs.list(task="sums")} == {a, b}
    found = compare(await load_results(school.db, a), await load_results(school.db, b))
    assert (found.verdict, len(found.better_a), len(found.better_b)) == ("A better", 28, 0)
    page = await school.runs.results(b, outcome="wrong", limit=5, search="1")
    assert [one.sample for one in page.results] == ["12", "13", "14", "15", "16"]
    sample = await school.runs.result(a, "7")
    assert sample.message is not None
    assert (sample.message.text, sample.transcript and sample.transcript.messages[-1].text) == ("It is 1", "What is 7 + 1?")


async def test_a_run_that_came_in_goes_out_as_it_was(school: School, tmp_path: Path) -> None:
    sheet = read_sheet(write_inspect(tmp_path / "tiny.eval"))
    id = await bring_in(school.db, sheet)
    out = await take_out(school.db, school.runs, QuizTasks(school.quiz), id)
    assert sorted(out.results, key=attrgetter("sample", "epoch")) == sorted(sheet.results, key=attrgetter("sample", "epoch"))
    assert (out.task, out.model, out.title, out.at) == (sheet.task, sheet.model, sheet.title, sheet.at)


async def test_nothing_of_a_run_that_cannot_be_is_kept(school: School, tmp_path: Path) -> None:
    sheet = sums(tmp_path / "a", 1)
    first = sheet.results[0]
    for results, code in (
        ((), "exchange.empty"),
        ((first, first), "exchange.twice"),
        ((msgspec.structs.replace(first, scored=None),), "exchange.unscored"),
        ((msgspec.structs.replace(first, sample="a\0"),), "exchange.invalid"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await bring_in(school.db, msgspec.structs.replace(sheet, results=results))
        assert refused.value.code == code
    assert await school.runs.list() == []


async def test_a_run_of_our_own_is_given_out_with_its_targets(school: School) -> None:
    report = await school.run(knows_even)
    sheet = await take_out(school.db, school.runs, QuizTasks(school.quiz), report.id)
    assert (len(sheet.results), sheet.targets["q3"], sheet.source) == (40, "3", "assay")
    row = parquet.read_table(BytesIO(FORMATS["parquet"].write(sheet))).to_pylist()[2]
    assert (row["sample"], row["asked"], row["answer"], row["outcome"]) == ("q2", "user: 2", "2", "right")
    with pytest.raises(NotFound):
        await take_out(school.db, school.runs, QuizTasks(school.quiz), "none")


@pytest.mark.parametrize("unlocked", [False, True])
async def test_of_a_gated_run_no_file_holds_words_unless_it_was_unlocked(school: School, unlocked: bool) -> None:
    school.task = msgspec.structs.replace(QUIZ, gated=True)
    secret = "the hidden answer"
    report = await school.run(lambda number, before: f"{secret} {number}", unlocked=unlocked)
    sheet = await take_out(school.db, school.runs, QuizTasks(school.quiz, school.task), report.id)
    for name, form in FORMATS.items():
        written = form.write(sheet)
        if name == "inspect":
            with zipfile.ZipFile(BytesIO(written)) as log:
                written = b"".join(log.read(one) for one in log.namelist())
        if name == "parquet":
            written = repr(parquet.read_table(BytesIO(written)).to_pylist()).encode()
        assert (secret.encode() in written) is unlocked, name
    assert (sheet.targets == {}) is not unlocked


async def test_over_the_api_a_run_comes_in_and_goes_out(school: School, tmp_path: Path) -> None:
    session = Session(exchange_routes(school.db, school.runs, QuizTasks(school.quiz)))
    path = tmp_path / "x_eval_results.json"
    path.write_text(json.dumps(evalplus_document()))
    reply = await session.post(IMPORTS, msgspec.json.encode(read_sheet(path, model="stage/pupil")))
    assert reply.status == 201, reply
    run = f"/api/v1/bench/runs/{reply.json['id']}/export"
    for name, form in FORMATS.items():
        file = await session.get(f"{run}?format={name}")
        assert (file.status, file.headers["content-type"].split(";")[0]) == (200, form.media)
        assert file.headers["content-disposition"].endswith(f'{form.suffix}"')
    samples = (await session.get(f"{run}?format=humaneval")).body.splitlines()
    assert json.loads(samples[1]) == {"task_id": "HumanEval/1", "solution": "def f1(): ..."}
    assert (await session.get(f"{run}?format=xml")).status == 400
    assert (await session.get("/api/v1/bench/runs/none/export?format=inspect")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"task": ""},
        {"task": "a\0"},
        {"title": "a" * 3_000},
        {"at": 10**40},
        {"at": -1},
        {"results": []},
        {"results": [{"sample": "a", "epoch": 0, "state": "waiting"}]},
        {"results": [{"sample": "a", "epoch": 0, "state": "scored", "scored": {"outcome": "right", "value": 0.5}}]},
        {"results": [{"sample": "a", "epoch": 0, "state": "scored", "scored": {"outcome": "graded", "value": 7}}]},
        {"results": [{"sample": "a", "epoch": 0, "state": "scored", "scored": {"outcome": "error", "value": 0}}]},
        {"results": [{"sample": "a", "epoch": 10**30, "state": "scored", "scored": {"outcome": "wrong", "value": 0}}]},
    ],
)
async def test_what_cannot_be_a_run_is_refused_over_the_api(school: School, change: dict[str, Any]) -> None:
    good = {"sample": "a", "epoch": 0, "state": "scored", "scored": {"outcome": "right", "value": 1}}
    sheet = {"task": "t", "title": "T", "model": "m", "source": "s", "at": 1, "results": [good]}
    session = Session(exchange_routes(school.db, school.runs, QuizTasks(school.quiz)))
    reply = await session.post(IMPORTS, {**sheet, **change})
    assert reply.status in (400, 413), reply
    assert (await session.post(IMPORTS, sheet)).status == 201


async def test_a_file_for_a_task_with_a_strange_name_has_a_plain_one(school: School) -> None:
    good = {"sample": "a", "epoch": 0, "state": "scored", "scored": {"outcome": "right", "value": 1}}
    sheet = {"task": 'ä"\r\nset-cookie: a=b/../x', "title": "T", "model": "m", "source": "s", "at": 1, "results": [good]}
    session = Session(exchange_routes(school.db, school.runs, QuizTasks(school.quiz)))
    id = (await session.post(IMPORTS, sheet)).json["id"]
    reply = await session.get(f"/api/v1/bench/runs/{id}/export?format=inspect")
    assert reply.headers["content-disposition"] == f'attachment; filename="____set-cookie__a_b_.._x-{id[:8]}.eval"'
