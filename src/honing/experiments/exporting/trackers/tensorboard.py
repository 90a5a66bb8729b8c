"""A run as TensorBoard event files."""

from __future__ import annotations

import json
from typing import Any

from honing.errors import TrackerError, boundary
from honing.experiments.exporting.record import Grid, RunRecord
from honing.experiments.exporting.staging import shown_scalar
from honing.experiments.exporting.trackers.base import Destination, Written, files_below, new_folder
from honing.experiments.exporting.trackers.tables import copy_files

_SHOWN_ROWS = 100
"""Rows of a table in the text tab; whole tables lie beside the events as files."""
_SHOWN_TEXT = 300
"""Characters of a cell there."""


class TensorBoard:
    """Scalars, the config as text, tables as text; the run's files beside the events."""

    name = "tensorboard"
    packages: tuple[str, ...] = ("tensorboardX",)
    extra = "tracking"
    sentence = "event files for `tensorboard --logdir`"

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`."""
        from tensorboardX import SummaryWriter

        folder = new_folder(destination, self.name)
        at = record.ended or record.created
        with boundary(TrackerError, f"writing events to {folder}"):
            writer = SummaryWriter(logdir=str(folder), write_to_disk=True)
            try:
                _scalars(writer, record, at)
                _texts(writer, record, at)
            finally:
                writer.close()
            copy_files(record, folder)
        return Written(place=str(folder), files=files_below(folder))


def _scalars(writer: Any, record: RunRecord, at: float) -> None:
    for name, value in record.numbers().items():
        writer.add_scalar(name, value, 0, walltime=at)
    for curve in record.curves:
        for step, value in curve.points:
            writer.add_scalar(f"curves/{curve.name}", value, round(step), walltime=at)


def _texts(writer: Any, record: RunRecord, at: float) -> None:
    writer.add_text("run", _markdown_list({"name": record.name, **record.tags}), 0, walltime=at)
    parameters = {name: shown_scalar(value) for name, value in record.parameters.items()}
    writer.add_text("parameters", _markdown_list(parameters), 0, walltime=at)
    for name, grid in record.tables.items():
        writer.add_text(f"tables/{name}", _markdown_table(grid), 0, walltime=at)


def _markdown_list(values: dict[str, str]) -> str:
    return "\n".join(f"- {_cell(name)}: {_cell(value)}" for name, value in values.items())


def _markdown_table(grid: Grid) -> str:
    lines = [grid.columns, tuple("---" for _ in grid.columns), *grid.rows[:_SHOWN_ROWS]]
    rows = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
    more = len(grid.rows) - _SHOWN_ROWS
    return rows if more <= 0 else f"{rows}\n\n{more} more rows in files/"


def _cell(value: Any) -> str:
    """A value inside Markdown that is shown as HTML: inert there, on one line."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "..."
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
    return " ".join(text.split()).replace("[", "&#91;").replace("`", "&#96;")
