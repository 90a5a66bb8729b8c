"""`hone experiment matrix`: real harness runs and measurements, killed in the middle as well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hone_process import LIMIT_S, Hone

from honing.experiments import MatrixOptions, load_matrix, run_matrix
from honing.harness import AGGREGATE_COLUMNS, SUMMARY_COLUMNS, write_example
from honing.store import Run, RunStatus, identity, list_runs

EXAMPLES = Path(__file__).parents[2] / "examples" / "matrices"
AXES = ("--projects", "example:ticket_router", "--agents", "scripted,nop", "--budgets", "1", "--trials", "2")
ROUTER = {"harness.projects": ["example:ticket_router"], "harness.agents": ["scripted", "nop"],
          "harness.budgets": [1], "trials": 2}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The matrix of `AXES`, run with four workers and not disturbed."""
    home = tmp_path_factory.mktemp("undisturbed")
    options = MatrixOptions(home=home, run_name="m", workers=4)
    return run_matrix(load_matrix(None, ROUTER), options).run


def write_sums(folder: Path, count: int = 12) -> None:
    folder.mkdir()
    rows = [
        {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
        for i in range(count)
    ]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_agents_are_told_apart_on_a_shipped_project(undisturbed: Run) -> None:
    cells = undisturbed.read_json("aggregate.json")["cells"]

    names = ("agent", "n", "failed", "mean", "sd", "success_count", "outcomes", "benchmark_name",
             "mean_best_test_objective", "cost_usd")  # fmt: skip
    assert [tuple(cell[name] for name in names) for cell in cells] == [
        ("scripted", 2, 0, 1.0, 0.0, 2, "2 improved", "ticket_router", 1.0, 0.0),
        ("nop", 2, 0, 0.75, 0.0, 0, "2 not-improved", "ticket_router", 0.25, 0.0),
    ]


def test_tables_have_every_column_of_the_predecessor(undisturbed: Run) -> None:
    trials = (undisturbed.path / "trials.tsv").read_text().splitlines()
    cells = (undisturbed.path / "aggregate.tsv").read_text().splitlines()

    first = dict(zip(trials[0].split("\t"), trials[1].split("\t"), strict=True))
    assert set(SUMMARY_COLUMNS) <= set(first)
    assert set(AGGREGATE_COLUMNS) <= set(cells[0].split("\t"))
    wanted = (
        "backend",
        "trial_index",
        "baseline_objective",
        "best_objective",
        "improved",
        "outcome",
        "status",
    )
    assert [first[name] for name in wanted] == ["scripted", "1", "0.75", "1.0", "true", "improved", "done"]


def test_a_matrix_that_was_killed_goes_on_to_the_same_tables(hone: Hone, undisturbed: Run) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "honing", "experiment", "matrix", *AXES, "--run-name", "m", "--workers", "2"],
        cwd=hone.folder,
        env=hone.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    table = hone.runs / "m" / "trials.jsonl"
    try:
        until = time.monotonic() + LIMIT_S
        while not (table.is_file() and table.read_text()):
            assert process.poll() is None, "the matrix ended before it was killed"
            assert time.monotonic() < until, "no trial ended"
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    run = Run.open(hone.runs / "m")
    begun = {entry.name: entry.id for entry in list_runs(hone.runs, kind="harness")}
    ended = [json.loads(line)["run_name"] for line in table.read_text().splitlines()]
    finished = {name: Run.open(hone.runs / name).ended for name in ended}

    done = hone("runs", "resume", "m")

    assert (done.code, run.status) == (0, RunStatus.DONE)
    assert identity(run.path) == identity(undisturbed.path)
    found = {entry.name: entry.id for entry in list_runs(hone.runs, kind="harness")}
    assert len(found) == 4
    assert begun.items() <= found.items()
    assert {name: Run.open(hone.runs / name).ended for name in ended} == finished


def test_models_are_told_apart_and_a_target_that_cannot_be_measured_is_named(hone: Hone) -> None:
    write_sums(hone.folder / "sums")
    (hone.folder / "empty").mkdir()
    (hone.folder / "empty" / "notes.txt").write_text("nothing to run here\n")

    done = hone("experiment", "matrix", "--targets", "sums,empty", "--llm", "scripted/perfect,scripted/empty",
                "--modes", "full", "--run-name", "m", "--json")  # fmt: skip

    found = json.loads(done.out)
    names = ("target", "model", "n", "failed", "mean", "over", "rows", "outcomes")
    assert [tuple(cell.get(name) for name in names) for cell in found["cells"]] == [
        ("sums", "scripted/perfect", 1, 0, 1.0, "tasks", 12, "1 scored"),
        ("sums", "scripted/empty", 1, 0, 0.0, "tasks", 12, "1 scored"),
        ("empty", "scripted/perfect", 0, 1, None, "", 0, "1 crash"),
        ("empty", "scripted/empty", 0, 1, None, "", 0, "1 crash"),
    ]
    (difference,) = found["differences"]
    told = ("a", "b", "difference", "direction", "tasks", "lost")
    assert [difference[name] for name in told] == [
        "scripted/perfect",
        "scripted/empty",
        -1.0,
        "worse",
        12,
        12,
    ]
    assert [row["reason"].partition(":")[0] for row in found["failures"]] == ["Gap", "Gap"]
    assert (done.code, found["ok"]) == (1, False)
    run = Run.open(hone.runs / "m")
    assert (run.status, run.reason) == (RunStatus.FAILED, "2 of 4 trials failed")
    scored = [entry for entry in list_runs(hone.runs, kind="measure") if entry.status is RunStatus.DONE]
    assert [(entry.path / "report.html").is_file() for entry in scored] == [True, True]


def test_a_project_whose_own_budget_runs_out_is_a_failure_of_its_trial_alone(hone: Hone) -> None:
    for name, budget in (("short", "{proposals: 1, task_runs: 9}"), ("plenty", "{proposals: 1}")):
        write_example("ticket_router", hone.folder / name)
        file = hone.folder / name / "honing.yaml"
        file.write_text(file.read_text().replace("budget: 3", f"budget: {budget}"))

    axes = ("--projects", "short,plenty", "--agents", "nop", "--token-limit", "1000")
    done = hone("experiment", "matrix", *axes, "--json")

    found = json.loads(done.out)
    assert [(cell["project"], cell["mean"], cell["outcomes"]) for cell in found["cells"]] == [
        ("short", None, "1 no-score"),
        ("plenty", 0.75, "1 not-improved"),
    ]
    assert found["failures"][0]["reason"].startswith("its project's own budget is spent: ")
    assert done.code == 1


@pytest.mark.parametrize("name", ["harness.yaml", "measure.yaml"])
def test_a_dry_run_of_an_example_counts_and_makes_no_run(hone: Hone, name: str) -> None:
    done = hone("experiment", "matrix", str(EXAMPLES / name), "--dry-run", "--json")

    found = json.loads(done.out)
    assert {key: found[key] for key in ("cells", "trials", "of_all_trials", "would_stop")} == {
        "harness.yaml": {
            "cells": 4,
            "trials": 8,
            "of_all_trials": {"proposals": 24, "task_runs_at_most": 352},
            "would_stop": 0,
        },
        "measure.yaml": {
            "cells": 2,
            "trials": 6,
            "of_all_trials": {
                "calls": 96,
                "cost_usd": None,
                "input_tokens": 6 * 819,
                "output_tokens_assumed": 6 * 4096,
            },
            "would_stop": 0,
        },
    }[name]
    assert not hone.runs.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["harness.yaml", "measure.yaml"])
def test_the_examples_run_as_they_are(hone: Hone, name: str) -> None:
    done = hone("experiment", "matrix", str(EXAMPLES / name), "--workers", "2")

    assert done.code == 0
    assert "report.html" in done.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "there is nothing to run: give a FILE"),
        (("none.yaml",), "none.yaml: cannot be read"),
        (("--targets", "a", "--llm", "m", "--projects", "b"), "either `harness` axes or `measure` axes"),
        (("--projects", "p", "--budgets", "many"), "harness.budgets.0: input should be a valid integer"),
        (("--projects", "p"), "p: there is no such folder or file"),
        (("--targets", "a", "--llm", "m", "--modes", "half"), "measure.modes.0: input should be 'smoke' or"),
    ],
    ids=["nothing", "no file", "both kinds", "no number", "no project", "no such mode"],
)
def test_what_cannot_be_used_is_refused_before_anything_is_run(
    hone: Hone, arguments: tuple[str, ...], problem: str
) -> None:
    done = hone("experiment", "matrix", *arguments)

    assert done.code == 2
    assert problem in done.err
    assert list_runs(hone.runs) == []
