"""``assay bench compare`` and ``rank`` against a server that runs, on a task of one's own."""

from __future__ import annotations

import pytest

from tests.cli.command import command
from tests.server import RunningAssay

TASK = """
id = "echoes"
version = 1
title = "Echoes"
about = "Says the number again."
kind = "numbers"
prompt = "{{ask}}"
licence = "none"
citation = "none"
link = "none"

[[data]]
name = "questions"
path = "questions.jsonl"

[fields]
target = "number"
"""


@pytest.fixture(scope="module")
def runs(assay: RunningAssay) -> dict[str, str]:
    """A run of a model that echoes, one of a model that greets, one of a model that fails, and one with another sampling."""
    folder = assay.folder / "data" / "tasks" / "echoes"
    folder.mkdir(parents=True)
    (folder / "task.toml").write_text(TASK)
    (folder / "questions.jsonl").write_text("".join(f'{{"ask": "{at + 10}", "number": "{at + 10}"}}\n' for at in range(12)))
    asked = {
        "echo": ("scripted/echo",),
        "greet": ("scripted/text",),
        "fail": ("scripted/error-400",),
        "warm": ("scripted/echo", "--temperature", "1"),
    }
    return {name: _run(assay, *words) for name, words in asked.items()}


def test_the_gate_fails_for_what_is_worse_only(assay: RunningAssay, runs: dict[str, str]) -> None:
    worse = command(assay.folder, "bench", "compare", runs["echo"], runs["greet"], "--gate")
    assert worse.code == 1, worse
    assert "A is better" in worse.out
    assert command(assay.folder, "bench", "compare", runs["echo"], runs["greet"]).code == 0
    better = command(assay.folder, "bench", "compare", runs["greet"], runs["echo"], "--gate", "--json")
    assert (better.code, better.json["found"]["verdict"]) == (0, "B better")


def test_the_gate_does_not_pass_a_run_that_failed(assay: RunningAssay, runs: dict[str, str]) -> None:
    done = command(assay.folder, "bench", "compare", runs["greet"], runs["fail"], "--gate")
    assert done.code == 5, done


def test_runs_that_were_not_measured_alike_are_refused_unless_told(assay: RunningAssay, runs: dict[str, str]) -> None:
    refused = command(assay.folder, "bench", "compare", runs["echo"], runs["warm"])
    assert (refused.code, refused.out) == (2, "")
    assert "sampling.temperature" in refused.err
    assert "bench.different_recipes" in refused.err
    told = command(assay.folder, "bench", "compare", runs["echo"], runs["warm"], "--across-recipes")
    assert told.code == 0
    assert "sampling.temperature" in told.out


def test_runs_are_ranked(assay: RunningAssay, runs: dict[str, str]) -> None:
    done = command(assay.folder, "bench", "rank", runs["greet"], runs["echo"])
    assert done.code == 0, done
    first, second = done.out.splitlines()[1:]
    assert first.split()[:5] == ["1", "1", "to", "1", "scripted/echo"]
    assert second.split()[:5] == ["2", "2", "to", "2", "scripted/text"]
    assert command(assay.folder, "bench", "rank", runs["greet"]).code == 2


def _run(assay: RunningAssay, model: str, *words: str) -> str:
    done = command(assay.folder, "bench", "run", "echoes", "--model", model, *words, "--json")
    assert done.code in (0, 5), done
    return str(done.json["id"])
