"""The benchmark's search in Honing: ours.py cost|side|across|kill FOLDER COUNT WORKERS. Prints one JSON line.

The same file, proposer and grader as in the programs of the peers beside this one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grading

from honing.agents import AgentTask, ScriptedAgent
from honing.harness import Asked, OptimizeOptions, Project, optimize_project
from honing.harness.project import Control, SearchSettings, Spending
from honing.harness.tasks.base import Cascade, Place, TaskScore, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """The shared grader as a task."""

    log: Path
    pause_s: float
    id: str = "length"
    weight: float = 1.0
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    deterministic: bool = True

    def identity(self) -> Mapping[str, Any]:
        return {"type": "length", "part": self.id}

    def judge(self, place: Place, seed: int) -> TaskScore:
        text = place.read_text(grading.FILE) or ""
        return TaskScore(status=TaskStatus.SCORED, score=grading.graded(text, self.log, self.pause_s))


def search(mode: str, folder: Path, count: int, workers: int) -> float:
    pause_s = grading.PAUSE_S[mode]
    parts = count if mode == "across" else 1
    tasks = tuple(Length(id=f"length {part}", log=folder / "log", pause_s=pause_s) for part in range(parts))
    if mode == "cost":
        tasks = (Length(log=Path(), pause_s=0.0),)
    project = Project(
        folder=folder,
        file=folder / "honing.yaml",
        name="length",
        objective="be long",
        baseline=grading.baseline_in(folder),
        tasks=tasks,
        search=SearchSettings(in_flight=count if mode == "side" else 1, control=Control.NONE),
        spending=Spending(proposals=1 if mode == "across" else count),
    )

    def longer(task: AgentTask) -> dict[str, str]:
        text = (task.workspace / grading.FILE).read_text()
        return {grading.FILE: grading.longer(text, task.slot)}

    options = OptimizeOptions(
        agent=ScriptedAgent(longer, reads_brief=False),
        asked=Asked(sandbox="unconfined"),
        home=folder / "runs",
        run_name="r",
        workers=workers,
    )
    return optimize_project(project, options).score or 0.0


def main(mode: str, folder: Path, count: int, workers: int) -> None:
    grading.warm(lambda scratch: search("cost", scratch, 2, 1))
    grading.measured(lambda own: search(mode, own, count, workers), folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
