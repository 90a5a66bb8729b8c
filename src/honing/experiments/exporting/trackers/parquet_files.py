"""A run as Parquet files: the same tables as CSV, with types and without a spreadsheet's precautions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.errors import TrackerError, boundary
from honing.experiments.exporting.record import Grid, RunRecord, Scalar
from honing.experiments.exporting.trackers.base import Destination, Written, files_below, new_folder
from honing.experiments.exporting.trackers.tables import copy_files, grids_of


class ParquetFiles:
    """`tags.parquet`, `parameters.parquet`, `metrics.parquet`, `curves.parquet`, `tables/*.parquet`."""

    name = "parquet"
    packages: tuple[str, ...] = ("pyarrow",)
    extra = "hf"
    sentence = "a folder of Parquet files, typed"

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`."""
        from pyarrow import parquet

        folder = new_folder(destination, self.name)
        with boundary(TrackerError, f"writing Parquet files to {folder}"):
            for name, grid in grids_of(record):
                path = folder / f"{name}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                parquet.write_table(_table(grid), path)
            copy_files(record, folder)
        return Written(place=str(folder), files=files_below(folder))


def _table(grid: Grid) -> Any:
    import pyarrow

    arrays = [_array([row[at] for row in grid.rows]) for at, _ in enumerate(grid.columns)]
    return pyarrow.table(arrays, names=list(grid.columns))


def _array(values: Sequence[Scalar]) -> Any:
    """A column of one type: numbers stay numbers where all are, anything mixed becomes text."""
    import pyarrow

    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pyarrow.array(values, pyarrow.bool_())
    if kinds == {int} and all(value is None or -(2**63) <= int(value) < 2**63 for value in values):
        return pyarrow.array(values, pyarrow.int64())
    if kinds and kinds <= {int, float}:
        return pyarrow.array([None if v is None else float(v) for v in values], pyarrow.float64())
    texts = [None if value is None else str(value) for value in values]
    return pyarrow.array(texts, pyarrow.string())
