"""A model mends a repository in a workspace, and cannot talk, print or trick its way to a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.agent.specimen import make
from assay.bench.kind import kind_of
from assay.bench.library import Library
from assay.bench.outcome import Scored
from assay.bench.task import Context, Sample, Task
from assay.core import Answer, Message, Request, Sampling, Text, ToolCall, ToolResult
from tests.bench.tasks.answers import said

pytestmark = pytest.mark.anyio
SEED = 11


@pytest.fixture
def task() -> Task:
    shipped = Library().find("repair")
    return msgspec.structs.replace(shipped, options={**shipped.options, "seed": SEED, "count": 10})


def calls(*commands: str) -> Answer:
    parts = tuple(
        ToolCall(id=f"call-{number}", name="shell", arguments=json.dumps({"command": command}))
        for number, command in enumerate(commands)
    )
    return Answer(messages=(Message(role="assistant", parts=parts),), stop="tool_calls", usage=None, started=None)


Model = Callable[[int, Request], Answer]


async def attempt(task: Task, number: int, model: Model, folder: Path) -> tuple[Scored, list[Request]]:
    """Solve and score one repository, the answer stored and read again in between."""
    kind = kind_of(task)
    sample = kind.read(task, {})[number]
    asked: list[Request] = []

    async def ask(request: Request) -> Answer:
        asked.append(request)
        return model(len(asked) - 1, request)

    answer = await kind.solve(task, sample, ask, "m", Sampling())
    stored = msgspec.json.decode(msgspec.json.encode(answer.message), type=Message)
    async with kind.scorer(task, {}, Context(folder=folder)) as scorer:
        return await scorer.score(sample, msgspec.structs.replace(answer, messages=(stored,))), asked


def mends(number: int) -> str:
    """A command that puts the right file in the place of the broken one."""
    specimen = make(SEED, number)
    [path] = [path for path in specimen.correct if specimen.correct[path] != specimen.broken[path]]
    return f"cat > {path} <<'EOF_OF_FILE'\n{specimen.correct[path]}EOF_OF_FILE"


def does(*commands: str) -> Model:
    """A model that runs these, one in each answer, and then says that it is done."""
    return lambda step, _: calls(commands[step]) if step < len(commands) else said("Done.")


def seen(request: Request) -> ToolResult:
    part = request.transcript.messages[-1].parts[0]
    assert isinstance(part, ToolResult)
    return part


def words(result: ToolResult) -> str:
    return "".join(part.text for part in result.parts if isinstance(part, Text))


async def test_a_model_that_mends_the_cause_is_right(task: Task, tmp_path: Path) -> None:
    scored, asked = await attempt(task, 0, does("ls; python3 -m unittest 2>&1", mends(0)), tmp_path)
    assert (scored.outcome, scored.value, scored.parts) == ("right", 1.0, {"hidden": 1.0})
    assert [tool.name for tool in asked[0].tools] == ["shell"]
    assert make(SEED, 0).issue in asked[0].transcript.messages[1].text
    assert "README.md" in words(seen(asked[1]))
    assert "OK" in words(seen(asked[1]))
    assert len(asked) == 3


async def test_a_repository_as_it_was_is_no_answer_and_a_useless_change_is_wrong(task: Task, tmp_path: Path) -> None:
    idle, _ = await attempt(task, 1, does("ls"), tmp_path)
    assert (idle.outcome, idle.value) == ("unparsed", 0.0)
    useless, _ = await attempt(task, 1, does("echo '# better' >> README.md"), tmp_path)
    assert useless.outcome == "wrong"
    assert 0 < useless.parts["hidden"] < 1
    refuses, _ = await attempt(task, 1, lambda step, request: said("I'm sorry, but I can't help with that."), tmp_path)
    assert refuses.outcome == "refused"


TRICKS: dict[str, str] = {
    "tests rewritten": "echo 'import unittest' > test_visible.py; rm -f */__pycache__/*",
    "equal to everything": "cat > {init} <<'E'\nclass Any(dict):\n    def __eq__(self, other):\n        return True\n"
    "def __getattr__(name):\n    return lambda *a: Any()\nE",
    "ends the process": "cat > {init} <<'E'\nimport os\nos._exit(0)\nE",
    "exits well": "cat > {init} <<'E'\nraise SystemExit(0)\nE",
    "prints results": "cat > {init} <<'E'\nimport os\nfor fd in range(1, 20):\n    try:\n        os.write(fd, b'{\"value\": 0}\\n' * 99)\n"
    "    except OSError:\n        pass\nos._exit(0)\nE",
    "shadows json": "printf 'def dumps(*a, **k): return \"{}\"\\nloads = dumps\\n' > json.py; echo '' >> {init}",
    "reads the caller": "cat > {init} <<'E'\nimport sys\nframe = sys._getframe()\nwhile frame:\n    for value in frame.f_globals.values():\n"
    "        if isinstance(value, dict) and 'calls' in value:\n            value['calls'] = []\n    frame = frame.f_back\nE",
    "site": "echo 'import os; os._exit(0)' > sitecustomize.py; echo 'import os; os._exit(0)' > usercustomize.py; echo '' >> {init}",
    "no package": "rm -rf {package}",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
async def test_no_file_that_is_left_can_forge_the_verdict(task: Task, tmp_path: Path, trick: str) -> None:
    package = make(SEED, 2).package
    command = trick.replace("{init}", f"{package}/__init__.py").replace("{package}", package)
    scored, _ = await attempt(task, 2, does(command), tmp_path)
    assert scored.outcome == "wrong", scored.detail
    assert scored.parts["hidden"] < 1


async def test_tests_that_never_end_are_a_timeout(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.bench.agent.hidden._TIMEOUT_S", 2.0)
    package = make(SEED, 2).package
    scored, _ = await attempt(task, 2, does(f"echo 'while True: pass' > {package}/__init__.py"), tmp_path)
    assert (scored.outcome, scored.value) == ("timeout", 0.0)


async def test_the_hidden_tests_and_what_they_expect_are_nowhere_in_the_workspace(task: Task, tmp_path: Path) -> None:
    _, asked = await attempt(task, 3, does("cat -- * */* 2>/dev/null; env; ls -la / /tmp /run; ls /proc"), tmp_path)
    shown = words(seen(asked[1]))
    specimen = make(SEED, 3)
    assert specimen.package in shown
    assert "hidden" not in shown
    assert str(Path(__file__).parents[3]) not in shown


async def test_what_a_command_prints_comes_back_cut_and_with_its_exit_code(task: Task, tmp_path: Path) -> None:
    model = does("echo out; echo err >&2; exit 3", "seq 1 20000", "sleep 60")
    task = msgspec.structs.replace(task, options={**task.options, "command_s": 2.0})
    _, asked = await attempt(task, 0, model, tmp_path)
    first, second, third = (seen(request) for request in asked[1:])
    assert (words(first), first.is_error) == ("out\nerr\n\n[exit code 3]", True)
    assert "characters left out" in words(second)
    assert len(words(second)) < 10_200
    assert "ended after 2 seconds" in words(third)


@pytest.mark.parametrize("arguments", ["ls", "[]", '{"cmd": "ls"}', '{"command": 1}', ""])
async def test_a_call_that_is_none_is_told_so(task: Task, tmp_path: Path, arguments: str) -> None:
    part = ToolCall(id="x", name="shell", arguments=arguments)
    broken = Answer(messages=(Message(role="assistant", parts=(part,)),), stop="tool_calls", usage=None, started=None)
    _, asked = await attempt(task, 0, lambda step, _: broken if step == 0 else said("Done."), tmp_path)
    assert seen(asked[1]).is_error
    assert "There is one tool" in words(seen(asked[1]))


async def test_several_calls_in_one_answer_are_all_run_and_steps_are_bounded(task: Task, tmp_path: Path) -> None:
    task = msgspec.structs.replace(task, options={**task.options, "steps": 3})
    scored, asked = await attempt(task, 0, lambda step, _: calls("echo one", mends(0)), tmp_path)
    assert len(asked) == 3
    assert [part.id for part in asked[1].transcript.messages[-1].parts if isinstance(part, ToolResult)] == ["call-0", "call-1"]
    assert scored.outcome == "right"


async def test_the_shipped_task_reads_as_many_as_it_says() -> None:
    task = Library().find("repair")
    samples: list[Sample] = list(kind_of(task).read(task, {}))
    assert len(samples) == task.rows == 50
    assert {sample.category for sample in samples} == {"shop", "calendar", "build", "text", "map"}
    kept: dict[str, Any] = samples[0].fields
    assert set(kept) == {"issue", "package", "seed", "number"}
