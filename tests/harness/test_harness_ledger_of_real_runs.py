"""What is read of a run that the loop itself made: of our own ticket router, with its scripted solution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from honing.harness import (
    Asked,
    OptimizeOptions,
    OptimizeResult,
    load_project,
    optimize_project,
    write_example,
)
from honing.harness.ledger import (
    LEDGER_COLUMNS,
    candidate_details,
    compare_ledgers,
    ledger_rows,
    read_ledger,
    run_details,
    summary_row,
)
from honing.harness.report import report_of
from honing.store import Diff, Lineage, Report, Table


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> OptimizeResult:
    folder = tmp_path_factory.mktemp("router")
    write_example("ticket_router", folder / "project")
    asked = Asked(agent="scripted", proposals=2)
    return optimize_project(
        load_project(folder / "project"), OptimizeOptions(home=folder / "runs", asked=asked)
    )


def test_the_ledger_of_a_run_is_what_the_run_itself_had(result: OptimizeResult) -> None:
    rows = ledger_rows(read_ledger(result.run))

    shown = ("candidate_id", "parent_candidate_ids", "outcome", "objective", "test_objective")
    assert [[row[name] for name in shown] for row in rows] == [
        ["c0000", "", "baseline", 0.75, 0.25],
        ["c0001", "c0000", "keep", 1.0, 1.0],
        ["c0002", "c0001", "no-change", None, None],
        ["b0001", "c0000", "keep", 1.0, 1.0],
        ["b0002", "c0000", "keep", 1.0, None],
    ]
    assert list(read_ledger(result.run).candidates) == list(result.ledger.candidates)


def test_a_run_keeps_its_ledger_as_json_and_as_a_table(result: OptimizeResult) -> None:
    document = json.loads((result.run.path / "ledger.json").read_text())
    header, *lines = (result.run.path / "ledger.tsv").read_text().splitlines()

    assert document["candidates"] == ledger_rows(read_ledger(result.run))
    assert tuple(header.split("\t")) == LEDGER_COLUMNS
    assert len(lines) == 5


def test_a_summary_says_when_the_first_gain_came_and_what_the_control_arm_did(result: OptimizeResult) -> None:
    row = summary_row(read_ledger(result.run))

    shown = ("improved", "iterations_to_solve", "best_test_objective", "control_test_objective", "status")
    assert [row[name] for name in shown] == [True, 1, 1.0, 1.0, "done"]
    assert 0.0 < row["time_to_first_improvement_seconds"] <= row["duration_seconds"] + 60.0
    assert row["test_difference"] == 0.75
    assert row["control_difference"] == 0.0


def test_a_candidate_of_a_run_has_its_diff_and_its_tasks(result: OptimizeResult) -> None:
    details = candidate_details(read_ledger(result.run), "best")

    assert details["diff"].startswith("diff --git a/rules.json b/rules.json\n")
    mended = [(one["task"], one["score"]) for one in details["tasks"] if one["parent"] == 0.0]
    assert mended == [("ticket-4", 1.0), ("ticket-6", 1.0)]


def test_the_page_that_a_run_keeps_is_the_one_that_is_made_of_its_ledger(result: OptimizeResult) -> None:
    kept = Report.read(result.run.path / "report.json")

    blocks = [block for section in kept.sections for block in section.blocks]
    assert kept == report_of(result.run)
    assert [kind for kind in (Lineage, Diff, Table) if any(isinstance(block, kind) for block in blocks)] == [
        Lineage,
        Diff,
        Table,
    ]
    assert (result.run.path / "report.html").read_text().startswith("<!doctype html>")


def test_a_run_compared_with_itself_differs_in_nothing(result: OptimizeResult) -> None:
    found = compare_ledgers([read_ledger(result.run), read_ledger(result.run)])

    shown = ("tasks", "difference", "p_value", "test_tasks", "test_difference")
    assert [found.rows[1][name] for name in shown] == [8, 0.0, 1.0, 4, 0.0]
    assert found.remarks == ()


def test_nothing_of_a_run_needs_a_warning_where_nothing_went_wrong(result: OptimizeResult) -> None:
    details = run_details(read_ledger(result.run))

    assert (details["warnings"], details["sandboxes"], details["unconfined"]) == ([], ["bubblewrap"], False)
    assert details["held_out_scores"] == {"c0000": 0.25, "c0001": 1.0, "b0001": 1.0}


def test_what_ran_unconfined_is_marked_in_all_that_is_read(tmp_path: Path) -> None:
    write_example("ticket_router", tmp_path / "project")
    asked = Asked(agent="scripted", proposals=1, control="none", sandbox="unconfined")
    made = optimize_project(
        load_project(tmp_path / "project"), OptimizeOptions(home=tmp_path / "runs", asked=asked)
    )

    ledger = read_ledger(made.run)

    assert ledger.unconfined
    assert summary_row(ledger)["unconfined"] is True
    assert [row["sandbox"] for row in ledger_rows(ledger)] == ["unconfined", "unconfined"]
    assert "unconfined" in [badge.text for badge in report_of(made.run).badges]
