"""What the trials of each cell come to together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.experiments.matrix.kinds.base import Ended, Failed, TrialKind, TrialOutcome
from honing.experiments.matrix.plan import Cell, Trial
from honing.stats import Interval, mean_interval, wilson

CELL_COLUMNS = (
    "planned",
    "n",
    "failed",
    "missing",
    "mean",
    "sd",
    "mean_low",
    "mean_high",
    "method",
    "over",
    "success_count",
    "success_rate",
    "success_rate_low",
    "success_rate_high",
    "success_method",
    "tokens",
    "calls",
    "cost_usd",
    "mean_duration_s",
    "outcomes",
)
"""After the cell's number and axes, before the columns of its kind. `n` trials have a number, `failed` ended
without one, `missing` have not ended; only the first count into means."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTrials:
    """The trials of one cell that have ended."""

    cell: Cell
    planned: int
    ended: Sequence[tuple[Trial, Ended]]
    """Those with a number, in the order of trials."""
    failed: Sequence[tuple[Trial, Failed]]

    @property
    def every(self) -> list[Ended | Failed]:
        return [one for _, one in self.ended] + [one for _, one in self.failed]

    @property
    def scores(self) -> list[float]:
        return [one.score for _, one in self.ended]

    @property
    def by_rows(self) -> bool:
        """Whether the rewards of single tasks say all that the scores say, so that statistics may be taken
        over tasks, of which there are more than trials."""
        values = [value for _, one in self.ended for rewards in one.rewards.values() for value in rewards]
        if not values or not all(one.rewards for _, one in self.ended):
            return False
        low, high = self.ended[0][1].bounds
        same = all(
            math.isclose(_mean([value for each in one.rewards.values() for value in each]), one.score,
                         abs_tol=_ROUNDING)
            for _, one in self.ended
        )  # fmt: skip
        pooled = math.isclose(_mean(values), _mean(self.scores), abs_tol=_ROUNDING)
        return same and pooled and all(low <= value <= high for value in values)


def cell_row(trials: CellTrials, kind: TrialKind, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row of aggregate.tsv.

    Args:
        trials: Of the cell.
        kind: Adds columns of its own.
        rows: Of trials.tsv, those of `trials.ended`.
    """
    scores = trials.scores
    found, over = _interval(trials)
    spent = [one.spent for one in trials.every]
    costs = [one.cost_usd for one in spent]
    return {
        **kind.of_cell(rows),
        "cell": trials.cell.number,
        **trials.cell.values,
        "planned": trials.planned,
        "n": len(scores),
        "failed": len(trials.failed),
        "missing": trials.planned - len(scores) - len(trials.failed),
        "mean": _mean(scores) if scores else None,
        "sd": _deviation(scores),
        **_bounds("mean", found),
        "method": None if found is None else found.method.value,
        "over": over,
        **_success(trials),
        "tokens": sum(one.tokens for one in spent),
        "calls": sum(one.calls for one in spent),
        "cost_usd": None if None in costs else math.fsum(cost for cost in costs if cost is not None),
        "mean_duration_s": round(_mean([one.duration_s for one in spent]), 4) if spent else None,
        "outcomes": _counted([one.outcome for one in trials.every]),
    }


def _interval(trials: CellTrials) -> tuple[Interval | None, str]:
    """Of the mean, and what it is taken over: tasks where their rewards are known, otherwise trials."""
    if not trials.ended:
        return None, ""
    bounds = trials.ended[0][1].bounds
    if not trials.by_rows:
        return mean_interval(trials.scores, bounds=bounds), "trials"
    labelled = [
        (task, value) for _, one in trials.ended for task, values in one.rewards.items() for value in values
    ]
    found = mean_interval(
        [value for _, value in labelled], clusters=[task for task, _ in labelled], bounds=bounds
    )
    return found, "tasks"


def _success(trials: CellTrials) -> dict[str, Any]:
    """Harness: trials that improved, of those with a score. Measurement: trials with a score, of those that
    ended."""
    ways = [one.outcome for _, one in trials.ended]
    judged = [way for way in ways if way is not TrialOutcome.SCORED]
    good = sum(way is TrialOutcome.IMPROVED for way in judged) if judged else len(ways)
    of = len(judged) if judged else len(ways) + len(trials.failed)
    found = wilson(good, of) if of else None
    return {
        "success_count": good,
        "success_rate": None if found is None else found.estimate,
        **_bounds("success_rate", found),
        "success_method": None if found is None else found.method.value,
    }


def _bounds(name: str, found: Interval | None) -> dict[str, float | None]:
    low, high = (None, None) if found is None else (found.low, found.high)
    return {f"{name}_low": low, f"{name}_high": high}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float | None:
    """Standard deviation over trials, n - 1 in the divisor; None below two."""
    if len(values) < 2:
        return None
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _counted(ways: Sequence[TrialOutcome]) -> str:
    counts = Counter(ways)
    return ", ".join(f"{counts[way]} {way.value}" for way in TrialOutcome if counts[way])
