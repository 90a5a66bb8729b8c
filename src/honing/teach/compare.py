"""Two experiments side by side: how the labels of their snapshots are distributed (`hone teach compare A B`).

Snapshots of one task are not independent, so intervals are clustered and the permutation test moves whole
tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from honing.errors import StudyError
from honing.stats import Interval, holm, mean_interval, mover
from honing.teach.snapshot import Quadrant, Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = Any
Reading = Callable[[Snapshot], float | None]

_RESAMPLES = 1999
_TIE = 1e-9
"""Two distances this near are one; rounding is far smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One label that is compared."""

    name: str
    read: Reading
    bounds: tuple[float, float] | None = None
    """Smallest and largest possible value, where there are such."""


MEASURES: tuple[Measure, ...] = (
    Measure(name="U", read=lambda one: one.U),
    Measure(
        name="L_local",
        read=lambda one: None if one.leverage is None else one.leverage.L_local,
        bounds=(-1.0, 1.0),
    ),
    Measure(
        name="ELP_net", read=lambda one: None if one.cpt is None else one.cpt.ELP_net, bounds=(-1.0, 1.0)
    ),
)


@dataclass(frozen=True, slots=True)
class _Values:
    """One label in one experiment."""

    values: tuple[float, ...]
    tasks: tuple[str, ...]
    """The task of each value."""


def compare_labels(
    a: Sequence[Snapshot], b: Sequence[Snapshot], *, names: tuple[str, str] = ("A", "B"), seed: int = 0
) -> dict[str, Json]:
    """How the labels of two sets of snapshots differ.

    For each of U, L_local and ELP_net: mean and quartiles on both sides, the difference of the means (the
    first minus the second) with its 95% interval, and the greatest distance between the two distribution
    functions (Kolmogorov and Smirnov's statistic) with a p-value from permuting tasks between the sides,
    also after Holm's correction. For each quadrant: the shares and their difference.

    Args:
        a: Snapshots of the first experiment, labelled.
        b: Of the second.
        names: What the sides are called.
        seed: Of the permutations.

    Raises:
        StudyError: A side has no snapshots, or both have one name.
    """
    if not a or not b:
        raise StudyError(f"{names[0 if not a else 1]} has no snapshots; label some first.")
    if names[0] == names[1]:
        raise StudyError(f"Both sides are called {names[0]!r}; call one otherwise.")
    measures = {measure.name: _measure(measure, a, b, names, seed) for measure in MEASURES}
    _correct(measures)
    return {
        "names": list(names),
        "n": {names[0]: len(a), names[1]: len(b)},
        "tasks": {
            name: len({one.task_hash for one in side}) for name, side in zip(names, (a, b), strict=True)
        },
        "measures": measures,
        "quadrants": {quadrant.value: _quadrant(quadrant, a, b, names) for quadrant in Quadrant},
    }


def _measure(
    measure: Measure, a: Sequence[Snapshot], b: Sequence[Snapshot], names: tuple[str, str], seed: int
) -> dict[str, Json]:
    first, second = _values(a, measure.read), _values(b, measure.read)
    found: dict[str, Json] = {names[0]: _described(first), names[1]: _described(second)}
    intervals = [_mean(side, measure.bounds) for side in (first, second)]
    if intervals[0] is None or intervals[1] is None:
        return {**found, "difference": None, "distance": None, "p_value": None, "p_holm": None}
    distance, p_value = distribution_test(
        (first.values, first.tasks), (second.values, second.tasks), seed=seed
    )
    difference = mover(intervals[0], intervals[1])
    return {**found, "difference": _interval(difference), "distance": distance, "p_value": p_value}


def _values(side: Sequence[Snapshot], read: Reading) -> _Values:
    pairs = [(value, one.task_hash) for one in side if (value := read(one)) is not None]
    return _Values(tuple(value for value, _ in pairs), tuple(task for _, task in pairs))


def _described(side: _Values) -> dict[str, Json]:
    import numpy as np

    if not side.values:
        return {"n": 0, "mean": None, "quartiles": None}
    low, middle, high = (float(value) for value in np.quantile(side.values, (0.25, 0.5, 0.75)))
    return {
        "n": len(side.values),
        "mean": float(np.mean(side.values)),
        "quartiles": [low, middle, high],
    }


def _mean(side: _Values, bounds: tuple[float, float] | None) -> Interval | None:
    """The mean's interval; None where there are too few values for one."""
    try:
        return mean_interval(side.values, clusters=side.tasks, bounds=bounds)
    except ValueError:
        return None


def _interval(interval: Interval) -> dict[str, Json]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _quadrant(
    quadrant: Quadrant, a: Sequence[Snapshot], b: Sequence[Snapshot], names: tuple[str, str]
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    shares = []
    for name, side in zip(names, (a, b), strict=True):
        given = _values(side, lambda one: None if one.quadrant is None else float(one.quadrant == quadrant))
        share = _mean(given, (0.0, 1.0))
        shares.append(share)
        found[name] = None if share is None else {**_interval(share), "n": len(given.values)}
    first, second = shares
    known = first is not None and second is not None
    return {**found, "difference": _interval(mover(first, second)) if known else None}  # type: ignore[arg-type]


def distribution_test(
    a: tuple[Sequence[float], Sequence[str]],
    b: tuple[Sequence[float], Sequence[str]],
    *,
    seed: int,
    resamples: int = _RESAMPLES,
) -> tuple[float, float]:
    """The greatest distance of two distribution functions, and how often chance makes one as great.

    Args:
        a: Values, and the task of each; tasks change sides as a whole.
        b: The same of the other side. A task that is on both sides counts as two.
        seed: Of the permutations.
        resamples: How many.

    Returns:
        Distance in [0, 1], and the p-value, (1 + as great) / (1 + resamples).
    """
    import numpy as np

    values = np.array([*a[0], *b[0]], dtype=float)
    labels = [*((0, task) for task in a[1]), *((1, task) for task in b[1])]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    task_of = np.array([numbers[label] for label in labels])
    order = np.argsort(values, kind="stable")
    ends = np.append(np.diff(values[order]) > 0, True)
    sides = np.array([side for side, _ in numbers])
    rng = np.random.default_rng(seed)
    observed = _distance(sides[task_of][order], ends)
    as_great = sum(
        _distance(rng.permutation(sides)[task_of][order], ends) >= observed - _TIE for _ in range(resamples)
    )
    return observed, (1 + as_great) / (1 + resamples)


def _distance(sides: NDArray[np.int64], ends: NDArray[np.bool_]) -> float:
    """Greatest difference of the two distribution functions, at the last of every run of equal values.

    Args:
        sides: 0 or 1 per value, by size of the value, shape (n,).
        ends: Whether a value is the last of its equals, shape (n,).
    """
    second = sides.cumsum()
    first = (1 - sides).cumsum()
    if not first[-1] or not second[-1]:
        return 0.0
    return float(abs(first / first[-1] - second / second[-1])[ends].max())


def _correct(measures: Mapping[str, dict[str, Json]]) -> None:
    """Add p-values after Holm's correction over the labels that could be tested."""
    tested = [found for found in measures.values() if found["p_value"] is not None]
    for found, p_value in zip(tested, holm([found["p_value"] for found in tested]), strict=True):
        found["p_holm"] = p_value
