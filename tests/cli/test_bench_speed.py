"""``assay bench speed`` against a server that runs."""

from __future__ import annotations

import pytest

from tests.cli.command import command
from tests.server import RunningAssay

QUICK = ("--requests", "3", "--repeats", "3", "--warmup", "0")


def test_two_models_are_measured_in_turns(assay: RunningAssay) -> None:
    (assay.folder / "asked.txt").write_text("One?\n\nTwo?\n")
    done = command(
        assay.folder,
        "bench",
        "speed",
        "scripted/text",
        "--against",
        "scripted/paced",
        "--prompts",
        "asked.txt",
        "--total",
        "5000",
        *QUICK,
    )
    assert done.code == 0, done
    assert "closed, 4 at once; 3 repeats of 3 (AB BA AB)" in done.out
    assert "scripted/paced: 9 of 9 answered" in done.out
    assert "own side: " in done.out
    assert "share within the bounds" in done.out


def test_with_json_it_is_one_document(assay: RunningAssay) -> None:
    done = command(assay.folder, "bench", "speed", "scripted/text", "--rate", "50", "--json", *QUICK)
    assert done.code == 0, done
    assert done.json["spec"]["schedule"] == "open"
    assert done.json["a"]["answered"] == 9
    assert done.json["a"]["tokens"] == 9 * 7
    assert {figure["name"] for figure in done.json["a"]["figures"]} >= {"ttft_p50_ms", "bytes_per_s_each"}
    assert done.json["own"]["events_per_s"] > 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("scripted/429", 3, ""),
        ("nobody/nothing", 2, "code: "),
        ("scripted/text --rate 2 --concurrency 3", 2, "give one of them"),
        ("scripted/text --repeats 2", 2, "3<=x<=100"),
    ],
)
def test_the_exit_code_says_what_went_wrong(assay: RunningAssay, words: str, code: int, said: str) -> None:
    done = command(assay.folder, "bench", "speed", *words.split(), *(QUICK if "repeats" not in words else ()))
    assert done.code == code, done
    assert said in done.err
