"""What decides a loop over a world, beside the loop's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from honing.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """Sizes, and what teaching does."""

    world: Mapping[str, Any] = field(default_factory=dict)
    """Options of the world."""
    warm_start: Mapping[str, Any] = field(default_factory=dict)
    """Of the tiny student that is made where no model is named (`WarmStartOptions`)."""
    search_tasks: int = 640
    """Tasks that candidates are judged on, and whose failures are taught."""
    check_tasks: int = 400
    held_out_tasks: int = 400
    expert_from: float = 0.9
    """Share of the held-out and check tasks that the expert must solve, or no score is believed."""
    random_to: float = 0.25
    """Share that a random agent may solve."""
    moments_per_episode: int = 15
    """States of one failed episode that are tried out for teaching."""
    learning_rate: float = 1e-3
    replay: float = 0.75
    """Part of the rows of each training step that come from demonstrations of other tasks."""
    lora_rank: int = 16
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            UsageError: A number is out of its range.
        """
        for name in ("search_tasks", "check_tasks", "held_out_tasks", "moments_per_episode", "lora_rank"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("expert_from", "random_to"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie in [0, 1], got {getattr(self, name)!r}.")

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**found, "world": dict(self.world), "warm_start": dict(self.warm_start)}


def same_place(model: str) -> str:
    """A model's name; a folder by its full path, so that where a command is given decides nothing."""
    folder = Path(model).expanduser()
    return str(folder.resolve()) if model and folder.is_dir() else model
