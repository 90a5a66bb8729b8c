"""`hone teach`: phases as commands with files of one's own, by the published names of flags and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from honing.cli.app import run

pytestmark = [pytest.mark.teach, pytest.mark.timeout(300)]

CHAIN = ("--mock-env", "--mock-policy", "--max-steps", "10", "--workers", "1")


NAMES = {
    (True, True): "Q1_highU_highL",
    (True, False): "Q2_highU_lowL",
    (False, False): "Q3_lowU_lowL",
    (False, True): "Q4_lowU_highL",
}
"""By whether U and L are above their thresholds."""


def labelled(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "labeled_snapshots.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def hone(folder: Path, *words: str) -> int:
    environ = {"HONING_CACHE": str(folder / "cache")}
    return run(["--quiet", "--no-progress", *words], environ=environ, cwd=folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first phases were run by hand."""
    folder = tmp_path_factory.mktemp("phases")
    rollouts, snapshots = "results/phase0/rollouts.json", "results/phase0/failure_snapshots.json"
    collected = hone(folder, "teach", "collect", *CHAIN, "--n-tasks", "30", "--output", rollouts)
    mined = hone(
        folder,
        "teach",
        "mine",
        *CHAIN,
        "--rollouts",
        rollouts,
        "--output",
        snapshots,
        "--max-snapshots",
        "24",
    )
    assert (collected, mined) == (0, 0)
    return folder


def test_phase_zero_leaves_its_files_where_they_were_asked_for(place: Path) -> None:
    rollouts = json.loads((place / "results/phase0/rollouts.json").read_text())
    snapshots = json.loads((place / "results/phase0/failure_snapshots.json").read_text())

    assert len(rollouts) == 30
    assert {snapshot["split"] for snapshot in snapshots} == {"train", "panel"}


def test_labelling_without_models_gives_uncertainty_alone(place: Path) -> None:
    skips = ("--mock-teacher", "--skip-leverage", "--skip-cpt")
    source, target = "results/phase0/failure_snapshots.json", "results/smoke"
    code = hone(place, "teach", "label", *CHAIN, *skips, "--snapshots", source, "--output-dir", target)
    rows = [
        json.loads(line) for line in (place / target / "labeled_snapshots.jsonl").read_text().splitlines()
    ]

    assert code == 0
    assert {row["advice"]["teacher"] for row in rows} == {"mock"}
    assert [row["leverage"] for row in rows] == [None] * len(rows)
    assert all(row["U"] > 0 for row in rows)


def test_labels_are_made_step_by_step_from_jsonl_and_quadrants_follow_given_thresholds(place: Path) -> None:
    """Too few snapshots per quadrant: said, and exit code 1."""
    source, target = "results/phase0/failure_snapshots.json", "results/phase1"
    labels = f"{target}/labeled_snapshots.jsonl"
    codes = [
        hone(place, "teach", "advise", *CHAIN, "--input", source, "--output-dir", target),
        hone(place, "teach", "uncertainty", *CHAIN, "--input", labels, "--output-dir", target),
        hone(
            place, "teach", "leverage", *CHAIN, "--n-policy", "2", "--input", labels, "--output-dir", target
        ),
        hone(place, "teach", "cpt", *CHAIN, "--input", labels, "--output-dir", target),
        hone(
            place, "teach", "quadrants", "--mock-env", "--input", labels, "--output-dir", target,
            "--U-threshold", "0.7", "--L-threshold", "0.2",
        ),
    ]  # fmt: skip
    rows = labelled(place / target)
    expected = [NAMES[row["U"] > 0.7, row["leverage"]["L_local"] > 0.2] for row in rows]

    assert codes == [0, 0, 0, 0, 1]
    assert [row["quadrant"] for row in rows] == expected
    assert {row["leverage"]["p_policy"]["n"] for row in rows} == {2}


def test_the_same_labels_do_not_differ_from_themselves(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = "results/phase0/failure_snapshots.json", "results/compared"
    made = hone(place, "teach", "label", *CHAIN, "--snapshots", source, "--output-dir", target)
    (place / "results/again").mkdir()
    labels = (place / target / "labeled_snapshots.jsonl").read_bytes()
    (place / "results/again/labels.jsonl").write_bytes(labels)
    capsys.readouterr()
    code = hone(
        place, "teach", "compare", f"{target}/labeled_snapshots.jsonl", "results/again/labels.jsonl", "--json"
    )
    found = json.loads(capsys.readouterr().out)

    assert (made, code) == (1, 0)
    assert {row["difference"]["estimate"] for row in found["measures"].values()} == {0.0}


def test_an_input_that_is_missing_is_named_with_the_phase_that_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = hone(tmp_path, "teach", "cpt", *CHAIN, "--input", "nothing.jsonl")
    said = capsys.readouterr().err

    assert code == 2
    assert "nothing.jsonl" in said


def test_two_options_for_one_setting_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = hone(tmp_path, "teach", "collect", "--mock-env", "--environment", "shop")

    assert (code, "--mock-env" in capsys.readouterr().err) == (2, True)


def test_a_forecast_spends_nothing_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = hone(tmp_path, "teach", "run", "--dry-run", "--json", "--set", "teacher.kind=model")
    phases = {row["phase"]: row for row in json.loads(capsys.readouterr().out)["phases"]}

    assert (code, list(tmp_path.iterdir())) == (0, [])
    assert phases["collect"]["episodes"] >= 2000
    assert phases["advise"]["calls"] >= 960
    assert phases["advise"]["usd"] > 0


def test_a_study_with_an_unknown_key_names_line_and_nearest_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text("schema: 1\ncollect:\n  n_task: 5\n")
    code = hone(tmp_path, "teach", "run", "study.yaml")
    said = capsys.readouterr().err

    assert code == 2
    assert "study.yaml:3: unknown key 'collect.n_task'; did you mean 'n_tasks'?" in said
