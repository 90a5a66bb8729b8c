"""Experiment trackers behind one Protocol, by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from honing.errors import MissingToolError, UsageError
from honing.experiments.exporting.trackers.base import Tracker
from honing.experiments.exporting.trackers.csv_files import CsvFiles
from honing.experiments.exporting.trackers.mlflow_store import MlflowStore
from honing.experiments.exporting.trackers.parquet_files import ParquetFiles
from honing.experiments.exporting.trackers.tensorboard import TensorBoard
from honing.experiments.exporting.trackers.wandb_run import WandbRun

TRACKERS: Mapping[str, Tracker] = {
    tracker.name: tracker
    for tracker in (MlflowStore(), WandbRun(), TensorBoard(), CsvFiles(), ParquetFiles())
}
"""By the name that `--to` and `--track` take. To add one: a file here, its line above, and the conformance
test runs over it."""


def tracker_named(name: str) -> Tracker:
    """The tracker of a name, ready to be used.

    Raises:
        UsageError: There is none of that name.
        MissingToolError: What it needs is not installed.
    """
    if name not in TRACKERS:
        raise UsageError(f"{name!r}: no such tracker. There are {', '.join(TRACKERS)}.")
    tracker = TRACKERS[name]
    lacking = missing_packages(tracker)
    if lacking:
        raise MissingToolError(
            f"{name} needs {', '.join(lacking)}, which is not installed: "
            f"pip install 'honing[{tracker.extra}]'"
        )
    return tracker


def missing_packages(tracker: Tracker) -> tuple[str, ...]:
    """What a tracker needs and is not installed."""
    return tuple(package for package in tracker.packages if find_spec(package) is None)
