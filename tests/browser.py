"""A real Chromium for tests: Debian's, under Playwright's own driver; one a session, a fresh page a test.

`chromium_page` is Playwright's `Page`; `complaints` lists what it logged, threw, asked or tried to fetch:

    def test_a_page_is_quiet(chromium_page: Page, complaints: list[str]) -> None:
        chromium_page.goto(url)

        assert complaints == []
"""

from __future__ import annotations

import asyncio
import shutil
import time
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request

_OWN_SCHEMES = ("file", "about", "data", "blob")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LIMIT_MS = 30_000.0


@pytest.fixture(scope="session")
def chromium_session() -> Iterator[tuple[Browser, AbstractEventLoop]]:
    """The session's browser, and the driver's event loop."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def chromium_page(chromium_session: tuple[Browser, AbstractEventLoop]) -> Iterator[Page]:
    """A page in a profile of its own, 1280 x 900, light."""
    browser, loop = chromium_session
    with _running(loop):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(_LIMIT_MS)
        yield context.new_page()
        context.close()


@pytest.fixture
def complaints(chromium_page: Page) -> list[str]:
    """What the page logged, threw, asked in a dialog, or tried to fetch from elsewhere, as it happens."""
    heard: list[str] = []

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in _OWN_SCHEMES and parts.hostname not in _LOOPBACK:
            heard.append(f"request: {request.url}")

    def on_dialog(dialog: Dialog) -> None:
        heard.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    chromium_page.on("request", on_request)
    chromium_page.on("dialog", on_dialog)
    chromium_page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    chromium_page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    return heard


@contextmanager
def _running(loop: AbstractEventLoop) -> Iterator[None]:
    """Let the driver's loop be this thread's running one, as the driver leaves it, while a test has a page.

    Without this, tests in the same process that run an event loop of their own would be refused.
    """
    asyncio._set_running_loop(loop)
    yield
    asyncio._set_running_loop(None)


def wait_until(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression holds in the page.

    Playwright's own `wait_for_function` evaluates inside the page, which our pages' content policy forbids.
    """
    deadline = time.monotonic() + _LIMIT_MS / 1000
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < deadline, f"never true in the page: {expression}"
        page.wait_for_timeout(20)
