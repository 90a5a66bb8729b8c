"""Two runs on the same samples: which is better, by how much, and how sure one can be.

Pairs are samples with the same row and epoch that both runs judged. A failure of ours is no pair; it is
counted, never averaged.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from honing.contract.results.measured import Measured, read_measured
from honing.contract.samples.sample import Sample
from honing.errors import UsageError
from honing.stats import (
    Interval,
    bootstrap_interval,
    mcnemar_exact,
    paired_difference,
    paired_permutation,
    pairs_to_detect,
    pairs_to_detect_mean,
    smallest_difference,
    smallest_mean_difference,
)
from honing.store import Run

POWER = 0.8
"""Chance of finding a difference, where a number of pairs is given for it."""
_FEWEST_TO_RESAMPLE = 30
"""Tasks below which a bootstrap covers too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs."""

    run: str
    model: str
    label: str
    """`calibrated`, `uncalibrated` or `unverified`."""
    level: str
    score: float | None
    """Of the whole run; None where it was withheld."""
    mean: float
    """Over the pairs alone, in the metric's unit."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A pair whose rewards differ."""

    id: str
    epoch: int
    a: float
    b: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a comparison of this size can and cannot find, at a power of 0.8 and a level of 0.05."""

    unit: str
    """`pairs`, or `tasks` where each task was asked more than once."""
    needed: int | None
    """Units that the observed difference needs; None where none was observed."""
    smallest: float | None
    """Smallest true difference that this many units would find; None where nothing varies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What two runs say about each other. Differences are B minus A."""

    a: Side
    b: Side
    metric: Mapping[str, Any]
    pairs: int
    tasks: int
    """Different rows among the pairs."""
    excluded: Mapping[str, int]
    """Samples that are no pair, by reason."""
    interval: Interval
    test: str
    p_value: float
    better_a: int
    """Pairs in which A is better, in the metric's direction."""
    better_b: int
    ties: int
    reach: Reach
    flips: tuple[Flip, ...]
    warnings: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One word: `A`, `B` (the better one) or `undecided`, at a level of 0.05."""
        if self.p_value > 0.05 or self.interval.estimate == 0.0:
            return "undecided"
        return "B" if (self.interval.estimate > 0) == (self.metric["direction"] == "maximize") else "A"

    def as_document(self) -> dict[str, Any]:
        """Everything, as plain data."""
        found = self.interval
        return {
            "verdict": self.verdict,
            "a": asdict(self.a),
            "b": asdict(self.b),
            "metric": dict(self.metric),
            "pairs": self.pairs,
            "tasks": self.tasks,
            "excluded": dict(self.excluded),
            "difference": found.estimate,
            "ci95": [found.low, found.high],
            "interval_method": found.method.value,
            "test": self.test,
            "p_value": self.p_value,
            "better_a": self.better_a,
            "better_b": self.better_b,
            "ties": self.ties,
            "reach": {"power": POWER, **asdict(self.reach)},
            "flips": [asdict(flip) for flip in self.flips],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Rewards of the pairs, in order."""

    keys: tuple[tuple[str, int], ...]
    a: tuple[float, ...]
    b: tuple[float, ...]

    @property
    def ids(self) -> list[str]:
        return [row_id for row_id, _ in self.keys]

    @property
    def repeated(self) -> bool:
        return len(set(self.ids)) < len(self.keys)

    @property
    def binary(self) -> bool:
        return all(reward in (0.0, 1.0) for reward in (*self.a, *self.b))

    @property
    def differences(self) -> list[float]:
        return [y - x for x, y in zip(self.a, self.b, strict=True)]


def compare_runs(
    first: Run, second: Run, *, force: bool = False, models: tuple[str, str] = ("", "")
) -> RunComparison:
    """Compare two measurements, paired by row and epoch.

    Args:
        first: The run called A, usually the baseline.
        second: The run called B.
        force: Compare runs of unequal contracts as well; the result then says so.
        models: Which model of each, where a run measured several.

    Raises:
        UsageError: A run has no judged samples, the runs measure different things, or they share no pair.
    """
    a, b = (read_measured(run, model=model) for run, model in zip((first, second), models, strict=True))
    warnings = _agreement(a, b, force=force)
    pairs, excluded = _pair(a, b)
    metric = a.metrics["metric"]
    better, worse, ties = _wins(pairs, metric["direction"])
    low, high = metric["range"]
    # Our own rewards lie in [0, 1] and are shares of the metric's range.
    unit = high - low if a.own_scorer else 1.0
    test, p_value = _test(pairs)
    return RunComparison(
        a=_side(a, pairs.a, unit, low if a.own_scorer else 0.0),
        b=_side(b, pairs.b, unit, low if a.own_scorer else 0.0),
        metric=metric,
        pairs=len(pairs.keys),
        tasks=len(set(pairs.ids)),
        excluded=excluded,
        interval=_interval(pairs, (0.0, 1.0) if a.own_scorer else (low, high)).scaled(unit, 0.0),
        test=test,
        p_value=p_value,
        better_a=worse,
        better_b=better,
        ties=ties,
        reach=_reach(pairs, unit),
        flips=_flips(pairs),
        warnings=tuple(warnings),
    )


def _flips(pairs: _Pairs) -> tuple[Flip, ...]:
    found = zip(pairs.keys, pairs.a, pairs.b, strict=True)
    return tuple(Flip(row_id, epoch, x, y) for (row_id, epoch), x, y in found if x != y)


def _agreement(a: Measured, b: Measured, *, force: bool) -> list[str]:
    """What a reader must know about how alike the runs are.

    Raises:
        UsageError: They measure different things.
    """
    if a.metrics["metric"] != b.metrics["metric"]:
        raise UsageError(
            f"{a.name} and {b.name} declare different metrics ({_metric(a)} and {_metric(b)}): their numbers "
            "cannot be subtracted."
        )
    warnings = [
        f"{side.name} is {side.metrics['label']}: {side.metrics['reason'] or 'its controls did not hold'}"
        for side in (a, b)
        if side.metrics["label"] != "calibrated"
    ]
    ours, theirs = _by_key(a), _by_key(b)
    shared = [key for key in ours if key in theirs]
    golds = [key for key in shared if ours[key].target != theirs[key].target]
    if golds:
        raise UsageError(
            f"sample {golds[0][0]!r} has another right answer in {b.name} than in {a.name} ({len(golds)} of "
            f"{len(shared)}): the data differ, so these are no pairs."
        )
    prompts = [key for key in shared if ours[key].prompt != theirs[key].prompt]
    if a.metrics["contract_hash"] != b.metrics["contract_hash"]:
        unequal = "the contracts differ: the difference is between two ways to measure as well"
    elif prompts:
        unequal = f"{len(prompts)} of {len(shared)} prompts differ, for example of sample {prompts[0][0]!r}"
    elif a.tree != b.tree:
        return [*warnings, "the targets differ in some file; contract, prompts and right answers are equal"]
    else:
        return warnings
    if not force:
        raise UsageError(
            f"{a.name} and {b.name} did not measure the same: {unequal}. Measure both with one contract, or "
            "give --force to compare them all the same."
        )
    return [*warnings, f"forced: {unequal}"]


def _by_key(side: Measured) -> dict[tuple[str, int], Sample]:
    return {(sample.id, sample.epoch): sample for sample in side.samples}


def _metric(side: Measured) -> str:
    metric = side.metrics["metric"]
    return f"{metric['name']}, {metric['direction']}, {metric['range']}"


def _pair(a: Measured, b: Measured) -> tuple[_Pairs, dict[str, int]]:
    """The pairs, and how many samples are none, by reason.

    Raises:
        UsageError: There is none.
    """
    excluded: Counter[str] = Counter()
    keys = []
    ours, theirs = _by_key(a), _by_key(b)
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key), theirs.get(key)
        if one is None or other is None:
            excluded["only in B" if one is None else "only in A"] += 1
        elif one.judged and other.judged:
            keys.append(key)
        else:
            for name, sample in (("A", one), ("B", other)):
                if not sample.judged:
                    excluded[f"{sample.status.value} in {name}"] += 1
    if not keys:
        why = ", ".join(f"{count} {reason}" for reason, count in excluded.items()) or "there are no samples"
        raise UsageError(f"{a.name} and {b.name} share no judged sample: {why}.")
    rewards_a = tuple(float(ours[key].reward or 0.0) for key in keys)
    rewards_b = tuple(float(theirs[key].reward or 0.0) for key in keys)
    return _Pairs(tuple(keys), rewards_a, rewards_b), dict(excluded)


def _side(side: Measured, rewards: Sequence[float], unit: float, low: float) -> Side:
    metrics = side.metrics
    return Side(
        run=side.name,
        model=metrics["model"],
        label=metrics["label"],
        level=metrics["level"],
        score=metrics["score"],
        mean=low + unit * math.fsum(rewards) / len(rewards),
    )


def _wins(pairs: _Pairs, direction: str) -> tuple[int, int, int]:
    """Pairs in which B is better, worse, equal."""
    sign = 1 if direction == "maximize" else -1
    up = sum(sign * difference > 0 for difference in pairs.differences)
    down = sum(sign * difference < 0 for difference in pairs.differences)
    return up, down, len(pairs.keys) - up - down


def _interval(pairs: _Pairs, limits: Sequence[float]) -> Interval:
    """B minus A: Newcombe's for right and wrong, clustered where rows repeat, else a bootstrap of the pairs;
    for few pairs the interval that covers better.
    """
    clusters = pairs.ids if pairs.repeated else None
    if pairs.binary or len(set(pairs.ids)) < _FEWEST_TO_RESAMPLE or len(set(pairs.differences)) == 1:
        low, high = (0.0, 1.0) if pairs.binary else limits
        fits = all(low <= reward <= high for reward in (*pairs.a, *pairs.b))
        return paired_difference(pairs.b, pairs.a, clusters=clusters, bounds=(low, high) if fits else None)
    return bootstrap_interval(pairs.differences, _mean, clusters=clusters)


def _mean(rows: Any) -> float:
    return float(rows.mean())


def _test(pairs: _Pairs) -> tuple[str, float]:
    if pairs.binary and not pairs.repeated:
        up, down, _ = _wins(pairs, "maximize")
        return "McNemar, exact", mcnemar_exact(up, down)
    clusters = pairs.ids if pairs.repeated else None
    found = paired_permutation(pairs.b, pairs.a, clusters=clusters)
    how = "exact" if found.exact else f"{found.arrangements} draws"
    unit = ", whole tasks flipped" if pairs.repeated else ""
    return f"paired permutation ({how}{unit})", found.p_value


def _reach(pairs: _Pairs, unit: float) -> Reach:
    """Power: of McNemar's test for right and wrong, of a t test over tasks otherwise."""
    if not pairs.binary or pairs.repeated:
        return _mean_reach(pairs, unit)
    n = len(pairs.keys)
    up, down, _ = _wins(pairs, "maximize")
    smallest = smallest_difference(n, (up + down) / n, power=POWER)
    return Reach(unit="pairs", needed=_pairs_needed(pairs), smallest=unit * smallest)


def _pairs_needed(pairs: _Pairs) -> int | None:
    n = len(pairs.keys)
    mean_a, mean_b = math.fsum(pairs.a) / n, math.fsum(pairs.b) / n
    if mean_a == mean_b:
        return None
    both = sum(x == y == 1.0 for x, y in zip(pairs.a, pairs.b, strict=True)) / n
    spread = math.sqrt(mean_a * (1 - mean_a) * mean_b * (1 - mean_b))
    if spread == 0.0:
        # One side is always right or always wrong: every difference is of one sign.
        return _mean_reach(pairs, 1.0).needed
    return pairs_to_detect(mean_a, mean_b, correlation=(both - mean_a * mean_b) / spread, power=POWER)


def _mean_reach(pairs: _Pairs, scale: float) -> Reach:
    by_task: dict[str, list[float]] = {}
    for row_id, difference in zip(pairs.ids, pairs.differences, strict=True):
        by_task.setdefault(row_id, []).append(difference)
    means = [math.fsum(values) / len(values) for values in by_task.values()]
    unit = "tasks" if pairs.repeated else "pairs"
    centre = math.fsum(means) / len(means)
    squares = math.fsum((value - centre) ** 2 for value in means)
    deviation = math.sqrt(squares / (len(means) - 1)) if len(means) > 1 else 0.0
    if deviation == 0.0:
        return Reach(unit=unit, needed=None, smallest=None)
    needed = pairs_to_detect_mean(centre, deviation, power=POWER) if centre else None
    smallest = smallest_mean_difference(len(means), deviation, power=POWER)
    return Reach(unit=unit, needed=needed, smallest=None if smallest is None else scale * smallest)
