"""Candidates of all kinds for tests of documents, ledgers and reports: a run on three tasks, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome, Proposal
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus
from honing.store import TreeId

WEIGHTS = {"title": 0.5, "tests": 2.0, "setup": 1.0}
"""Tasks of the run and their weights."""


def tree(letter: str) -> TreeId:
    return TreeId(letter * 64)


def task_run(task: str, score: float | None, *, seed: int = 0, **fields: Any) -> TaskRun:
    status = TaskStatus.INFRA_ERROR if score is None else TaskStatus.SCORED
    judged = TaskScore(**{"status": status, "score": score, "duration_s": 0.25, "cost": 0.002, **fields})
    return TaskRun(task=task, seed=seed, weight=WEIGHTS.get(task, 1.0), score=judged, tree="a" * 64)


def evaluation(scores: Mapping[str, float], *, seeds: int = 1, stopped: str = "") -> Evaluation:
    runs = tuple(task_run(task, score, seed=seed) for task, score in scores.items() for seed in range(seeds))
    return Evaluation(runs=runs, complete=not stopped, stopped=stopped)


def agent(
    outcome: str = "finished", *, tokens: tuple[int, int] = (1200, 300), cost: float | None = 0.0125
) -> dict[str, Any]:
    """What `AgentRun.as_document()` holds without its transcript."""
    usage = {"calls": 3, "failed": 0, "input_tokens": tokens[0], "output_tokens": tokens[1], "cost_usd": cost}
    return {
        "agent": "scripted",
        "version": "1.0",
        "outcome": outcome,
        "trouble": "",
        "reason": "" if outcome == "finished" else "It did not end by itself.",
        "usage": usage,
        "duration_s": 2.5,
        "sandbox": "bubblewrap",
        "tool_calls": 4,
    }


def baseline(scores: Mapping[str, float] | None = None) -> Candidate:
    scores = {"title": 0.0, "tests": 0.0, "setup": 1.0} if scores is None else scores
    return Candidate(
        id="c0000",
        arm=Arm.SEARCH,
        slot=0,
        outcome=Outcome.BASELINE,
        sentence="The harness as it was given.",
        tree=tree("0"),
        evaluation=evaluation(scores),
    )


def proposed(slot: int, outcome: Outcome, *, arm: Arm = Arm.SEARCH, **fields: Any) -> Candidate:
    """A candidate of a slot that an agent proposed."""
    letter = "c" if arm is Arm.SEARCH else "b"
    name = f"{letter}{slot:04d}"
    given: dict[str, Any] = {
        "parents": ("c0000",),
        "sentence": f"{name} ended as {outcome.value}.",
        "tree": tree(f"{slot % 10}"),
        "proposal": Proposal(tree=tree(f"{slot % 10}"), agent=agent()),
        "changed": ("AGENTS.md",),
        "note": "best so far",
    }
    return Candidate(id=name, arm=arm, slot=slot, outcome=outcome, **(given | fields))


def kept(slot: int, scores: Mapping[str, float], *, arm: Arm = Arm.SEARCH, **fields: Any) -> Candidate:
    """A candidate that was kept, with what its re-test gave."""
    judged = evaluation(scores)
    acceptance = Acceptance(
        accepted=True,
        sentence="It beat its parent twice.",
        difference=(0.3, 0.1, 0.5),
        retest=(0.25, 0.05, 0.45),
        estimate=None if judged.score is None else judged.score - 0.05,
        task_runs=3,
    )
    return proposed(slot, Outcome.KEEP, arm=arm, evaluation=judged, acceptance=acceptance, **fields)
