"""A real server and a real Chromium for the tests of the page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.chromium import find_chromium, launch_flags
from tests.server import RunningAssay, running

PRACTICE = ("librarian", "reckoner", "listener")
LOCALES = {"en": "en", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
Theme = Literal["light", "dark"]
SOME_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))"

_under_way: dict[Page, set[Request]] = {}
"""What each open page has asked for and not got yet."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=launch_flags())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server with the practice contestants, on fresh data."""
    with running(tmp_path_factory.mktemp("page"), "--demo") as server:
        server.sign_in()
        yield server


def seed_votes(assay: RunningAssay, count: int) -> None:
    """A collection of ``count`` votes on the practice contestants, the first of them the strongest."""
    rows = []
    for number in range(count):
        a, b = PRACTICE[number % 3], PRACTICE[(number + 1 + number % 2) % 3]
        better = "a" if PRACTICE.index(a) < PRACTICE.index(b) else "b"
        rows.append(f"{a},{b},{('tie', 'both_bad', 'a', 'b')[number // 7 % 4] if number % 7 == 0 else better},v{number % 11}")
    reply = assay.ask("POST", "/api/v1/votes?source=seeded&name=seeded.csv", "\n".join(["a,b,choice,voter", *rows]).encode())
    assert (reply.status, reply.json["imported"]) == (200, count), reply


def made(assay: RunningAssay, path: str, body: Any) -> Any:
    """What was made at ``path`` of the API."""
    reply = assay.ask("POST", f"/api/v1{path}", body)
    assert reply.status == 201, reply
    return reply.json


def seed_team(assay: RunningAssay) -> None:
    """A team of two with a key; its budget of one request a month is used up."""
    team = made(assay, "/teams", {"name": "Research", "limits": {"requests_per_minute": 600}})["id"]
    mei = made(assay, "/users", {"name": "Mei", "email": "mei@example.org", "role": "admin", "team": team})["id"]
    made(assay, "/users", {"name": "Olu", "email": "olu@example.org", "team": team})
    key = made(
        assay, "/keys", {"name": "nightly", "user": mei, "scopes": {"models": ["practice/*", "fast"]}, "limits": {"concurrent": 8}}
    )
    made(assay, "/budgets", {"holder_kind": "team", "holder": team, "measure": "requests", "amount": 1, "per": "month"})
    made(assay, "/budgets", {"holder_kind": "key", "holder": key["id"], "measure": "money", "amount": "12.50", "per": "week"})
    targets = [{"deployment": "practice/reckoner", "weight": 3}, {"deployment": "practice/librarian", "priority": 1}]
    assert assay.ask("PUT", "/api/v1/aliases/fast", {"targets": targets, "retries": 1}).status == 200
    asked = {"model": "fast", "messages": [{"role": "user", "content": "17 + 25"}]}
    assert assay.chat(asked, key["key"]).status == 200


def fight(assay: RunningAssay, prompt: str, choice: str) -> str:
    """A battle through the API, to its vote; gives back its id."""
    reply = assay.ask("POST", "/api/v1/battles", {"prompt": prompt}, timeout_s=60)
    events = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]
    battle, token = events[0]["id"], next(event["token"] for event in reversed(events) if "token" in event)
    voted = assay.ask("POST", f"/api/v1/battles/{battle}/vote", {"choice": choice, "token": token})
    assert voted.status == 200, voted
    return str(battle)


def begin_challenge(assay: RunningAssay, **changes: Any) -> str:
    """A challenge on the shipped example, judged by a program unless told otherwise; gives back its id."""
    spec = {
        "challenger": "practice/reckoner",
        "incumbent": "practice/librarian",
        "source": {"kind": "example", "name": "first-look"},
        "judges": ["program"],
        "seed": 5,
    }
    reply = assay.ask("POST", "/api/v1/challenges", spec | changes)
    assert reply.status == 201, reply
    return str(reply.json["id"])


def run_challenge(assay: RunningAssay) -> str:
    """A challenge that a program judges, to its end."""
    id = begin_challenge(assay, concurrency=16)
    followed = assay.ask("GET", f"/api/v1/challenges/{id}/events", timeout_s=60)
    assert b"event: end" in followed.body, followed
    return id


@contextmanager
def open_page(
    browser: Browser,
    assay: RunningAssay,
    *,
    language: str = "en",
    theme: Theme = "light",
    width: int = 1280,
    height: int = 800,
    signed_in: bool = True,
) -> Iterator[Page]:
    """A page in a fresh profile. Leaving it checks that the console was silent and that nothing outside was asked for."""
    context: BrowserContext = browser.new_context(
        locale=LOCALES[language], color_scheme=theme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    if signed_in:
        name, _, value = assay.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": assay.url}])
    page = context.new_page()
    under_way = _under_way[page] = set()
    page.on("request", lambda request: under_way.add(request))
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.on("requestfailed", lambda request: under_way.discard(request))
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in {"error", "warning"} and "status of" not in message.text else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: complaints.append(f"asked for {request.url}") if not _is_ours(request.url, assay.url) else None
    )
    try:
        yield page
    finally:
        context.close()
        del _under_way[page]
    assert complaints == []


def _is_ours(url: str, ours: str) -> bool:
    return url.startswith((ours, "data:", "blob:"))


def wait_until_quiet(page: Page) -> None:
    """Nothing that the page asked for is under way, and for some frames nothing more is asked for. (Playwright's ``networkidle`` waits half
    a second longer, on every page.)"""
    quiet, ends = 0, time.monotonic() + 30
    while quiet < 3:
        page.evaluate(SOME_FRAMES)
        quiet = 0 if _under_way[page] else quiet + 1
        assert time.monotonic() < ends, f"still under way: {[request.url for request in _under_way[page]]}"


def answer_with(page: Page, path: str, status: int, body: Any) -> None:
    """Let the page's own request for ``path`` be answered so, whatever the server would say."""
    kind = "application/json" if status < 400 else "application/problem+json"
    page.route(f"**{path}*", lambda route: route.fulfill(status=status, content_type=kind, body=json.dumps(body)))
