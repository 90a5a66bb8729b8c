"""The page in a real browser: filters, keys, themes, widths, and hostile content that stays inert."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from browser import wait_until
from honing.store import (
    Badge,
    CellKind,
    Column,
    Interval,
    Report,
    SampleRow,
    Samples,
    Section,
    Table,
)
from hostile_runs import every_block

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import Shown

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


def ids_of(browser: Page) -> list[str]:
    ids: list[str] = browser.evaluate(
        "[...document.querySelectorAll('.row .id')].map((node) => node.textContent)"
    )
    return ids


def test_filters_show_the_samples_they_name_and_no_others(shown: Shown) -> None:
    browser = shown.show(samples_report(120))

    browser.evaluate("document.querySelector('[data-mark=wrong]').click()")
    wrong = ids_of(browser)
    browser.evaluate(
        "(() => { const select = document.querySelector('select[aria-label=model]');"
        "select.value = 'large'; select.dispatchEvent(new Event('change')); })()"
    )
    wrong_and_large = ids_of(browser)
    count = browser.evaluate("document.querySelector('.count').textContent")

    judged = [n for n in range(120) if n % 40 != 7]
    assert wrong == [f"task-{n}" for n in judged if n % 3 == 0]
    assert wrong_and_large == [f"task-{n}" for n in judged if n % 3 == 0 and n % 2 == 1]
    assert count == f"{len(wrong_and_large)} of 120 samples"
    assert shown.complaints == []


def test_the_status_filter_finds_what_was_never_judged(shown: Shown) -> None:
    browser = shown.show(samples_report(120))

    browser.evaluate(
        "(() => { const select = document.querySelector('select[aria-label=status]');"
        "select.value = 'infra_error'; select.dispatchEvent(new Event('change')); })()"
    )

    assert ids_of(browser) == ["task-7", "task-47", "task-87"]
    badges = browser.evaluate("[...document.querySelectorAll('.row .badge')].map((node) => node.textContent)")
    assert badges == ["infra_error"] * 3


def test_the_keyboard_is_enough(shown: Shown) -> None:
    browser = shown.show(samples_report(120))
    focus = "document.activeElement.closest('.row')?.querySelector('.id').textContent"

    browser.keyboard.press("/")
    in_search = browser.evaluate("document.activeElement.classList.contains('search')")
    for letter in "times":
        browser.keyboard.press(letter)
    browser.keyboard.press("Escape")
    browser.keyboard.press("j")
    browser.keyboard.press("j")
    browser.keyboard.press("k")
    browser.keyboard.press("j")
    second = browser.evaluate(focus)
    browser.keyboard.press("Enter")
    opened = browser.evaluate("document.querySelector('.opened pre').textContent")
    browser.keyboard.press("Escape")
    closed = browser.evaluate("document.querySelectorAll('.opened').length")
    browser.keyboard.press("n")
    next_page = browser.evaluate(focus)
    browser.keyboard.press("k")
    back = browser.evaluate(focus)

    assert in_search is True
    assert browser.evaluate("document.querySelector('.search').value") == "times"
    assert second == "task-1"
    assert opened == "Question 1: what is 1 times two?"
    assert closed == 0
    assert next_page == "task-50"
    assert back == "task-49"


def test_the_search_looks_into_every_text_and_marks_what_it_found(shown: Shown) -> None:
    browser = shown.show(samples_report(120))

    browser.evaluate(
        "(() => { const search = document.querySelector('.search');"
        "search.value = 'IT IS 84'; search.dispatchEvent(new Event('input')); })()"
    )
    wait_until(browser, "document.querySelectorAll('.row').length === 1")
    browser.evaluate("document.querySelector('.row > button').click()")

    assert ids_of(browser) == ["task-42"]
    assert browser.evaluate("[...document.querySelectorAll('mark')].map((node) => node.textContent)") == [
        "It is 84"
    ]


def test_a_long_text_is_folded_until_it_is_asked_for(shown: Shown) -> None:
    browser = shown.show(samples_report(10))

    browser.evaluate("document.querySelectorAll('.row > button')[3].click()")
    folded = browser.evaluate("document.querySelector('.opened pre.folded').clientHeight")
    label = browser.evaluate("document.querySelector('.unfold').textContent")
    browser.evaluate("document.querySelector('.unfold').click()")

    assert label == "Show all 4,408 characters"
    assert browser.evaluate("document.querySelectorAll('pre.folded, .unfold').length") == 0
    assert folded < 300 < browser.evaluate("document.querySelectorAll('.opened pre')[1].scrollHeight")


def test_ten_thousand_samples_are_searched_at_once(shown: Shown) -> None:
    browser = shown.show(samples_report(10_000))
    rows = browser.evaluate("document.querySelectorAll('.row').length")

    started = time.monotonic()
    browser.evaluate(
        "(() => { const search = document.querySelector('.search');"
        "search.value = 'task-9999'; search.dispatchEvent(new Event('input')); })()"
    )
    wait_until(browser, "document.querySelectorAll('.row').length === 1")

    assert time.monotonic() - started < 5
    assert rows == 50
    assert ids_of(browser) == ["task-9999"]


def test_a_table_is_sorted_by_its_numbers(shown: Shown) -> None:
    table = Table(
        columns=(Column(key="a", title="A"), Column(key="n", title="N", kind=CellKind.NUMBER)),
        rows=(("x", 9.0), ("y", None), ("z", 10.0), ("w", -1.0), ("v", Badge("none"))),
    )
    browser = shown.show(Report(title="t", sections=(Section(title="s", blocks=(table,)),)))
    column = "[...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent).join('')"
    click = "document.querySelectorAll('th .sort')[1].click()"

    orders = [browser.evaluate(column)]
    for _ in range(3):
        browser.evaluate(click)
        state = browser.evaluate("document.querySelectorAll('th')[1].getAttribute('aria-sort')")
        orders.append((browser.evaluate(column)[:3], browser.evaluate(column)[-1], state))

    assert orders[0] == "xyzwv"
    assert [(order, state) for order, _, state in orders[1:]] == [
        ("vzx", "descending"),
        ("wxz", "ascending"),
        ("xyz", None),
    ]
    assert [last for _, last, _ in orders[1:3]] == ["y", "y"]


def test_light_and_dark_follow_the_system_the_address_and_the_button(shown: Shown) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(253, 253, 251)", "rgb(21, 23, 27)"
    shown.page.emulate_media(color_scheme="dark")
    browser = shown.show(samples_report(3))

    by_system = browser.evaluate(ground)
    browser.keyboard.press("t")
    by_key = browser.evaluate(ground)
    browser.keyboard.press("t")
    shown.show(samples_report(3), "#theme=light")
    by_address = browser.evaluate(ground)

    assert (by_system, by_key, by_address) == (dark, light, light)


def test_on_paper_the_page_is_light_and_has_no_controls(shown: Shown) -> None:
    browser = shown.show(samples_report(3), "#theme=dark")

    browser.emulate_media(media="print")

    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for css in (".toolbar", ".tools", ".contents"):
        assert browser.evaluate(f"getComputedStyle(document.querySelector('{css}')).display") == "none"


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_sticks_out_of_the_page_at_any_width(shown: Shown, width: int) -> None:
    shown.page.set_viewport_size({"width": width, "height": 900})
    browser = shown.show(every_block("word " * 30 + "x" * 300))

    browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    browser.evaluate("document.querySelector('.row > button').click()")

    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    drawn = "[...document.querySelectorAll('figure > div')].filter((box) => box.clientWidth > 0)"
    kinds = browser.evaluate(f"{drawn}.map((box) => box.className)")
    assert kinds == ["narrow" if width < 700 else "wide"] * 8


def test_the_policy_stops_a_script_that_got_in_all_the_same(shown: Shown) -> None:
    """The escaping is the first wall; this shows that the second one stands by itself."""
    browser = shown.show(samples_report(3))

    browser.evaluate(
        "(() => { const script = document.createElement('script');"
        "script.textContent = 'document.title = \"owned\"'; document.body.append(script);"
        "const image = document.createElement('img'); image.src = 'https://evil.example/x.png';"
        "image.setAttribute('onerror', 'document.title = \"owned\"'); document.body.append(image); })()"
    )
    wait_until(browser, "document.querySelector('img').complete")

    assert browser.evaluate("document.title") == "Samples"
    assert sum("Content Security Policy" in text for text in shown.complaints) >= 2


def test_arrow_keys_move_from_the_search_into_the_samples_and_through_them(shown: Shown) -> None:
    browser = shown.show(samples_report(120))
    focus = "document.activeElement.closest('.row')?.querySelector('.id').textContent"

    browser.keyboard.press("/")
    browser.keyboard.type("times")
    visited = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "End", "ArrowDown", "Home"):
        browser.keyboard.press(key)
        visited.append(browser.evaluate(focus))

    assert visited == ["task-0", "task-1", "task-2", "task-1", "task-119", "task-119", "task-0"]


def test_a_long_table_keeps_its_head_in_sight(shown: Shown) -> None:
    rows = tuple((f"row {number}", float(number)) for number in range(300))
    columns = (Column(key="a", title="A"), Column(key="n", title="N", kind=CellKind.NUMBER))
    table = Table(columns=columns, rows=rows)
    browser = shown.show(Report(title="t", sections=(Section(title="s", blocks=(table,)),)))

    browser.evaluate("document.querySelector('.tall').scrollTop = 4000")

    box, head, row = (
        browser.evaluate(f"document.querySelector('{css}').getBoundingClientRect().top")
        for css in (".tall", "thead th", "tbody tr")
    )
    assert head == pytest.approx(box, abs=1)
    assert row < box


def test_a_table_is_copied_as_values_that_no_spreadsheet_runs(shown: Shown) -> None:
    columns = (
        Column(key="a", title="=1+1"),
        Column(key="n", title="N", kind=CellKind.MONEY),
        Column(key="i", title="Gain", kind=CellKind.INTERVAL),
    )
    rows = (
        ("=cmd|' /C calc'!A0", -2.5, Interval(0.5, -0.25, 0.75)),
        ("\t@SUM(1)\n-1", None, None),
        ("-7", 1e-9, Interval(None, 0.0, 1.0)),
    )
    table = Table(columns=columns, rows=rows)
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser = shown.show(Report(title="t", sections=(Section(title="s", blocks=(table,)),)))

    browser.click(".copy")
    wait_until(browser, "document.querySelector('.copy').textContent === 'Copied'")

    assert browser.evaluate("navigator.clipboard.readText()").splitlines() == [
        "'=1+1\tN\tGain\tGain low\tGain high",
        "'=cmd|' /C calc'!A0\t-2.5\t0.5\t-0.25\t0.75",
        "'@SUM(1) -1\t\t\t\t",
        "-7\t1e-09\t\t0.0\t1.0",
    ]


def test_on_paper_everything_is_open_and_afterwards_as_it_was(shown: Shown) -> None:
    folded = Table(columns=(Column(key="a", title="A"),), rows=(("x",), ("y",)), caption="More", folded=True)
    browser = shown.show(Report(title="t", sections=(Section(title="s", blocks=(folded,)),)))
    is_open = "document.querySelector('.fold').open"

    before = browser.evaluate(is_open)
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    browser.emulate_media(media="print")
    on_paper = (
        browser.evaluate(is_open),
        browser.evaluate("document.querySelector('.copy').checkVisibility()"),
    )
    browser.evaluate("dispatchEvent(new Event('afterprint'))")

    assert (before, on_paper, browser.evaluate(is_open)) == (False, (True, False), False)
