"""`from honing import env`: the three verbs by the names that users of earlier tools know."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from honing import env
from honing.errors import UsageError
from honing.store import RunStatus, load_run

Write = Callable[..., Path]
ROOT = Path(__file__).parents[2]


def given(target: Path, home: Path, **more: Any) -> dict[str, Any]:
    return {"target": target, "home": str(home), "llm": "scripted/perfect", "mode": "full", **more}


def test_a_mapping_sets_a_target_up_and_the_verbs_measure_it(write_data: Write, tmp_path: Path) -> None:
    env_ = env.setup(given(write_data(12), tmp_path / "runs"))
    rollout = env_.rollout(require_samples=True)
    evaluation = env_.evaluate()
    env.teardown(env_)
    env.teardown(env_)

    assert (rollout.ok, rollout.samples, rollout.reason) == (True, 12, "")
    assert json.loads(rollout.rollout_path.read_text())["n_planned"] == 12
    assert (evaluation.ok, evaluation.metrics["ok"], evaluation.metrics["score"]) == (True, True, 1.0)
    assert json.loads(evaluation.metrics_path.read_text()) == evaluation.metrics
    assert load_run(evaluation.artifacts_dir).status is RunStatus.DONE


def test_evaluate_rolls_out_where_nothing_was_or_something_else_is_asked(
    write_data: Write, tmp_path: Path
) -> None:
    with env.setup(given(write_data(20), tmp_path / "runs")) as env_:
        first = env_.evaluate()
        smoke = env_.evaluate(mode="smoke")
        other = env_.evaluate(llm="scripted/empty")

    scores = [
        (one.metrics["model"], one.metrics["mode"], one.metrics["n_scored"]) for one in (first, smoke, other)
    ]
    assert scores == [
        ("scripted/perfect", "full", 20),
        ("scripted/perfect", "smoke", 16),
        ("scripted/empty", "full", 20),
    ]


def test_files_are_copied_to_where_the_caller_wants_them(write_data: Write, tmp_path: Path) -> None:
    with env.setup(given(write_data(4), tmp_path / "runs", artifacts_dir=tmp_path / "kept")) as env_:
        rollout = env_.rollout(artifacts_dir=tmp_path / "first")
        evaluation = env_.evaluate()

    assert rollout.rollout_path == tmp_path / "first" / "rollout.json"
    assert evaluation.metrics_path == tmp_path / "kept" / "metrics.json"
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {
        "metrics.json", "rollout.json", "samples.jsonl", "contract.yaml", "hints_used.json",
    }  # fmt: skip


def test_earlier_names_and_variables_mean_what_they_meant(write_data: Write, tmp_path: Path) -> None:
    options = {
        "repo": write_data(20),
        "model": "scripted/perfect",
        "eval_mode": "full",
        "home": tmp_path / "runs",
        "env_overrides": {"AIDER_FSM_MAX_CMD_SECONDS": "77", "AIDER_EVAL_LIMIT": "5", "KEPT": "1"},
    }
    with env.setup(options) as env_:
        metrics = env_.evaluate().metrics
        config = env_.session.run.config

    assert (metrics["n_scored"], metrics["mode"]) == (5, "limit")
    assert config["options"]["max_command_s"] == 77
    assert set(config["options"]["env"]) == {"KEPT"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"mode": "quick"}, "mode is smoke or full, got 'quick'"),
        ({"modle": "x"}, "unknown option 'modle'"),
    ],
)
def test_an_option_that_cannot_be_understood_is_named(
    write_data: Write, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        env.setup(given(write_data(4), tmp_path / "runs", **more))


def test_without_a_target_or_a_model_the_verbs_say_what_they_need(write_data: Write, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a target"):
        env.setup({"llm": "scripted/perfect"})
    with env.setup(write_data(4), home=tmp_path / "runs") as env_, pytest.raises(UsageError, match="a model"):
        env_.rollout()


def test_repairs_may_be_asked_for_with_the_rollout(write_target: Write, tmp_path: Path) -> None:
    broken = """
    schema: 1
    oracle: {file: oracle.jsonl}
    stages:
      rollout: {commands: [python3 run.py]}
      evaluate: {commands: [python3 grades.py]}
    """
    with env.setup(given(write_target(broken), tmp_path / "runs", agent="nop", repair_iters=0)) as env_:
        before = env_.session.run.path
        rollout = env_.rollout(repair_iters=1)
        folder = env_.session.run.path

    assert not rollout.ok
    assert folder != before
    assert len(json.loads((folder / "repair.json").read_text())["iterations"]) == 1


def test_an_option_of_no_rollout_is_named(write_data: Write, tmp_path: Path) -> None:
    with (
        env.setup(given(write_data(4), tmp_path / "runs")) as env_,
        pytest.raises(UsageError, match="'colour'"),
    ):
        env_.rollout(colour="blue")


def test_variables_of_one_rollout_reach_the_targets_commands(write_target: Write, tmp_path: Path) -> None:
    contract = """
    schema: 1
    oracle: {file: oracle.jsonl}
    stages:
      rollout: {commands: ['python3 run.py && echo "$COLOUR" > colour.txt']}
      evaluate: {commands: ['python3 grade.py && grep -q blue colour.txt']}
    """
    with env.setup(given(write_target(contract), tmp_path / "runs")) as env_:
        assert env_.rollout(env_overrides={"COLOUR": "blue"}).ok
        assert env_.evaluate().metrics["score"] == 1.0


def test_the_example_verifies_targets_one_by_one(write_data: Write, tmp_path: Path) -> None:
    arguments = ["--targets", f"{write_data(4)},{tmp_path / 'gone'}", "--llm", "scripted/perfect"]
    example = str(ROOT / "examples" / "verify_targets.py")
    done = subprocess.run(
        [sys.executable, example, *arguments, "--require-samples", "--home", str(tmp_path / "runs")],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )

    found = json.loads(done.stdout)
    shown = [(one["rollout_ok"], one["evaluation_ok"], one["metrics"]["score"]) for one in found["targets"]]
    assert (done.returncode, found["ok"]) == (1, False)
    assert shown == [(True, True, 1.0), (False, False, None)]
    assert "no such folder" in found["targets"][1]["reason"]
