"""Teaching the weights: an agent's failures are mined, labelled for teachability, and used to fine-tune it.
Start reading in `study.py`; see docs/teach.md.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.teach.compare import compare_labels
    from honing.teach.desk import read_snapshots
    from honing.teach.labels.schema import labeled_snapshot_schema
    from honing.teach.labels.thresholds import quantiles_of, write_threshold_plots
    from honing.teach.phase import Criterion, PhaseOutcome
    from honing.teach.pilot import PilotResult, pilot_spec, run_pilot
    from honing.teach.prediction.saved import Predictor, load_predictor
    from honing.teach.publishing.published import publish
    from honing.teach.running.forecast import Forecast, forecast
    from honing.teach.running.imports import hand_out
    from honing.teach.running.outcomes import StudyResult
    from honing.teach.running.request import StudyOptions
    from honing.teach.snapshot import Snapshot
    from honing.teach.study import Study, chosen, run_study
    from honing.teach.study_file import load_study, study_schema, with_choices
    from honing.teach.study_spec import StudySpec
    from honing.teach.verdicts import Claim, Hypothesis, Verdict, claims, hypotheses

_HOMES = {
    "Claim": "verdicts",
    "Criterion": "phase",
    "Forecast": "running.forecast",
    "Hypothesis": "verdicts",
    "PhaseOutcome": "phase",
    "PilotResult": "pilot",
    "Predictor": "prediction.saved",
    "Snapshot": "snapshot",
    "Study": "study",
    "StudyOptions": "running.request",
    "StudyResult": "running.outcomes",
    "StudySpec": "study_spec",
    "Verdict": "verdicts",
    "chosen": "study",
    "claims": "verdicts",
    "compare_labels": "compare",
    "forecast": "running.forecast",
    "hand_out": "running.imports",
    "hypotheses": "verdicts",
    "labeled_snapshot_schema": "labels.schema",
    "load_predictor": "prediction.saved",
    "load_study": "study_file",
    "pilot_spec": "pilot",
    "quantiles_of": "labels.thresholds",
    "read_snapshots": "desk",
    "publish": "publishing.published",
    "run_pilot": "pilot",
    "run_study": "study",
    "study_schema": "study_file",
    "with_choices": "study_file",
    "write_threshold_plots": "labels.thresholds",
}
"""Which file of this package defines a name."""

__all__ = [
    "Claim",
    "Criterion",
    "Forecast",
    "Hypothesis",
    "PhaseOutcome",
    "PilotResult",
    "Predictor",
    "Snapshot",
    "Study",
    "StudyOptions",
    "StudyResult",
    "StudySpec",
    "Verdict",
    "chosen",
    "claims",
    "compare_labels",
    "forecast",
    "hand_out",
    "hypotheses",
    "labeled_snapshot_schema",
    "load_predictor",
    "load_study",
    "pilot_spec",
    "publish",
    "quantiles_of",
    "read_snapshots",
    "run_pilot",
    "run_study",
    "study_schema",
    "with_choices",
    "write_threshold_plots",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.teach.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.teach' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
