"""Training of one segment: so many optimiser steps on rows of text, from where the last one ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from honing.learn import Schedule, SftOptions, TextRow, train_text


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """How a segment is trained. With the rows and the model it decides every weight."""

    steps: int
    """Of the optimiser."""
    learning_rate: float = 1e-3
    schedule: Schedule = Schedule.CONSTANT
    batch_size: int = 8
    """Rows that are in memory together."""
    gradient_accumulation_steps: int = 1
    """Batches per optimiser step."""
    rank: int = 16
    """Of the LoRA adapter."""
    alpha: int = 32
    seed: int = 0
    """Of the first weights and of the order of rows."""
    device: str = "auto"
    """`cpu`, `cuda`; `auto` takes a GPU where there is one."""
    save_every: int = 50
    """Optimiser steps between checkpoints that a killed training goes on from; 0 for none."""

    def sft(self) -> SftOptions:
        """As the trainer takes them.

        Raises:
            UsageError: A value cannot be used.
        """
        given = asdict(self)
        return SftOptions(n_steps=given.pop("steps"), **given, replay=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTraining:
    """What the training of a segment came to."""

    adapter: Path
    """Folder of the adapter, as PEFT saves one: what `--llm` takes."""
    steps: int
    """As the optimiser counted them."""
    first_loss: float
    """Of the first step's rows before it: mean negative log-probability of a completion's token, nats."""
    last_loss: float
    """Of the last step's rows, before that step."""
    loss_before: float
    """On a fixed batch of the rows, before training."""
    loss_after: float
    losses: tuple[float, ...]
    """Of every step's rows, before it."""
    rows: int
    """That were trained on."""
    too_long: int
    """That were left out: they do not fit into the model's context."""
    sources: Mapping[str, int]
    """Rows given, by what stands before the colon of their source."""

    def as_document(self) -> dict[str, Any]:
        """As plain data, without the adapter's place."""
        document = asdict(self)
        del document["adapter"]
        return {**document, "losses": list(self.losses)}


def train_segment(
    model: str | Path,
    rows: Sequence[TextRow],
    options: SegmentOptions,
    out: Path,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> SegmentTraining:
    """Train on from a model. Done already: nothing is done; killed: it goes on to the same weights.

    Args:
        model: Hub id, model folder, or adapter folder (of the same rank and alpha: it is trained on).
        rows: What is to be learned, put as the model is asked when it is served.
        options: How.
        out: Folder that gets `adapter/`, `training.json`, `losses.json`.
        told: Is told how it goes, a line at a time.

    Raises:
        MissingToolError: The extra `teach` is not installed.
        TrainingError: There is no row, none fits, or training failed; the text says what to change.
        UsageError: An option or the model cannot be used.
    """
    ended, losses = train_text(model, rows, options.sft(), out, told=told)
    return SegmentTraining(
        adapter=ended.adapter,
        steps=ended.n_steps,
        first_loss=ended.first_loss,
        last_loss=ended.final_loss,
        loss_before=ended.loss_before,
        loss_after=ended.loss_after,
        losses=losses,
        rows=ended.n_examples,
        too_long=len(rows) - ended.n_examples,
        sources=dict(sorted(Counter(row.source.partition(":")[0] or "unnamed" for row in rows).items())),
    )
