"""Inspect runs its own tasks through the gateway: what it is given, what is made of how it ends, and, where it is here, that it works."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.bench.exchange import FORMATS, read_sheet
from assay.bench.exchange.inspect_run import run_inspect
from assay.core import AssayError, InvalidInput, Unavailable, Unprocessable
from tests.bench.exchange.files import write_inspect
from tests.bench.exchange.test_formats import outcomes, own_sheet
from tests.server import running, until

pytestmark = pytest.mark.anyio

KEY = "ask-secret"
STAND_IN = f"""#!{sys.executable}
import json, os, shutil, sys, time
given = sys.argv[1:]
folder = given[given.index("--log-dir") + 1]
with open(os.path.join(folder, "seen.json"), "w") as seen:
    json.dump({{"given": given, "environment": dict(os.environ)}}, seen)
target = given[-1]
if target == "waits":
    time.sleep(600)
if target == "fails":
    sys.exit("no such task; my key is " + os.environ["ASSAY_API_KEY"])
for number in range(0 if target == "silent" else 2 if target == "two" else 1):
    shutil.copy(os.path.join(os.path.dirname(__file__), "made"), os.path.join(folder, str(number) + ".eval"))
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A program in Inspect's place."""
    write_inspect(tmp_path / "made")
    program = tmp_path / "inspect"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return program


async def run(inspect: Path, target: str, **more: int) -> Path:
    return await run_inspect(
        target,
        model="stage/pupil",
        gateway_url="http://127.0.0.1:1/",
        key=KEY,
        log_dir=inspect.parent / "logs",
        inspect=inspect,
        **more,
    )


async def test_inspect_is_given_the_gateway_and_no_other_secret(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("ASSAY_MASTER_KEY", "mine")
    log = await run(stand_in, "tiny.py@tiny", limit=3, epochs=2)
    assert read_sheet(log).task == "tiny"
    seen = json.loads((log.parent / "seen.json").read_text())
    assert seen["given"][:3] == ["eval", "--model", "openai-api/assay/stage/pupil"]
    assert seen["given"][-6:] == ["--limit", "3", "--epochs", "2", "--", "tiny.py@tiny"]
    assert seen["environment"]["ASSAY_BASE_URL"] == "http://127.0.0.1:1/v1"
    assert {name for name in seen["environment"] if "KEY" in name} == {"ASSAY_API_KEY"}


@pytest.mark.parametrize(
    ("target", "kind", "code"),
    [
        ("fails", Unprocessable, "exchange.inspect_failed"),
        ("silent", Unprocessable, "exchange.inspect_failed"),
        ("two", InvalidInput, "exchange.several_tasks"),
    ],
)
async def test_how_it_fails_is_said_without_the_key(stand_in: Path, target: str, kind: type[AssayError], code: str) -> None:
    with pytest.raises(kind) as failed:
        await run(stand_in, target)
    assert failed.value.code == code
    assert KEY not in str(failed.value)


async def test_without_inspect_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="uv tool install inspect-ai") as missing:
        await run(tmp_path / "inspect", "x")
    assert missing.value.code == "exchange.extra_missing"


async def test_inspect_ends_with_whoever_waits_for_it(stand_in: Path) -> None:
    task = asyncio.create_task(run(stand_in, "waits"))
    seen = stand_in.parent / "logs" / "seen.json"
    await asyncio.to_thread(until, seen.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(b"waits" in words and bytes(stand_in) in words for words in commands())


def commands() -> list[bytes]:
    """The command lines of what runs on this machine."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes())
        except OSError:
            continue
    return found


@pytest.fixture
def real_inspect() -> Path:
    """A Python that has inspect_ai, which ASSAY_INSPECT_PYTHON names."""
    named = os.environ.get("ASSAY_INSPECT_PYTHON")
    assert named, "ASSAY_INSPECT_PYTHON names no Python that has inspect_ai"
    return Path(named)


@pytest.mark.prove
async def test_inspect_reads_the_log_that_we_write(tmp_path: Path, real_inspect: Path) -> None:
    path = tmp_path / "ours.eval"
    sheet = own_sheet()  # of eight samples one is an error, which leaves the score open: Inspect gets none either
    path.write_bytes(FORMATS["inspect"].write(sheet))
    program = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1])
one = read_eval_log_sample(sys.argv[1], sys.argv[2], 1)
print(json.dumps([log.status, log.eval.model, {name: one.value for name, one in log.results.scores[0].metrics.items()},
    [[s.id, s.epoch, s.scores["assay"].value if s.scores else None] for s in log.samples], one.output.completion,
    len(read_eval_log_sample_summaries(sys.argv[1]))]))
"""
    command = [str(real_inspect), "-c", program, str(path), sheet.results[1].sample]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr.decode()
    status, model, score, samples, said, summaries = json.loads(done.stdout)
    assert (status, model, said, summaries) == ("success", "stage/pupil", "It is 1.\0\u2028", 8)
    assert score == {}
    assert {(id, epoch) for id, epoch, _ in samples} == {(one.sample, one.epoch + 1) for one in sheet.results}


TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def tiny():
    samples = [Sample(id="q1", input="What is 1+1?", target="2"), Sample(id="q2", input="What is 2+3?", target="never")]
    return Task(dataset=samples, solver=generate(), scorer=includes())
"""


@pytest.mark.prove
@pytest.mark.timeout(180)
async def test_a_task_of_inspect_runs_through_the_gateway(tmp_path: Path, real_inspect: Path) -> None:
    (tmp_path / "tiny.py").write_text(TASK)
    with running(tmp_path / "assay", "--demo") as assay:
        log = await run_inspect(
            f"{tmp_path}/tiny.py@tiny",
            model="practice/reckoner",
            gateway_url=assay.url,
            key=assay.gateway_key,
            log_dir=tmp_path / "logs",
            inspect=real_inspect,
            epochs=2,
        )
        assay.sign_in()
        calls = assay.ask("GET", "/api/v1/calls").json["calls"]
    sheet = read_sheet(log)
    assert [(id, outcome) for id, _, outcome, _ in outcomes(sheet)] == [("q1", "right"), ("q2", "wrong")] * 2
    assert {one.usage is not None for one in sheet.results} == {True}
    assert len([call for call in calls if call["deployment"] == "practice/reckoner"]) >= 4
