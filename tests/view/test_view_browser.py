"""The page in a real browser: filters, keys, themes, widths, and hostile content that stays inert."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from test_view_page import HOSTILE, every_block

from honing.store import (
    Badge,
    CellKind,
    Column,
    Report,
    SampleRow,
    Samples,
    Section,
    Table,
)

if TYPE_CHECKING:
    from conftest import Chromium, Page

pytestmark = pytest.mark.browser

MODELS = ("small", "large")


def sample(number: int) -> SampleRow:
    status = "infra_error" if number % 40 == 7 else "completed"
    return SampleRow(
        id=f"task-{number}",
        prompt=f"Question {number}: what is {number} times two?",
        completion=f"It is {number * 2}." + (" And so on." * 400 if number == 3 else ""),
        target=str(number * 2),
        reward=None if status == "infra_error" else float(number % 3 != 0),
        status=status,
        extra={"model": MODELS[number % 2], "why": "as asked"},
    )


def samples_report(count: int) -> Report:
    samples = Samples(
        rows=tuple(sample(number) for number in range(count)),
        columns=(Column(key="model", title="model", filter=True),),
        details=(Column(key="why", title="Why"),),
    )
    return Report(title="Samples", sections=(Section(title="All", blocks=(samples,)),))


def shown(browser: Chromium) -> list[str]:
    ids: list[str] = browser.value(
        "[...document.querySelectorAll('.row .id')].map((node) => node.textContent)"
    )
    return ids


def complaints(browser: Chromium) -> list[dict[str, Any]]:
    """Everything the browser logged, threw or tried to fetch."""
    fetched = [
        event
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
        and not event["params"]["request"]["url"].startswith(("file:", "about:", "data:"))
    ]
    kinds = (
        "Log.entryAdded",
        "Runtime.exceptionThrown",
        "Runtime.consoleAPICalled",
        "Page.javascriptDialogOpening",
    )
    return fetched + [event for event in browser.events if event["method"] in kinds]


def test_filters_show_the_samples_they_name_and_no_others(page: Page) -> None:
    browser = page.show(samples_report(120))

    browser.value("document.querySelector('[data-mark=wrong]').click()")
    wrong = shown(browser)
    browser.value(
        "(() => { const select = document.querySelector('select[aria-label=model]');"
        "select.value = 'large'; select.dispatchEvent(new Event('change')); })()"
    )
    wrong_and_large = shown(browser)
    count = browser.value("document.querySelector('.count').textContent")

    judged = [n for n in range(120) if n % 40 != 7]
    assert wrong == [f"task-{n}" for n in judged if n % 3 == 0]
    assert wrong_and_large == [f"task-{n}" for n in judged if n % 3 == 0 and n % 2 == 1]
    assert count == f"{len(wrong_and_large)} of 120 samples"
    assert complaints(browser) == []


def test_the_status_filter_finds_what_was_never_judged(page: Page) -> None:
    browser = page.show(samples_report(120))

    browser.value(
        "(() => { const select = document.querySelector('select[aria-label=status]');"
        "select.value = 'infra_error'; select.dispatchEvent(new Event('change')); })()"
    )

    assert shown(browser) == ["task-7", "task-47", "task-87"]
    badges = browser.value("[...document.querySelectorAll('.row .badge')].map((node) => node.textContent)")
    assert badges == ["infra_error"] * 3


def test_the_keyboard_is_enough(page: Page) -> None:
    browser = page.show(samples_report(120))
    focus = "document.activeElement.closest('.row')?.querySelector('.id').textContent"

    browser.press("/")
    in_search = browser.value("document.activeElement.classList.contains('search')")
    for letter in "times":
        browser.press(letter)
    browser.press("Escape")
    browser.press("j")
    browser.press("j")
    browser.press("k")
    browser.press("j")
    second = browser.value(focus)
    browser.press("Enter", "\r")
    opened = browser.value("document.querySelector('.opened pre').textContent")
    browser.press("Escape")
    closed = browser.value("document.querySelectorAll('.opened').length")
    browser.press("n")
    next_page = browser.value(focus)
    browser.press("k")
    back = browser.value(focus)

    assert in_search is True
    assert browser.value("document.querySelector('.search').value") == "times"
    assert second == "task-1"
    assert opened == "Question 1: what is 1 times two?"
    assert closed == 0
    assert next_page == "task-50"
    assert back == "task-49"


def test_the_search_looks_into_every_text_and_marks_what_it_found(page: Page) -> None:
    browser = page.show(samples_report(120))

    browser.value(
        "(() => { const search = document.querySelector('.search');"
        "search.value = 'IT IS 84'; search.dispatchEvent(new Event('input')); })()"
    )
    browser.wait_for("document.querySelectorAll('.row').length === 1")
    browser.value("document.querySelector('.row > button').click()")

    assert shown(browser) == ["task-42"]
    assert browser.value("[...document.querySelectorAll('mark')].map((node) => node.textContent)") == [
        "It is 84"
    ]


def test_a_long_text_is_folded_until_it_is_asked_for(page: Page) -> None:
    browser = page.show(samples_report(10))

    browser.value("document.querySelectorAll('.row > button')[3].click()")
    folded = browser.value("document.querySelector('.opened pre.folded').clientHeight")
    label = browser.value("document.querySelector('.unfold').textContent")
    browser.value("document.querySelector('.unfold').click()")

    assert label == "Show all 4,408 characters"
    assert browser.value("document.querySelectorAll('pre.folded, .unfold').length") == 0
    assert folded < 300 < browser.value("document.querySelectorAll('.opened pre')[1].scrollHeight")


def test_ten_thousand_samples_are_searched_at_once(page: Page) -> None:
    browser = page.show(samples_report(10_000))
    rows = browser.value("document.querySelectorAll('.row').length")

    started = time.monotonic()
    browser.value(
        "(() => { const search = document.querySelector('.search');"
        "search.value = 'task-9999'; search.dispatchEvent(new Event('input')); })()"
    )
    browser.wait_for("document.querySelectorAll('.row').length === 1")

    assert time.monotonic() - started < 5
    assert rows == 50
    assert shown(browser) == ["task-9999"]


def test_a_table_is_sorted_by_its_numbers(page: Page) -> None:
    table = Table(
        columns=(Column(key="a", title="A"), Column(key="n", title="N", kind=CellKind.NUMBER)),
        rows=(("x", 9.0), ("y", None), ("z", 10.0), ("w", -1.0), ("v", Badge("none"))),
    )
    browser = page.show(Report(title="t", sections=(Section(title="s", blocks=(table,)),)))
    column = "[...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent).join('')"
    click = "document.querySelectorAll('th .sort')[1].click()"

    orders = [browser.value(column)]
    for _ in range(3):
        browser.value(click)
        state = browser.value("document.querySelectorAll('th')[1].getAttribute('aria-sort')")
        orders.append((browser.value(column)[:3], browser.value(column)[-1], state))

    assert orders[0] == "xyzwv"
    assert [(order, state) for order, _, state in orders[1:]] == [
        ("vzx", "descending"),
        ("wxz", "ascending"),
        ("xyz", None),
    ]
    assert [last for _, last, _ in orders[1:3]] == ["y", "y"]


def test_light_and_dark_follow_the_system_the_address_and_the_button(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(253, 253, 251)", "rgb(21, 23, 27)"
    page.chromium.media(prefers_color_scheme="dark")
    browser = page.show(samples_report(3))

    by_system = browser.value(ground)
    browser.press("t")
    by_key = browser.value(ground)
    browser.press("t")
    page.show(samples_report(3), "#theme=light")
    by_address = browser.value(ground)

    assert (by_system, by_key, by_address) == (dark, light, light)


def test_on_paper_the_page_is_light_and_has_no_controls(page: Page) -> None:
    browser = page.show(samples_report(3), "#theme=dark")

    browser.media("print")

    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for css in (".toolbar", ".tools", ".contents"):
        assert browser.value(f"getComputedStyle(document.querySelector('{css}')).display") == "none"


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_sticks_out_of_the_page_at_any_width(page: Page, width: int) -> None:
    page.chromium.size(width, 900)
    browser = page.show(every_block("word " * 30 + "x" * 300))

    browser.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    browser.value("document.querySelector('.row > button').click()")

    assert browser.value("document.documentElement.scrollWidth") <= width
    drawn = "[...document.querySelectorAll('figure > div')].filter((box) => box.clientWidth > 0)"
    kinds = browser.value(f"{drawn}.map((box) => box.className)")
    assert kinds == ["narrow" if width < 700 else "wide"] * 7


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_runs_nothing_and_fetches_nothing(page: Page, text: str) -> None:
    browser = page.show(every_block(text))
    title = browser.value("document.title")

    browser.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    browser.value("document.querySelectorAll('.row > button').forEach((each) => each.click())")
    browser.value("document.querySelectorAll('th .sort').forEach((each) => each.click())")
    browser.value(
        "document.querySelectorAll('select').forEach("
        "(select) => { select.selectedIndex = 1; select.dispatchEvent(new Event('change')); })"
    )
    browser.value(
        "document.querySelectorAll('main *').forEach((node) => node.dispatchEvent(new Event('mouseover')))"
    )

    assert browser.value("document.title") == title
    assert title.strip() != "owned"
    assert browser.value("document.querySelectorAll('script').length") == 2
    assert browser.value("document.querySelectorAll('iframe, img, base, object, embed').length") == 0
    assert complaints(browser) == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(page: Page) -> None:
    """The escaping is the first wall; this shows that the second one stands by itself."""
    browser = page.show(samples_report(3))

    browser.value(
        "(() => { const script = document.createElement('script');"
        "script.textContent = 'document.title = \"owned\"'; document.body.append(script);"
        "const image = document.createElement('img'); image.src = 'https://evil.example/x.png';"
        "image.setAttribute('onerror', 'document.title = \"owned\"'); document.body.append(image); })()"
    )
    browser.wait_for("document.querySelector('img').complete")

    assert browser.value("document.title") == "Samples"
    refused = [
        event["params"]["entry"]["text"] for event in browser.events if event["method"] == "Log.entryAdded"
    ]
    assert sum("Content Security Policy" in text for text in refused) >= 2
