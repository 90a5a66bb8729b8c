"""How a student is trained, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.errors import UsageError
from honing.learn.prompt import Prompt


class Schedule(StrEnum):
    """How the learning rate goes over the steps."""

    CONSTANT = "constant"
    LINEAR = "linear"
    """Falls in a straight line and would reach 0 one step after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SftOptions:
    """One training of a LoRA adapter. With the examples and the base it decides every weight."""

    rank: int = 16
    alpha: int = 32
    """The adapter's product is scaled by alpha / rank."""
    targets: tuple[str, ...] = ()
    """Last parts of the names of the linear layers that get an adapter ("q_proj"); empty for all of them but
    the output head."""
    n_steps: int | None = 100
    """Optimiser steps; None trains for `epochs`."""
    epochs: float = 3.0
    """Passes over the examples, where `n_steps` is None; replay does not count."""
    batch_size: int = 8
    """Rows that are in memory together."""
    gradient_accumulation_steps: int = 1
    """Batches per optimiser step: a step sees `batch_size` times this many rows."""
    learning_rate: float = 1e-3
    schedule: Schedule = Schedule.CONSTANT
    weight_decay: float = 0.0
    max_gradient_norm: float | None = None
    """Longest gradient of one adapter; None clips nothing."""
    replay: float = 0.75
    """Part of the rows of every step that comes from the replay examples, in [0, 1)."""
    seed: int = 0
    """Of the first weights and of the order of rows."""
    history: int = 4
    """Last actions shown in the student's prompt, where `prompt` is None."""
    prompt: Mapping[str, Any] | None = None
    """How situations become text (`Prompt.as_document`); the usual prompt where None."""
    device: str = "auto"
    """`cpu`, `cuda`; `auto` takes a GPU where there is one. Which GPU is CUDA_VISIBLE_DEVICES' choice."""
    save_every: int = 50
    """Optimiser steps between checkpoints that a killed training goes on from; 0 for none."""
    beta: float = 0.1
    """Of preference training alone: how strongly the student is held to its base."""
    wandb_project: str = ""
    """Where training is also reported, if the package `wandb` is installed; empty for nowhere. Decides no
    weight."""

    def __post_init__(self) -> None:
        # Plain data, as in a study's artifacts, is welcome.
        object.__setattr__(self, "targets", tuple(self.targets))
        object.__setattr__(self, "schedule", Schedule(self.schedule))
        wrong = [
            f"{name} must be {rule}, got {value!r}"
            for name, value, rule, holds in (
                ("rank", self.rank, "at least 1", self.rank >= 1),
                ("alpha", self.alpha, "at least 1", self.alpha >= 1),
                ("n_steps", self.n_steps, "at least 1", self.n_steps is None or self.n_steps >= 1),
                ("epochs", self.epochs, "above 0", self.epochs > 0),
                ("batch_size", self.batch_size, "at least 1", self.batch_size >= 1),
                (
                    "gradient_accumulation_steps",
                    self.gradient_accumulation_steps,
                    "at least 1",
                    self.gradient_accumulation_steps >= 1,
                ),
                ("learning_rate", self.learning_rate, "above 0", 0 < self.learning_rate < math.inf),
                ("replay", self.replay, "in [0, 1)", 0 <= self.replay < 1),
            )
            if not holds
        ]
        if wrong:
            raise UsageError(f"Training: {'; '.join(wrong)}.")

    @property
    def wording(self) -> Prompt:
        """How situations become text."""
        return Prompt(history=self.history) if self.prompt is None else Prompt.from_document(self.prompt)

    @property
    def scale(self) -> float:
        """What the adapter's product is multiplied with."""
        return self.alpha / self.rank

    def as_document(self) -> dict[str, Any]:
        """What decides the weights, as plain data."""
        document = asdict(self)
        for name in ("device", "save_every", "wandb_project"):
            del document[name]
        if self.prompt is None:
            # As it was before there was a choice: trainings that are done stay done.
            del document["prompt"]
        return {**document, "targets": list(self.targets), "schedule": self.schedule.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """What one training came to."""

    adapter: Path
    """Folder of the adapter, as PEFT saves one."""
    trainer: str
    """`trl`, `stacked` or `dpo`."""
    n_steps: int
    """Optimiser steps that were taken, as the optimiser counted them."""
    n_examples: int
    n_replay: int
    """Rows of replay that were seen over all steps."""
    first_loss: float
    """Of the first step's rows before it: mean negative log-probability of an action's token, nats (for `dpo`
    its own loss)."""
    final_loss: float
    """Of the last step's rows, before that step."""
    loss_before: float
    """On a fixed batch of the examples, before training."""
    loss_after: float
    replay_loss_before: float | None = None
    """On a fixed batch of the replay; None where there is none."""
    replay_loss_after: float | None = None
    trainable: int = 0
    """Weights of the adapter."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """`SftOptions.as_document()`."""

    def as_document(self) -> dict[str, Any]:
        """As plain data, without the adapter's place."""
        document = asdict(self)
        del document["adapter"]
        return document
