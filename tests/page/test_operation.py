"""A team runs its gateway on the page: keys, budgets, people, aliases, and what a role may not do is not offered."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.page.conftest import answer_with, made, open_page
from tests.server import RunningAssay, running

PASSWORD = "correct horse battery staple"
ASK = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "17 + 25"}]}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server with one team."""
    with running(tmp_path_factory.mktemp("team"), "--demo") as server:
        server.sign_in()
        made(server, "/teams", {"name": "Research"})
        yield server


def item(page: Page, name: str) -> Locator:
    """The entry of a list that has this heading."""
    return page.locator("main li").filter(has=page.get_by_role("heading", name=name))


def test_a_budget_is_exhausted_read_in_the_error_raised_on_the_page_and_the_work_goes_on(
    browser: Browser, team: RunningAssay
) -> None:
    key = made(team, "/keys", {"name": "worker"})
    with open_page(browser, team) as page:
        page.goto(f"{team.url}/budgets")
        page.get_by_text("Add a budget").first.click()
        page.get_by_label("For").select_option(label=f"worker ({key['hint']})")
        page.get_by_label("Of what").select_option("requests")
        page.get_by_label("How many").fill("1")
        page.get_by_label("In which time").select_option("total")
        page.get_by_role("button", name="Add a budget").click()
        row = page.locator("main li").filter(has_text="worker")
        expect(row).to_contain_text("0 of 1 requests used")
        assert team.chat(ASK, key["key"]).status == 200
        refused = team.chat(ASK, key["key"])
        assert (refused.status, refused.json["error"]["code"]) == (402, "budget.spent"), refused
        expect(row).to_contain_text("Used up: requests are refused", timeout=20_000)
        row.get_by_role("button", name=re.compile("Change amount")).click()
        row.get_by_label("New amount").fill("5")
        row.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("It is 5 requests now")
        expect(row).to_contain_text("4 requests left", timeout=20_000)
        assert team.chat(ASK, key["key"]).status == 200


def test_a_key_is_made_with_bounds_shown_once_rotated_with_an_overlap_and_revoked(browser: Browser, team: RunningAssay) -> None:
    with open_page(browser, team) as page:
        page.goto(f"{team.url}/keys")
        page.get_by_placeholder("for example: laptop").fill("nightly")
        page.get_by_text("Owner, limits and scopes (optional)").click()
        page.get_by_label("Team").select_option(label="Research")
        page.get_by_label("Only these models").fill("practice/*, fast")
        page.get_by_label("Requests a minute").fill("600")
        page.get_by_role("button", name="Create key").click()
        shown = page.get_by_role("region", name="Key “nightly” is made")
        expect(shown).to_contain_text("only time it is shown")
        first = shown.locator(".secret code").inner_text()
        row = item(page, "nightly")
        expect(row).to_contain_text("Research")
        expect(row).to_contain_text("only practice/*, fast")
        expect(row).to_contain_text("at most 600 requests a minute")
        shown.get_by_role("button", name="I have copied it").click()
        expect(page.get_by_text(first)).to_have_count(0)

        row.get_by_role("button", name="Rotate nightly").click()
        row.get_by_role("button", name="Make a new secret").click()
        rotated = page.get_by_role("region", name="“nightly” has a new secret")
        expect(rotated).to_contain_text("The secret before it is good until")
        second = rotated.locator(".secret code").inner_text()
        assert first != second
        expect(row).to_contain_text("its former secret is good until")
        assert [team.chat(ASK, key).status for key in (first, second)] == [200, 200]

        row.get_by_role("button", name="Revoke nightly").click()
        expect(row).to_contain_text("stop working at once")
        with page.expect_response(lambda reply: reply.request.method == "DELETE"):
            row.get_by_role("button", name="Revoke", exact=True).click()
        expect(row).to_have_count(0)
        assert [team.chat(ASK, key).status for key in (first, second)] == [401, 401]


def test_somebody_gets_an_account_signs_in_and_is_offered_what_a_viewer_may(browser: Browser, team: RunningAssay) -> None:
    with open_page(browser, team) as page:
        page.goto(f"{team.url}/people")
        expect(page.get_by_label("First password")).to_be_visible()  # open where there is nobody yet
        page.get_by_label("Name").fill("Priya")
        page.get_by_label("E-mail address").fill("priya@example.org")
        page.get_by_label("Role").select_option("viewer")
        page.get_by_label("First password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(item(page, "Priya")).to_contain_text("signs in with a password")
    with open_page(browser, team, signed_in=False) as page:
        page.goto(f"{team.url}/keys")
        page.get_by_label("E-mail address").fill("priya@example.org")
        page.get_by_label("Password", exact=True).fill("not the right password")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("E-mail address or password is wrong")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible(timeout=20_000)
        expect(page.get_by_role("button", name="Create key")).to_have_count(0)
        page.get_by_role("link", name="Arena").click()
        expect(page.get_by_text("asking models takes the role of a member")).to_be_visible()
        page.get_by_role("button", name="Priya").click()
        expect(page.get_by_text("Role: viewer")).to_be_visible()
        page.get_by_role("button", name="People").click()
        expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
        page.get_by_role("link", name="Teams").click()
        expect(page.get_by_role("heading", name="Research")).to_be_visible()
        expect(page.get_by_role("button", name="Create team")).to_have_count(0)
        expect(page.get_by_text("Add a budget")).to_have_count(0)


def test_an_alias_gets_a_fallback_and_what_was_done_is_in_the_audit_log(browser: Browser, team: RunningAssay) -> None:
    with open_page(browser, team) as page:
        page.goto(f"{team.url}/aliases")
        page.get_by_text("Add an alias").click()
        page.get_by_label("Name").fill("fast")
        page.get_by_label("Model at a provider").fill("practice/reckoner")
        page.get_by_role("button", name="Fall back to another").click()
        page.get_by_label("Model at a provider").last.fill("practice/librarian")
        page.get_by_role("button", name="Save").click()
        row = item(page, "fast")
        expect(row).to_contain_text(re.compile("first.*practice/reckoner.*then.*practice/librarian", re.DOTALL))
        page.goto(f"{team.url}/audit")
        expect(page.get_by_role("row").filter(has_text="set an alias").first).to_contain_text("fast")


def test_spend_is_drawn_by_day_and_told_by_key(browser: Browser, team: RunningAssay) -> None:
    assert team.chat(ASK).status == 200
    with open_page(browser, team) as page:
        page.goto(f"{team.url}/spend?by=key&range=7d")
        expect(page.get_by_role("row").filter(has_text="first key")).to_be_visible()
        expect(page.get_by_role("group", name="Spend by day").get_by_role("link")).to_have_count(7)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download CSV").click()
        assert download.value.suggested_filename.endswith(".csv")


def test_a_broken_configuration_file_is_said_on_every_page(browser: Browser, team: RunningAssay) -> None:
    broken = team.ask("GET", "/api/v1/config").json | {
        "file": "/etc/assay.toml",
        "problem": {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "code": "config.unknown_key",
            "detail": "The setting 'prot' is not known.",
            "hint": "Did you mean 'port'?",
        },
    }
    with open_page(browser, team) as page:
        answer_with(page, "/api/v1/config", 200, broken)
        for path in ("/models", "/keys"):
            page.goto(team.url + path)
            expect(page.get_by_role("status").filter(has_text="The configuration file cannot be read")).to_contain_text("port")


def test_whoever_signs_in_elsewhere_is_led_there(browser: Browser, team: RunningAssay) -> None:
    session = team.ask("GET", "/api/v1/session", headers={"cookie": ""}).json
    with open_page(browser, team, signed_in=False) as page:
        answer_with(page, "/api/v1/session", 200, session | {"signed_in": False, "user": None, "oidc": True})
        page.goto(team.url)
        elsewhere = page.get_by_role("link", name="Sign in with your organization")
        expect(elsewhere).to_have_attribute("href", "/login/oidc")
        expect(page.get_by_label("Or paste the link")).to_be_hidden()
        page.get_by_text("Sign in with a link from the server instead").click()
        expect(page.get_by_label("Or paste the link")).to_be_visible()
