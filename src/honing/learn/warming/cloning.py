"""Behaviour cloning: a small training loop in plain torch, on one thread, the same bytes every time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from honing.errors import TrainingError
from honing.learn.threads import one_thread
from honing.learn.training.rows import IGNORED, Row, padded
from honing.learn.warming.options import WarmStartOptions

_RISE = 0.05
"""Part of the steps in which the learning rate rises."""
_FLOOR = 0.1
"""Part of the learning rate that is left at the end."""
_POOL = 16
"""Batches that are drawn together and sorted by length, so that little is padding."""
_NEWS = 10
"""How often progress is told."""


def clone(
    model: Any, rows: Sequence[Row], options: WarmStartOptions, told: Callable[[str], None]
) -> list[float]:
    """Train a model in place on the actions of rows.

    Returns:
        Mean loss per step, nats per token of the actions.

    Raises:
        TrainingError: The loss is no number; the text says at which step.
    """
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=0.01)
    losses: list[float] = []
    batches = _batches(rows, options)
    every = max(1, options.steps // _NEWS)
    model.train()
    with one_thread():
        for step in range(options.steps):
            batch = next(batches)
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * _share_of_rate(step, options.steps)
            loss = _loss(model, batch)
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                raise TrainingError(
                    f"Warm start: the loss is {losses[-1]} at step {step + 1} of {options.steps}; a lower "
                    f"learning_rate than {options.learning_rate:g} helps."
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if (step + 1) % every == 0:
                recent = sum(losses[-every:]) / every
                told(f"warm start: step {step + 1} of {options.steps}, loss {recent:.3f} nats")
    model.eval()
    return losses


def _loss(model: Any, batch: Sequence[Row]) -> Any:
    """Mean negative log-probability of the tokens of the actions, nats. No logits are made elsewhere: they
    would be a third of the work."""
    import torch

    tensors = padded(batch, "cpu")
    seen = model.base_model(
        input_ids=tensors["input_ids"], attention_mask=tensors["attention_mask"], use_cache=False
    ).last_hidden_state[:, :-1]
    labels = tensors["labels"][:, 1:]
    asked = labels != IGNORED
    logits = model.get_output_embeddings()(seen[asked])
    return torch.nn.functional.cross_entropy(logits, labels[asked])


def _share_of_rate(step: int, steps: int) -> float:
    rise = max(1, round(_RISE * steps))
    if step < rise:
        return (step + 1) / rise
    along = (step - rise) / max(1, steps - rise)
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * along))


def _batches(rows: Sequence[Row], options: WarmStartOptions) -> Iterator[list[Row]]:
    """Every row once per pass, in a fresh order; rows of one batch are about equally long."""
    chance = random.Random(f"batches {options.seed}")
    size = min(options.batch_size, len(rows))
    while True:
        order = list(range(len(rows)))
        chance.shuffle(order)
        for first in range(0, len(order), size * _POOL):
            pool = sorted(order[first : first + size * _POOL], key=lambda place: len(rows[place].tokens))
            batches = [pool[start : start + size] for start in range(0, len(pool), size)]
            chance.shuffle(batches)
            yield from ([rows[place] for place in batch] for batch in batches)
