"""One run of one system in a process of its own, and what it took."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.grading import PAUSE_S, best_after
from peers.systems import System

_HALF_AN_EVALUATION = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """By one run."""

    wall_s: float
    cpu_s: float
    """User and system, child processes included."""
    best: float
    """The best score that it found."""
    files: int
    bytes: int
    """As the disk counts them: whole blocks."""
    began: tuple[float, ...]
    """When each evaluation began, Unix seconds; empty where evaluations take no time."""

    def most_at_once(self, pause_s: float) -> int:
        return max(sum(other <= one < other + pause_s for other in self.began) for one in self.began)


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What a kill -9 in the middle of a run meant."""

    before: int
    """Evaluations that had begun."""
    again: int
    """Evaluations beyond those of a run that nobody killed, once the same call had been made again."""
    readable: str
    """Which commands that read runs worked on what the kill left."""


def taken_by(system: System, mode: str, count: int, workers: int = 1, *, limit_s: float) -> Taken | None:
    """Run it once; None where it does not end within the limit.

    Raises:
        RuntimeError: It failed, or did not keep every proposal.
    """
    with _scratch() as folder:
        process = _start(system, mode, folder, count, workers)
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
        taken = _taken(system, process.returncode, out, err, folder)
    if mode == "cost" and not math.isclose(taken.best, best_after(count)):
        raise RuntimeError(
            f"{system.name} kept {taken.best} after {count} proposals, not {best_after(count)}"
        )
    return taken


def killed(system: System, count: int, *, share: float, unhurt: int) -> Killed:
    """Kill a run in the middle of an evaluation, read what is left, and make the same call again.

    Args:
        system: Whose run.
        count: Its candidates.
        share: Of the evaluations of an unhurt run, those that shall have begun.
        unhurt: How many evaluations an unhurt run makes.
    """
    pause_s = PAUSE_S["kill"]
    with _scratch() as folder:
        process = _start(system, "kill", folder, count, 1)
        while len(_begun(folder)) < unhurt * share and process.poll() is None:
            time.sleep(0.005)
        time.sleep(pause_s * _HALF_AN_EVALUATION)
        process.kill()
        process.communicate()
        before = len(_begun(folder))
        readable = _readable(system, folder)
        process = _start(system, "kill", folder, count, 1)
        out, err = process.communicate()
        whole = _taken(system, process.returncode, out, err, folder)
        return Killed(before=before, again=len(whole.began) - unhurt, readable=readable)


def _readable(system: System, folder: Path) -> str:
    commands = system.reading(folder / "runs" / "r", folder)
    if not commands:
        return "it has none"
    environment = {**os.environ, "HONING_HOME": str(folder / "runs")}
    works = [
        name
        for name, command in commands.items()
        if subprocess.run(command, capture_output=True, cwd=folder, env=environment).returncode == 0
    ]
    return f"{', '.join(works)}" if works else f"none ({', '.join(commands)} fail)"


def _start(system: System, mode: str, folder: Path, count: int, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        system.command(mode, folder, count, workers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _taken(system: System, code: int, out: str, err: str, folder: Path) -> Taken:
    if code:
        # The last line alone: a traceback would show a peer's source.
        raise RuntimeError(f"{system.name} ended with {code}: {err.strip().splitlines()[-1:]}")
    figures = json.loads(out.strip().splitlines()[-1])
    sizes = [
        (Path(parent) / name).lstat().st_blocks * 512
        for parent, _, names in os.walk(folder / "runs")
        for name in names
    ]
    return Taken(
        wall_s=figures["wall_s"],
        cpu_s=figures["cpu_s"],
        best=figures["best"],
        files=len(sizes),
        bytes=sum(sizes),
        began=_begun(folder),
    )


def _begun(folder: Path) -> tuple[float, ...]:
    log = folder / "log"
    return tuple(map(float, log.read_text().split("\n")[:-1])) if log.exists() else ()


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="harness-peers-") as folder:
        yield Path(folder)
