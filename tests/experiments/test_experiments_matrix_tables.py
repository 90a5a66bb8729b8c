"""What trials come to: columns, means, intervals, paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from matrix_scenes import ended, picked, ran, rows, small

from honing.experiments.matrix.kinds.base import Ended, Limits, TrialOutcome
from honing.experiments.matrix.plan import Trial
from honing.stats import mean_interval, paired_difference, wilson
from honing.store import Run

Rewards = Mapping[str, Sequence[float]]
TWO_TRIALS: Mapping[tuple[str, int], Rewards] = {
    ("one", 1): {"a": [1.0], "b": [0.0]},
    ("one", 2): {"b": [0.0], "c": [0.0]},
    ("two", 1): {"a": [1.0], "b": [1.0]},
    ("two", 2): {"b": [1.0], "c": [0.0]},
}
"""Rewards of two models on rows that overlap between trials."""


def by_rows(trial: Trial, limits: Limits, run: Run) -> Ended:
    rewards = TWO_TRIALS[trial.cell.values["model"], trial.number]
    values = [value for each in rewards.values() for value in each]
    return replace(ended(trial), score=sum(values) / len(values), rewards=rewards)


def test_the_columns_of_every_table_are_these(tmp_path: Path) -> None:
    folder = ran(tmp_path, by_rows, small()).run.path

    heads = {
        name: (folder / name).read_text().splitlines()[0].split("\t")
        for name in ("trials.tsv", "aggregate.tsv", "differences.tsv")
    }
    assert heads == {
        "trials.tsv": [
            "cell", "target", "model", "mode", "trial", "seed", "trial_status", "outcome", "baseline",
            "best", "improved", "score", "score_low", "score_high", "tokens", "calls", "cost_usd",
            "duration_s", "run_name", "run_dir", "reason", "played",
        ],
        "aggregate.tsv": [
            "cell", "target", "model", "mode", "planned", "n", "failed", "missing", "mean", "sd",
            "mean_low", "mean_high", "method", "over", "success_count", "success_rate",
            "success_rate_low", "success_rate_high", "success_method", "tokens", "calls", "cost_usd",
            "mean_duration_s", "outcomes", "played",
        ],
        "differences.tsv": [
            "axis", "a", "b", "cell_a", "cell_b", "mean_a", "mean_b", "difference", "low", "high",
            "direction", "over", "tasks", "pairs", "gained", "lost", "unpaired",
        ],
    }  # fmt: skip


def test_a_row_of_a_trial_says_all_of_it(tmp_path: Path) -> None:
    result = ran(tmp_path)

    row = rows(result.run.path / "trials.tsv")[3]
    name = f"{result.run.id}.002-sums-two-smoke.t2"
    assert row == {
        "cell": "2", "target": "sums", "model": "two", "mode": "smoke", "trial": "2", "seed": "6",
        "trial_status": "done", "outcome": "scored", "baseline": "", "best": "", "improved": "",
        "score": "0.875", "score_low": "", "score_high": "", "tokens": "100", "calls": "2",
        "cost_usd": "0.5", "duration_s": "1.5", "run_name": name, "run_dir": str(tmp_path / name),
        "reason": "", "played": "002-sums-two-smoke.t2",
    }  # fmt: skip


def test_means_are_over_trials_where_only_scores_are_known(tmp_path: Path) -> None:
    cell = ran(tmp_path, spec=small()).cells[0]

    found = mean_interval([0.25, 0.375], bounds=(0.0, 1.0))
    rate = wilson(2, 2)
    assert dict(cell) == {
        "cell": 1, "target": "sums", "model": "one", "mode": "smoke", "planned": 2, "n": 2, "failed": 0,
        "missing": 0, "mean": 0.3125, "sd": pytest.approx(0.125 / 2**0.5), "mean_low": found.low,
        "mean_high": found.high, "method": "score", "over": "trials", "success_count": 2,
        "success_rate": 1.0, "success_rate_low": rate.low, "success_rate_high": 1.0,
        "success_method": "wilson", "tokens": 200, "calls": 4, "cost_usd": 1.0, "mean_duration_s": 1.5,
        "outcomes": "2 scored", "played": 2,
    }  # fmt: skip


def test_means_are_over_tasks_in_clusters_where_their_rewards_are_known(tmp_path: Path) -> None:
    cell = ran(tmp_path, by_rows, small()).cells[0]

    found = mean_interval([1.0, 0.0, 0.0, 0.0], clusters=["a", "b", "b", "c"], bounds=(0.0, 1.0))
    assert picked(cell, "mean", "mean_low", "mean_high", "method", "over") == (
        0.25, found.low, found.high, found.method.value, "tasks",
    )  # fmt: skip


def test_a_score_that_is_no_mean_of_rewards_is_judged_over_trials(tmp_path: Path) -> None:
    def weighted(trial: Trial, limits: Limits, run: Run) -> Ended:
        return replace(by_rows(trial, limits, run), score=0.9)

    cell = ran(tmp_path, weighted, small()).cells[0]

    assert picked(cell, "mean", "over") == (0.9, "trials")


def test_two_models_are_paired_by_task_and_seed(tmp_path: Path) -> None:
    (row,) = ran(tmp_path, by_rows, small()).differences

    # (a, seed 5), (b, seed 5), (b, seed 6), (c, seed 6)
    found = paired_difference(
        [1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], clusters=["a", "b", "b", "c"], bounds=(0.0, 1.0)
    )
    assert dict(row) == {
        "axis": "model", "a": "one", "b": "two", "cell_a": 1, "cell_b": 2, "mean_a": 0.25, "mean_b": 0.75,
        "difference": 0.5, "low": pytest.approx(found.low), "high": pytest.approx(found.high),
        "direction": "undecided", "over": "tasks", "tasks": 3, "pairs": 4, "gained": 2, "lost": 0,
        "unpaired": 0,
    }  # fmt: skip


def test_rows_that_only_one_of_two_trials_asked_have_no_pair(tmp_path: Path) -> None:
    def other_rows(trial: Trial, limits: Limits, run: Run) -> Ended:
        found = by_rows(trial, limits, run)
        if trial.cell.values["model"] == "one" or trial.number == 1:
            return found
        return replace(found, rewards={"b": [1.0], "d": [0.0]})

    (row,) = ran(tmp_path, other_rows, small()).differences

    assert picked(row, "tasks", "pairs", "mean_a", "mean_b") == (2, 3, 1 / 3, 1.0)


def test_without_rewards_trials_are_paired_by_seed(tmp_path: Path) -> None:
    (row,) = ran(tmp_path, spec=small()).differences

    found = paired_difference([0.75, 0.875], [0.25, 0.375], bounds=(0.0, 1.0))
    assert picked(row, "difference", "low", "high", "over", "pairs") == (
        0.5, found.low, found.high, "trials", 2,
    )  # fmt: skip


def test_where_less_is_better_the_lower_score_is_the_better_one(tmp_path: Path) -> None:
    def errors(trial: Trial, limits: Limits, run: Run) -> Ended:
        score = 2.0 if trial.cell.values["model"] == "one" else 1.0
        rewards = {f"row {number}": [score] for number in range(60)}
        return replace(ended(trial), score=score, rewards=rewards, bounds=(0.9, 2.1), rising=False)

    (row,) = ran(tmp_path, errors, small(trials=1)).differences

    assert picked(row, "difference", "gained", "lost", "direction") == (-1.0, 0, 60, "better")


def test_only_cells_that_differ_in_one_compared_axis_are_compared(tmp_path: Path) -> None:
    found = ran(tmp_path, spec=small(trials=1, **{"measure.modes": ["smoke", "full"]})).differences

    assert [picked(row, "cell_a", "cell_b") for row in found] == [(1, 3), (2, 4)]


def test_harness_trials_count_improvements_among_those_with_a_score(tmp_path: Path) -> None:
    def improving(trial: Trial, limits: Limits, run: Run) -> Ended:
        way = TrialOutcome.IMPROVED if trial.number == 1 else TrialOutcome.NOT_IMPROVED
        return replace(ended(trial), outcome=way, baseline=0.125, best=0.5)

    result = ran(tmp_path, improving, small())

    rate = wilson(1, 2)
    assert picked(
        result.cells[0], "success_count", "success_rate", "success_rate_low", "success_rate_high", "outcomes"
    ) == (1, 0.5, rate.low, rate.high, "1 improved, 1 not-improved")
    found = [row["improved"] for row in rows(result.run.path / "trials.tsv")]
    assert found == ["true", "false", "true", "false"]


def test_an_unknown_price_makes_the_cost_of_its_cell_unknown(tmp_path: Path) -> None:
    def unpriced(trial: Trial, limits: Limits, run: Run) -> Ended:
        cost = None if (trial.cell.number, trial.number) == (1, 2) else 0.5
        return replace(ended(trial), spent=replace(ended(trial).spent, cost_usd=cost))

    cells = ran(tmp_path, unpriced).cells

    assert [cell["cost_usd"] for cell in cells] == [None, 1.0]
