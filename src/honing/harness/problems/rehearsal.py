"""A search rehearsed in memory: the choices, races, re-tests and keeps of a run, and nothing else of it.

The same searches and the same acceptance as in the loop, without folders, sandboxes, journals and the gate,
so that hundreds of runs take seconds. One slot follows the other. tests/harness/test_harness_problems.py
holds that a rehearsal and a run of the loop come to the same candidates.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from honing.harness.accept import accept, final_seeds, first_seeds, hopeless
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.loop.slots import Slot
from honing.harness.problems.base import Files, Problem
from honing.harness.project import Judging
from honing.harness.search.base import Search, View
from honing.harness.search.merging import merge_lines
from honing.harness.search.pairs import common_ancestor
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus
from honing.store import TreeId, text_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is rehearsed."""

    search: Search
    judging: Judging = field(default_factory=Judging)
    arm: Arm = Arm.SEARCH
    slots: int | None = None
    """Proposals; None: until the task runs are spent."""
    task_runs: int | None = None
    """No further proposal is made once so many are spent; None: no limit."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """One arm of one run."""

    candidates: tuple[Candidate, ...]
    """The baseline, then by slot."""
    best: Candidate
    spent: tuple[int, ...]
    """Task runs made by the end of each candidate; a task, a seed and a state of the files are run once."""
    texts: Mapping[str, Files]
    """Files of every candidate, by its id."""


def rehearse(problem: Problem, plan: Plan) -> Rehearsed:
    """Run one arm of a search.

    Raises:
        ValueError: The plan has neither a limit of slots nor one of task runs.
    """
    if plan.slots is None and plan.task_runs is None:
        raise ValueError("plan: expected a limit of slots or of task runs, got neither.")
    memory = _Memory(problem)
    seeds = tuple(range(plan.judging.repeats))
    baseline = memory.add(
        Candidate(
            id="c0000",
            arm=Arm.SEARCH,
            slot=0,
            outcome=Outcome.BASELINE,
            sentence="the harness as it was given",
            evaluation=memory.evaluate(problem.baseline, seeds),
        ),
        problem.baseline,
    )
    found, spent = [baseline], [memory.task_runs]
    while _goes_on(plan, len(found), memory.task_runs):
        found.append(_slot(memory, plan, found))
        spent.append(memory.task_runs)
    return Rehearsed(
        candidates=tuple(found),
        best=plan.search.best(found),
        spent=tuple(spent),
        texts=memory.files,
    )


def best_within(rehearsed: Rehearsed, search: Search, task_runs: int) -> Candidate:
    """What the same search would have had in the end, had it stopped before spending more.

    Args:
        rehearsed: Of a search whose choices do not depend on how many slots there are.
        search: The same.
        task_runs: The smaller budget; at least what the baseline cost.
    """
    pairs = zip(rehearsed.candidates, rehearsed.spent, strict=True)
    return search.best([candidate for candidate, spent in pairs if spent <= task_runs])


def last_seen(problem: Problem, files: Files, tasks: Sequence[str], judging: Judging) -> Evaluation:
    """The files on the seeds of the last look, as the loop does with its winners."""
    return _Memory(problem).evaluate(files, final_seeds(judging), tasks=tasks)


def _goes_on(plan: Plan, made: int, task_runs: int) -> bool:
    within = plan.slots is None or made <= plan.slots
    return within and (plan.task_runs is None or task_runs < plan.task_runs)


def _slot(memory: _Memory, plan: Plan, found: Sequence[Candidate]) -> Candidate:
    """One proposal, from the choice of its parents to its outcome."""
    slot = Slot(plan.arm, len(found))
    view = View(arm=plan.arm, slot=slot.number, slots=plan.slots or 0, candidates=tuple(found))
    choice = plan.search.choose(view, slot.random(plan.seed))
    parents = [next(each for each in found if each.id == parent) for parent in choice.parents]
    parent = parents[0]
    before = memory.files[parent.id]
    if choice.merge:
        base = common_ancestor(found, parent, parents[1])
        files = _joined(memory.files[base.id], before, memory.files[parents[1].id])
    else:
        rng = random.Random(slot.seed(plan.seed))
        files = {**before, **memory.problem.mutate(before, rng)}
    made = Candidate(
        id=slot.id,
        arm=plan.arm,
        slot=slot.number,
        parents=choice.parents,
        outcome=Outcome.NO_CHANGE,
        sentence="nothing changed",
        note=choice.note,
    )
    return memory.add(made if files == before else _judged(memory, plan, made, parent, files), files)


def _judged(memory: _Memory, plan: Plan, made: Candidate, parent: Candidate, files: Files) -> Candidate:
    settings, noisy = plan.judging, not memory.problem.deterministic
    seeds = first_seeds(parent, memory.seen, settings)
    theirs = memory.evaluate(memory.files[parent.id], seeds)
    rival = None if plan.search.from_discarded else theirs
    evaluation = memory.evaluate(files, seeds, against=rival, settings=settings)

    def retest(fresh: Sequence[int]) -> tuple[Evaluation, Evaluation]:
        return memory.evaluate(memory.files[parent.id], fresh), memory.evaluate(files, fresh)

    found = accept(theirs, evaluation, settings, retest if noisy else None, attempt=made.slot)
    return replace(
        made,
        outcome=Outcome.KEEP if found.accepted else Outcome.DISCARD,
        sentence=found.sentence,
        evaluation=evaluation,
        acceptance=found,
    )


@dataclass(slots=True)
class _Memory:
    """Everything that was run, by files, task and seed."""

    problem: Problem
    files: dict[str, Files] = field(default_factory=dict)
    """By candidate."""
    seen: list[Candidate] = field(default_factory=list)
    runs: dict[tuple[str, str, int], TaskRun] = field(default_factory=dict)

    @property
    def task_runs(self) -> int:
        return len(self.runs)

    def add(self, candidate: Candidate, files: Files) -> Candidate:
        self.files[candidate.id] = files
        size = sum(len(text.encode()) for text in files.values())
        self.seen.append(replace(candidate, tree=tree_of(files), size_bytes=size))
        return self.seen[-1]

    def evaluate(
        self,
        files: Files,
        seeds: Sequence[int],
        *,
        tasks: Sequence[str] = (),
        against: Evaluation | None = None,
        settings: Judging | None = None,
    ) -> Evaluation:
        """The files on every task and seed, seed by seed, stopped where a race with `against` is lost."""
        problem, tree = self.problem, tree_of(files)
        named = tasks or problem.tasks
        planned = [(task, seed) for seed in ((0,) if problem.deterministic else seeds) for task in named]
        runs: list[TaskRun] = []
        for task, seed in planned:
            runs.append(self._run(tree, files, task, seed))
            if against is not None and settings is not None:
                why = hopeless(against, runs, settings, noisy=not problem.deterministic)
                if why and len(runs) < len(planned):
                    return Evaluation(runs=tuple(runs), complete=False, stopped=why)
        order = {task: index for index, task in enumerate(named)}
        runs.sort(key=lambda run: order[run.task])
        return Evaluation(runs=tuple(runs), complete=True)

    def _run(self, tree: TreeId, files: Files, task: str, seed: int) -> TaskRun:
        key = (tree, task, seed)
        if key not in self.runs:
            grade = self.problem.grade(files, task, seed)
            score = TaskScore(status=TaskStatus.SCORED, score=grade.score, reason=grade.reason)
            self.runs[key] = TaskRun(task=task, seed=seed, weight=1.0, score=score, tree=tree)
        return self.runs[key]


def tree_of(files: Files) -> TreeId:
    """An id that is the same for the same files; not the one that a store would give."""
    text = "\0".join(f"{path}\0{text}" for path, text in sorted(files.items()))
    return TreeId(hashlib.sha256(text.encode()).hexdigest())


def _joined(base: Files, ours: Files, theirs: Files) -> Files:
    """As `merge_trees` does it, for texts that all three have."""
    joined: dict[str, str] = {}
    for path, text in ours.items():
        sides = (base[path], text, theirs[path])
        lines = merge_lines(*(text_lines(side) for side in sides))
        joined[path] = text if lines is None else "".join(lines)
    return joined
