"""The phases' commands with files of one's own, on the scripted chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hone_process import Hone

from honing.cli.frame import Frame
from honing.cli.teach_settings import settings_of, spec_of, study_options
from honing.executors import Budget

pytestmark = pytest.mark.teach

CHAIN = ("--mock-env", "--mock-policy", "--max-steps", "10", "--config", "study.yaml")
LIMITS = {"cost_limit": 1.5, "token_limit": 700, "time_limit": 60.0, "workers": 3}


@pytest.fixture(autouse=True)
def study(tmp_path: Path) -> None:
    """A mock solves next to nothing, so a thousand tasks would be tried for the retention panel."""
    (tmp_path / "study.yaml").write_text("mine: {retention_tasks: 0}\n")


@pytest.fixture
def collected(hone: Hone) -> Path:
    sizes = ("--n-tasks", "8", "--expert-tasks", "6", "--workers", "1")
    ended = hone("teach", "collect", *CHAIN, *sizes, "--output-dir", "phase0")

    assert ended.code == 0, ended.err
    return hone.folder / "phase0"


def test_every_limit_of_a_command_reaches_the_study(tmp_path: Path) -> None:
    frame = Frame(environ={"HOME": str(tmp_path)}, cwd=tmp_path)
    given = {**LIMITS, "run_name": "", "fresh": False}
    options = study_options(frame, settings_of(frame, given), given)

    assert (options.budget, options.workers) == (
        Budget(cost_usd=1.5, tokens=700, wall_s=60.0, whole_run=True),
        3,
    )


def test_a_phase_keeps_the_limits_it_was_given(hone: Hone) -> None:
    ended = hone("teach", "collect", *CHAIN, "--n-tasks", "8", "--workers", "1", "--time-limit", "0.001")

    assert ended.code == 4, ended.err


def test_experiment_b_is_mined_from_one_file_of_trajectories(hone: Hone, collected: Path) -> None:
    trajectories = collected / "expert_trajectories" / "all_trajectories_scripted.json"
    sampling = ("--sample-rate", "0.5", "--require-env-state", "--workers", "1")
    ended = hone(
        *("teach", "mine", *CHAIN, *sampling, "--expert-trajectories", str(trajectories)),
        *("--output", "snapshots_expert.json"),
    )
    rows = json.loads((hone.folder / "snapshots_expert.json").read_text())

    assert ended.code == 0, ended.err
    assert {row["source"] for row in rows} == {"expert"}


def test_a_folder_without_trajectories_of_the_world_is_refused(hone: Hone) -> None:
    folder = hone.folder / "trajectories"
    folder.mkdir()
    (folder / "all_trajectories_shop.json").write_text("[]")
    ended = hone("teach", "mine", *CHAIN, "--expert-trajectories", str(folder), "--workers", "1")

    assert (ended.code, "all_trajectories_scripted.json" in ended.err) == (2, True)


def test_the_plans_smoke_test_runs(hone: Hone, collected: Path) -> None:
    mined = hone(
        *("teach", "mine", *CHAIN, "--rollouts", str(collected / "rollouts.json"), "--workers", "1"),
        *("--output", "snapshots.json"),
    )
    ended = hone(
        *("teach", "label", *CHAIN, "--mock-teacher", "--skip-leverage", "--skip-cpt", "--workers", "1"),
        *("--snapshots", "snapshots.json", "--output-dir", "phase1"),
    )

    assert (mined.code, ended.code) == (0, 0), ended.err
    assert (hone.folder / "phase1" / "labeled_snapshots.jsonl").stat().st_size > 0


def test_epochs_take_the_place_of_a_fixed_number_of_steps(tmp_path: Path) -> None:
    frame = Frame(environ={"HOME": str(tmp_path)}, cwd=tmp_path)
    epochs, both = ({"training.epochs": 2.0}, {"training.epochs": 2.0, "training.n_steps": 7})

    assert [spec_of(frame, {}, choices).training.n_steps for choices in (epochs, both, {})] == [None, 7, 100]


def test_labels_made_step_by_step_in_one_folder_keep_what_each_step_wrote(
    hone: Hone, collected: Path
) -> None:
    rollouts = ("--rollouts", str(collected / "rollouts.json"), "--max-snapshots", "6")
    few = ("--n-policy", "2", "--n-force", "2", "--n-expert", "1")
    folder = ("--input", "phase1/labeled_snapshots.jsonl", "--output-dir", "phase1")
    codes = [
        hone("teach", *words, *CHAIN, "--workers", "1").code
        for words in (
            ("mine", *rollouts, "--output", "snapshots.json"),
            ("advise", "--input", "snapshots.json", "--output-dir", "phase1"),
            ("leverage", *folder, *few),
            ("cpt", *folder, "--n-per-condition", "1"),
        )
    ]
    reliability = json.loads((hone.folder / "phase1" / "reliability.json").read_text())
    episodes = json.loads((hone.folder / "phase1" / "label_episodes.json").read_text())

    assert codes == [0, 0, 0, 0]
    assert (sorted(reliability), sorted(episodes)) == (
        ["ELP_net", "L_local"],
        ["cpt", "cpt_succeeding", "leverage"],
    )
