"""Texts that attack, in a real browser: nothing runs, nothing is fetched, nothing leaves its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from honing.store import Report
from honing.view import render
from hostile_runs import ALL, FORMULAS, HOSTILE, acting, every_block, hostile_report, hostile_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import Shown

pytestmark = pytest.mark.browser


def touch_everything(browser: Page) -> None:
    """Open, sort, filter, copy and point at whatever can be."""
    for script in (
        "document.querySelectorAll('details').forEach((each) => { each.open = true; })",
        "document.querySelectorAll('.row > button').forEach((each) => each.click())",
        "document.querySelectorAll('th .sort, .copy').forEach((each) => each.click())",
        "document.querySelectorAll('select').forEach("
        "(select) => { select.selectedIndex = 1; select.dispatchEvent(new Event('change')); })",
        "document.querySelectorAll('main *').forEach((node) => node.dispatchEvent(new Event('mouseover')))",
        "dispatchEvent(new Event('beforeprint'))",
    ):
        browser.evaluate(script)


def foreign(browser: Page) -> list[str]:
    """Elements and attributes that the page has none of by itself."""
    elements = "iframe, img, base, object, embed, form:not([method=dialog]), area"
    found: list[str] = browser.evaluate(
        f"[...document.querySelectorAll('{elements}')].map((node) => node.outerHTML)"
        ".concat([...document.querySelectorAll('*')].flatMap((node) => [...node.attributes])"
        ".filter((each) => each.name.startsWith('on')).map((each) => each.name))"
        ".concat([...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))"
        ".filter((href) => !href.startsWith('#')))"
    )
    return found


def test_every_attack_in_every_place_runs_nothing_and_fetches_nothing(shown: Shown) -> None:
    texts = (*HOSTILE, *FORMULAS)
    sections = tuple(section for text in texts for section in every_block(text).sections)
    browser = shown.show(Report(title=ALL, subtitle=ALL, sections=sections, footer=ALL))
    title = browser.title()

    touch_everything(browser)

    assert browser.title() == title
    assert title.strip() != "owned"
    assert browser.evaluate("document.querySelectorAll('script').length") == 1 + len(texts)
    assert foreign(browser) == []
    assert shown.complaints == []


def test_what_acts_without_being_seen_is_spelled_out(shown: Shown) -> None:
    browser = shown.show(every_block(ALL))

    words = browser.evaluate("document.documentElement.textContent")

    assert acting(words) == []
    assert r"\x1b]0;owned\x07" in words
    assert r"\u202e" in words


@pytest.mark.parametrize("width", [360, 1280])
def test_ten_megabytes_in_a_line_and_too_many_columns_stay_within_the_page(shown: Shown, width: int) -> None:
    report = hostile_report("<b>x" * 2_500_000, 5_000)
    page = render(report)
    shown.page.set_viewport_size({"width": width, "height": 900})
    browser = shown.show(report)

    touch_everything(browser)

    assert len(page) < 2_000_000
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.documentElement.scrollHeight") < 200_000
    assert (
        browser.evaluate("Math.max(...[...document.querySelectorAll('tr')].map((r) => r.cells.length))")
        == 100
    )
    assert "Shown: the first 100 of 5,000 columns; report.json holds the rest." in page
    assert shown.complaints == []


def test_a_page_on_the_disk_is_as_inert_as_one_in_memory(shown: Shown, tmp_path: Path) -> None:
    file = tmp_path / "a#b?<img src=x onerror=alert(1)>.html"
    file.write_text(render(every_block(ALL)), encoding="utf-8")

    browser = shown.open(file)
    touch_everything(browser)

    assert foreign(browser) == []
    assert shown.complaints == []


@pytest.mark.slow
def test_at_full_size_a_hostile_run_is_a_page_of_bounded_length(shown: Shown, tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "runs", line_bytes=10_000_000, columns=100_000)

    page = render(Report.read(run.path / "report.json"))
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    browser = shown.open(tmp_path / "page.html")
    touch_everything(browser)

    assert len(page) < 2_000_000
    assert acting(page) == []
    assert foreign(browser) == []
    assert shown.complaints == []
