"""Tables of a run: every column filled from what happened, known names first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness_candidates import agent, baseline, evaluation, kept, proposed, task_run, tree
from honing.harness.candidate import Arm, Candidate, Outcome, Proposal
from honing.harness.ledger import (
    LEDGER_COLUMNS,
    SUMMARY_COLUMNS,
    Facts,
    Ledger,
    Spend,
    aggregate_rows,
    ledger_document,
    ledger_rows,
    summary_rows,
)
from honing.harness.ledger.base import estimate_of
from honing.harness.ledger.reading import spend_of
from honing.harness.ledger.rows import frontier_ranks
from honing.harness.ledger.summary import AGGREGATE_COLUMNS, iterations_to_solve
from honing.harness.tasks.base import Evaluation
from honing.store import RunStatus, tsv_bytes

PREDECESSOR = [
    "run_id", "benchmark_name", "candidate_id", "parent_candidate_ids", "is_best", "objective", "valid",
    "proposal_applied", "outcome", "outcome_summary", "changed_file_count", "change_manifest_valid",
    "change_manifest_change_count", "change_manifest_components", "change_attribution_summary",
    "change_attribution_verdict_counts", "frontier_rank", "search_objective", "test_objective",
    "token_input", "token_output", "cost_usd", "tool_call_count", "changed_files",
    "scope_violation_paths", "class_violation_classes", "leakage_violation_tokens", "proposal_summary",
    "validation_summary", "evaluation_summary",
]  # fmt: skip
PREDECESSOR_TRIAL = [
    "experiment_id", "benchmark_name", "project_dir", "backend", "backend_label", "model", "budget",
    "trial_index", "run_id", "run_dir", "best_candidate_id", "best_candidate_outcome", "best_objective",
    "best_test_objective", "baseline_objective", "improved", "search_mode", "selection_policy",
    "proposal_batch_size", "candidate_count", "keep_candidate_count", "discard_candidate_count",
    "crash_candidate_count", "timeout_candidate_count", "scope_violation_candidate_count",
    "class_violation_candidate_count", "leakage_violation_candidate_count", "duration_seconds",
    "time_to_first_improvement_seconds", "proposal_timeout_seconds", "use_oss", "local_provider",
]  # fmt: skip
PREDECESSOR_AGGREGATE = [
    "benchmark_name", "backend", "backend_label", "model", "budget", "trial_count", "improved_count",
    "success_rate", "mean_best_objective", "mean_best_test_objective", "max_best_objective",
    "mean_duration_seconds", "mean_time_to_first_improvement_seconds", "timeout_run_rate",
    "crash_run_rate", "scope_violation_run_rate", "class_violation_run_rate",
    "leakage_violation_run_rate", "mean_keep_candidate_count",
]  # fmt: skip
LOW = {"title": 0.0, "tests": 0.5, "setup": 1.0}
HIGH = {"title": 1.0, "tests": 1.0, "setup": 1.0}
MANIFEST = {
    "schema": 1,
    "changes": [
        {
            "id": "one",
            "component": "prompt",
            "files": ["AGENTS.md"],
            "predicted_fixes": ["tests", "title"],
            "risk_tasks": ["setup"],
        }
    ],
}

KEPT_ROW = {
    "run_id": "20261121-1",
    "benchmark_name": "router",
    "candidate_id": "c0001",
    "parent_candidate_ids": "c0000",
    "is_best": True,
    "objective": 1.0,
    "valid": True,
    "proposal_applied": True,
    "outcome": "keep",
    "outcome_summary": "c0001 ended as keep.",
    "changed_file_count": 1,
    "change_manifest_valid": True,
    "change_manifest_change_count": 1,
    "change_manifest_components": "prompt",
    "change_attribution_summary": "2 of 2 predicted fixes came; 0 tasks got worse, 0 of them foreseen",
    "change_attribution_verdict_counts": {"effective": 1},
    "frontier_rank": 1,
    "search_objective": 1.0,
    "test_objective": 0.75,
    "token_input": 1200,
    "token_output": 300,
    "cost_usd": 0.0125,
    "tool_call_count": 4,
    "changed_files": "AGENTS.md",
    "scope_violation_paths": "",
    "class_violation_classes": "",
    "leakage_violation_tokens": "",
    "proposal_summary": "scripted: finished",
    "validation_summary": "passed",
    "evaluation_summary": "3 of 3 tasks at 1",
    "arm": "search",
    "slot": 1,
    "note": "best so far",
    "accepted": True,
    "acceptance_summary": "It beat its parent twice.",
    "difference": 0.3,
    "difference_low": 0.1,
    "difference_high": 0.5,
    "retest": 0.25,
    "retest_low": 0.05,
    "retest_high": 0.45,
    "estimate": 0.95,
    "seeds": 1,
    "task_runs": 6,
    "stopped": "",
    "model_calls": 3,
    "evaluation_cost": pytest.approx(0.006),
    "size_bytes": 2048,
    "sandbox": "bubblewrap",
    "tree": "1" * 64,
    "agent_duration_s": 2.5,
    "evaluation_duration_s": 0.75,
    "ended": 1060.0,
}


def ledger_of(*candidates: Candidate, **fields: Any) -> Ledger:
    facts = Facts(
        project="router", folder="/p/router", agent="scripted", proposals=4, search="greedy", rule="fresh"
    )
    plain: dict[str, Any] = {
        "name": "smoke",
        "path": Path("/runs/smoke"),
        "run_id": "20261121-1",
        "status": RunStatus.DONE,
        "created": 1000.0,
        "facts": facts,
        "candidates": candidates,
        "spend": spend_of(candidates),
    }
    return Ledger(**(plain | fields))


def row_of(ledger: Ledger, name: str) -> dict[str, Any]:
    return next(row for row in ledger_rows(ledger) if row["candidate_id"] == name)


def test_the_predecessors_columns_come_first_and_every_row_has_every_column() -> None:
    ledger = ledger_of(baseline(), kept(1, HIGH), proposed(2, Outcome.CRASH))

    rows = ledger_rows(ledger)

    assert list(LEDGER_COLUMNS[:30]) == PREDECESSOR
    assert [sorted(row) for row in rows] == [sorted(LEDGER_COLUMNS)] * 3
    assert set(PREDECESSOR_TRIAL) < set(SUMMARY_COLUMNS)
    assert set(PREDECESSOR_AGGREGATE) < set(AGGREGATE_COLUMNS)


def test_a_kept_candidate_is_a_whole_row() -> None:
    proposal = Proposal(tree=tree("1"), agent=agent(), manifest=MANIFEST)
    winner = kept(1, HIGH, proposal=proposal, size_bytes=2048)
    ledger = ledger_of(
        baseline(LOW), winner, held_out={"c0001": evaluation({"sealed": 0.75})}, moments={"c0001": 1060.0}
    )

    row = row_of(ledger, "c0001")

    assert row == KEPT_ROW


@pytest.mark.parametrize(
    ("outcome", "column"),
    [
        (Outcome.SCOPE_VIOLATION, "scope_violation_paths"),
        (Outcome.CLASS_VIOLATION, "class_violation_classes"),
        (Outcome.LEAKAGE_VIOLATION, "leakage_violation_tokens"),
        (Outcome.TAMPERED, None),
    ],
    ids=["scope", "class", "leakage", "tampered"],
)
def test_what_broke_a_rule_stands_under_that_rule_alone(outcome: Outcome, column: str | None) -> None:
    row = row_of(ledger_of(baseline(), proposed(1, outcome, offending=("a.py", "b.py"))), "c0001")

    columns = ("scope_violation_paths", "class_violation_classes", "leakage_violation_tokens")
    assert {name: row[name] for name in columns} == {
        name: "a.py,b.py" if name == column else "" for name in columns
    }
    assert row["validation_summary"] == f"{outcome.value}: a.py, b.py"
    assert (row["valid"], row["objective"], row["evaluation_summary"]) == (False, None, "not evaluated")


def test_a_weak_candidate_says_its_worst_task_and_why_it_was_stopped() -> None:
    runs = (
        task_run("title", 1.0),
        task_run("tests", 0.25, reason="3 of 4 tests fail"),
        task_run("setup", None),
    )
    judged = Evaluation(runs=runs, complete=False, stopped="it cannot win any more")

    row = row_of(ledger_of(baseline(), proposed(1, Outcome.DISCARD, evaluation=judged)), "c0001")

    assert row["evaluation_summary"] == (
        "1 of 2 tasks at 1; lowest tests at 0.25 (3 of 4 tests fail); 1 task runs without a score; "
        "stopped: it cannot win any more"
    )


def test_ranks_of_the_frontier_weigh_score_cost_and_size() -> None:
    def made(slot: int, score: float, *, cost: float, size: int) -> Candidate:
        judged = Evaluation(runs=(task_run("title", score, cost=cost),), complete=True)
        return proposed(slot, Outcome.DISCARD, evaluation=judged, size_bytes=size)

    found = frontier_ranks(
        [
            made(1, 1.0, cost=1.0, size=10),
            made(2, 0.5, cost=0.5, size=10),
            made(3, 0.5, cost=0.5, size=11),
            made(4, 0.4, cost=2.0, size=12),
            made(5, 1.0, cost=1.0, size=10),
            proposed(6, Outcome.CRASH),
        ]
    )

    assert found == {"c0001": 1, "c0002": 1, "c0005": 1, "c0003": 2, "c0004": 3}


def test_a_manifest_whose_document_was_changed_costs_no_row() -> None:
    broken = Proposal(tree=None, agent=agent(), manifest={"changes": [{"id": "x"}, "nonsense"]})

    row = row_of(ledger_of(baseline(LOW), kept(1, HIGH, proposal=broken)), "c0001")

    assert (row["change_manifest_change_count"], row["change_attribution_summary"]) == (1, "")


def test_cells_that_a_spreadsheet_or_a_terminal_would_act_on_are_inert() -> None:
    hostile = proposed(
        1, Outcome.SCOPE_VIOLATION, offending=("=cmd|' /C calc'!A1", "a\tb\nc"), sentence="@SUM(1)\x1b[2J"
    )

    text = tsv_bytes(LEDGER_COLUMNS, ledger_rows(ledger_of(baseline(), hostile))).decode()

    header, _, row, end = text.split("\n")
    cells = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert end == ""
    assert cells["scope_violation_paths"] == "'=cmd|' /C calc'!A1,a\\tb\\nc"
    assert cells["outcome_summary"] == "'@SUM(1)\\u001b[2J"


def test_a_document_says_how_far_each_arm_is() -> None:
    ledger = ledger_of(
        baseline(LOW),
        kept(1, HIGH),
        proposed(2, Outcome.TIMEOUT),
        status=RunStatus.RUNNING,
        running=("b0001", "c0003"),
    )

    document = ledger_document(ledger)

    assert document["progress"] == {
        "search": {
            "made": 2,
            "planned": 4,
            "running": ["c0003"],
            "best": "c0001",
            "best_objective": 1.0,
            "best_estimate": 0.95,
            "outcomes": {"keep": 1, "timeout": 1},
            "kept": 1,
        },
        "control": {
            "made": 0,
            "planned": 4,
            "running": ["b0001"],
            "best": "c0000",
            "best_objective": pytest.approx(2.0 / 3.5),
            "best_estimate": pytest.approx(2.0 / 3.5),
            "outcomes": {},
            "kept": 0,
        },
    }
    assert [row["candidate_id"] for row in document["candidates"]] == ["c0000", "c0001", "c0002"]


def test_a_summary_names_improvement_time_iterations_and_the_control_arm() -> None:
    held_out = {
        name: evaluation({"sealed": score})
        for name, score in (("c0000", 0.25), ("c0002", 0.75), ("b0001", 0.5))
    }
    ledger = ledger_of(
        baseline(LOW),
        proposed(1, Outcome.CRASH, tree=None),
        kept(2, HIGH),
        kept(1, {**HIGH, "tests": 0.75}, arm=Arm.CONTROL),
        moments={"c0000": 1010.0, "c0001": 1020.0, "c0002": 1042.5, "b0001": 1011.0},
        final={"winner": "c0002", "control_winner": "b0001"},
        held_out=held_out,
    )

    row = summary_rows([ledger])[0]

    shown = {
        "improved": True,
        "best_candidate_id": "c0002",
        "best_candidate_outcome": "keep",
        "best_objective": 1.0,
        "best_estimate": 0.95,
        "best_test_objective": 0.75,
        "baseline_objective": pytest.approx(2.0 / 3.5),
        "baseline_test_objective": 0.25,
        "time_to_first_improvement_seconds": 42.5,
        "iterations_to_first_improvement": 2,
        "iterations_to_solve": 2,
        "difference": pytest.approx(1.5 / 3.5),
        "control_best_candidate_id": "b0001",
        "control_test_objective": 0.5,
        "control_difference": pytest.approx(0.5 / 3.5),
        "candidate_count": 2,
        "control_candidate_count": 1,
        "keep_candidate_count": 1,
        "crash_candidate_count": 1,
        "no_change_candidate_count": 0,
        "trial_index": 1,
        "sandbox": "bubblewrap",
        "unconfined": False,
    }
    assert {name: row[name] for name in shown} == shown
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert sorted(row) == sorted(SUMMARY_COLUMNS)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([baseline(HIGH)], 0),
        ([baseline(LOW), kept(1, LOW), kept(2, HIGH), kept(3, HIGH)], 2),
        ([baseline(LOW), kept(1, HIGH, arm=Arm.CONTROL)], None),
        ([], None),
    ],
    ids=["the baseline did", "the second did", "only the control did", "nothing is there yet"],
)
def test_a_project_is_solved_by_the_first_proposal_that_scores_one(
    candidates: list[Candidate], expected: int | None
) -> None:
    assert iterations_to_solve(ledger_of(*candidates)) == expected


def test_runs_of_the_same_kind_are_trials_and_their_means_have_intervals() -> None:
    solved = ledger_of(baseline(LOW), kept(1, HIGH))
    failed = ledger_of(baseline(LOW), proposed(1, Outcome.TIMEOUT))
    other = ledger_of(baseline(LOW), facts=Facts(project="router", agent="codex", proposals=4))

    rows = summary_rows([solved, other, failed])
    groups = aggregate_rows(rows)

    assert [row["trial_index"] for row in rows] == [1, 1, 2]
    assert [(group["backend"], group["trial_count"]) for group in groups] == [("scripted", 2), ("codex", 1)]
    first = groups[0]
    assert (first["improved_count"], first["success_rate"], first["timeout_run_rate"]) == (1, 0.5, 0.5)
    assert first["success_rate_low"] < 0.5 < first["success_rate_high"]
    assert first["mean_best_objective"] == pytest.approx((1.0 + 2.0 / 3.5) / 2)
    assert [sorted(group) for group in groups] == [sorted(AGGREGATE_COLUMNS)] * 2


def test_a_cost_that_nobody_knows_is_counted_and_not_taken_for_nothing() -> None:
    unknown = proposed(1, Outcome.NO_CHANGE, proposal=Proposal(tree=None, agent=agent(cost=None)))

    spent = spend_of([baseline(), unknown, proposed(2, Outcome.NO_CHANGE)])

    assert (spent.cost_usd, spent.cost_unknown, spent.tokens) == (0.0125, 1, 3000)
    assert spent != Spend()


def test_an_estimate_is_that_of_fresh_episodes_where_there_are_some() -> None:
    found = [estimate_of(kept(1, HIGH)), estimate_of(baseline(HIGH)), estimate_of(proposed(1, Outcome.CRASH))]

    assert found == [0.95, 1.0, None]
