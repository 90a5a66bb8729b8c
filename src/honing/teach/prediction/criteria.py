"""What the predictor should reach, as the study's plan puts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.teach.phase import Criterion
from honing.teach.prediction.cross_validation import OURS, WITHOUT

Json = Any

R2_U, R2_L, ACCURACY = 0.6, 0.5, 0.7


def predictor_criteria(result: Mapping[str, Json]) -> tuple[Criterion, ...]:
    """The criteria of phase 4.

    The plan's R2(U) is that of the predictor with every feature, measures of uncertainty among them, so it is
    nearly given; the one without them stands beside it and decides nothing.

    Args:
        result: As `training_result.json` holds it.
    """
    figures, note = result["out_of_fold"], result["note"]
    ours, without = (figures.get(name, {"numbers": {}, "classes": {}}) for name in (OURS, WITHOUT))
    return (
        _least(
            "predictor_r2_U", "R2 of uncertainty U, out of fold,", R2_U, ours["numbers"].get("U"), note=note
        ),
        _least(
            "predictor_r2_U_without",
            "R2 of U by features without any measure of uncertainty",
            R2_U,
            without["numbers"].get("U"),
            note=note,
            decides=False,
        ),
        _least(
            "predictor_r2_L",
            "R2 of leverage L_local, out of fold,",
            R2_L,
            ours["numbers"].get("L_local"),
            note=note,
        ),
        _least(
            "predictor_r2_L_upper",
            "R2 of L_upper, out of fold,",
            R2_L,
            ours["numbers"].get("L_upper"),
            note=note,
            decides=False,
        ),
        _least(
            "predictor_quadrant_accuracy",
            "Accuracy of the quadrant, out of fold,",
            ACCURACY,
            ours["classes"].get("quadrant"),
            key="accuracy",
            note=note,
        ),
        *(_beats(result, metric) for metric in ("ndcg", "precision")),
    )


def _least(
    name: str,
    what: str,
    threshold: float,
    figures: Mapping[str, Json] | None,
    *,
    key: str = "r2",
    decides: bool = True,
    note: str = "",
) -> Criterion:
    found = (figures or {}).get(key)
    return Criterion(
        name=name,
        sentence=f"{what} is above {threshold}.",
        value=found,
        low=(figures or {}).get(f"{key}_low"),
        high=(figures or {}).get(f"{key}_high"),
        n=(figures or {}).get("n"),
        met=None if found is None else found > threshold,
        decides=decides,
        note="" if found is not None else note or (figures or {}).get("note", "the label was not measured"),
    )


def _beats(result: Mapping[str, Json], metric: str) -> Criterion:
    ranking = result["ranking"]
    found = ranking.get("differences", {}).get("predictor-entropy", {}).get(metric)
    name = {"ndcg": "NDCG", "precision": "Precision"}[metric]
    k = ranking.get("k")
    value, low = (found["estimate"], found["low"]) if found else (None, None)
    note = ranking.get("note", result["note"]) if found is None else ""
    if value is not None and low is not None and low <= 0 < value:
        note = "above entropy, but the interval includes 0"
    return Criterion(
        name=f"predictor_{metric}_over_entropy",
        sentence=f"{name}@{k} for true ELP_net: predicted ELP is above entropy (interval above 0).",
        value=value,
        low=low,
        high=found["high"] if found else None,
        n=found["n"] if found else None,
        met=None if low is None else low > 0,
        note=note,
    )
