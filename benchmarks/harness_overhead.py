"""What the harness loop costs per candidate, beside a naive loop, and how well evaluations overlap.

    python benchmarks/harness_overhead.py [--sizes 20,100,1000]

The agent and the grader do next to nothing and run in this process. The naive loop copies a folder, changes a
file, judges it and writes one synced JSON file; it survives a kill no better than its folders do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.agents import AgentTask, ScriptedAgent
from honing.harness import Asked, OptimizeOptions, Project, optimize_project
from honing.harness.project import Control, SearchSettings, Spending
from honing.harness.tasks.base import Cascade, Place, TaskScore, TaskStatus

MOST_CPU_MS = 20.0
MOST_FILES = 10.0
MOST_GROWTH = 1.5
"""Cost of a candidate in the longest run against that in the one before it."""
MOST_OF_NINE_S = 4.0
"""For nine evaluations of one second each, side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Scores a file by its length."""

    id: str = "length"
    weight: float = 1.0
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    deterministic: bool = True
    pause_s: float = 0.0

    def identity(self) -> Mapping[str, Any]:
        return {"type": "length"}

    def judge(self, place: Place, seed: int) -> TaskScore:
        time.sleep(self.pause_s)
        return TaskScore(status=TaskStatus.SCORED, score=min(1.0, score(place.read_text("a.txt") or "")))


def score(text: str) -> float:
    return len(text) / 10_000


def project_in(folder: Path, proposals: int, *, in_flight: int = 1, pause_s: float = 0.0) -> Project:
    baseline = folder / "baseline"
    baseline.mkdir(parents=True)
    (baseline / "a.txt").write_text("x")
    return Project(
        folder=folder,
        file=folder / "honing.yaml",
        name="length",
        objective="be long",
        baseline=baseline,
        tasks=(Length(pause_s=pause_s),),
        search=SearchSettings(in_flight=in_flight, control=Control.NONE),
        spending=Spending(proposals=proposals),
    )


def longer(task: AgentTask) -> dict[str, str]:
    text = (task.workspace / "a.txt").read_text()
    return {"a.txt": text + "y" * random.Random(task.slot).randrange(3) + str(task.slot)}


def ours(folder: Path, candidates: int) -> None:
    options = OptimizeOptions(
        agent=ScriptedAgent(longer, reads_brief=False),
        asked=Asked(sandbox="unconfined"),
        home=folder / "runs",
        workers=1,
    )
    optimize_project(project_in(folder, candidates), options)


def naive(folder: Path, candidates: int) -> None:
    """Greedy: copy the best so far, change it, judge it, write it down."""
    best = folder / "runs" / "0"
    best.mkdir(parents=True)
    (best / "a.txt").write_text("x")
    for number in range(1, candidates + 1):
        candidate = folder / "runs" / str(number)
        shutil.copytree(best, candidate)
        text = (candidate / "a.txt").read_text() + str(number)
        (candidate / "a.txt").write_text(text)
        with (candidate / "result.json").open("w") as stream:
            json.dump({"score": score(text)}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        best = candidate


def measured(way: Callable[[Path, int], None], candidates: int) -> dict[str, float]:
    """Wall and processor time, and files, per candidate."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.monotonic(), time.process_time()
        way(Path(folder), candidates)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        files = sum(len(names) for _, _, names in os.walk(Path(folder) / "runs"))
    return {
        "wall_ms": wall / candidates * 1e3,
        "cpu_ms": cpu / candidates * 1e3,
        "files": files / candidates,
    }


def nine_side_by_side() -> float:
    """Seconds that nine evaluations of one second each take at nine workers."""
    with tempfile.TemporaryDirectory() as folder:
        project = project_in(Path(folder), 9, in_flight=9, pause_s=1.0)
        agent = ScriptedAgent(lambda task: {"a.txt": f"own {task.slot}"}, reads_brief=False)
        options = OptimizeOptions(
            agent=agent, asked=Asked(sandbox="unconfined"), home=Path(folder) / "runs", workers=9
        )
        began = time.monotonic()
        optimize_project(project, options)
        # The baseline is judged before them, and alone.
        return time.monotonic() - began - 1.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="20,100,1000")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    # Loading the modules is no candidate's cost.
    measured(ours, 2)
    costs = []
    for size in sizes:
        found, plain = measured(ours, size), measured(naive, size)
        costs.append(found["cpu_ms"])
        print(
            f"{size:5} candidates: {found['wall_ms']:6.1f} ms wall, {found['cpu_ms']:5.1f} ms processor, "
            f"{found['files']:4.1f} files each; {found['wall_ms'] / plain['wall_ms']:5.1f} times the naive "
            f"loop's wall"
        )
        if found["files"] > MOST_FILES and size > 50:
            sys.exit(f"{found['files']:.1f} files a candidate; the target is {MOST_FILES}")
    together = nine_side_by_side()
    print(f"nine evaluations of 1 s at 9 workers: {together:.2f} s ({9 / together:.1f} times faster)")
    if costs[-1] > MOST_CPU_MS or together > MOST_OF_NINE_S:
        sys.exit(f"targets: {MOST_CPU_MS} ms of processor a candidate, {MOST_OF_NINE_S} s for nine")
    if len(costs) > 1 and costs[-1] > MOST_GROWTH * costs[-2]:
        sys.exit(f"a candidate costs {costs[-1] / costs[-2]:.1f} times as much in the longest run")


if __name__ == "__main__":
    main()
