"""HumanEval, HumanEval+ and MBPP+ as they are: what is canonical is right, and verdicts are those that evalplus gave."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from assay.bench.code.examine import Examined
from assay.bench.code.judge import CodeJudge
from assay.bench.code.problem import Problems
from assay.bench.data import Sources, fetch
from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.task import Task
from tests.bench.code.variants import SLOW, Variant, variants

pytestmark = [pytest.mark.anyio, pytest.mark.data]
TASKS = {"humaneval": 164, "humanevalplus": 164, "mbppplus": 378}
QUICK = 40
"""Problems of each of the larger two that are tried in every test run; all of them by `make prove`."""

VERDICTS = Path(__file__).with_name("evalplus_verdicts.json")


async def _found(name: str, folder: Path) -> tuple[Task, dict[str, Path]]:
    task = Library().find(name)
    return task, await fetch(task, Sources(cache=folder, data_dir=Path(os.environ["ASSAY_DATA_DIR"]), tokens={}))


async def _examined(task: Task, files: dict[str, Path], folder: Path, programs: list[Variant]) -> list[Examined]:
    async with CodeJudge.open(task, files, workers=2, folder=folder) as judge:
        return list(await asyncio.gather(*(judge.examine(one.problem, one.program) for one in programs)))


@pytest.mark.parametrize("name", TASKS)
async def test_every_problem_is_there(name: str, tmp_path: Path) -> None:
    task, files = await _found(name, tmp_path)
    samples = kind_of(task).read(task, files)
    assert len(samples) == task.rows == TASKS[name]
    assert all(f"def {sample.fields['entry']}(" in sample.fields["prompt"] or name == "mbppplus" for sample in samples)


@pytest.mark.parametrize("name", TASKS)
async def test_canonical_solutions_are_right(name: str, tmp_path: Path) -> None:
    task, files = await _found(name, tmp_path)
    problems = Problems(files["problems"], task.options.get("shapes"))
    ids = [id for id in problems.questions if id not in SLOW]
    ids = ids if name == "humaneval" else ids[:: len(ids) // QUICK]
    programs = [Variant(id, "canonical", problems[id].reference) for id in ids]
    examined = await _examined(task, files, tmp_path, programs)
    assert [id for id, each in zip(ids, examined, strict=True) if each.fate != "right"] == []


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TASKS)
async def test_every_canonical_solution_is_right(name: str, tmp_path: Path) -> None:
    task, files = await _found(name, tmp_path)
    problems = Problems(files["problems"], task.options.get("shapes"))
    programs = [Variant(id, "canonical", problems[id].reference) for id in problems.questions]
    examined = await _examined(task, files, tmp_path, programs)
    failed = [(one.problem, each) for one, each in zip(programs, examined, strict=True) if each.fate != "right"]
    print(f"{name}: {len(programs) - len(failed)} of {len(programs)} canonical solutions are right")
    assert failed == []


@pytest.mark.parametrize("name", ["humanevalplus", "mbppplus"])
async def test_verdicts_are_those_that_evalplus_gave(name: str, tmp_path: Path) -> None:
    """A few of the thousand that ``benchmarks/scoring_verdicts.py`` compares, by what evalplus 0.3.1 said of them."""
    task, files = await _found(name, tmp_path)
    problems = Problems(files["problems"], task.options.get("shapes"))
    said = {
        key: verdict for key, verdict in json.loads(VERDICTS.read_text()).items() if key.partition(" ")[0] in problems.questions
    }
    ids = sorted({key.partition(" ")[0] for key in said})
    programs = {
        f"{one.problem} {one.kind}": one for one in variants([problems[id] for id in ids]) if one.kind not in {"mutant", "endless"}
    }
    examined = await _examined(task, files, tmp_path, [programs[key] for key in said])
    found = {key: _word(each) for key, each in zip(said, examined, strict=True)}
    assert found == said


def _word(examined: Examined) -> str:
    return "right" if examined.fate == "right" else "base only" if examined.parts["base"] else "wrong"
