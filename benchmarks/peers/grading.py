"""What every system is given: one file, a proposer that makes it longer, and a grader that likes that.

Uses the standard library only, because the programs of the peers run in environments of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FILE = "a.txt"
LONGEST = 10_000
PAUSE_S = {"cost": 0.0, "side": 1.0, "across": 1.0, "kill": 0.2}
"""Seconds that one evaluation takes, by what is measured."""


def baseline_in(folder: Path) -> Path:
    """The harness of one file that a search begins with."""
    baseline = folder / "baseline"
    baseline.mkdir(parents=True, exist_ok=True)
    (baseline / FILE).write_text("x")
    return baseline


def longer(text: str, number: int) -> str:
    """An edit that is always an improvement, and another one for each number."""
    return f"{text}{number}"


def score(text: str) -> float:
    """From 0 to 1."""
    return min(1.0, len(text) / LONGEST)


def graded(text: str, log: Path, pause_s: float) -> float:
    """The score, after a pause; where there is one the log says when the evaluation began (Unix seconds)."""
    if pause_s:
        with log.open("a") as stream:
            stream.write(f"{time.time():.3f}\n")
        time.sleep(pause_s)
    return score(text)


def best_after(proposals: int) -> float:
    """The score that a search ends with which keeps every proposal."""
    text = "x"
    for number in range(1, proposals + 1):
        text = longer(text, number)
    return score(text)


def measured(search: Callable[[Path], float], folder: Path) -> None:
    """Print the wall and processor seconds of a search, child processes included, and its best score.

    Args:
        search: Searches in a folder; returns the best score.
        folder: Where.
    """
    wall, cpu = time.monotonic(), _cpu_s()
    best = search(folder)
    cpu = _cpu_s() - cpu
    sys.stdout.write(
        "\n" + json.dumps({"wall_s": time.monotonic() - wall, "cpu_s": cpu, "best": best}) + "\n"
    )


def warm(search: Callable[[Path], float]) -> None:
    """Let a system load what it loads at first: a search in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="harness-peers-warm-") as folder:
        search(Path(folder))


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
