"""From examples to token rows, by the student's own tokenisation: what is trained is what is scored."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from honing.errors import LeakageError, TrainingError
from honing.learn.example import Example
from honing.learn.policy import Situation

IGNORED = -100
"""Label of a token on which no loss falls, as Hugging Face models expect."""


class Encoder(Protocol):
    """A student's tokenisation."""

    def encode(self, situation: Situation) -> Sequence[int]:
        """The prompt, ending where the action begins."""
        ...

    def encode_action(self, action: str) -> Sequence[int]:
        """The action with the end token."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence to train on."""

    tokens: tuple[int, ...]
    """Prompt and action."""
    n_prompt: int
    """How many of them are prompt, on which no loss falls."""

    @property
    def labels(self) -> list[int]:
        """One per token: the action's tokens, `IGNORED` for the prompt."""
        return [IGNORED] * self.n_prompt + list(self.tokens[self.n_prompt :])

    @property
    def n_action(self) -> int:
        return len(self.tokens) - self.n_prompt


def rows_of(student: Encoder, examples: Iterable[Example]) -> list[Row]:
    """The rows of examples; a prompt that is too long for the model is cut as it is in scoring."""
    found: list[Row] = []
    for example in examples:
        prompt, action = student.encode(example.situation), student.encode_action(example.action)
        found.append(Row(tokens=(*prompt, *action), n_prompt=len(prompt)))
    return found


def check_examples(examples: Iterable[Example]) -> None:
    """Refuse what must not be learned from.

    Raises:
        LeakageError: An example comes from an episode that was tampered with.
        TrainingError: An action is none of its situation's valid ones.
    """
    for example in examples:
        where = example.source or f"the one whose action is {example.action!r}"
        if example.tampered:
            raise LeakageError(
                f"Example {where} comes from an episode that was tampered with ({example.tampered}); nothing "
                "is learned from such episodes. Leave it out, and look at how it came to be."
            )
        for action in filter(None, (example.action, example.rejected)):
            if action not in example.situation.actions:
                raise TrainingError(
                    f"Example {where}: {action!r} is none of the {len(example.situation.actions)} valid "
                    "actions of its situation, and the student chooses among those alone."
                )


def padded(rows: Sequence[Row], device: Any) -> dict[str, Any]:
    """Rows as one batch, padded on the right: `input_ids`, `attention_mask`, `labels`, all (rows, tokens)."""
    import torch

    width = max(len(row.tokens) for row in rows)
    lengths = [width - len(row.tokens) for row in rows]
    batch = {
        "input_ids": [[*row.tokens, *[0] * pad] for row, pad in zip(rows, lengths, strict=True)],
        "attention_mask": [
            [*[1] * len(row.tokens), *[0] * pad] for row, pad in zip(rows, lengths, strict=True)
        ],
        "labels": [[*row.labels, *[IGNORED] * pad] for row, pad in zip(rows, lengths, strict=True)],
    }
    return {name: torch.tensor(values, device=device) for name, values in batch.items()}


def action_losses(model: Any, batch: dict[str, Any]) -> Any:
    """Negative log-probability of each row's action, nats, shape (rows,): the sum over its tokens."""
    import torch

    labels = batch["labels"][:, 1:]
    # Most tokens are prompt, and the output layer is the widest: what stands before every row's action is
    # left out of it.
    first = int((labels != IGNORED).any(dim=0).int().argmax())
    given = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "use_cache": False}
    if _takes_places(model):
        kept = torch.arange(first, labels.shape[1], device=labels.device)
        logits = model(**given, logits_to_keep=kept).logits
    else:
        logits = model(**given).logits[:, first:-1]
    labels = labels[:, first:]
    losses = torch.nn.functional.cross_entropy(
        logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
    )
    return losses.sum(dim=1)


def _takes_places(model: Any) -> bool:
    """Whether a model can be asked for the logits of some places alone."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(base.forward).parameters


def mean_loss(model: Any, rows: Sequence[Row], at_once: int = 16) -> float:
    """Mean negative log-probability of an action's token over rows, nats."""
    import torch

    total = 0.0
    with torch.inference_mode():
        for first in range(0, len(rows), at_once):
            batch = padded(rows[first : first + at_once], model.device)
            total += float(action_losses(model, batch).double().sum())
    return total / sum(row.n_action for row in rows)
