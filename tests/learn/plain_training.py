"""The same training in plain torch: what the trainer of TRL is checked against, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.learn.example import Example
from honing.learn.student import Student
from honing.learn.training.batches import plan_of
from honing.learn.training.lora import weights_of, with_lora
from honing.learn.training.options import Schedule, SftOptions
from honing.learn.training.quiet import without_dropout
from honing.learn.training.rows import action_losses, padded, rows_of


def train_plain(
    student: Student, examples: Sequence[Example], replay: Sequence[Example], options: SftOptions
) -> tuple[dict[str, tuple[Any, Any]], list[float]]:
    """Train an adapter with torch's own AdamW, a step's rows in one forward pass.

    Args:
        student: The base; its model is changed.
        examples: What is to be learned.
        replay: Mixed into every step.
        options: How.

    Returns:
        A and B of each layer, and the loss of every step's rows before it.
    """
    import torch

    plan = plan_of(examples, replay, options)
    without_dropout(student.model)
    wrapped = with_lora(student.model, options)
    trained = [weight for weight in wrapped.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=options.learning_rate, weight_decay=options.weight_decay)
    losses = []
    for done, step in enumerate(plan.steps):
        rows = rows_of(student, step)
        if options.schedule is Schedule.LINEAR:
            optimiser.param_groups[0]["lr"] = options.learning_rate * (1 - done / len(plan.steps))
        each = action_losses(wrapped, padded(rows, student.model.device))
        loss = each.sum() / sum(row.n_action for row in rows)
        loss.backward()
        if options.max_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(trained, options.max_gradient_norm)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    return weights_of(wrapped), losses
