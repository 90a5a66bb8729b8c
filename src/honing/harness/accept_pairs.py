"""Two evaluations side by side: the same tasks under the same seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from honing.harness.tasks.base import Evaluation, TaskRun
from honing.stats import Interval, paired_difference

ROUNDING = 1e-9
"""Differences of this size are sums taken in another order, not gains."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One task under one seed, in both evaluations."""

    task: str
    seed: int
    share: float
    """Its part in the weighted score; the shares of all pairs sum to one."""
    first: float
    second: float


def pairs(first: Evaluation, second: Evaluation) -> list[Pair]:
    """Runs that both made under the same seed, in the order of the first.

    Raises:
        ValueError: The two share no scored run, so nothing can be compared.
    """
    other = {(run.task, run.seed): run.score.score for run in second.runs}
    found = [
        (run, run.score.score, score)
        for run in first.runs
        if (score := other.get((run.task, run.seed))) is not None and run.score.score is not None
    ]
    if not found:
        raise ValueError(
            "first, second: a paired comparison needs the same tasks and seeds, the two share none of them."
        )
    shares = _shares([run for run, _, _ in found])
    return [Pair(run.task, run.seed, share, a, b) for (run, a, b), share in zip(found, shares, strict=True)]


def difference(found: Sequence[Pair]) -> float:
    """Weighted mean of first minus second; exactly 0.0 where nothing but rounding differs."""
    value = sum(pair.share * (pair.first - pair.second) for pair in found)
    return 0.0 if abs(value) < ROUNDING else value


def mean_first(found: Sequence[Pair]) -> float:
    """Weighted mean of the first of each pair."""
    return sum(pair.share * pair.first for pair in found)


def interval(found: Sequence[Pair], *, level: float) -> Interval:
    """Interval of the weighted difference, for tasks like these: seeds of one task are no further tasks.

    Args:
        found: From `pairs`.
        level: Two-sided confidence.
    """
    n = len(found)
    # A mean of scores scaled so is the weighted mean: the intervals of honing.stats weigh all values alike.
    scales = [n * pair.share for pair in found]
    widest = max(scales)
    if max(scales) - min(scales) < ROUNDING:
        scales, widest = [1.0] * n, 1.0
    return paired_difference(
        [scale * pair.first for scale, pair in zip(scales, found, strict=True)],
        [scale * pair.second for scale, pair in zip(scales, found, strict=True)],
        clusters=[pair.task for pair in found],
        bounds=(0.0, widest),
        level=level,
    )


def planned_shares(runs: Iterable[TaskRun]) -> dict[tuple[str, int], float]:
    """The part of each run in the weighted score of the evaluation that holds all of them."""
    listed = list(runs)
    return {(run.task, run.seed): share for run, share in zip(listed, _shares(listed), strict=True)}


def _shares(runs: Sequence[TaskRun]) -> list[float]:
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.task] = counts.get(run.task, 0) + 1
    total = sum({run.task: run.weight for run in runs}.values())
    return [run.weight / counts[run.task] / total for run in runs]
