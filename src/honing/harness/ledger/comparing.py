"""Runs of one project beside each other: paired task by task, with what cannot be compared said first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.errors import UsageError
from honing.harness.candidate import Candidate
from honing.harness.ledger.base import Ledger, final_estimate
from honing.harness.tasks.base import Evaluation
from honing.stats import Interval, Method, holm, paired_difference, paired_permutation
from honing.store import RunStatus

TaskScores = Mapping[str, tuple[float, float]]
"""Mean score and weight of each task, by id."""

COMPARE_COLUMNS = (
    "run_id",
    "run_name",
    "status",
    "backend",
    "model",
    "search_mode",
    "budget",
    "seed",
    "best_candidate_id",
    "baseline_objective",
    "best_objective",
    "best_estimate",
    "best_test_objective",
    "tasks",
    "difference",
    "difference_low",
    "difference_high",
    "difference_method",
    "better",
    "worse",
    "equal",
    "p_value",
    "p_value_holm",
    "test_tasks",
    "test_difference",
    "test_difference_low",
    "test_difference_high",
    "token_input",
    "token_output",
    "cost_usd",
    "task_runs",
    "duration_seconds",
    "remarks",
)
"""In the order of a TSV. Differences are this run's winner minus that of the first run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsComparison:
    """Several runs of one project; the first is the reference."""

    rows: tuple[Mapping[str, Any], ...]
    """One for each run, under `COMPARE_COLUMNS`."""
    by_task: tuple[Mapping[str, Any], ...]
    """One for each task: its id, weight, whether it was held out, and the winner's score by run."""
    remarks: tuple[str, ...]
    """What is not comparable, and why; what one row says of its own run is in the row."""

    def as_document(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "runs": [dict(row) for row in self.rows],
            "by_task": [dict(row) for row in self.by_task],
            "remarks": list(self.remarks),
        }


def compare_ledgers(ledgers: Sequence[Ledger]) -> RunsComparison:
    """Compare the winners of several runs of one project with that of the first.

    Raises:
        UsageError: Fewer than two runs, or runs that share no search task.
    """
    if len(ledgers) < 2:
        raise UsageError("a comparison needs two runs at least: name another one.")
    first, *others = ledgers
    rows = [_row(first, first), *(_row(each, first) for each in others)]
    if not any(row["tasks"] for row in rows[1:]):
        raise UsageError(
            f"{first.name} and {', '.join(each.name for each in others)}: no search task was scored by both, "
            "so nothing can be paired. Compare runs of the same project."
        )
    tested = [row for row in rows[1:] if row["p_value"] is not None]
    for row, adjusted in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
        row["p_value_holm"] = adjusted
    return RunsComparison(
        rows=tuple(rows),
        by_task=(*_by_task(ledgers, held_out=False), *_by_task(ledgers, held_out=True)),
        remarks=_remarks(ledgers, len(tested)),
    )


def tasks_of(candidate: Candidate) -> TaskScores:
    """The candidate's search tasks; empty where it was not evaluated."""
    return scores_of(candidate.evaluation)


def scores_of(evaluation: Evaluation | None) -> TaskScores:
    """Mean score and weight of each task that was scored."""
    if evaluation is None:
        return {}
    weights = {run.task: run.weight for run in evaluation.runs}
    return {task: (score, weights[task]) for task, score in evaluation.by_task.items()}


def weighted_difference(first: TaskScores, second: TaskScores, *, level: float = 0.95) -> Interval | None:
    """First minus second over the tasks that both have, weighted as in the score.

    The interval takes the tasks for a sample of such tasks; None where they share fewer than two.
    """
    pairs = _weighted(first, second)
    if len(pairs) < 2:
        return None
    largest = max(weight for weight, _, _ in pairs)
    return paired_difference(
        [weight * a for weight, a, _ in pairs],
        [weight * b for weight, _, b in pairs],
        bounds=(0.0, max(largest, 1.0)),
        level=level,
    )


def concluded(ledger: Ledger, name: str) -> Interval | None:
    """A difference as the end of the run found it, on fresh seeds or held-out tasks; None without one.

    Args:
        ledger: Of the run.
        name: `gain`, `control_gain`, `over_control`, `held_out_gain` or `held_out_over_control`.
    """
    found: Any = ((ledger.final or {}).get("comparisons") or {}).get(name)
    try:
        method = Method(found["method"])
        return Interval(
            found["estimate"], found["low"], found["high"], found["level"], method, found["pairs"]
        )
    except (KeyError, TypeError, ValueError):
        return None


def _weighted(first: TaskScores, second: TaskScores) -> list[tuple[float, float, float]]:
    """Weight and both scores of each shared task; weights have the mean 1, so that means are weighted
    means."""
    shared = [task for task in first if task in second]
    total = sum(first[task][1] for task in shared)
    return [(first[task][1] * len(shared) / total, first[task][0], second[task][0]) for task in shared]


def _row(ledger: Ledger, reference: Ledger) -> dict[str, Any]:
    best = ledger.best()
    facts, spend = ledger.facts, ledger.spend
    row: dict[str, Any] = {
        "run_id": ledger.run_id,
        "run_name": ledger.name,
        "status": ledger.status.value,
        "backend": facts.agent,
        "model": facts.model,
        "search_mode": facts.search,
        "budget": facts.proposals,
        "seed": facts.seed,
        "best_candidate_id": best.id if best is not None else None,
        "baseline_objective": ledger.baseline.score if ledger.baseline is not None else None,
        "best_objective": best.score if best is not None else None,
        "best_estimate": final_estimate(ledger),
        "best_test_objective": ledger.held_out_score(best),
        "token_input": spend.input_tokens,
        "token_output": spend.output_tokens,
        "cost_usd": spend.cost_usd,
        "task_runs": spend.task_runs,
        "duration_seconds": round(spend.wall_s, 4),
        "remarks": "; ".join(_own_remarks(ledger)),
        "p_value": None,
        "p_value_holm": None,
    }
    ours, theirs, tested, sealed = _sides(ledger, reference)
    row |= _paired("", ours, theirs, level=facts.level)
    row |= _flips(ours, theirs)
    row |= _paired("test_", tested, sealed, level=facts.level)
    return row


def _sides(ledger: Ledger, reference: Ledger) -> tuple[TaskScores, TaskScores, TaskScores, TaskScores]:
    """Both winners on the search tasks, then on the held-out ones; nothing where they cannot be paired."""
    best, other = ledger.best(), reference.best()
    if ledger is reference or best is None or other is None:
        return {}, {}, {}, {}
    if ledger.facts.held_out != reference.facts.held_out:
        return tasks_of(best), tasks_of(other), {}, {}
    sealed = scores_of(ledger.held_out.get(best.id)), scores_of(reference.held_out.get(other.id))
    return tasks_of(best), tasks_of(other), *sealed


def _paired(prefix: str, ours: TaskScores, theirs: TaskScores, *, level: float) -> dict[str, Any]:
    found = weighted_difference(ours, theirs, level=level)
    pairs = _weighted(ours, theirs)
    difference = sum(weight * (a - b) for weight, a, b in pairs) / len(pairs) if pairs else None
    row = {
        f"{prefix}tasks": len(pairs),
        f"{prefix}difference": difference,
        f"{prefix}difference_low": found.low if found is not None else None,
        f"{prefix}difference_high": found.high if found is not None else None,
    }
    return row if prefix else row | {"difference_method": found.method.value if found is not None else None}


def _flips(ours: TaskScores, theirs: TaskScores) -> dict[str, Any]:
    pairs = _weighted(ours, theirs)
    if not pairs:
        return {"better": None, "worse": None, "equal": None}
    test = paired_permutation([w * a for w, a, _ in pairs], [w * b for w, _, b in pairs])
    return {
        "better": sum(a > b for _, a, b in pairs),
        "worse": sum(a < b for _, a, b in pairs),
        "equal": sum(a == b for _, a, b in pairs),
        "p_value": test.p_value,
    }


def _by_task(ledgers: Sequence[Ledger], *, held_out: bool) -> list[dict[str, Any]]:
    columns: list[TaskScores] = []
    for ledger in ledgers:
        best = ledger.best()
        if best is None:
            columns.append({})
        else:
            columns.append(scores_of(ledger.held_out.get(best.id) if held_out else best.evaluation))
    weights: dict[str, float] = {}
    for scores in columns:
        for task, (_, weight) in scores.items():
            weights.setdefault(task, weight)
    return [
        {
            "task": task,
            "weight": weight,
            "held_out": held_out,
            "scores": {
                ledger.name: scores[task][0] if task in scores else None
                for ledger, scores in zip(ledgers, columns, strict=True)
            },
        }
        for task, weight in weights.items()
    ]


def _own_remarks(ledger: Ledger) -> list[str]:
    """What makes a run's own numbers weaker than they look."""
    found = []
    if ledger.status is not RunStatus.DONE:
        found.append(f"the run is {ledger.status.value}: its winner may still change")
    if ledger.baseline is None:
        found.append("its baseline is not evaluated yet")
    if ledger.unconfined:
        found.append("something of it ran unconfined")
    if ledger.damage:
        found.append(f"{len(ledger.damage)} records could not be read")
    if ledger.spend.cost_unknown:
        found.append(f"the cost of {ledger.spend.cost_unknown} proposals is unknown")
    return found


def _remarks(ledgers: Sequence[Ledger], tests: int) -> tuple[str, ...]:
    first, *others = ledgers
    found: list[str] = []
    for each in others:
        found += [f"{each.name} and {first.name}: {words}" for words in _differences(each, first)]
    if tests > 1:
        found.append(f"{tests} comparisons were made: p_value_holm is corrected for that, intervals are not")
    return tuple(found)


def _differences(ledger: Ledger, first: Ledger) -> list[str]:
    """What keeps two runs from being runs of the same thing."""
    a, b = ledger.facts, first.facts
    found = []
    if a.project != b.project:
        found.append(f"different projects ({a.project!r} and {b.project!r})")
    found += _task_differences(a.tasks, b.tasks)
    ours, theirs = ledger.baseline, first.baseline
    if ours is not None and theirs is not None and ours.tree != theirs.tree:
        found.append("they start from different baselines")
    elif ours is not None and theirs is not None and ours.score != theirs.score:
        found.append("the same baseline scored differently: the tasks are noisy, or something else changed")
    if a.proposals != b.proposals:
        found.append(f"different budgets ({a.proposals} and {b.proposals} proposals)")
    if ledger.unconfined != first.unconfined:
        found.append("only one of them was contained")
    if a.held_out != b.held_out:
        found.append("different held-out tasks, or none in one of them: those are not compared")
    if a.repeats != b.repeats:
        found.append(f"different numbers of seeds ({a.repeats} and {b.repeats})")
    return found


def _task_differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    found = []
    if alone := sorted(ours.keys() ^ theirs.keys()):
        found.append(f"tasks that only one has, left out: {', '.join(alone)}")
    if changed := sorted(task for task in ours.keys() & theirs.keys() if ours[task] != theirs[task]):
        found.append(f"tasks of the same name that judge differently: {', '.join(changed)}")
    return found
