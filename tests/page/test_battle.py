"""A person fights a battle in a real Chromium, votes by keyboard, sees the names, and finds the board changed."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import PRACTICE, fight, open_page
from tests.server import RunningAssay

PROMPT = "What does functools.lru_cache do?"
NAMES = re.compile("|".join((*PRACTICE, "stylist", "practice/")), re.IGNORECASE)


def start_battle(page: Page, assay: RunningAssay, prompt: str = PROMPT) -> None:
    page.goto(f"{assay.url}/arena")
    page.get_by_role("textbox").first.fill(prompt)
    page.keyboard.press("Enter")


def wait_for_votes(page: Page) -> None:
    page.locator(".votes button.a:enabled").wait_for(timeout=30_000)


def test_a_battle_is_fought_voted_by_keyboard_and_revealed_and_the_board_changes(browser: Browser, assay: RunningAssay) -> None:
    """The main path, by keyboard alone; before the vote not one byte names a contestant."""
    with open_page(browser, assay) as page:
        page.goto(assay.url)
        expect(page.get_by_role("heading").first).to_be_visible()
        start_battle(page, assay)
        wait_for_votes(page)
        columns = page.locator(".answer")
        expect(columns).to_have_count(2)
        before = page.locator("main").inner_text()
        assert not NAMES.search(before.replace(PROMPT, "")), before
        page.keyboard.press("1")
        page.locator(".card.revealed").first.wait_for()
        shown = page.locator(".card.revealed").all_inner_texts()
        assert len(shown) == 2
        assert all(NAMES.search(card) for card in shown), shown
        page.goto(assay.url)
        expect(page.locator("main table, main .board").first).to_be_visible()
        assert NAMES.search(page.locator("main").inner_text())


def test_each_key_casts_its_own_vote(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        for digit, choice in {"2": "b", "3": "tie", "4": "both_bad"}.items():
            start_battle(page, assay)
            wait_for_votes(page)
            page.keyboard.press(digit)
            page.locator(".card.revealed").first.wait_for()
            newest = assay.ask("GET", "/api/v1/battles?limit=1").json["battles"][0]
            assert newest["choice"] == choice


def test_typing_a_digit_into_the_next_question_is_no_vote(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        start_battle(page, assay)
        page.locator(".votes button.a:enabled").wait_for(timeout=30_000)
        field = page.get_by_role("textbox").last
        expect(field).to_be_enabled(timeout=30_000)
        field.fill("")
        field.press("1")
        expect(field).to_have_value("1")
        expect(page.locator(".card.revealed")).to_have_count(0)


def test_a_second_turn_goes_to_both_sides_before_the_vote(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        start_battle(page, assay, "2 + 2")
        wait_for_votes(page)
        field = page.get_by_role("textbox").last
        expect(field).to_be_enabled(timeout=30_000)
        field.fill("3 + 3")
        field.press("Enter")
        expect(page.locator(".answer")).to_have_count(4, timeout=30_000)
        wait_for_votes(page)
        page.locator(".votes button.tie").click()
        page.locator(".card.revealed").first.wait_for()


def test_a_battle_can_be_looked_at_again(browser: Browser, assay: RunningAssay) -> None:
    battle = fight(assay, "17% of 300", "a")
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/arena/b/{battle}")
        expect(page.locator("main")).to_contain_text("17% of 300")
        assert NAMES.search(page.locator("main").inner_text())


def test_a_new_key_is_shown_once_and_works(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/keys")
        page.get_by_role("textbox").first.fill("laptop")
        page.keyboard.press("Enter")
        shown = page.get_by_text(re.compile(r"ask-[0-9a-z]+-[\w-]{20,}")).first
        expect(shown).to_be_visible()
        found = re.search(r"ask-[0-9a-z]+-[\w-]+", page.locator("main").inner_text())
        assert found is not None
        assert assay.chat({"model": "reckoner", "messages": [{"role": "user", "content": "1+1"}]}, key=found[0]).status == 200
        page.reload()
        expect(page.locator("main")).to_contain_text("laptop")
        assert found[0] not in page.content()


def test_whoever_is_not_signed_in_sees_how_to(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay, signed_in=False) as page:
        page.goto(f"{assay.url}/providers")
        expect(page.locator("main")).to_contain_text("assay login")
