"""What a loop is asked: what decides its result, and what has no influence on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from honing.errors import UsageError
from honing.executors import Executor, Progress, SilentProgress
from honing.experiments.improve.base import StepName


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveSpec:
    """What decides the result of a loop, beside its subject."""

    seed: int = 0
    """Of every random choice."""
    proposals: int = 8
    """Harness candidates, of each arm; 0 skips the step."""
    training_steps: int = 200
    """Optimiser steps; 0 skips the step."""
    check_repeats: int = 1
    """Seeds of each check task in the first comparison of a step."""
    retest_repeats: int = 2
    """Fresh seeds of each check task in the re-test."""
    final_repeats: int = 2
    """Seeds of each held-out task."""
    retention_limit: float = 0.10
    """A step must not lose as much of what the version before it could do: mean score on the check tasks that
    one solves."""
    solved_from: float = 0.5
    """Mean score from which a task counts as solved."""
    steps: tuple[StepName, ...] = tuple(StepName)
    """Which steps are made, in this order."""

    def __post_init__(self) -> None:
        """Refuse what no loop can do."""
        for name, least in (
            ("proposals", 0),
            ("training_steps", 0),
            ("check_repeats", 1),
            ("retest_repeats", 1),
            ("final_repeats", 1),
        ):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, got {getattr(self, name)}.")
        for name in ("retention_limit", "solved_from"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie in (0, 1], got {getattr(self, name)!r}.")

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "steps": [step.value for step in self.steps]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveLimits:
    """What a loop may spend over all its sessions. None: no limit."""

    task_runs: int | None = None
    """Attempts at tasks."""
    tokens: int | None = None
    cost_usd: float | None = None
    wall_s: float | None = None
    """Seconds."""

    def __post_init__(self) -> None:
        """Refuse limits below zero."""
        for name, value in asdict(self).items():
            if value is not None and not value >= 0:
                raise UsageError(f"A limit of {name} must be at least 0, got {value!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveOptions:
    """Where a loop lies, what it may spend, who is told. With more budget the same call goes on."""

    home: Path = Path("runs")
    """Folder of runs."""
    run_name: str = ""
    """Name of the run's folder. A run of this name that is not done is gone on with."""
    fresh: bool = False
    """Whether to begin anew even where the same loop exists."""
    limits: ImproveLimits = ImproveLimits()
    workers: int = 1
    """Processes for units that compute; results are the same at any number."""
    executor: Executor | None = None
    """Where units run; processes of this machine that stay from step to step, where None."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    cache: Path = Path("~/.cache/honing")
    """Where tiny students that are made once lie."""
    sandbox: str = "auto"
    """auto, bubblewrap, landlock or unconfined."""
    command: Sequence[str] = ()
    """The command line that repeats this, for the run's record."""
    progress: Callable[[str], Progress] = lambda _: SilentProgress()
    """Makes what shows one step, by its name."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""
