"""`hone harness attribute`, on a project that its own solution improves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hone_process import Hone

PROJECT = """\
schema: 1
name: phrases
objective: Say the right words.
search: {control: none}
tasks:
  - {type: file_phrase, id: guide-first, path: AGENTS.md, required: [read the guide], weight: 3}
  - {type: file_phrase, id: tests-last, path: AGENTS.md, required: [run the tests], weight: 1}
"""
BEFORE = "Rules\n\n\n\nend\n"
AFTER = "Rules\nread the guide\n\n\n\nend, run the tests\n"


@pytest.fixture
def ended(hone: Hone, tmp_path: Path) -> Hone:
    """A finished run of the project."""
    folder = tmp_path / "project"
    for name, text in (
        ("baseline/AGENTS.md", BEFORE),
        ("solution/AGENTS.md", AFTER),
        ("solution/idle.md", "idle\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "honing.yaml").write_text(PROJECT)
    home = str(hone.runs)
    done = hone("--home", home, "harness", "run", str(folder), "--agent", "scripted", "--budget", "1")
    assert done.code == 0, done.err
    return hone


def test_the_parts_are_listed_with_what_each_is_worth(ended: Hone) -> None:
    done = ended("harness", "attribute", "latest")

    assert done.code == 0
    assert [line.split(maxsplit=4) for line in done.out.splitlines()[:4]] == [
        ["PART", "FINDING", "CONTRIBUTION", "INTERVAL", "WHAT IT IS"],
        ["p1", "necessary", "+0.7500", "exact", "AGENTS.md: line 2 (+1 -0)"],
        ["p2", "necessary", "+0.2500", "exact", "AGENTS.md: line 6 (+1 -1)"],
        ["p3", "no-effect", "+0.0000", "exact", "idle.md: added"],
    ]
    assert "without what does nothing  p3 taken back: score 1.0000" in done.out
    assert "judging without p1" in done.err


def test_a_dry_run_judges_nothing_and_says_what_it_would_take(ended: Hone) -> None:
    done = ended("harness", "attribute", "latest", "--dry-run")

    assert done.code == 0, done.err
    assert "18 at most; those that are known are not made again" in done.out
    assert list(ended.runs.glob("*/attribution.json")) == []


def test_json_is_the_document_and_tsv_a_line_for_each_part(ended: Hone) -> None:
    document = json.loads(ended("harness", "attribute", "latest", "--json").out)
    table = ended("harness", "attribute", "latest", "--tsv").out.splitlines()

    (kept,) = ended.runs.glob("*/attribution.json")
    assert json.loads(kept.read_text()) == document
    assert [line.split("\t")[:3] for line in table] == [
        ["id", "finding", "contribution"],
        ["p1", "necessary", "0.75"],
        ["p2", "necessary", "0.25"],
        ["p3", "no-effect", "0.0"],
    ]


def test_a_budget_that_is_too_small_is_a_usage_error_with_the_next_step(ended: Hone) -> None:
    done = ended("harness", "attribute", "latest", "--max-task-runs", "3")

    assert (done.code, "Allow 8 or more" in done.err) == (2, True)


def test_a_run_that_is_not_there_is_said(ended: Hone) -> None:
    assert ended("harness", "attribute", "nowhere").code != 0
