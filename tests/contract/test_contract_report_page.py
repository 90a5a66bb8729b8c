"""The page of a measurement and of a suite: coverage, hints with anchors, what ran stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, SuiteRequest, measure_targets, setup
from honing.contract.results.report_sections import MOST_COMMANDS, evidence_sections
from honing.store import (
    Badge,
    CellKind,
    Column,
    Dots,
    Fact,
    Headline,
    Interval,
    Report,
    Samples,
    Section,
    StageEvidence,
    Table,
    Text,
    Tone,
)
from honing.view import render

Write = Callable[..., Path]
Kind = TypeVar("Kind")


def section(report: Report, title: str) -> Section:
    return next(each for each in report.sections if each.title == title)


def only(section: Section, kind: type[Kind]) -> list[Kind]:
    return [block for block in section.blocks if isinstance(block, kind)]


def record(stage: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "stage": stage, "command": f"run {number}", "ending": "exited", "exit_code": 0, "attempt": 1,
        "stdout": "", "stderr": "", "sandbox": "bubblewrap", "capabilities": [], "detail": "", **more,
    }  # fmt: skip


@pytest.fixture
def page(write_target: Write, tmp_path: Path) -> Report:
    """Of a target with commands of its own, measured with answers that are known."""
    with setup(write_target(), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL))
        session.evaluate()
    return Report.read(session.run.path / "report.json")


def test_the_page_says_how_many_samples_the_score_rests_on(page: Report) -> None:
    (headline,) = only(section(page, "Result"), Headline)
    (endings,) = only(section(page, "Samples"), Table)
    (samples,) = only(section(page, "Samples"), Samples)

    assert headline.facts[0] == Fact(
        label="coverage", value=1.0, kind=CellKind.PERCENT, note="12 of 12 judged"
    )
    assert endings.rows == ((Badge("completed", Tone.GOOD), "answered and judged", 12),)
    assert len(samples.rows) == 12


def test_the_page_has_every_command_under_its_stage(page: Report) -> None:
    contract, evidence = section(page, "Contract"), section(page, "Evidence")
    commands = only(contract, Table)[0]
    stages = only(evidence, Table)[0]
    shown = only(evidence, StageEvidence)

    assert [row[:2] for row in commands.rows] == [
        ("rollout", "python3 run.py"),
        ("evaluate", "python3 grade.py"),
    ]
    counts = {row[0]: row[1] for row in stages.rows}
    assert set(counts) >= {"rollout", "evaluate"}
    assert counts == {stage: sum(one.stage == stage for one in shown) for stage in counts}
    order = [one.stage for one in shown]
    assert order == sorted(order, key=list(counts).index)


def test_hints_stand_on_the_page_with_their_anchors(write_data: Write, tmp_path: Path) -> None:
    with setup(write_data(12), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL))
        session.evaluate()
    report = Report.read(session.run.path / "report.json")

    (hints,) = [
        table
        for table in only(section(report, "Contract"), Table)
        if table.caption == "Hints that were used, with their anchors"
    ]

    anchors = [(row[0], row[1]) for row in hints.rows]
    used = session.run.read_json("hints_used.json")["used_anchors"]
    assert anchors == [(one["part"], one["anchor"]) for one in used]
    assert ("task.input", "test.jsonl:1/question") in anchors


def test_of_many_commands_the_failed_ones_are_kept_on_the_page() -> None:
    records = [record("rollout", number) for number in range(500)]
    records[450] = record("rollout", 450, exit_code=3)
    records[499] = record("rollout", 499, ending="timeout", exit_code=None)

    (found,) = evidence_sections(records)

    shown = only(found, StageEvidence)
    assert len(shown) == MOST_COMMANDS
    assert [one.command for one in shown if not one.ok] == ["run 450", "run 499"]
    assert [one.command for one in shown[:2]] == ["run 0", "run 1"]
    (table,) = only(found, Table)
    assert table.rows == (
        ("rollout", 500, 498, 2, "498 exit 0, 1 exit 3, 1 timeout", "bubblewrap", MOST_COMMANDS),
    )


def test_a_suite_has_a_page_that_names_what_failed(write_data: Write, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing to run here\n")
    targets = [str(write_data(12)), str(empty)]
    request = SuiteRequest(
        models=("scripted/perfect", "scripted/skilled-0.6"),
        setup=SetupOptions(home=tmp_path / "runs"),
        rollout=RolloutOptions(mode=Mode.FULL),
    )

    _, suite = measure_targets(targets, request)

    report = Report.read(suite / "report.json")
    result = section(report, "Result")
    (table,) = only(result, Table)
    (dots,) = only(result, Dots)
    (failed,) = only(section(report, "What is not ok"), Text)
    assert report.badges == (Badge("1 of 2 targets ok", Tone.BAD),)
    assert cells(table, "target", "ended") == [
        ("data", Badge("calibrated, L5", Tone.GOOD)),
        ("data", Badge("calibrated, L5", Tone.GOOD)),
        ("empty", Badge("no score", Tone.BAD)),
    ]
    assert isinstance(table.rows[0][3], Interval)
    assert [(dot.label, dot.group) for dot in dots.dots] == [
        ("data", "scripted/perfect"),
        ("data", "scripted/skilled-0.6"),
    ]
    assert failed.text.startswith("Gap: ")
    assert "1 of 2 targets ok" in render(report)


def cells(table: Table, *keys: str) -> list[tuple[Any, ...]]:
    columns: Sequence[Column] = table.columns
    places = [next(at for at, column in enumerate(columns) if column.key == key) for key in keys]
    return [tuple(row[at] for at in places) for row in table.rows]
