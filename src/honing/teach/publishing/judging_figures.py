"""Figures of phases 1B, 4 and 5: do the labels foretell what training gives, and can they be foretold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.stats import mean_interval
from honing.store import Dots, Estimate, Figure, Lines, Point, Series
from honing.teach.desk import read_rows
from honing.teach.verdicts.artifacts import CORRELATION, PREDICTION, SELECTION, document

Json = Any

_RESULTS = "phase1b/micro_training_results.json"
_AGREEMENT = (
    ("rho", "ELP_net with the gain"),
    ("partial_given_L_local", "the same, given L_local"),
    ("rho_L_local", "L_local with the gain"),
    ("rho_U", "U with the gain"),
    ("reliability_gain", "halves of the gain"),
)
_HEADS = ("U", "L_local", "L_upper", "ELP_net")
_PREDICTORS = ("network", "network_without_uncertainty", "linear", "boosting")


def cpt_validation(folder: Path) -> Figure | None:
    """Mean gain of training on one snapshot at each value of its ELP, in every setting."""
    path = folder / _RESULTS
    rows = [row for row in read_rows(path) if row["ELP_net"] is not None] if path.is_file() else []
    settings = sorted({(row["n_steps"], row["learning_rate"], row["setting"]) for row in rows})
    series = [
        _gain_by_payoff([row for row in rows if row["setting"] == label], label) for *_, label in settings
    ]
    if not any(each.points for each in series):
        return None
    return Lines(
        title="Gain of micro-training by what the patch test foretold",
        series=tuple(each for each in series if each.points),
        x_label="ELP_net",
        y_label="mean gain from the same snapshot",
        caption="Bands are 95% intervals of the mean.",
    )


def _gain_by_payoff(rows: Sequence[Mapping[str, Json]], label: str) -> Series:
    gains: dict[float, list[float]] = {}
    for row in rows:
        if row["same"] is not None:
            gains.setdefault(row["ELP_net"], []).append(row["same"]["gain"])
    points = []
    for payoff, found in sorted(gains.items()):
        interval = mean_interval(found, bounds=(-1.0, 1.0))
        points.append(Point(x=payoff, y=interval.estimate, low=interval.low, high=interval.high))
    return Series(name=label, points=tuple(points))


def cpt_agreement(folder: Path) -> Figure | None:
    """Rank correlations of each setting, with what bounds them."""
    found = document(folder, CORRELATION)
    if found is None:
        return None
    dots = [
        Estimate(
            label=f"{setting}: {words}",
            value=figure["estimate"],
            low=figure["low"],
            high=figure["high"],
            group=setting,
        )
        for setting, figures in in_order(found["settings"])
        for key, words in _AGREEMENT
        if (figure := figures["same"].get(key)) is not None
    ]
    if not dots:
        return None
    return Dots(
        title="Does the patch test foretell the gain of training?",
        dots=tuple(dots),
        reference=0.0,
        unit="Spearman's rho, 95% interval",
        caption="Nothing can agree with the gain better than the gain agrees with itself.",
    )


def predictor_quality(folder: Path) -> Figure | None:
    """R2 of every head, out of fold."""
    found = document(folder, PREDICTION)
    dots = [
        Estimate(
            label=f"{head}: {name.replace('_', ' ')}",
            value=figures["r2"],
            low=figures.get("r2_low"),
            high=figures.get("r2_high"),
            group=head,
        )
        for head in _HEADS
        for name in _PREDICTORS
        if (figures := _numbers(found, name, head)) and figures["r2"] is not None
    ]
    if not dots:
        return None
    return Dots(
        title="How well labels can be foretold",
        dots=tuple(dots),
        reference=0.0,
        unit="R2, out of fold",
        caption="0 is what saying the mean gives.",
    )


def predictor_ranking(folder: Path) -> Figure | None:
    """NDCG and precision of every score."""
    found = document(folder, PREDICTION) or {}
    ranking = found.get("ranking") or {}
    dots = [
        Estimate(label=f"{name}: {measure}", value=figures[measure], group=measure)
        for measure in ("ndcg", "precision")
        for name, figures in ranking.get("scores", {}).items()
    ]
    if not dots:
        return None
    return Dots(
        title=f"Finding what pays: the best {ranking['k']} of {ranking['n']}",
        dots=tuple(dots),
        unit="NDCG@k, Precision@k",
        caption="`random` is its expectation; `retest` is the label measured again.",
    )


def selection(folder: Path) -> Figure | None:
    """Gain of each way to choose, at equal budget."""
    found = document(folder, SELECTION)
    if found is None:
        return None
    dots = [_gain(name, row["gain"]) for name, row in found["methods"].items() if row["gain"] is not None]
    if not dots:
        return None
    return Dots(
        title=f"Which {found['budget']} of {found['pool']} snapshots to train on",
        dots=tuple(dots),
        reference=0.0,
        unit="gain on held-out tasks (greedy)",
    )


def in_order(settings: Mapping[str, Mapping[str, Json]]) -> list[tuple[str, Mapping[str, Json]]]:
    """Settings of micro-training, the weakest first."""
    return sorted(settings.items(), key=lambda each: (each[1]["n_steps"], each[1]["learning_rate"], each[0]))


def _gain(name: str, figure: Mapping[str, Json]) -> Estimate:
    return Estimate(label=name, value=figure["estimate"], low=figure["low"], high=figure["high"])


def _numbers(found: Mapping[str, Json] | None, name: str, head: str) -> Mapping[str, Json]:
    rows: Mapping[str, Json] = (found or {}).get("out_of_fold", {})
    figures: Mapping[str, Json] = rows.get(name, {}).get("numbers", {}).get(head, {})
    return figures
