"""A run as CSV files: no package needed, safe to open in a spreadsheet."""

from __future__ import annotations

from honing.errors import TrackerError, boundary
from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.trackers.base import Destination, Written, files_below, new_folder
from honing.experiments.exporting.trackers.tables import copy_files, grids_of
from honing.store import csv_bytes


class CsvFiles:
    """`tags.csv`, `parameters.csv`, `metrics.csv`, `curves.csv`, `tables/*.csv`, and the run's files."""

    name = "csv"
    packages: tuple[str, ...] = ()
    extra = ""
    sentence = "a folder of CSV files that a spreadsheet opens safely"

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`."""
        folder = new_folder(destination, self.name)
        with boundary(TrackerError, f"writing CSV files to {folder}"):
            for name, grid in grids_of(record):
                path = folder / f"{name}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(csv_bytes(grid.columns, grid.as_mappings()))
            copy_files(record, folder)
        return Written(place=str(folder), files=files_below(folder))
