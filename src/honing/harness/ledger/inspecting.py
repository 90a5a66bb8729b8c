"""One run, or one candidate of it, in full: what `hone harness inspect` and the report show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from honing.errors import StoreError, UsageError
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.candidate_document import candidate_document
from honing.harness.ledger.base import Ledger, sandboxes
from honing.harness.ledger.document import progress_of
from honing.harness.ledger.rows import ledger_rows, observed_of
from honing.store import TREES, RunStatus, TreeStore

_RESUMABLE = frozenset({RunStatus.STOPPED, RunStatus.EXHAUSTED, RunStatus.INTERRUPTED, RunStatus.FAILED})


def run_details(ledger: Ledger) -> dict[str, Any]:
    """Project, agent, budget, arms, winner, what the end found, what was spent, and warnings; plain data."""
    best = ledger.best()
    return {
        "run_id": ledger.run_id,
        "run_name": ledger.name,
        "run_dir": str(ledger.path),
        "status": ledger.status.value,
        "reason": ledger.reason,
        **asdict(ledger.facts),
        "sandboxes": sorted({name for each in ledger.candidates for name in sandboxes(each)}),
        "unconfined": ledger.unconfined,
        "baseline_objective": ledger.baseline.score if ledger.baseline is not None else None,
        "best_candidate_id": best.id if best is not None else None,
        "improved": ledger.improved,
        "progress": progress_of(ledger),
        "estimate": (ledger.final or {}).get("estimate"),
        "comparisons": (ledger.final or {}).get("comparisons"),
        "held_out_scores": {name: judged.score for name, judged in ledger.held_out.items()},
        "attribution": ledger.attribution,
        "spend": asdict(ledger.spend),
        "warnings": warnings_of(ledger),
    }


def candidate_details(ledger: Ledger, name: str) -> dict[str, Any]:
    """Everything about one candidate, its diff to its first parent included; plain data.

    Raises:
        UsageError: The ledger holds no such candidate.
    """
    candidate = find_candidate(ledger, name)
    parent = parent_of(ledger, candidate)
    row = next(row for row in ledger_rows(ledger) if row["candidate_id"] == candidate.id)
    diff, problem = diff_of(ledger, candidate)
    return {
        "row": row,
        "candidate": candidate_document(candidate),
        "children": [each.id for each in ledger.candidates if candidate.id in each.parents],
        "tasks": _tasks(ledger, candidate, parent),
        "predictions": dict(observed_of(candidate, parent)),
        "diff": diff,
        "diff_problem": problem,
    }


def find_candidate(ledger: Ledger, name: str) -> Candidate:
    """The candidate of this id, or the one that is meant by `best`, `baseline` or `control`.

    Raises:
        UsageError: The ledger holds no such candidate; the text names those that come near.
    """
    meant = {"best": ledger.best(), "baseline": ledger.baseline, "control": ledger.best(Arm.CONTROL)}.get(
        name
    )
    found = meant or next((each for each in ledger.candidates if each.id == name), None)
    if found is not None:
        return found
    known = [each.id for each in ledger.candidates]
    near = get_close_matches(name, known, n=3, cutoff=0.3) or known[:3]
    under_way = " It is under way." if name in ledger.running else ""
    raise UsageError(
        f"{ledger.name} has no candidate {name!r} yet.{under_way} It has {len(known)}, such as "
        f"{', '.join(near) or 'none'}; `hone harness ledger {ledger.name}` lists them."
    )


def parent_of(ledger: Ledger, candidate: Candidate) -> Candidate | None:
    """The candidate it was made from; None for the baseline, or where the parent's row is damaged."""
    first = candidate.parents[0] if candidate.parents else ""
    return next((each for each in ledger.candidates if each.id == first), None)


def diff_of(ledger: Ledger, candidate: Candidate) -> tuple[str, str]:
    """What it changed in its first parent, as a unified diff, and an empty text; or nothing and why."""
    parent = parent_of(ledger, candidate)
    if candidate.tree is None or parent is None or parent.tree is None:
        return "", "" if candidate.outcome is Outcome.BASELINE else "there is no tree to compare"
    try:
        return TreeStore(ledger.path.parent / TREES).diff(parent.tree, candidate.tree).unified(), ""
    except StoreError as error:
        return "", str(error)


def warnings_of(ledger: Ledger) -> list[str]:
    """What a reader of this run's numbers has to know first, one sentence each."""
    found = list(ledger.damage)
    if ledger.unconfined:
        names = [each.id for each in ledger.candidates if "unconfined" in sandboxes(each)]
        found.append(f"No sandbox contained {_counted(names)}: what ran there could reach its judge.")
    if ledger.status in _RESUMABLE:
        found.append(
            f"The run is {ledger.status.value}: `hone harness resume {ledger.name}` goes on where it ended."
        )
    elif ledger.status is RunStatus.RUNNING:
        found.append("The run is not finished: what leads may still change.")
    found += unjudged_of(ledger)
    best = ledger.best()
    if ledger.final is not None and not ledger.improved and best is not ledger.baseline and best is not None:
        found.append(f"On fresh seeds {best.id} does not beat the baseline: what it was kept for was luck.")
    counts = ledger.counts()
    for outcome, words in (
        (Outcome.TAMPERED, "tried to reach their judge"),
        (Outcome.INFRA_ERROR, "failed because of us, which says nothing about them"),
    ):
        names = [each.id for each in ledger.candidates if each.outcome is outcome]
        if counts[outcome]:
            found.append(f"{_counted(names)} {words}.")
    if not ledger.facts.control:
        found.append("There is no control arm: nothing says whether plain sampling would have done as well.")
    if not ledger.facts.held_out_tasks:
        found.append("There are no held-out tasks: the gain is on tasks that the agent was shown.")
    if ledger.spend.cost_unknown:
        found.append(f"What {ledger.spend.cost_unknown} proposals cost is unknown; the sum leaves them out.")
    return found


def unjudged_of(ledger: Ledger) -> list[str]:
    """What the last look could not judge and why, one sentence each."""
    looks = (("the search tasks, on fresh seeds", ledger.fresh), ("the held-out tasks", ledger.held_out))
    found = []
    for what, judged in looks:
        lost = {name: each for name, each in judged.items() if each.score is None}
        if lost:
            why = next(iter(lost.values())).stopped or "not every task was scored"
            found.append(f"{_counted(list(lost))} got no score on {what}: {why}.")
    return found


def _counted(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _tasks(ledger: Ledger, candidate: Candidate, parent: Candidate | None) -> list[dict[str, Any]]:
    """Each task's mean score, the parent's, and what the last run that was not perfect said."""
    if candidate.evaluation is None:
        return []
    before: Mapping[str, float] = {}
    if parent is not None and parent.evaluation is not None:
        before = parent.evaluation.by_task
    after = candidate.evaluation.by_task
    found = []
    for task in dict.fromkeys(run.task for run in candidate.evaluation.runs):
        runs = [run for run in candidate.evaluation.runs if run.task == task]
        told = next((run for run in runs if run.score.score != 1.0), runs[0])
        found.append(
            {
                "task": task,
                "weight": told.weight,
                "score": after.get(task),
                "parent": before.get(task),
                "seeds": len(runs),
                "status": told.score.status.value,
                "reason": told.score.reason,
                "checks": dict(told.score.checks),
                "log": told.score.log,
                "sandbox": told.score.sandbox,
            }
        )
    return found
