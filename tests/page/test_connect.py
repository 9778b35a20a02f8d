"""What a person copies from the Connect page is what the guide says, with the address and the model filled in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from scripts import snippets
from tests.page.conftest import LOCALES, open_page
from tests.server import RunningAssay


def test_the_snippets_are_those_of_the_guide() -> None:
    assert snippets.FILE.read_text("utf-8") == snippets.snippets(), "run `make reference` and commit clients.json"


def test_a_model_and_a_client_are_chosen_and_kept_in_the_address(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/connect")
        page.get_by_role("combobox", name="A model").select_option("practice/reckoner")
        page.get_by_role("link", name="Codex").click()
        expect(page).to_have_url(re.compile("model=practice%2Freckoner&client=codex|client=codex&model=practice%2Freckoner"))
        shown = page.locator("main figure pre").first
        expect(shown).to_contain_text('model = "practice/reckoner"')
        expect(shown).to_contain_text(f'base_url = "{assay.url}/v1"')
        page.reload()
        expect(page.locator("main figure pre").first).to_contain_text("practice/reckoner")


@pytest.mark.parametrize("language", LOCALES)
def test_every_client_is_listed_and_no_snippet_has_a_blank_left(browser: Browser, assay: RunningAssay, language: str) -> None:
    with open_page(browser, assay, language=language) as page:
        page.goto(f"{assay.url}/connect")
        links = page.locator("main nav a")
        links.first.wait_for()
        assert links.count() == len(re.findall(r'"id":', snippets.snippets()))
        for link in links.all():
            link.click()
            expect(link).to_have_attribute("aria-current", "true")
            text = page.locator("main section").first.inner_text()
            assert not re.search(r"\{(address|model|title|short)\}|127\.0\.0\.1:8470|undefined", text), text


def test_editors_that_were_not_run_say_so(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        for client in ("cursor", "github-copilot"):
            page.goto(f"{assay.url}/connect?client={client}")
            expect(page.locator("main section").first).to_contain_text("Not run here")
