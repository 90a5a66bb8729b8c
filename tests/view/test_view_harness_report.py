"""The page of a long harness run in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness_search_made_up import made_up_ledger
from honing.harness.report import report_from

if TYPE_CHECKING:
    from conftest import Shown

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1400])
def test_a_page_of_two_hundred_candidates_fits_its_window_and_says_nothing_to_the_console(
    shown: Shown, width: int
) -> None:
    shown.page.set_viewport_size({"width": width, "height": 900})
    browser = shown.show(report_from(made_up_ledger(200)))

    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_marks_of_a_lineage_stand_out_from_the_paper(shown: Shown, theme: str) -> None:
    browser = shown.show(report_from(made_up_ledger(40)), f"#theme={theme}")

    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    filled = "[...document.querySelectorAll('.node:not(.hollow):not(.drawn)')]"
    fills = browser.evaluate(f"{filled}.map((each) => getComputedStyle(each).fill)")
    edges = browser.evaluate(
        "[...document.querySelectorAll('.edge.strong')].map((each) => getComputedStyle(each).stroke)"
    )

    assert len(fills) > 40
    assert paper not in set(fills)
    assert paper not in set(edges)


def test_a_long_table_is_folded_until_somebody_opens_it(shown: Shown) -> None:
    browser = shown.show(report_from(made_up_ledger(40)))

    rows = "[...document.querySelectorAll('.fold tbody tr')].filter((row) => row.checkVisibility()).length"
    before = browser.evaluate(rows)
    browser.evaluate("document.querySelector('.fold > summary').click()")

    assert (before, browser.evaluate(rows)) == (0, 81)
