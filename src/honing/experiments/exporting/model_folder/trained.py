"""What is known of a trained model, whatever kind of run made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number."""

    name: str
    """What was measured: "success on held-out tasks"."""
    value: float
    low: float | None
    """Ends of its 95% interval; None where the run gives none."""
    high: float | None
    n: int | None
    """How many tasks, or episodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One set that the model was trained on."""

    name: str
    """Its file, relative to the run."""
    rows: int
    sha256: str
    what: str
    """Where its rows come from, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A model that a run trained, and what the run says of it."""

    name: str
    """Within the run: what `--model` takes."""
    folder: Path
    """An adapter as PEFT saves one, or a model as transformers does."""
    panel: str
    """What it was measured on: a hash over the tasks; empty where it was not measured."""
    panel_sentence: str
    """What the panel is, in words."""
    before: tuple[Figure, ...] = ()
    """Of the model that training began from, on the same tasks."""
    after: tuple[Figure, ...] = ()
    gains: tuple[Figure, ...] = ()
    """Paired: after minus before, each task with itself."""
    training: Mapping[str, Any]
    """Steps, losses, options: name and value."""
    data: tuple[DataSource, ...] = ()
    apart: str = ""
    """How training data were kept apart from what is measured."""
    harness: str = ""
    """What the model acted through when it was measured."""
    chosen: str = ""
    """Why this model of the run, and what that does to its numbers."""
    limits: tuple[str, ...] = ()
    """What a user must know: one sentence each."""
