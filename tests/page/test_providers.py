"""A person reads what a provider is, and verifies it with a real question."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.page.conftest import open_page
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream


def test_a_provider_is_verified_from_the_page_and_then_says_so(browser: Browser, assay: RunningAssay) -> None:
    """The scripted upstream is no language model: it does not follow instructions, which is found and named."""
    with ScriptedUpstream() as upstream, open_page(browser, assay) as page:
        row = {"name": "scripted", "title": "Scripted", "base_url": upstream.url, "key": "sk-upstream"}
        assert assay.ask("POST", "/api/v1/providers", row).status == 201
        page.goto(f"{assay.url}/providers?q=scripted")
        shown = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Scripted"))
        expect(shown).to_contain_text("Not verified yet")
        shown.get_by_role("button", name="Verify").click()
        shown.get_by_label("Model to ask").fill("text")
        shown.get_by_role("button", name="Ask it now").click()
        expect(shown.get_by_role("heading", name="OpenAI Chat Completions")).to_be_visible(timeout=30_000)
        expect(shown.get_by_text("An answer in one piece")).to_be_visible()
        expect(shown).to_contain_text(re.compile("Live, verified|Differs from its row"))
        shown.get_by_role("button", name="Details").click()
        expect(shown.get_by_text("scripted/text").first).to_be_visible()


def test_what_a_cloud_needs_beside_its_key_is_filled_in_on_the_page(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/providers?q=Azure OpenAI")
        shown = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Azure OpenAI", exact=True))
        shown.get_by_role("button", name="Details").click()
        shown.get_by_label("Resource").fill("my-resource")
        with page.expect_response(lambda reply: reply.request.method == "PUT"):
            shown.get_by_role("button", name="Save").click()
        expect(shown.get_by_label("Resource")).to_have_value("my-resource")
        (azure,) = [row for row in assay.ask("GET", "/api/v1/providers").json["providers"] if row["name"] == "azure"]
        assert {one["name"]: one["value"] for one in azure["parameters"]}["resource"] == "my-resource"


def test_many_providers_are_searched_by_name(browser: Browser, assay: RunningAssay) -> None:
    with open_page(browser, assay) as page:
        page.goto(f"{assay.url}/providers")
        page.get_by_role("searchbox").fill("deepseek")
        expect(page.get_by_role("heading", name="DeepSeek")).to_be_visible()
        expect(page.get_by_role("heading", name="OpenRouter")).to_have_count(0)
        page.get_by_role("searchbox").fill("no such provider")
        expect(page.locator("main")).to_contain_text("No provider here matches")
