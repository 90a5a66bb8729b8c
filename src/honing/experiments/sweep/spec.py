"""What a sweep trains and measures, and where it works."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract import RepairRequest, RolloutOptions, SetupOptions
from honing.errors import UsageError
from honing.executors import Progress, SilentProgress
from honing.experiments.sweep.segments import SegmentOptions
from honing.llm import Sampling

KIND = "sweep"
"""Of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """Everything that decides a sweep's figures, beside the content of models, targets and files.

    Raises:
        UsageError: A value cannot be used.
    """

    base_model: str
    """A model folder, an adapter's folder, a hub id, or `tiny:FILE` (rows of text that a tiny model is made
    from)."""
    targets: tuple[str, ...]
    """Folders or addresses, in the order in which they are measured."""
    segments: int
    training: SegmentOptions
    """Of every segment; its steps are the segment's."""
    rows_per_target: int = 16
    """Rows of each target that every model is measured on: the same ones all along."""
    samples_per_target: int = 64
    """Other rows of each target that a segment's model is asked before it is trained; 0 for none."""
    collect_from: tuple[str, ...] | None = None
    """Targets whose rows are trained on; None for all. The others are measured only."""
    train_data: tuple[Path, ...] = ()
    """Files of further rows, JSONL of `prompt` and `completion`."""
    full_after_last: bool = False
    """Whether every row of each target is asked once the last segment is trained."""
    require_samples: bool = False
    """Whether a measurement fails unless every sample has a prompt, a completion and a reward."""
    sampling: Sampling = field(default_factory=Sampling)
    """How models are asked; greedily where no temperature is set."""
    seed: int = 0
    """Of the fixed samples, of the rows that are trained on, and of training."""

    def __post_init__(self) -> None:
        """Refuse what cannot be swept."""
        twice = sorted({target for target in self.targets if self.targets.count(target) > 1})
        unknown = sorted(set(self.collect_from or ()) - set(self.targets))
        wrong = [
            text
            for text, holds in (
                ("no target is named; give --targets-file FILE", not self.targets),
                (f"a target is named twice: {', '.join(twice)}", bool(twice)),
                (f"segments must be at least 1, got {self.segments}", self.segments < 1),
                (f"the fixed sample must have a row, got {self.rows_per_target}", self.rows_per_target < 1),
                (
                    f"samples_per_target must be at least 0, got {self.samples_per_target}",
                    self.samples_per_target < 0,
                ),
                (f"trained on but not among the targets: {', '.join(unknown)}", bool(unknown)),
                (
                    "nothing to train on: samples_per_target is 0 and no file of rows is given",
                    not self.train_data and (not self.samples_per_target or self.collect_from == ()),
                ),
            )
            if holds
        ]
        if wrong:
            raise UsageError(f"Sweep: {'; '.join(wrong)}.")
        self.training.sft()

    def trains_on(self, target: str) -> bool:
        """Whether rows of a target are collected."""
        return self.samples_per_target > 0 and (self.collect_from is None or target in self.collect_from)

    def asking(self) -> RolloutOptions:
        """How a target is asked, but for which rows."""
        return RolloutOptions(sampling=self.sampling, require_samples=self.require_samples)

    def config(self, model: str) -> dict[str, Any]:
        """What makes two sweeps the same work, as plain data; files by their content.

        Args:
            model: Hash of the base model.

        Raises:
            UsageError: A file cannot be read.
        """
        document = asdict(self)
        training = asdict(self.training)
        for name in ("device", "save_every"):
            del training[name]
        document |= {
            "base_model": self.base_model,
            "model": model,
            "targets": list(self.targets),
            "training": {**training, "schedule": self.training.schedule.value},
            "collect_from": None if self.collect_from is None else list(self.collect_from),
            "train_data": [_digest(path) for path in self.train_data],
            "sampling": self.sampling.as_dict(),
        }
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """Where a sweep works. Nothing here has an influence on its figures."""

    home: Path = Path("runs")
    """The sweep's run becomes a folder of it."""
    name: str = ""
    """Of that folder; the run's id where empty."""
    cache: Path = Path("~/.cache/honing")
    """Where tiny models that are made once lie."""
    places: tuple[Path, ...] = ()
    """Folders that targets which are relative paths count from; the first in which one lies. The current
    folder where empty."""
    setup: SetupOptions = field(default_factory=SetupOptions)
    """How every target is set up; home and seed are the sweep's."""
    repair: RepairRequest | None = None
    """Who may write or mend contracts."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names: for the agent that mends."""
    fresh: bool = False
    """Begin anew even where the same sweep is unfinished."""
    command: Sequence[str] = ()
    """The command line that repeats this."""
    progress: Callable[[], Progress] = SilentProgress
    """Makes what shows one measurement."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""
    clock: Callable[[], float] = time.time
    """Unix time in seconds."""

    def setting_up(self, home: Path, seed: int) -> SetupOptions:
        """How a target of the sweep is set up."""
        return replace(self.setup, home=home, seed=seed)

    def place_of(self, target: str) -> str:
        """Where a target lies; an address is returned as it is."""
        found = (str(folder / target) for folder in self.places if (folder / target).exists())
        return next(found, target)


def slugs(targets: Sequence[str]) -> dict[str, str]:
    """A folder's name for each target, by target: the last part of its address, numbered where it repeats."""
    found: dict[str, str] = {}
    for target in targets:
        last = target.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("-.") or "target"
        again = sum(taken == name or taken.startswith(f"{name}~") for taken in found.values())
        found[target] = f"{name}~{again + 1}" if again else name
    return found


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"--train-data {path}: cannot be read ({error.strerror}).") from None
