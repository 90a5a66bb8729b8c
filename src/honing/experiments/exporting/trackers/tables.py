"""What both forms of tables on disk share: a run as a few grids."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from honing.experiments.exporting.document_values import part
from honing.experiments.exporting.record import Grid, RunRecord
from honing.experiments.exporting.staging import shown_scalar


def grids_of(record: RunRecord) -> Iterator[tuple[str, Grid]]:
    """The run's own grids by file name (tags, parameters, metrics, curves), then its tables."""
    tags = {"name": record.name, **record.tags}
    yield "tags", Grid(columns=("name", "value"), rows=tuple(tags.items()))
    parameters = tuple((name, shown_scalar(value)) for name, value in record.parameters.items())
    yield "parameters", Grid(columns=("name", "value"), rows=parameters)
    metrics = tuple((name, each.value, each.low, each.high) for name, each in record.metrics.items())
    yield "metrics", Grid(columns=("name", "value", "low", "high"), rows=metrics)
    points = tuple((curve.name, step, value) for curve in record.curves for step, value in curve.points)
    yield "curves", Grid(columns=("curve", "step", "value"), rows=points)
    for name, grid in record.tables.items():
        yield f"tables/{'.'.join(map(part, name.split('/')))}", grid


def copy_files(record: RunRecord, folder: Path) -> None:
    """The run's files below `files/`."""
    for name, path in record.files.items():
        target = folder / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
