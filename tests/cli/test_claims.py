"""What is claimed, checked by arithmetic alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli import assay
from tests.cli.command import command

QUESTIONS = {"humaneval-plus.pass@1": 164, "gpqa-diamond.accuracy": 198, "hle.accuracy": 2500}
"""How many each benchmark has, where that is known: see ``docs/reference/tasks.md``."""


def ask(*words: str) -> tuple[int, str]:
    """``assay claims attainable`` in this process: its exit code and what it printed."""
    done = CliRunner().invoke(assay, ["claims", "attainable", *words], standalone_mode=False)
    assert done.exception is None, done
    return int(done.return_value), done.stdout


def test_an_impossible_claim_fails_and_says_what_is_near(tmp_path: Path) -> None:
    done = command(tmp_path, "claims", "attainable", "85.2", "--n", "164")
    assert done.code == 1
    assert done.out == (
        "impossible: no number of right answers to 164 questions is 85.2 %, however it is rounded.\n"
        "nearest: 139 = 84.756 % and 140 = 85.366 %, of 164\n"
        "It can be a mean over 3 samples of each question.\n"
        "95 % interval of one run of 164 questions: 79.1 to 90.0 %\n"
    )


def test_a_possible_claim_says_how_many_answers_it_is() -> None:
    assert ask("91.9", "--n", "198") == (
        0,
        "possible: 91.9 % is 182 of 198.\n95 % interval of one run of 198 questions: 87.3 to 95.0 %\n",
    )
    assert ask("37.5", "--n", "2500")[1].startswith("possible: 37.5 % is 937 to 938 of 2,500.")
    assert ask("66.6", "--n", "3")[1].startswith("possible: 66.6 % is 2 of 3, if it was rounded down.")
    assert ask("85.2", "--n", "164", "--samples", "3") == (0, "possible: 85.2 % is 419 of 492.\n")


def test_with_json_it_is_one_document() -> None:
    code, out = ask("84.9", "--n", "164", "--json")
    said = json.loads(out)
    assert code == 1
    assert (said["is_attainable"], said["first"], said["samples_needed"]) == (False, None, 4)
    assert said["below"]["count"] == 139
    assert said["interval"]["low"] == pytest.approx(0.785, abs=1e-3)


def test_what_is_no_percentage_is_a_mistake_in_use(tmp_path: Path) -> None:
    done = command(tmp_path, "claims", "attainable", "eighty", "--n", "164")
    assert (done.code, done.out) == (2, "")
    assert "code: stats.bad_percent" in done.err


@pytest.mark.data
def test_the_claims_of_the_news() -> None:
    """Two of them cannot be what one run of the benchmark gave."""
    claims = json.loads(Path(os.environ["ASSAY_DATA_DIR"], "claims", "seed_claims.json").read_text("utf-8"))["claims"]
    found = {
        (claim["model"], claim["measure"]): ask(str(claim["value"]), "--n", str(QUESTIONS[claim["measure"]]))[0] == 0
        for claim in claims
        if claim.get("unit") == "percent" and claim["measure"] in QUESTIONS
    }
    assert found == {
        ("anthropic/claude-opus-4.1", "humaneval-plus.pass@1"): False,
        ("openai/gpt-4o", "humaneval-plus.pass@1"): False,
        ("google/gemini-3-pro", "hle.accuracy"): True,
        ("google/gemini-3-pro", "gpqa-diamond.accuracy"): True,
    }
