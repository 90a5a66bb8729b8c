"""Runs whose every text attacks, on the command line: nothing acts, tables stay tables, JSON is exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hone_process import Hone

from hostile_harness import hostile_harness_run
from hostile_runs import ALL, FOLDER, acting, hostile_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEASURED = [
    ("runs", "list"),
    ("runs", "list", "--tsv"),
    ("runs", "list", "--json"),
    ("runs", "show", "latest"),
    ("runs", "show", "latest", "--tsv"),
    ("runs", "show", "latest", "--json"),
    ("runs", "gc", "--dry-run"),
    ("report", "latest"),
    ("report", "latest", "--out", "-"),
    ("runs", "show", "no such"),
    ("runs", "compare", "latest", "latest"),
    ("runs", "resume", "latest"),
    ("reverify", "latest"),
    ("harness", "ledger", "latest"),
    ("runs", "export", "latest", "--to", "inspect", "--out", "there"),
]
HARNESS = [
    ("harness", "ledger", "run"),
    ("harness", "ledger", "run", "--tsv"),
    ("harness", "ledger", "run", "--json"),
    ("harness", "inspect", "run"),
    ("harness", "inspect", "run", "c0001"),
    ("harness", "summarize", "run"),
    ("harness", "summarize", "run", "--tsv"),
    ("report", "run"),
    ("runs", "show", "run"),
]


def is_inert(line: str) -> bool:
    """Whether no cell of a line of TSV is a formula to a spreadsheet."""
    return not any(cell.lstrip()[:1] in tuple("=@\uff1d") for cell in line.split("\t"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    hostile_run(made / "measured", columns=200)
    hostile_harness_run(made / "harness" / "runs")
    return made


@pytest.mark.parametrize("command", MEASURED, ids=" ".join)
def test_no_command_passes_on_what_a_run_says_to_a_terminal(
    hone: Hone, folder: Path, command: tuple[str, ...]
) -> None:
    ended = hone("--home", str(folder / "measured"), *command)

    assert ended.code in (0, 1, 2)
    assert "defect of Honing" not in ended.err
    assert (acting(ended.out), acting(ended.err)) == ([], [])
    if "--tsv" in command:
        assert [line for line in ended.out.splitlines() if not is_inert(line)] == []


@pytest.mark.parametrize("command", HARNESS, ids=" ".join)
def test_no_command_passes_on_what_an_agent_says_to_a_terminal(
    hone: Hone, folder: Path, command: tuple[str, ...]
) -> None:
    ended = hone("--home", str(folder / "harness" / "runs"), *command)

    assert ended.code == 0
    assert (acting(ended.out), acting(ended.err)) == ([], [])
    if "--tsv" in command:
        widths = {line.count("\t") for line in ended.out.splitlines()}
        assert len(widths) == 1
        assert [line for line in ended.out.splitlines() if not is_inert(line)] == []


def test_json_reads_back_to_the_very_texts(hone: Hone, folder: Path) -> None:
    shown = json.loads(hone("--home", str(folder / "measured"), "runs", "show", "latest", "--json").out)

    assert shown["config"]["target"] == ALL
    assert Path(shown["path"]).name == FOLDER


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["measured", "harness/runs"])
def test_the_page_that_hone_report_writes_is_inert(
    hone: Hone,
    folder: Path,
    chromium_page: Page,
    complaints: list[str],
    kind: str,
) -> None:
    ended = hone("--home", str(folder / kind), "report", "latest", "--out", "page.html")

    chromium_page.goto((hone.folder / "page.html").as_uri())
    chromium_page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert (ended.code, complaints) == (0, [])
    assert chromium_page.title().strip() != "owned"
    assert chromium_page.evaluate("document.querySelectorAll('img, iframe, base').length") == 0
    assert chromium_page.evaluate("document.documentElement.scrollWidth") <= 1280
