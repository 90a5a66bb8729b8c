"""Fitting the predictor with torch.

Part of the rows is held back first, to learn how long to train and how far to trust each head; then
everything is fitted anew for that long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from honing.errors import MissingToolError, TrainingError
from honing.teach.prediction.folds import grouped_folds
from honing.teach.prediction.network import (
    HEADS,
    N_ANSWERS,
    Network,
    NetworkOptions,
    Scaling,
    answered,
    mixed,
    softmax,
)
from honing.teach.prediction.targets import CLASSES, NUMBERS, UNKNOWN, Targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from honing.teach.prediction.network import Weights

    Floats = NDArray[np.float64]

_INNER_FOLDS = 4
"""One of so many parts is held back."""
_MIXTURES = 21
"""Steps from 0 to 1 that are tried for the trust in a class head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """Rows and labels in the scales that training works in."""

    rows: Floats
    """Shape (N, F), scaled."""
    numbers: Floats
    """Shape (N, heads of numbers), in their own spread; NaN where there is no label."""
    classes: Mapping[str, Any]


def train_network(
    rows: Floats,
    targets: Targets,
    groups: Sequence[str],
    options: NetworkOptions,
    *,
    n_embedding: int,
) -> Network:
    """Fit all heads on one trunk: squared errors of numbers in their own spread, cross-entropies of classes,
    each head's loss over the rows that have its label, all heads alike.

    Args:
        rows: Shape (N, F).
        targets: Labels of the N rows; some may be missing.
        groups: Task of each row; rows held back share no task with the others.
        options: How.
        n_embedding: How many of the last columns are the embedding.

    Raises:
        MissingToolError: torch is not installed.
        TrainingError: No row has any label, or the loss is not finite.
    """
    draft = _untrained(rows, targets, n_embedding)
    if not draft.fitted:
        raise TrainingError("The predictor has no labels to learn from. Run leverage and cpt first.")
    draft = _tuned(draft, rows, targets, groups, options)
    lesson = _lesson(draft, rows, targets)
    return replace(draft, weights=_descend(lesson, replace(options, epochs=draft.epochs)))


def _tuned(
    draft: Network, rows: Floats, targets: Targets, groups: Sequence[str], options: NetworkOptions
) -> Network:
    """The draft with the number of passes and the trust that served rows held back best.

    With fewer tasks than parts nothing can be held back, and it trains to the end and trusts itself.
    """
    if len(set(groups)) < _INNER_FOLDS:
        return replace(draft, epochs=options.epochs, trust=dict.fromkeys(draft.fitted, 1.0))
    folds = grouped_folds(groups, _INNER_FOLDS, seed=options.seed)
    kept = [row for row, fold in enumerate(folds) if fold]
    back = [row for row, fold in enumerate(folds) if not fold]
    held_back = _lesson(draft, rows[back], targets.rows(back))
    losses: list[float] = []
    snapshots: list[Floats] = []

    def after_pass(weights: Weights) -> None:
        answers = answered(weights, held_back.rows)
        losses.append(_held_back_loss(answers, held_back, draft))
        snapshots.append(answers)

    _descend(_lesson(draft, rows[kept], targets.rows(kept)), options, after_pass)
    best = min(range(len(losses)), key=lambda number: losses[number])
    return replace(draft, epochs=best + 1, trust=_trusts(snapshots[best], held_back, draft))


def _descend(
    lesson: _Lesson, options: NetworkOptions, after_pass: Callable[[Weights], None] | None = None
) -> dict[str, Floats]:
    """Weights after `options.epochs` passes of AdamW with dropout."""
    import numpy as np

    torch = _torch()
    draws = np.random.default_rng(options.seed)
    tensors = {
        name: torch.tensor(value, requires_grad=True)
        for name, value in _initial(lesson.rows.shape[1], options.hidden, draws).items()
    }
    optimiser = torch.optim.AdamW(
        list(tensors.values()), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    seen, numbers = torch.tensor(lesson.rows), torch.tensor(np.nan_to_num(lesson.numbers))
    known = torch.tensor(~np.isnan(lesson.numbers))
    classes = {head: torch.tensor(labels) for head, labels in lesson.classes.items()}
    size = min(32, max(8, len(lesson.rows) // options.steps_per_epoch))
    for epoch in range(options.epochs):
        order = draws.permutation(len(lesson.rows))
        for first in range(0, len(order), size):
            batch = torch.tensor(order[first : first + size])
            keep = 1.0 - options.dropout
            masks = torch.tensor((draws.random((2, len(batch), options.hidden)) < keep) / keep)
            answers = _forward(torch, tensors, seen[batch], masks)
            labels = {head: values[batch] for head, values in classes.items()}
            loss = _loss(torch, answers, numbers[batch], known[batch], labels)
            if not bool(torch.isfinite(loss)):
                raise TrainingError(
                    f"The predictor's loss is not finite in pass {epoch + 1}. Lower predictor.learning_rate "
                    f"(now {options.learning_rate})."
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if after_pass is not None:
            after_pass({name: value.detach().numpy() for name, value in tensors.items()})
    return {name: value.detach().numpy().copy() for name, value in tensors.items()}


def _forward(torch: Any, weights: Mapping[str, Any], rows: Any, masks: Any) -> Any:
    trunk = rows
    for number, layer in enumerate(("first", "second")):
        reached = torch.addmm(weights[layer][-1], trunk, weights[layer][:-1])
        trunk = torch.nn.functional.gelu(reached, approximate="tanh") * masks[number]
    return torch.addmm(weights["heads"][-1], trunk, weights["heads"][:-1])


def _loss(torch: Any, answers: Any, numbers: Any, known: Any, classes: Mapping[str, Any]) -> Any:
    """Sum of the heads' mean losses over the rows that have the label; 0 for a head without any."""
    squares = ((answers[:, : len(NUMBERS)] - numbers) ** 2 * known).sum(0)
    total = (squares / known.sum(0).clamp(min=1)).sum()
    for head, labels in classes.items():
        summed = torch.nn.functional.cross_entropy(
            answers[:, HEADS[head]], labels, ignore_index=UNKNOWN, reduction="sum"
        )
        total = total + summed / (labels != UNKNOWN).sum().clamp(min=1)
    return total


def _held_back_loss(answers: Floats, lesson: _Lesson, draft: Network) -> float:
    """As in training, without dropout."""
    import numpy as np

    total = 0.0
    for head in draft.fitted:
        if head in draft.centre:
            errors = answers[:, HEADS[head]][:, 0] - lesson.numbers[:, NUMBERS.index(head)]
            known = errors[~np.isnan(errors)]
            total += float((known**2).mean()) if len(known) else 0.0
        else:
            total += _log_loss(softmax(answers[:, HEADS[head]]), lesson.classes[head])
    return total


def _trusts(answers: Floats, lesson: _Lesson, draft: Network) -> dict[str, float]:
    """For a number, the least-squares slope of labels on answers; for a class, the mixture with the shares
    that has the smallest log loss. Both within [0, 1], and 0 where no row held back has the label."""
    import numpy as np

    found = {}
    for head in draft.fitted:
        said = answers[:, HEADS[head]]
        if head in draft.centre:
            label = lesson.numbers[:, NUMBERS.index(head)]
            known = ~np.isnan(label)
            power = float((said[known, 0] ** 2).sum())
            slope = float((said[known, 0] * label[known]).sum()) / power if power > 0 else 0.0
            found[head] = min(1.0, max(0.0, slope))
        else:
            shares = [step / (_MIXTURES - 1) for step in range(_MIXTURES)]
            losses = [
                _log_loss(mixed(softmax(said), draft.prior[head], share), lesson.classes[head])
                for share in shares
            ]
            found[head] = shares[min(range(_MIXTURES), key=lambda step: losses[step])]
    return found


def _log_loss(probabilities: Floats, labels: Any) -> float:
    import numpy as np

    known = labels != UNKNOWN
    if not known.any():
        return 0.0
    of_truth = probabilities[known, labels[known]]
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def _untrained(rows: Floats, targets: Targets, n_embedding: int) -> Network:
    """Scales, means and shares of the training rows; no weights yet."""
    import numpy as np

    centre, prior = {}, {}
    for head in NUMBERS:
        known = targets.numbers[head][~np.isnan(targets.numbers[head])]
        if len(known):
            centre[head] = (float(known.mean()), float(known.std()) or 1.0)
    for head, labels in CLASSES.items():
        counts = np.bincount(targets.classes[head][targets.classes[head] != UNKNOWN], minlength=len(labels))
        if counts.sum():
            # One more of each: a class that was not seen is unlikely, not impossible.
            prior[head] = (counts + 1.0) / (counts.sum() + len(labels))
    return Network(
        weights={},
        scaling=Scaling.fitted(rows, n_embedding=n_embedding),
        centre=centre,
        prior=prior,
        trust={},
        epochs=0,
    )


def _lesson(draft: Network, rows: Floats, targets: Targets) -> _Lesson:
    import numpy as np

    columns = []
    for head in NUMBERS:
        mean, spread = draft.centre.get(head, (0.0, 1.0))
        columns.append((targets.numbers[head] - mean) / spread)
    return _Lesson(rows=draft.scaling(rows), numbers=np.stack(columns, axis=1), classes=dict(targets.classes))


def _initial(width: int, hidden: int, draws: Any) -> dict[str, Floats]:
    """Weights of variance 2 / inputs in the trunk (He and others 2015), heads and biases at zero."""
    import numpy as np

    found: dict[str, Floats] = {}
    for layer, inputs in (("first", width), ("second", hidden)):
        weights = draws.normal(0.0, np.sqrt(2.0 / inputs), (inputs, hidden))
        found[layer] = np.concatenate([weights, np.zeros((1, hidden))])
    return {**found, "heads": np.zeros((hidden + 1, N_ANSWERS))}


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingToolError(
            "The predictor needs the extra `teach`: pip install 'honing[teach]'"
        ) from error
    return torch
