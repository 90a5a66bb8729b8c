"""The predictor itself: one trunk, one head per label. Trained with torch, asked with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from honing.errors import MissingToolError, TrainingError
from honing.teach.prediction.targets import CLASSES, NUMBERS, UNKNOWN, Targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Weights = Mapping[str, Floats]

_HEADS = {**dict.fromkeys(NUMBERS, 1), **{name: len(labels) for name, labels in CLASSES.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """How the predictor is fitted."""

    hidden: int = 64
    """Width of both layers of the trunk."""
    epochs: int = 30
    """Passes over the rows."""
    learning_rate: float = 1e-3
    batch_size: int = 16
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
    scaling: Scaling
    centre: Mapping[str, tuple[float, float]]
    """Mean and spread of each numeric label in training."""
    fitted: tuple[str, ...]
    """Heads for which training had labels."""

    def predict(self, rows: Floats) -> Predictions:
        """What it says of rows of shape (N, F), for the heads it was fitted for."""
        trunk = self.scaling(rows)
        for layer in ("first", "second"):
            trunk = _gelu(trunk @ self.weights[f"{layer}.weight"] + self.weights[f"{layer}.bias"])
        answers = {
            head: trunk @ self.weights[f"{head}.weight"] + self.weights[f"{head}.bias"]
            for head in self.fitted
        }
        return Predictions(
            numbers={
                head: answers[head][:, 0] * self.centre[head][1] + self.centre[head][0]
                for head in NUMBERS
                if head in answers
            },
            classes={head: _softmax(answers[head]) for head in CLASSES if head in answers},
        )


def train_network(rows: Floats, targets: Targets, options: NetworkOptions, *, n_embedding: int) -> Network:
    """Fit all heads on one trunk: squared errors of numbers in their own spread, cross-entropies of classes,
    each head's loss over the rows that have its label, all heads alike.

    Args:
        rows: Shape (N, F).
        targets: Labels of the N rows; some may be missing.
        options: How.
        n_embedding: How many of the last columns are the embedding.

    Raises:
        MissingToolError: torch is not installed.
        TrainingError: No row has any label, or the loss is not finite.
    """
    import numpy as np

    centre = _centres(targets)
    fitted = tuple(
        head
        for head in _HEADS
        if head in centre or (head in CLASSES and (targets.classes[head] != UNKNOWN).any())
    )
    if not fitted:
        raise TrainingError("The predictor has no labels to learn from. Run leverage and cpt first.")
    scaling = Scaling.fitted(rows, n_embedding=n_embedding)
    draws = np.random.default_rng(options.seed)
    start = _initial(rows.shape[1], options.hidden, fitted, draws)
    weights = _descend(start, scaling(rows), _scaled(targets, centre), fitted, options)
    return Network(weights=weights, scaling=scaling, centre=centre, fitted=fitted)


def _descend(
    start: Weights, rows: Floats, targets: Targets, fitted: tuple[str, ...], options: NetworkOptions
) -> dict[str, Floats]:
    import numpy as np

    torch = _torch()
    draws = np.random.default_rng([options.seed, 1])
    weights = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in start.items()
    }
    optimiser = torch.optim.AdamW(
        weights.values(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    seen = torch.tensor(rows, dtype=torch.float64)
    for epoch in range(options.epochs):
        order = draws.permutation(len(rows))
        for first in range(0, len(rows), options.batch_size):
            batch = order[first : first + options.batch_size]
            masks = [
                torch.tensor(
                    (draws.random((len(batch), options.hidden)) >= options.dropout) / (1 - options.dropout)
                )
                for _ in range(2)
            ]
            answers = _forward(torch, weights, seen[batch], masks, fitted)
            loss = _loss(torch, answers, targets.rows(batch))
            if loss is None:
                continue
            if not bool(torch.isfinite(loss)):
                raise TrainingError(
                    f"The predictor's loss is not finite in epoch {epoch + 1}. Lower predictor.learning_rate "
                    f"(now {options.learning_rate})."
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return {name: value.detach().numpy().copy() for name, value in weights.items()}


def _forward(torch: Any, weights: Mapping[str, Any], rows: Any, masks: Any, fitted: tuple[str, ...]) -> Any:
    trunk = rows
    for layer, mask in zip(("first", "second"), masks, strict=True):
        reached = trunk @ weights[f"{layer}.weight"] + weights[f"{layer}.bias"]
        trunk = torch.nn.functional.gelu(reached, approximate="tanh") * mask
    return {head: trunk @ weights[f"{head}.weight"] + weights[f"{head}.bias"] for head in fitted}


def _loss(torch: Any, answers: Mapping[str, Any], targets: Targets) -> Any:
    """Sum of the heads' mean losses; None where no row of the batch has a label."""
    import numpy as np

    parts = []
    for head, answer in answers.items():
        if head in CLASSES:
            known = targets.classes[head] != UNKNOWN
            wanted = torch.tensor(targets.classes[head][known])
            part = torch.nn.functional.cross_entropy(answer[known], wanted) if known.any() else None
        else:
            known = ~np.isnan(targets.numbers[head])
            wanted = torch.tensor(targets.numbers[head][known])
            part = ((answer[known, 0] - wanted) ** 2).mean() if known.any() else None
        if part is not None:
            parts.append(part)
    return sum(parts[1:], parts[0]) if parts else None


def _centres(targets: Targets) -> dict[str, tuple[float, float]]:
    """Mean and spread of each numeric label that there is."""
    import numpy as np

    found = {}
    for head in NUMBERS:
        known = targets.numbers[head][~np.isnan(targets.numbers[head])]
        if len(known):
            found[head] = (float(known.mean()), float(known.std()) or 1.0)
    return found


def _scaled(targets: Targets, centre: Mapping[str, tuple[float, float]]) -> Targets:
    numbers = {
        head: (values - centre[head][0]) / centre[head][1] if head in centre else values
        for head, values in targets.numbers.items()
    }
    return Targets(numbers=numbers, classes=targets.classes)


def _initial(width: int, hidden: int, fitted: tuple[str, ...], draws: Any) -> dict[str, Floats]:
    """Weights of variance 2 / inputs in the trunk (He and others 2015), heads at zero."""
    import numpy as np

    found: dict[str, Floats] = {}
    for layer, inputs in (("first", width), ("second", hidden)):
        found[f"{layer}.weight"] = draws.normal(0.0, np.sqrt(2.0 / inputs), (inputs, hidden))
        found[f"{layer}.bias"] = np.zeros(hidden)
    for head in fitted:
        found[f"{head}.weight"] = np.zeros((hidden, _HEADS[head]))
        found[f"{head}.bias"] = np.zeros(_HEADS[head])
    return found


def _gelu(values: Floats) -> Floats:
    """The form with tanh (Hendrycks and Gimpel 2016), as in training."""
    import numpy as np

    inner = np.sqrt(2.0 / np.pi) * (values + 0.044715 * values**3)
    found: Floats = 0.5 * values * (1.0 + np.tanh(inner))
    return found


def _softmax(values: Floats) -> Floats:
    import numpy as np

    powers = np.exp(values - values.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingToolError(
            "The predictor needs the extra `teach`: pip install 'honing[teach]'"
        ) from error
    return torch
