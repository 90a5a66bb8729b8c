"""The predictor itself: one trunk, one head per label, asked with plain arrays. `fitting.py` trains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from honing.teach.prediction.targets import CLASSES, NUMBERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Weights = Mapping[str, Floats]

HEADS: Mapping[str, slice] = {
    **{name: slice(place, place + 1) for place, name in enumerate(NUMBERS)},
    "quadrant": slice(len(NUMBERS), len(NUMBERS) + 4),
    "route": slice(len(NUMBERS) + 4, len(NUMBERS) + 7),
}
"""Columns of the trunk's answers that belong to each head."""
N_ANSWERS = len(NUMBERS) + sum(len(labels) for labels in CLASSES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """How the predictor is fitted."""

    hidden: int = 64
    """Width of both layers of the trunk."""
    epochs: int = 30
    """Passes over the rows, at most: the pass after which rows held back were predicted best is the last."""
    learning_rate: float = 1e-3
    steps_per_epoch: int = 16
    """Into so many batches a pass is cut, for as long as a batch has 8 to 32 rows: few rows need small
    ones."""
    weight_decay: float = 1e-2
    dropout: float = 0.2
    """Part of the trunk's units that are silent in a training step."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Columns to mean 0 and variance 1, as seen in training. The embedding's coordinates are scaled together,
    so that many of them weigh no more than the few others."""

    mean: Floats
    """Shape (F,)."""
    spread: Floats
    """Shape (F,), never 0."""

    @classmethod
    def fitted(cls, rows: Floats, *, n_embedding: int) -> Scaling:
        """Of training rows, whose last `n_embedding` columns are the embedding."""
        import numpy as np

        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        if n_embedding:
            block = float(np.sqrt((spread[-n_embedding:] ** 2).sum()))
            others = max(1, rows.shape[1] - n_embedding)
            spread[-n_embedding:] = block / np.sqrt(others)
        return cls(mean=mean, spread=np.where(spread > 1e-9, spread, 1.0))

    def __call__(self, rows: Floats) -> Floats:
        return (rows - self.mean) / self.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What the heads say of N rows."""

    numbers: Mapping[str, Floats]
    """By head, shape (N,)."""
    classes: Mapping[str, Floats]
    """By head, probabilities, shape (N, classes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A fitted predictor. Plain arrays: asking it needs no torch."""

    weights: Weights
    """`first`, `second` and `heads`, each with a bias in its last row."""
    scaling: Scaling
    centre: Mapping[str, tuple[float, float]]
    """Mean and spread of each numeric label in training; of heads that had labels."""
    prior: Mapping[str, Floats]
    """Share of each class in training; of heads that had labels."""
    trust: Mapping[str, float]
    """By head, in [0, 1]: how far its answers may leave the mean or the shares seen in training, as learned
    from rows held back."""
    epochs: int
    """Passes it was trained for."""

    @property
    def fitted(self) -> tuple[str, ...]:
        """Heads for which training had labels."""
        return tuple(head for head in HEADS if head in self.centre or head in self.prior)

    def predict(self, rows: Floats) -> Predictions:
        """What it says of rows of shape (N, F), for the heads it was fitted for."""
        answers = answered(self.weights, self.scaling(rows))
        numbers, classes = {}, {}
        for head in self.fitted:
            found = answers[:, HEADS[head]]
            if head in self.centre:
                mean, spread = self.centre[head]
                numbers[head] = mean + self.trust[head] * spread * found[:, 0]
            else:
                classes[head] = mixed(softmax(found), self.prior[head], self.trust[head])
        return Predictions(numbers=numbers, classes=classes)


def answered(weights: Weights, scaled: Floats) -> Floats:
    """Answers of all heads for scaled rows, shape (N, N_ANSWERS): numbers in their own spread, logits."""
    trunk = scaled
    for layer in ("first", "second"):
        trunk = _gelu(trunk @ weights[layer][:-1] + weights[layer][-1])
    found: Floats = trunk @ weights["heads"][:-1] + weights["heads"][-1]
    return found


def mixed(probabilities: Floats, prior: Floats, trust: float) -> Floats:
    """Probabilities drawn towards the shares of the classes."""
    return trust * probabilities + (1.0 - trust) * prior


def softmax(values: Floats) -> Floats:
    """Rows of logits as probabilities."""
    import numpy as np

    powers = np.exp(values - values.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def _gelu(values: Floats) -> Floats:
    """The form with tanh (Hendrycks and Gimpel 2016), as in training."""
    import numpy as np

    inner = np.sqrt(2.0 / np.pi) * (values + 0.044715 * values**3)
    found: Floats = 0.5 * values * (1.0 + np.tanh(inner))
    return found
