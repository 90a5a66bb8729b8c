"""A measurement that is killed anywhere goes on where it stopped, and ends in the same files."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.store import Run, RunStatus, identity

Write = Callable[..., Path]
CONNECTIONS = 4


def command(target: Path, home: Path) -> list[str]:
    options = ["--llm", "scripted/skilled-0.6", "--mode", "full", "--max-connections", str(CONNECTIONS)]
    return [sys.executable, "-m", "honing", "--home", str(home), "--quiet", "measure", str(target), *options]


def kill_once(target: Path, home: Path, moment: float) -> bool:
    """Start the measurement and kill -9 it `moment` seconds after its journal appears; whether it still
    ran."""
    process = subprocess.Popen(command(target, home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not list(home.glob("*/journal.sqlite")) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def finish(target: Path, home: Path) -> Run:
    subprocess.run(command(target, home), check=True, stdout=subprocess.DEVNULL)
    (run,) = [path.parent for path in home.glob("*/run.json")]
    return Run.open(run)


def starts_of_samples(run: Run) -> list[int]:
    return [json.loads(line)["attempt"] for line in (run.path / "samples.jsonl").read_text().splitlines()]


def check_kills(target: Path, tmp_path: Path, moments: list[float]) -> int:
    """Kill a measurement at each moment in turn, then let it finish; the number of kills that met it
    running."""
    undisturbed = identity(finish(target, tmp_path / "undisturbed").path)
    home = tmp_path / "killed"
    kills = sum(kill_once(target, home, moment) for moment in moments)
    run = finish(target, home)
    repeated = sum(starts - 1 for starts in starts_of_samples(run))

    assert run.status is RunStatus.DONE
    assert identity(run.path) == undisturbed
    # Only what was under way when the kill came is started again.
    assert repeated <= kills * CONNECTIONS
    return kills


def test_kill_9_at_five_moments_changes_nothing(write_data: Write, tmp_path: Path) -> None:
    rng = random.Random(11)

    assert check_kills(write_data(200), tmp_path, [rng.uniform(0.0, 1.2) for _ in range(5)]) >= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_at_thirty_moments_changes_nothing(write_data: Write, tmp_path: Path) -> None:
    rng = random.Random(12)

    assert check_kills(write_data(1200), tmp_path, [rng.uniform(0.0, 1.5) for _ in range(30)]) >= 10


def test_kill_9_between_the_stages_of_a_targets_own_commands_changes_nothing(
    write_target: Write, tmp_path: Path
) -> None:
    rng = random.Random(13)

    assert check_kills(write_target(), tmp_path, [rng.uniform(0.2, 1.0) for _ in range(3)]) >= 1
