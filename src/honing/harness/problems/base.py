"""What a problem is: a harness of a few text files, a function that grades it, a program that edits it.

Nothing here knows how a problem is searched. Grading and editing work on texts by path, so that a search can
be rehearsed in memory (`rehearsal.py`) and run for real, as a project in a folder (`writing.py`), with the
same outcome.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.agents import Agent, AgentTask, ScriptedAgent
from honing.errors import AgentError
from honing.harness.tasks.callable import read

Files = Mapping[str, str]
"""Text by path."""

SEED_VARIABLE = "HONING_PROPOSAL_SEED"
"""What the loop tells every proposer: a whole number, another for every proposal of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What one run of one task gave."""

    score: float
    """In [0, 1]."""
    reason: str = ""
    """Why it is not 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem."""

    name: str
    sentence: str
    """What it is, for a list of examples."""
    objective: str
    """For whoever proposes."""
    baseline: Files
    tasks: tuple[str, ...]
    """Ids of the tasks that candidates are searched by."""
    held_out: tuple[str, ...] = ()
    deterministic: bool = True
    """Whether the same files always get the same grade, whatever the seed."""
    proposals: int = 20
    """Of each arm, where nobody says otherwise."""
    grade: Callable[[Files, str, int], Grade]
    """Grade of the files at a task under a seed. Returns for any files, however odd."""
    mutate: Callable[[Files, random.Random], Files]
    """The files that one proposal changes, with their new text."""


def proposer(problem: Problem) -> Agent:
    """The program that edits a problem's harness, as an agent.

    It starts from what lies in the workspace, and draws from random numbers that the loop's seed decides.
    """

    def edits(task: AgentTask) -> Mapping[str, str | None]:
        told = task.env.get(SEED_VARIABLE)
        if told is None:
            raise AgentError(
                f"{problem.name}: no {SEED_VARIABLE} was given; the loop gives one to every agent."
            )
        found = {path: read(task.workspace, path) for path in problem.baseline}
        files = {path: text for path, text in found.items() if text is not None}
        return dict(problem.mutate(files, random.Random(int(told))))

    return ScriptedAgent(edits, name=problem.name)


def graders(problem: Problem) -> dict[str, Callable[[Path, int], dict[str, Any]]]:
    """One callable for each task, by its id, as the task type `python` calls them."""
    return {task: _grader(problem, task) for task in (*problem.tasks, *problem.held_out)}


def _grader(problem: Problem, task: str) -> Callable[[Path, int], dict[str, Any]]:
    def grade(folder: Path, seed: int) -> dict[str, Any]:
        found = {path: read(folder, path) for path in problem.baseline}
        files = {path: text for path, text in found.items() if text is not None}
        graded = problem.grade(files, task, seed)
        return {"score": graded.score, "reason": graded.reason}

    return grade
