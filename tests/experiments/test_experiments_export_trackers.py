"""Every tracker keeps what it was told, read back by its own reader; none touches the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from exported_runs import (
    CURVES,
    NUMBERS,
    curves_in,
    exported_run,
    mlflow_run,
    numbers_in,
    outside,
    parameters_in,
    snapshot,
)

from honing.errors import HoningError, MissingToolError, TrackerError, UsageError
from honing.experiments import TRACKERS, Destination, missing_packages, track, tracker_named
from honing.experiments.exporting.trackers.scripted import ScriptedTracker
from honing.store import Run, RunStatus

ALL = tuple(TRACKERS)
Folders = Mapping[str, Path]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return exported_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def folders(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Where each tracker was told of the run; the run's own bytes are compared on the way."""
    before = snapshot(run.path)
    found = {}
    for name in ALL:
        found[name] = tmp_path_factory.mktemp("told") / name
        destination = Destination(folder=found[name], project="a project", environ=outside())
        track(run, tracker_named(name), destination, known={})
    assert snapshot(run.path) == before
    return found


@pytest.mark.parametrize("name", ALL)
def test_every_metric_is_read_back_with_the_ends_of_its_interval(folders: Folders, name: str) -> None:
    found = numbers_in(name, folders[name])

    assert found == pytest.approx(NUMBERS)


@pytest.mark.parametrize("name", ALL)
def test_every_curve_is_read_back_step_by_step(folders: Folders, name: str) -> None:
    assert curves_in(name, folders[name]) == CURVES


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_is_read_back(folders: Folders, name: str) -> None:
    found = parameters_in(name, folders[name])

    wanted = {"model": "made/model", "options.seed": "3", "options.rates.1": "1.5", "seed": "3"}
    assert {key: found.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("name", ALL)
def test_the_page_and_the_documents_lie_beside_the_numbers(folders: Folders, name: str) -> None:
    there = {path.name for path in folders[name].rglob("*") if path.is_file()}

    assert {"report.html", "metrics.json", "rows.tsv", "training.json"} - there == set()
    assert "secret.log" not in there


def test_mlflow_knows_project_name_tags_and_times(folders: Folders, run: Run) -> None:
    found = mlflow_run(folders["mlflow"])

    assert (found["experiment"], found["name"], found["status"]) == ("a project", "teach-run", "FINISHED")
    assert (found["tags"]["honing.run_id"], found["tags"]["honing.kind"]) == (run.id, "teach")
    assert found["times"][0] == round(run.created * 1000)
    assert [name for name in found["files"] if name.startswith("tables/")] == [
        "tables/rows.json",
        "tables/scores_of_all.json",
    ]


def test_mlflow_is_told_the_same_run_once(run: Run, tmp_path: Path) -> None:
    destination = Destination(folder=tmp_path / "store", environ=outside())
    first, again = (track(run, tracker_named("mlflow"), destination, known={}) for _ in range(2))

    assert again.place == first.place
    assert again.notes == ("the same run was there already; nothing was written",)


@pytest.mark.parametrize("name", ["csv", "parquet", "tensorboard"])
def test_a_folder_that_holds_files_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match="holds files already"):
        track(run, tracker_named(name), Destination(folder=tmp_path), known={})
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


@pytest.mark.parametrize("name", ALL)
def test_without_a_place_a_tracker_asks_for_one(run: Run, name: str) -> None:
    with pytest.raises(UsageError, match="where to"):
        track(run, tracker_named(name), Destination(), known={})


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (OSError("the disk is full"), TrackerError),
        (RuntimeError("the client broke"), TrackerError),
        (UsageError("no such place"), UsageError),
    ],
    ids=["a disk", "a defect of the client", "our own refusal passes as it is"],
)
def test_a_tracker_that_raises_is_an_error_of_its_own_and_the_run_is_untouched(
    run: Run, failing: Exception, error: type[HoningError]
) -> None:
    before = snapshot(run.path)
    with pytest.raises(error, match=str(failing)) as caught:
        track(run, ScriptedTracker(failing), Destination(), known={})

    assert caught.value.exit_code == {TrackerError: 6, UsageError: 2}[error]
    assert (snapshot(run.path), run.status) == (before, RunStatus.DONE)


def test_a_client_that_does_not_answer_is_ended(run: Run) -> None:
    environ = {**outside(), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}

    with pytest.raises(TrackerError, match=r"did not end within 0\.1 s"):
        track(run, tracker_named("mlflow"), Destination(environ=environ, limit_s=0.1), known={})


def test_a_server_that_is_not_there_is_said_with_the_clients_words(run: Run) -> None:
    environ = {
        **outside(),
        "MLFLOW_TRACKING_URI": "http://someone:hunter2hunter2@127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }

    with pytest.raises(TrackerError, match="ended with code 1") as caught:
        track(run, tracker_named("mlflow"), Destination(environ=environ), known=environ)
    assert "hunter2" not in str(caught.value)


def test_a_dry_run_counts_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    told = track(run, tracker_named("csv"), Destination(folder=tmp_path / "x"), known={}, dry_run=True)

    intervals = sum(name.endswith(("/low", "/high")) for name in NUMBERS)
    assert told.counts == {
        "parameters": 5, "metrics": len(NUMBERS) - intervals, "curves": 3, "tables": 2, "files": 5,
    }  # fmt: skip
    assert (told.place, (tmp_path / "x").exists()) == ("", False)


def test_a_run_under_way_is_refused(tmp_path: Path) -> None:
    begun = Run.create(tmp_path, kind="measure", config={}, command=(), seed=0)

    with begun.supervise(), pytest.raises(UsageError, match="is running: a run is handed on once"):
        track(begun, ScriptedTracker(), Destination(), known={})


def test_a_tracker_whose_package_is_not_installed_names_the_extra() -> None:
    class Lacking(ScriptedTracker):
        packages = ("no_such_package_at_all", "json")

    assert missing_packages(Lacking()) == ("no_such_package_at_all",)
    with pytest.raises(UsageError, match="There are mlflow, wandb, tensorboard, csv, parquet"):
        tracker_named("nowhere")


def test_every_tracker_says_what_it_is_and_which_extra_brings_it() -> None:
    unsaid = [
        one.name for one in TRACKERS.values() if not one.sentence or bool(one.packages) != bool(one.extra)
    ]

    assert (unsaid, issubclass(MissingToolError, HoningError)) == ([], True)


def test_numbers_survive_csv_to_the_last_bit(folders: Folders) -> None:
    assert all(math.isfinite(value) for value in numbers_in("csv", folders["csv"]).values())
    assert numbers_in("csv", folders["csv"]) == NUMBERS
