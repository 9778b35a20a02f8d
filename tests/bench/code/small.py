"""A data file of our own with few problems, as HumanEval+ and MBPP+ are written, and what it takes to examine programs for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.bench.task import DataFile, Task

LARGE = 5_000


def row(id: str, entry: str, solution: str, base: list[Any], plus: list[Any], **more: Any) -> dict[str, Any]:
    given = {"task_id": id, "prompt": f"def {entry}(x):\n", "entry_point": entry, "canonical_solution": solution}
    return given | {"base_input": base, "plus_input": plus, "atol": 0} | more


ROWS = [
    row("Small/double", "double", "    return 2 * x\n", [[1], [2]], [[n] for n in range(50)]),
    row("Small/half", "half", "    return x / 2\n", [[1], [3]], [[n] for n in range(10)]),
    row("Small/list", "some", "    return list(range(x))\n", [[1], [LARGE]], [[LARGE + 1], [2]]),
    row("Small/nan", "nan", "    return float('nan')\n", [[1]], []),
    row("Small/set", "members", "    return {str(n) for n in range(x)}\n", [[3]], [[LARGE], [2]]),
    row("HumanEval/32", "find_zero", "    return -x[0] / x[1]\n", [[[1, 2]]], [[[-1, 0, 1]]][:0], atol=1e-4),
]
CHECKED = {
    "task_id": "Checked/double",
    "prompt": "import math\n\ndef twice(x):\n    return 2 * x\n\ndef double(x):\n",
    "entry_point": "double",
    "canonical_solution": "    return twice(x)\n",
    "test": "def check(candidate):\n    for n in range(5):\n        assert candidate(n) == twice(n)\n    assert abs(candidate(0.5) - 1) < 1e-6\n",
}


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def small_task(path: Path) -> tuple[Task, dict[str, Path]]:
    """A task of those rows, and its files."""
    task = Task(
        id="small",
        version=1,
        title="Small",
        about="",
        kind="code",
        data=(DataFile(name="problems"),),
        format="own",
        licence="Apache-2.0",
        citation="",
        link="",
    )
    return task, {"problems": write_rows(path, *ROWS, CHECKED)}
