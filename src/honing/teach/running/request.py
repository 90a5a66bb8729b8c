"""What a user asks of one session of a study beside the study itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from honing.executors import Budget, Executor, Progress, SilentProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """Which phases one session runs, and what has no influence on their results."""

    begin: str = ""
    """First phase to do, again where it was done; those before it are taken as they are. Empty: the first
    that is not done."""
    until: str = ""
    """Last phase to do; empty for the last of all."""
    only: Sequence[str] = ()
    """Exactly these phases; empty for all between the two above."""
    strict: bool = False
    """Whether to stop after a phase with a criterion that is not met."""
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """Files from elsewhere that stand for artifacts of the run, by the artifact's path in it."""
    home: Path = Path("runs")
    """Folder of runs."""
    run_name: str = ""
    """Name of the run's folder; a run of this name is gone on with."""
    fresh: bool = False
    """Whether to begin anew even where the same study lies there."""
    workers: int = 1
    """Processes at a time; without influence on any result."""
    executor: Executor | None = None
    """Where units run, in place of processes of the study's own, which end with it."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    cache: Path = Path("~/.cache/honing")
    """Where warm-started students and advice lie."""
    budget: Budget = field(default_factory=Budget)
    tracking: str = ""
    """Project that training curves go to; empty for none."""
    command: Sequence[str] = ()
    """The command line that repeats this, for the run's record."""
    progress: Callable[[str], Progress] = lambda _: SilentProgress()
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""
