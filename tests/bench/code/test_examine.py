"""A program is right when it gives what is expected on every input, and nothing that it says makes it so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.bench.code.examine import Examined, Examiner
from assay.bench.code.expected import Expectations
from assay.bench.code.problem import Problems
from assay.core import InvalidInput, NotFound, Unavailable
from assay.sandbox import Zygote
from tests.bench.code.small import LARGE, ROWS, row, small_task, write_rows

BOTH = {"base": 1.0, "plus": 1.0}
BASE_ONLY = {"base": 1.0, "plus": 0.0}
NEITHER = {"base": 0.0, "plus": 0.0}


class Bench:
    """An examiner over the small data file."""

    def __init__(self, folder: Path):
        _, files = small_task(folder / "small.jsonl")
        self.problems = Problems(files["problems"])
        self.folder = folder
        self.zygote = Zygote(imports=("numpy",))
        self.canonical = Zygote()
        self.expectations = Expectations(folder / "expected", "hash", self.canonical)
        self.examiner = Examiner(self.zygote, self.expectations)

    def examine(self, problem: str, program: str) -> Examined:
        return self.examiner.examine(self.problems[problem], program)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    yield bench
    bench.zygote.close()
    bench.canonical.close()


@pytest.mark.parametrize("problem", ["Small/double", "Small/half", "Small/list", "Small/set", "Checked/double"])
def test_canonical_solutions_are_right(bench: Bench, problem: str) -> None:
    examined = bench.examine(problem, bench.problems[problem].reference)
    assert examined.fate == "right"
    assert set(examined.parts.values()) == {1.0}


@pytest.mark.parametrize(
    ("problem", "program", "parts"),
    [
        ("Small/double", "def double(x): return x + x", BOTH),
        ("Small/double", "def double(x): return x * 2.0", BOTH),
        ("Small/double", "double = (2).__mul__", BOTH),
        ("Small/double", "import numpy as np\ndef double(x): return np.int64(2 * x)", BOTH),
        ("Small/double", "def double(x): return 2 * x if x < 30 else 0", BASE_ONLY),
        ("Small/double", "def double(x): return x", NEITHER),
        ("Small/double", "def double(x): return str(2 * x)", NEITHER),
        ("Small/double", "def double(x): return (2 * x,)", NEITHER),
        ("Small/half", "def half(x): return x / 2 + 1e-8", BOTH),
        ("Small/half", "def half(x): return x / 2 + 1e-5", NEITHER),
        ("Small/half", "def half(x): return x // 2 if x == 9 else x / 2", BASE_ONLY),
        ("Small/nan", "def nan(x): return float('nan')", NEITHER),
        ("Small/list", "def some(x): return [n + 0.0 for n in range(x)]", BOTH),
        ("Small/list", "def some(x): return tuple(range(x))", NEITHER),
        ("Small/list", f"def some(x): return list(range(x)) if x < {LARGE} else [1] * x", NEITHER),
        ("Small/list", f"def some(x): return list(range(x)) if x <= {LARGE} else [1] * x", BASE_ONLY),
        ("Small/set", "def members(x): return frozenset(str(n) for n in reversed(range(x)))", BOTH),
        ("Small/set", "def members(x): return {str(n) for n in range(x)} - {'4999'}", BASE_ONLY),
        ("HumanEval/32", "def find_zero(x): return -0.50001", BOTH),
        ("HumanEval/32", "def find_zero(x): return -0.51", NEITHER),
        ("HumanEval/32", "def find_zero(x): return None", NEITHER),
    ],
)
def test_values_decide(bench: Bench, problem: str, program: str, parts: dict[str, float]) -> None:
    examined = bench.examine(problem, program)
    assert examined.parts == parts
    assert examined.fate == ("right" if parts == BOTH else "wrong")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("def double(x) return 2", "SyntaxError"),
        ("", "NameError"),
        ("double = 3", "TypeError"),
        ("def double(x): raise ValueError('no')", "ValueError: no"),
        ("def double(x): raise SystemExit(0)", "SystemExit"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("import os\nos._exit(0)", "its process is gone"),
        ("def double(x):\n    import os\n    os._exit(0)", "its process is gone"),
        ("def double(x): return 'x' * 10**8", "more than"),
        ("class Same:\n    def __eq__(self, other): return True\ndef double(x): return Same()", "another value"),
        ("def double(x): return input()", "EOFError"),
    ],
)
def test_what_does_not_return_a_value_is_wrong_and_it_is_told_why(bench: Bench, program: str, why: str) -> None:
    examined = bench.examine("Small/double", program)
    assert examined.fate == "wrong"
    assert examined.parts == NEITHER
    assert why in examined.detail


@pytest.mark.parametrize(
    "program",
    [
        "def double(x):\n    while True: pass",
        "import time\ndef double(x):\n    time.sleep(1000)",
        "def double(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    ],
)
def test_a_program_that_does_not_end_is_ended(bench: Bench, program: str) -> None:
    examined = bench.examine("Small/double", program)
    assert examined.fate == "timeout"
    assert "still running" in examined.detail


def test_a_program_remembers_nothing_from_one_part_to_the_next(bench: Bench) -> None:
    counting = "calls = []\ndef double(x):\n    calls.append(x)\n    return 2 * x if len(calls) <= 50 else 0"
    assert bench.examine("Small/double", counting).parts == BOTH


def test_no_detail_tells_an_expected_value(bench: Bench) -> None:
    assert bench.examine("Small/double", "def double(x): return 7").detail == "base: input 1 of 2 gave another value than expected."


@pytest.mark.parametrize(
    ("program", "fate"),
    [
        ("def double(x): return 2 * x", "right"),
        ("def double(x): return 2 * x if x != 4 else 0", "wrong"),
        ("def double(x): return None", "wrong"),
        ("def double(x): raise AssertionError", "wrong"),
        ("def twice(x): return 0\ndef double(x): return 0", "wrong"),
        ("import os\ndef double(x): os._exit(0)", "wrong"),
        ("def double(x):\n    while True: pass", "timeout"),
    ],
)
def test_assertions_of_the_data_see_only_values(bench: Bench, program: str, fate: str) -> None:
    assert bench.examine("Checked/double", program).fate == fate


def test_what_is_expected_is_found_once_and_kept(bench: Bench) -> None:
    problem = bench.problems["Small/list"]
    found = bench.expectations.of(problem)
    kept = next((bench.folder / "expected").rglob("Small-list.bin"))
    assert kept.stat().st_size < 2_000, "of large values only a digest is kept"
    before = kept.stat().st_mtime_ns
    assert bench.expectations.of(problem) == found
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:-1] + b"x", lambda content: b""])
def test_what_was_kept_and_is_damaged_is_found_again(bench: Bench, damage: object) -> None:
    assert callable(damage)
    problem = bench.problems["Small/half"]
    found = bench.expectations.of(problem)
    kept = next((bench.folder / "expected").rglob("Small-half.bin"))
    kept.write_bytes(damage(kept.read_bytes()))
    assert [one.value for one in bench.expectations.of(problem)["plus"]] == [one.value for one in found["plus"]]


def test_other_data_expect_anew(bench: Bench) -> None:
    other = Expectations(bench.folder / "expected", "other", bench.canonical)
    other.of(bench.problems["Small/half"])
    assert len(list((bench.folder / "expected").rglob("Small-half.bin"))) == 2


def test_a_canonical_solution_that_fails_is_nothing_that_a_program_is_to_blame_for(bench: Bench) -> None:
    path = write_rows(bench.folder / "broken.jsonl", row("Small/broken", "f", "    return 1 / 0\n", [[1]], []))
    with pytest.raises(Unavailable, match=r"Small/broken.*ZeroDivisionError"):
        bench.examiner.examine(Problems(path)["Small/broken"], "def f(x): return 1")


def test_a_problem_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="Small/none"):
        bench.problems["Small/none"]


def test_rows_that_are_no_problems_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"task_id": 1}\n')
    with pytest.raises(InvalidInput, match=r"rows\.jsonl, 1"):
        Problems(path)
    path.write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(InvalidInput, match="gzip"):
        Problems(path)


def test_numbers_that_json_has_not_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(write_rows(tmp_path / "one.jsonl", ROWS[0]).read_text().replace("[[1], [2]]", "[[NaN], [Infinity]]"))
    assert str(Problems(path)["Small/double"].parts["base"]) == "[[nan], [inf]]"
