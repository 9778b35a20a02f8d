"""Scoring 492 programs for HumanEval+, half of them right, by Assay and by evalplus 0.3.1, on two workers each, beside each other.

    ASSAY_DATA_DIR=... ASSAY_EVALPLUS_PYTHON=/path/to/evalplus/bin/python python -m benchmarks.scoring [--rounds 3]

The same file of samples for both, the same data and limits. *Cold*: expected values have to be found first. *Warm*: they are on disk.
Each round runs cold and warm of both in turn; what is printed is the median. Verdicts are compared: a difference other than
HumanEval/32, which nothing passes in evalplus 0.3.1, fails the run; so does a machine so busy that right programs run out of time
before one of the two. Wall time is of the whole command, from start to exit, CPU that of
all its processes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.bench.code.problem import Problems
from assay.bench.library import Library
from tests.bench.code.variants import SEED, variants

SAMPLES = 3
GOAL = 0.4
NEVER_PASSED_THERE = "HumanEval/32"
_DATA = "benchdata/humanevalplus/HumanEvalPlus.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = Path(os.environ["ASSAY_DATA_DIR"])
    with TemporaryDirectory() as folder:
        bench = Bench(data, Path(folder))
        took: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for number in range(arguments.rounds):
            for state in ("cold", "warm"):
                for who in ("assay", "evalplus") if number % 2 else ("evalplus", "assay"):
                    took.setdefault((who, state), []).append(bench.run(who, is_cold=state == "cold"))
                    print(f"round {number + 1}, {state}, {who}: {took[who, state][-1][0]:.1f} s", flush=True)
        status = report(took)
        bench.compare()
    sys.exit(status)


class Bench:
    """One folder with the samples, each scorer's cache, and its last verdicts."""

    def __init__(self, data: Path, folder: Path):
        self.data = data / _DATA
        self.folder = folder
        self.samples = folder / "samples.jsonl"
        rows = _samples(self.data)
        self.samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.verdicts: dict[str, list[tuple[str, bool, bool]]] = {}

    def run(self, who: str, *, is_cold: bool) -> tuple[float, float]:
        """Wall and CPU seconds."""
        cache = self.folder / f"{who}-cache"
        if is_cold:
            shutil.rmtree(cache, ignore_errors=True)
        result = self.folder / "samples_eval_results.json"
        result.unlink(missing_ok=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        done = subprocess.run(self._command(who, cache), env=self._environment(cache), capture_output=True, check=True)
        wall_s = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.verdicts[who] = _from_assay(done.stdout) if who == "assay" else _from_evalplus(result)
        return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def compare(self) -> None:
        """Raises where a verdict differs that should not."""
        ours, theirs = sorted(self.verdicts["assay"]), sorted(self.verdicts["evalplus"])
        assert len(ours) == len(theirs) == SAMPLES * 164
        differ = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
        right = sum(plus for _, _, plus in ours)
        print(f"{right} of {len(ours)} are right; {len(differ)} verdicts differ, of {sorted({mine[0] for mine, _ in differ})}")
        assert {mine[0] for mine, _ in differ} <= {NEVER_PASSED_THERE}, differ

    def _command(self, who: str, cache: Path) -> Sequence[str]:
        if who == "assay":
            return [sys.executable, "-m", "benchmarks.scoring_assay", str(self.samples), str(self.data), str(cache)]
        python = os.environ["ASSAY_EVALPLUS_PYTHON"]
        return [python, "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", str(self.samples), "--parallel", "2"]

    def _environment(self, cache: Path) -> dict[str, str]:
        return {**os.environ, "HUMANEVAL_OVERRIDE_PATH": str(self.data), "XDG_CACHE_HOME": str(cache), "PYTHONWARNINGS": "ignore"}


def _samples(data: Path) -> list[dict[str, str]]:
    """Three of each problem: half of all are canonical, the others mutants."""
    task = Library().find("humanevalplus")
    problems = Problems(data, task.options.get("shapes"))
    chance = random.Random(SEED)
    rows = []
    for id in problems.questions:
        programs = [one.program for one in variants([problems[id]]) if one.kind in {"mutant", "overfitted"}]
        for _ in range(SAMPLES):
            is_right = chance.random() < 0.5 or not programs
            rows.append({"task_id": id, "solution": problems[id].reference if is_right else chance.choice(programs)})
    return rows


def _from_assay(output: bytes) -> list[tuple[str, bool, bool]]:
    rows = [json.loads(line) for line in output.splitlines()]
    return [(row["task_id"], row["parts"]["base"] == 1, row["outcome"] == "right") for row in rows if "index" in row]


def _from_evalplus(result: Path) -> list[tuple[str, bool, bool]]:
    found = json.loads(result.read_text())["eval"]
    return [
        (id, row["base_status"] == "pass", row["base_status"] == row["plus_status"] == "pass")
        for id, rows in found.items()
        for row in rows
    ]


def report(took: dict[tuple[str, str], list[tuple[float, float]]]) -> int:
    """0 when the goal is met."""
    worst = 0.0
    for state in ("cold", "warm"):
        wall = {who: statistics.median(wall for wall, _ in took[who, state]) for who in ("assay", "evalplus")}
        cpu = {who: statistics.median(cpu for _, cpu in took[who, state]) for who in ("assay", "evalplus")}
        ratio = wall["assay"] / wall["evalplus"]
        worst = max(worst, ratio)
        print(
            f"{state}: Assay {wall['assay']:.1f} s ({cpu['assay']:.1f} CPU), evalplus {wall['evalplus']:.1f} s"
            f" ({cpu['evalplus']:.1f} CPU): {ratio:.2f} of its wall time"
        )
    print(f"goal: at most {GOAL}: {'met' if worst <= GOAL else 'missed'}")
    return 0 if worst <= GOAL else 1


if __name__ == "__main__":
    main()
