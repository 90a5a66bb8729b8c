"""A whole study, small: its folder, going on after kills, and taking over what another study did alike."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from honing.store import Run, identity
from honing.teach import StudyOptions, load_study, pilot_spec, publish, run_study
from honing.teach.phases import ORDER

pytestmark = [pytest.mark.teach, pytest.mark.timeout(600)]

CHOICES: dict[str, Any] = {
    "environment.name": "scripted",
    "environment.options.max_steps": 10,
    "collect.n_tasks": 12,
    "micro_training.n_per_quadrant": 1,
    "micro_training.similar_tasks": 0,
    "selection.methods": ["random", "entropy"],
}
WHAT_A_STUDY_LEAVES = (
    "phase0/rollouts.json",
    "phase0/failure_snapshots.json",
    "phase0/snapshots_expert.json",
    "phase0/retention_tasks.json",
    "phase0/expert_trajectories/all_trajectories_scripted.json",
    "phase1/labeled_snapshots.jsonl",
    "phase1/labeled_snapshots.json",
    "phase1/quadrant_thresholds_auto.json",
    "phase1b/micro_training_results.json",
    "phase1b/cpt_correlation.json",
    "phase2/training_summary.json",
    "phase3/overall_task_results.csv",
    "phase3/per_quadrant_results.csv",
    "phase3/transfer_matrix.csv",
    "phase3/retention_results.csv",
    "phase3/stuckness_results.csv",
    "phase4/training_result.json",
    "phase4/predictor",
    "phase5/selection/selection_summary.json",
    "phase5/selection/random/training_summary.json",
    "phase5/selection/random/eval",
    "claims.json",
    "hypotheses.json",
    "report.json",
    "report.html",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with study.yaml."""
    folder = tmp_path_factory.mktemp("study")
    document = pilot_spec(CHOICES).as_document()
    (folder / "study.yaml").write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture(scope="module")
def unhurt(place: Path) -> Path:
    """The run of a study that nobody disturbed."""
    options = StudyOptions(home=place / "unhurt", cache=place / "cache", workers=2, run_name="study")
    return run_study(load_study(place / "study.yaml"), options).run


def test_a_study_leaves_everything_that_the_plan_names(unhurt: Path) -> None:
    assert [name for name in WHAT_A_STUDY_LEAVES if not (unhurt / name).exists()] == []


def test_every_file_of_a_study_is_an_artifact_of_a_phase(unhurt: Path) -> None:
    """What is not named is not taken over by a study that does the same."""
    phases = [json.loads(file.read_text()) for file in (unhurt / "phases").iterdir()]
    named = {path for phase in phases for path in phase["artifacts"]}
    files = [Path(name) for name in identity(unhurt) if not name.startswith("phases/")]

    assert [file for file in files if not {str(file), *map(str, file.parents)} & named] == []


def test_the_same_figures_and_tables_come_from_the_folder_alone(unhurt: Path, tmp_path: Path) -> None:
    written = publish(unhurt, tmp_path / "paper")
    same = [
        path.read_bytes() == (unhurt / path.relative_to(tmp_path / "paper")).read_bytes() for path in written
    ]

    assert (len(written) > 20, all(same)) == (True, True)


def test_a_study_that_is_done_is_not_done_again(place: Path, unhurt: Path) -> None:
    before = identity(unhurt)
    records = (unhurt / "evidence.jsonl").read_text().count('"kind":"phase"')
    options = StudyOptions(home=place / "unhurt", cache=place / "cache", workers=2)
    again = run_study(load_study(place / "study.yaml"), options)

    assert (again.run, identity(unhurt)) == (unhurt, before)
    assert (unhurt / "evidence.jsonl").read_text().count('"kind":"phase"') == records


def test_a_study_killed_five_times_leaves_what_an_unhurt_one_leaves(place: Path, unhurt: Path) -> None:
    kills = 0
    run = place / "hurt" / "study"
    for phase in ("collect", "leverage", "micro-train", "train", "select"):
        kills += killed_in(place, run, phase)
    finished = subprocess.run(command(place), env=surroundings(place), capture_output=True, text=True)

    assert finished.returncode in (0, 1), finished.stderr[-2000:]
    assert kills == 5
    assert identity(run) == identity(unhurt)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_study_killed_in_each_phase_leaves_what_an_unhurt_one_leaves(place: Path, unhurt: Path) -> None:
    run = place / "campaign" / "study"
    killed = [phase for phase in ORDER if killed_after(place, run, phase)]
    finished = subprocess.run(
        command(place, "campaign"), env=surroundings(place), capture_output=True, text=True
    )

    assert finished.returncode in (0, 1), finished.stderr[-2000:]
    assert killed == list(ORDER)
    assert identity(run) == identity(unhurt)


def test_a_study_that_differs_later_begins_where_they_part(place: Path, unhurt: Path) -> None:
    spec = load_study(place / "study.yaml", {"quadrants.L_threshold": 0.25})
    options = StudyOptions(home=place / "unhurt", cache=place / "cache", until="quadrants", workers=2)
    result = run_study(spec, options)
    record = next(
        json.loads(line)["body"]
        for line in (result.run / "evidence.jsonl").read_text().splitlines()
        if json.loads(line)["kind"] == "taken_over"
    )

    assert record["run"] == Run.open(unhurt).id
    assert record["phases"] == ["prepare", "collect", "mine", "advise", "uncertainty", "leverage", "cpt"]
    assert json.loads((result.run / "phases/quadrants.json").read_text())["summary"]["L_threshold"] == 0.25


def command(place: Path, home: str = "hurt") -> list[str]:
    return [
        *(sys.executable, "-m", "honing", "--home", str(place / home), "--quiet"),
        *("teach", "run", str(place / "study.yaml"), "--run-name", "study", "--workers", "2"),
    ]


def surroundings(place: Path) -> dict[str, str]:
    return {**os.environ, "HONING_CACHE": str(place / "cache")}


def killed_in(place: Path, run: Path, phase: str) -> int:
    """Go on with the study until units of a phase are under way, then kill -9; whether that came about."""
    going = subprocess.Popen(
        command(place),
        env=surroundings(place),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while going.poll() is None and time.monotonic() < deadline:
        if begun(run, phase):
            os.killpg(going.pid, signal.SIGKILL)
            going.wait()
            return 1
        time.sleep(0.02)
    going.kill()
    going.wait()
    return 0


def killed_after(place: Path, run: Path, phase: str) -> bool:
    """Go on with a study until the phase before this one is done, then kill -9 within the next second."""
    before = ORDER.index(phase) - 1
    marker = run / "phases" / f"{ORDER[before]}.json" if before >= 0 else run / "run.json"
    going = subprocess.Popen(
        command(place, "campaign"),
        env=surroundings(place),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while going.poll() is None and not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    # Most of a phase of this size lies in its first second; a short one may be over.
    time.sleep(random.Random(phase).random())
    alive = going.poll() is None
    going.kill()
    going.wait()
    return alive and marker.exists()


def begun(run: Path, phase: str) -> bool:
    """Whether a step of the phase is in the journal while the phase is not done."""
    journal = run / "journal.sqlite"
    if not journal.is_file() or (run / "phases" / f"{phase}.json").exists():
        return False
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as opened:
        try:
            rows = opened.execute("SELECT step FROM steps").fetchall()
        except sqlite3.OperationalError:
            return False
    return any(step == phase or step.startswith(f"{phase}.") for (step,) in rows)
