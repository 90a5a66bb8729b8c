"""Phase 4: can teachability be told from cheap observables? Every figure is out of fold, folds keep tasks
together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from honing.learn import stay_on_one_thread
from honing.store import digest
from honing.teach.desk import Desk
from honing.teach.phase import Phase, PhaseOutcome
from honing.teach.prediction.criteria import predictor_criteria
from honing.teach.prediction.cross_validation import FoldWork, fit_all, predict_fold
from honing.teach.prediction.embedding import embedder_named
from honing.teach.prediction.features import UNCERTAINTY, FeatureTable, feature_names, feature_table
from honing.teach.prediction.folds import grouped_folds
from honing.teach.prediction.network import NetworkOptions
from honing.teach.prediction.results import (
    label_reliability,
    out_of_fold_figures,
    ranking_result,
    true_labels,
)
from honing.teach.prediction.saved import save_predictor
from honing.teach.prediction.targets import Targets, targets_of
from honing.teach.snapshot import Snapshot
from honing.teach.training.summary import UNVALIDATED, validation_of

Json = Any

LABELS = "phase1/labeled_snapshots.jsonl"
SUCCESSES = "phase0/succeeding_snapshots.json"
FEATURES = "phase4/features.json"
RESULT = "phase4/training_result.json"
OUT_OF_FOLD = "phase4/out_of_fold.jsonl"
PREDICTOR = "phase4/predictor"


def train_predictor(desk: Desk) -> PhaseOutcome:
    """Features, folds, predictions out of fold, figures, and a final predictor fitted on everything."""
    snapshots = [each for each in desk.snapshots(LABELS) if each.split == "train" and each.uncertainty]
    table = _features(desk, snapshots)
    targets = targets_of(snapshots)
    options = network_options(desk)
    rows = _out_of_fold(desk, table, targets, options)
    result = _result(desk, snapshots, table, rows)
    criteria = predictor_criteria(result)
    stay_on_one_thread()
    network, centroids = fit_all(table, targets, options)
    save_predictor(desk.run.artifact(PREDICTOR), network, centroids, table)
    desk.run.write_jsonl(OUT_OF_FOLD, rows)
    desk.run.write_json(RESULT, {**result, "criteria": [each.as_document() for each in criteria]})
    return PhaseOutcome(
        summary=_summary(result),
        criteria=criteria,
        artifacts=(FEATURES, RESULT, OUT_OF_FOLD, PREDICTOR),
    )


def network_options(desk: Desk) -> NetworkOptions:
    """As the study asks."""
    chosen = desk.spec.predictor
    return NetworkOptions(epochs=chosen.epochs, learning_rate=chosen.learning_rate, seed=desk.spec.seed)


def _features(desk: Desk, snapshots: Sequence[Snapshot]) -> FeatureTable:
    chosen = desk.spec.predictor
    successes = desk.snapshots(SUCCESSES) if (desk.run.path / SUCCESSES).exists() else []
    embedder = embedder_named(chosen.embedder, chosen.embedding_dim)
    table = feature_table(snapshots, successes, desk.world(), embedder)
    desk.run.write_json(FEATURES, table.as_document())
    return table


def _out_of_fold(
    desk: Desk, table: FeatureTable, targets: Targets, options: NetworkOptions
) -> list[dict[str, Json]]:
    """Every snapshot as predicted by predictors that never saw its task; none where one task is all."""
    n_folds = min(desk.spec.predictor.folds, len(set(table.groups)))
    if n_folds < 2:
        return []
    folds = tuple(grouped_folds(table.groups, n_folds, seed=desk.spec.seed))
    labels = true_labels(targets)
    content = digest([table.as_document(), labels])
    works = [
        FoldWork(
            features=str(desk.run.path / FEATURES),
            labels=str(desk.run.path / LABELS),
            content=content,
            folds=folds,
            fold=fold,
            options=options,
        ).as_document()
        for fold in range(n_folds)
    ]
    predicted = {
        row["id"]: row for found in desk.map("predictor.folds", predict_fold, works) for row in found
    }
    return [
        {**predicted[name], "task_hash": group, "true": true}
        for name, group, true in zip(table.ids, table.groups, labels, strict=True)
    ]


def _result(
    desk: Desk, snapshots: Sequence[Snapshot], table: FeatureTable, rows: Sequence[Mapping[str, Json]]
) -> dict[str, Json]:
    dim, seed, validation = int(table.embeddings.shape[1]), desk.spec.seed, validation_of(desk.run)
    k = min(desk.spec.selection.budget or max(1, len(snapshots) // 4), len(snapshots))
    note = "" if rows else "fewer than two tasks: nothing can be predicted out of fold"
    return {
        "schema": 1,
        "n": len(snapshots),
        "n_tasks": len(set(table.groups)),
        "folds": len({row["fold"] for row in rows}),
        "embedder": table.embedder,
        "n_features": len(feature_names(dim)),
        "n_features_without_uncertainty": len(feature_names(dim)) - len(UNCERTAINTY),
        "options": asdict(network_options(desk)),
        "validated": validation,
        "unvalidated_because": UNVALIDATED if validation is False else "",
        "out_of_fold": out_of_fold_figures(rows, seed=seed) if rows else {},
        "label_reliability": label_reliability(snapshots, seed=seed),
        "ranking": ranking_result(rows, snapshots, table, k=k, seed=seed) if rows else {},
        "note": note,
    }


def _summary(result: Mapping[str, Json]) -> dict[str, Json]:
    figures = result["out_of_fold"].get("network", {"numbers": {}, "classes": {}})
    numbers, classes = figures["numbers"], figures["classes"]
    return {
        "snapshots": result["n"],
        "tasks": result["n_tasks"],
        "R2(U)": numbers.get("U", {}).get("r2"),
        "R2(L_local)": numbers.get("L_local", {}).get("r2"),
        "R2(ELP_net)": numbers.get("ELP_net", {}).get("r2"),
        "quadrant accuracy": classes.get("quadrant", {}).get("accuracy"),
    }


PHASE = Phase(
    name="predictor",
    doing="predict teachability from cheap observables",
    run=train_predictor,
    reads=(LABELS,),
    writes=(FEATURES, RESULT, OUT_OF_FOLD, PREDICTOR),
)
