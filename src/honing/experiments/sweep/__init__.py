"""A model is trained segment by segment, and measured on the same tasks after each of them.

Start reading in `running.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.sweep.forecast import forecast_sweep
    from honing.experiments.sweep.running import SweepResult, run_sweep
    from honing.experiments.sweep.segments import SegmentOptions, SegmentTraining, train_segment
    from honing.experiments.sweep.spec import SweepOptions, SweepSpec
    from honing.experiments.sweep.summary import COLUMNS, rows_of

_HOMES = {
    "COLUMNS": "summary",
    "forecast_sweep": "forecast",
    "rows_of": "summary",
    "run_sweep": "running",
    "SegmentOptions": "segments",
    "SegmentTraining": "segments",
    "SweepOptions": "spec",
    "SweepResult": "running",
    "SweepSpec": "spec",
    "train_segment": "segments",
}

__all__ = [
    "COLUMNS",
    "SegmentOptions",
    "SegmentTraining",
    "SweepOptions",
    "SweepResult",
    "SweepSpec",
    "forecast_sweep",
    "rows_of",
    "run_sweep",
    "train_segment",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
