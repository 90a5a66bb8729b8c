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

from honing.contract.outputs import METRICS, SAMPLES
from honing.contract.samples import Sample, sample_from_row
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
from honing.store import Run, parse_json

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
    """Mean reward over the pairs alone."""


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
class _Read:
    """A run as a comparison sees it."""

    name: str
    metrics: Mapping[str, Any]
    samples: Mapping[tuple[str, int], Sample]
    tree: str


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


def compare_runs(first: Run, second: Run, *, force: bool = False) -> RunComparison:
    """Compare two measurements, paired by row and epoch.

    Args:
        first: The run called A, usually the baseline.
        second: The run called B.
        force: Compare runs of unequal contracts as well; the result then says so.

    Raises:
        UsageError: A run has no judged samples, the runs measure different things, or they share no pair.
    """
    a, b = _read(first), _read(second)
    warnings = _agreement(a, b, force=force)
    pairs, excluded = _pair(a, b)
    better, worse, ties = _wins(pairs, a.metrics["metric"]["direction"])
    test, p_value = _test(pairs)
    interval = _interval(pairs, a.metrics["metric"]["range"])
    return RunComparison(
        a=_side(a, pairs.a),
        b=_side(b, pairs.b),
        metric=a.metrics["metric"],
        pairs=len(pairs.keys),
        tasks=len(set(pairs.ids)),
        excluded=excluded,
        interval=interval,
        test=test,
        p_value=p_value,
        better_a=worse,
        better_b=better,
        ties=ties,
        reach=_reach(pairs),
        flips=tuple(
            Flip(row_id, epoch, x, y)
            for (row_id, epoch), x, y in zip(pairs.keys, pairs.a, pairs.b, strict=True)
            if x != y
        ),
        warnings=tuple(warnings),
    )


def _read(run: Run) -> _Read:
    missing = [name for name in (METRICS, SAMPLES) if not (run.path / name).is_file()]
    if missing:
        raise UsageError(
            f"{run.path.name} holds no {missing[0]}: its evaluation did not end. `hone runs resume "
            f"{run.path.name}` goes on with it."
        )
    lines = (run.path / SAMPLES).read_bytes().splitlines()
    samples = [sample_from_row(parse_json(line, where=SAMPLES)) for line in lines]
    return _Read(
        run.path.name,
        run.read_json(METRICS),
        {(sample.id, sample.epoch): sample for sample in samples},
        str(run.config.get("tree", "")),
    )


def _agreement(a: _Read, b: _Read, *, force: bool) -> list[str]:
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
    shared = [key for key in a.samples if key in b.samples]
    golds = [key for key in shared if a.samples[key].target != b.samples[key].target]
    if golds:
        raise UsageError(
            f"sample {golds[0][0]!r} has another right answer in {b.name} than in {a.name} ({len(golds)} of "
            f"{len(shared)}): the data differ, so these are no pairs."
        )
    prompts = [key for key in shared if a.samples[key].prompt != b.samples[key].prompt]
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


def _metric(side: _Read) -> str:
    metric = side.metrics["metric"]
    return f"{metric['name']}, {metric['direction']}, {metric['range']}"


def _pair(a: _Read, b: _Read) -> tuple[_Pairs, dict[str, int]]:
    """The pairs, and how many samples are none, by reason.

    Raises:
        UsageError: There is none.
    """
    excluded: Counter[str] = Counter()
    keys = []
    for key in sorted({*a.samples, *b.samples}):
        one, other = a.samples.get(key), b.samples.get(key)
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
    rewards_a = tuple(float(a.samples[key].reward or 0.0) for key in keys)
    rewards_b = tuple(float(b.samples[key].reward or 0.0) for key in keys)
    return _Pairs(tuple(keys), rewards_a, rewards_b), dict(excluded)


def _side(side: _Read, rewards: Sequence[float]) -> Side:
    metrics = side.metrics
    return Side(
        run=side.name,
        model=metrics["model"],
        label=metrics["label"],
        level=metrics["level"],
        score=metrics["score"],
        mean=math.fsum(rewards) / len(rewards),
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


def _reach(pairs: _Pairs) -> Reach:
    """Power: of McNemar's test for right and wrong, of a t test over tasks otherwise."""
    if not pairs.binary or pairs.repeated:
        return _mean_reach(pairs)
    n = len(pairs.keys)
    up, down, _ = _wins(pairs, "maximize")
    smallest = smallest_difference(n, (up + down) / n, power=POWER)
    return Reach(unit="pairs", needed=_pairs_needed(pairs), smallest=smallest)


def _pairs_needed(pairs: _Pairs) -> int | None:
    n = len(pairs.keys)
    mean_a, mean_b = math.fsum(pairs.a) / n, math.fsum(pairs.b) / n
    if mean_a == mean_b:
        return None
    both = sum(x == y == 1.0 for x, y in zip(pairs.a, pairs.b, strict=True)) / n
    spread = math.sqrt(mean_a * (1 - mean_a) * mean_b * (1 - mean_b))
    if spread == 0.0:
        # One side is always right or always wrong: every difference is of one sign.
        return _mean_reach(pairs).needed
    return pairs_to_detect(mean_a, mean_b, correlation=(both - mean_a * mean_b) / spread, power=POWER)


def _mean_reach(pairs: _Pairs) -> Reach:
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
    return Reach(unit=unit, needed=needed, smallest=smallest)
