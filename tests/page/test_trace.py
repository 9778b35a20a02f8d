"""A person follows a call from the list to its trace, and reads what was lost, what it cost and what was said."""

from __future__ import annotations

import re

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from assay.core import Message, Text, ToolCall, Transcript
from tests.page.conftest import LOCALES, answer_with, open_page
from tests.page.traced import FAILED, FULL, as_json
from tests.server import RunningAssay

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(2)) \u202etxt.exe </script><script>alert(3)</script>"


def test_a_call_is_found_in_the_list_and_opened_by_keyboard(browser: Browser, assay: RunningAssay) -> None:
    question = {"model": "reckoner", "messages": [{"role": "user", "content": "6 * 7"}], "stream": True}
    assert assay.chat(question).status == 200
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/traffic")
        link = page.get_by_role("link", name="reckoner").first
        link.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/traffic/[0-9a-f-]{36}$"))
        main = page.locator("main")
        expect(main.get_by_role("heading", name="Timeline")).to_be_visible()
        expect(main).to_contain_text("6 * 7")
        expect(main).to_contain_text("42")
        expect(main).to_contain_text("practice/reckoner")
        expect(main.get_by_role("img", name=re.compile("first content at"))).to_be_visible()
        page.get_by_text("These times as a table").click()
        expect(main.get_by_role("row").nth(2)).to_be_visible()


def test_the_id_that_a_client_was_told_opens_its_trace(browser: Browser, assay: RunningAssay) -> None:
    reply = assay.chat({"model": "reckoner", "messages": [{"role": "user", "content": "2 + 3"}]})
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/traffic/{reply.headers['x-request-id']}")
        expect(page.locator("main")).to_contain_text("2 + 3")


def test_losses_attempts_tokens_and_cost_are_told_in_words(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        answer_with(page, "/api/v1/calls/full", 200, as_json(FULL))
        answer_with(page, f"/api/v1/calls/{FAILED.call.id}", 200, as_json(FAILED))
        page.goto(f"{assay.url}/traffic/full")
        losses = page.get_by_role("region", name="Lost in translation")
        expect(losses.get_by_role("listitem")).to_have_count(len(FULL.losses))
        expect(losses).to_contain_text("Translated from Anthropic Messages to Gemini generateContent.")
        expect(losses).to_contain_text("how hard the model should think")
        bill = page.get_by_role("region", name="Tokens and cost")
        expect(bill.get_by_role("row", name=re.compile("read from the cache"))).to_contain_text("11,980")
        expect(bill).to_contain_text("$0.0099")
        expect(bill.get_by_role("link", name="Source")).to_have_attribute("href", "https://example.org/prices")
        page.get_by_role("link", name="crucible/electrum-70b").click()
        expect(page.locator("main")).to_contain_text("the provider was asked too much at once (HTTP 429)")
        expect(page.locator("main")).to_contain_text("no longer kept")


@pytest.mark.parametrize("language", LOCALES)
def test_a_long_text_says_how_long_it_is_and_opens_whole(browser: Browser, assay: RunningAssay, language: str) -> None:
    with open_page(browser, assay, language=language) as page:
        answer_with(page, "/api/v1/calls/full", 200, as_json(FULL))
        page.goto(f"{assay.url}/traffic/full")
        button = page.get_by_role("button", name=re.compile("3,480"))
        button.click()
        assert FULL.request is not None
        whole = FULL.request.transcript.messages[0].text
        assert page.get_by_text(whole).count() == 1


def test_what_a_model_said_is_shown_to_the_letter_and_never_run(browser: Browser, assay: RunningAssay) -> None:
    said = Message(role="assistant", parts=(Text(text=HOSTILE), ToolCall(id="c", name=HOSTILE, arguments=HOSTILE)))
    hostile = msgspec.structs.replace(FULL, reply=Transcript((said,)), call=msgspec.structs.replace(FULL.call, asked=HOSTILE))
    with open_page(browser, assay) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
        answer_with(page, "/api/v1/calls/full", 200, as_json(hostile))
        page.goto(f"{assay.url}/traffic/full")
        expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
        expect(page.get_by_role("region", name="Answer")).to_contain_text(HOSTILE)
        assert page.locator("main img[src=x], main script").count() == 0


def test_a_call_that_is_not_there_says_what_to_do(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/traffic/00000000-0000-7000-8000-000000000000")
        expect(page.get_by_role("alert")).to_contain_text("There is no such call")
