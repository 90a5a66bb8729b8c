"""Judging a candidate: cheap tasks first, each run in a throw-away copy, nothing judged twice.

A failure of ours is never a score: it is tried once more, and then says that it is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from honing.errors import BudgetExhaustedError, GraderError, HoningError, StoppedError, boundary
from honing.harness.cache import Remember, Remembered
from honing.harness.candidate_document import evaluation_document, evaluation_from
from honing.harness.place import Places
from honing.harness.plan import Group, planned
from honing.harness.tasks.base import CASCADE, Cascade, Evaluation, Task, TaskRun, TaskScore, TaskStatus
from honing.harness.tasks.graders import ForgedError
from honing.sandbox import Cancel
from honing.store import TreeId

SEED = "HONING_SEED"
"""Variable with the seed of a task run, the same for every candidate. 0 for deterministic tasks."""
STEP = "task"
"""Under which results are remembered."""
_ATTEMPTS = 2
_NEVER_A_SCORE = (TaskStatus.INFRA_ERROR, TaskStatus.TAMPERED)

Watch = Callable[[Sequence[TaskRun]], str]
"""Is asked after each task run with all runs so far; what it answers, unless empty, is why to stop."""


class _InfraError(Exception):
    """Carries the scores of a group that must not be remembered."""

    def __init__(self, scores: Sequence[TaskScore]) -> None:
        super().__init__()
        self.scores = scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Judges candidates. Safe to use from several threads at once."""

    places: Places
    memory: Remember = field(default_factory=Remembered)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Least mean score by step of the cascade below which the rest is not run."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""

    def evaluate(
        self,
        tree: TreeId,
        tasks: Sequence[Task],
        seeds: Sequence[int] = (0,),
        *,
        watch: Watch | None = None,
        cancel: Cancel | None = None,
    ) -> Evaluation:
        """Run every task on a candidate, deterministic ones once, others once under each seed.

        Args:
            tree: The candidate.
            tasks: Their ids differ.
            seeds: Given to tasks as HONING_SEED; the same for all candidates that are compared.
            watch: Stops the evaluation early.
            cancel: Ends it at once.

        Returns:
            The runs, in the order of tasks and then of seeds; whatever the candidate did is in them.

        Raises:
            StoppedError: `cancel` was set.
            BudgetExhaustedError: A budget that a task spends from is met.
        """
        order = {(task.id, seed): at for at, (task, seed) in enumerate(_runs_of(tasks, seeds))}
        runs: list[TaskRun] = []
        stopped = ""
        for step in CASCADE:
            begun = len(runs)
            for group, seed in _in_step(planned(tasks), step, seeds):
                if cancel is not None and cancel.is_set():
                    raise StoppedError("judging a candidate was asked to stop")
                for run in self._group(tree, group, seed, cancel):
                    runs.append(run)
                    stopped = stopped or _why_not_on(run) or (watch(tuple(runs)) if watch else "")
                if stopped:
                    break
            stopped = stopped or self._below(step, runs[begun:])
            if stopped:
                break
        runs.sort(key=lambda run: order[run.task, run.seed])
        complete = len(runs) == len(order) and all(run.score.score is not None for run in runs)
        return Evaluation(runs=tuple(runs), complete=complete, stopped="" if complete else stopped)

    def _below(self, step: Cascade, runs: Sequence[TaskRun]) -> str:
        """Why the steps after this one are not worth running; empty where they are."""
        least = self.thresholds.get(step.value, 0.0)
        if not runs or least <= 0:
            return ""
        mean = Evaluation(runs=tuple(runs), complete=True).score or 0.0
        if mean >= least:
            return ""
        return f"its score in the step '{step.value}' is {mean:.3f}; below {least:.3f} the rest is not run"

    def _group(self, tree: TreeId, group: Group, seed: int, cancel: Cancel | None) -> list[TaskRun]:
        key = {**group.identity(), "tree": tree, "seed": seed, "surroundings": self._surroundings()}

        def make() -> Any:
            scores = self._judged(tree, group, seed, cancel)
            if any(score.status is TaskStatus.INFRA_ERROR for score in scores):
                raise _InfraError(scores)
            return evaluation_document(
                Evaluation(runs=tuple(_runs(group, seed, tree, scores)), complete=True)
            )

        try:
            kept = self.memory.remember(STEP, key, make)
        except _InfraError as error:
            return _runs(group, seed, tree, error.scores)
        # Two tasks that are equal but for their names and weights share an entry.
        scores = [run.score for run in evaluation_from(kept).runs]
        return _runs(group, seed, tree, scores)

    def _surroundings(self) -> dict[str, Any]:
        """What decides a score beside tree, tasks and seed."""
        return {"sandbox": self.places.sandbox.name, "timeout_s": self.places.limits.wall_s}

    def _judged(self, tree: TreeId, group: Group, seed: int, cancel: Cancel | None) -> list[TaskScore]:
        for attempt in range(1, _ATTEMPTS + 1):
            scores: list[TaskScore] = []
            try:
                with self.places.open(tree, env={SEED: str(seed)}, cancel=cancel) as place:
                    for task in group.tasks:
                        began = self.clock()
                        with boundary(GraderError, f"task '{task.id}'"):
                            score = task.judge(place, seed)
                        scores.append(replace(score, duration_s=self.clock() - began))
            except (StoppedError, BudgetExhaustedError):
                raise
            except HoningError as error:
                scores = [_failed(error, attempt)] * len(group.tasks)
            if all(score.status is not TaskStatus.INFRA_ERROR for score in scores):
                break
        return scores


def _runs_of(tasks: Sequence[Task], seeds: Sequence[int]) -> Iterator[tuple[Task, int]]:
    """Every run that is planned, in the order in which runs are listed."""
    in_group = {task.id: group for group in planned(tasks) for task in group.tasks}
    for task in tasks:
        for seed in in_group[task.id].seeds(seeds):
            yield task, seed


def _in_step(groups: Sequence[Group], step: Cascade, seeds: Sequence[int]) -> Iterator[tuple[Group, int]]:
    """The groups of one step, all under one seed before any under the next: a race then sees every task
    early."""
    own = [group for group in groups if group.step is step]
    yield from ((group, 0) for group in own if group.deterministic)
    yield from ((group, seed) for seed in seeds for group in own if not group.deterministic)


def _runs(group: Group, seed: int, tree: TreeId, scores: Sequence[TaskScore]) -> list[TaskRun]:
    return [
        TaskRun(task=task.id, seed=seed, weight=task.weight, score=score, tree=tree)
        for task, score in zip(group.tasks, scores, strict=True)
    ]


def _why_not_on(run: TaskRun) -> str:
    if run.score.status not in _NEVER_A_SCORE:
        return ""
    return f"task '{run.task}' ended as {run.score.status.value}: {run.score.reason}"


def _failed(error: HoningError, attempt: int) -> TaskScore:
    if isinstance(error, ForgedError):
        return TaskScore(status=TaskStatus.TAMPERED, reason=str(error))
    again = "" if attempt == 1 else f" (tried {attempt} times)"
    return TaskScore(
        status=TaskStatus.INFRA_ERROR, reason=f"{type(error).__name__.removesuffix('Error')}: {error}{again}"
    )
