"""Trials are run once each, in any number of threads, and gone on with after whatever ended a session."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matrix_scenes import ended, picked, play, ran, rows, small

from honing.errors import (
    BudgetExhaustedError,
    ModelUnreachableError,
    StoppedError,
    TargetError,
    UsageError,
)
from honing.executors import Tally
from honing.experiments import MatrixOptions, MatrixResult, run_matrix
from honing.experiments.matrix.kinds.base import Ended, Limits, Spent
from honing.experiments.matrix.kinds.scripted import ScriptedTrials
from honing.experiments.matrix.plan import Trial, cells_of, trials_of
from honing.store import Report, Run, RunStatus, identity, list_runs


class Counting:
    """Plays trials and knows which; those named fail, or wait to be stopped."""

    def __init__(self, **failing: Exception) -> None:
        self.played: list[str] = []
        self.limits: list[Limits] = []
        self.failing = failing

    def __call__(self, trial: Trial, limits: Limits, run: Run) -> Ended:
        self.played.append(trial.name)
        self.limits.append(limits)
        model = trial.cell.values["model"]
        if model in self.failing:
            raise self.failing[model]
        return ended(trial)


def artifacts(result: MatrixResult) -> dict[str, str]:
    return identity(result.run.path)


def test_artifacts_are_the_same_at_any_number_of_workers(tmp_path: Path) -> None:
    one, four = ran(tmp_path / "one"), ran(tmp_path / "four", workers=4)

    assert artifacts(one) == artifacts(four)
    assert sorted(artifacts(one)) == [
        "aggregate.json",
        "aggregate.tsv",
        "differences.tsv",
        "report.json",
        "trials.json",
        "trials.jsonl",
        "trials.tsv",
    ]


def test_every_trial_is_a_run_of_its_own_named_in_the_tables(tmp_path: Path) -> None:
    result = ran(tmp_path)

    names = [row["run_name"] for row in rows(result.run.path / "trials.tsv")]
    assert names == [
        f"{result.run.id}.{cell}.t{trial}"
        for cell in ("001-sums-one-smoke", "002-sums-two-smoke")
        for trial in (1, 2)
    ]
    assert sorted(entry.name for entry in list_runs(tmp_path, kind="scripted")) == sorted(names)


def test_a_failed_trial_is_counted_and_named_and_in_no_mean(tmp_path: Path) -> None:
    result = ran(tmp_path, Counting(two=ModelUnreachableError("nobody answers")))

    found = [picked(row, "n", "failed", "missing", "mean", "outcomes") for row in result.cells]
    assert found == [(2, 0, 0, 0.3125, "2 scored"), (0, 2, 0, None, "2 infra_error")]
    assert [picked(row, "cell", "trial", "score", "outcome", "reason") for row in result.failures] == [
        (2, trial, None, "infra_error", "ModelUnreachable: nobody answers") for trial in (1, 2)
    ]
    assert (result.ok, result.run.status) == (False, RunStatus.FAILED)
    assert result.run.reason == "2 of 4 trials failed"
    assert list(result.differences) == []


def test_a_trial_whose_spending_cannot_be_read_is_a_failure_all_the_same(tmp_path: Path) -> None:
    class Damaged(ScriptedTrials):
        def spent(self, run: Run) -> Spent:
            raise ValueError("no number")

    def fail(trial: Trial, limits: Limits, run: Run) -> Ended:
        raise TargetError("not there")

    result = run_matrix(small(trials=1), MatrixOptions(home=tmp_path), kind=Damaged(tmp_path, fail))

    assert [picked(row, "outcome", "reason") for row in result.failures] == [
        ("crash", "ValueError: no number (a defect of Honing; the journal has its trace)")
    ] * 2


def test_the_next_call_tries_failed_trials_again_and_no_others(tmp_path: Path) -> None:
    ran(tmp_path, Counting(two=TargetError("not there")))
    again = Counting()

    result = ran(tmp_path, again)

    assert again.played == ["002-sums-two-smoke.t1", "002-sums-two-smoke.t2"]
    assert artifacts(result) == artifacts(ran(tmp_path / "never failed"))
    assert result.run.status is RunStatus.DONE


def test_a_matrix_that_is_done_is_read_and_nothing_is_run(tmp_path: Path) -> None:
    first = ran(tmp_path)
    again = Counting()

    second = ran(tmp_path, again)

    assert again.played == []
    assert artifacts(first) == artifacts(second)


def test_a_trial_that_ended_before_the_matrix_wrote_it_down_is_read_from_its_run(tmp_path: Path) -> None:
    def cut_off(trial: Trial, limits: Limits, run: Run) -> Ended:
        raise StoppedError("asked to stop")

    with pytest.raises(StoppedError):
        ran(tmp_path, cut_off)
    run = Run.open(tmp_path / "m")
    spec = small()
    kind = ScriptedTrials(tmp_path, play)
    first = trials_of(spec, cells_of(spec))[0]
    kind.work(first, f"{run.id}.{first.name}", Limits())
    again = Counting()

    result = ran(tmp_path, again)

    assert first.name not in again.played
    assert (len(again.played), result.ok) == (3, True)


def test_tables_are_there_as_soon_as_a_trial_has_ended(tmp_path: Path) -> None:
    seen: list[Any] = []

    def watch(trial: Trial, limits: Limits, run: Run) -> Ended:
        folder = tmp_path / "m"
        lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
        cells = rows(folder / "aggregate.tsv")
        seen.append(([line["outcome"] for line in lines], [cell["missing"] for cell in cells]))
        return ended(trial)

    ran(tmp_path, watch)

    assert seen == [
        ([], ["2", "2"]),
        (["scored"], ["1", "2"]),
        (["scored"] * 2, ["1", "1"]),
        (["scored"] * 3, ["0", "1"]),
    ]


def test_a_budget_of_tokens_ends_the_matrix_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    first, second = Counting(), Counting()

    with pytest.raises(BudgetExhaustedError) as refused:
        ran(tmp_path, first, small(**{"budget.tokens": 250}))
    result = ran(tmp_path, second, small(**{"budget.tokens": 10_000}))

    assert str(refused.value).startswith("The budget of 250 tokens ")
    assert [limits.tokens for limits in first.limits] == [250, 150, 50]
    assert [limits.tokens for limits in second.limits] == [9700]
    assert artifacts(result) == artifacts(ran(tmp_path / "at once"))


def test_what_a_failed_trial_spent_counts_too(tmp_path: Path) -> None:
    def spend_and_fail(trial: Trial, limits: Limits, run: Run) -> Ended:
        run.write_json("ended.json", ended(trial).as_document())
        raise TargetError("after all that")

    with pytest.raises(BudgetExhaustedError, match=r"The budget of money is spent by the trials so far\."):
        ran(tmp_path, spend_and_fail, small(**{"budget.cost_usd": 1.0}))

    cells = rows(tmp_path / "m" / "aggregate.tsv")
    assert [picked(cell, "failed", "missing", "tokens", "cost_usd") for cell in cells] == [
        ("1", "1", "100", "0.5"),
        ("1", "1", "100", "0.5"),
    ]


def test_a_budget_of_money_stops_where_a_price_is_unknown(tmp_path: Path) -> None:
    def unpriced(trial: Trial, limits: Limits, run: Run) -> Ended:
        return replace(ended(trial), spent=replace(ended(trial).spent, cost_usd=None))

    with pytest.raises(BudgetExhaustedError, match=r"cannot be kept: the cost of . units is unknown"):
        ran(tmp_path, unpriced, small(**{"budget.cost_usd": 100.0}))


def test_a_stop_reaches_the_trials_under_way(tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def wait(trial: Trial, limits: Limits, run: Run) -> Ended:
        if both.wait(timeout=20) == 0:
            Run.open(tmp_path / "m").request_stop()
        for _ in range(2000):
            if run.stop_requested():
                raise StoppedError("stopped inside")
            threading.Event().wait(0.01)
        return ended(trial)

    with pytest.raises(StoppedError, match=r"Stopped by the stop file. Step 'trials': 0 of 4 units"):
        ran(tmp_path, wait, workers=2)

    assert Run.open(tmp_path / "m").status is RunStatus.STOPPED
    assert artifacts(ran(tmp_path)) == artifacts(ran(tmp_path / "never stopped"))


def test_a_trial_that_is_stopped_by_itself_stops_the_matrix(tmp_path: Path) -> None:
    played: list[str] = []

    def stop(trial: Trial, limits: Limits, run: Run) -> Ended:
        played.append(trial.name)
        raise StoppedError("somebody touched its stop file")

    with pytest.raises(StoppedError, match="somebody touched its stop file"):
        ran(tmp_path, stop)

    assert played == ["001-sums-one-smoke.t1"]


def test_time_that_is_up_stops_the_trials_under_way(tmp_path: Path) -> None:
    def wait(trial: Trial, limits: Limits, run: Run) -> Ended:
        for _ in range(2000):
            if run.stop_requested():
                raise StoppedError("stopped inside")
            threading.Event().wait(0.01)
        return ended(trial)

    with pytest.raises(BudgetExhaustedError):
        ran(tmp_path, wait, small(trials=1, **{"budget.wall_s": 0.3}), workers=2)

    run = Run.open(tmp_path / "m")
    assert run.status is RunStatus.EXHAUSTED
    assert (run.path / "trials.jsonl").read_text() == ""


def test_the_name_of_another_matrix_is_refused(tmp_path: Path) -> None:
    ran(tmp_path)

    with pytest.raises(UsageError, match=r"--run-name m: .* is another run \(different: matrix\)"):
        ran(tmp_path, spec=small(seed=9))
    with pytest.raises(UsageError, match=r"is there already\. Choose another name"):
        ran(tmp_path, fresh=True)


def test_what_an_earlier_matrix_of_that_name_left_is_not_taken(tmp_path: Path) -> None:
    ran(tmp_path)
    shutil.rmtree(tmp_path / "m")
    again = Counting()

    ran(tmp_path, again, small(seed=9))

    assert len(again.played) == 4


def test_an_unfinished_matrix_is_found_without_a_name_unless_a_fresh_one_is_asked_for(tmp_path: Path) -> None:
    failing = ScriptedTrials(tmp_path, Counting(one=TargetError("no")))
    first = run_matrix(small(), MatrixOptions(home=tmp_path), kind=failing)

    fresh = run_matrix(small(), MatrixOptions(home=tmp_path, fresh=True), kind=ScriptedTrials(tmp_path, play))
    found = run_matrix(small(), MatrixOptions(home=tmp_path), kind=ScriptedTrials(tmp_path, play))
    new = run_matrix(small(), MatrixOptions(home=tmp_path), kind=ScriptedTrials(tmp_path, play))

    assert found.run.path == first.run.path
    assert len({first.run.path, fresh.run.path, new.run.path}) == 3


def test_progress_counts_trials_and_spending_and_has_no_mean_over_cells_that_differ(tmp_path: Path) -> None:
    tallies: list[Tally] = []

    class Watching:
        def begin(self, tally: Tally) -> None:
            """Nothing to see yet."""

        def update(self, tally: Tally) -> None:
            """Seen at the end."""

        def end(self, tally: Tally) -> None:
            tallies.append(tally)

    told: list[str] = []

    ran(tmp_path, spec=small(trials=1), progress=Watching(), told=told.append)

    assert (tallies[0].done, tallies[0].total, tallies[0].values) == (2, 2, [])
    assert (tallies[0].tokens, tallies[0].cost_usd) == (200, 1.0)
    assert told[0] == "sums · one · smoke, trial 1: scored, 0.250"


def test_the_page_says_what_failed_and_how_much_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BudgetExhaustedError):
        ran(tmp_path, Counting(two=TargetError("<b>gone</b>")), small(**{"budget.tokens": 150}))

    report = Report.read(tmp_path / "m" / "report.json")
    page = (tmp_path / "m" / "report.html").read_text()
    assert report.badges[0].text == "measure"
    assert report.badges[1].text.endswith("of 4 trials")
    assert [section.title for section in report.sections] == ["Means", "Failures", "Cost", "Trials"]
    assert "Target: &lt;b&gt;gone&lt;/b&gt;" in page
    assert "<b>gone" not in page
