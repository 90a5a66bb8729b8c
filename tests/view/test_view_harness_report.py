"""The page of a long harness run in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_view_browser import complaints

from harness_search_made_up import made_up_ledger
from honing.harness.report import report_from

if TYPE_CHECKING:
    from conftest import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1400])
def test_a_page_of_two_hundred_candidates_fits_its_window_and_says_nothing_to_the_console(
    page: Page, width: int
) -> None:
    page.chromium.size(width, 900)
    browser = page.show(report_from(made_up_ledger(200)))

    browser.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert browser.value("document.documentElement.scrollWidth") <= width
    assert complaints(browser) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_marks_of_a_lineage_stand_out_from_the_paper(page: Page, theme: str) -> None:
    browser = page.show(report_from(made_up_ledger(40)), f"#theme={theme}")

    paper = browser.value("getComputedStyle(document.body).backgroundColor")
    filled = "[...document.querySelectorAll('.node:not(.hollow):not(.drawn)')]"
    fills = browser.value(f"{filled}.map((each) => getComputedStyle(each).fill)")
    edges = browser.value(
        "[...document.querySelectorAll('.edge.strong')].map((each) => getComputedStyle(each).stroke)"
    )

    assert len(fills) > 40
    assert paper not in set(fills)
    assert paper not in set(edges)


def test_a_long_table_is_folded_until_somebody_opens_it(page: Page) -> None:
    browser = page.show(report_from(made_up_ledger(40)))

    rows = "[...document.querySelectorAll('.fold tbody tr')].filter((row) => row.checkVisibility()).length"
    before = browser.value(rows)
    browser.value("document.querySelector('.fold > summary').click()")

    assert (before, browser.value(rows)) == (0, 81)
