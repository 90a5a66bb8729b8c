"""Predictors of the shelf beside ours: ridge, gradient boosting, logistic, and saying what is commonest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing.errors import MissingToolError
from honing.teach.prediction.network import Predictions, Scaling
from honing.teach.prediction.targets import CLASSES, NUMBERS, UNKNOWN, Targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BASELINES = ("commonest", "linear", "boosting")
"""mean and majority; ridge and logistic; gradient boosting for both."""


def baseline_predictions(
    training: Floats, targets: Targets, rows: Floats, *, n_embedding: int, seed: int
) -> dict[str, Predictions]:
    """What each baseline says of rows it has not seen.

    Args:
        training: Shape (N, F).
        targets: Labels of the N rows.
        rows: Shape (M, F).
        n_embedding: How many of the last columns are the embedding.
        seed: Of what the methods draw.

    Returns:
        By name of `BASELINES`. A head without labels in training is left out.

    Raises:
        MissingToolError: scikit-learn is not installed.
    """
    scaling = Scaling.fitted(training, n_embedding=n_embedding)
    first, second = scaling(training), scaling(rows)
    return {
        name: Predictions(
            numbers={
                head: found
                for head in NUMBERS
                if (found := _number(name, first, targets.numbers[head], second, seed)) is not None
            },
            classes={
                head: found
                for head in CLASSES
                if (found := _classes(name, first, targets.classes[head], second, (head, seed))) is not None
            },
        )
        for name in BASELINES
    }


def _number(name: str, training: Floats, labels: Floats, rows: Floats, seed: int) -> Floats | None:
    import numpy as np

    known = ~np.isnan(labels)
    if not known.any():
        return None
    wanted = labels[known]
    if name == "commonest" or len(set(wanted.tolist())) < 2:
        return np.full(len(rows), wanted.mean())
    linear, ensemble = _sklearn()
    # Ridge's strength is that of about one standard deviation per scaled column.
    model = linear.Ridge(alpha=10.0) if name == "linear" else _boosting(ensemble, "Regressor", seed)
    found: Floats = model.fit(training[known], wanted).predict(rows)
    return found


def _classes(name: str, training: Floats, labels: Any, rows: Floats, about: tuple[str, int]) -> Floats | None:
    import numpy as np

    head, seed = about
    known = labels != UNKNOWN
    if not known.any():
        return None
    wanted = labels[known]
    found = np.zeros((len(rows), len(CLASSES[head])))
    present = np.unique(wanted)
    if name == "commonest" or len(present) < 2:
        found[:] = np.bincount(wanted, minlength=found.shape[1]) / len(wanted)
        return found
    linear, ensemble = _sklearn()
    if name == "linear":
        model = linear.LogisticRegression(C=0.1, max_iter=1000)
    else:
        model = _boosting(ensemble, "Classifier", seed)
    found[:, present] = model.fit(training[known], wanted).predict_proba(rows)
    return found


def _boosting(ensemble: Any, kind: str, seed: int) -> Any:
    made = getattr(ensemble, f"GradientBoosting{kind}")
    return made(n_estimators=40, learning_rate=0.1, max_depth=3, max_features=0.15, random_state=seed)


def _sklearn() -> tuple[Any, Any]:
    try:
        from sklearn import ensemble, linear_model
    except ImportError as error:
        raise MissingToolError(
            "The predictor's baselines need the extra `teach`: pip install 'honing[teach]'"
        ) from error
    return linear_model, ensemble
