"""From out-of-fold predictions to the figures of training_result.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from honing.teach.prediction.baselines import BASELINES
from honing.teach.prediction.cross_validation import OURS, WITHOUT
from honing.teach.prediction.features import FeatureTable
from honing.teach.prediction.figures import (
    classification_figures,
    order_figures,
    regression_figures,
)
from honing.teach.prediction.ranking import ranking_figures
from honing.teach.prediction.targets import CLASSES, NUMBERS, UNKNOWN, Targets
from honing.teach.snapshot import Snapshot

Json = Any

PREDICTORS = (OURS, WITHOUT, *BASELINES)
_RETESTS = {"L_local": ("leverage", "L_local_retest"), "ELP_net": ("cpt", "ELP_net_retest")}


def out_of_fold_figures(rows: Sequence[Mapping[str, Json]], *, seed: int) -> dict[str, Json]:
    """By predictor and head, how far out-of-fold predictions are right.

    Args:
        rows: Of `out_of_fold.jsonl`: `task_hash`, `true`, and each predictor's answers.
        seed: Of the bootstraps.
    """
    groups = [row["task_hash"] for row in rows]
    found: dict[str, Json] = {}
    for name in PREDICTORS:
        numbers = {
            head: regression_figures(*_pairs(rows, name, head), groups, seed=seed)
            for head in NUMBERS
            if all(head in row[name] for row in rows)
        }
        classes = {
            head: classification_figures(
                [row["true"][head] or "" for row in rows], [row[name][head] for row in rows], groups
            )
            for head in CLASSES
            if all(head in row[name] for row in rows)
        }
        found[name] = {"numbers": numbers, "classes": classes}
    return found


def true_labels(targets: Targets) -> list[dict[str, Json]]:
    """The labels of each row, for `out_of_fold.jsonl`; None where there is none."""
    n = len(targets.numbers["U"])
    return [
        {
            **{head: _plain(targets.numbers[head][row]) for head in NUMBERS},
            **{
                head: (
                    None if targets.classes[head][row] == UNKNOWN else str(labels[targets.classes[head][row]])
                )
                for head, labels in CLASSES.items()
            },
        }
        for row in range(n)
    ]


def ranking_result(
    rows: Sequence[Mapping[str, Json]],
    snapshots: Sequence[Snapshot],
    table: FeatureTable,
    *,
    k: int,
    seed: int,
) -> dict[str, Json]:
    """How well scores find the snapshots with the highest true ELP_net.

    Scores: ours out of fold (`predictor`), the same without features of uncertainty, ridge (`linear`) and
    boosting, `entropy`, a `heuristic` (unsure and stuck: entropy, repeats and steps since progress, each in
    its own spread), `random` (a constant: its expectation), `retest` (ELP_net measured again: what a perfect
    predictor of the label's truth could reach at most) and `oracle` (the label itself: 1 by construction).
    """
    kept = [
        place
        for place, row in enumerate(rows)
        if row["true"]["ELP_net"] is not None and "ELP_net" in row[OURS]
    ]
    if not kept:
        return {"k": k, "n": 0, "scores": {}, "differences": {}, "note": "no snapshot has an ELP_net"}
    payoff = [rows[place]["true"]["ELP_net"] for place in kept]
    scores = {
        "predictor": [rows[place][OURS]["ELP_net"] for place in kept],
        WITHOUT: [rows[place][WITHOUT]["ELP_net"] for place in kept],
        "linear": [rows[place]["linear"]["ELP_net"] for place in kept],
        "boosting": [rows[place]["boosting"]["ELP_net"] for place in kept],
        "entropy": [_entropy(snapshots[place]) for place in kept],
        "heuristic": _heuristic(table, kept),
        "random": [0.0] * len(kept),
        "oracle": payoff,
    }
    again = [_retest(snapshots[place], "ELP_net") for place in kept]
    if all(value is not None for value in again):
        scores["retest"] = [float(value or 0.0) for value in again]
    return ranking_figures(
        payoff,
        scores,
        [rows[place]["task_hash"] for place in kept],
        k=min(k, len(kept)),
        against={"predictor": "entropy", "entropy": "random", "linear": "entropy"},
        seed=seed,
    )


def label_reliability(snapshots: Sequence[Snapshot], *, seed: int) -> dict[str, Json]:
    """How well labels agree with themselves, measured again: about the highest R2 that any predictor of the
    label can reach is their Pearson correlation."""
    import numpy as np

    found: dict[str, Json] = {}
    for name in _RETESTS:
        pairs = [
            (first, second)
            for snapshot in snapshots
            if (second := _retest(snapshot, name)) is not None
            and (first := getattr(getattr(snapshot, _RETESTS[name][0]), name)) is not None
        ]
        order = order_figures(pairs, seed=seed)
        told = order["spearman"] is not None
        pearson = float(np.corrcoef(np.array(pairs).T)[0, 1]) if told else None
        found[name] = {"n": len(pairs), "pearson": pearson, **order}
    return found


def _pairs(rows: Sequence[Mapping[str, Json]], name: str, head: str) -> tuple[list[float], list[float]]:
    true = [math.nan if row["true"][head] is None else row["true"][head] for row in rows]
    return true, [row[name][head] for row in rows]


def _plain(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def _entropy(snapshot: Snapshot) -> float:
    return snapshot.uncertainty.entropy if snapshot.uncertainty else 0.0


def _retest(snapshot: Snapshot, name: str) -> float | None:
    part, key = _RETESTS[name]
    record = getattr(snapshot, part)
    found: float | None = getattr(record, key) if record else None
    return found


def _heuristic(table: FeatureTable, kept: Sequence[int]) -> list[float]:
    import numpy as np

    from honing.teach.prediction.features import STRUCTURAL

    total = np.zeros(len(kept))
    for name in ("entropy", "repeats", "steps_since_progress"):
        column = table.structural[list(kept), STRUCTURAL.index(name)]
        spread = float(column.std())
        total += (column - column.mean()) / spread if spread > 0 else 0.0
    found: list[float] = total.tolist()
    return found
