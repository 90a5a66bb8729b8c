"""A run of the small project in a process of its own, to be killed: FOLDER PROPOSALS WORKERS."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness_words import RIGHT, WordsTask, guesser, words_project

from honing.agents import Agent, AgentRun, AgentTask
from honing.harness import Asked, OptimizeOptions, optimize_project
from honing.sandbox import Cancel

PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Noted:
    """Notes every proposal that it is asked for, and takes its time."""

    inner: Agent
    log: Path
    reads_brief: bool = False

    @property
    def name(self) -> str:
        return self.inner.name

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        with self.log.open("a") as stream:
            stream.write(f"{task.env['HONING_ARM']} {task.slot}\n")
        time.sleep(PAUSE_S)
        return self.inner.run(task, cancel=cancel)


def tasks(folder: Path) -> tuple[WordsTask, ...]:
    """Two that are deterministic, and one that is not."""
    log = folder / "judged.log"
    return (
        WordsTask(log=log, pause_s=PAUSE_S),
        WordsTask(id="first half", words=RIGHT[:4], log=log, pause_s=PAUSE_S),
        WordsTask(id="noisy", noise=0.05, deterministic=False, log=log, pause_s=PAUSE_S),
    )


def run(folder: Path, proposals: int, workers: int, home: Path) -> Mapping[str, object]:
    project = words_project(
        folder / "project",
        tasks=tasks(folder),
        held_out=(WordsTask(id="sealed", words=RIGHT[4:], log=folder / "judged.log"),),
        proposals=proposals,
        in_flight=3,
    )
    options = OptimizeOptions(
        agent=Noted(guesser(), folder / "asked.log"),
        asked=Asked(sandbox="unconfined"),
        home=home,
        run_name="r",
        workers=workers,
    )
    return optimize_project(project, options).final


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[1]) / "runs")
