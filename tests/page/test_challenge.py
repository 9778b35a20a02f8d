"""A person begins a challenge on the page, judges it blind with a colleague, and reads the verdict."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.page.conftest import PRACTICE, begin_challenge, open_page
from tests.server import RunningAssay

NAMES = re.compile("|".join((*PRACTICE, "stylist", "practice/")), re.IGNORECASE)
HELPLESS = re.compile(
    r"I looked for|practice program that looks things up|nothing in this that I can look up|cannot read this|只会查|只會查"
)


def vote(page: Page) -> bool:
    """Judge the pair that is shown, by keyboard: for whichever side helps. False where nothing is left to judge."""
    over = page.locator(".done", has_text="runs no longer")
    page.locator(".votes button.a:enabled").or_(over).first.wait_for(timeout=30_000)
    if over.is_visible():
        return False
    shown = page.locator("main").inner_text()
    assert not NAMES.search(shown), shown
    a, b = (HELPLESS.search(page.locator(f".side.{side}").inner_text()) is None for side in ("a", "b"))
    before = page.locator(".progress").inner_text()
    page.keyboard.press("3" if a == b else "1" if a else "2")
    page.wait_for_function(
        "before => document.querySelector('.done') || document.querySelector('.progress')?.innerText !== before",
        arg=before,
        timeout=20_000,
    )
    return True


@pytest.mark.timeout(240)
def test_a_challenge_is_begun_judged_blind_by_two_people_and_decided(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/challenges/new")
        page.get_by_label("Challenger").first.select_option("practice/reckoner")
        page.get_by_label("Incumbent").first.select_option("practice/librarian")
        page.get_by_role("button", name="Look first").click()
        expect(page.get_by_text("sums 17")).to_be_visible()
        page.get_by_role("button", name="Start challenge").click()
        page.wait_for_url(re.compile(r"/challenges/[0-9a-f-]{36}$"))
        address = page.url
        page.get_by_label("A colleague's name").fill("Mei")
        page.get_by_role("button", name="Make a link").click()
        invited = page.locator(".invited .row code").inner_text()
        guest: BrowserContext = browser.new_context(viewport={"width": 390, "height": 780}, reduced_motion="reduce")
        colleague = guest.new_page()
        colleague.goto(invited)
        page.goto(f"{address}/vote")
        while vote(page) and vote(colleague):
            pass
        expect(colleague.get_by_text("You judge as Mei.")).to_be_visible()
        colleague.goto(address)
        expect(colleague.get_by_role("heading", name="Nothing to judge now")).to_be_visible()  # all that there is for a guest
        assert not NAMES.search(colleague.locator("body").inner_text())
        guest.close()
        page.goto(address)
        expect(page.locator("h1")).to_have_text("Switch: practice/reckoner is better than practice/librarian on this work.")
        expect(page.get_by_text("wait for a vote")).to_have_count(0)
        expect(page.get_by_text("Mei", exact=True).first).to_be_visible(timeout=20_000)


@pytest.mark.timeout(120)
def test_an_item_is_read_side_by_side_and_the_report_is_a_page_of_its_own(browser: Browser, assay: RunningAssay) -> None:
    id = begin_challenge(assay, concurrency=16)
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/challenges/{id}")
        expect(page.locator("h1")).to_contain_text("Switch:", timeout=60_000)
        page.goto(f"{assay.url}/challenges/{id}/items/1")
        expect(page.locator(".side")).to_have_count(2)
        assert NAMES.search(page.locator("main").inner_text())
        page.goto(f"{assay.url}/api/v1/challenges/{id}/report")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Switch:")
        assert page.locator("script").count() == 0
