"""Phase 1, quadrants: uncertainty against actionability, with how sure each assignment is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Any

from honing.teach.desk import Desk
from honing.teach.labels.rows import LABELED, LABELED_LIST, keep_labels, with_part
from honing.teach.labels.thresholds import PLOTS, write_threshold_plots
from honing.teach.phase import Criterion, Phase, PhaseOutcome
from honing.teach.snapshot import Leverage, Quadrant, Snapshot
from honing.teach.study_spec import QuadrantSpec

Json = Any

THRESHOLDS = "phase1/quadrant_thresholds_auto.json"
QUANTILES = f"{PLOTS}/quantiles.json"
NO_THRESHOLDS = "no training snapshot has both U and leverage, so nothing says what is high"
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What counts as high: above."""

    U: float
    L: float
    chosen_U: bool = False
    """Whether it was given; the median of the training snapshots otherwise."""
    chosen_L: bool = False


def assign_quadrants(desk: Desk) -> PhaseOutcome:
    """Put every snapshot that has U and L into its quadrant."""
    spec = desk.spec.quadrants
    snapshots = desk.snapshots(LABELED)
    thresholds = thresholds_of(snapshots, spec)
    done = [in_quadrant(each, thresholds, spec.min_probability) for each in snapshots]
    written = [*keep_labels(desk, done), THRESHOLDS]
    desk.run.write_json(THRESHOLDS, _document(desk, done, thresholds))
    plots = write_threshold_plots(done, desk.run.artifact(PLOTS), thresholds=_pair(thresholds))
    written += [f"{PLOTS}/{path.name}" for path in plots]
    counts = counts_of(done, "train", drop_abstained=spec.drop_abstained)
    return PhaseOutcome(
        summary={
            "U_threshold": None if thresholds is None else thresholds.U,
            "L_threshold": None if thresholds is None else thresholds.L,
            **counts,
            "abstain": sum(each.abstain for each in done),
            "without": sum(each.quadrant is None for each in done),
        },
        criteria=(enough(counts, spec.min_per_quadrant),),
        artifacts=tuple(written),
    )


def thresholds_of(snapshots: Sequence[Snapshot], spec: QuadrantSpec) -> Thresholds | None:
    """Medians over the training snapshots that have both labels, unless they are given; None where there is
    no such snapshot and one is not given."""
    both = [
        (each.U, each.leverage.L_local)
        for each in snapshots
        if each.split == "train" and each.U is not None and each.leverage is not None
    ]
    if not both and (spec.U_threshold is None or spec.L_threshold is None):
        return None
    return Thresholds(
        U=median(u for u, _ in both) if spec.U_threshold is None else spec.U_threshold,
        L=median(local for _, local in both) if spec.L_threshold is None else spec.L_threshold,
        chosen_U=spec.U_threshold is not None,
        chosen_L=spec.L_threshold is not None,
    )


def in_quadrant(snapshot: Snapshot, thresholds: Thresholds | None, min_probability: float) -> Snapshot:
    """A snapshot with its quadrant, or with the reason why it has none.

    Args:
        snapshot: With U and leverage.
        thresholds: What counts as high; None where nothing does.
        min_probability: Below it the snapshot abstains.
    """
    lacking = [name for name, found in (("U", snapshot.U), ("leverage", snapshot.leverage)) if found is None]
    if lacking or thresholds is None or snapshot.U is None or snapshot.leverage is None:
        why = f"it has no {' and no '.join(lacking)}" if lacking else NO_THRESHOLDS
        return with_part(snapshot, "quadrant", None, missing=why, quadrant_probability=None, abstain=False)
    high_u = snapshot.U > thresholds.U
    found = probabilities(high_u, chance_of_high_leverage(snapshot.leverage, thresholds.L))
    quadrant = _QUADRANTS[high_u, snapshot.leverage.L_local > thresholds.L]
    return with_part(
        snapshot,
        "quadrant",
        quadrant,
        quadrant_probability=found,
        abstain=max(found.values()) < min_probability,
    )


_QUADRANTS = {
    (True, True): Quadrant.Q1,
    (True, False): Quadrant.Q2,
    (False, False): Quadrant.Q3,
    (False, True): Quadrant.Q4,
}


def probabilities(high_u: bool, high_l: float) -> dict[Quadrant, float]:  # noqa: FBT001 - an axis, not a flag
    """P(quadrant). U has no sampling noise for a fixed student, so only two quadrants are possible.

    Args:
        high_u: Whether U is above its threshold.
        high_l: Probability that the true L_local is above its threshold.
    """
    found = dict.fromkeys(Quadrant, 0.0)
    found[_QUADRANTS[high_u, True]] = high_l
    found[_QUADRANTS[high_u, False]] = 1.0 - high_l
    return found


def chance_of_high_leverage(leverage: Leverage, threshold: float) -> float:
    """Probability that the true L_local lies above a threshold.

    Each side of the 95% interval is taken for 1.96 standard errors of a normal distribution on that side;
    where the interval has no width on the side of the threshold, the estimate decides.
    """
    gap = leverage.L_local - threshold
    reach = leverage.L_local - leverage.L_local_low if gap > 0 else leverage.L_local_high - leverage.L_local
    if reach <= 0:
        return float(gap > 0)
    return NormalDist().cdf(_Z * gap / reach)


def counts_of(snapshots: Sequence[Snapshot], split: str, *, drop_abstained: bool = False) -> dict[str, int]:
    """Snapshots of a split in each quadrant, without those that abstain where they are dropped."""
    found = Counter(
        each.quadrant
        for each in snapshots
        if each.split == split and each.quadrant is not None and not (drop_abstained and each.abstain)
    )
    return {quadrant.value: found[quadrant] for quadrant in Quadrant}


def enough(counts: dict[str, int], needed: int) -> Criterion:
    """Whether every quadrant has enough training snapshots."""
    fewest = min(counts, key=lambda name: counts[name])
    return Criterion(
        name="quadrant_counts",
        sentence=f"Every quadrant holds at least {needed} training snapshots.",
        value=float(counts[fewest]),
        n=sum(counts.values()),
        met=counts[fewest] >= needed,
        note=f"{fewest} has the fewest. If they are too few, collect more episodes (--n-tasks).",
    )


def _pair(thresholds: Thresholds | None) -> tuple[float, float] | None:
    return None if thresholds is None else (thresholds.U, thresholds.L)


def _document(desk: Desk, done: Sequence[Snapshot], thresholds: Thresholds | None) -> dict[str, Json]:
    spec = desk.spec.quadrants
    used = None
    if thresholds is not None:
        used = {
            "U": {"threshold": thresholds.U, "how": "given" if thresholds.chosen_U else "median"},
            "L_local": {"threshold": thresholds.L, "how": "given" if thresholds.chosen_L else "median"},
        }
    return {
        "measure": desk.spec.uncertainty.measure,
        "thresholds": used,
        "counts": {split: counts_of(done, split) for split in ("train", "panel")},
        "abstain": {
            split: sum(each.abstain for each in done if each.split == split) for split in ("train", "panel")
        },
        "min_probability": spec.min_probability,
        "drop_abstained": spec.drop_abstained,
        "mean_probability": _mean_probability(done),
        "note": (
            "U has no sampling noise for a fixed student; P(quadrant) comes from the interval of L_local."
        ),
    }


def _mean_probability(snapshots: Sequence[Snapshot]) -> float | None:
    """Of the quadrants that were assigned: how often they are right, if the intervals are."""
    found = [
        each.quadrant_probability[each.quadrant]
        for each in snapshots
        if each.quadrant is not None and each.quadrant_probability is not None
    ]
    return math.fsum(found) / len(found) if found else None


PHASE = Phase(
    name="quadrants",
    doing="put snapshots into quadrants",
    run=assign_quadrants,
    reads=(LABELED,),
    writes=(LABELED, LABELED_LIST, THRESHOLDS, QUANTILES),
)
