"""Cells compared in pairs, trial by trial: the same target, the same seeds, one axis changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from honing.experiments.matrix.kinds.base import Ended, TrialKind
from honing.experiments.matrix.results.aggregate import CellTrials
from honing.experiments.paired import Change, Direction, paired_change

DIFFERENCE_COLUMNS = (
    "axis",
    "a",
    "b",
    "cell_a",
    "cell_b",
    "mean_a",
    "mean_b",
    "difference",
    "low",
    "high",
    "direction",
    "over",
    "tasks",
    "pairs",
    "gained",
    "lost",
    "unpaired",
)
"""`difference` is b minus a. `direction` says which is better, in the metric's own sense. Intervals are 95%
each, not corrected for how many there are."""
_TURNED = {
    Direction.BETTER: Direction.WORSE,
    Direction.WORSE: Direction.BETTER,
    Direction.UNDECIDED: Direction.UNDECIDED,
}


def difference_rows(cells: Sequence[CellTrials], kind: TrialKind) -> list[dict[str, Any]]:
    """One row for every two cells that differ in one compared axis and share seeds of finished trials."""
    found = []
    for a, b in combinations(cells, 2):
        differing = [axis for axis, value in a.cell.values.items() if b.cell.values[axis] != value]
        if len(differing) != 1 or differing[0] not in kind.compared:
            continue
        shared = _shared(a, b)
        if shared:
            found.append(_row(differing[0], a, b, shared))
    return found


def _shared(a: CellTrials, b: CellTrials) -> list[tuple[int, Ended, Ended]]:
    """Finished trials of both by their seed."""
    others = {trial.seed: one for trial, one in b.ended}
    return [(trial.seed, one, others[trial.seed]) for trial, one in a.ended if trial.seed in others]


def _row(
    axis: str, a: CellTrials, b: CellTrials, shared: Sequence[tuple[int, Ended, Ended]]
) -> dict[str, Any]:
    by_rows = (
        a.by_rows and b.by_rows and any(set(one.rewards) & set(other.rewards) for _, one, other in shared)
    )
    change = _by_tasks(shared) if by_rows else _by_trials(shared)
    direction = change.direction if shared[0][1].rising else _TURNED[change.direction]
    return {
        "axis": axis,
        "a": a.cell.values[axis],
        "b": b.cell.values[axis],
        "cell_a": a.cell.number,
        "cell_b": b.cell.number,
        "mean_a": change.before,
        "mean_b": change.after,
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
        "direction": direction.value,
        "over": "tasks" if by_rows else "trials",
        "tasks": change.tasks,
        "pairs": change.pairs,
        "gained": change.gained,
        "lost": change.lost,
        "unpaired": change.unpaired,
    }


def _by_tasks(shared: Sequence[tuple[int, Ended, Ended]]) -> Change:
    """Each task with itself under the same seed; a task that only one trial of the two asked has no pair."""
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for _, one, other in shared:
        for task in one.rewards.keys() & other.rewards.keys():
            first, second = one.rewards[task], other.rewards[task]
            count = min(len(first), len(second))
            before.setdefault(task, []).extend(first[:count])
            after.setdefault(task, []).extend(second[:count])
    # In the order of names, not of a set: sums come out the same in every process.
    names = sorted(before)
    return paired_change(
        {name: before[name] for name in names},
        {name: after[name] for name in names},
        bounds=shared[0][1].bounds,
    )


def _by_trials(shared: Sequence[tuple[int, Ended, Ended]]) -> Change:
    return paired_change(
        {f"seed {seed}": [one.score] for seed, one, _ in shared},
        {f"seed {seed}": [other.score] for seed, _, other in shared},
        bounds=shared[0][1].bounds,
    )
