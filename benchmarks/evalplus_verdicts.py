"""What evalplus says of programs: run by an interpreter that has evalplus 0.3.1, which need not have Assay.

    PYTHON benchmarks/evalplus_verdicts.py < rows > verdicts

A row is ``[data set, problem, program]`` in JSON, a verdict ``[base, plus]``. It calls what ``evalplus.evaluate`` calls for each sample,
with the same limits, but finds the expected values of no more problems than there are rows of.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

DATA = {"humanevalplus": "humaneval", "mbppplus": "mbpp"}


def main() -> None:
    from evalplus.data import get_human_eval_plus, get_mbpp_plus  # type: ignore[import-not-found]  # see above

    rows = [json.loads(line) for line in sys.stdin]
    problems = {"humanevalplus": get_human_eval_plus(), "mbppplus": get_mbpp_plus()}
    expected: dict[tuple[str, str], Any] = {}
    with ProcessPoolExecutor(2) as pool:
        waiting = []
        for data, task_id, program in rows:
            problem = problems[data][task_id]
            if (data, task_id) not in expected:
                expected[data, task_id] = _expected(problem)
            waiting.append(pool.submit(_check, DATA[data], problem, program, expected[data, task_id]))
        for number, each in enumerate(waiting):
            print(json.dumps(each.result()), flush=True)
            if number % 100 == 99:
                print(f"evalplus: {number + 1} of {len(rows)}", file=sys.stderr, flush=True)


def _expected(problem: dict[str, Any]) -> dict[str, Any]:
    from evalplus.eval._special_oracle import MBPP_OUTPUT_NOT_NONE_TASKS  # type: ignore[import-not-found]
    from evalplus.gen.util import trusted_exec  # type: ignore[import-not-found]

    found: dict[str, Any] = {}
    for part in ("base", "plus"):
        found[part], found[f"{part}_time"] = trusted_exec(
            problem["prompt"] + problem["canonical_solution"],
            problem[f"{part}_input"],
            problem["entry_point"],
            record_time=True,
            output_not_none=problem["entry_point"] in MBPP_OUTPUT_NOT_NONE_TASKS,
        )
    return found


def _check(data: str, problem: dict[str, Any], program: str, expected: dict[str, Any]) -> tuple[str, str]:
    from evalplus.evaluate import check_correctness  # type: ignore[import-not-found]

    found = check_correctness(data, 0, problem, program, expected, fast_check=True)
    return found["base"][0], found["plus"][0]


if __name__ == "__main__":
    main()
