"""A thousand programs before Assay and before evalplus 0.3.1: their verdicts should be the same, and where not, it is known why.

    ASSAY_DATA_DIR=... ASSAY_EVALPLUS_PYTHON=/path/to/evalplus/bin/python python -m benchmarks.scoring_verdicts [--share 1.0]

The programs are those of ``tests/bench/code/variants.py``, by its seed. Compared are: passes base, and passes base and plus.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.bench.code.judge import CodeJudge
from assay.bench.code.problem import Problems
from assay.bench.library import Library
from assay.bench.task import Task
from tests.bench.code.variants import SEED, SLOW, Variant, chosen, variants

COUNTS = {"canonical": 100, "mutant": 280, "overfitted": 370, "retyped": 150, "raising": 50, "broken": 30, "endless": 20}
TASKS = ("humanevalplus", "mbppplus")
EXPLAINED = {
    "HumanEval/32": "evalplus 0.3.1 does not count the inputs of its special oracle for find_zero, so that nothing passes it",
    "Mbpp/255": "its values take gigabytes, which evalplus holds twice in one process, and is too slow there for its own limit",
}
OWN_EQUALITY = "UserList"
"""evalplus asks the value whether it is equal, so that a class of the candidate's decides; here it equals nothing."""

Verdict = tuple[bool, bool]
SAID = {(True, True): "right", (True, False): "base only", (False, False): "wrong"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--share", type=float, default=1.0, help="how much of the thousand")
    parser.add_argument("--keep", type=Path, help="a file for the verdicts of evalplus, as the tests read them")
    share, keep = parser.parse_args().share, parser.parse_args().keep
    data = Path(os.environ["ASSAY_DATA_DIR"])
    tasks = {name: Library().find(name) for name in TASKS}
    programs = _programs(tasks, data, share)
    print(f"{len(programs)} programs by seed {SEED}: {dict(Counter(one.kind for _, one in programs))}")
    with TemporaryDirectory() as folder:
        ours = _timed("Assay", lambda: asyncio.run(_assay(tasks, data, programs, Path(folder))))
        theirs = _timed("evalplus 0.3.1", lambda: _evalplus(data, programs, Path(folder)))
    if keep is not None:
        quick = {
            f"{one.problem} {one.kind}": SAID[verdict]
            for (_, one), verdict in zip(programs, theirs, strict=True)
            if one.kind not in {"mutant", "endless"} and one.problem not in SLOW and not _why(one.problem, one.program)
        }
        keep.write_text(json.dumps(quick, indent=0) + "\n")
    sys.exit(_compare(programs, ours, theirs))


def _programs(tasks: dict[str, Task], data: Path, share: float) -> list[tuple[str, Variant]]:
    named: dict[str, str] = {}
    every: list[Variant] = []
    for name, task in tasks.items():
        problems = Problems(data / (task.data[0].path or ""), task.options.get("shapes"))
        named |= dict.fromkeys(problems.questions, name)
        every += variants([problems[id] for id in problems.questions])
    counts = {kind: max(1, round(count * share)) for kind, count in COUNTS.items()}
    return [(named[one.problem], one) for one in chosen(every, counts)]


async def _assay(tasks: dict[str, Task], data: Path, programs: list[tuple[str, Variant]], folder: Path) -> list[Verdict]:
    found: dict[int, Verdict] = {}
    for name, task in tasks.items():
        files = {task.data[0].name: data / (task.data[0].path or "")}
        async with CodeJudge.open(task, files, workers=2, folder=folder) as judge:

            async def one(number: int, variant: Variant, judge: CodeJudge = judge) -> None:
                parts = (await judge.examine(variant.problem, variant.program)).parts
                found[number] = (parts["base"] == 1, parts["base"] == 1 and parts["plus"] == 1)

            await asyncio.gather(*(one(n, variant) for n, (task_id, variant) in enumerate(programs) if task_id == name))
    return [found[number] for number in range(len(programs))]


def _evalplus(data: Path, programs: list[tuple[str, Variant]], folder: Path) -> list[Verdict]:
    rows = "\n".join(json.dumps([name, one.problem, one.program]) for name, one in programs)
    env = {
        **os.environ,
        "HUMANEVAL_OVERRIDE_PATH": str(data / "benchdata/humanevalplus/HumanEvalPlus.jsonl.gz"),
        "MBPP_OVERRIDE_PATH": str(data / "benchdata/mbppplus/MbppPlus.jsonl.gz"),
        "HOME": str(folder),
    }
    script = Path(__file__).with_name("evalplus_verdicts.py")
    command = [os.environ["ASSAY_EVALPLUS_PYTHON"], str(script)]
    done = subprocess.run(command, input=rows, env=env, stdout=subprocess.PIPE, text=True, check=True)
    words = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return [(base == "pass", base == plus == "pass") for base, plus in words]


def _timed(name: str, run: object) -> list[Verdict]:
    assert callable(run)
    began = time.monotonic()
    found: list[Verdict] = run()
    print(f"{name}: {time.monotonic() - began:.0f} s, with expected values")
    return found


def _compare(programs: list[tuple[str, Variant]], ours: list[Verdict], theirs: list[Verdict]) -> int:
    """0 when every difference is explained."""
    assert len(programs) == len(ours) == len(theirs)
    for name, verdicts in (("Assay", ours), ("evalplus", theirs)):
        print(f"{name}: {dict(Counter(SAID[one] for one in verdicts))}")
    unexplained = 0
    for (_, variant), mine, other in zip(programs, ours, theirs, strict=True):
        if mine == other:
            continue
        why = _why(variant.problem, variant.program)
        unexplained += not why
        print(f"differ: {variant.problem} {variant.kind}: Assay {SAID[mine]}, evalplus {SAID[other]}: {why or 'not explained'}")
    same = sum(mine == other for mine, other in zip(ours, theirs, strict=True))
    print(f"{same} of {len(programs)} the same, {unexplained} differences not explained")
    return 1 if unexplained else 0


def _why(problem: str, program: str) -> str:
    """Why verdicts on it may differ; nothing where they may not."""
    return EXPLAINED.get(problem) or ("its class decides what it equals, which evalplus lets it" if OWN_EQUALITY in program else "")


if __name__ == "__main__":
    main()
