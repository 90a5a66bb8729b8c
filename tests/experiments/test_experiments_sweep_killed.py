"""A sweep killed in each of its parts comes to what it would have come to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sweep_scene import model_that_says_one, two_targets

pytestmark = [pytest.mark.teach, pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = (
    "measurements/*/calibration.json",
    "base/smoke/fours/outcome.json",
    "seg_0/train/progress/checkpoint-4/trainer_state.json",
    "seg_0/train/training.json",
    "seg_1/train/data.json",
    "seg_1/smoke/sevens/outcome.json",
)
"""What lies there when the process is killed, in the order in which it appears."""


def command(root: Path, name: str) -> list[str]:
    return [
        sys.executable, "-m", "honing", "--quiet", "sweep", "--base-model", str(root / "model"),
        "--targets-file", str(root / "targets.txt"), "--segments", "2", "--steps-per-segment", "12",
        "--limit", "10", "--samples-per-target", "8", "--max-tokens", "4", "--learning-rate", "0.01",
        "--rank", "8", "--alpha", "16", "--batch-size", "12", "--save-every", "4",
        "--out-root", str(root / "runs"), "--run-name", name, "--json",
    ]  # fmt: skip


def killed(root: Path, name: str, pattern: str) -> None:
    """Start the sweep, and kill it as soon as a file is there."""
    process = subprocess.Popen(command(root, name), cwd=root, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while not list((root / "runs" / name).glob(pattern)):
        assert process.poll() is None, f"it ended before {pattern} was there"
        assert time.monotonic() < until, f"{pattern} did not appear"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def figures(document: dict[str, Any]) -> Any:
    """Everything of a summary but where its runs lie."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(one) for key, one in value.items() if key not in ("run", "page")}
        return [without(one) for one in value] if isinstance(value, list) else value

    return without(document)


def test_a_sweep_killed_in_each_of_its_parts_ends_as_one_that_was_not(tmp_path: Path) -> None:
    sevens, fours = two_targets(tmp_path)
    (tmp_path / "model").symlink_to(model_that_says_one(tmp_path / "cache", sevens, fours))
    (tmp_path / "targets.txt").write_text("sevens\nfours\n")
    whole = subprocess.run(command(tmp_path, "whole"), cwd=tmp_path, stdout=subprocess.PIPE, check=True)

    for pattern in KILLS:
        killed(tmp_path, "killed", pattern)
    kept = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "runs/killed").glob("*/smoke/*/outcome.json")
    }
    ended = subprocess.run(command(tmp_path, "killed"), cwd=tmp_path, stdout=subprocess.PIPE, check=True)

    assert figures(json.loads(ended.stdout)) == figures(json.loads(whole.stdout))
    assert len(kept) == 5
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list((tmp_path / "runs/killed/measurements").glob("*/run.json"))) == 2
