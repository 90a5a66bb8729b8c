"""How sure a score is."""

from __future__ import annotations

from dataclasses import replace

from honing.harness.tasks.base import Evaluation
from honing.stats import Interval, mean_interval


def score_interval(evaluation: Evaluation, *, level: float) -> Interval | None:
    """Interval of a candidate's score for tasks like these: seeds of one task are no further tasks.

    Args:
        evaluation: Complete.
        level: Two-sided confidence.

    Returns:
        None where not all was scored, or there is one task alone, which says nothing about how much tasks
        differ.
    """
    by_task = evaluation.by_task
    if evaluation.score is None or len(by_task) < 2:
        return None
    weights = {run.task: run.weight for run in evaluation.runs}
    mean = sum(weights.values()) / len(weights)
    scales = [weights[task] / mean for task in by_task]
    widest = max(scales)
    values = [scale * value for scale, value in zip(scales, by_task.values(), strict=True)]
    found = mean_interval(values, bounds=(0.0, widest), level=level)
    # The interval knows each task's weight and not that they sum to one: no score is above 1.
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))
