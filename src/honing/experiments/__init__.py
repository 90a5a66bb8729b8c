"""Where the three systems are joined: what one of them needs of another is made here.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.exporting.hand_on import Tracked, track
    from honing.experiments.exporting.model_folder.export import ModelExported, export_model
    from honing.experiments.exporting.trackers import TRACKERS, missing_packages, tracker_named
    from honing.experiments.exporting.trackers.base import Destination, Tracker, Written
    from honing.experiments.improve.base import Part, StepName, Subject
    from honing.experiments.improve.contracts.rewriting import Proposers
    from honing.experiments.improve.contracts.subject import ContractOptions, contract_subject
    from honing.experiments.improve.contracts.teaching import Teaching
    from honing.experiments.improve.loop import improve_subject, plan_improvement
    from honing.experiments.improve.result import ImproveResult
    from honing.experiments.improve.spec import ImproveLimits, ImproveOptions, ImproveSpec
    from honing.experiments.improve.split import BudgetSplit
    from honing.experiments.improve.worlds.options import WorldOptions
    from honing.experiments.improve.worlds.subject import world_subject
    from honing.experiments.matrix.forecast import forecast_matrix
    from honing.experiments.matrix.matrix_file import load_matrix, matrix_schema
    from honing.experiments.matrix.request import MatrixOptions, MatrixResult
    from honing.experiments.matrix.running import run_matrix
    from honing.experiments.matrix.spec import MatrixSpec
    from honing.experiments.objectives import ContractObjectives
    from honing.experiments.registry.experiment import ExperimentMode
    from honing.experiments.registry.file import RegistryFile, load_registry, registry_schema
    from honing.experiments.registry.planning import (
        ExperimentOptions,
        ExperimentPlan,
        forecast_experiment,
        plan_experiment,
    )
    from honing.experiments.registry.results import ExperimentResult
    from honing.experiments.registry.running import run_experiment
    from honing.experiments.registry.standing import Standing, standing_of, standings
    from honing.experiments.registry.table import rows_of, standing_document
    from honing.experiments.registry.writing import registry_document, write_benchmark_results
    from honing.experiments.sweep.forecast import forecast_sweep
    from honing.experiments.sweep.running import SweepResult, run_sweep
    from honing.experiments.sweep.segments import SegmentOptions, SegmentTraining, train_segment
    from honing.experiments.sweep.spec import SweepOptions, SweepSpec
    from honing.experiments.sweep.summary import SWEEP_COLUMNS, sweep_rows

_HOMES = {
    "ContractObjectives": "objectives",
    "Destination": "exporting.trackers.base",
    "export_model": "exporting.model_folder.export",
    "ExperimentMode": "registry.experiment",
    "ExperimentOptions": "registry.planning",
    "ExperimentPlan": "registry.planning",
    "ExperimentResult": "registry.results",
    "forecast_experiment": "registry.planning",
    "load_registry": "registry.file",
    "forecast_matrix": "matrix.forecast",
    "load_matrix": "matrix.matrix_file",
    "matrix_schema": "matrix.matrix_file",
    "MatrixOptions": "matrix.request",
    "ModelExported": "exporting.model_folder.export",
    "MatrixResult": "matrix.request",
    "MatrixSpec": "matrix.spec",
    "missing_packages": "exporting.trackers",
    "run_matrix": "matrix.running",
    "plan_experiment": "registry.planning",
    "registry_document": "registry.writing",
    "registry_schema": "registry.file",
    "RegistryFile": "registry.file",
    "rows_of": "registry.table",
    "run_experiment": "registry.running",
    "Standing": "registry.standing",
    "standing_document": "registry.table",
    "standing_of": "registry.standing",
    "standings": "registry.standing",
    "forecast_sweep": "sweep.forecast",
    "run_sweep": "sweep.running",
    "SegmentOptions": "sweep.segments",
    "SegmentTraining": "sweep.segments",
    "SWEEP_COLUMNS": "sweep.summary",
    "sweep_rows": "sweep.summary",
    "SweepOptions": "sweep.spec",
    "SweepResult": "sweep.running",
    "SweepSpec": "sweep.spec",
    "train_segment": "sweep.segments",
    "track": "exporting.hand_on",
    "Tracked": "exporting.hand_on",
    "Tracker": "exporting.trackers.base",
    "tracker_named": "exporting.trackers",
    "TRACKERS": "exporting.trackers",
    "write_benchmark_results": "registry.writing",
    "Written": "exporting.trackers.base",
    "BudgetSplit": "improve.split",
    "WorldOptions": "improve.worlds.options",
    "world_subject": "improve.worlds.subject",
    "ContractOptions": "improve.contracts.subject",
    "ImproveLimits": "improve.spec",
    "ImproveOptions": "improve.spec",
    "ImproveResult": "improve.result",
    "ImproveSpec": "improve.spec",
    "Part": "improve.base",
    "Proposers": "improve.contracts.rewriting",
    "StepName": "improve.base",
    "Subject": "improve.base",
    "Teaching": "improve.contracts.teaching",
    "contract_subject": "improve.contracts.subject",
    "improve_subject": "improve.loop",
    "plan_improvement": "improve.loop",
}
"""Where each public name lives; see `__getattr__`."""

__all__ = [
    "SWEEP_COLUMNS",
    "TRACKERS",
    "BudgetSplit",
    "ContractObjectives",
    "ContractOptions",
    "Destination",
    "ExperimentMode",
    "ExperimentOptions",
    "ExperimentPlan",
    "ExperimentResult",
    "ImproveLimits",
    "ImproveOptions",
    "ImproveResult",
    "ImproveSpec",
    "MatrixOptions",
    "MatrixResult",
    "MatrixSpec",
    "ModelExported",
    "Part",
    "Proposers",
    "RegistryFile",
    "SegmentOptions",
    "SegmentTraining",
    "Standing",
    "StepName",
    "Subject",
    "SweepOptions",
    "SweepResult",
    "SweepSpec",
    "Teaching",
    "Tracked",
    "Tracker",
    "WorldOptions",
    "Written",
    "contract_objectives",
    "contract_subject",
    "export_model",
    "forecast_experiment",
    "forecast_matrix",
    "forecast_sweep",
    "improve_subject",
    "load_matrix",
    "load_registry",
    "matrix_schema",
    "missing_packages",
    "plan_experiment",
    "plan_improvement",
    "registry_document",
    "registry_schema",
    "rows_of",
    "run_experiment",
    "run_matrix",
    "run_sweep",
    "standing_document",
    "standing_of",
    "standings",
    "sweep_rows",
    "track",
    "tracker_named",
    "train_segment",
    "world_subject",
    "write_benchmark_results",
]


def contract_objectives(sandbox: str, models: Mapping[str, str]) -> Callable[[Path], ContractObjectives]:
    """What makes the objective of one run, given a folder of it. The system that measures loads only then.

    Args:
        sandbox: In which targets' own commands run.
        models: Addresses and keys of models by their usual variable names.
    """

    def made(home: Path) -> ContractObjectives:
        from honing.contract import SetupOptions
        from honing.experiments.objectives import ContractObjectives

        return ContractObjectives(SetupOptions(home=home, sandbox=sandbox), models=models)

    return made


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
