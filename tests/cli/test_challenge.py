"""`assay challenge`: from two models and a file to a verdict, without a server, by a program and by hand."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from assay.cli import judging
from tests.cli.command import Terminal, command, terminal
from tests.server import RunningAssay

RECKONER = ("challenge", "practice/reckoner", "--against", "practice/librarian", "--on", "example:first-look", "--demo")
HELPLESS = re.compile(r"I looked for|practice program that looks things up|nothing in this that I can look up|cannot read this")
SIDES = re.compile(r"── a ─+\r\n(.*)── b ─+\r\n(.*)\r\n1 a · 2 b", re.DOTALL)
ASKS = "q enough: "


@pytest.mark.timeout(120)
def test_a_program_judges_the_shipped_example_to_a_verdict(tmp_path: Path) -> None:
    done = command(tmp_path, *RECKONER, "--judge", "program", "--seed", "5")
    assert done.code == 0, done.err
    assert done.out.startswith("Switch: practice/reckoner is better than practice/librarian on this work.\n")
    assert "--on example:first-look --judge" in done.out
    listed = command(tmp_path, "challenge", "list", "--json").json["challenges"]
    assert [(one["state"], one["decision"]["word"]) for one in listed] == [("ended", "switch")]
    written = command(tmp_path, "challenge", "report", "last", "--format", "md")
    assert written.out.startswith("# "), written.out[:200]
    again = command(tmp_path, "challenge", "--resume", "last")
    assert (again.code, "code: challenge.over" in again.err) == (2, True)


def test_an_answer_cannot_draw_the_line_between_answers_itself(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "Mine is good.\n\n── b ────\nThis one is bad.\r\x1b[2J" + "─" * 300 + "\n── b ──"
    judging._show(
        {
            "number": 1,
            "voted": 0,
            "waiting": 1,
            "transcript": [{"parts": [{"type": "text", "text": "Well?"}]}],
            "a": [{"parts": [{"type": "text", "text": forged}]}],
            "b": [{"parts": [{"type": "text", "text": "\tYes."}]}],
        }
    )
    shown = capsys.readouterr().err
    lines = shown.split("\n")
    assert "\x1b" not in shown
    assert [line[:6] for line in lines if line.startswith("─")] == ["──────", "── a ─", "── b ─"]
    assert "│ ── b ────" in lines
    assert "│         Yes." in lines
    assert max(len(line) for line in lines) <= 100


@pytest.mark.timeout(120)
def test_one_machine_document_and_an_exit_code_that_says_not_to_switch(tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_text(
        "".join(f'{{"prompt": "{n} * 7", "checks": [{{"check": "number", "value": {n * 7}}}]}}\n' for n in range(11, 51))
    )
    words = ("challenge", "practice/librarian", "--against", "practice/reckoner", "--on", "sums.jsonl", "--judge", "program")
    done = command(tmp_path, *words, "--demo", "--json", "--concurrency", "16")
    assert done.code == 1, done.err
    assert (done.json["decision"]["word"], done.json["tally"]["lost"]) == ("do_not_switch", done.json["tally"]["judged"])
    assert "judged of 40" in done.err


def test_a_dry_run_asks_nothing_and_names_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "work.jsonl").write_text('{"prompt": "One?"}\nnot json\n{"prompt": "Two?", "category": "trade"}\n')
    words = ("challenge", "practice/reckoner", "--against", "practice/librarian", "--on", "work.jsonl", "--demo", "--dry-run")
    done = command(tmp_path, *words)
    assert done.code == 5, done.err
    assert "2 items" in done.out
    assert "trade: 1" in done.out
    assert "line 2: " in done.out
    assert command(tmp_path, "challenge", "list", "--json").json["challenges"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("practice/reckoner",), "challenge.incomplete"),
        (("a/b", "--against", "c/d", "--on", "nowhere.txt"), "challenge.no_such_work"),
        (("a/b", "--against", "c/d", "--on", "traffic", "--since", "yesterday"), "challenge.bad_time"),
        (("a/b", "--against", "c/d", "--on", "traffic", "--budget", "plenty"), "amount.invalid"),
        (("a/b", "--against", "c/d", "--on", "traffic", "--rerun", "search"), "challenge.bad_rerun"),
        (("a/b", "--against", "c/d", "--on", "traffic", "--check", "vibes:good"), "judge.bad_check"),
        (("a/b", "--against", "c/d", "--on", "example:first-look"), "model.not_found"),
        (("practice/reckoner", "--against", "practice/reckoner", "--on", "example:first-look", "--demo"), "challenge.same_model"),
        (("practice/reckoner", "--against", "practice/librarian", "--on", "example:nothing", "--demo"), "challenge.no_example"),
    ],
)
def test_what_cannot_be_run_is_said_with_a_code(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    done = command(tmp_path, "challenge", *words)
    assert (done.code, f"code: {code}" in done.err) == (2, True), done.err


@pytest.mark.timeout(180)
def test_a_person_in_the_terminal_comes_to_a_verdict_by_single_keys(tmp_path: Path) -> None:
    """Somebody who prefers whatever says more than that it cannot help. Names are seen at the end only."""
    with terminal(tmp_path, *RECKONER, "--seed", "5") as person:
        for _ in range(48):
            person.until(ASKS, timeout_s=60)
            shown = person.screen
            assert "practice/" not in shown.rpartition("challenge 0")[2].partition("\n")[2]
            person.type(prefer(person))
            if ended(person):
                break
        assert person.end(timeout_s=60) == 0
    assert "Switch: practice/reckoner is better than practice/librarian" in person.screen


def ended(person: Terminal) -> bool:
    """Whether the next thing that is shown is the verdict."""
    seen = len(person.screen)
    while not (ASKS in (new := person.screen[seen:]) or "Switch: " in new):
        person.more(timeout_s=60)
    return "Switch: " in new


def prefer(person: Terminal) -> str:
    """The key of whichever side helps; a tie where both do or neither."""
    found = SIDES.search(person.screen, person.screen.rindex("── a ─"))
    assert found is not None, person.screen[-2000:]
    a, b = (HELPLESS.search(side) is None for side in found.groups())
    return "3" if a == b else "1" if a else "2"


@pytest.mark.timeout(120)
def test_a_challenge_that_a_server_runs_goes_on_when_the_command_is_interrupted_and_can_be_stopped(assay: RunningAssay) -> None:
    with terminal(assay.folder, *RECKONER, "--judge", "program") as person:
        person.until("judged of 48")
        person.process.send_signal(signal.SIGINT)
        assert person.end() == 130
    newest = command(assay.folder, "challenge", "list", "--json").json["challenges"][0]
    assert newest["state"] == "running"
    assert command(assay.folder, "challenge", "stop", newest["id"]).code == 0
    assert command(assay.folder, "challenge", "list", "--json").json["challenges"][0]["state"] == "stopped"
    done = command(assay.folder, "challenge", "--resume", newest["id"], "--json")
    assert (done.code, done.json["decision"]["word"]) == (0, "switch"), done.err
