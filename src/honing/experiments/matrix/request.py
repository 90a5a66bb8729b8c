"""What a caller of a matrix gives beside the matrix itself, and what it gets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.executors import Progress, SilentProgress
from honing.store import Run

if TYPE_CHECKING:
    from honing.contract import SetupOptions
    from honing.harness import OptimizeOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixOptions:
    """One run of a matrix. Nothing here but the sandbox has an influence on its results."""

    home: Path = Path("runs")
    """Folder of runs: of the matrix's own and of every trial's."""
    run_name: str = ""
    """Name of the matrix's run. A run of this name that is not done is gone on with."""
    fresh: bool = False
    """Whether to begin anew even where the same matrix is unfinished."""
    base: Path = Path()
    """What relative paths of the axes count from."""
    workers: int = 1
    """Trials under way at a time."""
    sandbox: str = "auto"
    measuring: SetupOptions | None = None
    """How targets are set up where that is not a trial's own choice (sources, connections)."""
    improving: OptimizeOptions | None = None
    """Likewise for harness runs (installed agents, workers, what measures contracts)."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    command: Sequence[str] = ()
    """The command line that repeats this."""
    progress: Progress = field(default_factory=SilentProgress)
    """Shows how many trials have ended, and their mean score."""
    told: Callable[[str], None] = lambda _: None
    """Is told how each trial ended, one line each."""
    clock: Callable[[], float] = time.time
    """Unix time in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixResult:
    """How a matrix ended."""

    run: Run
    cells: Sequence[Mapping[str, Any]]
    """Rows of aggregate.tsv."""
    differences: Sequence[Mapping[str, Any]]
    """Rows of differences.tsv."""
    failures: Sequence[Mapping[str, Any]]
    """Rows of the trials that have no number."""

    @property
    def ok(self) -> bool:
        """Whether every trial has a number."""
        return not self.failures
