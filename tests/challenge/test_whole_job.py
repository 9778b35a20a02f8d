"""The whole job with real parts: traffic of a real SDK, a challenge over it, a judge, people in a real browser, a kill, a resume."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.challenge.grades import NEAR, SCRIPTS, grade_of, judge, slow_judge
from tests.page.conftest import browser as browser
from tests.page.conftest import open_page
from tests.server import RunningAssay, start
from tests.upstream import ScriptedUpstream

CONFIG = """
[providers.scripted]
title = "Scripted"
base_url = "{url}"
auth = "none"

[[providers.scripted.models]]
name = "old"
price = {{ input = 2000000000, output = 8000000000, date = "2026-11-01", source = "tests" }}

[[providers.scripted.models]]
name = "new"
price = {{ input = 1000000000, output = 4000000000, date = "2026-11-01", source = "tests" }}

[[providers.scripted.models]]
name = "judge"
price = {{ input = 1000000000, output = 1000000000, date = "2026-11-01", source = "tests" }}
"""
PROMPTS = tuple(
    f"Explain {subject} in {words}"
    for subject in ("rain", "tides", "rust", "bread", "gold", "ice")
    for words in (
        "one line",
        "ten words",
        "plain words",
        "a rhyme",
        "a table",
        "a list",
        "a story",
        "a question",
    )
)
CONCURRENCY = 4
VOTES, VOTES_BEFORE = 10, 2
PATIENCE_S = 45


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(key=None, scripts=dict(SCRIPTS)) as upstream:
        yield upstream
    assert upstream.complaints == []


@pytest.fixture
def assay(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[RunningAssay]:
    """A server on fresh data; who kills it starts it again, and it is the newest that is stopped."""
    config = tmp_path / "assay.toml"
    config.write_text(CONFIG.format(url=upstream.url))
    assay = start(tmp_path, "--demo", "--config", str(config))
    assay.sign_in()
    yield assay
    if assay.process.poll() is None:
        assert assay.stop() == 0
    if assay.process.stdout is not None:
        assay.process.stdout.close()


def record_traffic(assay: RunningAssay) -> None:
    """What a team asks all day, through the gateway, by the real SDK; some of it twice."""
    client = openai.OpenAI(base_url=f"{assay.url}/v1", api_key=assay.gateway_key, max_retries=0)
    for prompt in (*PROMPTS, *PROMPTS[:5]):
        client.chat.completions.create(model="scripted/old", messages=[{"role": "user", "content": prompt}], user="team")
    client.close()
    deadline = time.monotonic() + PATIENCE_S
    while len(assay.ask("GET", "/api/v1/calls?limit=200").json["calls"]) < len(PROMPTS) + 5:
        assert time.monotonic() < deadline, "not all calls are on record"
        time.sleep(0.05)


def begin(assay: RunningAssay, **changes: Any) -> str:
    spec = {
        "challenger": "scripted/new",
        "incumbent": "scripted/old",
        "source": {"kind": "traffic"},
        "judges": ["scripted/judge"],
        "concurrency": CONCURRENCY,
        "budget": {"nano": 5_000_000_000, "currency": "USD"},
        "margin": 0.2,
        "confidence": 0.995,
        "seed": 7,
    }
    reply = assay.ask("POST", "/api/v1/challenges", spec | changes)
    assert reply.status == 201, reply
    return str(reply.json["id"])


def report_of(assay: RunningAssay, id: str) -> Any:
    reply = assay.ask("GET", f"/api/v1/challenges/{id}")
    assert reply.status == 200, reply
    return reply.json


def ended(assay: RunningAssay, id: str) -> Any:
    """The report of the challenge, once it has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while (report := report_of(assay, id))["state"] == "running":
        assert time.monotonic() < deadline, report
        time.sleep(0.05)
    assert report["state"] == "ended", report
    return report


def questions(upstream: ScriptedUpstream, since: int) -> Counter[tuple[str, str]]:
    """How often each contestant was asked each question, from the ``since``-th request on."""
    bodies = [one.json for one in upstream.requests[since:] if one.method == "POST"]
    return Counter((body["model"], str(body["messages"][-1]["content"])) for body in bodies if body["model"] != "judge")


def committed(folder: Path, id: str) -> set[tuple[str, str]]:
    """Which contestant's answer to which question is on disk."""
    with sqlite3.connect(folder / "data" / "assay.db") as db:
        rows = db.execute(
            "SELECT side, items.body FROM challenge_trials JOIN challenge_items AS items USING (challenge, number) WHERE challenge = ?",
            (id,),
        ).fetchall()
    db.close()
    names = {"challenger": "new", "incumbent": "old"}
    return {(names[side], prompt) for side, body in rows for prompt in PROMPTS if f'"{prompt}"' in body}


def is_near(assay: RunningAssay, id: str, number: int) -> bool:
    """Whether the judge cannot tell these two apart, and takes whichever stands first."""
    sides = assay.ask("GET", f"/api/v1/challenges/{id}/items/{number}").json["sides"].values()
    new, old = (grade_of(side["turns"][-1]["parts"][0]["text"]) for side in sides)
    return abs(new - old) <= NEAR


def vote_in_browser(page: Page, assay: RunningAssay, id: str, votes: int) -> None:
    """Judge pairs blind, by keyboard, as somebody who goes by the grades."""
    page.goto(f"{assay.url}/challenges/{id}/vote")
    for _ in range(votes):
        page.locator(".votes button.a:enabled").wait_for(timeout=20_000)
        shown = page.locator("main").inner_text()
        assert "scripted" not in shown
        a, b = (grade_of(page.locator(f".side.{side} .answer").last.inner_text()) for side in ("a", "b"))
        voted = page.locator(".progress").inner_text()
        page.keyboard.press("1" if a > b else "2" if b > a else "3")
        expect(page.locator(".progress")).not_to_have_text(voted, timeout=20_000)


@pytest.mark.timeout(240)
def test_a_killed_and_resumed_challenge_ends_like_an_unbroken_one_and_pays_nothing_twice(
    assay: RunningAssay, upstream: ScriptedUpstream, tmp_path: Path, browser: Browser
) -> None:
    """Judged by a model, with people's votes beside it, all of them cast in a browser, before and after the kill."""
    record_traffic(assay)
    unbroken = ended(assay, begin(assay))
    assert unbroken["decision"]["word"] == "switch"
    before = len(upstream.requests)

    upstream.scripts["judge"] = slow_judge
    id = begin(assay)
    with open_page(browser, assay) as page:
        vote_in_browser(page, assay, id, VOTES_BEFORE)
    deadline = time.monotonic() + PATIENCE_S
    while len(upstream.requests) - before < 40:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assay.kill()
    upstream.scripts["judge"] = judge
    paid = committed(tmp_path, id)
    asked_before_kill = questions(upstream, before)
    restart = len(upstream.requests)

    again = start(tmp_path, "--demo", "--config", str(tmp_path / "assay.toml"))
    try:
        again.sign_in()
        assert report_of(again, id)["state"] == "interrupted"
        assert again.ask("POST", f"/api/v1/challenges/{id}/resume").status == 200
        resumed = ended(again, id)
        with open_page(browser, again) as page:
            vote_in_browser(page, again, id, VOTES - VOTES_BEFORE)
        judged = report_of(again, id)
        plain = [number for number in range(1, VOTES + 1) if not is_near(again, id, number)]
    finally:
        assert again.stop() == 0
        assert again.process.stdout is not None
        again.process.stdout.close()

    assert resumed["repeat"]["items_hash"] == unbroken["repeat"]["items_hash"]
    for report in (resumed, unbroken):
        del report["tally"]["asked"]  # which counts what was under way when the answer stood
    for part in ("decision", "win_rate", "evidence", "tally", "superior", "no_worse"):
        assert resumed[part] == unbroken[part], part
    asked_after = questions(upstream, restart)
    assert paid, "the kill came before anything was on disk"
    assert paid.isdisjoint(asked_after), "an answer that was on disk was paid for again"
    twice = asked_before_kill & asked_after
    assert twice.total() <= 2 * CONCURRENCY, "more was asked twice than was in flight"
    assert all(count == 1 for count in asked_after.values())
    assert judged["judges"][0]["found"] == ["order"]
    assert judged["agreements"][0]["pairs"] == VOTES
    assert judged["agreements"][0]["rate"]["value"] == len(plain) / VOTES, "people and the judge differ where grades are near"
