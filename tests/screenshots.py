"""``make screenshots``: every page, wide and narrow, light and dark, in each language, from a real server with real battles.

Written to build/screenshots as PAGE-LANGUAGE-THEME-WIDTH.png; with ASSAY_DATA_DIR also the board of the public votes. Nothing here is compared: it is for looking.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

import msgspec
from playwright.async_api import Browser, BrowserContext, Page

from tests.chromium import open_chromium
from tests.page.conftest import begin_challenge, run_challenge, seed_team
from tests.page.traced import FAILED, FULL
from tests.server import RunningAssay, running

ROOT = Path(__file__).parent.parent
OUT = ROOT / "build" / "screenshots"
PAGES = {
    "board": "/",
    "arena": "/arena",
    "challenges": "/challenges",
    "challenge-new": "/challenges/new",
    "bench": "/bench",
    "bench-new": "/bench/new?task=promotion",
    "bench-tasks": "/bench/tasks",
    "bench-task": "/bench/tasks/promotion",
    "models": "/models",
    "providers": "/providers",
    "keys": "/keys",
    "connect": "/connect",
    "connect-editor": "/connect?client=github-copilot",
    "traffic": "/traffic",
    "trace": "/traffic/full",
    "trace-failed": "/traffic/failed",
    "budgets": "/budgets",
    "spend": "/spend",
    "aliases": "/aliases",
    "teams": "/teams",
    "people": "/people",
    "audit": "/audit",
    "account": "/account",
    "method": "/method",
}
TRACES = {"full": FULL, "failed": FAILED}
LANGUAGES = {"en": "en", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = {"wide": 1280, "narrow": 390}
PROMPTS = (
    "What does functools.lru_cache do?",
    "How many days from 2024-02-29 to 2026-11-22?",
    "我最近睡得不好。",
    "17% of 2.35 million",
)
CHOICES = ("a", "b", "tie", "both_bad", "a", "a", "b", "b")
SETTLE_MS = 250


async def main() -> None:
    """Starts Assay on fresh data and photographs it: without votes, signed out, then with battles fought."""
    OUT.mkdir(parents=True, exist_ok=True)
    data = {name: os.environ[name] for name in ("ASSAY_DATA_DIR",) if name in os.environ}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "--demo", environ=data) as assay:
        async with open_chromium() as browser:
            assay.sign_in()
            await asyncio.to_thread(seed_team, assay)
            await photograph(browser, assay, {"board-empty": "/"})
            await photograph(browser, assay, {"login": "/"}, signed_in=False)
            await photograph(browser, assay, {"challenges-empty": "/challenges"})
            await asyncio.to_thread(fight_battles, assay)
            await photograph(browser, assay, {"bench-empty": "/bench"})
            runs = await asyncio.to_thread(run_benchmarks, assay)
            await photograph(browser, assay, PAGES | runs | await asyncio.to_thread(run_challenges, assay))
            if data:
                assay.ask("POST", "/api/v1/datasets/llmfao/import", timeout_s=60)
                await photograph(browser, assay, {"board-public": "/?source=llmfao"})
            await photograph_battles(browser, assay)
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


def fight_battles(assay: RunningAssay) -> None:
    """Battles with votes, through the same API as the page's."""
    for number, choice in enumerate(CHOICES):
        reply = assay.ask("POST", "/api/v1/battles", {"prompt": PROMPTS[number % len(PROMPTS)]}, timeout_s=60)
        events = [json.loads(line[6:]) for line in reply.body.decode().splitlines() if line.startswith("data: ")]
        battle = next(event["id"] for event in events if "id" in event)
        token = next(event["token"] for event in reversed(events) if "token" in event)
        voted = assay.ask("POST", f"/api/v1/battles/{battle}/vote", {"choice": choice, "token": token})
        assert voted.status == 200, voted


def run_benchmarks(assay: RunningAssay) -> dict[str, str]:
    """The pages of two runs of a task whose questions are our own."""
    ids = []
    for model in ("librarian", "listener"):
        begun = assay.ask("POST", "/api/v1/bench/runs", {"task": "promotion", "model": f"practice/{model}", "concurrency": 16})
        assert begun.status == 201, begun
        ids.append(begun.json["id"])
        assert assay.ask("GET", f"/api/v1/bench/runs/{ids[-1]}/events", timeout_s=120).status == 200
    sample = assay.ask("GET", f"/api/v1/bench/runs/{ids[0]}/samples?limit=1").json["samples"][0]["sample"]
    return {
        "bench-run": f"/bench/{ids[0]}",
        "bench-sample": f"/bench/{ids[0]}/samples/{sample}/0",
        "bench-compare": f"/bench/compare?a={ids[0]}&b={ids[1]}",
    }


def run_challenges(assay: RunningAssay) -> dict[str, str]:
    """The pages of a challenge that has ended, and of one that waits for votes."""
    ended = run_challenge(assay)
    waiting = begin_challenge(assay, judges=["human"])
    return {
        "challenge": f"/challenges/{ended}",
        "challenge-item": f"/challenges/{ended}/items/1",
        "challenge-report": f"/api/v1/challenges/{ended}/report",
        "challenge-by-people": f"/challenges/{waiting}",
        "challenge-vote": f"/challenges/{waiting}/vote",
    }


async def photograph(browser: Browser, assay: RunningAssay, pages: dict[str, str], *, signed_in: bool = True) -> None:
    """Each page in each language, theme and width, whole."""
    for (language, theme), (width, pixels) in product(product(LANGUAGES, THEMES), WIDTHS.items()):
        context = await open_context(browser, assay, language, theme, pixels, signed_in=signed_in)
        page = await context.new_page()
        for name, path in pages.items():
            await page.goto(assay.url + path)
            await page.locator("h1").first.wait_for()
            await take(page, f"{name}-{language}-{theme}-{width}")
        await context.close()


async def photograph_battles(browser: Browser, assay: RunningAssay) -> None:
    """A battle in the middle of its answers, at its end, and after the vote."""
    for (language, theme), (width, pixels) in product(product(LANGUAGES, THEMES), WIDTHS.items()):
        context = await open_context(browser, assay, language, theme, pixels)
        page = await context.new_page()
        await page.goto(f"{assay.url}/arena")
        await page.locator("textarea").first.fill(PROMPTS[0])
        await page.keyboard.press("Enter")
        await page.locator(".votes").wait_for()
        await page.locator(".answer", has_text=re.compile(r"\S")).first.wait_for()
        await take(page, f"battle-streaming-{language}-{theme}-{width}")
        await page.locator(".votes button.a:enabled").wait_for(timeout=60_000)
        await take(page, f"battle-ended-{language}-{theme}-{width}")
        await page.locator(".votes button.a").click()
        await page.locator(".votes").wait_for(state="detached")
        await take(page, f"battle-revealed-{language}-{theme}-{width}")
        await context.close()


async def open_context(
    browser: Browser, assay: RunningAssay, language: str, theme: Literal["light", "dark"], pixels: int, *, signed_in: bool = True
) -> BrowserContext:
    """A fresh profile, signed in by the session's cookie."""
    context = await browser.new_context(
        locale=LANGUAGES[language], color_scheme=theme, viewport={"width": pixels, "height": 800}, reduced_motion="reduce"
    )
    if signed_in:
        name, _, value = assay.cookie.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": assay.url}])
    for id, trace in TRACES.items():
        body = msgspec.json.encode(trace)
        await context.route(
            f"**/api/v1/calls/{id}", lambda route, body=body: route.fulfill(content_type="application/json", body=body)
        )
    return context


async def take(page: Page, name: str) -> None:
    """One picture of the whole page, once its fonts and its layout have settled."""
    await page.wait_for_timeout(SETTLE_MS)
    await page.screenshot(path=OUT / f"{name}.png", full_page=True)


if __name__ == "__main__":
    asyncio.run(main())
