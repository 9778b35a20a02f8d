"""A whole run on a real engine: llama.cpp's server behind the gateway, started and asked by the command line alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import command
from tests.llama import make_checkpoint, serving_checkpoint

LETTERS = "abcdefghijklmnopqrst"
KNOWN = 15
"""Of so many letters the model says the right number; of the rest, zero."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    after = {letter: str(place % 10) if place < KNOWN else "0" for place, letter in enumerate(LETTERS)}
    after["q"] = "?"  # an answer in which there is no number
    with serving_checkpoint(make_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.gguf", after)) as url:
        yield url


@pytest.fixture
def folder(llama: str, tmp_path: Path) -> Path:
    """A data folder with the server as a provider, and a task of our own whose answers are known."""
    (tmp_path / "assay.toml").write_text(f"""
        [providers.tiny]
        kind = "local"
        auth = "none"
        base_url = "{llama}/v1"
        [[providers.tiny.models]]
        name = "tiny"
    """)
    task = tmp_path / "data" / "tasks" / "letters"
    task.mkdir(parents=True)
    rows = [{"letter": letter, "place": place % 10 + (place >= KNOWN)} for place, letter in enumerate(LETTERS)]
    (task / "letters.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (task / "task.toml").write_text("""
        id = "letters"
        version = 1
        title = "Letters"
        about = "The last digit of a letter's place."
        kind = "numbers"
        prompt = "Which is the last digit of the place of the letter {{letter}}"
        licence = "own"
        citation = "own"
        link = "https://example.org"
        fields = { id = "letter", target = "place" }
        sampling = { temperature = 0.0, max_tokens = 8 }
        [[data]]
        name = "questions"
        path = "letters.jsonl"
    """)
    return tmp_path


def test_a_run_on_llama_cpp_gives_the_score_that_its_table_says(folder: Path) -> None:
    done = command(folder, "bench", "run", "letters", "--model", "tiny/tiny", "--json")
    assert done.code == 0, done.err
    run = json.loads(done.out)
    outcomes = {name: count for name, count in run["outcomes"].items() if count}
    assert (outcomes, run["score"]["n"]) == ({"right": KNOWN, "wrong": 4, "unparsed": 1}, 20)
    assert run["score"]["value"] == KNOWN / 20
    assert run["score"]["low"] < KNOWN / 20 < run["score"]["high"]
    assert run["tokens"]["input"] > 20 * 50
    again = command(folder, "bench", "run", "letters", "--model", "tiny/tiny", "--json", "--resume")
    other = json.loads(again.out)
    assert other["id"] != run["id"], "there was nothing to go on with"
    compared = command(folder, "bench", "compare", run["id"], other["id"], "--json", "--gate")
    assert (compared.code, json.loads(compared.out)["found"]["verdict"]) == (0, "cannot tell")
