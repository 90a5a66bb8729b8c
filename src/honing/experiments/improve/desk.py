"""Where a step of the closed loop works: the run's folder, its journal, what may be spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from honing.executors import Executor, Progress, SilentProgress
from honing.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How the budget is split, stated before anything is spent."""

    proposals: int = 8
    """Harness candidates, of each arm."""
    training_steps: int = 200
    """Optimiser steps."""
    task_runs: int | None = None
    """Attempts at tasks over the whole loop; None for no limit."""
    tokens: int | None = None
    cost_usd: float | None = None
    wall_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a subject works with."""

    run: Run
    """The loop's run; steps may make runs of their own in its folder (`steps/<name>/`)."""
    home: Path
    """The folder of runs, for the store of trees."""
    seed: int
    allowance: Allowance
    executor: Executor
    """Many units at once, for `run_map`; its processes stay from step to step."""
    workers: int = 1
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    cache: Path = Path("~/.cache/honing")
    """Where tiny students that are made once lie."""
    sandbox: str = "auto"
    progress: Callable[[str], Progress] = lambda _: SilentProgress()
    """Makes what shows one step, by its name."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""
