"""A whole sweep with a tiny model: trained, measured, stopped, gone on with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sweep_scene import ROWS, model_that_says_one, spec_of, two_targets

from honing.cli.app import run as run_command
from honing.errors import LeakageError, StoppedError
from honing.experiments import SweepOptions, SweepResult, run_sweep
from honing.learn import prompt_digest
from honing.store import Report, Run, RunStatus
from honing.view import render

pytestmark = pytest.mark.teach


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two targets, a broken one, and a tiny model that always answers 1."""
    root = tmp_path_factory.mktemp("sweep")
    sevens, fours = two_targets(root)
    (root / "broken").mkdir()
    (root / "model").symlink_to(model_that_says_one(root / "cache", sevens, fours))
    return root


@pytest.fixture(scope="session")
def swept(scene: Path) -> SweepResult:
    """Two segments on two targets, only one of which is trained on."""
    spec = spec_of(scene / "model", ("sevens", "fours"), collect_from=("sevens",), full_after_last=True)
    return run_sweep(spec, options(scene, "swept"))


def options(scene: Path, name: str, told: Callable[[str], None] = lambda _: None) -> SweepOptions:
    return SweepOptions(home=scene / "runs", name=name, places=(scene,), cache=scene / "cache", told=told)


def rows_at(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_summary_has_every_segment_and_its_targets_in_the_order_of_the_file(swept: SweepResult) -> None:
    summary = json.loads((swept.run / "train_and_benchmark_summary.json").read_text())

    assert summary == swept.summary
    assert [one["ok"] for one in summary["segments"]] == [True, True]
    assert [one["steps"] for one in summary["segments"]] == [12, 12]
    stages = [summary["base"], *summary["segments"]]
    assert [[one["target"] for one in stage["smoke"]] for stage in stages] == [["sevens", "fours"]] * 3
    assert [one["target"] for one in summary["segments"][-1]["full"]] == ["sevens", "fours"]
    assert swept.ok


def test_what_training_changed_and_what_it_did_not_are_told_apart(swept: SweepResult) -> None:
    last = {one["target"]: one for one in swept.summary["segments"][-1]["smoke"]}

    sevens, fours = last["sevens"]["change"]["base"], last["fours"]["change"]["base"]
    assert sevens["direction"] == "better"
    assert sevens["ci95"][0] > 0
    assert sevens["tasks"] == fours["tasks"] == 10
    assert fours["direction"] == "undecided"
    for one in swept.summary["segments"]:
        assert one["loss_after"] < one["loss_before"]


def test_every_stage_asks_the_same_rows_and_none_of_them_is_trained_on(swept: SweepResult) -> None:
    fixed = json.loads((swept.run / "fixed_samples.json").read_text())["targets"]
    for one in fixed:
        for stage in ("base", "seg_0", "seg_1"):
            samples = rows_at(swept.run / stage / "smoke" / one["slug"] / "samples.jsonl")
            assert {row["id"]: prompt_digest(row["prompt"]) for row in samples} == one["prompts"]

    trained = [row for n in (0, 1) for row in rows_at(swept.run / f"seg_{n}/train/rows.jsonl")]
    measured = {digest for one in fixed for digest in one["prompts"].values()}
    assert len(trained) == 16
    assert {row["source"].partition(":")[0] for row in trained} == {"sevens"}
    assert {prompt_digest(row["prompt"]) for row in trained}.isdisjoint(measured)


def test_the_model_learns_from_gold_until_its_own_answers_are_right(swept: SweepResult) -> None:
    first, second = (one["data"]["targets"][0] for one in swept.summary["segments"])

    assert (first["asked"], first["right"], first["gold"]) == (8, 0, 8)
    assert second["right"] > 0
    assert second["right"] + second["gold"] == 8


def test_the_full_measurement_tells_rows_apart_that_were_trained_on(swept: SweepResult) -> None:
    full = {one["target"]: one for one in swept.summary["segments"][-1]["full"]}

    assert [full[name]["metrics"]["n_scored"] for name in ("sevens", "fours")] == [ROWS, ROWS]
    assert full["sevens"]["not_trained_on"]["trained_on"] == 16
    assert full["fours"]["not_trained_on"]["n"] == ROWS


def test_the_layout_and_the_table_are_as_documented(swept: SweepResult) -> None:
    for folder in ("base/smoke", "seg_0/smoke", "seg_1/smoke", "seg_1/full"):
        for name in ("metrics.json", "rollout.json", "samples.jsonl", "hints_used.json"):
            assert (swept.run / folder / "sevens" / name).is_file()
    assert (swept.run / "seg_1/train/adapter/adapter_config.json").is_file()
    with (swept.run / "sweep.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))

    assert [(row["segment"], row["mode"], row["target"]) for row in rows] == [
        (stage, mode, target)
        for stage, mode in (("base", "smoke"), ("seg_0", "smoke"), ("seg_1", "smoke"), ("seg_1", "full"))
        for target in ("sevens", "fours")
    ]
    assert "What training changed" in render(Report.read(swept.run / "report.json"))


def test_a_sweep_of_a_name_that_is_done_is_read_and_nothing_is_asked(scene: Path, swept: SweepResult) -> None:
    told: list[str] = []
    spec = spec_of(scene / "model", ("sevens", "fours"), collect_from=("sevens",), full_after_last=True)

    again = run_sweep(spec, options(scene, "swept", told.append))

    assert (again, told) == (swept, [])


@pytest.mark.parametrize("at", ["seg_0: step 6", "seg_0: smoke of sevens"], ids=["training", "measuring"])
def test_a_sweep_that_is_stopped_goes_on_and_redoes_nothing_that_is_finished(scene: Path, at: str) -> None:
    spec = spec_of(scene / "model", ("sevens",), segments=1)
    name = "stopped-" + at.split()[1]

    def stop(line: str) -> None:
        if line.startswith(at):
            (scene / "runs" / name / "stop").touch()

    with pytest.raises(StoppedError):
        run_sweep(spec, options(scene, name, stop))
    run = Run.open(scene / "runs" / name)
    assert run.status is RunStatus.STOPPED
    kept = {
        path: path.stat().st_mtime_ns
        for path in (*run.path.glob("*/smoke/*/outcome.json"), *run.path.glob("seg_*/train/training.json"))
    }
    told: list[str] = []
    ended = run_sweep(spec, options(scene, name, told.append))

    assert ended.ok
    assert len(kept) == (1 if "step" in at else 2)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert ("seg_0: going on after step 4" in told) == ("step" in at)


def test_a_target_that_fails_does_not_end_the_sweep_and_the_command_exits_with_1(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scene / "targets.txt").write_text("# in this order\nbroken\nsevens\n")
    command = ["sweep", "--base-model", str(scene / "model"), "--targets-file", "targets.txt"]
    command += ["--segments", "1", "--steps-per-segment", "2", "--limit", "4", "--samples-per-target", "4"]
    command += ["--max-tokens", "4", "--out-root", "out", "--run-name", "half", "--json"]

    code = run_command(command, environ={}, cwd=scene)

    printed = json.loads(capsys.readouterr().out)
    assert code == 1
    assert printed["run"] == str(scene / "out" / "half")
    for stage in (printed["base"], *printed["segments"]):
        assert [(one["target"], one["rollout_ok"], one["evaluation_ok"]) for one in stage["smoke"]] == [
            ("broken", False, False),
            ("sevens", True, True),
        ]
        assert stage["smoke"][0]["reason"]
    assert printed["segments"][0]["steps"] == 2
    assert Run.open(scene / "out" / "half").status is RunStatus.FAILED


def test_a_dry_run_counts_and_makes_nothing(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scene / "one.txt").write_text("sevens\n")
    command = ["sweep", "--base-model", "tiny:absent.jsonl", "--targets-file", "one.txt", "--dry-run"]

    code = run_command([*command, "--json", "--out-root", "dry"], environ={}, cwd=scene)

    assert code == 0
    assert json.loads(capsys.readouterr().out)["smoke_answers"] == 32
    assert not (scene / "dry").exists()


def test_training_data_that_are_measured_are_refused_before_anything_is_asked(scene: Path) -> None:
    spec = spec_of(scene / "model", ("sevens",), rows_per_target=ROWS)
    sample = scene / "all.jsonl"
    from honing.contract import SetupOptions, asked_rows

    rows = asked_rows(scene / "sevens", SetupOptions(home=scene / "none")).rows
    sample.write_text("".join(json.dumps({"prompt": r.prompt, "completion": r.gold}) + "\n" for r in rows))
    told: list[str] = []

    with pytest.raises(LeakageError):
        run_sweep(
            spec_of(scene / "model", ("sevens",), rows_per_target=ROWS, train_data=(sample,)),
            options(scene, "leak", told.append),
        )

    assert told == []
    assert spec.train_data == ()
