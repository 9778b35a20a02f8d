"""Traffic as it comes and as it came: many rows, few of them drawn; filters in the address; new calls told."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.page.conftest import open_page
from tests.page.seeded import seed_calls
from tests.server import RunningAssay, running

ROWS = 3000
SLOW_MS = 30_000
ASK = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "17 + 25"}]}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server on whose record are 3,000 calls of a day."""
    folder = tmp_path_factory.mktemp("busy")
    with running(folder, "--demo"):
        pass
    seed_calls(folder, ROWS)
    with running(folder, "--demo") as server:
        server.sign_in()
        server.announced["key"] = server.ask("POST", "/api/v1/keys", {"name": "laptop"}).json["key"]
        yield server


def drawn(page: Page) -> int:
    return page.locator("main tbody tr").count()


def query_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_of_many_rows_only_those_in_sight_are_drawn_and_the_keys_walk_through_all(browser: Browser, busy: RunningAssay) -> None:
    with open_page(browser, busy) as page:
        page.goto(f"{busy.url}/traffic")
        rows = page.locator("main tbody tr")
        expect(rows.first).to_be_visible()
        page.locator("main tbody a[tabindex='0']").focus()
        focused, end = page.locator("main tbody a:focus"), page.get_by_text("There are no older ones.")
        deadline = time.monotonic() + SLOW_MS / 1000
        while not end.is_visible():
            page.keyboard.press("End")
            assert time.monotonic() < deadline
        page.keyboard.press("End")
        expect(focused).to_have_attribute("data-at", str(ROWS - 1))
        assert drawn(page) < 150
        expect(page.locator("main table")).to_have_attribute("aria-rowcount", str(ROWS + 1))
        page.keyboard.press("ArrowUp")
        expect(focused).to_have_attribute("data-at", str(ROWS - 2))
        page.keyboard.press("Home")
        expect(focused).to_have_attribute("data-at", "0")
        assert drawn(page) < 150
        page.keyboard.press("Enter")
        page.wait_for_url("**/traffic/*")
        expect(page.locator("main h1")).to_be_visible()


def test_filters_stand_in_the_address_and_sums_follow_them(browser: Browser, busy: RunningAssay) -> None:
    with open_page(browser, busy) as page:
        page.goto(f"{busy.url}/traffic")
        sums = page.get_by_role("region", name="What these calls come to")
        expect(sums).to_contain_text("3,000")
        with page.expect_response(lambda reply: "/calls/sums" in reply.url and "outcome=failed" in reply.url):
            page.get_by_label("Outcome", exact=True).select_option("failed")
        expect(sums).not_to_contain_text("3,000")
        with page.expect_response(lambda reply: "/calls/sums" in reply.url and "text=electrum" in reply.url):
            page.get_by_role("searchbox").fill("electrum")
        assert query_of(page) == {"outcome": ["failed"], "text": ["electrum"]}
        expect(page.locator("main tbody tr").first).to_contain_text(re.compile("too much at once|silent for too long"))
        page.reload()
        expect(page.get_by_role("searchbox")).to_have_value("electrum")
        page.get_by_role("link", name="Clear filters").click()
        expect(sums).to_contain_text("3,000")
        assert query_of(page) == {}


def test_a_search_for_what_was_never_asked_says_so(browser: Browser, busy: RunningAssay) -> None:
    with open_page(browser, busy) as page:
        page.goto(f"{busy.url}/traffic?text=no-such-model")
        expect(page.get_by_text("No such calls.")).to_be_visible(timeout=SLOW_MS)


def test_a_column_of_the_picture_chooses_its_time(browser: Browser, busy: RunningAssay) -> None:
    with open_page(browser, busy) as page:
        page.goto(f"{busy.url}/traffic")
        sums = page.get_by_role("region", name="What these calls come to")
        expect(sums).to_contain_text("3,000")
        with page.expect_response(lambda reply: "/calls/sums" in reply.url and "until=" in reply.url):
            sums.locator("svg g").nth(5).click()
        expect(sums).not_to_contain_text("3,000")
        assert query_of(page).keys() == {"since", "until"}


def test_a_new_call_appears_by_itself_and_waits_while_paused(browser: Browser, busy: RunningAssay) -> None:
    with open_page(browser, busy) as page:
        page.goto(f"{busy.url}/traffic")
        expect(page.get_by_text("Live: new calls appear by themselves")).to_be_visible()
        first = page.locator("main tbody tr").first
        assert busy.chat(ASK).status == 200
        expect(first).to_contain_text("practice/reckoner", timeout=SLOW_MS)
        expect(first).to_contain_text("laptop")
        expect(page.get_by_role("status").filter(has_text="1 new call")).to_have_count(1, timeout=SLOW_MS)
        page.get_by_role("button", name="Pause").click()
        before = first.locator("a").get_attribute("href")
        assert busy.chat(ASK).status == 200
        waiting = page.get_by_role("button", name="Show 1 new call")
        expect(waiting).to_be_visible(timeout=SLOW_MS)
        assert first.locator("a").get_attribute("href") == before
        waiting.click()
        expect(first.locator("a")).not_to_have_attribute("href", before or "")
        expect(waiting).to_have_count(0)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_a_hundred_thousand_rows_scroll_without_a_stutter(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All are loaded, then the page is scrolled from end to end and back in five seconds. What a frame takes of the processor is
    bounded; how many frames there were, and the longest task, depend on the machine and are printed."""
    count = 100_000
    folder = tmp_path_factory.mktemp("many")
    with running(folder, "--demo"):
        pass
    seed_calls(folder, count)
    with running(folder, "--demo") as server:
        server.sign_in()
        with open_page(browser, server) as page:
            page.goto(f"{server.url}/traffic")
            expect(page.locator("main tbody tr").first).to_be_visible()
            page.evaluate(LOAD_ALL)
            page.get_by_text("There are no older ones.").wait_for(timeout=400_000)
            cdp = page.context.new_cdp_session(page)
            cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = _busy_s(cdp)
            found = page.evaluate(SCROLL)
            frame_ms = (_busy_s(cdp) - before) * 1000 / found["frames"]
            print(f"\n{count} rows: {found}, processor time of a frame {frame_ms:.1f} ms")
            assert page.evaluate("document.querySelector('main table').ariaRowCount") == str(count + 1)
            assert found["drawn"] < 150
            assert frame_ms < 50


def _busy_s(cdp: CDPSession) -> float:
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


LOAD_ALL = """() => { const go = () => { scrollTo(0, document.body.scrollHeight); window.loading = setTimeout(go, 50); }; go(); }"""
SCROLL = """async () => {
  clearTimeout(window.loading);
  const tasks = [];
  new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration))).observe({entryTypes: ["longtask"]});
  const frames = [];
  const height = document.body.scrollHeight;
  const began = performance.now();
  let last = began, drawn = 0;
  await new Promise(done => {
    const step = now => {
      frames.push(now - last);
      last = now;
      const share = (now - began) / 5000;
      drawn = Math.max(drawn, document.querySelectorAll("main tbody tr").length);
      if (share >= 1) return done();
      scrollTo(0, height * (1 - Math.abs(1 - 2 * share)));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  frames.sort((a, b) => a - b);
  return {
    frames: frames.length, fps: Math.round(frames.length / 5), p95_ms: Math.round(frames[Math.floor(frames.length * 0.95)]),
    worst_ms: Math.round(frames[frames.length - 1]), long_tasks: tasks.length, longest_task_ms: Math.max(0, ...tasks), drawn,
    heap_mb: Math.round((performance.memory?.usedJSHeapSize ?? 0) / 1e6),
  };
}"""
