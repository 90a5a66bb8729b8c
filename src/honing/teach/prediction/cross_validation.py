"""Predictions of snapshots by predictors that never saw their tasks: one fold is one unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.learn import stay_on_one_thread
from honing.store import parse_json
from honing.teach.desk import read_snapshots
from honing.teach.prediction.baselines import baseline_predictions
from honing.teach.prediction.features import FeatureTable
from honing.teach.prediction.fitting import train_network
from honing.teach.prediction.network import Network, NetworkOptions, Predictions
from honing.teach.prediction.targets import CLASSES, NUMBERS, Targets, targets_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Json = Any

OURS = "network"
"""The multi-task predictor with every feature: the one that decides."""
WITHOUT = "network_without_uncertainty"
"""The same without the measures of uncertainty among its features."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldWork:
    """One fold, as the input of a unit: files are named, and their content by digests."""

    features: str
    """Path of the feature table."""
    labels: str
    """Path of the labelled snapshots."""
    content: str
    """Digest of both, so that other content is other work."""
    folds: tuple[int, ...]
    """Fold of each row of the feature table."""
    fold: int
    """The one that is left out and predicted."""
    options: NetworkOptions

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {**asdict(self), "folds": list(self.folds)}

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> FoldWork:
        """The work that `as_document` wrote."""
        return cls(
            **{
                **document,
                "folds": tuple(document["folds"]),
                "options": NetworkOptions(**document["options"]),
            }
        )


def predict_fold(document: Mapping[str, Json]) -> list[Json]:
    """One unit: fit on the other folds, predict this one.

    Returns:
        One row per snapshot of the fold: `id`, `fold`, and by predictor its answers (`as_answers`).
    """
    work = FoldWork.from_document(document)
    stay_on_one_thread()
    table, targets = read_table(Path(work.features), Path(work.labels))
    training = [row for row, fold in enumerate(work.folds) if fold != work.fold]
    left_out = [row for row, fold in enumerate(work.folds) if fold == work.fold]
    answers = fold_predictions(table, targets, training, left_out, work.options)
    listed = {name: as_answers(found) for name, found in answers.items()}
    return [
        {
            "id": table.ids[row],
            "fold": work.fold,
            **{name: rows[place] for name, rows in listed.items()},
        }
        for place, row in enumerate(left_out)
    ]


def fold_predictions(
    table: FeatureTable,
    targets: Targets,
    training: Sequence[int],
    left_out: Sequence[int],
    options: NetworkOptions,
) -> dict[str, Predictions]:
    """What every predictor says of the rows left out, fitted on the training rows."""
    dim = table.embeddings.shape[1]
    labels, centroids = targets.rows(training), table.centroids(training)
    groups = [table.groups[row] for row in training]
    found = {}
    for name, uncertainty in ((OURS, True), (WITHOUT, False)):
        design = table.design(centroids, uncertainty=uncertainty)
        network = train_network(design[list(training)], labels, groups, options, n_embedding=dim)
        found[name] = network.predict(design[list(left_out)])
    design = table.design(centroids)
    found |= baseline_predictions(
        design[list(training)], labels, design[list(left_out)], n_embedding=dim, seed=options.seed
    )
    return found


def fit_all(table: FeatureTable, targets: Targets, options: NetworkOptions) -> tuple[Network, Any]:
    """The final predictor, on every row, and the centroids that its features need."""
    everything = range(len(table.ids))
    centroids = table.centroids(everything)
    dim = table.embeddings.shape[1]
    network = train_network(table.design(centroids), targets, table.groups, options, n_embedding=dim)
    return network, centroids


def read_table(features: Path, labels: Path) -> tuple[FeatureTable, Targets]:
    """The feature table of a run and the labels of its rows."""
    document = parse_json(features.read_bytes(), where=str(features))
    table = FeatureTable.from_document(document)
    by_id = {snapshot.id: snapshot for snapshot in read_snapshots(labels)}
    return table, targets_of([by_id[name] for name in table.ids])


def as_answers(found: Predictions) -> list[dict[str, Json]]:
    """One row per snapshot: head -> number, or head -> class -> probability."""
    n = len(next(iter([*found.numbers.values(), *found.classes.values()])))
    return [
        {
            **{
                head: round(float(found.numbers[head][row]), _DECIMALS)
                for head in NUMBERS
                if head in found.numbers
            },
            **{
                head: {
                    label: round(float(p), _DECIMALS)
                    for label, p in zip(labels, found.classes[head][row], strict=True)
                }
                for head, labels in CLASSES.items()
                if head in found.classes
            },
        }
        for row in range(n)
    ]
