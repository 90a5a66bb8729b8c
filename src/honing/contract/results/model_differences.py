"""Several models on the same samples: how far apart they are, pair by pair, and how sure one can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from honing.contract.samples.sample import Sample
from honing.contract.spec import ContractSpec
from honing.stats import holm, mcnemar_exact, paired_difference, paired_permutation

_FEWEST = 2
"""Pairs below which nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One pair of models. Differences are B minus A, in the unit of the samples' rewards."""

    a: str
    b: str
    pairs: int
    """Samples of the same row and epoch that were judged for both."""
    difference: float
    ci95: tuple[float, float]
    interval_method: str
    p_value: float
    """Of no difference: McNemar's exact test of right and wrong, else a permutation of signs by task."""
    p_holm: float
    """Corrected for the number of pairs of models (Holm)."""

    def as_document(self) -> dict[str, Any]:
        return {**asdict(self), "ci95": list(self.ci95)}


def reward_width(contract: ContractSpec) -> float:
    """What one whole reward is worth in the metric's unit: Honing's own scorers give shares of its range."""
    low, high = contract.metric.range
    return 1.0 if contract.stages.target_judges else high - low


def differences(models: Sequence[tuple[str, Sequence[Sample]]], *, width: float = 1.0) -> list[Difference]:
    """Every pair of models, compared on the samples that both have.

    Args:
        models: Name and judged samples of each, in the order in which they were measured.
        width: What one whole reward is worth in the metric's unit.

    Returns:
        One entry per pair that shares at least two samples, in the models' order.
    """
    found = [
        one
        for (a, first), (b, second) in combinations(models, 2)
        if (one := _difference(a, first, b, second, width)) is not None
    ]
    corrected = holm([one.p_value for one in found]) if found else []
    return [
        Difference(**{**_fields(one), "p_holm": p_holm}) for one, p_holm in zip(found, corrected, strict=True)
    ]


def _fields(one: Difference) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Difference.__slots__}


def _difference(
    a: str, first: Sequence[Sample], b: str, second: Sequence[Sample], width: float
) -> Difference | None:
    left = {one.key: one for one in first if one.judged}
    right = {one.key: one for one in second if one.judged}
    keys = [key for key in left if key in right]
    if len(keys) < _FEWEST:
        return None
    x = [float(left[key].reward or 0.0) for key in keys]
    y = [float(right[key].reward or 0.0) for key in keys]
    ids = [left[key].id for key in keys]
    repeated = len(set(ids)) < len(ids)
    interval = paired_difference(y, x, clusters=ids if repeated else None)
    p_value = _p_value(x, y, ids, repeated=repeated)
    return Difference(
        a=a,
        b=b,
        pairs=len(keys),
        difference=width * interval.estimate,
        ci95=(width * interval.low, width * interval.high),
        interval_method=interval.method.value,
        p_value=p_value,
        p_holm=p_value,
    )


def _p_value(x: Sequence[float], y: Sequence[float], ids: Sequence[str], *, repeated: bool) -> float:
    if not repeated and {*x, *y} <= {0.0, 1.0}:
        return mcnemar_exact(
            sum(i > j for i, j in zip(x, y, strict=True)), sum(j > i for i, j in zip(x, y, strict=True))
        )
    return paired_permutation(y, x, clusters=ids if repeated else None).p_value
