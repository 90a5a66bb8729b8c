"""Rewriting a harness: coding agents edit the files around an agent, candidates are judged where they cannot
cheat, and only gains that hold are kept. Start reading in `optimize.py`; see docs/harness.md.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.harness.attributing import AttributionRequest, attribute_run, attribution_forecast
    from honing.harness.benchmarks.examples import EXAMPLES, write_example
    from honing.harness.candidate import Candidate
    from honing.harness.ledger import (
        AGGREGATE_COLUMNS,
        COMPARE_COLUMNS,
        LEDGER_COLUMNS,
        SUMMARY_COLUMNS,
        Ledger,
        RunsComparison,
        aggregate_rows,
        candidate_details,
        compare_ledgers,
        ledger_document,
        ledger_rows,
        read_ledger,
        run_details,
        summary_rows,
    )
    from honing.harness.loop.forecast import forecast
    from honing.harness.loop.live import words
    from honing.harness.loop.result import OptimizeResult, result_document
    from honing.harness.onboarding.onboard import Onboarded, onboard_folder
    from honing.harness.optimize import optimize_project, resume
    from honing.harness.project import (
        AgentChoice,
        Control,
        Judging,
        Project,
        Rules,
        Scope,
        SearchSettings,
        Spending,
    )
    from honing.harness.project_file import find_project, load_project
    from honing.harness.project_spec import project_schema
    from honing.harness.report import report_of
    from honing.harness.request import Asked, Live, OptimizeOptions
    from honing.harness.scaffold.profiles import PROFILES, write_scaffold
    from honing.harness.support import SupportReport, SupportRequest, support_of
    from honing.harness.tasks.base import Cascade, Place, Task, TaskScore, TaskStatus
    from honing.harness.tasks.callable import CallableTask
    from honing.harness.tasks.objective import ContractAsked, ContractMeasured, ContractObjective

_HOMES = {
    "AGGREGATE_COLUMNS": "ledger",
    "AgentChoice": "project",
    "Asked": "request",
    "AttributionRequest": "attributing",
    "COMPARE_COLUMNS": "ledger",
    "CallableTask": "tasks.callable",
    "Candidate": "candidate",
    "Cascade": "tasks.base",
    "ContractAsked": "tasks.objective",
    "ContractMeasured": "tasks.objective",
    "ContractObjective": "tasks.objective",
    "Control": "project",
    "EXAMPLES": "benchmarks.examples",
    "Judging": "project",
    "LEDGER_COLUMNS": "ledger",
    "Ledger": "ledger",
    "Live": "request",
    "Onboarded": "onboarding.onboard",
    "OptimizeOptions": "request",
    "OptimizeResult": "loop.result",
    "PROFILES": "scaffold.profiles",
    "Place": "tasks.base",
    "Project": "project",
    "Rules": "project",
    "RunsComparison": "ledger",
    "SUMMARY_COLUMNS": "ledger",
    "Scope": "project",
    "SearchSettings": "project",
    "Spending": "project",
    "SupportReport": "support",
    "SupportRequest": "support",
    "Task": "tasks.base",
    "TaskScore": "tasks.base",
    "TaskStatus": "tasks.base",
    "aggregate_rows": "ledger",
    "attribute_run": "attributing",
    "attribution_forecast": "attributing",
    "candidate_details": "ledger",
    "compare_ledgers": "ledger",
    "find_project": "project_file",
    "forecast": "loop.forecast",
    "ledger_document": "ledger",
    "ledger_rows": "ledger",
    "load_project": "project_file",
    "onboard_folder": "onboarding.onboard",
    "optimize_project": "optimize",
    "project_schema": "project_spec",
    "read_ledger": "ledger",
    "report_of": "report",
    "result_document": "loop.result",
    "resume": "optimize",
    "run_details": "ledger",
    "summary_rows": "ledger",
    "support_of": "support",
    "words": "loop.live",
    "write_example": "benchmarks.examples",
    "write_scaffold": "scaffold.profiles",
}
"""Which file of this package defines a name."""

__all__ = [
    "AGGREGATE_COLUMNS",
    "COMPARE_COLUMNS",
    "EXAMPLES",
    "LEDGER_COLUMNS",
    "PROFILES",
    "SUMMARY_COLUMNS",
    "AgentChoice",
    "Asked",
    "AttributionRequest",
    "CallableTask",
    "Candidate",
    "Cascade",
    "ContractAsked",
    "ContractMeasured",
    "ContractObjective",
    "Control",
    "Judging",
    "Ledger",
    "Live",
    "Onboarded",
    "OptimizeOptions",
    "OptimizeResult",
    "Place",
    "Project",
    "Rules",
    "RunsComparison",
    "Scope",
    "SearchSettings",
    "Spending",
    "SupportReport",
    "SupportRequest",
    "Task",
    "TaskScore",
    "TaskStatus",
    "aggregate_rows",
    "attribute_run",
    "attribution_forecast",
    "candidate_details",
    "compare_ledgers",
    "find_project",
    "forecast",
    "ledger_document",
    "ledger_rows",
    "load_project",
    "onboard_folder",
    "optimize_project",
    "project_schema",
    "read_ledger",
    "report_of",
    "result_document",
    "resume",
    "run_details",
    "summary_rows",
    "support_of",
    "words",
    "write_example",
    "write_scaffold",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.harness.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
