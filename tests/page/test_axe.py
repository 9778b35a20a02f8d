"""No page has an accessibility violation that axe-core finds (WCAG 2.0 to 2.2, A and AA), in any state, theme or language.

On the way each page is checked for sideways scroll at 390 and 360 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.page.conftest import (
    LOCALES,
    Theme,
    answer_with,
    fight,
    open_page,
    run_challenge,
    seed_team,
    seed_votes,
    wait_until_quiet,
)
from tests.page.traced import FAILED, FULL, as_json
from tests.server import RunningAssay, running

AXE = (Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PROBLEM = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "The database is away.",
    "code": "store.unavailable",
    "hint": "Try again.",
}
READ = ("/", "/arena", "/challenges", "/challenges/new", "/method")
RUN = ("/models", "/providers", "/keys", "/connect", "/traffic")
OPERATE = ("/budgets", "/spend", "/aliases", "/teams", "/people", "/audit", "/account")
DATA = {
    "/": "board",
    "/arena": "models",
    "/challenges": "challenges",
    "/models": "models",
    "/providers": "providers",
    "/keys": "keys",
    "/traffic": "calls",
    "/budgets": "budgets",
    "/spend": "spend",
    "/aliases": "aliases",
    "/teams": "teams",
    "/people": "users",
    "/audit": "audit",
}
LOOKS = list(product(LOCALES, ("light", "dark")))
TWO_LOOKS = [("en", "light"), ("zh-Hant", "dark")]
PARTS = [(READ, "read", LOOKS), (RUN, "run", LOOKS), (OPERATE, "operate", LOOKS)]
"""In parts, so that each test is done well within its minute."""

FEWER = [*PARTS[:2], (OPERATE, "operate", TWO_LOOKS)]
"""What is the same on all pages, such as waiting, is looked at twice on the younger ones."""


def each(parts: list[tuple[tuple[str, ...], str, list[tuple[str, str]]]]) -> pytest.MarkDecorator:
    """The pages of each part in each of its looks."""
    cases = [
        pytest.param(paths, language, theme, id=f"{language}-{theme}-{name}")
        for paths, name, looks in parts
        for language, theme in looks
    ]
    return pytest.mark.parametrize(("paths", "language", "theme"), cases)


PHONES = (390, 360)
STICKS_OUT = """width => [...document.querySelectorAll("body *")]
  .filter(one => one.getBoundingClientRect().right > width).map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server with 200 votes on its board and a few battles of the reader's own, and with a team that has used up a budget."""
    with running(tmp_path_factory.mktemp("full"), "--demo") as server:
        server.sign_in()
        seed_team(server)
        seed_votes(server, 200)
        fight(server, "How do I sort a list of tuples by the second item?", "a")
        fight(server, "我最近睡得不好。", "both_bad")
        run_challenge(server)
        yield server


def check(page: Page, where: str) -> None:
    """axe finds nothing, and nothing sticks out to the side on a phone."""
    page.evaluate(AXE)
    found: Any = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]] == [], where
    size = page.viewport_size
    assert size is not None
    for width in PHONES:
        page.set_viewport_size({"width": width, "height": 780})
        wide = page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= width, f"{where}: {wide} px wide at {width}, because of {page.evaluate(STICKS_OUT, width)}"
    page.set_viewport_size(size)


def _hold(held: list[Route], route: Route) -> None:
    """Leave a request without an answer for now."""
    held.append(route)


def settle(page: Page) -> None:
    """All is there. Traffic never falls silent: it follows the calls."""
    if page.url.partition("?")[0].endswith("/traffic"):
        page.locator("main :is(tbody tr, .empty)").first.wait_for()
    else:
        page.locator("main h1").first.wait_for()
        wait_until_quiet(page)
    page.locator("main h1").first.wait_for()


@each(PARTS)
def test_pages_with_data(browser: Browser, full: RunningAssay, language: str, theme: Theme, paths: tuple[str, ...]) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        for path in paths:
            page.goto(full.url + path)
            settle(page)
            check(page, f"{path} {language} {theme}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_pages_of_one_battle_and_one_challenge(browser: Browser, full: RunningAssay, language: str, theme: Theme) -> None:
    battle = full.ask("GET", "/api/v1/battles?limit=1").json["battles"][0]["id"]
    challenge = full.ask("GET", "/api/v1/challenges").json["challenges"][0]["id"]
    parts = (f"/challenges/{challenge}", f"/challenges/{challenge}/items/1", f"/challenges/{challenge}/vote")
    with open_page(browser, full, language=language, theme=theme) as page:
        for path in (*parts, f"/arena/b/{battle}", "/no-such-page"):
            page.goto(full.url + path)
            settle(page)
            check(page, f"{path} {language} {theme}")


@each(FEWER)
def test_pages_without_data(browser: Browser, assay: RunningAssay, language: str, theme: Theme, paths: tuple[str, ...]) -> None:
    with open_page(browser, assay, language=language, theme=theme) as page:
        for path in paths:
            page.goto(assay.url + path)
            settle(page)
            check(page, f"{path} {language} {theme}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_the_page_that_signs_in(browser: Browser, assay: RunningAssay, language: str, theme: Theme) -> None:
    with open_page(browser, assay, language=language, theme=theme, signed_in=False) as page:
        page.goto(assay.url)
        settle(page)
        check(page, f"sign-in {language} {theme}")


@each(FEWER)
def test_pages_that_wait_and_pages_in_error(
    browser: Browser, full: RunningAssay, language: str, theme: Theme, paths: tuple[str, ...]
) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        for path, data in DATA.items():
            if path not in paths:
                continue
            held: list[Route] = []
            page.route(f"**/api/v1/{data}*", partial(_hold, held))
            page.goto(full.url + path)
            page.locator("main h1").first.wait_for()
            check(page, f"{path} loading {language} {theme}")
            page.goto("about:blank")
            page.unroute_all()
            answer_with(page, f"/api/v1/{data}", 503, PROBLEM)
            page.goto(full.url + path)
            page.get_by_text("store.unavailable").or_(page.get_by_text("The database is away")).first.wait_for()
            check(page, f"{path} in error {language} {theme}")
            page.unroute_all()


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_traces_of_calls_with_everything_open(browser: Browser, full: RunningAssay, language: str, theme: Theme) -> None:
    real = full.ask("GET", "/api/v1/calls").json["calls"][0]["id"]
    with open_page(browser, full, language=language, theme=theme) as page:
        answer_with(page, "/api/v1/calls/full", 200, as_json(FULL))
        answer_with(page, "/api/v1/calls/failed", 200, as_json(FAILED))
        for id in ("full", "failed", real, "never-was"):
            page.goto(f"{full.url}/traffic/{id}")
            settle(page)
            for folded in page.locator("main details > summary").all():
                if folded.is_visible():
                    folded.click()
            page.evaluate("scrollTo(0, 0)")  # what lies under the header cannot be pressed, and axe would say so
            check(page, f"trace {id} {language} {theme}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_every_client_and_a_provider_with_its_panels_open(
    browser: Browser, full: RunningAssay, language: str, theme: Theme
) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        for client in ("codex", "cursor", "github-copilot", "vercel-ai-sdk"):
            page.goto(f"{full.url}/connect?client={client}")
            settle(page)
            check(page, f"connect {client} {language} {theme}")
        page.goto(f"{full.url}/providers?q=azure")
        settle(page)
        page.locator("main li button[aria-expanded]").first.click()
        page.locator("main li dl").first.wait_for()
        check(page, f"provider's details {language} {theme}")


def provider_with_two_keys(assay: RunningAssay) -> dict[str, Any]:
    """A provider as it is, but for two keys, of which one is parked."""
    (row,) = [row for row in assay.ask("GET", "/api/v1/providers").json["providers"] if row["name"] == "openai"]
    key = {"name": "default", "hint": "…0123", "source": "vault", "state": "ok", "parked_until": None, "reason": None}
    parked = key | {"name": "second", "state": "parked", "parked_until": "2026-11-22T12:00:00Z", "reason": "upstream.rate_limited"}
    return dict(row, key=row["key"] | {"source": "vault", "hint": "…0123"}, keys=[key, parked], state="ok")


@pytest.mark.parametrize(("language", "theme"), TWO_LOOKS)
@pytest.mark.parametrize("paths", [("/keys", "/people", "/traffic"), ("/teams", "/aliases", "/providers")], ids=("a", "b"))
def test_what_is_changed_in_place_opened(
    browser: Browser, full: RunningAssay, language: str, theme: Theme, paths: tuple[str, ...]
) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        answer_with(page, "/api/v1/providers", 200, {"providers": [provider_with_two_keys(full)]})
        for path in paths:
            page.goto(full.url + path)
            settle(page)
            for folded in page.locator("main details > summary").all():
                folded.click()
            opens = page.locator("main li button[aria-expanded]").all()
            if opens:
                opens[1 if path == "/providers" else 0].click()
            page.evaluate("scrollTo(0, 0)")
            check(page, f"{path} opened {language} {theme}")


@pytest.mark.parametrize(("language", "theme"), TWO_LOOKS)
def test_the_menus_of_the_header_opened(browser: Browser, full: RunningAssay, language: str, theme: Theme) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        page.goto(f"{full.url}/account")
        settle(page)
        for menu in page.locator("header .menu > button").all():
            menu.click()
            check(page, f"menu {language} {theme}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_a_battle_in_mid_stream_at_its_end_and_revealed(browser: Browser, full: RunningAssay, language: str, theme: Theme) -> None:
    with open_page(browser, full, language=language, theme=theme) as page:
        page.goto(f"{full.url}/arena")
        page.get_by_role("textbox").first.fill("What does functools.lru_cache do?")
        page.keyboard.press("Enter")
        page.locator(".answer :is(p, pre, li)").first.wait_for()
        check(page, f"mid-stream {language} {theme}")
        page.locator(".votes button.a:enabled").wait_for(timeout=30_000)
        check(page, f"ended {language} {theme}")
        page.locator(".votes button.a").click()
        page.locator(".card.revealed").first.wait_for()
        check(page, f"revealed {language} {theme}")
